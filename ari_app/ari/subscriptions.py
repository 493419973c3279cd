"""What our application asked Asterisk to hear of beyond its own channels, and how it is asked again after a connect."""

from __future__ import annotations

import logging
from collections import Counter, deque

from ari_app.ari.errors import BadRequest, Unprocessable
from ari_app.ari.models import Endpoint
from ari_app.ari.operations import Applications, Endpoints

log = logging.getLogger(__name__)

#: sources in one request: they are in its URL
BATCH = 50
#: frames among which one is looked for that is told twice: the second follows at once, but others may come between
REMEMBERED = 16


class Subscriptions:
    """Sources such as `endpoint:PJSIP/1001`. Asterisk forgets them with the application's registration."""

    def __init__(self, name: str, app: str, applications: Applications) -> None:
        self._name = name
        self._app = app
        self._applications = applications
        #: also those for which Asterisk could not be asked yet: the next connect does
        self.wanted: set[str] = set()
        #: our name for the node -> frames that came twice
        self.repetitions: Counter[str] = Counter()
        self._heard: deque[bytes | str] = deque(maxlen=REMEMBERED)

    def repeated(self, frame: bytes | str) -> bool:
        """Whether Asterisk has just said this, word for word: the events of a channel in our application come once more
        by way of its endpoint, when we are subscribed to that. A digit pressed once must not count twice."""
        if not self.wanted:
            return False
        if frame in self._heard:
            self.repetitions[self._name] += 1
            return True
        self._heard.append(frame)
        return False

    async def listed(self, endpoints: Endpoints) -> list[Endpoint]:
        """All endpoints there are, if any is among the sources: one request, however many. Raises AriError."""
        followed = any(source.startswith("endpoint:") for source in self.wanted)
        return await endpoints.list() if followed else []

    async def add(self, *sources: str) -> None:
        """Raises AriError; Unprocessable when a source does not exist: only that is not asked for again."""
        self.wanted.update(sources)
        try:
            await self._applications.subscribe(self._app, eventSource=sources)
        except (Unprocessable, BadRequest):
            self.wanted.difference_update(sources)
            raise

    async def remove(self, *sources: str) -> None:
        """Raises AriError."""
        self.wanted.difference_update(sources)
        await self._applications.unsubscribe(self._app, eventSource=sources)

    async def renew(self) -> None:
        """After a connect. Raises AriError when Asterisk does not answer."""
        sources = sorted(self.wanted)
        for start in range(0, len(sources), BATCH):
            batch = sources[start : start + BATCH]
            try:
                await self._applications.subscribe(self._app, eventSource=batch)
            except Unprocessable:
                await self._renew_each(batch)

    async def _renew_each(self, sources: list[str]) -> None:
        """One of them is over; the others are not."""
        for source in sources:
            try:
                await self._applications.subscribe(self._app, eventSource=source)
            except Unprocessable as error:
                self.wanted.discard(source)
                log.info("= %s: subscription to %s is over: %s", self._name, source, error.detail)
