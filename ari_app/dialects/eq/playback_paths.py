"""The part of the path table (extras.py) about what is played on live calls, and keys that are sent."""

from __future__ import annotations

from ari_app.dialects.eq.desk_paths import WHOSE, desk_rows
from ari_app.dialects.eq.wire.playback import KeysBody, Playback, PlaybackBody, PlaybackChangeBody
from ari_app.dialects.http import Endpoint, error

_START = (
    "Texts are spoken, and sounds played, one after the other, into what is heard on a live call (docs/speech.md). The"
    " call goes on below it, and is neither answered nor moved. This returns the playback's id at once."
)
#: as routes/playback.py refuses what cannot be spoken
SPOKEN = (
    error("engine", "invalid", "No such engine, or it is not installed"),
    error("voice", "invalid", "The engine has no such voice"),
    error("text", "invalid", "It cannot be spoken: it is too long, or has no words"),
)
_ITEMS = (
    error("items", "blank", "Not given"),
    error("items", "invalid", "Not one of text and sound, or too many; the description says which"),
    *SPOKEN,
)

PLAYBACK = (
    *desk_rows(
        "playback",
        tag="Playback",
        words=("playback", "playbacks"),
        begin=("Say texts, or play sounds, on a live call", _START),
        look="One playback: its state, and what was heard",
        body=PlaybackBody,
        reply=Playback,
        errors=_ITEMS,
    ),
    Endpoint(
        name="x.playback.update",
        method="PUT",
        path="/x/playback/{id}",
        tag="Playback",
        summary="Pause a playback, resume it, skip what is played, or add to it",
        parameters={"id": "ID of the playback"},
        body=PlaybackChangeBody,
        errors=(
            error("id", "nonexistent", "There is no such playback (404)"),
            error("action", "blank", "Not given"),
            error("action", "invalid", "None of pause, resume, skip and add; or the playback is over"),
            *_ITEMS,
            error(None, "limit", "It would have more items than it may"),
        ),
        scope="media",
        changes=True,
    ),
    Endpoint(
        name="x.dtmf",
        method="POST",
        path="/x/dtmf",
        tag="Playback",
        summary="Send digits (DTMF) to a phone of a live call",
        description=(
            "As its line has them: RFC 4733, SIP INFO, or tones. For who is called and has a menu. Answered as soon as"
            " Asterisk has them, before they are sent. The audit trail does not keep them."
        ),
        body=KeysBody,
        errors=(
            error("digits", "blank", "Not given"),
            error("digits", "invalid", "None, too many, or others than 0-9, A-D, *, # and w"),
            error("heardBy", "nonexistent", "Nobody else is in the conversation"),
            *WHOSE,
        ),
        scope="media",
        changes=True,
    ),
)
