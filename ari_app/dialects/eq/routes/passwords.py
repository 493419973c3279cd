"""Users sign in with their passwords, and change them."""

from __future__ import annotations

import math

from ari_app.dialects.eq import auth
from ari_app.dialects.eq.errors import ApiError, invalid, not_found, refused, unauthorized
from ari_app.dialects.eq.routes.ask import Ask, Handler, path_id
from ari_app.dialects.eq.routes.sessions import create_session
from ari_app.dialects.eq.sessions import Kind
from ari_app.dialects.eq.wire.password import PasswordBody, ResetBody, SignedIn, SignInBody, unfit
from ari_app.errors import NotFound
from ari_app.store.logins import Locked, WrongPassword
from ari_app.store.values import User


async def sign_in(ask: Ask[None, SignInBody]) -> SignedIn:
    body = ask.body
    if body.kind == "agent" and body.extension is None:
        raise refused("extension", "blank", "An agent signs in at an extension")
    user = await _user(ask, body.kind, body.login, body.password)
    token = await create_session(ask, body.kind, user.id, body.extension, body.force == 1)
    timeout = ask.services.sign_ins.timeout
    return SignedIn(token=token, user=user.id, kind=body.kind, type=user.type, language=user.language, timeout=timeout)


async def change(ask: Ask[None, PasswordBody]) -> None:
    body, services = ask.body, ask.services
    user = await _user(ask, body.kind, body.login, body.password)
    _check("new_password", body.kind, user, body.new_password)
    await _set(ask, user, body.new_password)
    if services.sign_ins.is_signed_in(ask.account, body.kind, user.id):
        async with services.sign_ins.exclusive(ask.account):
            await services.sign_ins.remove(ask.account, user.id)


async def reset(ask: Ask[None, ResetBody]) -> None:
    session, services = ask.caller.session, ask.services
    if session is not None and session.kind != "supervisor":
        raise ApiError(403, auth.SESSIONS[1][0], "forbidden", "Only a supervisor may do this")
    try:
        user = await services.logins.find(ask.account, path_id(ask, "The user"))
        _check("password", user.kind, user, ask.body.password)
        await _set(ask, user, ask.body.password)
    except NotFound:
        raise not_found("id", "The user") from None
    async with services.sign_ins.exclusive(ask.account):
        await services.sign_ins.remove(ask.account, user.id)


async def _user(ask: Ask[None, SignInBody] | Ask[None, PasswordBody], kind: Kind, login: str, password: str) -> User:
    try:
        return await ask.services.logins.check(ask.account, kind, login, password)
    except WrongPassword:
        raise unauthorized("password", "invalid", "There is no such user, or the password is not his") from None
    except Locked as locked:
        seconds = math.ceil(locked.wait)
        raise ApiError(
            401,
            "login",
            "locked",
            f"Too many wrong passwords; try again in {seconds} s",
            headers={"Retry-After": str(seconds)},
        ) from None


def _check(parameter: str, kind: str, user: User, password: str) -> None:
    login = user.number if kind == "agent" else user.username
    why = unfit(kind, login or "", password)
    if why is not None:
        raise invalid(parameter, f"The password {why}")


async def _set(ask: Ask[None, PasswordBody] | Ask[None, ResetBody], user: User, password: str) -> None:
    await ask.services.logins.set(ask.account, user.id, password)


HANDLERS: dict[str, Handler] = {
    "x.sign_in": sign_in,
    "x.password.update": change,
    "x.user_password.update": reset,
}
