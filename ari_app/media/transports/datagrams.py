"""Many datagrams in one system call: recvmmsg and sendmmsg of Linux, which Python has no names for.

A call for each datagram costs more than all that is done with what is in it.
"""

from __future__ import annotations

import ctypes
import socket
import sys
from errno import EAGAIN, EINTR
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Datagrams of one call, and bytes of one: what is longer is cut, and no RTP of 20 ms is.
TOGETHER, SIZE = 64, 2048
#: Bytes that are kept apart: the head of an RTP packet, and 20 ms of G.711.
HEAD, PAYLOAD = 12, 160
#: Datagrams that are read before they are looked at, at most.
ROWS = 16 * TOGETHER
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
        receive, send = library.recvmmsg, library.sendmmsg
    except (OSError, AttributeError):
        return None
    receive.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p)
    send.argtypes = receive.argtypes[:4]
    return _Calls(receive, send)


_CALLS = _find()
#: Whether this machine can.
AVAILABLE = _CALLS is not None


def note_arrivals(sock: socket.socket) -> None:
    """Have the kernel note when each datagram comes. Raises OSError."""
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


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


def _messages(count: int, names: NDArray[np.uint64], pieces: NDArray[np.void], control: int) -> NDArray[np.void]:
    """A mmsghdr for each row. `pieces`: those of each, in order; `control`: where control messages go, 0 for none."""
    rows = np.arange(count, dtype=np.uint64)
    headers = np.zeros(count, _HEADER)
    headers["name"] = names.ctypes.data + rows * _NAME
    headers["name_length"] = _NAME
    headers["pieces"] = pieces.ctypes.data + rows * pieces.strides[0]
    headers["piece_count"] = pieces.shape[1]
    if control:
        headers["control"] = control + rows * _CONTROL
        headers["control_length"] = _CONTROL
    return headers


class Receiver:
    """Reads sockets (UDP, IPv4) that have note_arrivals, one datagram a row, until all of it is looked at together.

    The kernel lays the head and the sound of an RTP packet of 20 ms of G.711 apart, so that those of all rows are one
    block of memory each. One for a process; `clear` lets the next reading use the memory again.
    """

    def __init__(self) -> None:
        """Raises OSError if this machine has no recvmmsg."""
        if _CALLS is None:
            raise OSError("no recvmmsg here")
        self._receive = _CALLS.receive
        #: rows that are filled
        self.count = 0
        self.heads = np.zeros((ROWS, HEAD), np.uint8)
        self.payloads = np.zeros((ROWS, PAYLOAD), np.uint8)
        self._tails = np.zeros((ROWS, SIZE - HEAD - PAYLOAD), np.uint8)
        self._names = np.zeros((ROWS, _NAME // 8), np.uint64)
        self._control = np.zeros((ROWS, _CONTROL // 8), np.int64)
        self._pieces = np.zeros((ROWS, 3), _PIECE)
        rows = np.arange(ROWS, dtype=np.uint64)
        for number, part in enumerate((self.heads, self.payloads, self._tails)):
            self._pieces["at"][:, number] = part.ctypes.data + rows * part.shape[1]
            self._pieces["length"][:, number] = part.shape[1]
        headers = _messages(ROWS, self._names, self._pieces, self._control.ctypes.data)
        self._at = headers.ctypes.data
        self._lengths, self._noted = headers["length"], headers["control_length"]
        #: as 64-bit words: now, and as they are before a call, since the kernel writes into them
        self._headers = headers.view(np.uint64).reshape(ROWS, -1)
        self._fresh = self._headers.copy()

    @property
    def full(self) -> bool:
        """There is no room for what one more call may read."""
        return self.count + TOGETHER > ROWS

    def receive(self, sock: socket.socket) -> int:
        """Read what waits in a socket, in order. Returns the number of datagrams: if it is TOGETHER, more may wait.
        Errors of the socket end it: those of UDP tell of a datagram that was sent, and are gone when they were told."""
        at = self._at + self.count * _HEADER.itemsize
        count: int = max(0, self._receive(sock.fileno(), at, TOGETHER, _DONTWAIT, None))
        self.count += count
        return count

    @property
    def sources(self) -> NDArray[np.uint64]:
        """Of each row, an IPv4 address and port, as key_of has it."""
        return self._names[: self.count, 0]

    @property
    def lengths(self) -> NDArray[np.uint32]:
        """Of each row, the bytes of the datagram."""
        found: NDArray[np.uint32] = self._lengths[: self.count]
        return found

    def arrivals(self, otherwise: float) -> NDArray[np.float64]:
        """Of each row, when it came, in seconds since the epoch; `otherwise` where the kernel did not say."""
        count = self.count
        stamps = self._control[:count, 2] + self._control[:count, 3] * 1e-9
        return np.where((self._noted[:count] == _CONTROL) & (stamps != 0), stamps, otherwise)

    def data(self, row: int) -> bytes:
        """The datagram of a row."""
        whole: bytes = self.heads[row].tobytes() + self.payloads[row].tobytes()
        length = int(self._lengths[row])
        if length > len(whole):
            whole += self._tails[row, : length - len(whole)].tobytes()
        return whole[:length]

    def clear(self) -> None:
        """All rows are empty."""
        self._headers[: self.count] = self._fresh[: self.count]
        self.count = 0


class Sender:
    """Writes to sockets (UDP, IPv4) datagrams of one size, which stay in their rows from one time to the next."""

    def __init__(self, size: int) -> None:
        """`size`: bytes of a datagram. Raises OSError if this machine has no sendmmsg."""
        if _CALLS is None:
            raise OSError("no sendmmsg here")
        self._send = _CALLS.send
        self._size = size
        self.data = np.zeros((0, size), np.uint8)
        self._names = np.zeros((0, _NAME // 8), np.uint64)
        self._next = self._headers = np.zeros((0, _HEADER.itemsize // 8), np.uint64)

    def room(self, rows: int) -> None:
        """Have so many rows, at least as many as now; what is in those that were there stays. `data` is another one
        then."""
        before = len(self.data)
        data, names = np.zeros((rows, self._size), np.uint8), np.zeros((rows, _NAME // 8), np.uint64)
        data[:before], names[:before] = self.data, self._names
        self._pieces = np.zeros((rows, 1), _PIECE)
        self._pieces["at"][:, 0] = data.ctypes.data + np.arange(rows, dtype=np.uint64) * self._size
        self._pieces["length"] = self._size
        self.data, self._names = data, names
        self._headers = _messages(rows, names, self._pieces, 0).view(np.uint64).reshape(rows, -1)

    def address(self, row: int, to: int) -> None:
        """The datagrams of a row go there (key_of)."""
        self._names[row, 0] = to

    def choose(self, rows: NDArray[np.intp]) -> None:
        """The datagrams of these are sent next."""
        self._next = self._headers[rows]

    def send(self, sock: socket.socket, first: int, last: int) -> int:
        """Send, of those that were chosen, from the first to before the last. Returns the number of datagrams that the
        system did not take: nobody sends them again, as of any datagram that is lost."""
        refused, start, number = 0, self._next.ctypes.data, sock.fileno()
        while first < last:
            sent = self._send(number, start + first * _HEADER.itemsize, last - first, _DONTWAIT)
            if sent > 0:
                first += sent
                continue
            error = ctypes.get_errno()
            if error == EINTR:
                continue
            if error == EAGAIN:
                return refused + last - first
            # one that cannot be sent (no route, say) is no reason for those behind it
            first += 1
            refused += 1
        return refused
