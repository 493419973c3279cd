"""Recording a leg, a bridge, or what a snoop hears."""

from __future__ import annotations

import asyncio

import pytest

from ari_app.ari.errors import Gone, ServerFault
from ari_app.calls import facts
from ari_app.calls.bridge import Bridge
from ari_app.calls.leg import LegGone
from ari_app.calls.registry import TOLD_WITHIN
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.record import Recording, RecordingFailed, record
from ari_app.calls.verbs.snoop import Snoop
from tests.unit.calls.stage import Stage


async def test_a_leg(stage: Stage) -> None:
    call, channel = await stage.incoming()
    await answer(call.caller)
    recording = await record(call.caller, name="one", max_seconds=60, beep=True, terminate_on="#")
    (asked,) = stage.asked("channels.record")
    assert (asked["name"], asked["format"], asked["maxDurationSeconds"]) == ("one", "wav", 60)
    assert (asked["beep"], asked["terminateOn"]) == (True, "#")
    await recording.pause()
    assert stage.fake.world.recordings["one"].state == "paused"
    await recording.resume()
    finished = await recording.stop()
    assert finished.recording.name == "one"
    assert await stage.node.recordings.getStoredFile("one")
    assert await recording.stop() is finished
    told = [type(f).__name__ for f in stage.store.facts if isinstance(f, facts.RecordingStarted | facts.RecordingEnded)]
    assert told == ["RecordingStarted", "RecordingEnded"]
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()


async def test_a_bridge(stage: Stage) -> None:
    call, channel = await stage.incoming()
    bridge = Bridge(call)
    await bridge.create()
    await bridge.add(call.caller)
    recording = await record(bridge)
    assert recording.name.startswith("rec-")
    assert stage.asked("bridges.record")[0]["bridgeId"] == bridge.id
    await recording.stop()
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()


async def test_what_a_snoop_hears(stage: Stage) -> None:
    call, channel = await stage.incoming()
    snoop = Snoop(call.caller, spy="both", whisper="none")
    await snoop.open()
    recording = await record(snoop)
    assert stage.asked("channels.record")[0]["channelId"] == snoop.id
    await recording.stop()
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()


async def test_a_leg_in_a_bridge_cannot_be_recorded(stage: Stage) -> None:
    """Asterisk takes the order, and says so after that."""
    call, channel = await stage.incoming()
    bridge = Bridge(call)
    await bridge.create()
    await bridge.add(call.caller)
    recording = await record(call.caller)
    await stage.until(lambda: not stage.registry.waiters)
    with pytest.raises(RecordingFailed, match="while in bridge"):
        await recording.stop()
    (ended,) = stage.store.of(facts.RecordingEnded)
    assert ended.duration == 0.0
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()


async def test_it_ends_with_its_leg(stage: Stage) -> None:
    call, channel = await stage.incoming()
    recording = await record(call.caller)
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()
    assert (await recording.stop()).recording.name == recording.name


async def test_its_end_is_not_told(stage: Stage) -> None:
    """A while after the call, nobody waits for it any more."""
    call, channel = await stage.incoming()
    recording = await record(call.caller)
    lost = stage.fake.hold("RecordingFinished")
    stopping = asyncio.create_task(recording.stop())
    await stage.until(lambda: lost.events)
    stage.fake.hangup_from_far_end(channel)
    await stage.over(call)
    assert stage.registry.waiters
    stage.clock.advance(TOLD_WITHIN)
    with pytest.raises(RecordingFailed):
        await stopping
    (ended,) = stage.store.of(facts.RecordingEnded)
    assert ended.duration is None
    lost.events.clear()
    await stage.nothing_left()


async def test_thrown_away(stage: Stage) -> None:
    call, channel = await stage.incoming()
    recording = await record(call.caller)
    await recording.discard()
    with pytest.raises(Gone):
        await stage.node.recordings.getStored(recording.name)
    with pytest.raises(RecordingFailed):
        await recording.stop()
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()


async def test_thrown_away_as_it_ends_by_itself(stage: Stage) -> None:
    """Asterisk refuses to cancel what has just ended: the file it left is deleted."""
    call, channel = await stage.incoming()
    recording = await record(call.caller)
    await stage.node.recordings.stop(recording.name)
    await stage.quiet()
    stage.fake.faults.refuse("recordings.cancel", 500)
    await recording.discard()
    with pytest.raises(Gone):
        await stage.node.recordings.getStored(recording.name)
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()


async def test_what_cannot_be_thrown_away_says_so(stage: Stage) -> None:
    call, channel = await stage.incoming()
    recording = await record(call.caller)
    stage.fake.faults.refuse("recordings.cancel", 500)
    with pytest.raises(ServerFault):
        await recording.discard()
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()


async def test_one_that_goes_on_already(stage: Stage) -> None:
    """After a restart it is asked for again under its name."""
    call, channel = await stage.incoming()
    await record(call.caller, name="one")
    again = Recording(call, "one")
    await again.start(call.caller)
    assert len(stage.fake.world.recordings) == 1
    await again.stop()
    stage.fake.hangup_from_far_end(channel)
    await stage.over(call)
    stage.clock.advance(TOLD_WITHIN)
    await stage.nothing_left()


async def test_refused(stage: Stage) -> None:
    stage.fake.faults.refuse("channels.record", 500)
    call, _ = await stage.incoming()
    recording = Recording(call, "one")
    with pytest.raises(ServerFault):
        await recording.start(call.caller)
    assert not stage.registry.waiters
    (ended,) = stage.store.of(facts.RecordingEnded)
    assert ended.duration == 0.0
    call.caller.leaving = True
    with pytest.raises(LegGone):
        await recording.start(call.caller)


@pytest.mark.parametrize("lost", [True, False])
async def test_given_up_while_it_is_begun(stage: Stage, lost: bool) -> None:
    """Cancelled, or without an answer: what may have begun is thrown away."""
    call, _ = await stage.incoming()
    if lost:
        stage.fake.faults.lose("channels.record")
    else:
        stage.fake.faults.delay("channels.record", 0.1)
    beginning = asyncio.create_task(record(call.caller, name="one"))
    await stage.until(lambda: stage.fake.world.recordings)
    if not lost:
        beginning.cancel()
    await asyncio.wait({beginning})
    await stage.until(lambda: not stage.fake.world.recordings and not stage.registry.waiters)
    assert stage.fake.world.stored == {}


async def test_given_up_while_it_is_asked_for_again(stage: Stage) -> None:
    """The one that goes on already is none of this one's."""
    call, _ = await stage.incoming()
    await record(call.caller, name="one")
    stage.fake.faults.delay("channels.record", 0.1)
    again = asyncio.create_task(Recording(call, "one").start(call.caller))
    await stage.until(lambda: len(stage.asked("channels.record")) == 2)
    again.cancel()
    await stage.until(lambda: not stage.node._tasks and again.done())
    assert "one" in stage.fake.world.recordings
