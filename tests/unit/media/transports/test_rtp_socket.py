"""RTP over real sockets: the clock is the test's own, so that jitter and loss are what the sender makes them."""

import asyncio
import math
import random
import socket
import struct
from collections.abc import AsyncIterator

import numpy as np
import pytest

from ari_app.clock import ManualClock
from ari_app.errors import CommandRefused
from ari_app.media import g711
from ari_app.media.frames import FRAME_BYTES, FRAME_SAMPLES, RATE
from ari_app.media.transports.pacing import Ticker
from ari_app.media.transports.port import Direction
from ari_app.media.transports.rtp import L16_16K, PCMA, PCMU, Packet, build, parse
from ari_app.media.transports.rtp_socket import KNOCK_EVERY, UNHEARD, RtpSocket, open_rtp
from tests.unit.media.transports.ears import Listener

HOST = "127.0.0.1"


def tone(frames: int, hertz: float = 1000.0, level: int = 8000) -> bytes:
    count = frames * FRAME_SAMPLES
    return struct.pack(f"={count}h", *(round(level * math.sin(2 * math.pi * hertz * n / RATE)) for n in range(count)))


def measure(samples: bytes) -> tuple[float, float]:
    """The strongest frequency in hertz, and the level (rms)."""
    values = np.frombuffer(samples, np.int16).astype(float)
    spectrum = np.abs(np.fft.rfft(values * np.hanning(len(values))))
    return float(np.argmax(spectrum) * RATE / len(values)), float(np.sqrt(np.mean(values**2)))


class Bench:
    """An attachment, its clock, and a peer that is a plain socket."""

    def __init__(self) -> None:
        self.clock = ManualClock(1000.0)
        self.ticker = Ticker(self.clock)
        self.ear = Listener()
        self.peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.peer.bind((HOST, 0))
        self.peer.setblocking(False)
        self.opened: list[RtpSocket] = []

    async def open(self, **options: object) -> RtpSocket:
        rtp = await open_rtp(self.ear, clock=self.clock, ticker=self.ticker, host=HOST, **options)
        self.opened.append(rtp)
        return rtp

    async def deliver(self, rtp: RtpSocket, data: bytes, sender: socket.socket | None = None) -> None:
        """Send a datagram, and wait until the attachment has seen it."""
        before = rtp.traffic()
        seen = before.refused + before.quality.received + before.quality.duplicates
        (sender or self.peer).sendto(data, rtp.address)
        while True:
            now = rtp.traffic()
            if now.refused + now.quality.received + now.quality.duplicates > seen:
                return
            await asyncio.sleep(0)

    async def receive(self) -> Packet:
        data = await asyncio.get_running_loop().sock_recv(self.peer, 2048)
        packet = parse(data)
        assert packet is not None
        return packet


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    for rtp in made.opened:
        rtp.close()
    made.peer.close()
    await asyncio.sleep(0)  # the sockets close in the next turn of the loop


