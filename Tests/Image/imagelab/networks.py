"""The networks as taps in the sandbox: this side is client, gateway and members, the other is a NIC of the machine."""

import http.client
import http.server
import socket
import ssl
import threading
import time

from bootlab.host import run

VIP_TAP, VIP_MAC = "vip0", "fa:16:3e:00:00:02"
MEMBER_TAP, MEMBER_MAC = "member0", "fa:16:3e:00:00:03"
STATIC_TAP = "mgmt0"
CLIENT, VIP, VRRP = "203.0.113.1", "203.0.113.10", "203.0.113.4"
AMPHORA_AMONG_MEMBERS = "10.1.0.5"
MEMBERS = {"m1": "10.1.0.101", "m2": "10.1.0.102"}
MEMBER_PORT = 8080
STATIC_HOST, STATIC_AMPHORA = "192.0.2.1", "192.0.2.10"


def build():
    """Makes the taps with our addresses."""
    for tap, addresses in {
        VIP_TAP: [f"{CLIENT}/24"], MEMBER_TAP: [f"{address}/24" for address in MEMBERS.values()],
        STATIC_TAP: [f"{STATIC_HOST}/24"],
    }.items():
        run("ip", "tuntap", "add", "dev", tap, "mode", "tap")
        for address in addresses:
            run("ip", "addr", "add", address, "dev", tap)
        run("ip", "link", "set", tap, "up")


class _Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536

    def do_GET(self):
        """Answers with the member's name."""
        body = self.server.name.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nobody reads it."""


class Member(http.server.ThreadingHTTPServer):
    """A member that answers HTTP with its name."""

    request_queue_size = 256
    daemon_threads = True

    def __init__(self, name):
        super().__init__((MEMBERS[name], MEMBER_PORT), _Answer)
        self.name = name
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        """Health checks hang up as soon as they know enough."""


class DatagramMember(threading.Thread):
    """A member that answers each datagram with its name."""

    def __init__(self, name):
        super().__init__(daemon=True)
        self._name = name
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((MEMBERS[name], MEMBER_PORT))
        self._socket.settimeout(0.2)
        self._is_over = threading.Event()
        self.start()

    def run(self):
        """Answers until it is stopped."""
        while not self._is_over.is_set():
            try:
                _, client = self._socket.recvfrom(2048)
            except TimeoutError:
                continue
            self._socket.sendto(self._name.encode(), client)
        self._socket.close()

    def stop(self):
        """Closes the port: whoever asks then hears that nobody listens."""
        self._is_over.set()
        self.join()


def ask_datagram(port, address=VIP, timeout=2):
    """The answer to one datagram from a new port of ours."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(timeout)
        client.connect((address, port))
        client.send(b"who?")
        return client.recv(2048).decode()


def get(port=80, address=VIP, tls=False, timeout=5):
    """One request on a new connection: the body, and the server's certificate as PEM when it is TLS."""
    raw = socket.create_connection((address, port), timeout)
    certificate = None
    try:
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            raw = context.wrap_socket(raw, server_hostname="www.example.com")
            certificate = ssl.DER_cert_to_PEM_cert(raw.getpeercert(binary_form=True))
        connection = http.client.HTTPConnection(address, timeout=timeout)
        connection.sock = raw
        connection.request("GET", "/", headers={"Connection": "close"})
        answer = connection.getresponse()
        body = answer.read().decode()
        if answer.status != 200:
            raise OSError(f"status {answer.status}")
        return body, certificate
    except http.client.HTTPException as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
    finally:
        raw.close()


def bodies(port=80, count=6, **options):
    """The different bodies of several requests."""
    return {get(port, **options)[0] for _ in range(count)}


class Load:
    """Requests one after the other until it is ended; counts what came."""

    def __init__(self, port=80):
        self.answered, self.failed = [], []
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(port,), daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        self._thread.join(30)

    def _run(self, port):
        while not self._ending.is_set():
            try:
                self.answered.append((time.monotonic(), get(port)[0]))
            except OSError as error:
                self.failed.append((time.monotonic(), repr(error)))
            self._ending.wait(0.02)


def is_refused(address, port, timeout=2):
    """Whether nobody listens at a TCP port."""
    try:
        socket.create_connection((address, port), timeout).close()
        return False
    except ConnectionRefusedError:
        return True
