"""Agents."""

from __future__ import annotations

from typing import Annotated

import msgspec
from pydantic import Field, StrictStr

from ari_app.dialects.eq.wire.fields import (
    Blankable,
    Email,
    Extension,
    Given,
    IntegerAsDigits,
    JsonObject,
    Language,
    Parameters,
    Printable,
    Skill,
    Wire,
    or_default,
)
from ari_app.store.values import User, UserData

_Password = Annotated[StrictStr, Field(pattern=r"^[0-9]{3,10}$"), IntegerAsDigits]

#: an agent serves at most this many queues
BOUND_QUEUES_MAX = 1000


class BoundQueueIn(Wire):
    """A queue the agent is bound to, and how well he serves it. Ours: the reference leaves binding to its console."""

    queue: Annotated[Extension, Given]
    skill: Annotated[Skill, or_default(3)] = 3


class AgentUpdate(Wire):
    """An agent, whole. The password stays when it is left out, and so do his queues."""

    number: Annotated[StrictStr, Field(pattern=r"^[1-9][0-9]{0,4}$"), IntegerAsDigits, Given]
    first_name: Annotated[StrictStr, Field(min_length=1, max_length=32), Printable, Given]
    last_name: Annotated[Annotated[StrictStr, Field(max_length=32), Printable] | None, Blankable] = None
    password: Annotated[_Password | None, Blankable] = None
    email_address: Annotated[Email | None, Blankable] = None
    language: Annotated[Language | None, Blankable] = None
    bound_queues: Annotated[
        list[BoundQueueIn] | None,
        Field(
            max_length=BOUND_QUEUES_MAX,
            description="The queues the agent is bound to: those that signIn without a queue signs him in to",
        ),
        Blankable,
    ] = None

    def to_data(self) -> UserData:
        """As the store has it."""
        return UserData(
            number=self.number,
            first_name=self.first_name,
            last_name=self.last_name,
            email=self.email_address,
            language=self.language,
            password=self.password,
        )

    def bindings(self) -> dict[str, int] | None:
        """Extension -> skill; None: not given."""
        return None if self.bound_queues is None else {bound.queue: bound.skill for bound in self.bound_queues}


class AgentCreate(AgentUpdate):
    """An agent."""

    password: Annotated[_Password, Given]


class AgentCreateBody(Parameters):
    """POST /agent"""

    data: Annotated[AgentCreate, JsonObject, Given]


class AgentUpdateBody(Parameters):
    """PUT /agent/{id}"""

    data: Annotated[AgentUpdate, JsonObject, Given]


class BoundQueue(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A queue the agent is bound to."""

    queue: str
    skill: int


class Agent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An agent user."""

    id: int
    number: str
    first_name: str
    last_name: str | None
    email_address: str | None
    language: str | None
    bound_queues: list[BoundQueue]
    deleted: bool

    @classmethod
    def of(cls, user: User, bindings: dict[str, int]) -> Agent:
        return cls(
            id=user.id,
            number=user.number or "",
            first_name=user.first_name,
            last_name=user.last_name,
            email_address=user.email,
            language=user.language,
            bound_queues=[BoundQueue(queue=queue, skill=skill) for queue, skill in sorted(bindings.items())],
            deleted=user.deleted,
        )
