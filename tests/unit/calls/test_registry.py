"""The way of every event to the leg it concerns, and what becomes of those that concern none."""

from __future__ import annotations

from typing import Any

import pytest

from ari_app.ari.errors import Gone
from ari_app.ari.fake import Answers, FakeAsterisk, NeverAnswers
from ari_app.ari.protocol import timestamp_of
from ari_app.calls import facts
from ari_app.calls.call import Call
from ari_app.calls.ending import ASK_AGAIN
from ari_app.calls.leg import LegState
from ari_app.calls.registry import LAST_WORD, Registry
from ari_app.calls.verbs.dial import dial_start
from ari_app.clock import ManualClock
from ari_app.ids import IdSource
from tests.unit.calls.stage import Script, Stage, Store, a_stage, stay


async def test_a_call_comes_in(stage: Stage) -> None:
    contexts = []

    def route(call: Call, context: str) -> Script:
        contexts.append((call.number, context))
        return Script(stay)

    stage.registry.route = route
    call, channel = await stage.incoming(exten="4711", caller="0309", context="from-internal")
    assert contexts == [("4711", "from-internal")]
    assert (call.direction, call.number, call.caller_number, call.account) == ("inbound", "4711", "0309", 1)
    assert (call.caller.id, call.caller.state, call.caller.created) == (channel.id, LegState.DOWN, True)
    assert call.caller.came_in
    assert call.caller.endpoint == call.caller.name == channel.name
    (started,) = stage.store.of(facts.CallStarted)
    assert (started.program, started.number, started.direction, started.node) == ("script", "4711", "inbound", "pbx")
    assert stage.store.records()[0].caller == channel.id
    assert repr(call).startswith("<Call call-")
    assert "caller" in repr(call.caller)


async def test_without_arguments_the_dialplan_s_place_counts(stage: Stage) -> None:
    call, _ = await stage.incoming(exten="4711", context="from-trunk", args=("in",))
    assert call.number == "4711"


async def test_a_call_that_cannot_be_routed_is_hung_up(stage: Stage) -> None:
    def fail(call: Call, context: str) -> Script:
        raise ValueError("a bug")

    stage.registry.route = fail
    channel = stage.fake.incoming_call()
    await stage.until(lambda: channel.ended)
    assert channel.cause == 38
    assert not stage.registry.calls
    assert not stage.registry.legs
    assert stage.store.facts == []
    assert stage.node.handler_errors == 0


async def test_a_call_that_comes_before_anybody_serves_calls() -> None:
    registry = Registry(ManualClock(), IdSource(), Store())
    with pytest.raises(AssertionError, match="before anybody"):
        registry.route(None, "")


@pytest.mark.parametrize("args", [("leg", "call-1", "agent"), ("snoop",), ()])
async def test_a_channel_of_a_former_life_is_hung_up(stage: Stage, args: tuple[str, ...]) -> None:
    channel = stage.fake.incoming_call(args=args)
    await stage.until(lambda: channel.ended)
    assert stage.registry.foreign["StasisStart"] == 1
    assert not stage.registry.calls


async def test_an_orphan_that_cannot_be_hung_up_is_tried_again(stage: Stage) -> None:
    stage.fake.faults.refuse("channels.hangup", 500, times=3)
    channel = stage.fake.incoming_call(args=("leg", "x", "agent"))
    for count, seconds in enumerate(ASK_AGAIN[:3], 2):
        await stage.until(stage.clock.due)
        stage.clock.advance(seconds)
        await stage.until(lambda count=count: len(stage.asked("channels.hangup")) == count)
    await stage.until(lambda: channel.ended)
    await stage.nothing_left()


async def test_an_orphan_that_is_gone(stage: Stage) -> None:
    await stage.registry.hang_up(stage.node, "nobody")
    assert await stage.registry.release_bridge(stage.node, "nothing")
    assert stage.clock.due() is None


async def test_asking_again_stops_when_asterisk_is_away(stage: Stage) -> None:
    stage.fake.faults.refuse("channels.hangup", 500, times=9)
    stage.registry.hang_up_orphan(stage.node, "somebody")
    await stage.until(stage.clock.due)
    stage.node.connected = False
    stage.clock.advance(ASK_AGAIN[0])
    await stage.until(lambda: not stage.node._tasks)
    assert len(stage.asked("channels.hangup")) == 1


