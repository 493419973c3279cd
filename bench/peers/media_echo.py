"""Both ends of attachments, for the benchmark of media processes: Asterisk's RTP on one side, users' AudioSocket
servers on the other. It says how old a frame is that has come through.

    python -m bench.peers.media_echo LINKS SECONDS

Standard output: a line with the port of the AudioSocket server; standard input: a line with the RTP port of each link;
then, after so many seconds, standard output: {"sent": .., "ages": [seconds, ..]}.
"""

from __future__ import annotations

import json
import selectors
import socket
import struct
import sys
import time

from bench.peers.media_sender import HOST, digits, ulaw

_AUDIO, _HEAD = 0x10, 3
#: what a u-law code of media_sender is as a sample, and back
_CODES = {}


def _learn() -> None:
    from ari_app.media.g711 import ulaw_decode

    for digit in range(100):
        _CODES[ulaw_decode(bytes([0x80 + digit]))] = digit


def age(frame: bytes) -> float | None:
    """Seconds since it was sent; None: it is none of ours."""
    found = [_CODES.get(frame[at : at + 2]) for at in (0, 2, 4)]
    if None in found:
        return None
    first, second, third = found
    ticks = first * 10_000 + second * 100 + third  # type: ignore[operator]
    now = digits(time.monotonic())
    return ((now[0] * 10_000 + now[1] * 100 + now[2] - ticks) % 1_000_000) / 10_000


class Echo:
    """Both ends of all links."""

    def __init__(self, server: socket.socket, ports: list[int]) -> None:
        self.ages: list[float] = []
        self._selector = selectors.DefaultSelector()
        for _ in ports:
            connection, _ = server.accept()
            connection.setblocking(False)
            self._selector.register(connection, selectors.EVENT_READ, bytearray())
        self.outs = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in ports]
        for out, port in zip(self.outs, ports, strict=True):
            out.connect((HOST, port))

    def read(self, until: float) -> None:
        """Read what comes, until that time."""
        while (left := until - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                assert isinstance(key.fileobj, socket.socket)
                key.data.extend(key.fileobj.recv(65536))
                self._take(key.data)

    def _take(self, rest: bytearray) -> None:
        while len(rest) >= _HEAD:
            kind, length = struct.unpack_from("!BH", rest)
            if len(rest) < _HEAD + length:
                return
            if kind == _AUDIO and (found := age(bytes(rest[_HEAD : _HEAD + 6]))) is not None:
                self.ages.append(found)
            del rest[: _HEAD + length]

    def send(self, link: int, number: int) -> None:
        """A packet."""
        head = struct.pack("!BBHII", 0x80, 0, number & 0xFFFF, number * 160 & 0xFFFFFFFF, link)
        self.outs[link].send(head + ulaw(time.monotonic()))


def main(links: int, seconds: float) -> None:
    _learn()
    server = socket.create_server((HOST, 0), backlog=1024)
    print(server.getsockname()[1], flush=True)
    echo = Echo(server, json.loads(sys.stdin.readline()))
    sent = 0
    begun = time.monotonic() + 0.1
    for number in range(round(seconds * 50)):
        for slot in range(20):
            echo.read(begun + number * 0.02 + slot * 0.001)
            for link in range(slot, links, 20):
                echo.send(link, number)
                sent += 1
    echo.read(time.monotonic() + 0.5)
    print(json.dumps({"sent": sent, "ages": echo.ages}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
