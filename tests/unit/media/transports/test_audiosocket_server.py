"""AudioSocket over real sockets; the clock is the test's own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from uuid import UUID

import pytest

from ari_app.errors import CommandRefused, Conflict
from ari_app.media.frames import FRAME_BYTES
from ari_app.media.transports.audiosocket import Kind, Message, Parser, build
from ari_app.media.transports.audiosocket_server import NAME_LIMIT, NO_RATES, AudioSocketServer
from ari_app.media.transports.pacing import Ticker
from ari_app.media.transports.port import Direction
from tests.unit.media.transports.ears import CLOCKS, Clock, Listener

HOST = "127.0.0.1"
CALL = UUID("40325ec2-5efd-4bd3-805f-53576e581d13")
OTHER = UUID("40325ec2-5efd-4bd3-805f-53576e581d14")


class Peer:
    """What Asterisk does: connects, and says which call it is."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer, self.parser = reader, writer, Parser()
        self.parser.feed(build(Message(Kind.ID, CALL.bytes)))  # ours does not name itself
        self.messages: list[Message] = []

    def send(self, *messages: Message) -> None:
        self.writer.write(b"".join(map(build, messages)))

    async def receive(self) -> Message | None:
        """The next message; None at the end."""
        while not self.messages:
            try:
                data = await self.reader.read(4096)
            except ConnectionError:
                data = b""
            if not data:
                return None
            self.messages += self.parser.feed(data)
        return self.messages.pop(0)


class Bench:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.ticker = Ticker(self.clock)
        self.server = AudioSocketServer(clock=self.clock, ticker=self.ticker, reader=clock.reader)
        self.ear = Listener()
        self.peers: list[Peer] = []

    async def connect(self, uuid: UUID | None = CALL) -> Peer:
        peer = Peer(*await asyncio.open_connection(*self.address))
        self.peers.append(peer)
        if uuid is not None:
            peer.send(Message(Kind.ID, uuid.bytes))
        return peer


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


@pytest.fixture(params=CLOCKS)
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    made = Bench(request.param())
    made.address = await made.server.open(HOST)
    yield made
    for peer in made.peers:
        peer.writer.transport.abort()
    await made.server.close()
    await until(lambda: not made.server.connections)
    assert not made.clock.reader  # no connections


def frame(index: int) -> bytes:
    return bytes([index, 0]) * (FRAME_BYTES // 2)


async def test_both_ways(bench: Bench) -> None:
    attachment = bench.server.expect(CALL, bench.ear)
    said = b"".join(map(frame, range(10)))
    attachment.say(said)
    bench.clock.advance(1.0)  # nobody has connected: it waits
    peer = await bench.connect()
    # cut elsewhere than at frames: Asterisk sends what its codec gives
    peer.send(*(Message(Kind.AUDIO_8K, said[at : at + 400]) for at in range(0, len(said), 400)))
    await until(lambda: len(bench.ear.got) == 10)
    assert bench.ear.got == [frame(at) for at in range(10)]
    bench.clock.advance(0.2001)
    assert [await peer.receive() for _ in range(10)] == [Message(Kind.AUDIO_8K, frame(at)) for at in range(10)]
    traffic = attachment.traffic()
    assert (traffic.frames_in, traffic.frames_lost, traffic.frames_out, traffic.quality) == (10, 0, 10, None)
    attachment.close("the call is over")
    assert await peer.receive() == Message(Kind.HANGUP)
    assert await peer.receive() is None
    assert bench.ear.reasons == ["the call is over"]
    assert len(bench.ticker) == 0


async def test_sixteen_kilohertz_both_ways(bench: Bench) -> None:
    attachment = bench.server.expect(CALL, bench.ear, pieces=2)
    said = b"".join(map(frame, range(9)))
    attachment.say(said)
    peer = await bench.connect()
    peer.send(*(Message(Kind.AUDIO_16K, said[at : at + 640]) for at in range(0, len(said), 640)))
    await until(lambda: len(bench.ear.got) == 9)
    assert bench.ear.got == [frame(at) for at in range(9)]
    for at in range(0, len(said), 640):
        bench.clock.advance(0.0201)
        assert await peer.receive() == Message(Kind.AUDIO_16K, said[at : at + 640])
    traffic = attachment.traffic()
    assert (traffic.frames_in, traffic.frames_out, traffic.refused) == (4, 4, 0)


async def test_an_asterisk_that_names_every_rate_8_khz(bench: Bench) -> None:
    attachment = bench.server.expect(CALL, bench.ear, pieces=2)
    peer = await bench.connect()
    await until(lambda: attachment.connected)
    peer.send(Message(Kind.AUDIO_8K, frame(1) * 2))
    await until(lambda: bench.ear.reasons)
    assert (bench.ear.got, bench.ear.reasons) == ([], [NO_RATES])


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        (Message(Kind.HANGUP), "Asterisk has hung up"),
        (Message(Kind.ERROR, b"\4"), "Asterisk told an error"),
        (None, "Asterisk has closed the connection"),
    ],
)
async def test_the_other_side_ends_it(bench: Bench, last: Message | None, reason: str) -> None:
    attachment = bench.server.expect(CALL, bench.ear)
    peer = await bench.connect()
    await until(lambda: attachment.connected)
    if last is None:
        peer.writer.close()
    else:
        peer.send(last)
    await until(lambda: bench.ear.reasons)
    assert bench.ear.reasons == [reason]
    with pytest.raises(CommandRefused, match="over"):
        attachment.say(frame(0))
    bench.server.expect(CALL, Listener())  # its name is free again