async def test_asking_again_does_not_tire(stage: Stage) -> None:
    stage.fake.faults.refuse("bridges.destroy", 500, times=9)
    assert not await stage.registry.release_bridge(stage.node, "b")
    await stage.until(lambda: not stage.node._tasks, pace=1.0)
    assert len(stage.asked("bridges.destroy")) == 10


# states


async def test_states_only_move_forward(stage: Stage) -> None:
    stage.fake.endpoints["PJSIP/1001"] = NeverAnswers()
    call, _ = await stage.incoming()
    leg = call.new_leg("agent", endpoint="PJSIP/1001")
    assert leg.state is LegState.NEW
    assert stage.store.records()[0].legs[1].state == 0  # kept before Asterisk is asked
    await dial_start(leg)
    await leg.until(LegState.RINGING)
    stage.fake.answer(leg.id)
    await leg.until(LegState.UP)
    channel = stage.fake.channel(leg.id)
    channel.state = "Up"
    stage.fake.emit({"type": "ChannelStateChange", "channel": {**channel.json(), "state": "Ringing"}})
    await stage.quiet()
    assert leg.state is LegState.UP
    stage.fake.hangup_from_far_end(leg.id, 16)
    await leg.until(LegState.GONE)
    told = [type(f).__name__ for f in stage.store.facts if getattr(f, "leg", "") == leg.id]
    assert told == ["LegStarted", "LegRinging", "LegAnswered", "LegEnded"]
    assert not leg.came_in


async def test_the_end_of_a_leg_is_told_once(stage: Stage) -> None:
    """A hang-up has three events; the first one that knows the cause counts, the others come late and are counted."""
    call, channel = await stage.incoming()
    stage.fake.hangup_from_far_end(channel, 21)
    await stage.over(call)
    await stage.quiet()
    (ended,) = stage.store.of(facts.LegEnded)
    assert ended.cause == 21
    assert stage.registry.foreign == {"StasisEnd": 1}


async def test_when_it_happened_is_asterisk_s_time_and_never_the_future(stage: Stage) -> None:
    now = stage.clock.now()
    assert stage.registry.at(timestamp_of(now - 60)) == pytest.approx(now - 60, abs=0.01)
    assert stage.registry.at(timestamp_of(now + 60)) == now
    assert stage.registry.at("") == now


async def test_a_channel_that_we_made_ends_with_channel_destroyed(stage: Stage) -> None:
    """Its StasisEnd comes first, and does not know the cause."""
    stage.fake.endpoints["PJSIP/1001"] = NeverAnswers()
    last = stage.fake.hold("ChannelDestroyed")
    call, _ = await stage.incoming()
    leg = call.new_leg("agent", endpoint="PJSIP/1001")
    await dial_start(leg)
    stage.fake.world.hang_up(stage.fake.channel(leg.id), 19, soft=True)
    await stage.quiet()
    assert leg.state is not LegState.GONE
    last.release()
    await leg.until(LegState.GONE)
    assert leg.cause == 19
    stage.clock.advance(LAST_WORD)
    assert [f.cause for f in stage.store.of(facts.LegEnded)] == [19]


async def test_a_channel_destroyed_that_never_comes(stage: Stage) -> None:
    stage.fake.endpoints["PJSIP/1001"] = NeverAnswers()
    lost = stage.fake.hold("ChannelDestroyed")
    call, _ = await stage.incoming()
    leg = call.new_leg("agent", endpoint="PJSIP/1001")
    await dial_start(leg)
    stage.fake.world.hang_up(stage.fake.channel(leg.id), 19, soft=True)
    await stage.until(stage.clock.due)
    stage.clock.advance(LAST_WORD)
    await leg.until(LegState.GONE)
    assert leg.cause == 0
    lost.events.clear()


