"""The stream of events."""

from __future__ import annotations

from ari_app.dialects.eq.errors import ApiError
from ari_app.dialects.eq.routes.ask import Ask, Handler
from ari_app.dialects.eq.wire.events import EventsQuery
from ari_app.dialects.listening import Listening

#: seconds after which who was refused may try again
RETRY_AFTER = 30


async def listen(ask: Ask[EventsQuery, None]) -> Listening:
    feed = ask.services.feed
    if feed.full(ask.account):
        retry = {"Retry-After": str(RETRY_AFTER)}
        raise ApiError(429, None, "limit", "As many listen as may (EVENT_LISTENERS)", headers=retry)
    return Listening(feed=feed, account=ask.account, after=ask.query.after)


HANDLERS: dict[str, Handler] = {"x.events": listen}
