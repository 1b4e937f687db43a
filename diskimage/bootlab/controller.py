"""The other side: CAs, config drive, heartbeats, requests over mutual TLS. What is issued and rendered is amphoractl's."""

import http.client
import json
import os
import pathlib
import secrets
import ssl
import threading
import time
import uuid

from bootlab.failure import LabError
from bootlab.host import find_amphoractl, run, start, stop
from bootlab.machine import AGENT_PORT, MANAGEMENT_MAC

HEARTBEAT_PORT = 5555
#: This machine as a guest of qemu's user-mode network sees it.
HOST_SEEN_BY_GUEST = "10.0.2.2"


class Controller:
    """One controller with CAs and a heartbeat key of its own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._program = find_amphoractl()
        self._environment = {
            "HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder), "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "AMPHORA_PASSPHRASE": secrets.token_hex(16), "AMPHORA_HEARTBEAT_KEY": secrets.token_hex(16),
        }
        self.certificates = self.folder / "amphora" / "certificates"
        self.heartbeats = []
        self._listener = None
        self.ctl("ca", "init")
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bootlab", "-f", self.folder / "ssh-key")

    def ctl(self, *words, timeout=120):
        """Runs amphoractl."""
        return run(self._program, *words, timeout=timeout, env=self._environment)

    def config_drive(self, name, *options, receiver=HOST_SEEN_BY_GUEST):
        """Makes an amphora's config drive; its id and the path of the medium."""
        amphora = str(uuid.uuid4())
        tree, iso = self.folder / f"{name}.drive", self.folder / f"{name}.iso"
        self.ctl("config-drive", amphora, "--output", tree, "--mac", MANAGEMENT_MAC, "--heartbeat-interval", 3,
                 "--receiver", f"{receiver}:{HEARTBEAT_PORT}", "--ssh-key", self.folder / "ssh-key.pub", *options)
        run("genisoimage", "-quiet", "-o", iso, "-ldots", "-allow-lowercase", "-allow-multidot", "-l", "-J", "-r", "-V",
            "config-2", tree)
        iso.chmod(0o600)
        return amphora, iso

    # Heartbeats

    def listen(self, address="127.0.0.1"):
        """Begins to receive; `heartbeats` gets a pair of the time and the verified message for each."""
        errors = open(self.folder / "heartbeats.err", "wb")
        self._listener = start([self._program, "heartbeat", "listen", "--json", "--listen",
                                f"{address}:{HEARTBEAT_PORT}"], stdout=-1, stderr=errors, env=self._environment)
        errors.close()
        threading.Thread(target=self._receive, args=(self._listener.stdout,), daemon=True).start()
        deadline = time.monotonic() + 30
        while b"listening at" not in (self.folder / "heartbeats.err").read_bytes():
            if self._listener.poll() is not None or time.monotonic() > deadline:
                raise LabError(f"amphoractl does not listen: {self.refused()}")
            time.sleep(0.02)

    def _receive(self, stream):
        for line in stream:
            self.heartbeats.append((time.monotonic(), json.loads(line)))

    def refused(self):
        """What the receiver complained of."""
        return (self.folder / "heartbeats.err").read_text(errors="replace").strip()

    def first_heartbeat(self, amphora, since):
        """The time and content of the first one of an amphora after a time; None while there is none."""
        return next((pair for pair in list(self.heartbeats) if pair[0] > since and pair[1]["amphora"] == amphora), None)

    def stop(self):
        """Ends the receiver."""
        stop(self._listener)
        self._listener = None

    # Requests

    def context(self, with_certificate=True):
        """TLS as a controller does it: the server's certificate must be of our CA, ours is shown."""
        context = ssl.create_default_context(cafile=str(self.certificates / "server_ca.pem"))
        # The certificate names the amphora's id; who it is, is checked by `request`.
        context.check_hostname = False
        if with_certificate:
            context.load_cert_chain(self.certificates / "client.pem")
        return context

    def request(self, amphora, path="/", method="GET", body=None, timeout=30, address="127.0.0.1", context=None):
        """One request; status and decoded body. Raises OSError when there is no answer."""
        context = context or self.context()
        connection = http.client.HTTPSConnection(address, AGENT_PORT, timeout=timeout, context=context)
        try:
            connection.request(method, path, body=body)
            names = [value for kind, value in connection.sock.getpeercert().get("subjectAltName", ()) if kind == "DNS"]
            if amphora not in names:
                raise LabError(f"the agent shows a certificate of {names}, not of {amphora}")
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"null")
        except http.client.HTTPException as error:
            raise OSError(f"{type(error).__name__}: {error}") from error
        finally:
            connection.close()


class AnswerWatch:
    """Asks an agent until it answers; `answered` is the time of the first answer.

    A new attempt starts every half second, whatever became of the ones before: an attempt that fell into a moment without
    a network can hang for seconds, and would make the answer look late.
    """

    def __init__(self, controller, amphora, address="127.0.0.1"):
        self.answered = self.info = self.last_error = None
        self._ending = threading.Event()
        self._ask = lambda: controller.request(amphora, "/1.0/info", timeout=4, address=address, context=context)
        context = controller.context()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while not self._ending.is_set():
            threading.Thread(target=self._attempt, daemon=True).start()
            self._ending.wait(0.5)

    def _attempt(self):
        try:
            status, info = self._ask()
        except (OSError, ValueError, LabError) as error:
            self.last_error = error
            return
        now = time.monotonic()
        if status == 200 and self.answered is None:
            self.info, self.answered = info, now
            self._ending.set()

    def stop(self):
        """Asks no more."""
        self._ending.set()
