"""Who changed what."""

from __future__ import annotations

from ari_app.dialects.eq import auth
from ari_app.dialects.eq.errors import ApiError
from ari_app.dialects.eq.routes.ask import Ask, Handler, Listed
from ari_app.dialects.eq.wire.audit import AuditEntry, AuditQuery


async def listing(ask: Ask[AuditQuery, None]) -> Listed:
    session = ask.caller.session
    if session is not None and session.kind != "supervisor":
        raise ApiError(403, auth.SESSIONS[1][0], "forbidden", "Only a supervisor may see who changed what")
    query = ask.query
    page = await ask.services.audit.listing(
        ask.account,
        query.to_filter(),
        descending=query.sort.startswith("-"),
        limit=query.limit,
        offset=query.offset,
    )
    return Listed(rows=[AuditEntry.of(one) for one in page.rows], total=page.total)


HANDLERS: dict[str, Handler] = {"x.audit": listing}
