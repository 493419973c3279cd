"""A text is said on a real call: the first sentence is heard before the next is made, and all of it without a hole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import pytest
from aiohttp import web

from ari_app.calls.call import Call
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.say import say
from ari_app.media.tts.synthesiser import Synthesiser
from ari_app.ops.addresses import Guard
from ari_app.prompts.book import PATH, PromptBook
from ari_app.prompts.fetch import Fetcher
from ari_app.prompts.finder import SoundFinder
from ari_app.store.prompts import Prompts
from tests.harness import audio
from tests.harness.patience import PATIENCE
from tests.harness.phones import PhoneBox
from tests.integration.house import House, a_house, until_silent

TEXT = "The first sentence is here. The second one comes after it. The third one is the last."
HERTZ = {"The first": 440, "The second": 620, "The third": 950}
#: of each sentence
SECONDS = 4


class Tones:
    """An engine in whose voice a hole can be measured: each sentence is a tone. The first is made at once, the others
    when the test says so."""

    name, default_voice = "flite", "tones"
    remote: ClassVar[bool] = False

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.made: list[int] = []

    def check(self, voice: str) -> None: ...

    async def speak(self, text: str, voice: str) -> bytes:
        (hertz,) = [hertz for words, hertz in HERTZ.items() if text.startswith(words)]
        if hertz != 440:
            await self.go.wait()
        self.made.append(hertz)
        return audio.to_pcm(audio.sine(hertz, SECONDS))

    async def close(self) -> None: ...


@pytest.fixture
async def house(start_asterisk: Any, world: PhoneBox) -> AsyncIterator[House]:
    async with a_house(start_asterisk, world) as made:
        yield made


@asynccontextmanager
async def speaking(house: House, folder: Path, engine: Tones) -> AsyncIterator[None]:
    """Calls of the house can say texts: Asterisk fetches the sentences here."""
    app = web.Application()
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    holder: list[PromptBook] = []

    async def serve(request: web.Request) -> web.StreamResponse:
        return await holder[0].serve(request)

    app.router.add_get(PATH + "{token}", serve)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    finder = SoundFinder(folder / "found", Fetcher(Guard((), setting="PROMPT_NETWORKS")), house.clock)
    finder.prepare()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    nothing_stored = cast(Prompts, None)  # there are no prompts, only what is spoken
    holder.append(PromptBook(nothing_stored, Synthesiser([engine]), folder, url, house.clock, finder))
    house.registry.speech = holder[0].speech
    try:
        yield
    finally:
        await holder[0].close()
        await runner.cleanup()


async def test_the_first_sentence_is_heard_before_the_second_is_made(house: House, tmp_path: Path) -> None:
    said: list[bool] = []

    async def plan(call: Call) -> None:
        await answer(call.caller)
        await asyncio.wait_for(listening.wait(), PATIENCE)
        said.append(await say(call.caller, TEXT))

    listening, engine = asyncio.Event(), Tones()
    async with speaking(house, tmp_path, engine):
        caller = await house.caller(plan)
        await caller.answered.wait()
        assert caller.ear is not None
        await caller.ear.wait_for(lambda ear: ear.heard().seconds > 0.1, within=PATIENCE)
        listening.set()
        await caller.wait_tones(440, within=PATIENCE)
        assert engine.made == [440]
        engine.go.set()
        await caller.ended.wait()
        assert said == [True]
        heard = caller.heard
        spans = [_span(heard, hertz) for hertz in HERTZ.values()]
        for (_, end), (start, _) in pairwise(spans):
            assert -0.5 < start - end < 3
        for start, end in spans:
            assert SECONDS - 1 < end - start < SECONDS + 3
        await house.idle()


def _span(heard: audio.Heard, hertz: int) -> tuple[float, float]:
    """From when to when it is there, in seconds, where it is for a tenth at least: another tone begins with a click."""
    steady = np.convolve(heard.presence(hertz), np.ones(10), "valid") >= 9
    places = steady.nonzero()[0] * 0.01
    return float(places[0]), float(places[-1])


async def test_cancelled_it_is_silent_at_once(house: House, tmp_path: Path) -> None:
    silent = asyncio.Event()

    async def plan(call: Call) -> None:
        await answer(call.caller)
        task = asyncio.create_task(say(call.caller, TEXT))
        await asyncio.wait_for(heard.wait(), PATIENCE)
        task.cancel()
        await asyncio.wait({task})
        await asyncio.wait_for(silent.wait(), PATIENCE)

    heard, engine = asyncio.Event(), Tones()
    engine.go.set()
    async with speaking(house, tmp_path, engine):
        caller = await house.caller(plan)
        await caller.wait_tones(440, within=PATIENCE)
        heard.set()
        await until_silent(caller, within=PATIENCE)
        silent.set()
        await caller.ended.wait()
        assert not (np.convolve(caller.heard.presence(620), np.ones(20)) > 18).any()  # nor does the next one begin
        await house.idle()
