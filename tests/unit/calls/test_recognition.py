"""Recognitions that users begin, against a fake Asterisk: pieces of speech, what is told while one is said, and what
becomes of it when the call ends first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from itertools import pairwise
from typing import Any, ClassVar

import pytest

from ari_app.calls.call import Call
from ari_app.calls.hearing import Ears
from ari_app.calls.recognition import WAITING, RecognitionDesk, RecognitionRequest, RecognitionView
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.external_media import MediaPorts, TransportKind
from ari_app.media.asr.errors import NoPartials, RecognitionFailed
from ari_app.media.asr.port import Transcript, Wanted, milliseconds
from ari_app.media.asr.recognisers import Recognisers
from ari_app.media.features import Channel, measure
from ari_app.media.transports.pacing import Ticker
from tests.unit.calls.stage import Stage, stay
from tests.unit.media.signals import Samples, frames, noise, voice

ACCOUNT = 1


async def answered(call: Call) -> None:
    await answer(call.caller)
    await stay(call)


class Writing:
    """A piece of speech: what was said so far is how long it is."""

    def __init__(self, engine: Writes, tell: Callable[[str], None]) -> None:
        self.engine, self.tell = engine, tell
        self.sound = b""
        self.dropped = False

    def feed(self, samples: bytes) -> None:
        self.sound += samples
        if not self.engine.silent:
            self.tell(f"{milliseconds(self.sound)} ms")

    async def finish(self) -> Transcript:
        return await self.engine.recognise(self.sound, Wanted())

    def drop(self) -> None:
        self.dropped = True


class Writes:
    """An engine that can, or cannot, be fed speech while it is said; what it hears is how long it is. What engines
    understand is shown elsewhere."""

    name = "test"
    remote: ClassVar[bool] = False

    def __init__(self, *, streams: bool = True) -> None:
        self.streams = streams
        self.silent = self.fails = False
        self.pieces: list[Writing] = []

    def check(self, wanted: Wanted) -> None:
        pass

    async def recognise(self, samples: bytes, wanted: Wanted) -> Transcript:
        if self.fails:
            raise RecognitionFailed("test: it fails")
        return Transcript(f"{milliseconds(samples)} ms")

    def stream(
        self, wanted: Wanted, tell: Callable[[str], None], place: AbstractAsyncContextManager[Any] | None = None
    ) -> Writing:
        self.pieces.append(Writing(self, tell))
        return self.pieces[-1]

    async def close(self) -> None:
        pass


class Recognising:
    """A call, and what listens to it."""

    def __init__(self, stage: Stage, call: Call) -> None:
        self.stage, self.call = stage, call
        self.engine = Writes()
        self.ports = MediaPorts(stage.clock, Ticker(stage.clock), TransportKind.RTP)
        ears = Ears(self.ports, Recognisers([self.engine, Deaf()]))
        self.desk = RecognitionDesk(stage.registry, ears, lambda _account, _extension: None, limit=10)
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.desk.tell = lambda _account, name, values: self.told.append((name, values))
        self._channel = Channel()

    async def start(self, **asked: Any) -> str:
        request = RecognitionRequest(wanted=Wanted(), **asked)
        made = await self.desk.start(ACCOUNT, request, call=self.call.id)
        await self.stage.until(lambda: self.view(made).state == "active")
        return made

    def view(self, recognition: str) -> RecognitionView:
        return self.desk.view(ACCOUNT, recognition)

    def say(self, *sounds: Samples) -> None:
        """Time of the clock goes by with it."""
        (line,) = self.ports.batch._lines
        for frame in frames(*sounds):
            (features,) = measure([(self._channel, frame)])
            line.hear(features, frame)
            self.stage.clock.advance(0.02)

    def events(self, name: str) -> list[dict[str, Any]]:
        return [values for told, values in self.told if told == f"Recognition{name}"]


class Deaf(Writes):
    name = "deaf"

    def __init__(self) -> None:
        super().__init__(streams=False)


@pytest.fixture
async def recognising(stage: Stage) -> AsyncIterator[Recognising]:
    call, _ = await stage.incoming(answered)
    await stage.until(lambda: call.answered_at)
    made = Recognising(stage, call)
    yield made
    for view in made.desk.views(ACCOUNT):
        made.desk.stop(ACCOUNT, view.id)
    await stage.until(lambda: not made.desk and not stage.registry.helpers)
    assert (len(made.ports.batch), len(made.ports.ticker)) == (0, 0)


QUIET = noise(1200, -65)


async def test_what_was_said_so_far_and_then_all_of_it(recognising: Recognising) -> None:
    made = await recognising.start(partials=True)
    recognising.say(QUIET, voice(2000), QUIET)
    await recognising.stage.until(lambda: recognising.view(made).results)
    (result,) = recognising.events("Result")
    partials = recognising.events("Partial")
    assert len(partials) >= 3
    times = [each["at"] for each in partials]
    assert all(later - earlier >= 0.499 for earlier, later in pairwise(times))
    lengths = [int(each["text"].split()[0]) for each in partials]
    assert lengths == sorted(set(lengths))
    assert {each["start"] for each in partials} == {result["start"]}
    (piece,) = recognising.engine.pieces
    assert result["text"] == f"{milliseconds(piece.sound)} ms"  # all of the piece was fed, and nothing twice
    (heard,) = recognising.view(made).results
    assert milliseconds(piece.sound) >= heard.end - heard.start + 800


async def test_without_partials_nothing_is_told_before_the_end(recognising: Recognising) -> None:
    made = await recognising.start()
    recognising.say(QUIET, voice(2000), QUIET)
    await recognising.stage.until(lambda: recognising.view(made).results)
    assert (recognising.events("Partial"), recognising.engine.pieces) == ([], [])


async def test_each_piece_is_fed_to_a_stream_of_its_own(recognising: Recognising) -> None:
    made = await recognising.start(partials=True)
    recognising.say(QUIET, voice(700), QUIET, voice(900, seed=2), QUIET)
    await recognising.stage.until(lambda: len(recognising.view(made).results) == 2)
    first, second = recognising.engine.pieces
    assert [each["text"] for each in recognising.events("Result")] == [
        f"{milliseconds(first.sound)} ms",
        f"{milliseconds(second.sound)} ms",
    ]


async def test_one_that_fails_and_one_that_there_is_no_time_for(recognising: Recognising) -> None:
    recognising.engine.fails = True
    made = await recognising.start(partials=True)
    recognising.say(QUIET, voice(700), QUIET)
    await recognising.stage.until(lambda: recognising.events("Failed"))
    for seed in range(WAITING + 1):  # nothing of it is waited for
        recognising.say(voice(500, seed=seed + 2), QUIET)
    view = recognising.view(made)
    assert (view.pieces, view.missed) == (WAITING + 2, 1)
    assert [piece.dropped for piece in recognising.engine.pieces] == [*[False] * (WAITING + 1), True]
    recognising.desk.stop(ACCOUNT, made)
    await recognising.stage.until(lambda: recognising.view(made).state == "ended")


async def test_who_hangs_up_while_he_speaks(recognising: Recognising) -> None:
    made = await recognising.start(partials=True)
    recognising.say(QUIET, voice(1000))
    recognising.stage.fake.hangup_from_far_end(recognising.call.caller.id)
    await recognising.stage.until(lambda: recognising.view(made).state == "ended")
    assert recognising.view(made).reason == "call: it has ended"
    (piece,) = recognising.engine.pieces
    await recognising.stage.until(lambda: piece.dropped)
    told = len(recognising.events("Partial"))
    recognising.stage.clock.advance(10)
    assert len(recognising.events("Partial")) == told
    await recognising.stage.nothing_left()


async def test_an_engine_that_says_nothing_before_the_end(recognising: Recognising) -> None:
    with pytest.raises(NoPartials):
        await recognising.start(engine="deaf", partials=True)
