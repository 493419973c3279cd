"""A network of the benchmark's own: loopback, and none of the machine's rules for packets.

A machine that runs Docker looks each packet up in tables of connections and of translated addresses, on loopback too;
that is no part of what is measured.
"""

from __future__ import annotations

import ctypes
import fcntl
import socket
import struct

#: of sched.h, if.h and sockios.h
_NEW_NETWORK, _UP, _SET_FLAGS = 0x40000000, 0x1, 0x8914


def of_its_own() -> bool:
    """Have this thread, and the processes that it starts from now on, in a network where there is nothing but loopback.
    False where that may not be done (it takes root, and Linux): then nothing has changed."""
    unshare = getattr(ctypes.CDLL(None, use_errno=True), "unshare", None)
    if unshare is None or unshare(_NEW_NETWORK) != 0:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SET_FLAGS, struct.pack("16sH14s", b"lo", _UP, b""))
    return True
