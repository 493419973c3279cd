"""The harness proves itself: two phones talk through an Asterisk with a plain dialplan, nothing else between them."""

import asyncio

import pytest

from tests.harness.asterisk import Asterisk
from tests.harness.phones import BUSY, PhoneBox, answers, declines, is_busy, never_answers
from tests.integration.conftest import AsteriskFactory

DIALPLAN = """
[plain]
exten => _1XXX,1,Dial(PJSIP/${EXTEN},30)
exten => 600,1,Answer()
 same => n,Echo()
"""

TONES = (440, 660, 880)


@pytest.fixture
async def pbx(start_asterisk: AsteriskFactory, world: PhoneBox) -> Asterisk:
    pbx = await start_asterisk(
        "pbx", extra={"extensions.conf": DIALPLAN}, environment={"TRUNK_MATCH": world.trunk_address}
    )
    for number in ("1001", "1002"):
        await pbx.provision(number, f"secret{number}", contact=world.contact(number), context="plain")
        await world.line(number, f"secret{number}")
    return pbx


async def test_two_phones_hear_each_other(pbx: Asterisk, world: PhoneBox) -> None:
    callee = world.extension("1002", answers(after=0.3, tone=660))
    caller = await world.call("1002", pbx, line="1001", tone=440)
    phone = await callee.next_call()
    await caller.answered.wait()
    assert phone.caller_number == "1001"
    await phone.wait_tones(440, absent=(660, 880))
    await caller.wait_tones(660, absent=(440, 880))
    since = max(phone.heard.ended_at, caller.heard.ended_at)
    await asyncio.gather(*(end.ear.wait_for(lambda ear: ear.heard().ended_at > since + 2) for end in (phone, caller)))

    for end, other in ((phone, 440), (caller, 660)):
        stretch = end.heard.between(since, since + 2)
        assert stretch.tones(TONES) == {other}
        assert end.gaps(other, since, since + 2) == []
        assert stretch.level(other) == pytest.approx(-12, abs=1)

    assert caller.ringing.at <= caller.answered.at - 0.25
    await caller.hang_up()
    await phone.ended.wait()
    assert abs(phone.ended.at - caller.ended.at) < 5
    await pbx.wait_idle()
    await world.asterisk.wait_idle()


async def test_an_extension_registers(pbx: Asterisk, world: PhoneBox) -> None:
    await pbx.provision("1003", "secret1003", context="plain")
    await world.line("1003", "secret1003")
    await world.register("1003", pbx)
    registered = world.extension("1003")
    caller = await world.call("1003", pbx, line="1001")
    await registered.next_call()
    await caller.answered.wait()
    await caller.hang_up()


async def test_a_wrong_secret_is_refused(pbx: Asterisk, world: PhoneBox) -> None:
    await world.line("1002", "wrong")
    caller = await world.call("600", pbx, line="1002")
    await caller.ended.wait()
    assert not caller.answered


async def test_behaviours(pbx: Asterisk, world: PhoneBox) -> None:
    callee = world.extension("1002", is_busy())
    caller = await world.call("1002", pbx, line="1001", listen=False)
    await caller.ended.wait()
    assert caller.cause == BUSY

    callee.behaviour = declines()
    caller = await world.call("1002", pbx, line="1001", listen=False)
    await caller.ended.wait()
    assert not caller.answered

    callee.behaviour = never_answers()
    caller = await world.call("1002", pbx, line="1001", listen=False)
    await caller.ringing.wait()
    await caller.hang_up()
    phone = callee.calls[-1]
    await phone.ended.wait()
    assert phone.cancelled_at is not None
    assert 0 <= phone.cancelled_at - caller.ended.at < 5

    callee.behaviour = answers(hang_up_after=0.5, listen=False)
    caller = await world.call("1002", pbx, line="1001", listen=False)
    await caller.ended.wait()
    assert 0.2 < caller.ended.at - caller.answered.at < 5
    await world.asterisk.wait_idle()


async def test_trunk_falls_back_while_no_application_is_there(pbx: Asterisk, world: PhoneBox) -> None:
    caller = await world.call("500", pbx, caller="0309876543")
    await caller.ended.wait()
    assert not caller.answered
    assert caller.cause == 34
    assert "takes no calls" in await pbx.logs()


async def test_digits_and_hold(pbx: Asterisk, world: PhoneBox) -> None:
    callee = world.extension("1002", answers(tone=660))
    caller = await world.call("1002", pbx, line="1001", tone=440)
    phone = await callee.next_call()
    await caller.answered.wait()
    await caller.send_digits("12#")
    await caller.wait_tones(660)
    await caller.hold()
    await phone.wait_tones(absent=(440,))
    await caller.unhold()
    await phone.wait_tones(440)
    assert phone.digits == "12#"
