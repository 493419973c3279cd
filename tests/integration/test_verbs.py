"""The verbs on a real Asterisk, with real phones: what they do is heard, and read from the phones' signalling."""

from __future__ import annotations

import asyncio
import io
import time
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from ari_app.ari.node import Node
from ari_app.calls import facts
from ari_app.calls.bridge import Bridge
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg, LegState
from ari_app.calls.program import Program
from ari_app.calls.programs import Announcement, ExtensionCall, Unallocated
from ari_app.calls.registry import Registry
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.dial import DialOutcome, Party, dial
from ari_app.calls.verbs.hangup import hangup, release
from ari_app.calls.verbs.hold import hold, unhold
from ari_app.calls.verbs.play import play
from ari_app.calls.verbs.progress import progress
from ari_app.calls.verbs.record import record
from ari_app.calls.verbs.ring import ring
from ari_app.calls.verbs.snoop import Snoop
from ari_app.clock import SystemClock
from ari_app.ids import IdSource
from tests.harness import audio
from tests.harness.asterisk import Asterisk
from tests.harness.phones import Behaviour, Extension, Phone, PhoneBox, answers, declines, is_busy, never_answers
from tests.unit.calls.stage import Plan, Script, Store

CALLER, CALLEE = 440, 660
#: dBFS; a silent line is below -60
LOUD, SILENT = -45, -60


class House:
    """Call control in this process, on an Asterisk of its own, with phones outside."""

    def __init__(self, pbx: Asterisk, world: PhoneBox) -> None:
        self.pbx, self.world = pbx, world
        self.store = Store()
        self.clock = SystemClock()
        self.registry = Registry(self.clock, IdSource(), self.store)
        self.registry.route = lambda call, context: self.programs[call.number]
        #: number -> what serves it
        self.programs: dict[str, Program] = {}
        node = self.node = Node("pbx", url=pbx.ari_url, user=pbx.ari_user, password=pbx.ari_password, app="ari_app")
        node.on_event = lambda event: self.registry.on_event(node, event)
        self.registry.nodes["pbx"] = node

    async def start(self) -> None:
        await self.node.start()
        async with asyncio.timeout(10):
            await self.node.wait_resynced()

    async def stop(self) -> None:
        for call in list(self.registry.calls.values()):
            call.detach()
        await self.node.close()

    async def phone(self, number: str, behaviour: Behaviour | None = None) -> Extension:
        """A phone that can be called as PJSIP/<number>."""
        await self.pbx.provision(number, "secret", contact=self.world.contact(number))
        return self.world.extension(number, behaviour)

    async def caller(self, plan: Plan | Program, **options: Any) -> Phone:
        """Somebody calls over the trunk and is served by that."""
        self.programs["300"] = plan if not callable(plan) else Script(plan)
        return await self.world.call("300", self.pbx, **options)

    async def idle(self) -> None:
        """Everything is over: no channel and no bridge in Asterisk, no call, leg, helper or waiter here."""
        await self.pbx.wait_idle()
        registry = self.registry
        async with asyncio.timeout(10):
            while registry.calls or registry.legs or registry.helpers or registry.waiters:
                await asyncio.sleep(0.01)
        assert self.node.handler_errors == 0
        assert {fact.leg for fact in self.store.of(facts.LegEnded)} == {
            fact.leg for fact in self.store.of(facts.LegStarted)
        }


@pytest.fixture
async def house(start_asterisk: Callable[..., Awaitable[Asterisk]], world: PhoneBox) -> AsyncIterator[House]:
    pbx = await start_asterisk("verbs", environment={"TRUNK_MATCH": world.trunk_address})
    made = House(pbx, world)
    await made.start()
    yield made
    await made.stop()


async def stay(call: Call) -> None:
    await asyncio.Event().wait()


def loudness(phone: Phone, seconds: float = 0.3) -> float:
    assert phone.ear is not None
    return audio.loudness(phone.ear.recent(seconds).samples)


async def until_loud(phone: Phone, within: float = 5) -> None:
    assert phone.ear is not None
    await phone.ear.wait_for(lambda ear: audio.loudness(ear.recent(0.2).samples) > LOUD, within=within)


async def until_silent(phone: Phone, within: float = 5) -> None:
    assert phone.ear is not None
    await phone.ear.wait_for(
        lambda ear: ear.recent(0.3).seconds > 0.29 and audio.loudness(ear.recent(0.3).samples) < SILENT, within=within
    )


