"""Who has answered, found out on live calls: phones that play a greeting, a hello, a fax, and one that is silent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from ari_app.calls.call import Call
from ari_app.calls.leg import LegGone
from ari_app.calls.verbs.analyse import DONE, LEG_GONE, STOPPED, Analysis, Outcome
from ari_app.calls.verbs.dial import DialOutcome, Party, dial
from ari_app.calls.verbs.external_media import MediaPorts, TransportKind
from ari_app.calls.wait import while_alive
from ari_app.media.cpa import CallProgress, Finding, Parameters, replay
from ari_app.media.transports.pacing import Ticker
from tests.harness.patience import PATIENCE
from tests.harness.phones import Phone, PhoneBox, answers
from tests.integration.house import House, a_house
from tests.unit.media.signals import Samples, answer_tone, noise, pcm, silence, sine, voice

#: ms of media time that a busy machine may add
SLACK = 2000
NOISE = -62
HELLO = np.concatenate([silence(300), voice(600)])
GREETING = np.concatenate([silence(300), voice(2400), silence(400), voice(2000, seed=2), silence(700), sine(1000, 400)])
FAX = np.concatenate([silence(500), answer_tone(3000)])


def sound(*parts: Samples, seconds: float = 8) -> bytes:
    """Parts, then silence, on a line with some noise."""
    said = np.concatenate(parts)
    said = np.concatenate([said, silence(max(0.0, 1000 * seconds - len(said) / 8))])
    return pcm(said + noise(len(said) / 8, NOISE))


@pytest.fixture
async def house(start_asterisk: Any, world: PhoneBox) -> AsyncIterator[House]:
    async with a_house(start_asterisk, world) as made:
        yield made


@dataclass
class Answered:
    """A call to a phone that has answered, and is analysed."""

    call: Call
    phone: Phone
    analysis: Analysis[Finding]
    outcome: asyncio.Future[Outcome[Finding]]
    told: list[str]
    #: lets the call end
    over: asyncio.Event


async def answered(
    house: House, parameters: Parameters, kind: TransportKind = TransportKind.RTP, *, broken: bool = False
) -> Answered:
    """Calls a phone and analyses it from its answer. broken: there is no port that Asterisk could send to."""
    extension = await house.phone("1001", answers(listen=False))
    ports = MediaPorts(house.clock, Ticker(house.clock), kind)
    if not broken:
        await ports.start()
    outcome: asyncio.Future[Outcome[Finding]] = asyncio.get_running_loop().create_future()
    begun: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
    over, told = asyncio.Event(), list[str]()

    async def plan(call: Call) -> None:
        leg = call.new_leg("callee", endpoint="PJSIP/1001")
        assert await dial(leg, shown=Party("0301")) is DialOutcome.ANSWERED
        analysis = Analysis(leg, ports, CallProgress(parameters), lambda finding: told.append(finding.code), keep=True)
        begun.set_result(Answered(call, phone, analysis, outcome, told, over))
        outcome.set_result(await analysis.run())
        with contextlib.suppress(LegGone):
            await while_alive(leg, over.wait())
        await ports.close()

    await house.caller(plan, listen=False)
    phone = await extension.next_call()
    made = await asyncio.wait_for(begun, PATIENCE)
    if not broken:
        await asyncio.wait_for(made.analysis.opened.wait(), PATIENCE)
    return made


async def hear(made: Answered, samples: bytes) -> Outcome[Finding]:
    """Plays it, and waits for the end of the analysis."""
    await made.phone.play(made.phone.box.sound_file(samples))
    return await asyncio.wait_for(asyncio.shield(made.outcome), PATIENCE)


async def finish(house: House, made: Answered) -> None:
    """The call has not noticed; it ends, and leaves nothing."""
    assert not made.phone.ended
    made.over.set()
    await house.idle()


async def test_a_human_says_hello(house: House) -> None:
    made = await answered(house, Parameters(break_events=frozenset({"LV", "AM"})), TransportKind.WEBSOCKET)
    outcome = await hear(made, sound(HELLO))
    assert ([f.code for f in outcome.found], outcome.ended) == (["LV"], DONE)
    (live,) = outcome.found
    # the word, and the silence by which it is known
    assert 300 + 820 <= live.at - live.since <= 600 + 820 + SLACK
    await finish(house, made)


async def test_a_machine_greets_and_beeps(house: House) -> None:
    parameters = Parameters(break_events=frozenset({"BP"}))
    made = await answered(house, parameters, TransportKind.RTP)
    outcome = await hear(made, sound(GREETING, seconds=9))
    assert made.told == [f.code for f in outcome.found] == ["AM", "BP"]
    machine, beep = outcome.found
    # 4600 ms, of which the pause of 400 ms counts for 700
    assert 4100 <= machine.at - machine.since <= 4500 + SLACK
    assert beep.since > machine.at
    assert abs(float(beep.facts["hertz1"]) - 1000) < 2
    # what was heard tells the same once more, whoever asks
    assert replay(outcome.features, parameters) == outcome.found
    assert outcome.heard_ms == 20 * len(outcome.features) == beep.at
    await finish(house, made)


async def test_a_fax_answers(house: House) -> None:
    made = await answered(
        house, Parameters(break_events=frozenset({"FX", "MD", "AM", "LV"})), TransportKind.AUDIOSOCKET
    )
    outcome = await hear(made, sound(FAX))
    assert [f.code for f in outcome.found] == ["FX"]
    assert outcome.found[0].at - outcome.found[0].since <= 2000 + SLACK
    await finish(house, made)


async def test_it_ends_by_itself_and_the_call_goes_on(house: House) -> None:
    """Whether the phone sends nothing, the audio breaks, or somebody stops it."""
    made = await answered(house, Parameters(total_timeout=1500))
    outcome = await asyncio.wait_for(made.outcome, PATIENCE)
    assert [(f.code, f.at) for f in outcome.found] == [("DT", 1500)]
    await finish(house, made)

    made = await answered(house, Parameters())
    made.analysis.stop()
    outcome = await asyncio.wait_for(made.outcome, PATIENCE)
    assert (outcome.found, outcome.ended) == ([], STOPPED)
    await finish(house, made)

    made = await answered(house, Parameters(), TransportKind.AUDIOSOCKET)
    for channel in await house.pbx.ari.request("GET", "/channels"):
        if channel["id"].startswith("media"):
            await house.pbx.ari.request("DELETE", f"/channels/{channel['id']}")
    outcome = await asyncio.wait_for(made.outcome, PATIENCE)
    assert outcome.found == []
    assert outcome.ended.startswith("media: ")
    await finish(house, made)

    made = await answered(house, Parameters(), TransportKind.AUDIOSOCKET, broken=True)
    outcome = await asyncio.wait_for(made.outcome, PATIENCE)
    assert outcome.ended.startswith("media: ")
    await finish(house, made)

    made = await answered(house, Parameters())
    await made.phone.hang_up()
    outcome = await asyncio.wait_for(made.outcome, PATIENCE)
    assert (outcome.found, outcome.ended) == ([], LEG_GONE)
    await house.idle()
