"""Supervisors."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from pydantic import Field, StrictStr

from ari_app.dialects.eq.wire.fields import Blankable, Email, Given, JsonObject, Language, Parameters, Printable, Wire
from ari_app.store.values import User, UserData

_Password = Annotated[StrictStr, Field(min_length=4, max_length=20), Printable]


class SupervisorUpdate(Wire):
    """A supervisor, whole. The password stays when it is left out."""

    username: Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9]{3,20}$"), Given]
    first_name: Annotated[StrictStr, Field(min_length=1, max_length=32), Printable, Given]
    last_name: Annotated[Annotated[StrictStr, Field(max_length=32), Printable] | None, Blankable] = None
    password: Annotated[_Password | None, Blankable] = None
    email_address: Annotated[Email, Given]
    language: Annotated[Language | None, Blankable] = None
    type: Annotated[Literal["full", "monitorOnly"], Given]

    def to_data(self) -> UserData:
        """As the store has it."""
        return UserData(
            username=self.username,
            first_name=self.first_name,
            last_name=self.last_name,
            email=self.email_address,
            language=self.language,
            type=self.type,
            password=self.password,
        )


class SupervisorCreate(SupervisorUpdate):
    """A supervisor."""

    password: Annotated[_Password, Given]


class SupervisorCreateBody(Parameters):
    """POST /supervisor"""

    data: Annotated[SupervisorCreate, JsonObject, Given]


class SupervisorUpdateBody(Parameters):
    """PUT /supervisor/{id}"""

    data: Annotated[SupervisorUpdate, JsonObject, Given]


class Supervisor(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A supervisor user."""

    id: int
    username: str
    first_name: str
    last_name: str | None
    email_address: str | None
    language: str | None
    type: str
    deleted: bool

    @classmethod
    def of(cls, user: User) -> Supervisor:
        return cls(
            id=user.id,
            username=user.username or "",
            first_name=user.first_name,
            last_name=user.last_name,
            email_address=user.email,
            language=user.language,
            type=user.type or "full",
            deleted=user.deleted,
        )
