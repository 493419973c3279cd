"""What all calls do together has the results of what each would do alone, whatever comes and however it is read."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ari_app.clock import ManualClock
from ari_app.media.frames import FRAME_BYTES, Frame
from ari_app.media.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from ari_app.media.transports import rtp_streams
from ari_app.media.transports.datagrams import ROWS, TOGETHER, Receiver
from ari_app.media.transports.pacing import PERIOD, Ticker
from ari_app.media.transports.port import Direction
from ari_app.media.transports.reception import Quality, Reception
from ari_app.media.transports.rtp import PCMA, PCMU, Packet, build, parse
from ari_app.media.transports.rtp_frames import Depacketiser, Packetiser
from ari_app.media.transports.rtp_shared import PER_PORT, RtpPorts, SharedRtp
from ari_app.media.transports.rtp_streams import STREAM
from tests.unit.media.transports.ears import Listener

pytestmark = pytest.mark.skipif(not RtpPorts.available(), reason="no recvmmsg here")

HOST = "127.0.0.1"
DTMF, COMFORT_NOISE = 101, 13
#: who looks after the streams: compiled code, where it was built, and numpy
WAYS = {"numpy": None} | ({} if rtp_streams.compiled is None else {"compiled": rtp_streams.compiled})


@pytest.fixture(params=WAYS, scope="module", autouse=True)
def way(request: pytest.FixtureRequest) -> Iterator[str]:
    """Everything here holds for both."""
    before, rtp_streams.compiled = rtp_streams.compiled, WAYS[request.param]
    yield request.param
    rtp_streams.compiled = before


#: from where, what, and when
Datagram = tuple[int, bytes, float]


class Scripted(Receiver):
    """Reads what the test has put, with the time of arrival that it says."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: dict[int, list[Datagram]] = {}

    def receive(self, sock: socket.socket) -> int:
        come = self.waiting.setdefault(sock.fileno(), [])
        for row, (source, data, at) in enumerate(come[:TOGETHER], self.count):
            for part, start in ((self.heads, 0), (self.payloads, 12), (self._tails, 172)):
                piece = data[start : start + part.shape[1]]
                part[row, : len(piece)] = bytearray(piece)
            self._names[row, 0], self._lengths[row] = source, len(data)
            self._control[row, 2], self._control[row, 3] = int(at), round(at % 1 * 1e9)
        count = min(len(come), TOGETHER)
        del come[:count]
        self.count += count
        return count


@dataclass
class Alone:
    """A stream that is looked after for itself: what is right."""

    reception: Reception = field(default_factory=Reception)
    depacketiser: Depacketiser = field(default_factory=Depacketiser)
    heard: list[Frame] = field(default_factory=list)
    refused: int = 0

    def take(self, data: bytes, at: float) -> None:
        packet = parse(data)
        if packet is None:
            self.refused += 1
        elif self.reception.arrived(packet, int(at) + round(at % 1 * 1e9) * 1e-9):
            self.heard += self.depacketiser.push(packet)


class World:
    def __init__(self) -> None:
        self.clock = ManualClock(1000.0)
        self.ticker = Ticker(self.clock)
        self.ports = RtpPorts(clock=self.clock, ticker=self.ticker, host=HOST)
        self.receiver = self.ports._receiver = Scripted()
        self.calls: list[tuple[SharedRtp, Listener, Alone]] = []

    def call(self, ear: Listener | None = None, direction: Direction = Direction.BOTH, law: int = PCMU) -> SharedRtp:
        """One that nothing has come of."""
        heard = ear or Listener()
        made = self.ports.open(heard, direction=direction, payload_type=law)
        self.calls.append((made, heard, Alone()))
        return made

    def come(self, number: int, data: bytes, at: float) -> None:
        """It waits to be read."""
        call, _, alone = self.calls[number]
        if not call.over:
            self.receiver.waiting.setdefault(call._port.socket.fileno(), []).append((number + 1, data, at))
            alone.take(data, at)

    def same(self) -> None:
        """The results are those of each alone."""
        for call, ear, alone in self.calls:
            assert ear.got == alone.heard
            traffic = call.traffic()
            assert traffic.quality == alone.reception.quality()
            assert (traffic.frames_in, traffic.refused) == (len(alone.heard), alone.refused)
            assert traffic.frames_lost == alone.heard.count(None)


