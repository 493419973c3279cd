"""The stream of events."""

from __future__ import annotations

from ari_app.dialects.eq.errors import ApiError
from ari_app.dialects.eq.routes.ask import Ask, Handler
from ari_app.dialects.eq.wire.events import EventsQuery
from ari_app.dialects.listening import Listening
from ari_app.store.keys import EVERYTHING, MEDIA

#: seconds after which who was refused may try again
RETRY_AFTER = 30


async def listen(ask: Ask[EventsQuery, None]) -> Listening:
    feed = ask.services.feed
    if feed.full(ask.account):
        retry = {"Retry-After": str(RETRY_AFTER)}
        raise ApiError(429, None, "limit", "As many listen as may (EVENT_LISTENERS)", headers=retry)
    return Listening(feed=feed, account=ask.account, after=ask.query.after, scopes=_scopes(ask))


def _scopes(ask: Ask[EventsQuery, None]) -> tuple[str, ...]:
    """What is heard on calls is told to those who may ask for it (routes/desk.py)."""
    key, session = ask.caller.key, ask.caller.session
    if session is not None and session.kind == "agent":
        return ()
    return (MEDIA,) if key is None or {EVERYTHING, MEDIA} & set(key.scopes) else ()


HANDLERS: dict[str, Handler] = {"x.events": listen}
