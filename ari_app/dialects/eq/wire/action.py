"""What an agent is made to do in queues."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictStr

from ari_app.dialects.eq.wire.fields import (
    Blankable,
    Boolean,
    Given,
    Id,
    IntegerAsDigits,
    JsonObject,
    OptionalId,
    Parameters,
    Skill,
    Wire,
    or_default,
)

_QUEUES_MAX = 1000
_Queue = Annotated[StrictStr, IntegerAsDigits]


class AgentActionOptions(Wire):
    """The action's `options`."""

    agent: Annotated[Id, Field(description="User ID of the agent"), Given]
    queue: Annotated[
        _Queue | None,
        Field(description="Extension of the queue; left out: all bound ones (signIn), all he is signed in to (others)"),
        Blankable,
    ] = None
    queues: Annotated[
        list[_Queue] | None,
        Field(min_length=1, max_length=_QUEUES_MAX, description="signIn only: extensions of queues"),
        Blankable,
    ] = None
    skill: Annotated[
        Skill | None, Field(description="signIn only: 1 is served first, 5 last; left out: as bound, else 3"), Blankable
    ] = None
    skills: Annotated[
        list[Skill] | None,
        Field(max_length=_QUEUES_MAX, description="signIn only: one for each of `queues`"),
        Blankable,
    ] = None
    paused: Annotated[Boolean, Field(description="signIn only: sign in as paused"), or_default(False)] = False
    pause_code: Annotated[OptionalId, Field(description="pause only: ID of the pause code")] = None


class AgentActionBody(Parameters):
    """POST /call_queue_agent_action"""

    action: Annotated[Literal["signIn", "signOut", "pause", "resume", "exitWrapUp"], Given]
    options: Annotated[AgentActionOptions, JsonObject, Given]