# playing


async def test_what_is_played_is_heard_and_then_it_is_over(house: House) -> None:
    played: list[tuple[bool, float]] = []

    async def plan(call: Call) -> None:
        await answer(call.caller)
        for media in (["sound:hello-world"], ["sound:there-is-no-such-sound"], ["sound:beep", "digits:12"]):
            began = time.monotonic()
            played.append((await play(call.caller, media), time.monotonic() - began))

    caller = await house.caller(plan)
    await caller.answered.wait()
    await until_loud(caller)
    await caller.ended.wait(20)
    assert [ok for ok, _ in played] == [True, False, True]
    assert 0.5 < played[0][1] < 4  # "Hello, world" takes a second and a half
    assert caller.cause == 16
    await house.idle()


async def test_a_tone_plays_until_it_is_stopped(house: House) -> None:
    stopped = asyncio.Event()

    async def plan(call: Call) -> None:
        await answer(call.caller)
        playing = asyncio.create_task(play(call.caller, ["tone:660"]))
        await stopped.wait()
        playing.cancel()
        await stay(call)

    caller = await house.caller(plan)
    await caller.answered.wait()
    await caller.wait_tones(660)
    stopped.set()
    await until_silent(caller)
    await caller.hang_up()
    await house.idle()


async def test_an_announcement(house: House) -> None:
    caller = await house.caller(Announcement(["sound:hello-world"]))
    await caller.answered.wait()
    await until_loud(caller)
    await caller.ended.wait(10)
    assert caller.cause == 16
    await house.idle()
    (ended,) = house.store.of(facts.CallEnded)
    assert ended.ended_by == "system"


async def test_he_hangs_up_in_the_middle(house: House) -> None:
    caller = await house.caller(Announcement(["sound:demo-congrats"]))
    await caller.answered.wait()
    await until_loud(caller)
    await caller.hang_up()
    await house.idle()
    (ended,) = house.store.of(facts.CallEnded)
    assert (ended.ended_by, ended.cause) == ("caller", 16)


# from phone to phone


async def test_from_extension_to_extension(house: House) -> None:
    """Both ring and hear each other, as long as neither hangs up."""
    phone_1001 = await house.phone("1001", answers(after=0.5, tone=CALLEE))
    await house.phone("1002")
    await house.world.line("1002", "secret")
    house.programs["1001"] = ExtensionCall("PJSIP/1001")
    caller = await house.world.call("1001", house.pbx, line="1002", tone=CALLER)
    callee = await phone_1001.next_call()
    assert callee.caller_number == "1002"
    await caller.ringing.wait()
    assert not caller.answered
    await caller.answered.wait()
    await asyncio.gather(
        callee.wait_tones(CALLER, absent=(CALLEE,)),
        caller.wait_tones(CALLEE, absent=(CALLER,)),
    )
    await callee.hang_up()
    await caller.ended.wait()
    assert caller.cause == 16
    await house.idle()
    (ended,) = house.store.of(facts.CallEnded)
    assert ended.ended_by == "callee"


@pytest.mark.parametrize(
    ("behaviour", "told", "caused"),
    [(is_busy(), 17, 17), (declines(), 21, 21), (never_answers(), 19, 19)],
    ids=["busy", "declined", "no answer"],
)
async def test_why_nobody_answers_is_passed_on(house: House, behaviour: Behaviour, told: int, caused: int) -> None:
    await house.phone("1001", behaviour)
    caller = await house.caller(ExtensionCall("PJSIP/1001", timeout=1.0))
    await caller.ended.wait()
    assert not caller.answered
    assert caller.cause == told
    await house.idle()
    causes = {fact.cause for fact in house.store.of(facts.LegEnded)}
    assert causes == {caused}  # the callee's own, and with it the caller's


async def test_an_extension_that_is_not_registered_and_one_that_is_none(house: House) -> None:
    await house.pbx.provision("1003", "secret")  # it may register, and has not
    for endpoint, cause in (("PJSIP/1003", 20), ("PJSIP/1999", 1)):
        caller = await house.caller(ExtensionCall(endpoint))
        await caller.ended.wait()
        assert not caller.answered
        await house.idle()
        legs = {fact.leg: fact.role for fact in house.store.of(facts.LegStarted)}
        (hung_up,) = [f.cause for f in house.store.of(facts.LegEnded) if legs[f.leg] == "caller"]
        assert hung_up == cause
        house.store.facts.clear()


