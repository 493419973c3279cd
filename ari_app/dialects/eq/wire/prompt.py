"""Prompts: ours, the reference has none. Times are UNIX seconds."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from pydantic import Field, StrictStr

from ari_app.dialects.eq.wire.fields import Blankable, Given, Parameters, Printable, or_default
from ari_app.store.prompts import Prompt as Stored

#: characters of a text that is spoken
TEXT_MAX = 5000


class PromptQuery(Parameters):
    """Which of the languages."""

    language: Annotated[
        StrictStr,
        Field(
            pattern=r"^([a-z]{2,3}(-[a-z0-9]{2,8})?)?$",
            description="en, de-at; blank: what is played where there is none of the call's language",
        ),
        or_default(""),
    ] = ""


class PromptFileQuery(PromptQuery):
    """Which of the languages, and what a file without a header is."""

    format: Annotated[
        Annotated[
            Literal["ulaw", "alaw", "gsm", "sln", "vox"],
            Field(
                description="Of a file without a header, 8 kHz and one channel. One that has a header is what that says"
            ),
        ]
        | None,
        Blankable,
    ] = None


class PromptTextBody(PromptQuery):
    """PUT /x/prompt/{name}"""

    text: Annotated[StrictStr, Field(max_length=TEXT_MAX, description="To be spoken"), Given]
    engine: Annotated[
        StrictStr,
        Field(
            max_length=40,
            description="flite, espeak-ng or festival, where the machine has it, or one of SPEECH_ENGINES",
        ),
        or_default("flite"),
    ] = "flite"
    voice: Annotated[
        Annotated[StrictStr, Field(max_length=40), Printable] | None,
        Field(description="One of the engine's; blank: its usual one"),
        Blankable,
    ] = None


class Prompt(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A sound that settings can name."""

    name: str
    language: str
    #: what is said in it; null: it was sent as a file
    text: str | None
    engine: str | None
    voice: str | None
    #: seconds
    duration: float
    #: bytes
    size: int
    #: SHA-256 of the file, in hexadecimal
    checksum: str
    create_time: int

    @classmethod
    def of(cls, found: Stored) -> Prompt:
        return cls(
            name=found.name,
            language=found.language,
            text=found.text,
            engine=found.engine,
            voice=found.voice,
            duration=round(found.length, 3),
            size=found.size,
            checksum=found.checksum,
            create_time=int(found.created_at),
        )
