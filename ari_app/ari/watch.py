"""Says in the log when the event stream does not come, and which of the two reasons it has."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from ari_app.ari.errors import AriError
from ari_app.clock import Clock, Timer

log = logging.getLogger(__name__)

#: Seconds without an event stream until the log says so, and between two such lines.
PATIENCE = 15.0

_NO_STREAM = (
    "= %s: ARI answers, but the event stream has been missing for %.0f s: look at websocket_client.conf and ari.conf, "
    "and at `ari show websocket sessions`; if that shows the connection as Up, Asterisk has lost it without noticing, "
    "and has to be restarted"
)


class StreamWatch:
    """Waits for the event stream of one node."""

    def __init__(
        self,
        name: str,
        clock: Clock,
        ping: Callable[[], Awaitable[object]],
        background: Callable[[Coroutine[Any, Any, Any]], object],
    ) -> None:
        self._name = name
        self._clock = clock
        self._ping = ping
        self._background = background
        self._timer: Timer | None = None
        #: Since when there has been no event stream, by the clock; None while there is one or none is wanted.
        self.missing_since: float | None = None

    def expect(self) -> None:
        """The stream should come now."""
        self.came()
        self.missing_since = self._clock.now()
        self._timer = self._clock.call_at(self.missing_since + PATIENCE, self._missing)

    def came(self) -> None:
        """It is there, or nobody waits for it any more."""
        self.missing_since = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _missing(self) -> None:
        self._timer = self._clock.call_at(self._clock.now() + PATIENCE, self._missing)
        self._background(self._explain())

    async def _explain(self) -> None:
        """Asterisk is away, or only its event stream is: the operator has to do different things then."""
        away = self._clock.now() - (self.missing_since or self._clock.now())
        try:
            await self._ping()
        except AriError as error:
            log.error("= %s: Asterisk has been away for %.0f s: %s", self._name, away, error)
        else:
            log.error(_NO_STREAM, self._name, away)
