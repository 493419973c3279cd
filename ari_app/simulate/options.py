"""What a described queue may have beyond its settings: rules and skills, opening hours, overflow, call-backs. They
become the same events of the engine that the server makes of its configuration."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from ari_app.acd.destination import LIMITED, Destination, Kind, Overflow, When
from ari_app.acd.rules import LEVEL_MAX, RuleError, parse, valid_skill
from ari_app.simulate.draws import AnyTimes, Constant, Positive
from ari_app.simulate.times import Stretch


def _rule(value: str) -> str:
    try:
        parse(value) if value else None
    except RuleError as error:
        raise ValueError(str(error)) from error
    return value


def _named(value: dict[str, int]) -> dict[str, int]:
    if bad := [name for name in value if not valid_skill(name)]:
        raise ValueError(
            f"{', '.join(bad)}: a skill has up to 32 letters a to z, digits and _, and begins with a letter"
        )
    return value


Rule = Annotated[str, AfterValidator(_rule)]
Skills = Annotated[dict[str, Annotated[int, Field(ge=0, le=LEVEL_MAX)]], AfterValidator(_named)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Wants(_Strict):
    """Some of a queue's callers want an agent with these skills; the others want what the queue says."""

    share: Share
    skills: Skills


class OverflowRule(_Strict):
    """Where callers go whom the queue does not serve; as in the server, the first that applies."""

    when: When
    #: seconds, callers, or callers an agent
    limit: Annotated[float | None, Field(gt=0)] = None
    #: one of the three. What is no queue of the day is the end of the call here
    queue: str | None = None
    extension: str | None = None
    message: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> OverflowRule:
        if (self.limit is None) == (self.when in LIMITED):
            raise ValueError(f"{self.when} needs a limit" if self.when in LIMITED else f"{self.when} has no limit")
        if sum(to is not None for to in (self.queue, self.extension, self.message)) != 1:
            raise ValueError("one of queue, extension and message is needed")
        return self

    def rule(self) -> Overflow:
        """As the engine wants it."""
        given = {Kind.QUEUE: self.queue, Kind.EXTENSION: self.extension, Kind.MESSAGE: self.message}
        ((kind, to),) = ((kind, to) for kind, to in given.items() if to is not None)
        return Overflow(when=self.when, limit=self.limit or 0.0, destination=Destination(kind=kind, to=to))


class CallBacks(_Strict):
    """Callers who ask to be called back instead of waiting."""

    #: of the callers, if they wait that long
    share: Share
    #: seconds of waiting after which they ask
    after: AnyTimes
    #: of the calls to them, how many are answered, and after how many seconds
    reached: Share = 1.0
    answer: AnyTimes = Constant(distribution="constant", seconds=5)
    #: as in the settings of a queue: attempts, seconds between two of them, seconds a phone rings
    attempts: Annotated[int, Field(ge=1)] = 3
    retry: Positive = 300.0
    ring: Positive = 30.0


class Options(_Strict):
    """Of a queue."""

    #: by which agents are chosen, and the skills its callers want
    rule: Rule = ""
    skills: Skills = {}
    wants: list[Wants] = []
    #: when it is open; None: always
    hours: Annotated[list[Stretch], Field(min_length=1)] | None = None
    #: what becomes of those who wait when it closes
    closing: Literal["serve", "leave"] = "serve"
    overflow: list[OverflowRule] = []
    call_back: CallBacks | None = None

    @field_validator("wants")
    @classmethod
    def _shares(cls, value: list[Wants]) -> list[Wants]:
        if sum(part.share for part in value) > 1 + 1e-9:
            raise ValueError("the shares are more than 1 together")
        return value

    @field_validator("hours")
    @classmethod
    def _in_order(cls, value: list[Stretch] | None, _info: ValidationInfo) -> Any:
        if value is None:
            return None
        value = sorted(value, key=lambda part: part.start)
        if any(one.end > other.start for one, other in pairwise(value)):
            raise ValueError("hours overlap")
        return value
