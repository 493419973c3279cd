"""Signing in with a password, and changing it: ours."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from pydantic import Field, StrictStr

from ari_app.dialects.eq.wire.fields import Blankable, Flag, Given, IntegerAsDigits, Parameters

#: characters of a new password, of supervisors at least, and of both as the reference has it
SUPERVISOR_LEAST, SUPERVISOR_MOST = 8, 20
AGENT_LEAST, AGENT_MOST = 4, 10

Kind = Literal["supervisor", "agent"]
_KIND = Field(description="supervisor or agent")
_LOGIN = Field(max_length=64, description="A supervisor's username, an agent's number")
#: what is longer was never set, and is not worth a look
_Password = Annotated[StrictStr, Field(max_length=64), IntegerAsDigits]
_Login = Annotated[StrictStr, _LOGIN, IntegerAsDigits]


class SignInBody(Parameters):
    """POST /x/sign_in"""

    kind: Annotated[Kind, _KIND, Given]
    login: Annotated[_Login, Given]
    password: Annotated[_Password, Given]
    extension: Annotated[
        Annotated[StrictStr, IntegerAsDigits] | None,
        Field(description="Extension to sign in at; agents must have one"),
        Blankable,
    ] = None
    account: Annotated[
        Annotated[StrictStr, Field(max_length=200)] | None,
        Field(description="Without a key: name of the account; blank: the first one. With a key, the key says which"),
        Blankable,
    ] = None
    force: Annotated[Flag, Field(description="1: sign in even if signed in already, and end that session")] = 0


class PasswordBody(Parameters):
    """PUT /x/password"""

    kind: Annotated[Kind, _KIND, Given]
    login: Annotated[_Login, Given]
    password: Annotated[_Password, Field(description="The one so far"), Given]
    new_password: Annotated[_Password, Given]


class ResetBody(Parameters):
    """PUT /x/user/{id}/password"""

    password: Annotated[_Password, Field(description="The new one"), Given]


class SignedIn(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who has signed in."""

    #: of the session
    token: str
    user: int
    kind: str
    #: of supervisors: full or monitorOnly
    type: str | None
    language: str | None
    #: seconds without a request after which the session is deactivated
    timeout: float


def unfit(kind: str, login: str, password: str) -> str | None:
    """Why this may not be a new password; None: it may."""
    if kind == "agent":
        if not re.fullmatch(rf"[0-9]{{{AGENT_LEAST},{AGENT_MOST}}}", password, re.ASCII):
            return f"must be {AGENT_LEAST} to {AGENT_MOST} digits"
    elif not SUPERVISOR_LEAST <= len(password) <= SUPERVISOR_MOST or not password.isprintable():
        return f"must be {SUPERVISOR_LEAST} to {SUPERVISOR_MOST} characters"
    if len(set(password)) == 1:
        return "must not be one character again and again"
    if login and login.casefold() in (password.casefold(), password[::-1].casefold()):
        return "must not be the login"
    return None
