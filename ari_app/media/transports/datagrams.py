"""Many datagrams in one system call: recvmmsg and sendmmsg of Linux, which Python has no names for.

A call for each datagram costs more than all that is done with what is in it.
"""

from __future__ import annotations

import ctypes
import socket
import sys
from collections.abc import Iterator
from errno import EAGAIN, EINTR
from typing import NamedTuple

import numpy as np

#: Datagrams of one call, and bytes of one: what is longer is cut, and no RTP of 20 ms is.
TOGETHER, SIZE = 64, 2048
#: Bytes of a sockaddr_in, and of a control message with a timestamp: its head is 16, a timespec 16.
_NAME, _CONTROL = 16, 32
#: Of asm-generic/socket.h: the kernel notes when a datagram came, in nanoseconds since the epoch.
_SO_TIMESTAMPNS = 35
_DONTWAIT = int(getattr(socket, "MSG_DONTWAIT", 0))

#: struct mmsghdr of a 64-bit Linux
_HEADER = np.dtype(
    {
        "names": ["name", "name_length", "pieces", "piece_count", "control", "control_length", "flags", "length"],
        "formats": ["u8", "u4", "u8", "u8", "u8", "u8", "i4", "u4"],
        "offsets": [0, 8, 16, 24, 32, 40, 48, 56],
        "itemsize": 64,
    }
)
_PIECE = np.dtype([("at", "u8"), ("length", "u8")])


class _Calls(NamedTuple):
    receive: ctypes._NamedFuncPointer
    send: ctypes._NamedFuncPointer


def _find() -> _Calls | None:
    if sys.platform != "linux" or sys.maxsize < 1 << 32 or sys.byteorder != "little":
        return None
    try:
        library = ctypes.CDLL(None, use_errno=True)
        return _Calls(library.recvmmsg, library.sendmmsg)
    except (OSError, AttributeError):
        return None


_CALLS = _find()
#: Whether this machine can.
AVAILABLE = _CALLS is not None


def note_arrivals(sock: socket.socket) -> None:
    """Have the kernel note when each datagram comes. Raises OSError."""
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


_new = tuple.__new__


class Arrived(NamedTuple):
    """A datagram."""

    source: int  # an IPv4 address and port, as key_of has it
    at: float  # seconds since the epoch; 0.0 if the kernel did not say
    data: bytes


def key_of(address: tuple[str, int]) -> int:
    """A number for an IPv4 address and port. Raises OSError for another kind of address."""
    return int.from_bytes(_sockaddr(address)[:8], "little")


def address_of(key: int) -> tuple[str, int]:
    """The address and port of a number."""
    raw = key.to_bytes(8, "little")
    return socket.inet_ntoa(raw[4:]), int.from_bytes(raw[2:4], "big")


def _sockaddr(address: tuple[str, int]) -> bytes:
    host, port = address
    family = int(socket.AF_INET).to_bytes(2, sys.byteorder)
    return family + port.to_bytes(2, "big") + socket.inet_aton(host) + bytes(8)


class _Block:
    """Memory for TOGETHER datagrams, laid out as the kernel wants it."""

    def __init__(self, *, control: bool) -> None:
        self.data = np.zeros((TOGETHER, SIZE), np.uint8)
        self.names = np.zeros((TOGETHER, _NAME // 8), np.uint64)
        self.control = np.zeros((TOGETHER, _CONTROL // 8), np.int64)
        self.pieces = np.zeros(TOGETHER, _PIECE)
        rows = np.arange(TOGETHER, dtype=np.uint64)
        self.pieces["at"] = self.data.ctypes.data + rows * SIZE
        self.pieces["length"] = SIZE
        self.headers = np.zeros(TOGETHER, _HEADER)
        self.headers["name"] = self.names.ctypes.data + rows * _NAME
        self.headers["name_length"] = _NAME
        self.headers["pieces"] = self.pieces.ctypes.data + rows * _PIECE.itemsize
        self.headers["piece_count"] = 1
        if control:
            self.headers["control"] = self.control.ctypes.data + rows * _CONTROL
            self.headers["control_length"] = _CONTROL
        #: as they are before a call: the kernel writes into them
        self.fresh = self.headers.copy()
        self.at = self.headers.ctypes.data
        self.lengths = self.pieces["length"]
        self.raw = self.data.data.cast("B")


class Receiver:
    """Reads sockets (UDP, IPv4) that have note_arrivals. One for a process; its memory is used again by each call."""

    def __init__(self) -> None:
        """Raises OSError if this machine has no recvmmsg."""
        if _CALLS is None:
            raise OSError("no recvmmsg here")
        self._receive = _CALLS.receive
        self._block = _Block(control=True)

    def drain(self, sock: socket.socket) -> Iterator[Arrived]:
        """What waits in a socket, in order; at most TOGETHER datagrams a turn. Errors of the socket end it: those of
        UDP tell of a datagram that was sent, and are gone when they were told."""
        block = self._block
        count = TOGETHER
        while count == TOGETHER:
            block.headers[:] = block.fresh
            count = self._receive(sock.fileno(), ctypes.c_void_p(block.at), TOGETHER, _DONTWAIT, None)
            if count <= 0:
                return
            sources = block.names[:count, 0].tolist()
            lengths = block.headers["length"][:count].tolist()
            noted = block.headers["control_length"][:count].tolist()
            stamps = (block.control[:count, 2] + block.control[:count, 3] * 1e-9).tolist()
            raw, start = block.raw, 0
            for source, length, at, control in zip(sources, lengths, stamps, noted, strict=True):
                # tuple's own, as a packet must cost little; it is what Arrived(..) does
                yield _new(Arrived, (source, at if control == _CONTROL else 0.0, bytes(raw[start : start + length])))
                start += SIZE


class Sender:
    """Writes to sockets (UDP, IPv4). One for a process."""

    def __init__(self) -> None:
        """Raises OSError if this machine has no sendmmsg."""
        if _CALLS is None:
            raise OSError("no sendmmsg here")
        self._send = _CALLS.send
        self._block = _Block(control=False)
        self._to: list[int] = []
        self._sizes: list[int] = []

    def put(self, to: int, data: bytes) -> None:
        """Put a datagram to what is sent next; TOGETHER at most, of SIZE bytes at most. Raises ValueError for more."""
        size, start = len(data), len(self._to) * SIZE
        if size > SIZE or start == TOGETHER * SIZE:
            raise ValueError(f"{size} bytes, after {len(self._to)} datagrams")
        self._block.raw[start : start + size] = data
        self._sizes.append(size)
        self._to.append(to)

    @property
    def full(self) -> bool:
        """What was put has to be sent before there is more."""
        return len(self._to) == TOGETHER

    def send(self, sock: socket.socket) -> int:
        """Send what was put. Returns the number of datagrams that the system did not take: nobody sends them again,
        as of any datagram that is lost."""
        first, count, refused = 0, len(self._to), 0
        self._block.names[:count, 0] = self._to
        self._block.lengths[:count] = self._sizes
        self._to.clear()
        self._sizes.clear()
        while first < count:
            at = ctypes.c_void_p(self._block.at + first * _HEADER.itemsize)
            sent = self._send(sock.fileno(), at, count - first, _DONTWAIT)
            if sent > 0:
                first += sent
                continue
            error = ctypes.get_errno()
            if error == EINTR:
                continue
            if error == EAGAIN:
                return refused + count - first
            # one that cannot be sent (no route, say) is no reason for those behind it
            first += 1
            refused += 1
        return refused
