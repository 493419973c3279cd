"""What is played on live calls, and keys that are pressed for them: ours, the reference has neither. Times are UNIX
seconds, with fractions."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import msgspec
from pydantic import BeforeValidator, Field, StrictInt, StrictStr, model_validator
from pydantic_core import PydanticCustomError

from ari_app.calls.playback import ITEMS, BargeIn, Item, ItemView, PlaybackRequest, PlaybackView
from ari_app.calls.verbs.attach import Side
from ari_app.calls.verbs.play import uri_of
from ari_app.dialects.eq.wire.fields import (
    SOUND_ELSEWHERE,
    Blankable,
    Given,
    JsonObject,
    Parameters,
    Wire,
    or_default,
)
from ari_app.dialects.eq.wire.media import OfCall

_NAME = r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*"
_SOUND = rf"^(({_NAME})|digits:[0-9*#]{{1,40}}|number:[0-9]{{1,9}}|silence:[0-9.]{{1,5}}|{SOUND_ELSEWHERE})$"
_TEXT_MAX = 5000


class PlaybackItem(Wire):
    """A text, or a sound: one of the two."""

    text: Annotated[StrictStr, Field(max_length=_TEXT_MAX, description="Is spoken"), or_default("")] = ""
    sound: Annotated[
        StrictStr,
        Field(
            max_length=510,
            pattern=rf"{_SOUND}|^$",
            description=(
                "A prompt or a sound of Asterisk by name, https://.., file:.., digits:12, number:12, silence:seconds"
            ),
        ),
        or_default(""),
    ] = ""
    engine: Annotated[
        StrictStr, Field(max_length=40, description="That speaks; blank: the usual one"), or_default("")
    ] = ""
    voice: Annotated[
        Annotated[StrictStr, Field(max_length=60, description="One of the engine's; blank: its usual one")] | None,
        Blankable,
    ] = None
    language: Annotated[
        Annotated[StrictStr, Field(max_length=35, description="Of a sound; blank: the channel's")] | None, Blankable
    ] = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if bool(self.text) == bool(self.sound):
            raise PydanticCustomError("invalid", "one of text and sound must be given")
        return self

    def to_item(self) -> Item:
        media = uri_of(self.sound) if self.sound else ""
        return Item(text=self.text, media=media, engine=self.engine, voice=self.voice, language=self.language)


def some(value: Any) -> Any:
    if value == []:
        raise PydanticCustomError("blank", "must be given")
    return value


_Items = Annotated[tuple[PlaybackItem, ...], Field(max_length=ITEMS), BeforeValidator(some)]


class PlaybackCreate(OfCall):
    """What is played, and on which call."""

    items: Annotated[_Items, Field(description="One after the other"), Given]
    heard_by: Annotated[
        Literal["party", "others", "both"],
        Field(description="Who hears it: the party of the leg, the others of the call, or both"),
        or_default("party"),
    ] = "party"
    barge_in: Annotated[
        Literal["none", "speech", "digit", "any"],
        Field(description="What of who hears it ends it: that he speaks, or that the party of the leg presses a key"),
        or_default("none"),
    ] = "none"

    def to_request(self) -> PlaybackRequest:
        items = tuple(item.to_item() for item in self.items)
        return PlaybackRequest(items=items, heard_by=Side(self.heard_by), barge_in=BargeIn(self.barge_in))


class PlaybackBody(Parameters):
    """POST /x/playback"""

    data: Annotated[PlaybackCreate, JsonObject, Given]


class PlaybackChange(Wire):
    """What is done to a playback."""

    action: Annotated[Literal["pause", "resume", "skip", "add"], Given]
    items: Annotated[
        Annotated[_Items, Field(description="With add: are played after the others")] | None, Blankable
    ] = None


class PlaybackChangeBody(Parameters):
    """PUT /x/playback/{id}"""

    data: Annotated[PlaybackChange, JsonObject, Given]


class KeysCreate(OfCall):
    """Keys, and for whom they are pressed."""

    digits: Annotated[
        StrictStr,
        Field(pattern=r"^[0-9A-D*#w]{1,64}$", description="0-9, A-D, * and #; w: half a second of nothing"),
        Given,
    ]
    heard_by: Annotated[
        Literal["party", "others"],
        Field(description="Whose phone they are sent to: that of the leg, or of the others of the call"),
        or_default("party"),
    ] = "party"
    duration: Annotated[StrictInt, Field(ge=40, le=5000, description="Of each, milliseconds"), or_default(100)] = 100
    between: Annotated[StrictInt, Field(ge=40, le=5000, description="Between two, milliseconds"), or_default(100)] = 100


class KeysBody(Parameters):
    """POST /x/dtmf"""

    data: Annotated[KeysCreate, JsonObject, Given]


class PlayedItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item, and what has become of it."""

    text: str | None
    sound: str | None
    state: Literal["waiting", "playing", "done", "stopped", "failed"]
    #: why it failed
    error: str | None

    @classmethod
    def of(cls, view: ItemView) -> PlayedItem:
        return cls(
            text=view.item.text or None,
            sound=view.item.media.removeprefix("sound:") or None,
            state=view.state,  # type: ignore[arg-type]  # the session's word
            error=view.error or None,
        )


class Playback(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A playback."""

    id: str
    call: str
    leg: str
    heard_by: str
    barge_in: str
    state: Literal["connecting", "active", "paused", "ended"]
    #: why it ended: "done", "stopped by request", "barge-in: speech", "barge-in: digit", "call: .."; null: it has not
    reason: str | None
    create_time: float
    start_time: float | None
    end_time: float | None
    items: list[PlayedItem]

    @classmethod
    def of(cls, view: PlaybackView) -> Playback:
        return cls(
            id=view.id,
            call=view.call,
            leg=view.leg,
            heard_by=view.request.heard_by.value,
            barge_in=view.request.barge_in.value,
            state=view.state,  # type: ignore[arg-type]  # the session's word
            reason=view.reason or None,
            create_time=view.created_at,
            start_time=view.started_at,
            end_time=view.ended_at,
            items=[PlayedItem.of(item) for item in view.items],
        )
