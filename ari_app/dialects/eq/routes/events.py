"""The stream of events."""

from __future__ import annotations

from ari_app.dialects.eq.routes.ask import Ask, Handler
from ari_app.dialects.eq.wire.events import EventsQuery
from ari_app.dialects.listening import Listening


async def listen(ask: Ask[EventsQuery, None]) -> Listening:
    return Listening(feed=ask.services.feed, account=ask.account, after=ask.query.after)


HANDLERS: dict[str, Handler] = {"x.events": listen}
