"""The day file: what is simulated, validated, with the field named on error."""

from __future__ import annotations

import datetime
from itertools import pairwise
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from ari_app.acd.settings import AutoPause, QueueSettings, Strategy
from ari_app.simulate.draws import AnyPatience, AnyTimes, Constant, NotNegative, Positive

DAY = 24 * 3600


def parse_time(value: Any) -> int:
    """ "HH:MM", "HH:MM:SS" or TOML's local time -> seconds since midnight; "24:00" is the end of the day."""
    if isinstance(value, datetime.time):
        return value.hour * 3600 + value.minute * 60 + value.second
    parts = str(value).split(":")
    if len(parts) in (2, 3) and all(p.isdecimal() and len(p) <= 2 for p in parts):
        hours, minutes, seconds = (*map(int, parts), 0)[:3]
        if minutes < 60 and seconds < 60 and (total := hours * 3600 + minutes * 60 + seconds) <= DAY:
            return total
    raise ValueError(f"{value!r} is not a time of day; write HH:MM, 00:00 to 24:00")


def _none(value: Any) -> Any:
    """TOML has no null."""
    return None if value == "none" else value


TimeOfDay = Annotated[int, BeforeValidator(parse_time)]
Unlimited = BeforeValidator(_none)


class Strict(BaseModel):
    """A misspelt field is an error, not a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Stretch(Strict):
    """A part of a day."""

    start: TimeOfDay = Field(alias="from")
    end: TimeOfDay = Field(alias="to")

    @model_validator(mode="after")
    def _forward(self) -> Stretch:
        if self.end <= self.start:
            raise ValueError("`to` must be later than `from` (over midnight: two stretches)")
        return self


class Arrivals(Strict):
    """Callers by interval; within one they come by chance (Poisson), so `calls` are what is to be expected."""

    #: minutes
    interval: Annotated[int, Field(ge=1, le=1440)] = 30
    #: when the first of a list of `calls` begins
    start: TimeOfDay = 0
    #: calls in each interval, one after the other; or by the time an interval begins
    calls: Annotated[list[NotNegative] | dict[str, NotNegative], Field(min_length=1)]

    @model_validator(mode="after")
    def _in_the_day(self) -> Arrivals:
        end = 0
        for start, stop, _ in self.rates():
            if start < end:
                raise ValueError(
                    f"interval at {start // 3600:02}:{start // 60 % 60:02} begins before the last one ends"
                )
            if stop > DAY:
                raise ValueError("the last interval ends after midnight")
            end = stop
        return self

    def rates(self) -> list[tuple[int, int, float]]:
        """(from, to, calls), seconds since midnight, in order."""
        length = self.interval * 60
        if isinstance(self.calls, dict):
            starts = {parse_time(time): calls for time, calls in self.calls.items()}
        else:
            starts = {self.start + i * length: calls for i, calls in enumerate(self.calls)}
        return [(start, start + length, calls) for start, calls in sorted(starts.items())]


class QueueDay(Strict):
    """A queue and its callers. The settings are those of acd.settings.QueueSettings."""

    extension: Annotated[str, Field(min_length=1)]
    name: str = ""
    strategy: Strategy = Strategy.RINGALL
    weight: Annotated[int, Field(ge=0, le=10)] = 0
    max_wait: Annotated[Positive | None, Unlimited] = None
    agent_timeout: Annotated[Positive | None, Unlimited] = 15.0
    retry: Annotated[NotNegative | None, Unlimited] = 5.0
    max_callers: Annotated[int | None, Unlimited, Field(ge=1)] = None
    wrap_up: Annotated[NotNegative | None, Unlimited] = None
    wrap_up_all_queues: bool = False
    auto_pause: AutoPause = AutoPause.NO
    system_resume: Annotated[Positive | None, Unlimited] = None
    service_level: Positive = 20.0

    #: None: they come from a recording
    arrivals: Arrivals | None = None
    #: seconds a caller and an agent talk
    handling: AnyTimes
    #: seconds until a caller who waits gives up
    patience: AnyPatience
    #: how long agents really take for wrap-up, if they end it before `wrap_up` does
    wrap_up_time: AnyTimes | None = None

    @model_validator(mode="after")
    def _wrap_up(self) -> QueueDay:
        if self.wrap_up == 0 and self.wrap_up_time is None:
            raise ValueError("wrap_up = 0 lasts until the agent ends it: say when, with wrap_up_time")
        if self.wrap_up is None and self.wrap_up_time is not None:
            raise ValueError("wrap_up_time needs a wrap_up (seconds at most, or 0 for no limit)")
        return self

    def settings(self) -> QueueSettings:
        """As the engine wants them."""
        callers = {"arrivals", "handling", "patience", "wrap_up_time"}
        return QueueSettings(**{name: getattr(self, name) for name in type(self).model_fields if name not in callers})


class AgentGroup(Strict):
    """Agents who are alike."""

    name: Annotated[str, Field(min_length=1)]
    count: Annotated[int, Field(ge=0, le=100_000)] = 1
    #: queue -> skill, 1 (rung first) ... 5; or a list of queues
    queues: dict[str, Annotated[int, Field(ge=1, le=5)]]
    shifts: list[Stretch] = Field(default_factory=lambda: [Stretch.model_validate({"from": "00:00", "to": "24:00"})])
    breaks: list[Stretch] = []
    #: seconds until the phone is answered, and how often it is not at all; None: the scenario's
    answer_delay: AnyTimes | None = None
    no_answer: Annotated[float | None, Field(ge=0, lt=1)] = None

    @field_validator("queues", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        return dict.fromkeys(value, 1) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _times(self) -> AgentGroup:
        shifts = sorted(self.shifts, key=lambda s: s.start)
        if any(a.end > b.start for a, b in pairwise(shifts)):
            raise ValueError("shifts overlap")
        for pause in self.breaks:
            if not any(s.start <= pause.start and pause.end <= s.end for s in shifts):
                raise ValueError("a break must lie within a shift")
        return self


class Scenario(Strict):
    """One day, in one variant."""

    name: str = "base"
    #: minutes of a line of the report
    interval: Literal[15, 30, 60] = 30
    #: in which a recording's times are read
    time_zone: str = "UTC"
    queue: Annotated[list[QueueDay], Field(min_length=1)]
    agents: list[AgentGroup]
    answer_delay: AnyTimes = Constant(distribution="constant", seconds=0)
    no_answer: Annotated[float, Field(ge=0, lt=1)] = 0.0

    @field_validator("time_zone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, OSError, ValueError) as error:
            raise ValueError(f"{value!r} is not a time zone; write one like Europe/Berlin") from error
        return value

    @model_validator(mode="after")
    def _fits(self) -> Scenario:
        known = [q.extension for q in self.queue]
        for what, names in (("queue", known), ("agents", [g.name for g in self.agents])):
            if twice := {n for n in names if names.count(n) > 1}:
                raise ValueError(f"{what}: {', '.join(sorted(twice))} is there twice")
        for group in self.agents:
            if unknown := set(group.queues) - set(known):
                raise ValueError(
                    f"agents[{group.name}].queues: there is no queue {', '.join(sorted(unknown))}; "
                    f"there is {', '.join(known)}"
                )
            chance = self.no_answer if group.no_answer is None else group.no_answer
            if chance and any(q.agent_timeout is None for q in self.queue if q.extension in group.queues):
                raise ValueError("no_answer needs an agent_timeout: a phone that nobody answers would ring for ever")
        return self
