"""Channels: created, dialled, originated, coming in; how they end; and what is refused when."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ari_app.ari.errors import BadRequest, Conflict, Gone, InvalidState, NotInStasis, ServerFault
from ari_app.ari.node import Node
from tests.contract.sides import APP, Ear, Side, fresh, out_of_reach


async def create(ear: Ear, endpoint: str, **options: Any) -> str:
    """Create a channel and wait until it is in the application: before that, dial is refused (NotInStasis)."""
    channel = fresh("leg")
    await ear.node.channels.create(endpoint=endpoint, app=APP, appArgs="leg,7", channelId=channel, **options)
    await ear.until("StasisStart", channel)
    return channel


async def has_told_of_dialling(ear: Ear, channel: str) -> None:
    """Dial events come in any order, among themselves and to those of the channel's state.

    The one of ringing may be missing: on a busy machine Asterisk (22.10.1) sometimes tells of it as a state only.
    """
    for status in ("", "ANSWER"):
        await ear.until("Dial", channel, where=lambda e, status=status: e.dialstatus == status)
    told = sorted(e.dialstatus for e in ear.events if e.type == "Dial")
    assert told in (["", "ANSWER"], ["", "ANSWER", "RINGING"])


async def test_a_created_channel_enters_the_application_down(node: Node, ear: Ear) -> None:
    channel = await create(ear, "Local/answer@contract", variables={"GREETING": "hello world"})
    start = await ear.until("StasisStart", channel)
    assert start.args == ["leg", "7"]
    assert start.channel.state == "Down"
    assert start.channel.dialplan.app_name == "Stasis"
    assert start.channel.dialplan.app_data == f"{APP},leg,7"
    assert (await node.channels.getChannelVar(channel, variable="GREETING")).value == "hello world"
    assert channel in node.snapshot.in_app
    application = await node.applications.get(APP)
    assert channel in application.channel_ids


async def test_dialling_answer(node: Node, ear: Ear) -> None:
    channel = await create(ear, "Local/later@contract")
    await node.channels.dial(channel, timeout=5)
    await ear.until("ChannelStateChange", channel, where=lambda e: e.channel.state == "Up")
    first = await ear.until("Dial", channel, where=lambda e: e.dialstatus == "")
    await has_told_of_dialling(ear, channel)
    assert [e.channel.state for e in ear.events if e.type == "ChannelStateChange"] == ["Ringing", "Up"]
    assert node.snapshot.channels[channel].state == "Up"
    assert first.dialstring == "later@contract"
    assert first.caller is None


@pytest.mark.parametrize(("endpoint", "cause"), [("busy", 17), ("decline", 21)])
async def test_dialling_somebody_who_does_not_want(node: Node, ear: Ear, endpoint: str, cause: int) -> None:
    channel = await create(ear, f"Local/{endpoint}@contract")
    await node.channels.dial(channel, timeout=5)
    destroyed = await ear.until("ChannelDestroyed", channel)
    assert destroyed.cause == cause
    assert (await ear.until("ChannelHangupRequest", channel)).cause == cause
    ending = ["ChannelHangupRequest", "StasisEnd", "ChannelDestroyed"]
    assert [t for t in ear.of(channel) if t in ending] == ending
    assert channel not in node.snapshot.channels


async def test_dial_timeout_has_cause_19(node: Node, ear: Ear) -> None:
    channel = await create(ear, "Local/ring@contract")
    await node.channels.dial(channel, timeout=1)
    destroyed = await ear.until("ChannelDestroyed", channel)
    assert destroyed.cause == 19
    request = await ear.until("ChannelHangupRequest", channel)
    assert (request.cause, request.soft) == (32, True)


@pytest.mark.parametrize(("reason", "cause"), [({}, 16), ({"reason_code": "21"}, 21), ({"reason": "busy"}, 17)])
async def test_our_hang_up_carries_our_cause(node: Node, ear: Ear, reason: dict[str, str], cause: int) -> None:
    channel = await create(ear, "Local/ring@contract")
    await node.channels.dial(channel, timeout=30)
    await ear.until("ChannelStateChange", channel, where=lambda e: e.channel.state == "Ringing")
    await node.channels.hangup(channel, **reason)
    assert (await ear.until("ChannelDestroyed", channel)).cause == cause
    ending = [t for t in ear.of(channel) if t not in ("Dial", "ChannelStateChange")]
    assert ending[-3:] == ["ChannelHangupRequest", "StasisEnd", "ChannelDestroyed"]


async def test_what_a_channel_that_is_down_may_not_do(node: Node, ear: Ear) -> None:
    channel = await create(ear, "Local/answer@contract")
    for request in (
        node.channels.answer(channel),
        node.channels.ring(channel),
        node.channels.startMoh(channel),
        node.channels.play(channel, media="sound:beep"),
    ):
        with pytest.raises(InvalidState, match="Channel in invalid state"):
            await request
    await node.channels.setChannelVar(channel, variable="A", value="allowed")


async def test_ids_are_taken_once(node: Node, ear: Ear) -> None:
    channel = await create(ear, "Local/answer@contract")
    with pytest.raises(Conflict, match="Channel with given unique ID already exists"):
        await node.channels.create(endpoint="Local/answer@contract", app=APP, channelId=channel)
    with pytest.raises(Conflict):
        await node.channels.originate(endpoint="Local/answer@contract", app=APP, channelId=channel)


async def test_a_channel_is_dialled_once(node: Node, ear: Ear) -> None:
    channel = await create(ear, "Local/answer@contract")
    await node.channels.dial(channel)
    await ear.until("ChannelStateChange", channel, where=lambda e: e.channel.state == "Up")
    with pytest.raises(Conflict):
        await node.channels.dial(channel)


async def test_what_is_gone(node: Node) -> None:
    for request in (
        node.channels.get("nobody"),
        node.channels.hangup("nobody"),
        node.channels.answer("nobody"),
        node.channels.dial("nobody"),
        node.channels.snoopChannel("nobody", app=APP, spy="both"),
        node.channels.getChannelVar("nobody", variable="A"),
        node.applications.get("nobody"),
        node.endpoints.get("PJSIP", "nobody"),
    ):
        with pytest.raises(Gone):
            await request


async def test_bad_requests(node: Node, ear: Ear) -> None:
    with pytest.raises(BadRequest, match="Invalid endpoint specified"):
        await node.channels.create(endpoint="nonsense", app=APP)
    with pytest.raises(BadRequest, match="Application or extension must be specified"):
        await node.channels.originate(endpoint="Local/answer@contract")
    channel = await create(ear, "Local/answer@contract")
    with pytest.raises(BadRequest, match="Invalid reason for hangup reason provided"):
        await node.channels.hangup(channel, reason="boredom")
    with pytest.raises(BadRequest, match="must be a string or an object"):
        await node.channels.setChannelVars(channel, variables={"A": 1})  # type: ignore[dict-item]


async def test_an_endpoint_that_is_not_there_cannot_be_created(node: Node) -> None:
    with pytest.raises(ServerFault, match="Allocation failed"):
        await node.channels.create(endpoint="PJSIP/nobody", app=APP)


async def test_parameters_are_quoted(node: Node, ear: Ear) -> None:
    channel = await create(ear, "Local/answer@contract")
    value = "a&b=c d+e/ü,%41;\"'?#"
    await node.channels.setChannelVar(channel, variable="ODD", value=value)
    assert (await node.channels.getChannelVar(channel, variable="ODD")).value == value


async def test_variables(node: Node, ear: Ear) -> None:
    channel = await create(ear, "Local/answer@contract")
    await node.channels.setChannelVars(channel, variables={"A": "1", "B": {"value": "2", "report_events": True}})
    assert (await node.channels.getChannelVars(channel, variables=["A", "B"])).variables == {"A": "1", "B": "2"}
    with pytest.raises(Gone, match="Provided variable was not found"):
        await node.channels.getChannelVar(channel, variable="C")
    assert (await node.channels.get(channel)).channelvars == {"B": "2"}
    with pytest.raises(ServerFault):
        await node.channels.getChannelVar(channel, variable="NO_SUCH_FUNCTION(x)")


async def test_originate_enters_the_application_when_answered(node: Node, ear: Ear) -> None:
    channel = fresh("leg")
    answer = await node.channels.originate(endpoint="Local/later@contract", app=APP, appArgs="a,b", channelId=channel)
    assert answer.state == "Down"
    start = await ear.until("StasisStart", channel)
    assert (start.args, start.channel.state) == (["a", "b"], "Up")
    await has_told_of_dialling(ear, channel)


async def test_originate_that_fails_has_no_stasis_events(node: Node, ear: Ear) -> None:
    channel = fresh("leg")
    await node.channels.originate(endpoint="Local/decline@contract", app=APP, channelId=channel)
    assert (await ear.until("ChannelDestroyed", channel)).cause == 21
    assert {"StasisStart", "StasisEnd"}.isdisjoint(ear.of(channel))


async def test_originate_timeout(node: Node, ear: Ear) -> None:
    channel = fresh("leg")
    await node.channels.originate(endpoint="Local/ring@contract", app=APP, channelId=channel, timeout=1)
    assert (await ear.until("ChannelDestroyed", channel)).cause == 19


async def test_incoming_call(asterisk: Side, node: Node, ear: Ear) -> None:
    channel = await asterisk.incoming("500", caller="0301234567")
    start = await ear.until("StasisStart", channel)
    assert start.args == ["in", "500"]
    assert start.channel.state == "Ring"
    assert start.channel.caller.number == "0301234567"
    await node.channels.ring(channel)
    await node.channels.ringStop(channel)
    await node.channels.answer(channel)
    assert (await ear.until("ChannelStateChange", channel)).channel.state == "Up"
    await node.channels.answer(channel)  # again: nothing to do


async def test_an_incoming_call_ends_with_stasis_end_and_no_channel_destroyed(
    asterisk: Side, node: Node, ear: Ear
) -> None:
    channel = await asterisk.incoming()
    await ear.until("StasisStart", channel)
    await node.channels.answer(channel)
    await asterisk.far_hangup(channel, 21)
    await ear.until("StasisEnd", channel)
    assert (await ear.until("ChannelHangupRequest", channel)).cause == 21
    await ear.silence()
    assert ear.of(channel)[-1] == "StasisEnd"
    assert channel not in node.snapshot.channels


async def test_digits_of_the_far_end(asterisk: Side, node: Node, ear: Ear) -> None:
    channel = await asterisk.incoming()
    await ear.until("StasisStart", channel)
    await node.channels.answer(channel)
    await asterisk.far_digits(channel, "1#")
    await ear.until("ChannelDtmfReceived", channel, count=2)
    assert [e.digit for e in ear.events if e.type == "ChannelDtmfReceived"] == ["1", "#"]


async def test_a_channel_that_left_the_application(asterisk: Side, node: Node, ear: Ear) -> None:
    channel = await asterisk.incoming()
    await ear.until("StasisStart", channel)
    await node.channels.answer(channel)
    await node.channels.continueInDialplan(channel, context="contract", extension="answer", priority=1)
    await ear.until("StasisEnd", channel)
    await out_of_reach(node, channel)
    for request in (
        node.channels.answer(channel),
        node.channels.startMoh(channel),
        node.channels.play(channel, media="sound:beep"),
        node.channels.dial(channel),
        node.channels.setChannelVar(channel, variable="A", value="1"),
        node.channels.record(channel, name=fresh("rec"), format="wav"),
    ):
        with pytest.raises(NotInStasis, match="Channel not in Stasis application"):
            await request
    assert (await node.channels.get(channel)).id == channel
    await node.channels.hangup(channel)


async def test_move_within_the_application(asterisk: Side, node: Node, ear: Ear) -> None:
    channel = await asterisk.incoming()
    await ear.until("StasisStart", channel)
    await node.channels.answer(channel)
    await node.channels.move(channel, app=APP, appArgs="again,1")
    again = await ear.until("StasisStart", channel, count=2)
    assert again.args == ["again", "1"]
    assert [t for t in ear.of(channel) if t.startswith("Stasis")] == ["StasisStart", "StasisEnd", "StasisStart"]
    assert channel in node.snapshot.in_app
    await node.channels.move(channel, app="nobody")
    assert (await ear.until("ApplicationMoveFailed", channel)).destination == "nobody"


async def test_commands_that_only_have_an_answer(asterisk: Side, node: Node, ear: Ear) -> None:
    channel = await asterisk.incoming()
    await ear.until("StasisStart", channel)
    await node.channels.answer(channel)
    await node.channels.startMoh(channel)
    await node.channels.stopMoh(channel)
    await node.channels.hold(channel)
    await node.channels.unhold(channel)
    await node.channels.mute(channel, direction="in")
    await node.channels.unmute(channel, direction="in")
    await node.channels.sendDTMF(channel, dtmf="1")
    with pytest.raises(BadRequest, match="Invalid direction specified"):
        await node.channels.mute(channel, direction="sideways")
    with pytest.raises(BadRequest, match="DTMF is required"):
        await node.channels.sendDTMF(channel)


async def test_external_media_over_rtp(node: Node, ear: Ear) -> None:
    channel = fresh("media")
    made = await node.channels.externalMedia(
        app=APP, channelId=channel, external_host="127.0.0.1:9", format="slin16", variables={"A": "1"}
    )
    assert made.channelvars is not None
    assert {"UNICASTRTP_LOCAL_PORT", "UNICASTRTP_LOCAL_ADDRESS"} <= made.channelvars.keys()
    assert (await ear.until("StasisStart", channel)).channel.state == "Up"
    await node.channels.hangup(channel)
    await ear.until("ChannelDestroyed", channel)


async def test_many_requests_at_once(node: Node, ear: Ear) -> None:
    channels = await asyncio.gather(*(create(ear, "Local/answer@contract") for _ in range(60)))
    await asyncio.gather(*(node.channels.hangup(c) for c in channels))
    for channel in channels:
        await ear.until("ChannelDestroyed", channel)
    assert not node.snapshot.channels
    assert node.handler_errors == 0
