"""The control messages of Asterisk's chan_websocket in JSON (Asterisk: WebSocket.md), read and written. Pure.

Audio travels in binary messages, of any length; text messages are events (from the side that has the call) and commands
(from the side that speaks):

    {"event": "MEDIA_START", "connection_id": "..", "channel": "..", "format": "slin", "optimal_frame_size": 320, ..}
    {"command": "FLUSH_MEDIA"}

We are on both sides: a client of Asterisk, and to the bots of users what Asterisk is to us.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeVar

import msgspec

#: Bytes of one message, as in Asterisk: audio, and what is read of text.
MAX_MESSAGE = 65_500
#: Characters of a correlation id that is given back.
MAX_MARK = 200
#: the subprotocol of the handshake
SUBPROTOCOL = "media"


class Event(StrEnum):
    """What the side that has the call tells."""

    START = "MEDIA_START"
    #: send no more audio for now, and: send again
    XOFF = "MEDIA_XOFF"
    XON = "MEDIA_XON"
    #: all that was sent has been played
    DRAINED = "QUEUE_DRAINED"
    STATUS = "STATUS"
    MARK = "MEDIA_MARK_PROCESSED"


class Command(StrEnum):
    """What the other side asks for."""

    #: do not play what waits
    FLUSH = "FLUSH_MEDIA"
    HANGUP = "HANGUP"
    STATUS = "GET_STATUS"
    #: tell QUEUE_DRAINED, once, when all has been played
    REPORT_DRAINED = "REPORT_QUEUE_DRAINED"
    ANSWER = "ANSWER"


_K = TypeVar("_K", bound=StrEnum)


def tell(event: Event, **values: str | int | bool) -> str:
    """The text of an event."""
    return msgspec.json.encode({"event": event.value, **values}).decode()


def order(command: Command, **values: str | int | bool) -> str:
    """The text of a command."""
    return msgspec.json.encode({"command": command.value, **values}).decode()


def read_event(data: bytes) -> tuple[Event | None, dict[str, Any]] | None:
    """An event, and all that the message says; (None, ..) for one that is not known, as newer ones may come; None:
    this is no event."""
    return _read(data, "event", Event)


def read_command(data: bytes) -> tuple[Command | None, dict[str, Any]] | None:
    """As read_event, a command."""
    return _read(data, "command", Command)


def _read(data: bytes, key: str, kinds: type[_K]) -> tuple[_K | None, dict[str, Any]] | None:
    if len(data) > MAX_MESSAGE:
        return None
    try:
        message = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(message, dict):
        return None
    name = message.get(key)
    if not isinstance(name, str):
        return None
    try:
        return kinds(name), message
    except ValueError:
        return None, message
