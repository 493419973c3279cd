"""Speech on live calls: phones play what flite speaks, and it is understood, over the prompt too."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ari_app.calls.call import Call
from ari_app.calls.hearing import Ears, Hearing
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.external_media import MediaPorts, TransportKind
from ari_app.calls.verbs.listen import Answer, Manner, Outcome, listen
from ari_app.errors import AppError
from ari_app.media.asr.port import Wanted
from ari_app.media.asr.recognisers import Recognisers
from ari_app.media.asr.sphinx import PocketSphinx
from ari_app.media.transports.pacing import Ticker
from ari_app.media.tts.engine import FLITE
from tests.harness.patience import PATIENCE
from tests.harness.phones import PhoneBox
from tests.integration.house import House, a_house, until_loud, until_silent

pytestmark = pytest.mark.skipif(not shutil.which("flite"), reason="flite is not installed")

MENU = Wanted(phrases=("Sales department", "billing", "operator"))


@pytest.fixture
async def house(start_asterisk: Any, world: PhoneBox) -> AsyncIterator[House]:
    async with a_house(start_asterisk, world) as made:
        yield made


@pytest.fixture
async def ears(house: House) -> AsyncIterator[Ears]:
    ports = MediaPorts(house.clock, Ticker(house.clock), TransportKind.WEBSOCKET)
    await ports.start()
    recognisers = Recognisers([PocketSphinx(concurrent=1, time_limit=PATIENCE)])
    yield Ears(ports, recognisers)
    await recognisers.close()
    await ports.close()
    assert len(ports.ticker) == 0


async def spoken(world: PhoneBox, text: str) -> str:
    """What a phone plays to say that, with half a second of silence around it, as people are silent too."""
    return await asyncio.to_thread(world.sound_file, bytes(8000) + await FLITE.speak(text, "rms") + bytes(8000))


class Questions:
    """A program that asks, one question after the other, and keeps the answers."""

    def __init__(self, ears: Ears, *questions: dict[str, Any]) -> None:
        self.ears = ears
        self.questions = questions
        self.answers: list[Answer] = []

    async def plan(self, call: Call) -> None:
        await answer(call.caller)
        for question in self.questions:
            self.answers.append(await listen(call.caller, self.ears, MENU, **question))


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> asyncio.Queue[Hearing]:
    """Each that has begun to hear."""
    begun: asyncio.Queue[Hearing] = asyncio.Queue()
    really_open = Hearing.open

    async def opened(hearing: Hearing) -> None:
        await really_open(hearing)
        begun.put_nowait(hearing)

    monkeypatch.setattr(Hearing, "open", opened)
    return begun


async def soon(begun: asyncio.Queue[Hearing]) -> None:
    async with asyncio.timeout(PATIENCE):
        await begun.get()


async def test_what_is_said_over_a_prompt_and_after_it(
    house: House, ears: Ears, listening: asyncio.Queue[Hearing]
) -> None:
    patient = Manner(timeout=PATIENCE)
    prompt = ["sound:vm-intro"] * 20  # longer than anybody waits
    program = Questions(
        ears,
        {"prompt": prompt, "manner": patient},
        {"manner": patient},
        {"manner": patient},
        {"prompt": prompt, "manner": patient},
        {"manner": Manner(timeout=0.3)},
    )
    billing, elephant, operator = [
        await spoken(house.world, text) for text in ("billing", "a huge elephant in the garden", "operator")
    ]
    caller = await house.caller(program.plan)
    await soon(listening)
    await until_loud(caller)
    await caller.play(billing)
    await soon(listening)
    first = program.answers[0]
    assert (first.outcome, first.transcript.text) == (Outcome.MATCH, "billing")
    assert (first.transcript.confidence or 0) > 0.5
    assert 200 < first.transcript.end - first.transcript.start < 1500
    await until_silent(caller)
    await caller.play(elephant)
    await soon(listening)
    await caller.play(operator)
    await soon(listening)
    await until_loud(caller)
    await caller.send_digits("7")
    await soon(listening)
    await caller.ended.wait()
    assert [(one.outcome, one.digits) for one in program.answers[1:]] == [
        (Outcome.NO_MATCH, ""),
        (Outcome.MATCH, ""),
        (Outcome.DIGITS, "7"),
        (Outcome.NO_INPUT, ""),
    ]
    assert program.answers[2].transcript.text == "operator"
    await house.idle()


async def test_a_prompt_that_is_not_talked_over_and_a_hang_up(
    house: House, ears: Ears, listening: asyncio.Queue[Hearing]
) -> None:
    manner = Manner(barge_in=False, timeout=0.3)
    program = Questions(ears, {"prompt": ["sound:hello-world"], "manner": manner}, {"prompt": ["sound:vm-intro"] * 20})
    caller = await house.caller(program.plan)
    await until_loud(caller)
    assert listening.empty()  # nobody listens while it is played
    await soon(listening)
    await soon(listening)
    assert [one.outcome for one in program.answers] == [Outcome.NO_INPUT]
    await until_loud(caller)
    await caller.hang_up()
    await house.idle()
    assert len(program.answers) == 1


async def test_what_cannot_be_listened_for_is_said_before_anything_is_heard(house: House, ears: Ears) -> None:
    raised: list[str] = []

    async def plan(call: Call) -> None:
        await answer(call.caller)
        for wanted, prompt, engine in (
            (Wanted(), ["sound:hello-world"], ""),
            (MENU, ["sound:hello-world"], "telepathy"),
            (MENU, ["tone:440"], ""),
        ):
            try:
                await listen(call.caller, ears, wanted, prompt, engine=engine)
            except AppError as error:
                raised.append(error.slug)

    caller = await house.caller(plan)
    await caller.ended.wait()
    assert raised == ["bad_grammar", "recogniser_missing", "bad_media"]
    await house.idle()
