"""A tone over each transport, both ways and at both ends: its level and frequency, without gap, slip or drift; and what
of a bad network is measured. Ten minutes of it: `python -m bench.media_endurance`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ari_app.calls.verbs.external_media import MediaPorts, TransportKind
from ari_app.clock import SystemClock
from ari_app.media.transports.pacing import Ticker
from ari_app.media.transports.reception import Quality, mos_of, r_factor
from tests.harness import audio
from tests.harness.patience import PATIENCE
from tests.integration.bad_network import BadNetwork
from tests.integration.house import House
from tests.integration.tone_lines import TONE, End, Heard, a_line, listen

#: seconds of audio
LONG = 5.0
#: the part of the frames in which nothing may be heard: a machine that stands still for a second says nothing for a
#: second, and that is not what is tested here. The benchmark says how many there were.
SILENT = 0.3


def check(heard: Heard) -> None:
    assert heard.level == pytest.approx(audio.TONE_LEVEL, abs=0.5)
    assert heard.hertz == pytest.approx(TONE, abs=0.5)
    assert heard.lost == 0
    assert heard.silent_frames <= SILENT * heard.seconds * 50


@pytest.fixture
async def house(start_asterisk: Any) -> AsyncIterator[House]:
    made = House(await start_asterisk("media"), None)  # type: ignore[arg-type]  # nobody calls
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def all_ports() -> AsyncIterator[dict[TransportKind, MediaPorts]]:
    clock = SystemClock()
    made = {kind: MediaPorts(clock, Ticker(clock), kind) for kind in TransportKind}
    for ports in made.values():
        await ports.start()
    yield made
    for ports in made.values():
        await ports.close()


def ends(house: House, all_ports: dict[TransportKind, MediaPorts], kind: TransportKind) -> tuple[End, End]:
    """One of this kind, and one over a websocket."""
    return (
        End(house.registry, house.node, all_ports[kind], f"{kind.value}-1"),
        End(house.registry, house.node, all_ports[TransportKind.WEBSOCKET], f"{kind.value}-2"),
    )


async def test_a_tone_without_gap_over_each_transport(house: House, all_ports: dict[TransportKind, MediaPorts]) -> None:
    """All at once, as the time is the same."""

    async def one(kind: TransportKind) -> list[Heard]:
        first, second = ends(house, all_ports, kind)
        async with a_line(first, second):
            return await listen((first, second), LONG)

    for both in await asyncio.gather(*map(one, TransportKind)):
        for heard in both:
            check(heard)
    await house.idle()


#: seconds for which packets are still on their way
SETTLE = 0.5


async def received(end: End, packets: int) -> Quality:
    """What was measured of so many packets."""
    async with asyncio.timeout(PATIENCE):
        while (quality := end.transport.traffic().quality) is None or quality.received < packets:
            await asyncio.sleep(0.01)
    return quality


async def test_loss_and_jitter_are_measured_as_they_were_made(
    house: House, all_ports: dict[TransportKind, MediaPorts]
) -> None:
    """5 % of the packets are lost and the others come up to 60 ms late, between a real Asterisk and us."""
    bad = BadNetwork(loss=0.05, jitter=0.06, seed=5)
    first, second = ends(house, all_ports, TransportKind.RTP)
    first.by_way_of = bad.open
    async with a_line(first, second):
        await listen((first, second), 1.0)
        bad.bad = True
        passed = bad.passed
        while bad.passed - passed < 350:  # in a pause of a busy machine frames pass without packets
            await first.ear.until(len(first.ear.found) + 50)
        # when nothing more is on its way, both have seen the same packets
        bad.broken = True
        await asyncio.sleep(SETTLE)
        made = bad.reception.quality()
        during = await received(first, made.received)
        bad.broken = bad.bad = False
        await first.ear.until(len(first.ear.found) + 50)
        after = first.transport.traffic().quality
    bad.close()
    assert after is not None
    lost = len(bad.lost)
    assert lost > 5
    # what was lost is marked as lost, and not as silence; so is what Asterisk did not send in the same gap
    assert after.lost == lost
    assert first.ear.lost >= lost
    assert (during.received, during.lost, during.reordered) == (made.received, made.lost, made.reordered)
    assert made.jitter > 0.008
    # the clock is read there after the packet was sent, and by the kernel here: another process may come between
    assert during.jitter == pytest.approx(made.jitter, abs=0.008)
    expected = mos_of(r_factor(made.loss, 2 * made.jitter + 0.02))
    assert during.mos == pytest.approx(expected, abs=0.1)
    await house.idle()
