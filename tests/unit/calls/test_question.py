"""Questions that users ask, against a fake Asterisk: what is played, what is an answer, and that nothing is left."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, ClassVar

import pytest

from ari_app.calls.call import Call
from ari_app.calls.desk import TooMany
from ari_app.calls.hearing import Ears
from ari_app.calls.playback import Item
from ari_app.calls.question import PER_CALL, QuestionDesk, QuestionRequest, QuestionView
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.attach import Side
from ari_app.calls.verbs.external_media import MediaPorts, TransportKind
from ari_app.calls.verbs.listen import Manner, Outcome
from ari_app.media.asr.errors import RecogniserMissing, RecognitionFailed
from ari_app.media.asr.port import Transcript, Wanted
from ari_app.media.asr.recognisers import Recognisers
from ari_app.media.features import Channel, measure
from ari_app.media.transports.pacing import Ticker
from tests.unit.calls.stage import Stage, stay
from tests.unit.media.signals import Samples, frames, noise, voice

ACCOUNT = 1
YES_OR_NO = Wanted(phrases=("yes", "no"))


async def answered(call: Call) -> None:
    await answer(call.caller)
    await stay(call)


class Understands:
    """Hears always the same. That speech is recognised is shown with phones (tests/integration/test_question.py)."""

    name = "test"
    remote: ClassVar[bool] = False

    def __init__(self, heard: Transcript | None) -> None:
        self.heard = heard
        self.asked = 0

    def check(self, wanted: Wanted) -> None:
        pass

    async def recognise(self, samples: bytes, wanted: Wanted) -> Transcript:
        self.asked += 1
        if self.heard is None:
            raise RecognitionFailed("test: it fails")
        return self.heard

    async def close(self) -> None:
        pass


class Asking:
    """A call, and what asks on it."""

    def __init__(self, stage: Stage, call: Call) -> None:
        self.stage, self.call = stage, call
        self.engine = Understands(Transcript("yes", 0.9))
        self.ports = MediaPorts(stage.clock, Ticker(stage.clock), TransportKind.RTP)
        ears = Ears(self.ports, Recognisers([self.engine]))
        self.desk = QuestionDesk(stage.registry, ears, lambda _account, _extension: None, limit=10)
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.desk.tell = lambda _account, name, values: self.told.append((name, values))

    async def start(self, prompt: Sequence[str] = (), wanted: Wanted | None = YES_OR_NO, **manner: Any) -> str:
        items = tuple(Item(media=uri) for uri in prompt)
        asked = manner.pop("asked", Side.PARTY)
        request = QuestionRequest(manner=Manner(**manner), wanted=wanted, prompt=items, asked=asked)
        return await self.desk.start(ACCOUNT, request, call=self.call.id)

    async def asked(self, question: str) -> None:
        """Until it is asked."""
        await self.stage.until(lambda: self.desk.view(ACCOUNT, question).state == "active")

    def press(self, digits: str) -> None:
        self.stage.fake.dtmf(self.call.caller.id, digits)

    def say(self, *sounds: Samples) -> None:
        (line,) = self.ports.batch._lines
        channel = Channel()
        for frame in frames(*sounds):
            (features,) = measure([(channel, frame)])
            line.hear(features, frame)

    async def ended(self, question: str, pace: float = 0.0) -> QuestionView:
        await self.stage.until(lambda: self.desk.view(ACCOUNT, question).state == "ended", pace)
        return self.desk.view(ACCOUNT, question)

    async def digits(self, question: str, pace: float = 0.0) -> str:
        """That answered it."""
        view = await self.ended(question, pace)
        assert view.answer is not None
        assert (view.reason, view.answer.outcome) == ("answered", Outcome.DIGITS)
        return view.answer.digits

    @property
    def stopped(self) -> int:
        """Sounds that were broken off."""
        return len(self.stage.asked("playbacks.stop"))


@pytest.fixture
async def asking(stage: Stage) -> AsyncIterator[Asking]:
    call, _ = await stage.incoming(answered)
    await stage.until(lambda: call.answered_at)
    made = Asking(stage, call)
    yield made
    for view in made.desk.views(ACCOUNT):
        made.desk.stop(ACCOUNT, view.id)
    await stage.until(lambda: not made.desk and not stage.registry.helpers)
    assert (len(made.ports.batch), len(made.ports.ticker)) == (0, 0)
    assert not stage.registry.on_digits


SPEECH = (noise(600, -65), voice(700), noise(1200, -65))


async def test_what_is_said_over_the_prompt_ends_it_and_is_the_answer(asking: Asking) -> None:
    asking.stage.fake.world.media_seconds = 1000.0
    made = await asking.start(["sound:one"])
    await asking.stage.until(lambda: asking.stage.asked("channels.playWithId"))
    spy, whisper = sorted((each["spy"], each["whisper"]) for each in asking.stage.asked("channels.snoopChannelWithId"))
    assert (spy, whisper) == (("in", "none"), ("none", "out"))
    asking.say(*SPEECH)
    view = await asking.ended(made)
    assert view.answer is not None
    assert (view.reason, view.answer.outcome, view.answer.transcript.text) == ("answered", Outcome.MATCH, "yes")
    assert 500 < view.answer.transcript.start < view.answer.transcript.end < 1400
    assert [item.state for item in view.items] == ["stopped"]
    await asking.stage.until(lambda: asking.stopped == 1)
    assert [name for name, _ in asking.told] == ["QuestionStarted", "QuestionAnswered", "QuestionEnded"]
    told = asking.told[1][1]
    assert (told["outcome"], told["text"], told["digits"], told["question"]) == ("match", "yes", "", made)
    await asking.stage.until(lambda: list(asking.stage.fake.world.channels) == [asking.call.caller.id])


@pytest.mark.parametrize(
    ("heard", "text"), [(Transcript("yes", 0.2), "yes"), (Transcript(""), "")], ids=["unsure", "nothing"]
)
async def test_what_is_not_sure_is_no_match(asking: Asking, heard: Transcript, text: str) -> None:
    asking.engine.heard = heard
    made = await asking.start()
    await asking.asked(made)
    asking.say(*SPEECH)
    view = await asking.ended(made)
    assert view.answer is not None
    assert (view.answer.outcome, view.answer.transcript.text) == (Outcome.NO_MATCH, text)


async def test_an_engine_that_fails(asking: Asking) -> None:
    asking.engine.heard = None
    made = await asking.start()
    await asking.asked(made)
    asking.say(*SPEECH)
    view = await asking.ended(made)
    assert (view.reason, view.answer) == ("recognition: test: it fails", None)


async def test_nobody_answers(asking: Asking) -> None:
    """The time begins with the end of the prompt."""
    asking.stage.fake.world.media_seconds = 1000.0
    made = await asking.start(["sound:one"], timeout=2.0)
    await asking.stage.until(lambda: asking.stage.asked("channels.playWithId"))
    asking.stage.clock.advance(60)
    await asking.stage.quiet()
    assert asking.desk.view(ACCOUNT, made).answer is None
    (playback,) = asking.stage.fake.world.playbacks
    await asking.stage.node.playbacks.stop(playbackId=playback)
    view = await asking.ended(made, pace=0.1)
    assert view.answer is not None
    assert (view.answer.outcome, asking.engine.asked) == (Outcome.NO_INPUT, 0)


async def test_keys_up_to_the_one_that_ends_them_or_as_many_as_are_wanted(asking: Asking) -> None:
    asking.stage.fake.world.media_seconds = 1000.0
    made = await asking.start(["sound:one"], digits=4, terminator="#")
    await asking.stage.until(lambda: asking.stage.asked("channels.playWithId"))
    asking.press("47#1")
    assert await asking.digits(made) == "47"
    made = await asking.start(digits=3)
    await asking.asked(made)
    asking.press("4#71")
    assert await asking.digits(made) == "4#7"
    made = await asking.start(digits=3, between=2.0)
    await asking.asked(made)
    asking.press("4")
    assert await asking.digits(made, pace=0.1) == "4"
    made = await asking.start(terminator="#")
    await asking.asked(made)
    asking.press("#")
    assert await asking.digits(made) == ""


async def test_keys_alone_need_no_audio(asking: Asking) -> None:
    made = await asking.start(["sound:one"], wanted=None, digits=1, timeout=5.0)
    await asking.stage.until(lambda: asking.desk.view(ACCOUNT, made).items[0].state == "done")
    asking.press("5")
    assert await asking.digits(made) == "5"
    assert [each["spy"] for each in asking.stage.asked("channels.snoopChannelWithId")] == ["none"]
    with pytest.raises(ValueError, match="digits"):
        await asking.start(wanted=None, digits=0)


async def test_what_does_not_count(asking: Asking) -> None:
    """Keys during the prompt, where they may not end it; and where they are no answer, at all."""
    asking.stage.fake.world.media_seconds = 1000.0
    made = await asking.start(["sound:one"], digits=1, key_barge_in=False, barge_in=False)
    none = await asking.start(digits=0, timeout=1000.0)
    await asking.stage.until(lambda: len(asking.stage.asked("channels.playWithId")) == 1)
    await asking.asked(none)
    asking.press("5")
    await asking.stage.quiet()
    assert [asking.desk.view(ACCOUNT, each).state for each in (made, none)] == ["active", "active"]
    (playback,) = asking.stage.fake.world.playbacks
    await asking.stage.node.playbacks.stop(playbackId=playback)
    await asking.stage.until(lambda: len(asking.ports.batch) == 2)  # it is listened to only now
    asking.press("6")
    assert await asking.digits(made) == "6"
    asking.desk.stop(ACCOUNT, none)
    view = await asking.ended(none)
    assert (view.reason, view.answer) == ("stopped by request", None)


async def test_a_hang_up_and_a_prompt_that_cannot_be_played(asking: Asking) -> None:
    asking.stage.fake.world.media_seconds = 1000.0
    made = await asking.start(["sound:one"], digits=3)
    await asking.stage.until(lambda: asking.stage.asked("channels.playWithId"))
    asking.press("1")
    await asking.stage.until(lambda: asking.stopped == 1)
    asking.stage.fake.hangup_from_far_end(asking.call.caller.id)
    assert (await asking.ended(made)).reason == "call: it has ended"
    await asking.stage.nothing_left()
    assert [name for name, _ in asking.told] == ["QuestionStarted", "QuestionEnded"]


async def test_a_prompt_that_cannot_be_played_ends_it(asking: Asking) -> None:
    asking.stage.fake.faults.refuse("channels.playWithId", 500)
    made = await asking.start(["sound:one"], wanted=None)
    assert (await asking.ended(made)).reason == "call: it cannot be played to"


async def test_what_cannot_be_begun(asking: Asking) -> None:
    for _ in range(PER_CALL):
        await asking.start()
    with pytest.raises(TooMany):
        await asking.start()
    request = QuestionRequest(manner=Manner(), wanted=YES_OR_NO, engine="telepathy")
    with pytest.raises(RecogniserMissing):
        await asking.desk.start(ACCOUNT, request, call=asking.call.id)
