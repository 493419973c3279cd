"""Signing in and who is signed in."""

from __future__ import annotations

from typing import Annotated

import msgspec
from pydantic import Field, StrictStr

from ari_app.dialects.eq.wire.fields import Blankable, Flag, Given, Id, IntegerAsDigits, Parameters
from ari_app.store.values import UserSession

#: any text: whether the extension exists is the question asked of it
_Extension = Annotated[StrictStr, IntegerAsDigits]
_FORCE = "1: sign in even if the user is signed in already, and end that session"


class SupervisorSessionBody(Parameters):
    """POST /supervisor_session"""

    user: Annotated[Id, Field(description="User ID of the supervisor"), Given]
    extension: Annotated[_Extension | None, Field(description="Extension to sign in at"), Blankable] = None
    force: Annotated[Flag, Field(description=_FORCE)] = 0


class AgentSessionBody(Parameters):
    """POST /agent_session"""

    user: Annotated[Id, Field(description="User ID of the agent"), Given]
    extension: Annotated[_Extension, Field(description="Extension to sign in at"), Given]
    force: Annotated[Flag, Field(description=_FORCE)] = 0


class Session(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An active session. Its token is known to its owner only."""

    user: int
    extension: str | None
    #: UNIX seconds
    sign_in_time: int
    last_ping_time: int

    @classmethod
    def of(cls, session: UserSession) -> Session:
        return cls(
            user=session.user,
            extension=session.extension,
            sign_in_time=int(session.signed_in_at),
            last_ping_time=int(session.last_ping_at),
        )
