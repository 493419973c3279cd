"""Sign in, sign out, who is signed in."""

from __future__ import annotations

from typing import Any

from ari_app.dialects.eq.errors import nonexistent, refused
from ari_app.dialects.eq.routes.ask import Ask, Handler, Services
from ari_app.dialects.eq.sessions import Kind
from ari_app.dialects.eq.wire.fields import is_extension
from ari_app.dialects.eq.wire.session import AgentSessionBody, Session, SupervisorSessionBody
from ari_app.errors import AlreadySignedIn, Conflict, LimitReached, NotFound


async def create_supervisor(ask: Ask[None, SupervisorSessionBody]) -> str:
    return await create_session(ask, "supervisor", ask.body.user, ask.body.extension, ask.body.force == 1)


async def create_agent(ask: Ask[None, AgentSessionBody]) -> str:
    return await create_session(ask, "agent", ask.body.user, ask.body.extension, ask.body.force == 1)


async def create_session(
    ask: Ask[Any, Any], kind: Kind, user: int, extension: str | None, force: bool, *, keyless: bool = False
) -> str:
    """Sign a user in; the session's token. keyless: which needs no key beside it. Raises ApiError."""
    services, account = ask.services, ask.account
    await _check_user(services, account, kind, user)
    if extension is not None and not await extension_exists(services, account, extension):
        raise nonexistent("extension", "Extension")
    async with services.sign_ins.exclusive(account):
        # Asking Asterisk took a while: the user may have been deleted.
        await _check_user(services, account, kind, user)
        try:
            token = await services.sign_ins.sign_in(account, kind, user, extension, force, keyless=keyless)
        except AlreadySignedIn:
            description = f"The {kind} is already signed in with another session"
            raise refused(None, "already_signed_in", description) from None
        except LimitReached as error:
            raise refused(None, "limit", str(error)) from None
        except Conflict:
            raise refused("extension", "in_use", "Another user is signed in at the extension") from None
    return token


async def _check_user(services: Services, account: int, kind: Kind, user: int) -> None:
    try:
        found = await services.users.get(account, kind, user)
    except NotFound:
        found = None
    if found is None or found.deleted:
        raise nonexistent("user", f"The {kind}")


async def extension_exists(services: Services, account: int, extension: str) -> bool:
    """Whether Asterisk knows it; what cannot be one is not asked for."""
    return is_extension(extension) and await services.centre.extension_exists(account, extension)


async def delete_supervisor(ask: Ask[None, None]) -> None:
    await _delete(ask, "supervisor")


async def delete_agent(ask: Ask[None, None]) -> None:
    await _delete(ask, "agent")


async def _delete(ask: Ask[None, None], kind: Kind) -> None:
    await ask.services.sign_ins.sign_out(ask.account, kind, ask.path["token"])


async def active_supervisors(ask: Ask[None, None]) -> list[Session]:
    return [Session.of(session) for session in ask.services.sign_ins.active(ask.account, "supervisor")]


async def active_agents(ask: Ask[None, None]) -> list[Session]:
    return [Session.of(session) for session in ask.services.sign_ins.active(ask.account, "agent")]


HANDLERS: dict[str, Handler] = {
    "supervisor_session.create": create_supervisor,
    "supervisor_session.delete": delete_supervisor,
    "agent_session.create": create_agent,
    "agent_session.delete": delete_agent,
    "active_supervisor_sessions": active_supervisors,
    "active_agent_sessions": active_agents,
}
