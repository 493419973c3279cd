"""The port of recognisers: what is listened for, and what was heard."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

from ari_app.media.asr.errors import BadGrammar
from ari_app.media.frames import RATE

#: phrases or keywords of one wish, characters of each, and of a grammar
MOST_PHRASES, LONGEST_PHRASE, LONGEST_GRAMMAR = 500, 100, 20_000
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")
_NOT_OF_WORDS = re.compile(r"[^\w'’-]+|_")


def plain(text: str) -> str:
    """Text as it is compared: small letters, words with one space between, without the signs of sentences."""
    folded = unicodedata.normalize("NFC", text).casefold().replace("’", "'")
    words = (word.strip("-'") for word in _NOT_OF_WORDS.split(folded))
    return " ".join(word for word in words if word)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is listened for: at most one of three, or anything at all.

    phrases: one of these, and nothing else, is said. keywords: which of these are said among other words. grammar: a
    JSGF grammar (with a public rule, without imports). language: a BCP 47 tag.

    Raises BadGrammar.
    """

    phrases: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    grammar: str = ""
    language: str = "en-US"

    def __post_init__(self) -> None:
        if sum(map(bool, (self.phrases, self.keywords, self.grammar))) > 1:
            raise BadGrammar("of phrases, keywords and grammar only one can be listened for")
        for name, listed in (("phrases", self.phrases), ("keywords", self.keywords)):
            if len(listed) > MOST_PHRASES:
                raise BadGrammar(f"{name}: {MOST_PHRASES} at most")
            if any(not plain(one) or len(one) > LONGEST_PHRASE for one in listed):
                raise BadGrammar(f"{name}: each has a word, and {LONGEST_PHRASE} characters at most")
        if len(self.grammar) > LONGEST_GRAMMAR:
            raise BadGrammar(f"grammar: {LONGEST_GRAMMAR} characters at most")
        if not _LANGUAGE.match(self.language):
            raise BadGrammar("language: a tag like en-US")


@dataclass(frozen=True, slots=True)
class Word:
    """A word that was heard. Times in ms of media time."""

    text: str
    start: int
    end: int
    confidence: float | None = None  # 0..1


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard in one piece of speech; text "": nothing that was listened for. Times in ms of media time."""

    text: str
    confidence: float | None = None  # 0..1; None: the engine does not say
    words: tuple[Word, ...] = ()
    start: int = 0
    end: int = 0

    def at(self, start: int, end: int, audio_from: int) -> Transcript:
        """The same, of speech between these times; its words are counted from the beginning of the audio."""
        words = tuple(replace(word, start=word.start + audio_from, end=word.end + audio_from) for word in self.words)
        return replace(self, start=start, end=end, words=words)


class Recogniser(Protocol):
    """Makes text of speech."""

    @property
    def name(self) -> str:
        """What callers call it."""

    @property
    def remote(self) -> bool:
        """It works somewhere else, and takes none of our cores."""

    def check(self, wanted: Wanted) -> None:
        """Raises RecogniserMissing or BadGrammar where it is known beforehand that it cannot listen for this."""

    async def recognise(self, samples: bytes, wanted: Wanted) -> Transcript:
        """What is said in these 8 kHz signed 16-bit samples; words in ms from their beginning.

        Raises RecognitionError.
        """

    async def close(self) -> None:
        """Nobody will ask it any more."""


class Stream(Protocol):
    """One piece of speech, recognised while it is said. `finish` or `drop` it, once."""

    def feed(self, samples: bytes) -> None:
        """More of it (as of `Recogniser.recognise`); what was said so far may be told."""

    async def finish(self) -> Transcript:
        """It has been said; as `Recogniser.recognise`. Nothing more is told of what was said so far."""

    def drop(self) -> None:
        """Nobody wants to know."""


@runtime_checkable
class Streaming(Recogniser, Protocol):
    """A recogniser that says what it takes speech for while it goes on. It may take that back."""

    @property
    def streams(self) -> bool:
        """It can, as it is configured."""

    def stream(
        self, wanted: Wanted, tell: Callable[[str], None], place: AbstractAsyncContextManager[Any] | None = None
    ) -> Stream:
        """Begin with a piece of speech, and `tell` what was said of it so far, when that changes. place: is entered
        before it is at work, as not more may be than a service can do. Raises RecognitionError."""


def chosen(heard: Transcript, wanted: Wanted) -> Transcript:
    """What of that which an engine that writes down all it hears was listened for."""
    said = plain(heard.text)
    if wanted.phrases:
        found = next((one for one in wanted.phrases if plain(one) == said), "")
        return replace(heard, text=found) if found else Transcript("")
    if wanted.keywords:
        return replace(heard, text=", ".join(spotted(said, wanted.keywords)))
    return heard


def spotted(said: str, keywords: Sequence[str]) -> list[str]:
    """Those of the keywords that are said, in the order in which they are."""
    padded = f" {said} "
    places = ((padded.find(f" {plain(one)} "), one) for one in keywords)
    return [one for _, one in sorted(place for place in places if place[0] >= 0)]


def milliseconds(samples: bytes) -> int:
    """How long these samples are."""
    return len(samples) // 2 * 1000 // RATE
