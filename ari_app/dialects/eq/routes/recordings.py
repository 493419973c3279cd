"""Recordings of calls: looked at, downloaded, deleted."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ari_app.calls.leg import LegGone
from ari_app.dialects.eq.errors import invalid, nonexistent, not_found, refused
from ari_app.dialects.eq.routes.ask import Ask, Handler, Listed
from ari_app.dialects.eq.routes.sessions import extension_exists
from ari_app.dialects.eq.wire.recording import CallRecordingsQuery, Recording, RecordingActionBody, RecordingQuery
from ari_app.dialects.streaming import Streamed
from ari_app.errors import CommandRefused, NotFound
from ari_app.recordings.library import Elsewhere
from ari_app.store.recordings import RecordingFilter, RecordingInfo

_TYPES = {"wav": "audio/wav", "wav16": "audio/wav"}


async def paths(ask: Ask[CallRecordingsQuery, None]) -> list[str]:
    query, library = ask.query, ask.services.library
    call = query.call
    if call is None:
        if query.call_unique_id is None:
            raise refused("call", "blank", "call or call_unique_id must be given")
        call = await library.recordings.call_of(ask.account, query.call_unique_id)
        if call is None:
            return []
    found = await library.recordings.listing(ask.account, RecordingFilter(call=call, state="stored"), limit=1000)
    return [path for one in found.rows if (path := library.where(one)) is not None]


async def listing(ask: Ask[RecordingQuery, None]) -> Listed:
    query, library = ask.query, ask.services.library
    page = await library.recordings.listing(
        ask.account,
        RecordingFilter(
            call=query.call,
            queue=query.queue,
            agent=query.agent,
            kind=query.kind,
            state=query.state,
            since=query.since,
            until=query.until,
        ),
        descending=query.sort.startswith("-"),
        limit=query.limit,
        offset=query.offset,
    )
    return Listed(rows=[Recording.of(one, library.where(one)) for one in page.rows], total=page.total)


async def get(ask: Ask[None, None]) -> Recording:
    found = await _find(ask)
    return Recording.of(found, ask.services.library.where(found))


async def file(ask: Ask[None, None]) -> web.StreamResponse | Streamed:
    found = await _find(ask)
    try:
        source = await ask.services.library.file(found)
    except NotFound:
        raise not_found("id", "The file of the recording") from None
    kind = _TYPES.get(found.format, "application/octet-stream")
    name = str(found.path).rpartition("/")[2]
    headers = {
        "Content-Type": kind,
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    if isinstance(source, Elsewhere):
        return Streamed(size=source.size, etag=found.checksum or "", read=source.read, headers=headers)
    return web.FileResponse(source, headers=headers)


async def delete(ask: Ask[None, None]) -> None:
    found = await _find(ask)
    if found.state in ("recording", "ended"):
        raise refused("id", "in_use", "It goes on, or its file is being fetched from Asterisk")
    try:
        await ask.services.library.delete(found, _who(ask))
    except NotFound:
        raise not_found("id", "The file of the recording") from None


async def act(ask: Ask[None, RecordingActionBody]) -> None:
    extension, recorder = ask.body.extension, ask.services.centre.recorder
    if not await extension_exists(ask.services, ask.account, extension):
        raise nonexistent("extension", "Extension")
    try:
        match ask.body.action:
            case "start":
                await recorder.start(ask.account, extension)
            case "stop":
                await recorder.stop(ask.account, extension)
            case "cancel":
                await recorder.cancel(ask.account, extension)
    except (NotFound, LegGone):
        raise refused("extension", "nonexistent", f"extension {extension} is not on a call") from None
    except CommandRefused:
        raise invalid("action", "Nobody has begun to record this extension") from None


def _who(ask: Ask[Any, Any]) -> str:
    session = ask.caller.session
    return f"{session.kind} {session.user}" if session is not None else f"key {ask.caller.key.id}"


async def _find(ask: Ask[None, None]) -> RecordingInfo:
    try:
        return await ask.services.library.recordings.get(ask.account, ask.path["id"])
    except NotFound:
        raise not_found("id", "The recording") from None


HANDLERS: dict[str, Handler] = {
    "call_recordings": paths,
    "call_recording_action": act,
    "x.recordings": listing,
    "x.recording.get": get,
    "x.recording.file": file,
    "x.recording.delete": delete,
}
