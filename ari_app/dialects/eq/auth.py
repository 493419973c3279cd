"""Who asks: the key says for which account, a session's token on whose behalf.

Key and token may be in the query string or, where the method has one, in the body; the query string counts first. Keys
are compared by their hash in the store. Guessing is slowed down by address: when an address has used up its wrong
keys, every key from it is refused alike, except those that were right from there before (others may share the address).

Without a key, the token of a session that was made with a password alone opens its account: roles.py says how far.
"""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from ari_app.clock import Clock
from ari_app.dialects.eq.errors import ApiError, unauthorized
from ari_app.dialects.eq.sessions import Kind, SignIns
from ari_app.dialects.eq.wire.fields import is_blank
from ari_app.dialects.http import RateLimit
from ari_app.dialects.key_limits import KeyLimits
from ari_app.store.keys import EVERYTHING, Keys
from ari_app.store.values import ApiKey, UserSession

log = structlog.get_logger("eq")

KEY = "auth_key"
#: the first one given counts, others have no effect
SESSIONS: tuple[tuple[str, Kind], ...] = (("auth_supervisor_session", "supervisor"), ("auth_agent_session", "agent"))

#: wrong keys an address may try at once, and a second after that
WRONG_KEYS_BURST = 100
WRONG_KEYS_RATE = 1.0

_KEY = re.compile(r"[!-~]{1,256}\Z")
_KNOWN_MAX = 10_000


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks."""

    account: int
    #: None: his password, or a session that needs none, stands for him
    key: ApiKey | None
    #: None: nobody in particular
    session: UserSession | None = None
    #: IP address of the peer
    address: str | None = None


class Authenticator:
    """Says who asks, of a request's key and token."""

    def __init__(self, *, keys: Keys, sign_ins: SignIns, clock: Clock, rate: float = 0.0) -> None:
        """rate: requests a second of a key that has no limit of its own; 0: as many as it likes."""
        self._keys = keys
        self.limits = KeyLimits(clock, rate)
        self._sign_ins = sign_ins
        self._wrong = RateLimit(clock, rate=WRONG_KEYS_RATE, burst=WRONG_KEYS_BURST)
        #: (address, key id) that were right before
        self._known: OrderedDict[tuple[str, int], None] = OrderedDict()

    async def opener(self, remote: str, parameters: Mapping[str, Any]) -> ApiKey | UserSession:
        """What opens an account: the key that was given; without one, a session made with a password alone.

        Raises:
            ApiError: 401.
        """
        if is_blank(parameters.get(KEY)):
            session = self._keyless(parameters)
            if session is not None:
                return session
        return await self.key(remote, parameters)

    def _keyless(self, parameters: Mapping[str, Any]) -> UserSession | None:
        for parameter, kind in SESSIONS:
            token = parameters.get(parameter)
            if not is_blank(token):
                return self._sign_ins.keyless(kind, token) if isinstance(token, str) else None
        return None

    async def key(self, remote: str, parameters: Mapping[str, Any]) -> ApiKey:
        """The key that was given.

        Raises:
            ApiError: 401.
        """
        plain = parameters.get(KEY)
        if is_blank(plain):
            raise unauthorized(KEY, "blank", "An API key must be given")
        found = await self._keys.check(plain) if isinstance(plain, str) and _KEY.match(plain) else None
        wait = self._wrong.wait(remote)
        if found is not None and (wait == 0 or (remote, found.id) in self._known):
            self._remember(remote, found)
            return found
        if wait > 0:
            raise ApiError(
                401,
                KEY,
                "invalid",
                "Too many wrong API keys from this address; try again later",
                headers={"Retry-After": str(math.ceil(wait))},
            )
        self._wrong.take(remote)
        log.warning("wrong key", remote=remote)
        raise unauthorized(KEY, "invalid", "The API key is not valid")

    def count(self, opener: ApiKey | UserSession) -> None:
        """A request with this key, or of this user. Raises ApiError 429: it is one too many."""
        wait = self.limits.take(opener) if isinstance(opener, ApiKey) else self.limits.take_user(opener.user)
        if wait > 0:
            seconds, is_key = math.ceil(wait), isinstance(opener, ApiKey)
            description = (
                f"Too many requests {'with this API key' if is_key else 'of this user'}; try again in {seconds} s"
            )
            raise ApiError(429, KEY, "limit", description, headers={"Retry-After": str(seconds)})

    async def holds(self, parameters: Mapping[str, Any]) -> ApiKey | UserSession | None:
        """What opened an account a while ago, if it does so still."""
        plain = parameters.get(KEY)
        if is_blank(plain):
            return self._keyless(parameters)
        return await self._keys.check(plain) if isinstance(plain, str) else None

    def permit(self, opener: ApiKey | UserSession, scope: str) -> None:
        """Raises ApiError 403: the key may not do this. What a user may do who needs none is in roles.py."""
        if isinstance(opener, ApiKey) and EVERYTHING not in opener.scopes and scope not in opener.scopes:
            raise ApiError(403, KEY, "forbidden", f"The API key lacks the scope {scope}")

    async def session(self, account: int, parameters: Mapping[str, Any]) -> UserSession | None:
        """The session that was given, refreshed.

        Raises:
            ApiError: 401.
        """
        for parameter, kind in SESSIONS:
            token = parameters.get(parameter)
            if is_blank(token):
                continue
            return await self._sign_ins.refresh(account, kind, token if isinstance(token, str) else "")
        return None

    def _remember(self, remote: str, key: ApiKey) -> None:
        self._known[remote, key.id] = None
        self._known.move_to_end((remote, key.id))
        if len(self._known) > _KNOWN_MAX:
            self._known.popitem(last=False)
