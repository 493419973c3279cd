"""How often an address may guess passwords where no API key stands before it.

Wrong passwords lock the user (store/logins.py). Whoever tries one password on many users locks nobody by that, so an
address has a limit of its own: it counts when a guess begins, so that many at once are no way around it, and what was
right counts for nothing. Hashing takes one thread a tenth of a second, which is why only so many may wait for it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv6Address, ip_address

from ari_app.clock import Clock
from ari_app.dialects.eq.errors import ApiError
from ari_app.dialects.http import RateLimit

#: wrong passwords of an address at once, and a second after that
GUESSES_BURST = 20
GUESSES_RATE = 0.1
#: what is refused is answered a multiple of so many seconds after it was asked
ANSWER_EVERY = 0.25
#: sign-ins of all addresses that may wait for their passwords to be looked at
WAITING_MOST = 50


class Guesses:
    """Of all addresses; in memory, so a restart forgets them."""

    def __init__(self, clock: Clock) -> None:
        self._limit = RateLimit(clock, rate=GUESSES_RATE, burst=GUESSES_BURST)
        self._waiting = 0

    @asynccontextmanager
    async def guess(self, remote: str) -> AsyncIterator[None]:
        """A password is looked at inside; what ends without an exception was right.

        Raises:
            ApiError: 401: the address has guessed too often; 429: too many sign in at this moment.
        """
        network = network_of(remote)
        wait = self._limit.wait(network)
        if wait > 0:
            raise locked(wait)
        if self._waiting >= WAITING_MOST:
            raise ApiError(429, None, "limit", "Too many sign in at this moment", headers={"Retry-After": "1"})
        self._limit.take(network)
        self._waiting += 1
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            try:
                yield
            finally:
                self._waiting -= 1
        except ApiError:
            # Whom there is has his guesses written down, which takes a moment longer: it must not show.
            await asyncio.sleep(ANSWER_EVERY - (loop.time() - begun) % ANSWER_EVERY)
            raise
        self._limit.give_back(network)


def network_of(remote: str) -> str:
    """Whom an address belongs to: of IPv6, where one subscriber has 2^64 of them, the first half."""
    try:
        address = ip_address(remote)
    except ValueError:
        return remote
    if not isinstance(address, IPv6Address):
        return remote
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Address(int(address) >> 64 << 64))


def locked(wait: float) -> ApiError:
    """Too many wrong passwords, of a user or of an address: nobody is told which."""
    seconds = math.ceil(wait)
    description = f"Too many wrong passwords; try again in {seconds} s"
    return ApiError(401, "login", "locked", description, headers={"Retry-After": str(seconds)})
