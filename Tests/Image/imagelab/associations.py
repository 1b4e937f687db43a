"""SCTP by hand, over raw sockets, because the kernel here has none: members that acknowledge an INIT, and a client that sends
one (RFC 9260). These two packets are all that a health check needs, and show which member an association goes to."""

import errno
import secrets
import socket
import struct
import threading
import time
import typing

from imagelab.networks import ADDRESSES, MEMBER_PORT, VIP, family

SCTP = 132
INIT, INIT_ACK, ABORT = 1, 2, 6
#: A chunk that carries the receiver's own tag back (RFC 9260 §3.3.7).
REFLECTED = 1
#: The parameter that carries what the member wants to have back; here it is the member's name.
STATE_COOKIE = 7


def checksum(data):
    """CRC-32C (RFC 9260 appendix A)."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


class Packet(typing.NamedTuple):
    """A packet with one chunk."""

    source: int
    destination: int
    tag: int
    chunk: int
    flags: int = 0
    value: bytes = b""

    def encoded(self):
        """The packet on the wire."""
        head = struct.pack("!HHI", self.source, self.destination, self.tag)
        chunk = struct.pack("!BBH", self.chunk, self.flags, 4 + len(self.value)) + self.value + bytes(-len(self.value) % 4)
        return head + struct.pack("<I", checksum(head + bytes(4) + chunk)) + chunk

    @classmethod
    def received(cls, raw):
        """The next packet of a raw socket, and its sender; a wrong checksum is an OSError."""
        data, sender = raw.recvfrom(65536)
        if raw.family == socket.AF_INET:
            # raw(7): the IP header comes too, with IPv4 only.
            data = data[4 * (data[0] & 0x0F):]
        if struct.unpack_from("<I", data, 8)[0] != checksum(data[:8] + bytes(4) + data[12:]):
            raise OSError(errno.EBADMSG, f"the checksum of {data.hex()} is wrong")
        chunk, flags, length = struct.unpack_from("!BBH", data, 12)
        return cls(*struct.unpack_from("!HHI", data), chunk, flags, data[16:12 + length]), sender


def _initiation(tag, more=b""):
    """The value of INIT and INIT ACK: tag, window, streams out and in, first sequence number."""
    return struct.pack("!IIHHI", tag, 106496, 10, 10, _number()) + more


def _number():
    return 1 + secrets.randbelow(0xFFFFFFFF)


class AssociationMember(threading.Thread):
    """A member that acknowledges each INIT, and keeps no association."""

    def __init__(self, name):
        super().__init__(daemon=True)
        self._name = name.encode()
        self._socket = socket.socket(family(ADDRESSES[name]), socket.SOCK_RAW, SCTP)
        self._socket.bind((ADDRESSES[name], 0))
        self._socket.settimeout(0.2)
        #: Whether it answers; otherwise it is as silent as a program that hangs.
        self.is_answering = True
        #: What was wrong with packets.
        self.faults = []
        #: How many associations were ended by the other side, as health checks should.
        self.ended = 0
        self._pending = set()
        self._is_over = threading.Event()
        self.start()

    def run(self):
        """Answers until it is stopped."""
        while not self._is_over.is_set():
            try:
                packet, sender = Packet.received(self._socket)
            except TimeoutError:
                continue
            except OSError as error:
                self.faults.append(str(error))
                continue
            if packet.destination == MEMBER_PORT and self.is_answering:
                self._take(packet, sender)
        self._socket.close()

    def _take(self, packet, sender):
        if packet.chunk == INIT and packet.tag == 0:
            tag, = struct.unpack_from("!I", packet.value)
            cookie = struct.pack("!HH", STATE_COOKIE, 4 + len(self._name)) + self._name
            answer = Packet(MEMBER_PORT, packet.source, tag, INIT_ACK, 0, _initiation(_number(), cookie))
            self._pending.add((sender, packet.source, tag))
            self._socket.sendto(answer.encoded(), sender)
        elif packet.chunk == ABORT and packet.flags == REFLECTED and (sender, packet.source, packet.tag) in self._pending:
            self._pending.remove((sender, packet.source, packet.tag))
            self.ended += 1

    def stop(self):
        """Ends it."""
        self._is_over.set()
        self.join()


def ask_for_association(port, address=VIP, timeout=2):
    """The name of the member that acknowledges an INIT from a new port of ours."""
    source, tag = 1024 + secrets.randbelow(64512), _number()
    deadline = time.monotonic() + timeout
    with socket.socket(family(address), socket.SOCK_RAW, SCTP) as client:
        client.connect((address, 0))
        client.send(Packet(source, port, 0, INIT, 0, _initiation(tag)).encoded())
        while True:
            client.settimeout(max(deadline - time.monotonic(), 0.001))
            packet, _ = Packet.received(client)
            # Every raw socket gets every packet: other associations' are not ours.
            if (packet.source, packet.destination) == (port, source):
                break
    if (packet.chunk, packet.tag) != (INIT_ACK, tag):
        raise OSError(f"answered with chunk {packet.chunk}, tag {packet.tag:#x} instead of {tag:#x}")
    kind, length = struct.unpack_from("!HH", packet.value, 16)
    if kind != STATE_COOKIE:
        raise OSError(f"an acknowledgement without cookie, but with parameter {kind}")
    return packet.value[20:16 + length].decode()
