"""Park a leg: out of whatever bridge it is in, with music, until somebody wants it."""

from __future__ import annotations

from ari_app.calls.leg import Leg
from ari_app.calls.transfers import leave
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.music import music_start, music_stop


async def park(leg: Leg, music_class: str = "default") -> None:
    """Put it there; harmless if it is there already.

    Raises:
        LegGone, AriError
    """
    await leave(leg)
    await answer(leg)
    await music_start(leg, music_class)


async def unpark(leg: Leg) -> None:
    """Stop the music.

    Raises:
        LegGone, AriError
    """
    await music_stop(leg)
