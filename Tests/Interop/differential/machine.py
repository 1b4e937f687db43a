"""One of the two machines: boots it with one of the agents, and does with it what a script says."""

import fcntl
import http.client
import os
import pathlib
import shlex
import socket
import ssl
import struct
import time

from lab.commands import run, wait_until
from lab.container import Container

PORT = 9443
#: Longer than anything an agent may take for a request, in seconds.
PATIENCE = 200
#: How long a machine has for what a step waits for, in seconds; some is expected never to come in one of them.
WAIT = 25
#: What a machine shows for `/sys/bus/pci/rescan`.
RESCAN = "run/pci-rescan"
#: From linux/if_tun.h; IFF_TAP | IFF_NO_PI.
TUNSETIFF, IFF_TAP_NO_PI = 0x400454CA, 0x1002


class Solitary(Container):
    """A container whose NICs lead nowhere, so that both may have the same addresses.

    They are TAP devices, which look like a VM's: upstream's boot script takes names from `ip -br link`, and of a veth it would
    take the peer's number as part of the name.
    """

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._taps = {}

    def _wire(self, pid, bridge, mac, name):
        self._close(name)
        self._taps[name] = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(self._taps[name], TUNSETIFF, struct.pack("16sH22x", f"{self.name}-{name}".encode(), IFF_TAP_NO_PI))
        run("ip", "link", "set", f"{self.name}-{name}", "address", mac)
        run("ip", "link", "set", f"{self.name}-{name}", "name", name, "netns", pid)

    def _close(self, name):
        if name in self._taps:
            os.close(self._taps.pop(name))

    def remove(self):
        for name in list(self._taps):
            self._close(name)
        super().remove()


class Machine:
    """A container with an agent."""

    def __init__(self, name, root, management_address):
        self.name = name
        self.container = Solitary(name, management_address, pathlib.Path(root))
        #: What its requests have taken so far.
        self.seconds = 0.0

    def boot(self, files, tls):
        """Writes the files that a controller delivers, boots, and waits until the agent answers."""
        self._tls = tls
        for path, text in files.items():
            self.container.write(path, text, 0o660)
        self.container.boot()
        self._start()

    def _start(self):
        # Where a machine rescans its PCI bus. In a container it could be read only, which no amphora's is.
        self.container.execute("sh", "-c", f"echo untouched > /{RESCAN} && mount --bind /{RESCAN} /sys/bus/pci/rescan")
        wait_until(f"{self.name} answers", lambda: self._has_answer(True), 90)

    @property
    def root(self):
        """The machine's files as its init sees them."""
        return pathlib.Path(f"/proc/{self.container.pid}/root")

    @property
    def namespace(self):
        """The handle of its traffic namespace."""
        return self.root / "run/netns/amphora-haproxy"

    # Steps

    def perform(self, step):
        """Does a step; returns the answer to a request, else nothing, and whether what it waits for came."""
        result = getattr(self, f"_{step.kind}")(step)
        for what, value in step.until.items():
            result[f"until {what} {value}"] = self._waited(what, value)
        return result

    def _request(self, step):
        method, path = step.what.split(" ", 1)
        start = time.monotonic()
        try:
            return self.request(method, path, step.body, step.type)
        finally:
            self.seconds += time.monotonic() - start

    def _plug(self, step):
        self.container.plug(None, step.what["mac"], step.what["name"])
        return {}

    def _run(self, step):
        self.container.execute(*shlex.split(step.what), check=False)
        return {}

    def _write(self, step):
        self.container.write(step.what["path"], step.what["text"], 0o600)
        return {}

    def _reboot(self, step):
        self.container.reboot()
        self._start()
        return {}

    def _await(self, step):
        return {f"{what} {value}": self._waited(what, value) for what, value in step.what.items()}

    def _waited(self, what, value):
        try:
            wait_until(f"{what} {value}", lambda: getattr(self, f"_has_{what}")(value), WAIT)
        except AssertionError:
            return f"not within {WAIT} s"
        return "came"

    def _has_unit(self, unit):
        return self.container.state(unit) == "active"

    def _has_address(self, address):
        return f" {address}/" in run("nsenter", f"--net={self.namespace}", "ip", "-o", "addr")

    def _has_no_address(self, address):
        return not self._has_address(address)

    def _has_answer(self, _):
        return self.request("GET", "//", None, None)["status"] == "200"

    def request(self, method, path, body, content_type):
        """Sends a request; returns what of the answer may be compared. No answer is an answer too."""
        connection = http.client.HTTPSConnection(
            self.container.management_address, PORT, timeout=PATIENCE, context=self._tls)
        headers = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate", "Connection": "keep-alive"}
        if content_type is not None:
            headers["Content-Type"] = content_type
        try:
            connection.request(method, path, body, headers)
            return _answer(connection.getresponse())
        except (OSError, http.client.HTTPException) as error:
            return {"status": f"none ({type(error).__name__})", "headers": {}, "body": b""}
        finally:
            connection.close()

    def _raw(self, step):
        try:
            with socket.create_connection((self.container.management_address, PORT), 10) as plain:
                with self._tls.wrap_socket(plain) as connection:
                    connection.sendall(step.what.replace("\n", "\r\n").encode())
                    response = http.client.HTTPResponse(connection)
                    response.begin()
                    return _answer(response)
        except (OSError, http.client.HTTPException) as error:
            return {"status": f"none ({type(error).__name__})", "headers": {}, "body": b""}

    # Power

    def remove(self):
        """Ends it and removes its disk."""
        self.container.remove()


def _answer(response):
    names = ("content-type", "etag", "connection", "allow", "location")
    headers = {name: response.headers[name] for name in names if response.headers[name] is not None}
    return {"status": str(response.status), "headers": headers, "body": response.read()}


def tls(client, server_ca):
    """How controllers connect: TLS 1.2 only, with a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(os.fspath(server_ca))
    context.load_cert_chain(os.fspath(client))
    return context
