"""Signing in and out, and time-outs.

The store keeps the sessions and their rules (one active session a user, one active user an extension); this is what
ties them to time and to the queues. A session is

    active ──── no ping for `timeout` seconds ───▶ deactivated ──── ping, no conflict ───▶ active
       └───────────── signed out, forced out, user deleted ─────────────┴──▶ destroyed

and an agent is in the queues' eyes signed in while he has an active one. Each active session has one timer, set again
only when it fires and finds that there was a ping since; a ping costs nothing but a number in memory.

After a restart each session gets a whole time-out: nobody could ping while we were away.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Literal, cast

import structlog

from ari_app.acd.events import AgentSignedIn, AgentSignedOut, AgentTimedOut, AnyEvent
from ari_app.clock import Clock, Timer
from ari_app.dialects.eq.errors import not_found, unauthorized
from ari_app.dialects.eq.ports import Centre
from ari_app.errors import AlreadySignedIn, CommandRefused, Conflict, LimitReached, NotFound, StoreUnavailable
from ari_app.store.accounts import Accounts
from ari_app.store.sessions import Sessions
from ari_app.store.users import Users
from ari_app.store.values import UserSession

log = structlog.get_logger("eq")

Kind = Literal["supervisor", "agent"]

#: 48 random bytes in URL-safe base 64
_TOKEN = re.compile(r"[A-Za-z0-9_-]{64}\Z")
#: seconds without a request after which a token that needs no API key does not sign its user in again
KEYLESS_IDLE = 12 * 3600.0
#: seconds until a time-out that could not be written is tried again
_RETRY = 5.0


class SignIns:
    """Who is signed in, of all accounts."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        sessions: Sessions,
        users: Users,
        centre: Centre,
        clock: Clock,
        timeout: float,
        caps: Mapping[Kind, int | None] | None = None,
        on_full: Callable[[int, bool], None] | None = None,
    ) -> None:
        """caps: how many of a kind may be signed in to an account at a time; None: as many as like. on_full: of an
        account, somebody was refused for that; or there is room again."""
        self._accounts = accounts
        self._sessions = sessions
        self._users = users
        self._centre = centre
        self._clock = clock
        #: the operator's; None: as many as like
        self.caps: Mapping[Kind, int | None] = caps or {}
        self._on_full = on_full or _nobody
        #: accounts in which somebody was refused, until there is room
        self._full: dict[int, Kind] = {}
        #: seconds without a sign of life until a session is deactivated
        self.timeout = timeout
        self._since = clock.now()
        self._timers: dict[int, Timer] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def start(self) -> None:
        """Take up the sessions of an earlier process, and let the queues agree with them."""
        self._since = self._clock.now()
        active = self._sessions.expired(math.inf)
        for session in active:
            self._arm(session)
            if session.kind == "agent":
                self._tell_signed_in(session)
        # Whose session ended in the moment of a crash, after SQL knew it and before the queues did.
        for account in await self._accounts.listing():
            for row in self._centre.agent_status(account.id, None, None, True):
                if row.status != "signedOut" and not self.is_signed_in(account.id, "agent", row.agent):
                    self._tell(account.id, AgentTimedOut(agent=row.agent))

    async def close(self) -> None:
        """Set no more timers, and finish what is being written."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        await self.idle()

    async def idle(self) -> None:
        """Return when no time-out is being written."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def exclusive(self, account: int) -> asyncio.Lock:
        """Held while something is changed in SQL and then in the queues, so that both see the same order."""
        return self._locks[account]

    # people

    async def sign_in(
        self, account: int, kind: Kind, user: int, extension: str | None, force: bool, *, keyless: bool = False
    ) -> str:
        """Make a session; the caller holds `exclusive` and knows that user and extension exist. keyless: its token
        needs no API key beside it.

        Returns:
            its token, which nobody can ask for again.

        Raises:
            AlreadySignedIn: and `force` is not set.
            LimitReached: as many are signed in as may be.
            Conflict: "extension": another user is signed in there.
        """
        before = self._sessions.of_user(account, user)
        if before is None:
            self._check_room(account, kind)
        session, token = await self._sessions.create(account, kind, user, extension, force, keyless=keyless)
        if before is not None:
            self._disarm(before)
            if kind == "agent":
                self._tell(account, AgentSignedOut(agent=user))
        self._arm(session)
        if kind == "agent":
            self._tell_signed_in(session)
        return token

    async def sign_out(self, account: int, kind: Kind, token: str) -> None:
        """Destroy a session.

        Raises:
            ApiError: 404: there is none, or it is no longer valid.
        """
        async with self.exclusive(account):
            session = self._find(account, kind, token)
            if session is None:
                raise not_found("token", "The session")
            await self._destroy(session)

    async def remove(self, account: int, user: int) -> None:
        """A user was deleted, or has another password: none of his sessions holds, nor can one that has timed out come
        back; the caller holds `exclusive`."""
        for session in self._sessions.all_of_user(account, user):
            await self._destroy(session)

    def keyless(self, kind: Kind, token: str) -> UserSession | None:
        """The session of a token that needs no API key; None: there is none, it is no longer valid, or nobody has used
        it for KEYLESS_IDLE seconds."""
        session = self._sessions.find(token) if _TOKEN.match(token) else None
        if session is None or not session.keyless or session.kind != kind or session.state == "destroyed":
            return None
        return session if self._clock.now() - session.last_ping_at < KEYLESS_IDLE else None

    async def refresh(self, account: int, kind: Kind, token: str) -> UserSession:
        """A request on behalf of a user: a sign of life, which also brings a timed-out session back.

        Raises:
            ApiError: 401: no such session, or it cannot be active again.
        """
        session = self._find(account, kind, token)
        if session is None:
            raise _invalid(kind)
        if session.state == "active":
            self._sessions.ping(session.id)
            return session
        async with self.exclusive(account):
            return await self._reactivate(session)

    def active(self, account: int, kind: Kind) -> list[UserSession]:
        """Who is signed in, in the order of signing in."""
        return sorted(self._sessions.active(account, kind), key=lambda session: (session.signed_in_at, session.id))

    def is_signed_in(self, account: int, kind: Kind, user: int) -> bool:
        """Whether a user has an active session."""
        session = self._sessions.of_user(account, user)
        return session is not None and session.kind == kind

    def owner(self, account: int, kind: Kind, token: str) -> int | None:
        """The user a valid token belongs to."""
        session = self._find(account, kind, token)
        return session.user if session is not None else None

    # inside

    def _check_room(self, account: int, kind: Kind) -> None:
        cap = self.caps.get(kind)
        if cap is not None and len(self._sessions.active(account, kind)) >= cap:
            self._full[account] = kind
            self._on_full(account, True)
            raise LimitReached(f"{cap} {kind}s are signed in, and no more may be")

    def _ended(self, session: UserSession) -> None:
        """Somebody is not signed in any more: there is room."""
        self._disarm(session)
        if self._full.get(session.account) == session.kind:
            del self._full[session.account]
            self._on_full(session.account, False)

    def _find(self, account: int, kind: Kind, token: str) -> UserSession | None:
        session = self._sessions.find(token) if _TOKEN.match(token) else None
        if session is None or session.account != account or session.kind != kind or session.state == "destroyed":
            return None
        return session

    async def _reactivate(self, session: UserSession) -> UserSession:
        account, kind = session.account, cast(Kind, session.kind)
        try:
            session = self._sessions.get(account, session.id)
            user = await self._users.get(account, kind, session.user)
        except NotFound:
            raise _invalid(kind) from None
        if user.deleted or session.state == "destroyed":
            if session.state != "destroyed":
                await self._sessions.destroy(session.id)
            raise _invalid(kind)
        if session.state != "active":
            try:
                if self._sessions.of_user(account, session.user) is None:
                    self._check_room(account, kind)
                await self._sessions.reactivate(session.id)
            except LimitReached:
                description = f"As many {kind}s are signed in as may be"
                raise unauthorized(f"auth_{kind}_session", "limit", description) from None
            except AlreadySignedIn:
                raise unauthorized(None, "already_signed_in", f"The {kind} is signed in with another session") from None
            except Conflict:
                description = "Another user is signed in at the extension of the session"
                raise unauthorized("extension", "in_use", description) from None
            session = self._sessions.get(account, session.id)
            self._arm(session)
            if kind == "agent":
                self._tell_signed_in(session)
        return session

    async def _destroy(self, session: UserSession) -> None:
        active = session.state == "active"
        await self._sessions.destroy(session.id)
        if active:
            self._ended(session)
        # A deactivated session may end while its user is signed in with a newer one.
        if session.kind == "agent" and self._sessions.of_user(session.account, session.user) is None:
            self._tell(session.account, AgentSignedOut(agent=session.user))

    def _tell_signed_in(self, session: UserSession) -> None:
        self._tell(session.account, AgentSignedIn(agent=session.user, extension=session.extension or ""))

    def _tell(self, account: int, event: AnyEvent) -> None:
        """Let the queues know what has happened to a session; that they know it already is no error."""
        try:
            self._centre.apply(account, event)
        except (CommandRefused, NotFound) as error:
            log.info("queues knew", account=account, event_type=type(event).__name__, reason=error.slug)

    # time

    def _arm(self, session: UserSession) -> None:
        self._disarm(session)
        when = max(session.last_ping_at, self._since) + self.timeout
        self._timers[session.id] = self._clock.call_at(when, lambda: self._due(session.account, session.id))

    def _disarm(self, session: UserSession) -> None:
        timer = self._timers.pop(session.id, None)
        if timer is not None:
            timer.cancel()

    def _due(self, account: int, session_id: int) -> None:
        """A timer fired: a ping since then moves it, otherwise the time is up."""
        self._timers.pop(session_id, None)
        session = self._current(account, session_id)
        if session is None:
            return
        if self._is_late(session):
            self._spawn(self._time_out(account, session_id))
        else:
            self._arm(session)

    def _current(self, account: int, session_id: int) -> UserSession | None:
        try:
            session = self._sessions.get(account, session_id)
        except NotFound:
            return None
        return session if session.state == "active" else None

    def _is_late(self, session: UserSession) -> bool:
        return max(session.last_ping_at, self._since) + self.timeout <= self._clock.now()

    async def _time_out(self, account: int, session_id: int) -> None:
        async with self.exclusive(account):
            session = self._current(account, session_id)
            if session is None:
                return
            if not self._is_late(session):  # pinged while this waited
                self._arm(session)
                return
            try:
                await self._sessions.deactivate(session_id)
            except StoreUnavailable:
                again = self._clock.now() + _RETRY
                self._timers[session_id] = self._clock.call_at(again, lambda: self._due(account, session_id))
                return
            self._ended(session)
            log.info("session timed out", account=account, user=session.user, kind=session.kind)
            if session.kind == "agent":
                self._tell(account, AgentTimedOut(agent=session.user))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("time-out failed", exc_info=task.exception())


def _nobody(_account: int, _full: bool) -> None:
    pass


def _invalid(kind: str) -> Exception:
    return unauthorized(f"auth_{kind}_session", "nonexistent", "The session doesn't exist or is no longer valid")
