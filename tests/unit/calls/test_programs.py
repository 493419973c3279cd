"""The smallest programs: announcement, unallocated number, a call from extension to extension."""

from __future__ import annotations

import pytest

from ari_app.ari.fake import Answers, Behaviour, Busy, Declines, NeverAnswers
from ari_app.ari.fake.state import FakeChannel
from ari_app.calls import facts
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg, LegState
from ari_app.calls.programs import Announcement, ExtensionCall, Unallocated
from tests.unit.calls.stage import Stage

PHONE = "PJSIP/1001"


async def test_announcement(stage: Stage) -> None:
    stage.program = lambda call: Announcement(["sound:hello-world"])
    call, channel = await stage.incoming()
    await stage.over(call)
    assert channel.state == "Up"
    assert stage.asked("channels.playWithId")[0]["media"] == ["sound:hello-world"]
    assert channel.cause == 16
    await stage.nothing_left()


async def test_unallocated(stage: Stage) -> None:
    stage.program = lambda call: Unallocated()
    call, channel = await stage.incoming()
    await stage.over(call)
    assert channel.cause == 1
    await stage.nothing_left()


async def dial_extension(stage: Stage) -> tuple[Call, FakeChannel, Leg]:
    """An extension calls another; the one who is called."""
    stage.program = lambda call: ExtensionCall(PHONE)
    call, channel = await stage.incoming(context="from-internal")
    callee = await stage.until(lambda: next((leg for leg in call.legs.values() if leg.role == "callee"), None))
    return call, channel, callee


async def test_from_extension_to_extension(stage: Stage) -> None:
    stage.fake.endpoints[PHONE] = NeverAnswers()
    call, channel, callee = await dial_extension(stage)
    await callee.until(LegState.RINGING)
    assert channel.ringing
    assert channel.state == "Ring"  # nobody pays before there is an answer
    assert stage.asked("channels.create")[0]["variables"]["CONNECTEDLINE(num,i)"] == call.caller_number
    stage.fake.answer(callee.id)
    await stage.until(lambda: channel.bridge and channel.bridge == stage.fake.channel(callee.id).bridge)
    assert channel.state == "Up"
    stage.fake.hangup_from_far_end(callee.id)
    await stage.nothing_left()
    (ended,) = stage.store.of(facts.CallEnded)
    assert ended.ended_by == "callee"


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [(Busy(), 17), (Declines(), 21), (Behaviour(fail=0.0, cause=34), 34), (Behaviour(fail=0.0, cause=18), 18)],
)
async def test_why_not_is_passed_on(stage: Stage, behaviour: Behaviour, cause: int) -> None:
    stage.fake.endpoints[PHONE] = behaviour
    _, channel, _ = await dial_extension(stage)
    await stage.until(lambda: channel.ended)
    assert (channel.cause, channel.state) == (cause, "Ring")
    await stage.nothing_left()


async def test_nobody_answers(stage: Stage) -> None:
    stage.fake.endpoints[PHONE] = NeverAnswers()
    _, channel, callee = await dial_extension(stage)
    await callee.until(LegState.RINGING)
    assert stage.asked("channels.dial")[0]["timeout"] == 30
    stage.fake.world.hang_up(stage.fake.channel(callee.id), 19, soft=True)
    await stage.until(lambda: channel.ended)
    assert channel.cause == 19
    await stage.nothing_left()


@pytest.mark.parametrize(("exists", "cause"), [(True, 20), (False, 1)])
async def test_not_registered_or_none_at_all(stage: Stage, exists: bool, cause: int) -> None:
    if exists:
        stage.fake.endpoints[PHONE] = Behaviour(offline=True)
    _, channel, _ = await dial_extension(stage)
    await stage.until(lambda: channel.ended)
    assert channel.cause == cause
    await stage.nothing_left()


async def test_the_caller_gives_up(stage: Stage) -> None:
    stage.fake.endpoints[PHONE] = NeverAnswers()
    _, channel, callee = await dial_extension(stage)
    await callee.until(LegState.RINGING)
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()


@pytest.mark.parametrize("operation", ["channels.answer", "bridges.createWithId", "bridges.addChannel"])
async def test_the_two_cannot_be_joined(stage: Stage, operation: str) -> None:
    stage.fake.endpoints[PHONE] = Answers()
    stage.fake.faults.refuse(operation, 500)
    _, channel, _ = await dial_extension(stage)
    await stage.until(lambda: channel.ended)
    await stage.nothing_left()


@pytest.mark.parametrize("program", [Announcement(["sound:x"]), Unallocated(), ExtensionCall(PHONE, 12.0)])
def test_what_is_kept_makes_the_same_again(program: Announcement | Unallocated | ExtensionCall) -> None:
    assert type(program)(**program.state()).state() == program.state()
