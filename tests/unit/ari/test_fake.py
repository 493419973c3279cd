"""FakeAsterisk where the contract does not look: what it tells tests, and that it says nothing Asterisk would not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
import pytest

from ari_app.ari.errors import BadRequest, Gone, NotInStasis, Refused, ServerFault, Unreachable
from ari_app.ari.fake import Answers, Busy, Declines, EntersStasis, FailsToRing, FakeAsterisk, NeverAnswers, Offline
from ari_app.ari.http import HttpOptions, HttpPool, basic_auth
from ari_app.ari.operations import Operations
from ari_app.ari.protocol import FrameDecoder, UnknownEvent
from ari_app.clock import ManualClock

APP = "ari_app"


@pytest.fixture
async def fake() -> AsyncIterator[FakeAsterisk]:
    """With a clock that stands still: nothing happens in it until the test moves time on."""
    async with FakeAsterisk(clock=ManualClock()) as fake:
        fake.world.app(APP).persistent = True
        yield fake


@pytest.fixture
async def ari(fake: FakeAsterisk) -> AsyncIterator[Operations]:
    pool = HttpPool(HttpOptions(base_url=fake.url, user=fake.user, password=fake.password))
    yield Operations(pool)
    await pool.close()


def clock(fake: FakeAsterisk) -> ManualClock:
    assert isinstance(fake.clock, ManualClock)
    return fake.clock


def told(fake: FakeAsterisk, channel: str) -> list[str]:
    return [e["type"] for _, e in fake.world.told if e.get("channel", e.get("peer", {})).get("id") == channel]


async def dialled(fake: FakeAsterisk, ari: Operations, endpoint: str, channel: str = "leg", timeout: int = 30) -> None:
    await ari.channels.create(endpoint=endpoint, app=APP, channelId=channel)
    clock(fake).advance(0)
    await ari.channels.dial(channel, timeout=timeout)


async def test_times_are_the_clocks(fake: FakeAsterisk, ari: Operations) -> None:
    fake.endpoints["PJSIP/1001"] = Answers(after=5, ring=2)
    await dialled(fake, ari, "PJSIP/1001")
    states = []
    for _ in range(3):
        clock(fake).advance(2)
        states.append((await ari.channels.get("leg")).state)
    assert states == ["Ringing", "Ringing", "Up"]


@pytest.mark.parametrize(("behaviour", "cause"), [(Busy(after=1), 17), (Declines(after=1), 21)])
async def test_those_who_do_not_want(fake: FakeAsterisk, ari: Operations, behaviour: Any, cause: int) -> None:
    fake.endpoints["PJSIP/1001"] = behaviour
    await dialled(fake, ari, "PJSIP/1001")
    clock(fake).advance(1)
    (event,) = [e for _, e in fake.world.told if e["type"] == "ChannelDestroyed"]
    assert event["cause"] == cause


async def test_silence_until_the_timeout(fake: FakeAsterisk, ari: Operations) -> None:
    fake.endpoints["PJSIP/1001"] = FailsToRing()
    await dialled(fake, ari, "PJSIP/1001", timeout=20)
    clock(fake).advance(19)
    assert (await ari.channels.get("leg")).state == "Down"
    clock(fake).advance(1)
    assert "leg" not in fake.world.channels


async def test_offline_and_unknown_endpoints(fake: FakeAsterisk, ari: Operations) -> None:
    fake.endpoints["PJSIP/1001"] = Offline()
    for name in ("1001", "1002"):
        with pytest.raises(ServerFault, match="Allocation failed"):
            await ari.channels.create(endpoint=f"PJSIP/{name}", app=APP)
    assert [(e.resource, e.state) for e in await ari.endpoints.list()] == [("1001", "offline")]


async def test_the_far_end_by_hand(fake: FakeAsterisk, ari: Operations) -> None:
    fake.endpoints["PJSIP/1001"] = FailsToRing()
    for channel in ("answers", "busy"):
        await dialled(fake, ari, "PJSIP/1001", channel)
        fake.ring(channel)
    fake.answer("answers")
    fake.answer("answers")
    fake.busy("busy")
    fake.hold_from_far_end("answers")
    fake.hold_from_far_end("answers", on=False)
    assert told(fake, "answers")[-4:] == ["ChannelStateChange", "Dial", "ChannelHold", "ChannelUnhold"]
    assert told(fake, "busy")[-1] == "ChannelDestroyed"
    await ari.channels.sendDTMF("answers", dtmf="12#")
    await ari.channels.startMoh("answers", mohClass="jazz")
    assert (fake.channel("answers").digits_sent, fake.channel("answers").music) == ("12#", "jazz")


async def test_a_local_channel_into_the_application(fake: FakeAsterisk, ari: Operations) -> None:
    fake.endpoints["Local/600@inside"] = EntersStasis("in", "600")
    await ari.channels.originate(endpoint="Local/600@inside/n", app=APP, channelId="one", otherChannelId="two")
    assert (await ari.channels.get("two")).dialplan.app_data == f"{APP},in,600"
    await ari.channels.answer("two")
    assert (await ari.channels.get("one")).state == "Up"
    await ari.channels.hangup("one")
    assert fake.world.channels == {}


async def test_nothing_is_said_that_asterisk_would_not_say(fake: FakeAsterisk, ari: Operations) -> None:
    """Every event told in a busy life can be decoded, without a field too many or too few."""
    fake.endpoints.update({"PJSIP/1001": NeverAnswers(), "PJSIP/1002": Busy()})
    caller = fake.incoming_call().id
    await dialled(fake, ari, "PJSIP/1001")
    await dialled(fake, ari, "PJSIP/1002", "busy")
    fake.answer("leg")
    await ari.channels.answer(caller)
    fake.dtmf(caller, "1")
    fake.hold_from_far_end(caller)
    await ari.channels.setChannelVars("leg", variables={"A": {"value": "1", "report_events": True}})
    await ari.channels.playWithId(caller, "p", media=["sound:a", "sound:b"])
    clock(fake).advance(1)
    await ari.channels.record(caller, name="r", format="wav", maxDurationSeconds=1)
    clock(fake).advance(1)
    await ari.channels.record("leg", name="r2", format="wav")
    await ari.channels.snoopChannelWithId(caller, "spy", app=APP, spy="both")
    await ari.channels.externalMedia(app=APP, external_host="127.0.0.1:1", format="ulaw", channelId="media")
    clock(fake).advance(1)
    await ari.applications.subscribe(APP, eventSource="bridge:")
    await ari.bridges.createWithId("b", type="mixing", name="n")
    await ari.bridges.addChannel("b", channel=[caller, "leg"])
    await ari.bridges.record("b", name="r3", format="wav")
    await ari.bridges.playWithId("b", "bp", media="tone:ring")
    await ari.events.userEvent("e", application=APP, source=[f"channel:{caller}", "bridge:b"], variables={"x": "y"})
    await ari.channels.move(caller, app="nobody")
    await ari.channels.continueInDialplan("leg", context="c", extension="s", priority=1)
    await ari.bridges.destroy("b")
    fake.hangup_from_far_end(caller)
    await ari.channels.hangup("leg")
    fake.emit({"type": "ApplicationReplaced"})
    decoder = FrameDecoder()
    types = set()
    for _, event in fake.world.told:
        decoded = decoder.decode(msgspec.json.encode(event))
        assert not isinstance(decoded, UnknownEvent), decoded
        types.add(decoded.type)
    assert not decoder.unknowns.counts
    assert len(types) == 22, sorted(types)
    assert fake.routes.unknown_parameters == []


async def test_what_asterisk_does_not_know_is_noted(fake: FakeAsterisk, ari: Operations) -> None:
    pool: Any = ari.asterisk._transport
    await pool.request("x", "GET", "/asterisk/ping?colour=blue")
    assert fake.routes.unknown_parameters == ["asterisk.ping colour"]
    assert fake.log == [("asterisk.ping", {})]
    with pytest.raises(Refused, match=r"501 FakeAsterisk does not do sounds\.list"):
        await ari.sounds.list()


async def test_parameters_may_be_in_the_body(fake: FakeAsterisk, ari: Operations) -> None:
    fake.endpoints["PJSIP/1001"] = NeverAnswers()
    pool: Any = ari.asterisk._transport
    body = {"endpoint": "PJSIP/1001", "app": APP, "channelId": "leg"}
    await pool.request("x", "POST", "/channels/create", body)
    assert "leg" in fake.world.channels


async def test_a_body_that_is_no_json(fake: FakeAsterisk) -> None:
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(headers={"Authorization": basic_auth(fake.user, fake.password)}) as session:
        async with session.post(f"{fake.url}/channels/create", data="{bad", headers=headers) as reply:
            assert (reply.status, await reply.json()) == (400, {"message": "Error parsing request body"})
        for path in ("resources.json", "channels.json"):
            async with session.get(f"{fake.url}/api-docs/{path}") as reply:
                assert reply.status == 200
        for path in ("nobody.json", "..%2Fnode.py"):
            async with session.get(f"{fake.url}/api-docs/{path}") as reply:
                assert reply.status == 404


async def test_dynamic_configuration_makes_endpoints(fake: FakeAsterisk, ari: Operations) -> None:
    await ari.asterisk.updateObject("res_pjsip", "endpoint", "1001", fields={"aors": "1001"})
    assert [e.resource for e in await ari.endpoints.list()] == ["1001"]
    assert (await ari.asterisk.getObject("res_pjsip", "endpoint", "1001"))[0].value == "1001"
    await ari.asterisk.deleteObject("res_pjsip", "endpoint", "1001")
    assert await ari.endpoints.list() == []
    with pytest.raises(Gone, match="Object with id '1001' not found"):
        await ari.asterisk.deleteObject("res_pjsip", "endpoint", "1001")


async def test_a_lost_answer_of_a_request_that_was_not_carried_out(fake: FakeAsterisk, ari: Operations) -> None:
    fake.endpoints["PJSIP/1001"] = NeverAnswers()
    fake.faults.lose("channels.create", carried_out=False)
    with pytest.raises(Unreachable):
        await ari.channels.create(endpoint="PJSIP/1001", app=APP, channelId="leg")
    assert fake.world.channels == {}


async def test_a_late_entry_into_the_application(fake: FakeAsterisk, ari: Operations) -> None:
    """As now and then with the real one: create has answered, and dial is refused because the channel is not in yet."""
    fake.endpoints["PJSIP/1001"] = NeverAnswers()
    fake.faults.enter_delay = 0.5
    await ari.channels.create(endpoint="PJSIP/1001", app=APP, channelId="leg")
    with pytest.raises(NotInStasis):
        await ari.channels.dial("leg")
    clock(fake).advance(0.5)
    await ari.channels.dial("leg")


async def test_held_events(fake: FakeAsterisk) -> None:
    hold = fake.hold(lambda event: event["type"] == "StasisEnd")
    app = fake.world.apps[APP]
    channel = fake.incoming_call()
    fake.hangup_from_far_end(channel)
    assert [e["type"] for e in app.queue] == ["StasisStart", "ChannelHangupRequest"]
    hold.release()
    assert [e["type"] for e in app.queue] == ["StasisStart", "ChannelHangupRequest", "StasisEnd"]


async def test_nobody_takes_calls(fake: FakeAsterisk) -> None:
    assert fake.incoming_call(app="nobody").ended
    fake.world.apps[APP].persistent = False
    assert fake.incoming_call().ended


async def test_events_that_nobody_hears_are_counted(fake: FakeAsterisk) -> None:
    channel = fake.incoming_call()
    fake.world.apps[APP].persistent = False
    fake.dtmf(channel, "123")
    assert fake.world.apps[APP].missed == 3


async def test_bad_numbers_are_zero_as_with_atoi(fake: FakeAsterisk, ari: Operations) -> None:
    fake.endpoints["PJSIP/1001"] = NeverAnswers()
    await ari.channels.create(endpoint="PJSIP/1001", app=APP, channelId="leg")
    clock(fake).advance(0)
    pool: Any = ari.asterisk._transport
    await pool.request("x", "POST", "/channels/leg/dial?timeout=soon")
    assert fake.log[-1] == ("channels.dial", {"channelId": "leg", "caller": None, "timeout": 0})


async def test_wrong_login(fake: FakeAsterisk) -> None:
    pool = HttpPool(HttpOptions(base_url=fake.url, user="x", password="y"))
    with pytest.raises(Refused, match="401 Authentication required"):
        await Operations(pool).asterisk.ping()
    await pool.close()


async def test_missing_parameters(fake: FakeAsterisk, ari: Operations) -> None:
    pool: Any = ari.asterisk._transport
    for path in ("/channels", "/bridges/b/addChannel", "/events/user/x"):
        with pytest.raises(BadRequest, match="Missing parameter"):
            await pool.request("x", "POST", path)


async def test_stop_wakes_nobody_up(fake: FakeAsterisk, ari: Operations) -> None:
    """A synchronous command that waits behind a playback is let go when the channel ends."""
    channel = fake.incoming_call().id
    await ari.channels.answer(channel)
    await ari.channels.play(channel, media="tone:ring")
    waiting = asyncio.create_task(ari.channels.setChannelVar(channel, variable="A", value="1"))
    while not fake.channel(channel).jobs.idle_waiters:
        await asyncio.sleep(0)
    fake.hangup_from_far_end(channel)
    with pytest.raises(Exception, match="404 Channel not found"):
        await waiting
