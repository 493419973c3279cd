"""The part of the path table (paths.py) about passwords of users. Ours."""

from __future__ import annotations

from ari_app.dialects.eq.wire.password import PasswordBody, ResetBody, SignedIn, SignInBody
from ari_app.dialects.http import Endpoint, ErrorRow

_WRONG = (
    ErrorRow(parameter="password", type="invalid", description="There is no such user, or it is not his (401)"),
    ErrorRow(parameter="login", type="locked", description="Too many wrong passwords; Retry-After says how long (401)"),
)
_POLICY = (
    "Supervisors: 8 to 20 characters, agents: 4 to 10 digits; not the login, and not one character again and again."
)

PASSWORDS = (
    Endpoint(
        name="x.sign_in",
        method="POST",
        path="/x/sign_in",
        tag="Passwords",
        summary="Sign a supervisor or an agent in with his password; returns the session's token",
        description=(
            "After five wrong passwords in a row the user is locked for 30 seconds, twice as long after each further"
            " one, an hour at most. The token is used and signed out as any other. Without an API key, as in a browser,"
            " account says where; the token then opens the account by itself, as far as its user's role goes, and an"
            " address may guess twenty times at once, and once in ten seconds after that."
        ),
        keyless=True,
        body=SignInBody,
        reply=SignedIn,
        changes=True,
        errors=(
            *_WRONG,
            ErrorRow(parameter="extension", type="blank", description="An agent signs in at an extension"),
            ErrorRow(parameter="extension", type="nonexistent", description="Extension does not exist"),
            ErrorRow(parameter=None, type="already_signed_in", description="With another session; see force"),
        ),
    ),
    Endpoint(
        name="x.password.update",
        method="PUT",
        path="/x/password",
        tag="Passwords",
        summary="A user changes his password; he is signed out",
        description=_POLICY,
        body=PasswordBody,
        changes=True,
        errors=(*_WRONG, ErrorRow(parameter="new_password", type="invalid", description="May not be one; says why")),
    ),
    Endpoint(
        name="x.user_password.update",
        method="PUT",
        path="/x/user/{id}/password",
        tag="Passwords",
        summary="Give a supervisor or an agent a new password; he is signed out, and not locked any more",
        description=f"{_POLICY} Not with an agent's session.",
        parameters={"id": "User ID"},
        body=ResetBody,
        changes=True,
        errors=(
            ErrorRow(parameter="id", type="nonexistent", description="No such user, or he is deleted (404)"),
            ErrorRow(parameter="password", type="invalid", description="May not be one; the description says why"),
            ErrorRow(parameter="auth_agent_session", type="forbidden", description="Agents may not do this (403)"),
        ),
    ),
)