async def test_events_of_nobody_are_counted(stage: Stage) -> None:
    """Foreign channels, playbacks, recordings, bridges: nothing happens, nothing breaks."""
    _, channel = await stage.incoming()
    snapshot = {**channel.json(), "id": "somebody-else"}
    playback = {"id": "p", "media_uri": "sound:x", "target_uri": "channel:x", "language": "en", "state": "done"}
    recording = {"name": "r", "format": "wav", "target_uri": "channel:x", "state": "done"}
    bridge: dict[str, Any] = {
        "id": "b",
        "technology": "simple_bridge",
        "bridge_type": "mixing",
        "bridge_class": "stasis",
        "creator": "Stasis",
        "name": "",
        "channels": [],
        "creationtime": channel.creationtime,
        "video_mode": "none",
    }
    foreign = [
        {"type": "ChannelStateChange", "channel": {**snapshot, "state": "Up"}},
        {"type": "ChannelHangupRequest", "channel": snapshot, "cause": 16},
        {"type": "StasisEnd", "channel": snapshot},
        {"type": "ChannelDestroyed", "channel": snapshot, "cause": 16, "cause_txt": ""},
        {"type": "PlaybackFinished", "playback": playback},
        {"type": "RecordingFinished", "recording": recording},
        {"type": "BridgeDestroyed", "bridge": bridge},
    ]
    for event in foreign:
        stage.fake.emit(event)
    stage.fake.emit({"type": "ChannelDtmfReceived", "digit": "1", "duration_ms": 100, "channel": snapshot})
    stage.fake.emit({"type": "SomethingOfNextYear", "channel": snapshot})
    await stage.quiet()
    assert stage.registry.foreign == {event["type"]: 1 for event in foreign}
    assert stage.node.handler_errors == 0
    assert not channel.ended


async def test_two_nodes_with_the_same_channel_id(stage: Stage) -> None:
    """Asterisk's own ids are only unique within one Asterisk."""
    async with FakeAsterisk() as other:
        node = stage.make_node("second", other)
        await node.start()
        await node.wait_resynced()
        first, channel = await stage.incoming()
        twin = other.world.add_channel("PJSIP/trunk-x", channel.id, exten="500", caller="0302")
        twin.state = "Ring"
        other.world.enter_stasis(twin, "ari_app", ("in", "500", "from-trunk"))
        second = await stage.until(lambda: stage.registry.legs.get(("second", channel.id)))
        assert second.call is not first
        other.hangup_from_far_end(twin)
        await stage.over(second.call)
        assert first.caller.alive
        assert not channel.ended
        await node.close()


# those who listen


async def test_a_listener_that_fails_stops_nothing(stage: Stage) -> None:
    """Of a leg, and of the end of calls: what fails in them must not keep a call alive for ever."""
    told = []

    def fail(*_: object) -> None:
        raise ValueError("a bug")

    stage.registry.on_ended[:] = [fail, told.append]
    call, channel = await stage.incoming()
    call.caller.on_state = fail
    stage.fake.hangup_from_far_end(channel)
    await stage.over(call)
    assert told == [call]
    await stage.nothing_left()


async def test_a_call_that_we_begin(stage: Stage) -> None:
    stage.fake.endpoints["PJSIP/1001"] = Answers()

    async def plan(call: Call) -> None:
        await dial_start(call.caller)
        await call.caller.until(LegState.UP)

    call = stage.outgoing(plan)
    assert stage.store.records()[0].direction == "outbound"
    await stage.over(call)
    assert call.answered_at is not None
    (started,) = stage.store.of(facts.CallStarted)
    assert (started.direction, started.number, started.program) == ("outbound", "PJSIP/1001", "script")
    await stage.nothing_left()


async def test_a_leg_of_a_call_whose_caller_is_gone(stage: Stage) -> None:
    """After a restart: the agent's leg may still answer and end, and nothing breaks on that."""
    stage.fake.endpoints["PJSIP/1001"] = NeverAnswers()
    call = Call(stage.registry, "call-x", stage.node, account=1, direction="inbound", number="500")
    call.restored = True
    stage.registry.calls[call.id] = call
    leg = call.new_leg("agent", endpoint="PJSIP/1001")
    await dial_start(leg)
    stage.fake.answer(leg.id)
    await leg.until(LegState.UP)
    assert call.answered_at is None
    stage.fake.hangup_from_far_end(leg.id)
    await leg.until(LegState.GONE)
    assert call.ended_at == stage.clock.now()
    assert stage.node.handler_errors == 0
    call.finish()
    await stage.over(call)


async def test_what_is_kept_of_a_call_ends_with_it(stage: Stage) -> None:
    call, channel = await stage.incoming()
    assert list(stage.store.live) == [call.id]
    stage.fake.hangup_from_far_end(channel)
    await stage.over(call)
    call.save()
    assert stage.store.live == {}


async def test_stages_do_not_share() -> None:
    async with a_stage() as one, a_stage() as other:
        await one.incoming()
        assert not other.registry.calls
        with pytest.raises(Gone):
            await other.node.channels.get("1")
