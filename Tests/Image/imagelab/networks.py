"""The networks in the sandbox: bridges with our addresses as client, gateway and members, and taps for NICs of machines."""

import contextlib
import http.client
import http.server
import socket
import ssl
import threading
import time

from bootlab.host import run

VIP_TAP, VIP_MAC = "vip0", "fa:16:3e:00:00:02"
MEMBER_TAP, MEMBER_MAC = "member0", "fa:16:3e:00:00:03"
#: The second machine of a pair.
PEER_VIP_TAP, PEER_MEMBER_TAP = "vip1", "member1"
STATIC_TAP = "mgmt0"
CLIENT, VIP, VRRP = "203.0.113.1", "203.0.113.10", "203.0.113.4"
CLIENT6, VIP6 = "2001:db8:1::1", "2001:db8:1::10"
AMPHORA_AMONG_MEMBERS = "10.1.0.5"
MEMBERS = {"m1": "10.1.0.101", "m2": "10.1.0.102"}
#: For listeners that the kernel balances: it cannot change the IP version.
MEMBERS6 = {"m1-6": "2001:db8:2::101", "m2-6": "2001:db8:2::102"}
ADDRESSES = MEMBERS | MEMBERS6
MEMBER_PORT = 8080
MEMBER_BRIDGE = "members"
STATIC_HOST, STATIC_AMPHORA = "192.0.2.1", "192.0.2.10"


def build():
    """Makes bridges and taps."""
    for bridge, taps, addresses in (
        ("vips", (VIP_TAP, PEER_VIP_TAP), (CLIENT, CLIENT6)),
        (MEMBER_BRIDGE, (MEMBER_TAP, PEER_MEMBER_TAP), ADDRESSES.values()),
        ("management", (STATIC_TAP,), (STATIC_HOST,)),
    ):
        # Nothing is learned from groups: neighbours must be found at once.
        run("ip", "link", "add", bridge, "type", "bridge", "mcast_snooping", 0)
        for tap in taps:
            run("ip", "tuntap", "add", "dev", tap, "mode", "tap")
            run("ip", "link", "set", tap, "master", bridge, "up")
        run("ip", "link", "set", bridge, "up")
        for address in addresses:
            _address("add", address, bridge)


def _address(verb, address, device):
    words = [f"{address}/64", "nodad"] if ":" in address else [f"{address}/24"]
    run("ip", "addr", verb, *words, "dev", device)


@contextlib.contextmanager
def absent(member):
    """Takes a member's address away for a while: nothing there answers, not even to a ping."""
    _address("del", ADDRESSES[member], MEMBER_BRIDGE)
    try:
        yield
    finally:
        _address("add", ADDRESSES[member], MEMBER_BRIDGE)


def family(address):
    """The socket family of an address."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


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
        self._socket = socket.socket(family(ADDRESSES[name]), socket.SOCK_DGRAM)
        self._socket.bind((ADDRESSES[name], MEMBER_PORT))
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
    with socket.socket(family(address), socket.SOCK_DGRAM) as client:
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
    """Requests one after the other until it is ended; counts what came. `ask` makes one, and returns who answered."""

    def __init__(self, ask=lambda: get()[0]):
        self.answered, self.failed = [], []
        self._ask = ask
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        self._thread.join(30)

    @property
    def outage(self):
        """The longest time between two answers in a row, in seconds."""
        moments = [moment for moment, _ in self.answered]
        return max(later - earlier for earlier, later in zip(moments, moments[1:]))

    def _run(self):
        while not self._ending.is_set():
            try:
                answer = self._ask()
                self.answered.append((time.monotonic(), answer))
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
