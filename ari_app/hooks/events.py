"""Events of live media, posted to the operator's URL as notifications of alerts are: signed, in order, at least once.

They go through the outbox, so what was told is posted after a crash too; a receiver that is away for a day misses what
happened before: news of calls that are long over are worth nothing, and must not fill the disk.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
import structlog

from ari_app.clock import Clock
from ari_app.config import EVENT_KINDS
from ari_app.hooks.tell import Sender
from ari_app.store.outbox import Message, Outbox

log = structlog.get_logger(__name__)

#: kind of message
EVENT = "event.media"
#: told only where it is named: there are two a second of it, and each is out of date at once
_NOT_ALL = frozenset({"RecognitionPartial"})
#: seconds after which an event is not posted any more
TOO_OLD = 86400.0


def event_types(text: str) -> frozenset[str]:
    """What EVENT_TYPES names: types (RecognitionResult), or kinds (Recognition: all of them but RecognitionPartial).
    Empty: all kinds."""
    return frozenset(name for each in text.split(",") if (name := each.strip())) or frozenset(EVENT_KINDS)


class EventHook:
    """Puts events into the outbox, and delivers them from there."""

    def __init__(self, outbox: Outbox, clock: Clock, url: str, types: Collection[str], post: Sender) -> None:
        """types: as of `event_types`. post: posts a message."""
        self._outbox = outbox
        self._clock = clock
        self._url = url
        self._types = frozenset(types)
        self._kinds = tuple(kind for kind in EVENT_KINDS if kind in self._types)
        self._post = post

    def wants(self, name: str) -> bool:
        """Whether this type is posted."""
        return name in self._types or (bool(self._kinds) and name.startswith(self._kinds) and name not in _NOT_ALL)

    def tell(self, account: int, name: str, values: dict[str, Any]) -> None:
        """Something has happened. Never waits."""
        if self.wants(name):
            body = msgspec.json.encode({"event": name, "account": account, **values}).decode()
            self._outbox.add(account, EVENT, self._url, body)

    async def deliver(self, message: Message) -> None:
        """As a Sender."""
        if self._clock.now() - message.created_at > TOO_OLD:
            log.warning("= event not posted: it is too old", message=message.id)
            return
        await self._post(message)