class Phone:
    """Sends nearly all as it should be, and anything that may happen to it."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.law = dice.choice((PCMU, PCMU, PCMA))
        self.ssrc = dice.getrandbits(32)
        self.sequence, self.timestamp = dice.choice((0, 65_500)), dice.choice((0, 2**32 - 800))
        self.at = 1_700_000_000 + dice.random()
        self.trouble = dice.choice((0.0, 0.02, 0.2))

    def next(self) -> list[tuple[float, bytes]]:
        """What comes of its next packet, and when."""
        dice = self.dice
        happens = dice.choice(KINDS) if dice.random() < self.trouble else ""
        self.skip(happens)
        kind, size = self.kind(happens)
        packet = Packet(kind, self.sequence % 65_536, self.timestamp % 2**32, self.ssrc, dice.randbytes(size))
        data = build(packet._replace(marker=happens == "marker"))
        came = self.at + dice.random() * dice.choice((0.0, 0.002, 0.06))
        self.sequence += 1
        self.timestamp += 160 if kind == DTMF else size
        self.at += 0.02
        return [(came + later, one) for later, one in self.sent(happens, data)]

    def skip(self, happens: str) -> None:
        dice = self.dice
        match happens:
            case "pause":
                self.timestamp += 160 * dice.randrange(1, 5)
            case "clock":
                self.timestamp += dice.choice((-160, 1, 16_000))
            case "jump":
                self.sequence += dice.choice((-50, 2, 3000, 30_000))
            case "restart":
                self.ssrc, self.sequence = dice.getrandbits(32), dice.randrange(65_536)

    def kind(self, happens: str) -> tuple[int, int]:
        """Payload type and bytes of payload."""
        others = {
            "size": (self.law, self.dice.choice((0, 1, 80, 159, 161, 240, 480, 1600))),
            "digit": (DTMF, 4),
            "noise": (COMFORT_NOISE, 1),
            "law": (PCMU + PCMA - self.law, 160),
            "foreign": (self.dice.choice((3, 9, 96)), 160),
        }
        return others.get(happens, (self.law, 160))

    def sent(self, happens: str, data: bytes) -> list[tuple[float, bytes]]:
        """Datagrams, and the seconds by which they are late."""
        dice = self.dice
        match happens:
            case "csrc":
                return [(0, bytes([data[0] | 2]) + data[1:12] + bytes(8) + data[12:])]
            case "padding":
                return [(0, bytes([data[0] | 0x20]) + data[1:-1] + b"\x04")]
            case "garbage":
                return [(0, dice.randbytes(dice.randrange(200))), (0, data)]
            case "twice":
                return [(0, data), (dice.random() * 0.05, data)]
            case "lost":
                return []
        return [(0, data)]


KINDS = (
    *("pause", "size", "digit", "noise", "law", "foreign", "restart", "jump", "clock", "marker", "csrc", "padding"),
    *("garbage", "lost", "lost", "twice"),
)


@given(st.integers(0, 2**32), st.integers(1, PER_PORT + 8), st.sampled_from([0.005, 0.01, 0.1, 5.0]))
@example(1, PER_PORT + 8, 0.01)
@example(2, 3, 5.0)
def test_together_is_as_alone(seed: int, calls: int, every: float) -> None:
    """Whatever is lost, late, twice, of another size, law or stream; read often, or rarely and much at once."""
    world, dice = World(), random.Random(seed)
    try:
        come = []
        for number in range(calls):
            world.call()
            phone = Phone(dice)
            world.come(number, build(Packet(PCMU, 65_000, 5, 1, b"\xff" * 160)), phone.at - 0.02)
            world.ports.read()
            come += [(at, number, data) for _ in range(40) for at, data in phone.next()]
        come.sort()
        until = 0.0
        for at, number, data in come:
            if at > until:
                world.ports.read()
                until = at + every
                if dice.random() < 0.05:
                    world.same()  # to ask changes nothing
            world.come(number, data, at)
        world.ports.read()
        world.same()
    finally:
        world.ports.close()


def steady(number: int, index: int) -> bytes:
    """A packet of a stream without trouble."""
    return build(Packet(PCMU, index % 65_536, 160 * index, number, bytes([(number + index) % 251]) * 160))


def talking(world: World, calls: int, ears: dict[int, Listener] | None = None) -> None:
    """So many calls, each with its first two packets."""
    for number in range(calls):
        world.call((ears or {}).get(number))
        world.come(number, steady(number, 0), 1000.0)
        world.ports.read()
        world.come(number, steady(number, 1), 1000.02)
    world.ports.read()


@pytest.fixture
def world():
    made = World()
    yield made
    made.ports.close()


def test_streams_that_go_on_are_looked_after_together(world: World) -> None:
    """That is what it is for: nothing of them goes the long way."""
    talking(world, 40)
    for call, _, _ in world.calls:
        call.packet = None  # type: ignore[assignment,method-assign]  # whoever calls it fails
    for index in range(2, 300):
        for number in range(40):
            world.come(number, steady(number, index), 1000 + 0.02 * index)
        world.ports.read()
    assert world.calls[0][0].traffic().quality == world.calls[0][2].reception.quality()
    world.same()


def test_more_than_there_is_memory_for(world: World) -> None:
    """All of them at once are more rows than are read in one go, and each call's packets are in order."""
    talking(world, PER_PORT)
    for index in range(2, 2 + 2 * ROWS // PER_PORT):
        for number in range(PER_PORT):
            world.come(number, steady(number, index), 1000 + 0.02 * index)
    world.ports.read()
    world.same()


class Ending(Listener):
    """Ends a call when it hears, or fails."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: SharedRtp | None = None

    def frames(self, frames: Sequence[Frame]) -> None:
        super().frames(frames)
        if self.ends is not None:
            self.ends.close("ended by another")


@pytest.mark.parametrize("other", [0, 9, 19])
def test_a_call_that_is_ended_by_what_another_hears(world: World, other: int) -> None:
    ear = Ending()
    talking(world, 20, {9: ear})
    for number in range(20):
        world.come(number, steady(number, 2), 1000.04)
    ended = ear.ends = world.calls[other][0]
    row, alone = ended.row, world.calls[other][2]
    world.ports.read()
    assert ended.over
    # what was before it in the block has been heard, what was after it not
    assert len(world.calls[other][1].got) == (3 if other <= 9 else 2)
    assert (ended.traffic().frames_in, ended.row) == (len(alone.heard), 0)
    assert row in world.ports._freed
    for number in set(range(20)) - {other}:
        assert world.calls[number][1].got == world.calls[number][2].heard


def test_a_listener_that_fails_ends_its_own_call(world: World) -> None:
    ear = Listener()
    talking(world, 20, {9: ear})
    ear.fails = True
    for number in range(20):
        world.come(number, steady(number, 2), 1000.04)
    world.ports.read()
    assert [call.over for call, _, _ in world.calls] == [number == 9 for number in range(20)]
    assert ear.reasons == ["the listener failed"]
    assert all(len(heard.got) == (2 if heard is ear else 3) for _, heard, _ in world.calls)


def test_who_only_speaks_counts_and_hears_nothing(world: World) -> None:
    call = world.call(direction=Direction.SPEAK)
    for index in range(20):
        world.come(0, steady(0, index), 1000 + 0.02 * index)
        world.ports.read()
    quality = call.traffic().quality
    assert isinstance(quality, Quality)
    assert (quality.received, quality.lost, world.calls[0][1].got) == (20, 0, [])


def test_rows_are_used_again_by_others(world: World) -> None:
    """More calls than there was memory for, and then others in their places."""
    talking(world, 300)
    world.same()
    for call, _, _ in world.calls[::2]:
        call.close()
    kept = world.calls[1::2]
    for index in range(2, 5):
        for number in range(1, 300, 2):
            world.come(number, steady(number, index), 1000 + 0.02 * index)
        world.ports.read()
    assert all(ear.got == alone.heard and len(ear.got) == 5 for _, ear, alone in kept)
    over, _, _ = world.calls[0]
    assert (over.traffic().frames_in, over.traffic().frames_out) == (2, 0)


def sent(world: World, calls: list[SharedRtp]) -> dict[int, list[bytes]]:
    """What is sent, instead of sending it: by where to."""
    found: dict[int, list[bytes]] = {call.peer or 0: [] for call in calls}
    sender = world.ports.speakers.sender

    def send(_sock: socket.socket, first: int, last: int) -> int:
        for header in sender._next[first:last].tolist():
            row = sender._headers[:, 0].tolist().index(header[0])
            found[int(sender._names[row, 0])].append(sender.data[row].tobytes())
        return 0

    sender.send = send  # type: ignore[method-assign]
    return found


@given(st.lists(st.lists(st.integers(0, 900), min_size=3, max_size=3), min_size=1, max_size=12), st.integers(0, 2**32))
def test_what_is_sent_together_is_what_each_would_send(said: list[list[int]], seed: int) -> None:
    """Whatever is said when, in pieces of any length: packets as of a Packetiser of its own."""
    world, dice = World(), random.Random(seed)
    try:
        laws = (PCMU, PCMA, PCMU)
        for number, law in enumerate(laws):
            world.call(law=law)
            world.come(number, steady(number, 0), 1000.0)
            world.ports.read()
        calls = [call for call, _, _ in world.calls]
        found = sent(world, calls)
        rest = [b""] * 3
        wanted: list[list[bytes]] = [[], [], []]
        for turn in said:
            for number, samples in enumerate(turn):
                piece = dice.randbytes(2 * samples)
                assert calls[number].say(piece) == len(piece)
                rest[number] += piece
            world.clock.advance(PERIOD)
            for number, law in enumerate(laws):
                now, rest[number] = rest[number][:FRAME_BYTES], rest[number][FRAME_BYTES:]
                now += bytes(-len(now) % FRAME_BYTES)
                wanted[number].append((ulaw_encode if law == PCMU else alaw_encode)(now))
        for number, call in enumerate(calls):
            got = [parse(data) for data in found[call.peer or 0]]
            assert [packet and packet.payload for packet in got] == [one for one in wanted[number] if one]
            assert call.waiting == len(rest[number]) // FRAME_BYTES
            check(got, wanted[number], laws[number])
            assert call.traffic().frames_out == len(got)
    finally:
        world.ports.close()


def check(got: list[Packet | None], wanted: list[bytes], law: int) -> None:
    """Heads count as a Packetiser's do, from wherever they begin."""
    model = Packetiser(law)
    like = [parse(model.packet(bytes(FRAME_BYTES) if said else b"")) for said in wanted]
    told = [packet for packet in like if packet is not None]
    for packet, other in zip(got, told, strict=True):
        assert packet is not None
        first, first_other = got[0], told[0]
        assert first is not None
        assert (packet.payload_type, packet.marker, packet.ssrc) == (law, other.marker, first.ssrc)
        assert (packet.sequence - first.sequence - other.sequence + first_other.sequence) % 65_536 == 0
        assert (packet.timestamp - first.timestamp - other.timestamp + first_other.timestamp) % 2**32 == 0


def block(packets: list[bytes]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """As of a Receiver: heads, payloads, lengths, arrivals."""
    whole = np.zeros((len(packets), 172), np.uint8)
    for row, data in enumerate(packets):
        whole[row, : min(len(data), 172)] = bytearray(data[:172])
    heads, payloads = np.ascontiguousarray(whole[:, :12]), np.ascontiguousarray(whole[:, 12:])
    return heads, payloads, np.array([len(data) for data in packets], np.uint32), np.full(len(packets), 5.0)


@pytest.mark.parametrize(("law", "decode"), [(PCMU, ulaw_decode), (PCMA, alaw_decode)])
def test_every_code_of_g711_is_decoded(law: int, decode: object) -> None:
    if (compiled := WAYS.get("compiled")) is None:
        return
    streams = np.zeros(1, STREAM)
    streams["expected"], streams["ssrc"] = True, 9
    codes = [bytes(range(start, start + 32)) * 5 for start in range(0, 256, 32)]
    packets = [build(Packet(law, index, 160 * index, 9, code)) for index, code in enumerate(codes)]
    rows, frames, left = compiled.take(streams, (0,) * len(codes), *block(packets))
    assert (rows, left) == ([0] * len(codes), [])
    assert frames == [decode(code) for code in codes]  # type: ignore[operator]
    assert (streams["sequence"][0], streams["timestamp"][0], streams["passed"][0]) == (8, 8 * 160, 8)


def test_compiled_code_refuses_what_is_not_there() -> None:
    """It would read and write beside it."""
    if (compiled := WAYS.get("compiled")) is None:
        return
    streams, whose = np.zeros(2, STREAM), (0, 1)
    good = block([steady(0, 0), steady(1, 0)])
    assert compiled.take(streams, whose, *good) == ([], [], [0, 1])
    assert compiled.take(streams, (), *block([])) == ([], [], [])
    for rows in ((0, 2), (-1, 0), (0, 2**62), (0,), (0, 1, 1)):
        with pytest.raises(ValueError, match="row"):
            compiled.take(streams, rows, *good)
    with pytest.raises(OverflowError):
        compiled.take(streams, (0, 2**64), *good)
    with pytest.raises(TypeError):
        compiled.take(streams, (0, "1"), *good)
    for number, part in enumerate(good):
        with pytest.raises(ValueError, match="packet"):
            compiled.take(streams, whose, *good[:number], part[:1], *good[number + 1 :])
    for wrong in (np.zeros(39, np.uint8), np.zeros(81, np.uint8)[1:]):  # half a stream, and one at an odd address
        with pytest.raises(ValueError, match="packet"):
            compiled.take(wrong, whose, *good)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=200)), max_size=20), st.binary(min_size=160, max_size=160)
)
def test_whatever_comes_is_counted_or_left(packets: list[tuple[int, bytes]], state: bytes) -> None:
    """Any bytes, in any state: each packet is one or the other, and those of a row are in order."""
    if (compiled := WAYS.get("compiled")) is None:
        return
    streams = np.frombuffer(bytearray(state), STREAM).copy()
    before = streams["passed"].copy()
    whose = tuple(row for row, _ in packets)
    rows, frames, left = compiled.take(streams, whose, *block([data for _, data in packets]))
    assert sorted(rows + [whose[number] for number in left]) == sorted(whose)
    assert left == sorted(left)
    assert {len(frame) for frame in frames} <= {FRAME_BYTES}
    with np.errstate(over="ignore"):
        assert (streams["passed"] - before).tolist() == [rows.count(row) for row in range(4)]
