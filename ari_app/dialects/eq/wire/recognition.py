"""Speech recognition on live calls: ours, the reference has none. Times are UNIX seconds, with fractions; within
results, seconds of the recognition's own time."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import msgspec
from pydantic import Field, StrictFloat, StrictStr, model_validator
from pydantic_core import PydanticCustomError

from ari_app.calls.recognition import RecognitionRequest, RecognitionView
from ari_app.calls.verbs.attach import Side
from ari_app.dialects.eq.wire.fields import Boolean, Given, JsonObject, Parameters, Printable, or_default
from ari_app.dialects.eq.wire.media import OfCall
from ari_app.media.asr.errors import BadGrammar
from ari_app.media.asr.port import LONGEST_GRAMMAR, LONGEST_PHRASE, MOST_PHRASES, Transcript, Wanted

_Phrase = Annotated[StrictStr, Field(min_length=1, max_length=LONGEST_PHRASE), Printable]
Number = StrictFloat


class Listening(OfCall):
    """What is listened for, and on which call. Of phrases, keywords and grammar one at most is given."""

    engine: Annotated[
        StrictStr,
        Field(max_length=40, description="pocketsphinx, or one of RECOGNITION_ENGINES; empty: pocketsphinx"),
        or_default(""),
    ] = ""
    phrases: Annotated[
        tuple[_Phrase, ...],
        Field(max_length=MOST_PHRASES, description="One of these, and nothing else, is said"),
        or_default(()),
    ] = ()
    keywords: Annotated[
        tuple[_Phrase, ...],
        Field(max_length=MOST_PHRASES, description="Which of these are said, among other words"),
        or_default(()),
    ] = ()
    grammar: Annotated[
        StrictStr, Field(max_length=LONGEST_GRAMMAR, description="A JSGF grammar, without imports"), or_default("")
    ] = ""
    language: Annotated[
        StrictStr, Field(max_length=35, description="A tag like en-US, for the engine"), or_default("en-US")
    ] = "en-US"
    confidence: Annotated[
        Number,
        Field(ge=0, le=1, description="What the engine is less sure of is left out"),
        or_default(0.5),
    ] = 0.5
    end_silence: Annotated[
        Number,
        Field(ge=0.2, le=5, description="Seconds of silence that end a piece of speech"),
        or_default(0.8),
    ] = 0.8

    @model_validator(mode="after")
    def _can_be_wanted(self) -> Self:
        try:
            self.wanted()
        except BadGrammar as error:
            raise PydanticCustomError("invalid", "{reason}", {"reason": str(error)}) from None
        return self

    def wanted(self) -> Wanted:
        """Raises BadGrammar."""
        return Wanted(phrases=self.phrases, keywords=self.keywords, grammar=self.grammar, language=self.language)


class RecognitionCreate(Listening):
    """What is listened for, and to whom."""

    hear: Annotated[
        Literal["party", "others", "both"],
        Field(description="Who is listened to: the party of the leg, the others of the call, or both"),
        or_default("party"),
    ] = "party"
    partials: Annotated[
        Boolean,
        Field(description="What was said so far is told while it is said (RecognitionPartial)"),
        or_default(False),
    ] = False

    def to_request(self) -> RecognitionRequest:
        return RecognitionRequest(
            wanted=self.wanted(),
            engine=self.engine,
            hear=Side(self.hear),
            confidence=float(self.confidence),
            end=float(self.end_silence),
            partials=self.partials,
        )


class RecognitionBody(Parameters):
    """POST /x/recognition"""

    data: Annotated[RecognitionCreate, JsonObject, Given]


class RecognisedWord(msgspec.Struct, frozen=True, kw_only=True):
    """A word, and when it was said."""

    text: str
    start: float
    end: float
    confidence: float | None


class RecognisedSpeech(msgspec.Struct, frozen=True, kw_only=True):
    """What was understood of one piece of speech."""

    #: the phrase or the keywords as they were given, what the grammar has, or all that was said
    text: str
    start: float
    end: float
    #: 0 to 1; null: the engine does not say
    confidence: float | None
    #: empty: the engine does not say
    words: list[RecognisedWord]

    @classmethod
    def of(cls, heard: Transcript) -> RecognisedSpeech:
        return cls(
            text=heard.text,
            start=heard.start / 1000,
            end=heard.end / 1000,
            confidence=heard.confidence,
            words=[
                RecognisedWord(text=word.text, start=word.start / 1000, end=word.end / 1000, confidence=word.confidence)
                for word in heard.words
            ],
        )


class Recognition(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A recognition."""

    id: str
    call: str
    leg: str
    engine: str
    hear: str
    state: Literal["connecting", "active", "ended"]
    #: why it ended; null: it has not
    reason: str | None
    create_time: float
    #: from which the times of results count
    start_time: float | None
    end_time: float | None
    #: pieces of speech so far
    pieces: int
    #: of them, those in which nothing was found, or nothing that is sure
    unmatched: int
    #: those that the engine failed at, and its newest error
    failed: int
    error: str | None
    #: those that there was no time for
    missed: int
    #: the newest two hundred
    results: list[RecognisedSpeech]

    @classmethod
    def of(cls, view: RecognitionView) -> Recognition:
        return cls(
            id=view.id,
            call=view.call,
            leg=view.leg,
            engine=view.engine,
            hear=view.request.hear.value,
            state=view.state,  # type: ignore[arg-type]  # the session's word
            reason=view.reason or None,
            create_time=view.created_at,
            start_time=view.started_at,
            end_time=view.ended_at,
            pieces=view.pieces,
            unmatched=view.unmatched,
            failed=view.failed,
            error=view.error or None,
            missed=view.missed,
            results=[RecognisedSpeech.of(heard) for heard in view.results],
        )
