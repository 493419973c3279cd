"""Leaving a message: when a mailbox answers, what is asked of Asterisk, what the record is told, and restarts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ari_app.ari.fake import NeverAnswers
from ari_app.ari.fake.behaviours import Behaviour
from ari_app.ari.fake.state import FakeChannel
from ari_app.calls import facts, recovery
from ari_app.calls.call import Call
from ari_app.calls.directory import Directory, ExtensionSettings, Mailbox
from ari_app.calls.extension_routing import ExtensionRouting
from ari_app.calls.programs import ExtensionCall
from ari_app.calls.verbs.dial import dial
from ari_app.calls.voicemail import LeaveMessage, MessageRules, Voicemail
from tests.unit.calls.stage import Stage

BO = ExtensionSettings(extension="1002", name="Bo")


def routed(stage: Stage, **greetings: str) -> ExtensionRouting:
    directory = Directory()
    directory.put(1, BO, Mailbox())
    directory.put(1, ExtensionSettings(extension="1003", name="Cy"))
    voicemail = Voicemail(MessageRules(min=0), lambda account, extension, kind: greetings.get(kind))
    routing = ExtensionRouting(stage.registry, directory, "PJSIP/{extension}", voicemail=voicemail)
    stage.program = lambda call: routing.route(call, call.number)
    return routing


async def calls(stage: Stage, number: str = "1002") -> tuple[Call, FakeChannel]:
    return await stage.incoming(exten=number, caller="1001", technology="PJSIP/1001", context="from-internal")


async def recording(stage: Stage, number: int = 1) -> str:
    """The name of the message that is being left: so many were begun."""
    await stage.until(lambda: len(stage.asked("channels.record")) == number)
    name: str = stage.asked("channels.record")[-1]["name"]
    await stage.until(lambda: stage.registry.waiters.get(("pbx", name)))
    return name


async def says(stage: Stage, what: str, times: int = 1) -> None:
    """Wait until it has been said so often."""
    await stage.until(lambda: sum(what in asked["media"] for asked in stage.asked("channels.playWithId")) >= times)


@pytest.mark.parametrize("how", ["busy", "noanswer", "unregistered"])
async def test_who_is_not_answered_leaves_a_message(stage: Stage, how: str) -> None:
    routed(stage)
    if how != "unregistered":
        stage.fake.endpoints["PJSIP/1002"] = Behaviour(fail=0.0, cause=17 if how == "busy" else 19)
    call, channel = await calls(stage)
    name = await recording(stage)
    (asked,) = stage.asked("channels.record")
    assert (asked["channelId"], asked["beep"], asked["terminateOn"]) == (call.caller.id, True, "#")
    (begun,) = stage.store.of(facts.MessageBegun)
    assert (begun.recording, begun.mailbox, begun.caller_number) == (name, "1002", "1001")
    (started,) = stage.store.of(facts.RecordingStarted)
    assert (started.recording, started.kind, started.called) == (name, "voicemail", "1002")
    words = "vm-isonphone" if how == "busy" else "vm-isunavail"
    assert any(f"sound:{words}" in asked["media"] for asked in stage.asked("channels.playWithId"))
    stage.fake.hangup_from_far_end(channel)  # that is a message too
    await stage.over(call)
    (ended,) = await stage.until(lambda: stage.store.of(facts.RecordingEnded))
    assert ended.outcome == "finished"
    assert not stage.store.of(facts.MessageDropped)


async def test_an_extension_without_a_mailbox(stage: Stage) -> None:
    routed(stage)
    stage.fake.endpoints["PJSIP/1003"] = Behaviour(fail=0.0, cause=17)
    call, channel = await calls(stage, "1003")
    await stage.over(call)
    assert channel.cause == 17


async def test_it_is_said_again_and_marked_as_urgent(stage: Stage) -> None:
    routed(stage, unavailable="sound:mine")
    call, channel = await calls(stage)
    first = await recording(stage)
    assert stage.asked("channels.playWithId")[0]["media"] == ["sound:mine"]
    await stage.node.recordings.stop(recordingName=first)
    await says(stage, "sound:vm-review")
    assert call.held == {first}
    stage.fake.dtmf(channel, "2")
    await says(stage, f"recording:{first}")
    await says(stage, "sound:vm-review", 2)
    stage.fake.dtmf(channel, "3")
    second = await recording(stage, 2)
    assert [fact.recording for fact in stage.store.of(facts.MessageDropped)] == [first]
    assert [(f.recording, f.outcome) for f in stage.store.of(facts.RecordingEnded)][-1] == (first, "cancelled")
    await stage.node.recordings.stop(recordingName=second)
    await says(stage, "sound:vm-review", 3)
    stage.fake.dtmf(channel, "4")
    await says(stage, "sound:vm-marked-urgent")
    await says(stage, "sound:vm-review-nonurgent")
    stage.fake.dtmf(channel, "1")
    await says(stage, "sound:vm-msgsaved")
    await stage.over(call)
    assert [(fact.recording, fact.urgent) for fact in stage.store.of(facts.MessageMarked)] == [(second, True)]
    assert not call.held
    await stage.nothing_left()


async def test_who_presses_nothing_has_left_a_message(stage: Stage) -> None:
    routed(stage)
    call, _ = await calls(stage)
    name = await recording(stage)
    await stage.node.recordings.stop(recordingName=name)
    await says(stage, "sound:vm-review")
    await stage.until(lambda: call.id not in stage.registry.calls, pace=0.5)
    assert not stage.store.of(facts.MessageDropped)


@pytest.mark.parametrize("ended_meanwhile", [True, False])
async def test_we_are_killed_while_it_is_left(stage: Stage, ended_meanwhile: bool) -> None:
    routing = routed(stage)
    _, channel = await calls(stage)
    name = await recording(stage)
    await stage.quiet()
    await stage.crash()
    if ended_meanwhile:
        channel.jobs.finish(stage.fake.world.recordings[name].job)
    programs = {
        "voicemail": lambda state: LeaveMessage.of(routing.voicemail, state),
        "extension": ExtensionCall.of,
    }

    def reattach(_: Stage, restored: list[Any]) -> None:
        for one in restored:
            one.program.reattach(one)

    async with stage.next_process(programs, reattach) as (later, restored):
        recovery.resume(restored)
        await asyncio.sleep(0)
        if not ended_meanwhile:
            await later.node.recordings.stop(recordingName=name)
        await says(later, "sound:vm-msgsaved")
        await later.until(lambda: not later.registry.calls)
        assert not later.store.of(facts.MessageDropped)
        assert {fact.recording for fact in later.store.of(facts.MessageBegun)} == {name}


async def test_what_we_dialled_is_recorded_by_a_snoop(stage: Stage) -> None:
    routing = routed(stage)
    stage.fake.endpoints["PJSIP/1001"] = NeverAnswers()

    async def plan(call: Call) -> None:
        await dial(call.caller)
        await LeaveMessage(routing.voicemail, "1002", "busy").run(call)

    call = stage.outgoing(plan, endpoint="PJSIP/1001")
    await stage.until(lambda: stage.channel(call.caller) and call.caller.state >= 2)
    stage.fake.answer(call.caller.id)
    name = await recording(stage)
    (snoop,) = stage.asked("channels.snoopChannelWithId")
    assert (snoop["channelId"], snoop["spy"]) == (call.caller.id, "in")
    assert stage.asked("channels.record")[0]["channelId"] == snoop["snoopId"]
    await stage.until(lambda: stage.fake.world.recordings[name].state == "recording")
    stage.fake.dtmf(call.caller.id, "#")
    await says(stage, "sound:vm-review")
    stage.fake.dtmf(call.caller.id, "1")
    await stage.over(call)
