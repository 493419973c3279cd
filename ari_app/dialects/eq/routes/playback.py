"""What is played on live calls: begun, looked at, changed, ended; and keys that are sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ari_app.calls.desk import TooMany
from ari_app.calls.playback import Item, PlaybackOver
from ari_app.dialects.eq.errors import invalid, not_found, refused
from ari_app.dialects.eq.routes.ask import Ask, Handler
from ari_app.dialects.eq.routes.desk import Whose, desk_handlers, not_an_agents
from ari_app.dialects.eq.wire.playback import KeysBody, Playback, PlaybackBody, PlaybackChangeBody
from ari_app.errors import NotFound
from ari_app.media.tts.errors import EngineMissing, SpeechError, UnknownVoice


def check_items(ask: Ask[Any, Any], items: Sequence[Item]) -> None:
    """Raises ApiError: what cannot be spoken is told now, not on the call."""
    for item in items:
        if not item.text:
            continue
        try:
            ask.services.prompts.check_speech(item.text, item.engine, item.voice)
        except EngineMissing as error:
            raise invalid("engine", str(error)) from None
        except UnknownVoice as error:
            raise invalid("voice", str(error)) from None
        except SpeechError as error:
            raise invalid("text", str(error)) from None


async def create(ask: Ask[None, PlaybackBody]) -> str:
    data = ask.body.data
    whose, request = Whose(ask, data), data.to_request()
    check_items(ask, request.items)
    with whose.refusals():
        return await ask.services.playback.start(ask.account, request, **whose.whom)


async def update(ask: Ask[None, PlaybackChangeBody]) -> None:
    not_an_agents(ask)
    data, playback = ask.body.data, ask.services.playback
    items = [item.to_item() for item in data.items or ()] if data.action == "add" else []
    if data.action == "add" and not items:
        raise refused("items", "blank", "items must be given")
    check_items(ask, items)
    try:
        await playback.change(ask.account, ask.path["id"], data.action, items)
    except NotFound:
        raise not_found("id", "The playback") from None
    except PlaybackOver as error:
        raise invalid("action", str(error)) from None
    except TooMany as error:
        raise refused(None, "limit", str(error)) from None


async def keys(ask: Ask[None, KeysBody]) -> None:
    not_an_agents(ask)
    data = ask.body.data
    whose = Whose(ask, data)
    with whose.refusals():
        sent = await ask.services.playback.press(
            ask.account,
            data.digits,
            others=data.heard_by == "others",
            duration=data.duration,
            between=data.between,
            **whose.whom,
        )
    if not sent:
        raise refused("heardBy", "nonexistent", "Nobody else is in the conversation")


HANDLERS: dict[str, Handler] = {
    **desk_handlers("playback", "The playback", lambda services: services.playback, Playback.of, create),
    "x.playback.update": update,
    "x.dtmf": keys,
}