async def test_garbage_ends_its_own_attachment(bench: Bench) -> None:
    other = Listener()
    bench.server.expect(CALL, bench.ear)
    bench.server.expect(OTHER, other)
    bad, good = await bench.connect(), await bench.connect(OTHER)
    bad.writer.write(b"\x10\x00\x03odd")
    await until(lambda: bench.ear.reasons)
    assert "half a sample" in bench.ear.reasons[0]
    good.send(Message(Kind.AUDIO_8K, frame(1)))
    await until(lambda: other.got)
    assert other.reasons == []


async def test_a_listener_that_fails_ends_its_own_attachment(bench: Bench) -> None:
    attachment = bench.server.expect(CALL, bench.ear)
    bench.ear.fails = True
    peer = await bench.connect()
    peer.send(Message(Kind.AUDIO_8K, frame(1)), Message(Kind.AUDIO_8K, frame(2)))
    await until(lambda: attachment.over)
    assert bench.ear.reasons == ["the listener failed"]


@pytest.mark.parametrize("first", [b"GET / HTTP/1.1\r\n\r\n", build(Message(Kind.ID, OTHER.bytes)), b"\0\0\0"])
async def test_whoever_names_no_call_is_sent_away(bench: Bench, first: bytes) -> None:
    attachment = bench.server.expect(CALL, bench.ear)
    peer = await bench.connect(None)
    peer.writer.write(first)
    assert await peer.receive() is None
    assert not attachment.connected
    assert bench.ear.reasons == []


async def test_a_call_is_claimed_once(bench: Bench) -> None:
    attachment = bench.server.expect(CALL, bench.ear)
    await bench.connect()
    await until(lambda: attachment.connected)
    assert await (await bench.connect()).receive() is None
    assert bench.ear.reasons == []
    with pytest.raises(Conflict):
        bench.server.expect(CALL, Listener())


async def test_whoever_says_nothing_is_sent_away(bench: Bench) -> None:
    peer = await bench.connect(None)
    await until(lambda: bench.server.connections)
    bench.clock.advance(NAME_LIMIT + 0.1)
    assert await peer.receive() is None


async def test_a_peer_that_does_not_read_costs_no_memory(bench: Bench) -> None:
    attachment = bench.server.expect(CALL, bench.ear)
    await bench.connect()
    await until(lambda: attachment.connected)
    offered = taken = 0
    while taken == offered:  # until the sockets, and then the box, are full
        offered += 50 * FRAME_BYTES
        taken += attachment.say(bytes(50 * FRAME_BYTES))
        bench.clock.advance(1.0)
    sent = attachment.traffic().frames_out
    bench.clock.advance(10.0)
    assert attachment.traffic().frames_out == sent
    attachment.close()  # and nothing waits for it
    await until(lambda: not bench.server.connections)


async def test_audio_of_another_rate_is_refused(bench: Bench) -> None:
    attachment = bench.server.expect(CALL, bench.ear, direction=Direction.LISTEN)
    peer = await bench.connect()
    peer.send(Message(Kind.AUDIO_16K, bytes(640)), Message(Kind.DTMF, b"1"), Message(Kind.AUDIO_8K, frame(3)))
    await until(lambda: bench.ear.got)
    assert bench.ear.got == [frame(3)]
    assert attachment.traffic().refused == 1
    assert len(bench.ticker) == 0


async def test_the_server_ends_all(bench: Bench) -> None:
    bench.server.expect(CALL, bench.ear)
    peer = await bench.connect()
    await bench.server.close()
    await peer.receive()
    assert bench.ear.reasons == ["the server stops"]
