"""Recordings of calls: looked at, downloaded, deleted."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ari_app.calls.leg import LegGone
from ari_app.dialects.eq.errors import ApiError, invalid, nonexistent, not_found, refused
from ari_app.dialects.eq.routes.ask import Ask, Handler, Listed
from ari_app.dialects.eq.routes.sessions import extension_exists
from ari_app.dialects.eq.wire.recording import (
    CallRecordingsQuery,
    OneRecordingActionBody,
    Recording,
    RecordingActionBody,
    RecordingBody,
    RecordingFileQuery,
    RecordingQuery,
)
from ari_app.dialects.streaming import Streamed
from ari_app.errors import CommandRefused, NotFound
from ari_app.recordings.conversion import FORMATS, CannotConvert
from ari_app.recordings.converted import TooBusy
from ari_app.recordings.files import NoRoom
from ari_app.recordings.library import Held, Library
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
            number=query.number,
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


async def file(ask: Ask[RecordingFileQuery, None]) -> web.StreamResponse | Streamed:
    found, wanted = await _find(ask), ask.query.format
    other = None if ask.query.right is None else await _other(ask, found)
    if other is None and (wanted is None or wanted == found.format):
        return await give_out(ask.services.library, found)
    wanted = wanted or "wav"
    try:
        path = await ask.services.library.converted(found, wanted, other)
    except NotFound:
        raise not_found("id", "The file of the recording") from None
    except CannotConvert as error:
        raise ApiError(503 if isinstance(error, TooBusy) else 400, "format", error.slug, str(error)) from None
    except (NoRoom, OSError):
        raise ApiError(503, None, "unavailable", "There is no room to convert the recording") from None
    return web.FileResponse(path, headers=_headers(FORMATS[wanted].content_type, f"{found.name}.{wanted}"))


async def _other(ask: Ask[RecordingFileQuery, None], left: RecordingInfo) -> RecordingInfo:
    try:
        right = await ask.services.library.recordings.get(ask.account, str(ask.query.right))
    except NotFound:
        raise nonexistent("right", "The recording") from None
    if right.call_id != left.call_id:
        raise invalid("right", "It must be a recording of the same call")
    return right


async def give_out(library: Library, found: RecordingInfo) -> Streamed:
    """The file of a recording, as an answer. Raises ApiError: 404: it has none."""
    try:
        source = await library.content(found)
    except NotFound:
        raise not_found("id", "The file of the recording") from None
    headers = _headers(_TYPES.get(found.format, "application/octet-stream"), str(found.path).rpartition("/")[2])
    return Streamed(size=source.size, etag=found.checksum or "", read=source.read, headers=headers)


def _headers(kind: str, name: str) -> dict[str, str]:
    return {
        "Content-Type": kind,
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }


async def delete(ask: Ask[None, None]) -> None:
    found = await _find(ask)
    if found.state in ("recording", "ended"):
        raise refused("id", "in_use", "It goes on, or its file is being fetched from Asterisk")
    try:
        await ask.services.library.delete(found, by_whom(ask))
    except Held:
        raise refused("id", "held", "The recording is held") from None
    except NotFound:
        raise not_found("id", "The file of the recording") from None


async def update(ask: Ask[None, RecordingBody]) -> Recording:
    found = await _find(ask)
    if ask.body.held and found.kind in ("voicemail", "greeting"):
        raise invalid("held", "What is in a mailbox cannot be held")
    await ask.services.library.recordings.hold(found, ask.body.held)
    now = await _find(ask)
    return Recording.of(now, ask.services.library.where(now))


async def act(ask: Ask[None, RecordingActionBody]) -> None:
    extension, recorder = ask.body.extension, ask.services.centre.recorder
    if not await extension_exists(ask.services, ask.account, extension):
        raise nonexistent("extension", "Extension")
    try:
        match ask.body.action:
            case "start":
                await recorder.start(ask.account, extension, ask.body.sides == "separate")
            case "stop":
                await recorder.stop(ask.account, extension)
            case "cancel":
                await recorder.cancel(ask.account, extension)
            case "pause":
                await recorder.pause(ask.account, extension)
            case "resume":
                await recorder.resume(ask.account, extension)
    except (NotFound, LegGone):
        raise refused("extension", "nonexistent", f"extension {extension} is not on a call") from None
    except CommandRefused:
        raise invalid("action", "Nothing is recorded of this extension") from None


async def change(ask: Ask[None, OneRecordingActionBody]) -> None:
    found, action = await _find(ask), ask.body.action
    if found.state != "recording":
        raise _does_not_go_on()
    if found.kind in ("voicemail", "greeting"):
        raise invalid("action", f"A recording of the kind {found.kind} cannot be ended or paused by others")
    try:
        await ask.services.centre.recorder.change(ask.account, found.name, action)
    except (CommandRefused, LegGone):
        raise _does_not_go_on() from None


def _does_not_go_on() -> ApiError:
    return refused("id", "not_recorded", "The recording does not go on")


def by_whom(ask: Ask[Any, Any]) -> str:
    """Who asks, for the record."""
    session, key = ask.caller.session, ask.caller.key
    if session is not None:
        return f"{session.kind} {session.user}"
    return "nobody" if key is None else f"key {key.id}"


async def _find(ask: Ask[Any, Any]) -> RecordingInfo:
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
    "x.recording.update": update,
    "x.recording.action": change,
    "x.recording.delete": delete,
}
