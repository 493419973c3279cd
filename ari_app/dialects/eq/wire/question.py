"""Questions on live calls: ours, the reference has none. Times are UNIX seconds, with fractions; of what was said,
seconds from when the listening began."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import msgspec
from pydantic import Field, StrictInt, StrictStr, model_validator
from pydantic_core import PydanticCustomError

from ari_app.calls.playback import ITEMS, BargeIn
from ari_app.calls.question import QuestionRequest, QuestionView
from ari_app.calls.verbs.attach import Side
from ari_app.calls.verbs.listen import Answer, Manner, Outcome
from ari_app.dialects.eq.wire.fields import Boolean, Given, JsonObject, Parameters, or_default
from ari_app.dialects.eq.wire.playback import PlaybackItem, PlayedItem
from ari_app.dialects.eq.wire.recognition import Listening, Number, RecognisedSpeech

_DIGITS_MAX = 64


class QuestionCreate(Listening):
    """What is asked, on which call, and what may be answered."""

    prompt: Annotated[
        tuple[PlaybackItem, ...],
        Field(max_length=ITEMS, description="Is said or played, one after the other; none: only listen"),
        or_default(()),
    ] = ()
    asked: Annotated[
        Literal["party", "others"],
        Field(description="Who hears the prompt and answers: the party of the leg, or the others of the call"),
        or_default("party"),
    ] = "party"
    barge_in: Annotated[
        Literal["none", "speech", "digit", "any"],
        Field(description="What ends the prompt, and is the answer; during it, nothing else is listened to"),
        or_default("any"),
    ] = "any"
    timeout: Annotated[
        Number,
        Field(ge=0, le=60, description="Seconds after the prompt in which an answer has to begin"),
        or_default(5.0),
    ] = 5.0
    longest: Annotated[
        Number, Field(ge=1, le=60, description="Seconds of speech that an answer has at most"), or_default(15.0)
    ] = 15.0
    speech: Annotated[
        Boolean, Field(description="What is said is an answer; false: only keys are"), or_default(True)
    ] = True
    digits: Annotated[
        StrictInt,
        Field(ge=0, le=_DIGITS_MAX, description="Keys of an answer at most; 0: keys are no answer"),
        or_default(1),
    ] = 1
    terminator: Annotated[
        StrictStr,
        Field(pattern=r"^[0-9A-D*#]?$", description="The key that ends an answer, and is no part of it"),
        or_default(""),
    ] = ""
    between: Annotated[
        Number,
        Field(ge=0.2, le=30, description="Seconds after a key in which the next is waited for"),
        or_default(3.0),
    ] = 3.0

    @model_validator(mode="after")
    def _can_be_answered(self) -> Self:
        if not self.speech and not self.digits:
            raise PydanticCustomError("invalid", "without speech, digits must be 1 or more")
        return self

    def to_request(self) -> QuestionRequest:
        barge_in = BargeIn(self.barge_in)
        return QuestionRequest(
            wanted=self.wanted() if self.speech else None,
            engine=self.engine,
            prompt=tuple(item.to_item() for item in self.prompt),
            asked=Side(self.asked),
            manner=Manner(
                timeout=float(self.timeout),
                barge_in=barge_in in (BargeIn.SPEECH, BargeIn.ANY),
                end=float(self.end_silence),
                longest=float(self.longest),
                confidence=float(self.confidence),
                digits=self.digits,
                key_barge_in=barge_in in (BargeIn.DIGIT, BargeIn.ANY),
                terminator=self.terminator,
                between=float(self.between),
            ),
        )


class QuestionBody(Parameters):
    """POST /x/question"""

    data: Annotated[QuestionCreate, JsonObject, Given]


class QuestionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered."""

    #: match: what was listened for; nomatch: something else, or not sure enough; noinput: nothing in time; digits: keys
    outcome: Literal["match", "nomatch", "noinput", "digits"]
    #: what was understood, also of nomatch; null: nothing was
    speech: RecognisedSpeech | None
    #: without the terminator
    digits: str | None

    @classmethod
    def of(cls, answer: Answer) -> QuestionAnswer:
        heard, pressed = answer.transcript, answer.outcome is Outcome.DIGITS
        return cls(
            outcome=answer.outcome.value,
            speech=RecognisedSpeech.of(heard) if heard.end else None,
            digits=answer.digits if pressed else None,
        )


class Question(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A question."""

    id: str
    call: str
    leg: str
    #: null: only keys are an answer
    engine: str | None
    asked: str
    state: Literal["connecting", "active", "ended"]
    #: why it ended: "answered", "stopped by request", "recognition: ..", "call: .."; null: it has not
    reason: str | None
    create_time: float
    start_time: float | None
    end_time: float | None
    prompt: list[PlayedItem]
    #: null: there is none
    answer: QuestionAnswer | None

    @classmethod
    def of(cls, view: QuestionView) -> Question:
        return cls(
            id=view.id,
            call=view.call,
            leg=view.leg,
            engine=view.engine or None,
            asked=view.request.asked.value,
            state=view.state,  # type: ignore[arg-type]  # the session's word
            reason=view.reason or None,
            create_time=view.created_at,
            start_time=view.started_at,
            end_time=view.ended_at,
            prompt=[PlayedItem.of(item) for item in view.items],
            answer=None if view.answer is None else QuestionAnswer.of(view.answer),
        )
