"""Prompts: sent, made of a text, listened to, deleted."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from aiohttp import web

from ari_app.dialects.eq.errors import invalid, not_found, refused
from ari_app.dialects.eq.routes.ask import Ask, Handler
from ari_app.dialects.eq.wire.prompt import Prompt, PromptFileQuery, PromptQuery, PromptTextBody
from ari_app.errors import NotFound
from ari_app.media.tts.errors import EngineMissing, SpeechError, UnknownVoice
from ari_app.prompts.sound import NotASound

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}\Z")


async def listing(ask: Ask[None, None]) -> list[Prompt]:
    return [Prompt.of(one) for one in await ask.services.prompts.prompts.of_account(ask.account)]


async def update(ask: Ask[None, PromptTextBody]) -> None:
    name, body = _name(ask), ask.body
    try:
        await ask.services.prompts.put_text(ask.account, name, body.language, body.text, body.engine, body.voice)
    except EngineMissing as error:
        raise invalid("engine", str(error)) from None
    except UnknownVoice as error:
        raise invalid("voice", str(error)) from None
    except SpeechError as error:
        raise invalid("text", str(error)) from None


async def upload(ask: Ask[PromptFileQuery, None]) -> None:
    name, language, (_, data) = _name(ask), ask.query.language, ask.upload
    if not data:
        raise refused("file", "blank", "A sound file must be sent as the body")
    try:
        await ask.services.prompts.put_file(ask.account, name, language, data, ask.query.format)
    except NotASound as error:
        raise invalid("file", str(error)) from None


async def file(ask: Ask[PromptQuery, None]) -> web.StreamResponse:
    book = ask.services.prompts
    try:
        found = await book.prompts.get(ask.account, ask.path["name"], ask.query.language)
    except NotFound:
        raise _unknown() from None
    path = book.path(found.checksum)
    if not await asyncio.to_thread(path.is_file):
        raise _unknown()
    headers = {"Content-Type": "audio/wav", "Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
    return web.FileResponse(path, headers=headers)


async def delete(ask: Ask[PromptQuery, None]) -> None:
    try:
        await ask.services.prompts.delete(ask.account, ask.path["name"], ask.query.language)
    except NotFound:
        raise _unknown() from None


def _unknown() -> Exception:
    return not_found("name", "The prompt")


def _name(ask: Ask[Any, Any]) -> str:
    name = ask.path["name"]
    if not _NAME.match(name):
        raise invalid("name", "name must be of letters, digits, _ and -, 80 at most")
    return name


HANDLERS: dict[str, Handler] = {
    "x.prompts": listing,
    "x.prompt.update": update,
    "x.prompt.upload": upload,
    "x.prompt.file": file,
    "x.prompt.delete": delete,
}
