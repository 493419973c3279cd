"""Skills and the rules that ask for them. Ours: the reference has penalties only."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from pydantic import AfterValidator, BeforeValidator, Field, StrictStr
from pydantic_core import PydanticCustomError

from ari_app.acd.rules import LEVEL_MAX, LONGEST, RuleError, parse, valid_skill
from ari_app.dialects.eq.wire.fields import Given, JsonObject, Parameters, Wire, or_default

#: skills of an agent, or wanted by a caller
SKILLS_MAX = 100


def _skills(value: Any) -> Any:
    fits = isinstance(value, dict) and len(value) <= SKILLS_MAX
    if not fits or not all(
        isinstance(name, str) and valid_skill(name) and type(level) is int and 0 <= level <= LEVEL_MAX
        for name, level in value.items()
    ):
        raise PydanticCustomError(
            "invalid",
            "must be an object of up to 100 skills: a name (1 to 32 of a-z, 0-9 and _, beginning with a letter, no word"
            " of the rules) and a level, 0 to 100",
        )
    return value


def _rule(value: str) -> str:
    try:
        if value:
            parse(value)
    except RuleError as error:
        raise PydanticCustomError("invalid", "{reason}", {"reason": str(error)}) from None
    return value


_Skills = Annotated[dict[str, int], BeforeValidator(_skills)]


class AgentSkillsUpdate(Wire):
    """What an agent can, all of it."""

    skills: Annotated[_Skills, Field(description='Level by name, 0 to 100: {"english": 80}'), Given]


class AgentSkillsBody(Parameters):
    """PUT /x/agent/{id}/skills"""

    data: Annotated[AgentSkillsUpdate, JsonObject, Given]


class RoutingUpdate(Wire):
    """By what a queue chooses agents."""

    rule: Annotated[
        StrictStr,
        Field(max_length=LONGEST, description="Such as: english >= 3 and (sales or wait >= 60). Blank: none"),
        AfterValidator(_rule),
        or_default(""),
    ] = ""
    wanted_skills: Annotated[
        _Skills,
        Field(description="What callers want who do not say so themselves: the least level, by name"),
        or_default({}),
    ] = Field(default_factory=dict)


class RoutingBody(Parameters):
    """PUT /x/call_queue/{extension}/routing"""

    data: Annotated[RoutingUpdate, JsonObject, Given]


class AgentSkills(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An agent and what he can."""

    agent: int
    skills: dict[str, int]


class QueueRouting(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """By what a queue chooses agents."""

    queue: str
    rule: str
    wanted_skills: dict[str, int]
