"""Mailboxes: what is in them, listened to, marked, deleted."""

from __future__ import annotations

from aiohttp import web

from ari_app.dialects.eq.errors import invalid, not_found, refused
from ari_app.dialects.eq.routes.ask import Ask, Handler, Listed
from ari_app.dialects.eq.routes.recordings import by_whom, give_out
from ari_app.dialects.eq.wire.voicemail import MailboxOut, VoicemailBody, VoicemailMessage, VoicemailQuery
from ari_app.dialects.streaming import Streamed
from ari_app.errors import NotFound
from ari_app.prompts.sound import NotASound
from ari_app.store.voicemail import Counts, Message, MessageFilter
from ari_app.voicemail.greetings import KINDS


async def listing(ask: Ask[VoicemailQuery, None]) -> Listed:
    query = ask.query
    page = await ask.services.mailboxes.messages.listing(
        ask.account,
        MessageFilter(
            mailbox=query.extension,
            new=None if query.state is None else query.state == "new",
            urgent=None if query.urgent is None else bool(query.urgent),
            caller=query.caller,
            since=query.since,
            until=query.until,
        ),
        descending=query.sort.startswith("-"),
        limit=query.limit,
        offset=query.offset,
    )
    return Listed(rows=[VoicemailMessage.of(one) for one in page.rows], total=page.total)


async def mailboxes(ask: Ask[None, None]) -> list[MailboxOut]:
    known = ask.services.mailboxes
    counts = await known.messages.counts(ask.account)
    mine = sorted(extension for account, extension, _ in known.directory.mailboxes() if account == ask.account)
    return [MailboxOut.of(extension, counts.get((ask.account, extension), Counts())) for extension in mine]


async def get(ask: Ask[None, None]) -> VoicemailMessage:
    return VoicemailMessage.of(await _find(ask))


async def file(ask: Ask[None, None]) -> Streamed:
    found, library = await _find(ask), ask.services.library
    return await give_out(library, await library.recordings.get(ask.account, found.id))


async def update(ask: Ask[None, VoicemailBody]) -> VoicemailMessage:
    body = ask.body
    new = None if body.state is None else body.state == "new"
    try:
        found = await ask.services.mailboxes.mark(ask.account, ask.path["id"], new=new, urgent=body.urgent)
    except NotFound:
        raise _unknown() from None
    return VoicemailMessage.of(found)


async def delete(ask: Ask[None, None]) -> None:
    try:
        await ask.services.mailboxes.delete(ask.account, ask.path["id"], by_whom(ask))
    except NotFound:
        raise _unknown() from None


async def _find(ask: Ask[None, None]) -> Message:
    try:
        return await ask.services.mailboxes.messages.get(ask.account, ask.path["id"])
    except NotFound:
        raise _unknown() from None


async def greet(ask: Ask[None, None]) -> None:
    extension, kind = _greeting(ask)
    _, data = ask.upload
    if not data:
        raise refused("file", "blank", "A sound file must be sent as the body")
    try:
        await ask.services.greetings.put(ask.account, extension, kind, data)
    except NotASound as error:
        raise invalid("file", str(error)) from None


async def greeting(ask: Ask[None, None]) -> web.StreamResponse:
    extension, kind = _greeting(ask)
    try:
        path = await ask.services.greetings.path(ask.account, extension, kind)
    except NotFound:
        raise not_found("kind", "The greeting") from None
    headers = {"Content-Type": "audio/wav", "Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
    return web.FileResponse(path, headers=headers)


async def ungreet(ask: Ask[None, None]) -> None:
    extension, kind = _greeting(ask)
    try:
        await ask.services.greetings.forget(ask.account, extension, kind)
    except NotFound:
        raise not_found("kind", "The greeting") from None


def _greeting(ask: Ask[None, None]) -> tuple[str, str]:
    """Mailbox and kind, in the path."""
    extension, kind = ask.path["extension"], ask.path["kind"]
    if ask.services.mailboxes.directory.mailbox(ask.account, extension) is None:
        raise not_found("extension", "The mailbox")
    if kind not in KINDS:
        raise not_found("kind", "The greeting")
    return extension, kind


def _unknown() -> Exception:
    return not_found("id", "The message")


HANDLERS: dict[str, Handler] = {
    "x.voicemail": listing,
    "x.mailboxes": mailboxes,
    "x.voicemail.get": get,
    "x.voicemail.file": file,
    "x.voicemail.update": update,
    "x.voicemail.delete": delete,
    "x.greeting.upload": greet,
    "x.greeting.file": greeting,
    "x.greeting.delete": ungreet,
}
