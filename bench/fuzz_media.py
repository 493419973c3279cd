"""Hostile input for the parsers of the media plane: `python -m bench.fuzz_media --inputs 10000000 --seed 1`.

Bytes at random, and valid messages with bytes changed, cut, doubled and put together. A parser may refuse whatever
comes; what it may not do is raise, or hold more than its bound. Ends with 1 and the input when one does.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable
from time import monotonic
from urllib.parse import urlsplit
from uuid import UUID

import numpy as np
from websockets.frames import Frame, Opcode

from ari_app.media.targets import TargetError, parse
from ari_app.media.transports import audiosocket, chan_websocket, rtp
from ari_app.media.transports.audiosocket import Kind, Message
from ari_app.media.transports.rtp_frames import DECODERS, DEPTH, Depacketiser
from ari_app.media.transports.rtp_streams import STREAM, compiled
from ari_app.media.transports.websocket import Cutter

_SEEDS = [
    rtp.build(rtp.Packet(0, 1, 160, 7, bytes(160))),
    b"\xb1\x80\x00\x02\x00\x00\x01\x40\x00\x00\x00\x07\x00\x00\x00\x09\xbe\xde\x00\x01\x10\xff\x00\x00" + bytes(20),
    audiosocket.build(Message(Kind.ID, UUID(int=5).bytes)) + audiosocket.build(Message(Kind.AUDIO_8K, bytes(320))),
    audiosocket.build(Message(Kind.HANGUP)) + audiosocket.build(Message(Kind.DTMF, b"5")),
    chan_websocket.tell(chan_websocket.Event.START, format="slin", ptime=20).encode(),
    chan_websocket.order(chan_websocket.Command.FLUSH).encode(),
    b"wss://me:secret@[2001:db8::1]:443/path?query#part",
    b"rtp://192.0.2.1:4000",
    Frame(Opcode.BINARY, bytes(320)).serialize(mask=True),
    Frame(Opcode.PING, b"ping").serialize(mask=False),
]
#: bytes of a message
LIMIT = 1000


def hostile(chance: random.Random) -> bytes:
    """One input."""
    if chance.random() < 0.2:
        return chance.randbytes(chance.randrange(64))
    data = bytearray(chance.choice(_SEEDS))
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0 if at < len(data):
                data[at] = chance.randrange(256)
            case 1:
                del data[at:]
            case 2:
                data[at:at] = chance.choice(_SEEDS)
            case _:
                data[at:at] = chance.randbytes(4)
    return bytes(data)


def of_streams(data: bytes) -> None:
    """What is compiled, of a stream that any packet with a head may go on with."""
    if compiled is None:
        return
    streams, whole = np.zeros(1, STREAM), np.zeros((1, 172), np.uint8)
    whole[0, : len(data)] = bytearray(data[:172])
    if len(data) >= rtp.HEADER.size:
        _, _, *head = rtp.HEADER.unpack(data[: rtp.HEADER.size])
        streams["sequence"], streams["timestamp"], streams["ssrc"] = head
    streams["expected"] = True
    heads, payloads, length = whole[:, :12].copy(), whole[:, 12:].copy(), np.array([len(data)], np.uint32)
    _, heard, left = compiled.take(streams, (0,), heads, payloads, length, np.zeros(1))
    assert len(heard) + len(left) == 1
    if heard:
        packet = rtp.parse(data)
        assert packet is not None
        assert heard == [DECODERS[packet.payload_type](packet.payload)]


def parsers() -> list[Callable[[bytes], None]]:
    """What is given every input. Streams go on over several inputs, and begin anew when they are broken."""
    frames, stream, cutter = Depacketiser(), audiosocket.Parser(), Cutter(LIMIT)

    def of_rtp(data: bytes) -> None:
        packet = rtp.parse(data)
        if packet is not None:
            frames.push(packet)
            assert len(frames._order._held) < DEPTH

    def of_audiosocket(data: bytes) -> None:
        nonlocal stream
        stream.feed(data)
        assert len(stream._rest) <= audiosocket.MAX_PAYLOAD + audiosocket.HEADER.size
        if stream.broken:
            stream = audiosocket.Parser()

    def of_websocket(data: bytes) -> None:
        nonlocal cutter
        _, _, well = cutter.cut(data)
        assert len(cutter._rest) < LIMIT + 14
        if not well:
            cutter = Cutter(LIMIT)

    def of_control(data: bytes) -> None:
        chan_websocket.read_event(data)
        chan_websocket.read_command(data)

    def of_target(data: bytes) -> None:
        try:
            target = parse(data.decode("latin-1"))
        except TargetError:
            return
        assert target.host
        assert 0 < target.port < 65536
        assert urlsplit(target.shown).password is None

    return [of_rtp, of_streams, of_audiosocket, of_websocket, of_control, of_target]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    chance, each, begun = random.Random(given.seed), parsers(), monotonic()
    for number in range(given.inputs):
        data = hostile(chance)
        for parse_it in each:
            try:
                parse_it(data)
            except Exception as error:
                print(f"input {number}, {parse_it.__name__}: {error!r}: {data!r}", file=sys.stderr)
                return 1
    print(f"{given.inputs} inputs to {len(each)} parsers in {monotonic() - begun:.0f} s: nothing raised")
    return 0


if __name__ == "__main__":
    sys.exit(main())