async def test_an_unallocated_number(house: House) -> None:
    caller = await house.caller(Unallocated())
    await caller.ended.wait()
    assert (caller.cause, bool(caller.answered)) == (1, False)
    await house.idle()


async def test_a_call_that_is_taken_back_stops_ringing_at_once(house: House) -> None:
    phone_1001 = await house.phone("1001", never_answers())
    caller = await house.caller(ExtensionCall("PJSIP/1001"))
    callee = await phone_1001.next_call()
    await callee.ringing.wait()
    await caller.hang_up()
    gone, stopped = await caller.ended.wait(), await callee.ended.wait()
    assert callee.cancelled_at is not None
    assert stopped - gone < 0.2
    await house.idle()


# causes


@pytest.mark.parametrize(
    ("cause", "heard"), [(17, {17}), (1, {1}), (34, {34, 42}), (21, {21}), (20, {18, 19, 20}), (38, {38})]
)
async def test_a_hang_up_before_the_answer_says_why(house: House, cause: int, heard: set[int]) -> None:
    """As a SIP answer (486, 404, 503, 403, 480, 500), which the carrier's Asterisk turns into a cause again."""
    caller = await house.caller(lambda call: hangup(call.caller, cause))
    await caller.ended.wait()
    assert caller.cause in heard
    assert not caller.answered
    await house.idle()
    assert [fact.cause for fact in house.store.of(facts.LegEnded)] == [cause]


async def test_a_program_that_fails(house: House) -> None:
    async def plan(call: Call) -> None:
        raise ValueError("a bug")

    caller = await house.caller(plan)
    await caller.ended.wait()
    assert (caller.cause, bool(caller.answered)) == (38, False)
    await house.idle()


# ringing and early media


async def test_ringing_without_an_answer(house: House) -> None:
    async def plan(call: Call) -> None:
        await ring(call.caller)
        await stay(call)

    caller = await house.caller(plan)
    await caller.ringing.wait()
    assert not caller.answered
    await caller.hang_up()
    await house.idle()


async def test_what_the_far_end_says_before_it_answers_is_heard(house: House) -> None:
    """And nobody is answered by that: the caller does not pay yet."""
    phone_1001 = await house.phone("1001", never_answers())
    outcomes: list[DialOutcome] = []

    async def plan(call: Call) -> None:
        bridge = Bridge(call)
        await bridge.create()
        await progress(call.caller)
        await bridge.add(call.caller)
        callee = call.new_leg("callee", endpoint="PJSIP/1001")
        outcomes.append(await dial(callee, early_media=bridge))
        await answer(call.caller)
        await callee.until(LegState.GONE)

    caller = await house.caller(plan, listen=False)
    callee = await phone_1001.next_call()
    await callee.play_tone(CALLEE)
    await caller.listen()  # from now on, and not only from the answer
    await caller.wait_tones(CALLEE)
    assert not caller.answered
    assert outcomes == []
    await callee.silence()  # an answer would wait behind what is played
    await callee.answer()
    await callee.listen()
    await callee.play_tone(CALLEE)
    await caller.answered.wait()
    await caller.play_tone(CALLER)
    assert outcomes == [DialOutcome.ANSWERED]
    await asyncio.gather(caller.wait_tones(CALLEE, absent=(CALLER,)), callee.wait_tones(CALLER, absent=(CALLEE,)))
    await caller.hang_up()
    await house.idle()


# in conversation


class Talk:
    """A caller and a callee who talk, with the handles of both."""

    def __init__(self) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.callee: Leg
        self.bridge: Bridge

    async def plan(self, call: Call) -> None:
        self.call = call
        await answer(call.caller)
        self.callee = call.new_leg("callee", endpoint="PJSIP/1001")
        assert await dial(self.callee, shown=Party("0301")) is DialOutcome.ANSWERED
        self.bridge = Bridge(call)
        await self.bridge.create()
        await self.bridge.add(call.caller, self.callee)
        self.ready.set_result(None)
        await self.callee.until(LegState.GONE)


