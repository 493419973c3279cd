"""The SIP messages on loopback, with the kernel's own times: a packet socket with a filter, nothing to install.

    with capture("127.1.2.3") as wire:          # messages to and from this address and SIP's port
        ...
    wire.messages()

Reading takes about 15 microseconds a message, and when it is late the times are still those at which the kernel passed
the packet on. Needs root (CAP_NET_RAW), as Docker mostly does too.
"""

from __future__ import annotations

import ctypes
import ipaddress
import re
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.harness.net import SIP_PORT

_IP = 0x0800
_PACKET_OUTGOING = 4
_SO_ATTACH_FILTER, _SO_RCVBUFFORCE, _SO_TIMESTAMPNS = 26, 33, 35
_SOL_PACKET, _PACKET_STATISTICS = 263, 6
_BUFFER = 64 * 1024 * 1024
#: where the kernel lets a filter read the packet's direction (SKF_AD_OFF + SKF_AD_PKTTYPE)
_DIRECTION = 0x100000000 - 0x1000 + 4


@dataclass(frozen=True)
class Seen:
    """A SIP message on the wire.

    at: seconds of the epoch. what: method of a request, status of a response ("200"). method: of the transaction.
    called: user part of a request's address. caller: user part of From.
    """

    at: float
    source: str
    target: str
    what: str
    method: str
    call_id: str
    caller: str
    called: str


class Capture:
    """What has been seen. `start` and `stop` are called by `capture`."""

    def __init__(self, address: str, port: int) -> None:
        self._packets: list[tuple[float, bytes]] = []
        self._stopping = False
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_IP))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        _attach(self._socket, _filter(address, port))
        self._socket.bind(("lo", _IP))
        self._socket.settimeout(0.2)
        self._thread = threading.Thread(target=self._read, name="capture", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Raises RuntimeError when the kernel had to drop packets: then nothing can be said."""
        self._stopping = True
        self._thread.join()
        _, dropped = struct.unpack("II", self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        self._socket.close()
        if dropped:
            raise RuntimeError(f"the capture lost {dropped} packets")

    def _read(self) -> None:
        while not self._stopping:
            try:
                data, ancillary, _, _ = self._socket.recvmsg(65536, 64)
            except TimeoutError:
                continue
            (_, _, stamp) = ancillary[0]
            seconds, nanoseconds = struct.unpack("qq", stamp)
            self._packets.append((seconds + nanoseconds / 1e9, data))

    def messages(self) -> list[Seen]:
        """Everything so far, in order; repeated messages (SIP over UDP does that) included."""
        return [seen for at, packet in self._packets if (seen := _parse(at, packet)) is not None]


@contextmanager
def capture(address: str, port: int = SIP_PORT) -> Iterator[Capture]:
    """Capture until the block is left. Raises PermissionError without CAP_NET_RAW."""
    wire = Capture(address, port)
    wire.start()
    try:
        yield wire
    finally:
        wire.stop()


# --- filter: classic BPF, offsets from the IP header

_LOAD_WORD, _LOAD_BYTE, _LOAD_HALF_X, _HEADER_LENGTH, _EQUAL, _RETURN = 0x20, 0x30, 0x48, 0xB1, 0x15, 0x06


def _filter(address: str, port: int) -> Sequence[tuple[int, int, int, int]]:
    """UDP from or to address and port, once each: loopback shows a packet as it leaves and as it arrives."""
    ip = int(ipaddress.IPv4Address(address))
    return (
        (_LOAD_WORD, 0, 0, _DIRECTION),
        (_EQUAL, 11, 0, _PACKET_OUTGOING),
        (_LOAD_BYTE, 0, 0, 9),
        (_EQUAL, 0, 9, socket.IPPROTO_UDP),
        (_LOAD_WORD, 0, 0, 12),
        (_EQUAL, 2, 0, ip),
        (_LOAD_WORD, 0, 0, 16),
        (_EQUAL, 0, 5, ip),
        (_HEADER_LENGTH, 0, 0, 0),
        (_LOAD_HALF_X, 0, 0, 0),
        (_EQUAL, 3, 0, port),
        (_LOAD_HALF_X, 0, 0, 2),
        (_EQUAL, 1, 0, port),
        (_RETURN, 0, 0, 0),
        (_RETURN, 0, 0, 65535),
    )


def _attach(target: socket.socket, program: Sequence[tuple[int, int, int, int]]) -> None:
    code = b"".join(struct.pack("HBBI", *step) for step in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    pointer = ctypes.addressof(buffer)
    target.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", len(program), pointer))


# --- SIP

_FIRST_LINE = re.compile(rb"(?:SIP/2\.0 (\d{3})|(\w+) sips?:(?:([^@>;\s]*)@)?)")
_CALL_ID = re.compile(rb"^(?:Call-ID|i): *(\S+)", re.MULTILINE | re.IGNORECASE)
_CSEQ = re.compile(rb"^CSeq: *\d+ (\w+)", re.MULTILINE | re.IGNORECASE)
_FROM = re.compile(rb"^(?:From|f):[^\n]*?sips?:([^@>;\s]*)@", re.MULTILINE | re.IGNORECASE)


def _parse(at: float, packet: bytes) -> Seen | None:
    header = (packet[0] & 15) * 4
    text = packet[header + 8 :]
    first, call_id, cseq = _FIRST_LINE.match(text), _CALL_ID.search(text), _CSEQ.search(text)
    if first is None or call_id is None or cseq is None:
        return None
    caller = _FROM.search(text)
    status, request, called = first.groups()
    return Seen(
        at=at,
        source=socket.inet_ntoa(packet[12:16]),
        target=socket.inet_ntoa(packet[16:20]),
        what=(status or request).decode(),
        method=cseq.group(1).decode(),
        call_id=call_id.group(1).decode(),
        caller=caller.group(1).decode() if caller else "",
        called=called.decode() if called else "",
    )
