"""Opening hours, the calendars they share, and the account's time zone. Ours: the reference has nothing of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from pydantic import AfterValidator, BeforeValidator, Field, StrictInt, StrictStr, model_validator
from pydantic_core import PydanticCustomError

from ari_app.acd import hours as pure
from ari_app.acd.hours import WEEKDAYS, Hours, HoursError, Special
from ari_app.dialects.eq.wire.fields import (
    SOUND_ELSEWHERE,
    Boolean,
    Given,
    JsonObject,
    Parameters,
    Printable,
    Wire,
    or_default,
)
from ari_app.store.hours import KeptHours

#: intervals of a day; exceptions of a queue or a calendar, and their days altogether; calendars of a queue
INTERVALS_MAX, EXCEPTIONS_MAX, DAYS_MAX, CALENDARS_MAX = 24, 400, 3000, 10


def _intervals(value: Any) -> Any:
    if not isinstance(value, list) or len(value) > INTERVALS_MAX or not all(isinstance(text, str) for text in value):
        raise PydanticCustomError("invalid", "must be a list of up to 24 intervals like 09:00-17:30")
    try:
        pure.spans(value)
    except HoursError as error:
        raise PydanticCustomError("invalid", "{reason}", {"reason": str(error)}) from None
    return value


def _time_zone(value: str) -> str:
    try:
        if value:
            pure.zone(value)
    except HoursError as error:
        raise PydanticCustomError("invalid", "{reason}", {"reason": str(error)}) from None
    return value


_Intervals = Annotated[list[str], BeforeValidator(_intervals)]
TimeZone = Annotated[
    StrictStr,
    Field(max_length=64, description="IANA's name, such as Europe/Berlin; blank: the default"),
    AfterValidator(_time_zone),
    or_default(""),
]


def _weekly(value: Any) -> Any:
    if not isinstance(value, dict) or not set(value) <= set(WEEKDAYS):
        raise PydanticCustomError("invalid", "must be an object: monday to sunday, each with a list of intervals")
    for day, texts in value.items():
        try:
            _intervals(texts)
        except PydanticCustomError as error:
            raise PydanticCustomError("invalid", "{day}: {reason}", {"day": day, "reason": error.message()}) from None
    return value


class ExceptionUpdate(Wire):
    """A holiday, or days with other hours."""

    since: Annotated[StrictStr, Field(alias="from", max_length=10, description="2026-12-24"), Given]
    until: Annotated[
        StrictStr, Field(alias="to", max_length=10, description="The last day; blank: the first"), or_default("")
    ] = ""
    yearly: Annotated[Boolean, or_default(False), Field(description="On these days of every year")] = False
    intervals: Annotated[_Intervals, or_default([]), Field(description="Like a weekday's; none: closed")] = Field(
        default_factory=list
    )
    name: Annotated[StrictStr, Field(max_length=80), Printable, or_default("")] = ""

    @model_validator(mode="after")
    def _days(self) -> ExceptionUpdate:
        try:
            pure.days(self.to_special())
        except HoursError as error:
            raise PydanticCustomError("invalid", "{reason}", {"reason": str(error)}) from None
        return self

    def to_special(self) -> Special:
        return Special(
            since=self.since,
            until=self.until or self.since,
            yearly=self.yearly,
            intervals=tuple(self.intervals),
            name=self.name,
        )


def _not_too_many(value: list[ExceptionUpdate]) -> list[ExceptionUpdate]:
    if sum(len(pure.days(special.to_special())) for special in value) > DAYS_MAX:
        raise PydanticCustomError("invalid", "must have no more than {days} days altogether", {"days": DAYS_MAX})
    return value


_Exceptions = Annotated[
    list[ExceptionUpdate],
    Field(max_length=EXCEPTIONS_MAX, description="Of two for the same day, one for a year goes first, else the first"),
    AfterValidator(_not_too_many),
    or_default([]),
]
CalendarName = Annotated[StrictStr, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


class HoursUpdate(Wire):
    """When a queue is open, all of it."""

    time_zone: TimeZone = ""
    weekly: Annotated[
        dict[str, list[str]],
        BeforeValidator(_weekly),
        Field(description='{"monday": ["09:00-12:00", "13:00-17:30"], "friday": ["22:00-02:00"]}; else closed'),
        Given,
    ]
    exceptions: _Exceptions = Field(default_factory=list)
    calendars: Annotated[
        list[CalendarName],
        Field(max_length=CALENDARS_MAX, description="Names: their exceptions hold too"),
        or_default([]),
    ] = Field(default_factory=list)
    at_closing: Annotated[
        Literal["stay", "leave"],
        Field(description="What those do who wait at closing time: stay until they are served, or leave"),
        or_default("stay"),
    ] = "stay"
    message: Annotated[
        StrictStr,
        Field(
            pattern=rf"^([A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*|{SOUND_ELSEWHERE})?$",
            max_length=510,
            description="Sound that callers hear when it is closed, before they are hung up: its name, https://.. or"
            " file:..; blank: none",
        ),
        or_default(""),
    ] = ""

    def to_kept(self) -> KeptHours:
        own = Hours(
            time_zone=self.time_zone,
            weekly={day: tuple(self.weekly[day]) for day in WEEKDAYS if self.weekly.get(day)},
            exceptions=tuple(special.to_special() for special in self.exceptions),
            leave=self.at_closing == "leave",
            message=self.message,
        )
        return KeptHours(own=own, calendars=tuple(self.calendars))


class HoursBody(Parameters):
    """PUT /x/call_queue/{extension}/hours"""

    data: Annotated[HoursUpdate, JsonObject, Given]


class CalendarUpdate(Wire):
    """The exceptions of a calendar, all of them."""

    exceptions: Annotated[_Exceptions, Given]


class CalendarBody(Parameters):
    """PUT /x/calendar/{name}"""

    data: Annotated[CalendarUpdate, JsonObject, Given]


class AccountUpdate(Wire):
    """What may be set of the account."""

    time_zone: TimeZone = ""
    recordings_days: Annotated[
        StrictInt | None,
        Field(
            ge=0,
            le=36_500,
            description="Days for which recordings are kept; 0: for ever; null: RECORDINGS_DAYS; left out: stays",
        ),
    ] = None


class AccountBody(Parameters):
    """PUT /x/account"""

    data: Annotated[AccountUpdate, JsonObject, Given]


class HoursException(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A holiday, or days with other hours."""

    since: str = msgspec.field(name="from")
    until: str = msgspec.field(name="to")
    yearly: bool
    intervals: list[str]
    name: str

    @classmethod
    def of(cls, special: Special) -> HoursException:
        return cls(
            since=special.since,
            until=special.until,
            yearly=special.yearly,
            intervals=list(special.intervals),
            name=special.name,
        )


