"""Text frame of the websocket -> Event | UnknownEvent. No I/O, and nothing here is ever fatal.

frame ──strict decode──> Event                                  the usual case
  │ unknown field ──────> Event with `unknown`, counted
  │ unknown type,
  │ missing field,
  │ a type that does not fit, no `type` at all,
  └ not JSON ───────────> UnknownEvent with the reason, counted
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from ari_app.ari.decoding import Unknowns, strip
from ari_app.ari.events import MESSAGES, AnyMessage, Event, Message

__all__ = ["Event", "FrameDecoder", "Message", "Received", "UnknownEvent", "event_time", "timestamp_of"]


class UnknownEvent(msgspec.Struct, frozen=True):
    """A frame that is no event we know; it is passed on like any other.

    Developer builds of Asterisk replace an event that fails their own validation by {"error": "InvalidMessage"}
    (res/ari/ari_websockets.c), so not even `type` can be relied on.
    """

    #: The `type` Asterisk gave, "" when there was none.
    type: str
    #: The frame as plain data; {"frame": text} when it was not a JSON object.
    raw: dict[str, Any]
    #: Why: "unknown type", "invalid: <what does not fit>", "not JSON".
    reason: str


#: What a frame becomes. `Message` is `Event` and the few that are no events (MissingParams).
Received = Message | UnknownEvent


class FrameDecoder:
    """Decodes the frames of one node; keeps count of what it did not know."""

    def __init__(self) -> None:
        self._decode: Callable[[str | bytes], Message] = msgspec.json.Decoder(AnyMessage).decode
        self.unknowns = Unknowns()
        #: type -> how many frames became UnknownEvent.
        self.unknown_events: Counter[str] = Counter()

    def decode(self, frame: str | bytes) -> Received:
        """One frame; never raises."""
        try:
            return self._decode(frame)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return self._second_look(frame)

    def _second_look(self, frame: str | bytes) -> Received:
        try:
            raw = msgspec.json.decode(frame)
        except (msgspec.DecodeError, UnicodeDecodeError):
            text = frame if isinstance(frame, str) else frame.decode("utf-8", "replace")
            return self._unknown("", {"frame": text}, "not JSON")
        if not isinstance(raw, dict):
            return self._unknown("", {"frame": raw}, "not an object")
        name = raw.get("type")
        model = MESSAGES.get(name) if isinstance(name, str) else None
        if model is None:
            return self._unknown(name if isinstance(name, str) else "", raw, "unknown type")
        unknown = strip(raw, model, self.unknowns)
        try:
            event: Message = msgspec.convert({**raw, "%unknown": unknown or None}, model)
        except msgspec.ValidationError as error:
            return self._unknown(str(name), raw, f"invalid: {error}")
        return event

    def _unknown(self, name: str, raw: dict[str, Any], reason: str) -> UnknownEvent:
        self.unknown_events[name] += 1
        return UnknownEvent(name, raw, reason)


_day_text = ""
_day_epoch = 0.0


def event_time(timestamp: str) -> float:
    """Seconds since the epoch of Asterisk's `2026-01-01T00:00:00.000+0000`; 0.0 when it is not written like that.

    Date and zone change once a day, so only the time of day is computed for each event.
    """
    global _day_text, _day_epoch
    try:
        day = timestamp[:10] + timestamp[23:]
        if day != _day_text:
            _day_epoch = datetime.strptime(day, "%Y-%m-%d%z").timestamp()
            _day_text = day
        return _day_epoch + int(timestamp[11:13]) * 3600 + int(timestamp[14:16]) * 60 + float(timestamp[17:23])
    except ValueError:
        return 0.0


def timestamp_of(seconds: float) -> str:
    """The other way round, UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:23] + "+0000"