async def talking(house: House) -> tuple[Talk, Phone, Phone]:
    phone_1001 = await house.phone("1001", answers(tone=CALLEE))
    talk = Talk()
    caller = await house.caller(talk.plan, tone=CALLER)
    callee = await phone_1001.next_call()
    await asyncio.gather(talk.ready, caller.wait_tones(CALLEE), callee.wait_tones(CALLER))
    return talk, caller, callee


async def test_hold_and_back(house: House) -> None:
    talk, caller, callee = await talking(house)
    await hold(talk.call.caller, talk.bridge)
    await until_silent(callee)
    await caller.ear.wait_for(  # type: ignore[union-attr]
        lambda ear: audio.loudness(ear.recent(0.3).samples) > LOUD and ear.recent(0.3).level(CALLEE) < SILENT, 5
    )
    await unhold(talk.call.caller, talk.bridge)
    await asyncio.gather(caller.wait_tones(CALLEE, absent=(CALLER,)), callee.wait_tones(CALLER, absent=(CALLEE,)))
    await caller.hang_up()
    await callee.ended.wait()
    await house.idle()


async def heard_in(house: House, name: str) -> audio.Heard:
    """A stored recording, fetched over ARI."""
    with wave.open(io.BytesIO(await house.node.recordings.getStoredFile(name))) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (audio.RATE, 2, 1)
        return audio.Heard(audio.from_pcm(file.readframes(file.getnframes())), 0.0)


async def test_a_bridge_is_recorded_with_all_who_speak_in_it(house: House) -> None:
    talk, caller, _ = await talking(house)
    recording = await record(talk.bridge)
    await asyncio.sleep(1.5)
    finished = await recording.stop()
    assert (finished.recording.duration or 0) >= 1
    heard = await heard_in(house, recording.name)
    assert heard.seconds == pytest.approx(1.5, abs=0.4)
    assert heard.last(1.0).tones((CALLER, CALLEE)) == {CALLER, CALLEE}
    await asyncio.gather(caller.wait_tones(CALLEE))  # nobody is disturbed by it
    await caller.hang_up()
    await house.idle()


async def test_a_leg_is_recorded_with_what_it_says(house: House) -> None:
    recordings = []

    async def plan(call: Call) -> None:
        await answer(call.caller)
        recording = await record(call.caller)
        recordings.append(recording.name)
        await asyncio.sleep(1.5)
        await recording.stop()

    caller = await house.caller(plan, tone=CALLER)
    await caller.ended.wait()
    heard = await heard_in(house, recordings[0])
    assert heard.last(0.8).tones((CALLER, CALLEE)) == {CALLER}
    await house.idle()


async def test_a_snoop_of_one_who_talks_hears_both_and_disturbs_nobody(house: House) -> None:
    talk, caller, callee = await talking(house)
    since = caller.heard.ended_at
    snoop = Snoop(talk.call.caller, spy="both", whisper="none")
    await snoop.open()
    recording = await record(snoop)
    await asyncio.sleep(1.5)
    await recording.stop()
    await snoop.close()
    heard = await heard_in(house, recording.name)
    assert heard.last(0.8).tones((CALLER, CALLEE)) == {CALLER, CALLEE}
    assert caller.heard.between(since, caller.heard.ended_at).gaps(CALLEE, longer_than=0.06) == []
    await callee.hang_up()
    await house.idle()


async def test_a_recording_ends_with_the_one_who_is_recorded(house: House) -> None:
    names = []

    async def plan(call: Call) -> None:
        await answer(call.caller)
        names.append((await record(call.caller)).name)
        await stay(call)

    caller = await house.caller(plan, tone=CALLER)
    await caller.answered.wait()
    await asyncio.sleep(1.0)
    await caller.hang_up()
    await house.idle()
    heard = await heard_in(house, names[0])
    assert heard.between(0.3, 0.6).tones((CALLER,)) == {CALLER}
    assert len(house.store.of(facts.RecordingEnded)) == 1


async def test_one_of_two_is_let_go_and_the_other_goes_on(house: House) -> None:
    talk, caller, callee = await talking(house)
    await talk.bridge.remove(talk.callee)
    await until_silent(caller)
    await talk.bridge.add(talk.callee)
    await caller.wait_tones(CALLEE)
    await release(talk.callee)
    await callee.ended.wait()
    await caller.ended.wait()
    await house.idle()