class QueueHours(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """When a queue is open."""

    queue: str
    #: now
    open: bool
    #: UNIX seconds; null: not in sight (some 400 days)
    next_change: int | None
    #: of the queue; blank: the account's
    time_zone: str
    #: null: it has no hours, and is always open
    weekly: dict[str, list[str]] | None
    exceptions: list[HoursException]
    calendars: list[str]
    at_closing: Literal["stay", "leave"]
    message: str

    @classmethod
    def of(cls, queue: str, kept: KeptHours | None, is_open: bool, change: float | None) -> QueueHours:
        own = Hours() if kept is None else kept.own
        return cls(
            queue=queue,
            open=is_open,
            next_change=None if change is None else int(change),
            time_zone=own.time_zone,
            weekly=None if kept is None else {day: list(texts) for day, texts in own.weekly.items()},
            exceptions=[HoursException.of(special) for special in own.exceptions],
            calendars=[] if kept is None else list(kept.calendars),
            at_closing="leave" if own.leave else "stay",
            message=own.message,
        )


class CalendarEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Exceptions that the hours of queues share."""

    name: str
    exceptions: list[HoursException]

    @classmethod
    def of(cls, name: str, exceptions: list[Special]) -> CalendarEntry:
        return cls(name=name, exceptions=[HoursException.of(special) for special in exceptions])


class Account(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The account of the key."""

    id: int
    name: str
    #: as set; blank: the installation's
    time_zone: str
    #: which that makes
    effective_time_zone: str
    #: for which recordings are kept; 0: for ever; null: the installation's
    recordings_days: int | None
