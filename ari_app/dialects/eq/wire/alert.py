"""Alerts: what a supervisor wants to be told of."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec
from pydantic import AfterValidator, BeforeValidator, Field, StrictStr
from pydantic_core import PydanticCustomError

from ari_app.acd.alerts import OF_QUEUES, WITH_THRESHOLD, Kind
from ari_app.dialects.eq.errors import invalid, refused
from ari_app.dialects.eq.wire import fields
from ari_app.dialects.eq.wire.common import PageQuery
from ari_app.dialects.eq.wire.fields import Blankable, Extension, Given, JsonObject, NotNegative, OptionalId, Printable
from ari_app.store.alerts import Alert as Stored
from ari_app.store.alerts import AlertData as Kept

_TIME = re.compile(r"(0[1-9]|1[0-2]):([0-5][0-9]) ([AP])M\Z", re.ASCII)
#: minutes between notifications, at most: a week
INTERVAL_MAX = 7 * 1440
Type = Literal[
    "callQueueCallsHigh",
    "callQueueWaitTimeHigh",
    "callQueueAgentsLow",
    "callQueueAgentsAvailableLow",
    "licenseExceeded",
    "processStopped",
    "diskUsageHigh",
]
Notification = Literal["realtime", "email", "sms", "custom"]


def _type(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("emailQueue"):
        raise PydanticCustomError("invalid", "there are no e-mail queues here, and so no alerts about them")
    return value


def _time(value: str) -> str:
    if not _TIME.match(value):
        raise PydanticCustomError("invalid", "must be like 09:30 AM")
    return value


def _days(value: list[int]) -> list[int]:
    return sorted(set(value))


Time = Annotated[StrictStr, AfterValidator(_time), Given]


def _minutes(text: str) -> int:
    hours, minutes, half = int(text[:2]), int(text[3:5]), text[6]
    return (hours % 12 + 12 * (half == "P")) * 60 + minutes


def _text(minutes: int) -> str:
    hours, minutes = divmod(minutes, 60)
    return f"{hours % 12 or 12:02}:{minutes:02} {'PM' if hours >= 12 else 'AM'}"


class AlertUpdate(fields.Wire):
    """An alert; what does not apply to its type or notification is not looked at further and not kept."""

    name: Annotated[StrictStr, Field(min_length=1, max_length=48), Printable, Given]
    type: Annotated[Type, BeforeValidator(_type), Given]
    call_queue: Annotated[Extension | None, Blankable] = None
    threshold: Annotated[NotNegative | None, Blankable] = None
    notification_type: Annotated[Notification, Given]
    color: Annotated[Annotated[StrictStr, Field(pattern=r"^#[0-9A-Fa-f]{6}$")] | None, Blankable] = None
    interval: Annotated[Annotated[int, Field(strict=True, ge=1, le=INTERVAL_MAX)] | None, Blankable] = None
    days_of_week: Annotated[
        list[Annotated[int, Field(strict=True, ge=0, le=6)]],
        Field(min_length=1, max_length=7),
        AfterValidator(_days),
        Given,
    ]
    from_time: Time
    to_time: Time

    def to_data(self) -> Kept:
        """For the store. Raises ApiError: something that its type or notification needs is not there."""
        kind = Kind(self.type)
        realtime = self.notification_type == "realtime"
        needed = {
            "callQueue": (self.call_queue, kind in OF_QUEUES),
            "threshold": (self.threshold, kind in WITH_THRESHOLD),
            "color": (self.color, realtime),
            "interval": (self.interval, not realtime),
        }
        for name, (value, applies) in needed.items():
            if applies and value is None:
                raise refused(name, "blank", f"{name} must be given for {self.type} and {self.notification_type}")
        self._check_threshold(kind)
        begin, end = _minutes(self.from_time), _minutes(self.to_time)
        if begin == end and begin:
            raise invalid("toTime", "toTime must not be fromTime; the whole day is 12:00 AM to 12:00 AM")
        return Kept(
            name=self.name,
            kind=kind,
            queue=self.call_queue if kind in OF_QUEUES else None,
            threshold=self.threshold if kind in WITH_THRESHOLD else None,
            notification=self.notification_type,
            color=self.color if realtime else None,
            interval=None if realtime else self.interval,
            days=tuple(self.days_of_week),
            from_minute=begin,
            to_minute=end,
        )

    def _check_threshold(self, kind: Kind) -> None:
        if kind in (Kind.CALLS, Kind.WAIT, Kind.DISK) and self.threshold == 0:
            raise invalid("threshold", "threshold must be 1 or more: it would be raised always")
        if kind is Kind.DISK and self.threshold is not None and self.threshold > 100:
            raise invalid("threshold", "threshold is per cent, 100 at most")


class AlertCreate(AlertUpdate):
    """An alert, and whose it is."""

    user: OptionalId = None


class AlertCreateBody(fields.Parameters):
    """POST /alert"""

    data: Annotated[AlertCreate, JsonObject, Given]


class AlertUpdateBody(fields.Parameters):
    """PUT /alert/{id}"""

    data: Annotated[AlertUpdate, JsonObject, Given]


class AlertQuery(PageQuery):
    """Which alerts."""

    user: Annotated[OptionalId, Field(description="Only those of this supervisor")] = None


class Alert(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An alert."""

    id: int
    user: int | None
    name: str
    type: str
    call_queue: str | None
    #: there are none
    email_queue: None = None
    threshold: int | None
    notification_type: str
    color: str | None
    interval: int | None
    days_of_week: list[int]
    from_time: str
    to_time: str

    @classmethod
    def of(cls, alert: Stored) -> Alert:
        return cls(
            id=alert.id,
            user=alert.user,
            name=alert.name,
            type=alert.kind.value,
            call_queue=alert.queue,
            threshold=alert.threshold,
            notification_type=alert.notification,
            color=alert.color,
            interval=alert.interval,
            days_of_week=list(alert.days),
            from_time=_text(alert.from_minute),
            to_time=_text(alert.to_minute),
        )


class ActiveAlert(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An alert that is raised now."""

    alert: int
    user: int | None
    name: str
    type: str
    call_queue: str | None
    threshold: int | None
    color: str | None
