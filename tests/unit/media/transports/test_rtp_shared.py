"""RTP over shared ports, over real sockets; the clock is the test's own."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest

from ari_app.clock import ManualClock
from ari_app.errors import CommandRefused
from ari_app.media.frames import FRAME_BYTES
from ari_app.media.g711 import ulaw_decode
from ari_app.media.transports import rtp_shared
from ari_app.media.transports.pacing import PERIOD, Ticker
from ari_app.media.transports.port import Direction
from ari_app.media.transports.rtp import Packet, build, parse
from ari_app.media.transports.rtp_shared import LINGER, PER_PORT, READ_EVERY, RtpPorts, SharedRtp
from tests.unit.media.transports.ears import Listener

HOST = "127.0.0.1"

pytestmark = pytest.mark.skipif(not RtpPorts.available(), reason="no recvmmsg here")


class Phone:
    """A peer: a plain socket of its own."""

    def __init__(self, ssrc: int = 7) -> None:
        self.ssrc = ssrc
        self.number = 65_530
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HOST, 0))
        self.socket.settimeout(10)

    def say(self, to: tuple[str, int], value: int = 1) -> bytes:
        """Send a packet. Returns what is to be heard."""
        payload = bytes([value]) * 160
        self.socket.sendto(build(Packet(0, self.number % 65536, self.number * 160, self.ssrc, payload)), to)
        self.number += 1
        return ulaw_decode(payload)

    def hear(self) -> Packet:
        packet = parse(self.socket.recv(2048))
        assert packet is not None
        return packet


class World:
    """Ports, and phones. What is sent on loopback is there when sendto returns."""

    def __init__(self) -> None:
        self.clock = ManualClock(1000.0)
        self.ticker = Ticker(self.clock)
        self.ports = RtpPorts(clock=self.clock, ticker=self.ticker, host=HOST)
        self.phones: list[Phone] = []

    def phone(self, ssrc: int = 7) -> Phone:
        self.phones.append(Phone(ssrc))
        return self.phones[-1]

    def call(self, direction: Direction = Direction.BOTH) -> tuple[SharedRtp, Listener]:
        ear = Listener()
        return self.ports.open(ear, direction=direction), ear

    def talking(self) -> tuple[SharedRtp, Listener, Phone]:
        """A call whose first packet has come."""
        (call, ear), phone = self.call(), self.phone()
        phone.say(call.address)
        self.ports.read()
        assert ear.got
        return call, ear, phone


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.ports.close()
    for phone in made.phones:
        phone.socket.close()
    assert len(made.ports) == 0


async def test_calls_share_a_port_and_are_told_apart(world: World) -> None:
    calls = [world.talking() for _ in range(PER_PORT + 1)]
    assert len({call.address for call, _, _ in calls}) == len(world.ports) == 2
    for value in range(10, 15):
        wanted = [phone.say(call.address, value + number) for number, (call, _, phone) in enumerate(calls)]
        world.clock.advance(READ_EVERY)
        assert [ear.got[-1] for _, ear, _ in calls] == wanted
    for call, ear, _ in calls:
        quality = call.traffic().quality
        assert quality is not None
        assert (len(ear.got), quality.received, quality.lost, call.traffic().frames_lost) == (6, 6, 0, 0)


async def test_each_is_answered_where_it_sends_from(world: World) -> None:
    calls = [world.talking() for _ in range(3)]
    for number, (call, _, _) in enumerate(calls):
        call.say(bytes([number, 0]) * 160 * 2)
    world.clock.advance(PERIOD)
    world.clock.advance(PERIOD)
    await turn()
    for call, _, phone in calls:
        first, second = phone.hear(), phone.hear()
        assert first.marker
        assert not second.marker
        assert (second.sequence - first.sequence) % 65536 == 1
        assert (second.timestamp - first.timestamp) % 2**32 == 160
        assert call.traffic().frames_out == 2


async def turn() -> None:
    """What was put to be sent is sent in the next turn of the loop."""
    await asyncio.sleep(0)


async def test_only_one_call_at_a_time_waits_on_a_port(world: World) -> None:
    (first, heard_first), (second, heard_second) = world.call(), world.call()
    assert first.address != second.address
    phone = world.phone()
    wanted = phone.say(second.address)
    world.ports.read()
    assert (heard_first.got, heard_second.got) == ([], [wanted])


async def test_a_stranger_is_refused(world: World) -> None:
    call, ear, _ = world.talking()
    world.phone().say(call.address)
    world.ports.read()
    assert len(ear.got) == 1
    assert world.ports.refused == 1


async def test_what_is_no_rtp_teaches_nothing(world: World) -> None:
    call, ear = world.call()
    phone = world.phone()
    for garbage in (b"", b"\0" * 12, b"\x80" * 11, bytes(4000)):
        phone.socket.sendto(garbage, call.address)
    world.ports.read()
    assert call.peer is None
    assert world.ports.refused == 4
    phone.say(call.address)
    phone.socket.sendto(b"garbage", call.address)
    world.ports.read()
    assert len(ear.got) == 1
    assert call.traffic().refused == 1


async def test_a_call_that_is_over_does_not_become_the_next_one(world: World) -> None:
    keeper, _, _ = world.talking()
    over, _, phone = world.talking()
    address = over.address
    over.close()
    following, ear = world.call()
    assert following.address == address == keeper.address
    phone.say(address)
    world.ports.read()
    assert ear.got == []
    # Asterisk gives the same port to another channel: another stream
    phone.ssrc += 1
    wanted = phone.say(address)
    world.ports.read()
    assert ear.got == [wanted]


async def test_a_port_rests_after_a_call_that_never_began(world: World) -> None:
    world.talking()
    never, _ = world.call()
    address = never.address
    never.close()
    assert world.call()[0].address != address
    world.clock.advance(LINGER)
    assert world.call()[0].address == address


async def test_sockets_close_with_the_last_call_and_open_again(world: World) -> None:
    call, ear, _ = world.talking()
    call.close()
    call.close()
    assert ear.reasons == ["closed"]
    assert len(world.ports) == 0
    assert len(world.ticker) == 0
    with pytest.raises(CommandRefused):
        _ = call.address
    world.talking()
    assert len(world.ports) == 1


async def test_a_listener_that_fails_ends_its_own_call(world: World) -> None:
    broken, ear, phone = world.talking()
    call, fine, other = world.talking()
    ear.fails = True
    phone.say(broken.address)
    other.say(call.address)
    world.ports.read()
    assert broken.over
    assert len(fine.got) == 2


async def test_a_burst_that_is_longer_than_one_turn(world: World) -> None:
    call, ear, phone = world.talking()
    for _ in range(200):
        phone.say(call.address)
    world.ports.read()
    assert len(ear.got) == 201


async def test_time_of_arrival_is_the_kernels(world: World) -> None:
    """Not that of the tick at which it is read, which would be in the jitter: here it is of another year."""
    call, _, _ = world.talking()
    arrived = call._reception._transit / 8000
    assert abs(arrived - world.clock.now()) > 1e6
    assert abs(arrived - time.time()) < 3600


def test_what_cannot_be_listened_at() -> None:
    clock = ManualClock()
    for host in ("::1", "pbx.example", ""):
        assert not rtp_shared.is_ipv4(host)
        with pytest.raises(ValueError, match="host"):
            RtpPorts(clock=clock, ticker=Ticker(clock), host=host)
    with pytest.raises(OSError, match="assign"):
        RtpPorts(clock=clock, ticker=Ticker(clock), host="192.0.2.1").open(Listener())
    with pytest.raises(ValueError, match="payload_type"):
        RtpPorts(clock=clock, ticker=Ticker(clock), host=HOST).open(Listener(), payload_type=3)


async def test_more_than_a_call_may_wait_to_be_sent(world: World) -> None:
    """As many packets as there are calls, and more than one system call takes."""
    calls = [world.talking() for _ in range(PER_PORT)]
    for call, _, _ in calls:
        call.say(bytes(5 * FRAME_BYTES))
    world.clock.advance(5 * PERIOD)
    await turn()
    for _, _, phone in calls:
        assert len({phone.hear().sequence for _ in range(5)}) == 5
    assert world.ports.unsent == 0
