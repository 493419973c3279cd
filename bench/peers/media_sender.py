"""Asterisk's part for the media benchmark: 50 frames a second on each of many channels, spread over each 20 ms, and
whatever comes back is counted. A process of its own; plain sockets, so that it costs as little as may be.

    python -m bench.peers.media_sender rtp|websocket|audiosocket CHANNELS SECONDS CORE

Standard input: where to: a port for each channel, a line each, and one of anything (rtp); a line of JSON with port and
uuids (audiosocket); a line of anything when all are connected (websocket). Standard output: a line
{"port": ..} (websocket), then {"sent": .., "received": .., "late": ..}.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import struct
import sys
import time
import uuid

HOST = "127.0.0.1"
SLOTS = 20  # milliseconds of a period, each with its share of the channels
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def digits(now: float) -> tuple[int, int, int]:
    """A time in 0.1 ms, modulo 100 s, in three digits of base 100."""
    ticks = int(now * 10_000) % 1_000_000
    return ticks // 10_000, ticks // 100 % 100, ticks % 100


def slin(now: float) -> bytes:
    return struct.pack("<3h", *digits(now)) + bytes(314)


def ulaw(now: float) -> bytes:
    return bytes(0x80 + digit for digit in digits(now)) + b"\xff" * 157


class Peers:
    """A socket for each channel."""

    #: bytes of one frame that comes back
    size: int

    def __init__(self) -> None:
        self.sockets: list[socket.socket] = []
        self.bytes = 0
        self._buffer = bytearray(65536)

    def add(self, connection: socket.socket) -> None:
        if connection.type == socket.SOCK_STREAM:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        self.sockets.append(connection)

    def came(self, channel: int, size: int) -> None:
        """So many bytes, in the buffer."""
        self.bytes += size

    @property
    def received(self) -> int:
        """Frames."""
        return self.bytes // self.size

    def drain(self, channel: int) -> None:
        """Read what has come back on one. No selector: what one costs the other side is not the other side's."""
        try:
            self.came(channel, self.sockets[channel].recv_into(self._buffer))
            if self.sockets[channel].type == socket.SOCK_DGRAM:
                while True:
                    self.came(channel, self.sockets[channel].recv_into(self._buffer))
        except BlockingIOError:
            pass


class Rtp(Peers):
    """A socket for each channel, as Asterisk has."""

    size = 172

    def __init__(self, channels: int) -> None:
        """One channel after the other is told its port, and says a first packet."""
        super().__init__()
        for channel in range(channels):
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            made.bind((HOST, 0))
            made.connect((HOST, int(sys.stdin.readline())))
            self.add(made)
            self.send(channel, -1, time.monotonic())

    def send(self, channel: int, number: int, now: float) -> None:
        head = struct.pack("!BBHII", 0x80, 0, number & 0xFFFF, number * 160 & 0xFFFFFFFF, channel)
        self.sockets[channel].send(head + ulaw(now))


class AudioSocket(Peers):
    size = 323

    def __init__(self, wanted: dict[str, object]) -> None:
        super().__init__()
        names = wanted["uuids"]
        assert isinstance(names, list)
        for name in names:
            connection = socket.create_connection((HOST, int(str(wanted["port"]))))
            connection.sendall(struct.pack("!BH", 1, 16) + uuid.UUID(name).bytes)
            self.add(connection)

    def send(self, channel: int, number: int, now: float) -> None:
        self.sockets[channel].send(struct.pack("!BH", 0x10, 320) + slin(now))


class Websocket(Peers):
    size = 320

    def __init__(self, channels: int) -> None:
        super().__init__()
        self._due = [0] * channels  # bytes of the message that has begun
        server = socket.create_server((HOST, 0), backlog=4096)
        print(json.dumps({"port": server.getsockname()[1]}), flush=True)
        for _ in range(channels):
            connection, _ = server.accept()
            asked = b""
            while b"\r\n\r\n" not in asked:
                asked += connection.recv(4096)
            key = next(line for line in asked.decode().split("\r\n") if line.lower().startswith("sec-websocket-key"))
            accept = base64.b64encode(hashlib.sha1((key.partition(": ")[2] + _GUID).encode()).digest()).decode()
            connection.sendall(
                f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: media\r\n\r\n".encode()
            )
            self.add(connection)

    def came(self, channel: int, size: int) -> None:
        """Counts what is sound: messages are as long as their heads say, masked, of 126 bytes at least."""
        at = 0
        while at < size:
            if self._due[channel] == 0:
                assert self._buffer[at : at + 2] == b"\x82\xfe", "no message of audio"
                self._due[channel] = int.from_bytes(self._buffer[at + 2 : at + 4], "big")
                at += 8
            part = min(self._due[channel], size - at)
            self._due[channel] -= part
            self.bytes += part
            at += part

    def send(self, channel: int, number: int, now: float) -> None:
        self.sockets[channel].send(b"\x82\x7e\x01\x40" + slin(now))


def main(transport: str, channels: int, seconds: float, core: int) -> None:
    os.sched_setaffinity(0, {core})
    side: Rtp | AudioSocket | Websocket
    if transport == "websocket":
        side = Websocket(channels)
        sys.stdin.readline()  # all are connected
    elif transport == "rtp":
        side = Rtp(channels)
        sys.stdin.readline()
    else:
        side = AudioSocket(json.loads(sys.stdin.readline()))
    begun = time.monotonic() + 0.1
    late = sent = 0
    for number in range(round(seconds * 50)):
        for slot in range(SLOTS):
            due = begun + number * 0.02 + slot * 0.001
            pause = due - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            elif pause < -0.005:
                late += 1
            for channel in range(slot, channels, SLOTS):
                side.send(channel, number, time.monotonic())
                sent += 1
                side.drain(channel)
    time.sleep(0.1)
    for channel in range(channels):
        side.drain(channel)
    print(json.dumps({"sent": sent, "received": side.received, "late": late}), flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