def packets(samples: bytes, payload_type: int = PCMU) -> list[bytes]:
    encode = g711.ulaw_encode if payload_type == PCMU else g711.alaw_encode
    coded = encode(samples)
    return [
        build(Packet(payload_type, (65_500 + at) % 65536, 160 * at, 77, coded[160 * at : 160 * at + 160]))
        for at in range(len(coded) // 160)
    ]


@pytest.mark.parametrize("payload_type", [PCMU, PCMA])
async def test_a_tone_in_is_heard_as_it_was(bench: Bench, payload_type: int) -> None:
    rtp = await bench.open(direction=Direction.LISTEN)
    for data in packets(tone(100), payload_type):
        bench.clock.advance(0.02)
        await bench.deliver(rtp, data)
    hertz, level = measure(b"".join(filter(None, bench.ear.got)))
    assert len(bench.ear.got) == 100
    assert hertz == pytest.approx(1000, abs=1)
    assert level == pytest.approx(8000 / math.sqrt(2), rel=0.02)
    assert rtp.traffic().frames_lost == 0
    assert rtp.traffic().quality.mos > 4.3


async def test_five_percent_of_loss_and_sixty_ms_of_jitter(bench: Bench) -> None:
    rtp = await bench.open()
    dice = random.Random(5)
    sent = [(at * 0.02 + (dice.uniform(0, 0.06) if at else 0), data) for at, data in enumerate(packets(tone(1000)))]
    lost = set(dice.sample(range(1, 995), 50))
    arrivals = sorted(each for at, each in enumerate(sent) if at not in lost)
    begun = bench.clock.now()
    for at, data in arrivals:
        bench.clock.advance(max(0.0, begun + at - bench.clock.now()))
        await bench.deliver(rtp, data)
    rtp.close()
    assert [at for at, frame in enumerate(bench.ear.got) if frame is None] == sorted(lost)
    assert len(bench.ear.got) == 1000
    traffic = rtp.traffic()
    assert (traffic.frames_lost, traffic.quality.lost, traffic.quality.expected) == (50, 50, 1000)
    # two delays drawn evenly from 60 ms differ by 20 ms in the mean, which the jitter tends to
    assert 0.01 < traffic.quality.jitter < 0.03
    assert traffic.quality.reordered > 100
    assert traffic.quality.mos < 4.2


@pytest.mark.parametrize("payload_type", [PCMU, PCMA])
async def test_what_is_said_goes_out_at_fifty_a_second(bench: Bench, payload_type: int) -> None:
    rtp = await bench.open(direction=Direction.SPEAK, payload_type=payload_type, peer=bench.peer.getsockname())
    said = tone(50)
    assert rtp.say(said) == len(said)
    got = []
    for _ in range(50):
        bench.clock.advance(0.0200001)
        got.append(await bench.receive())
    first = got[0]
    assert [packet.sequence for packet in got] == [(first.sequence + at) % 65536 for at in range(50)]
    assert [packet.timestamp for packet in got] == [(first.timestamp + 160 * at) % 2**32 for at in range(50)]
    assert [packet.marker for packet in got] == [True] + [False] * 49
    decode = g711.ulaw_decode if payload_type == PCMU else g711.alaw_decode
    hertz, level = measure(b"".join(decode(packet.payload) for packet in got))
    assert hertz == pytest.approx(1000, abs=1)
    assert level == pytest.approx(8000 / math.sqrt(2), rel=0.02)
    assert rtp.traffic().frames_out == 50


async def test_silence_is_not_sent_but_counted(bench: Bench) -> None:
    rtp = await bench.open(peer=bench.peer.getsockname())
    rtp.say(bytes(FRAME_BYTES))
    bench.clock.advance(0.0201)
    before = await bench.receive()
    bench.clock.advance(0.2)
    rtp.say(bytes(FRAME_BYTES))
    bench.clock.advance(0.02)
    after = await bench.receive()
    assert (after.sequence - before.sequence) % 65536 == 1
    assert (after.timestamp - before.timestamp) % 2**32 == 160 * 11
    assert after.marker


async def test_it_answers_whom_it_heard_first_and_refuses_the_rest(bench: Bench) -> None:
    rtp = await bench.open()
    rtp.say(bytes(FRAME_BYTES))
    bench.clock.advance(0.1)  # nobody is known yet: it waits
    await bench.deliver(rtp, b"garbage")
    await bench.deliver(rtp, packets(tone(1))[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind((HOST, 0))
        await bench.deliver(rtp, packets(tone(2))[1], stranger)
    assert len(bench.ear.got) == 1
    assert rtp.traffic().refused == 2
    bench.clock.advance(0.02)
    await bench.receive()


async def test_a_listener_that_fails_ends_its_own_attachment(bench: Bench) -> None:
    rtp, other = await bench.open(), await bench.open()
    bench.ear.fails = True
    await bench.deliver(rtp, packets(tone(1))[0])
    assert bench.ear.reasons == ["the listener failed"]
    with pytest.raises(CommandRefused):
        rtp.say(bytes(FRAME_BYTES))
    bench.ear.fails = False
    await bench.deliver(other, packets(tone(1))[0])
    assert len(bench.ear.got) == 1


async def test_the_end_comes_once_and_leaves_the_ticker(bench: Bench) -> None:
    rtp = await bench.open()
    await bench.deliver(rtp, packets(tone(3))[0])
    await bench.deliver(rtp, packets(tone(3))[2])
    assert len(bench.ear.got) == 1
    rtp.close("the call is over")
    rtp.close()
    await asyncio.sleep(0)
    assert bench.ear.reasons == ["the call is over"]
    assert bench.ear.got[1] is None
    assert len(bench.ear.got) == 3
    assert len(bench.ticker) == 0
    with pytest.raises(CommandRefused):
        _ = rtp.address


async def test_what_only_listens_says_nothing(bench: Bench) -> None:
    rtp = await bench.open(direction=Direction.LISTEN)
    with pytest.raises(CommandRefused, match="only listens"):
        rtp.say(bytes(FRAME_BYTES))
    assert len(bench.ticker) == 0


async def test_what_does_not_fit_is_not_taken(bench: Bench) -> None:
    rtp = await bench.open()
    assert rtp.say(bytes(2000 * FRAME_BYTES)) == 1000 * FRAME_BYTES
    assert rtp.hush() == 1000 * FRAME_BYTES


async def test_a_codec_that_is_not_spoken(bench: Bench) -> None:
    with pytest.raises(ValueError, match="payload_type"):
        await bench.open(payload_type=18)


async def test_a_named_peer_whose_port_is_closed(bench: Bench) -> None:
    """It may open it late, and is taken for gone after a hundred packets that nobody took."""
    peer = bench.peer.getsockname()
    bench.peer.close()
    rtp = await bench.open(peer=peer)
    for _ in range(10 * UNHEARD):
        rtp.say(tone(1))
        bench.clock.advance(0.02)
        await asyncio.sleep(0)
        if rtp.over:
            break
    assert rtp.traffic().refused == UNHEARD
    assert bench.ear.reasons == ["nobody listens at that port"]


async def test_sixteen_kilohertz_both_ways(bench: Bench) -> None:
    """L16, the high byte first; and G.711 is not taken for it."""
    rtp = await bench.open(payload_type=L16_16K)
    sound = np.arange(-3200, 3200, dtype="<i2")
    for at in range(20):
        payload = sound[320 * at : 320 * at + 320].astype(">i2").tobytes()
        bench.clock.advance(0.02)
        await bench.deliver(rtp, build(Packet(L16_16K, at, 320 * at, 77, payload)))
    await bench.deliver(rtp, packets(tone(1))[0])
    assert b"".join(filter(None, bench.ear.got)) == sound.tobytes()
    traffic = rtp.traffic()
    assert (traffic.frames_in, traffic.frames_lost, traffic.refused) == (20, 0, 1)
    assert traffic.quality is not None
    assert rtp.say(sound.tobytes()) == 2 * len(sound)
    assert rtp.waiting == 20
    heard = b""
    for _ in range(20):
        bench.clock.advance(0.02)
        packet = await bench.receive()
        heard += packet.payload
        assert (packet.payload_type, len(packet.payload)) == (L16_16K, 640)
    assert np.array_equal(np.frombuffer(heard, ">i2"), sound)
    assert (rtp.traffic().frames_out, rtp.waiting) == (20, 0)


async def test_a_peer_that_only_speaks_learns_where_to(bench: Bench) -> None:
    """A packet of silence a second, until it has said something."""
    rtp = await bench.open(direction=Direction.LISTEN, peer=bench.peer.getsockname())
    for _ in range(2):
        bench.clock.advance(KNOCK_EVERY * 0.02)
        assert g711.ulaw_decode((await bench.receive()).payload) == bytes(FRAME_BYTES)
    await bench.deliver(rtp, packets(tone(1))[0])
    bench.clock.advance(2.0)
    assert len(bench.ticker) == 0
    assert len(bench.ear.got) == 1
    with pytest.raises(BlockingIOError):
        bench.peer.recv(2048)
