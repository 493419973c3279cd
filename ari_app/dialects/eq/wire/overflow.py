"""Rules of overflow. Ours: the reference hangs up."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

import msgspec
from pydantic import AfterValidator, Field, StrictFloat, StrictInt, StrictStr, model_validator
from pydantic_core import PydanticCustomError

from ari_app.acd.destination import LIMITED, Destination, Kind, Overflow, When
from ari_app.dialects.eq.wire.fields import SOUND_ELSEWHERE, Given, JsonObject, Parameters, Wire

#: rules of a queue
RULES_MAX = 50
#: seconds, callers
LIMIT_MAX = 86_400
_NUMBER = re.compile(r"\+?[0-9]{1,20}\Z", re.ASCII)
#: a sound of Asterisk's, or under its sounds, with no way out of the directory; or one from elsewhere
_SOUND = re.compile(rf"(?:(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9_./-]{{0,99}}|{SOUND_ELSEWHERE})\Z", re.ASCII)


class DestinationEntry(Wire):
    """Where to."""

    type: Literal["queue", "extension", "message"]
    to: Annotated[
        StrictStr,
        Field(
            description="Its number; of a message, the sound's name without format (vm-goodbye), https://.. or file:.."
        ),
    ]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not (_SOUND if self.type == "message" else _NUMBER).match(self.to):
            raise PydanticCustomError("invalid", "{reason}", {"reason": "to is no number, or no name of a sound"})
        return self


class RuleEntry(Wire):
    """One rule."""

    when: Literal[
        "wait",
        "callers",
        "callersPerAgent",
        "estimatedWait",
        "full",
        "empty",
        "closed",
        "leaveEmpty",
        "timeout",
        "noAnswer",
    ]
    limit: Annotated[
        StrictInt | StrictFloat | None,
        Field(gt=0, le=LIMIT_MAX, description="Seconds (wait, estimatedWait), callers, callers per agent; else null"),
    ] = None
    destination: DestinationEntry

    @model_validator(mode="after")
    def _limited(self) -> Self:
        if (self.when in LIMITED) != (self.limit is not None):
            reason = "a limit is needed" if self.when in LIMITED else "this rule has no limit"
            raise PydanticCustomError("invalid", "{reason}", {"reason": reason})
        return self


def _few(rules: list[RuleEntry]) -> list[RuleEntry]:
    if len(rules) > RULES_MAX:
        raise PydanticCustomError("invalid", "{reason}", {"reason": f"at most {RULES_MAX} rules"})
    return rules


class OverflowUpdate(Wire):
    """All rules of a queue, in order of precedence."""

    rules: Annotated[list[RuleEntry], AfterValidator(_few), Given]

    def to_rules(self) -> tuple[Overflow, ...]:
        return tuple(
            Overflow(
                when=When(rule.when),
                limit=float(rule.limit or 0.0),
                destination=Destination(kind=Kind(rule.destination.type), to=rule.destination.to),
            )
            for rule in self.rules
        )


class OverflowBody(Parameters):
    """PUT /x/call_queue/{extension}/overflow"""

    data: Annotated[OverflowUpdate, JsonObject, Given]


class DestinationRow(msgspec.Struct, frozen=True, kw_only=True):
    """Where to."""

    type: str
    to: str


class RuleRow(msgspec.Struct, frozen=True, kw_only=True):
    """One rule."""

    when: str
    limit: float | None
    destination: DestinationRow


class QueueOverflow(msgspec.Struct, frozen=True, kw_only=True):
    """Where a queue's callers go whom it does not serve."""

    queue: str
    rules: list[RuleRow]

    @classmethod
    def of(cls, queue: str, rules: tuple[Overflow, ...]) -> QueueOverflow:
        rows = [
            RuleRow(
                when=rule.when,
                limit=_plain(rule.limit) if rule.when in LIMITED else None,
                destination=DestinationRow(type=rule.destination.kind, to=rule.destination.to),
            )
            for rule in rules
        ]
        return cls(queue=queue, rules=rows)


def _plain(value: float) -> float:
    return int(value) if value == int(value) else value
