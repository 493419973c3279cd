"""Users sign in with their passwords, and change them."""

from __future__ import annotations

from ari_app.dialects.eq import auth
from ari_app.dialects.eq.errors import ApiError, invalid, not_found, refused, unauthorized
from ari_app.dialects.eq.guessing import locked
from ari_app.dialects.eq.routes.ask import Ask, Handler, path_id
from ari_app.dialects.eq.routes.sessions import create_session
from ari_app.dialects.eq.wire.fields import is_blank
from ari_app.dialects.eq.wire.password import PasswordBody, ResetBody, SignedIn, SignInBody, unfit
from ari_app.errors import NotFound
from ari_app.store.accounts import DEFAULT, Accounts
from ari_app.store.logins import Locked, WrongPassword
from ari_app.store.values import User

#: stands for an account that there is not: nobody is in it
NOWHERE = 0

_Asks = Ask[None, SignInBody] | Ask[None, PasswordBody]


async def sign_in(ask: Ask[None, SignInBody]) -> SignedIn:
    body = ask.body
    if body.kind == "agent" and body.extension is None:
        raise refused("extension", "blank", "An agent signs in at an extension")
    user = await _user(ask, body)
    keyless = ask.caller.key is None
    token = await create_session(ask, body.kind, user.id, body.extension, body.force == 1, keyless=keyless)
    timeout = ask.services.sign_ins.timeout
    return SignedIn(token=token, user=user.id, kind=body.kind, type=user.type, language=user.language, timeout=timeout)


async def change(ask: Ask[None, PasswordBody]) -> None:
    body, services = ask.body, ask.services
    user = await _user(ask, body)
    _check("new_password", body.kind, user, body.new_password)
    await _set(ask, user, body.new_password)
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


async def account_named(accounts: Accounts, name: object) -> int:
    """The account that somebody without a key means; blank: the first. NOWHERE: there is none, which he is not told."""
    if is_blank(name):
        return DEFAULT
    found = await accounts.find(name) if isinstance(name, str) else None
    return NOWHERE if found is None else found.id


async def _user(ask: _Asks, body: SignInBody | PasswordBody) -> User:
    if ask.caller.key is not None:
        return await _checked(ask, body, "")
    # Where there is no such account its name tells the logins apart, as the account does elsewhere.
    realm = (body.account or "").casefold() if isinstance(body, SignInBody) and ask.account == NOWHERE else ""
    async with ask.services.guesses.guess(ask.caller.address or "local"):
        return await _checked(ask, body, realm)


async def _checked(ask: _Asks, body: SignInBody | PasswordBody, realm: str) -> User:
    try:
        return await ask.services.logins.check(ask.account, body.kind, body.login, body.password, realm=realm)
    except WrongPassword:
        raise unauthorized("password", "invalid", "There is no such user, or the password is not his") from None
    except Locked as refused_for:
        raise locked(refused_for.wait) from None


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
