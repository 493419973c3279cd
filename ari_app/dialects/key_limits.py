"""How often a key may ask: a bucket of tokens for each, in memory."""

from __future__ import annotations

from collections import Counter

from ari_app.clock import Clock
from ari_app.store.values import ApiKey

#: a key that has been quiet may ask as many at once as come to it in this many seconds
BURST_SECONDS = 2.0


class KeyLimits:
    """A bucket for each key that has asked, or user who needs none; a process started again begins with full ones."""

    def __init__(self, clock: Clock, rate: float) -> None:
        """rate: requests a second of a key that has no limit of its own; 0: as many as it likes."""
        self._clock = clock
        self._rate = rate
        #: key, or user -> (tokens, when)
        self._buckets: dict[int | str, tuple[float, float]] = {}
        #: requests that were refused, by key; of all users together
        self.refused: Counter[str] = Counter()

    def take(self, key: ApiKey) -> float:
        """Count a request: 0, or it is one too many, and may be asked again after so many seconds."""
        return self._take(key.id, self._rate if key.rate_limit is None else key.rate_limit, str(key.id))

    def take_user(self, user: int) -> float:
        """The same for one who signed in with his password alone; counted as `password` when it is refused."""
        return self._take(f"user {user}", self._rate, "password")

    def _take(self, who: int | str, rate: float, counted_as: str) -> float:
        if rate <= 0:
            self._buckets.pop(who, None)
            return 0.0
        now, most = self._clock.now(), max(1.0, rate * BURST_SECONDS)
        tokens, since = self._buckets.get(who, (most, now))
        # A clock that was set back gives nothing, and takes nothing.
        tokens = min(most, tokens + max(0.0, now - since) * rate)
        if tokens < 1.0:
            self._buckets[who] = (tokens, now)
            self.refused[counted_as] += 1
            return (1.0 - tokens) / rate
        self._buckets[who] = (tokens - 1.0, now)
        return 0.0
