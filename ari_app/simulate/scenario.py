"""The day file: what is simulated, validated, with the field named on error."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, field_validator, model_validator

from ari_app.acd.settings import AutoPause, JoinEmpty, LeaveEmpty, QueueSettings, Strategy
from ari_app.simulate.draws import AnyPatience, AnyTimes, Constant, NotNegative, Positive
from ari_app.simulate.options import Options, Skills
from ari_app.simulate.times import DAY, Stretch, Strict, TimeOfDay, parse_time


def _none(value: Any) -> Any:
    """TOML has no null."""
    return None if value == "none" else value


Unlimited = BeforeValidator(_none)


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


class QueueDay(Options):
    """A queue and its callers. The settings are those of acd.settings.QueueSettings."""

    extension: Annotated[str, Field(min_length=1)]
    name: str = ""
    strategy: Strategy = Strategy.RINGALL
    weight: Annotated[int, Field(ge=0, le=10)] = 0
    max_wait: Annotated[Positive | None, Unlimited] = None
    agent_timeout: Annotated[Positive | None, Unlimited] = 15.0
    retry: Annotated[NotNegative | None, Unlimited] = 5.0
    max_callers: Annotated[int | None, Unlimited, Field(ge=1)] = None
    join_empty: JoinEmpty = JoinEmpty.YES
    leave_empty: LeaveEmpty = LeaveEmpty.NO
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
        known = set(QueueSettings.__struct_fields__) & set(type(self).model_fields)
        back = {} if self.call_back is None else {n: getattr(self.call_back, n) for n in ("attempts", "retry", "ring")}
        return QueueSettings(
            **{name: getattr(self, name) for name in known}, **{f"call_back_{name}": back[name] for name in back}
        )


class AgentGroup(Strict):
    """Agents who are alike."""

    name: Annotated[str, Field(min_length=1)]
    count: Annotated[int, Field(ge=0, le=100_000)] = 1
    #: queue -> skill, 1 (rung first) ... 5; or a list of queues
    queues: dict[str, Annotated[int, Field(ge=1, le=5)]]
    #: what each of them can: skill -> level, 0 to 100
    skills: Skills = Field(default_factory=dict)
    shifts: list[Stretch] = Field(default_factory=lambda: [Stretch.model_validate({"from": "00:00", "to": "24:00"})])
    breaks: list[Stretch] = Field(default_factory=list)
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
        for queue in self.queue:
            if unknown := {rule.queue for rule in queue.overflow if rule.queue is not None} - set(known):
                raise ValueError(
                    f"queue[{queue.extension}].overflow: there is no queue {', '.join(sorted(unknown))}; "
                    f"there is {', '.join(known)}"
                )
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
