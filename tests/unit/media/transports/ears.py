"""Who listens to a transport, in tests."""

from __future__ import annotations

from collections.abc import Sequence

from ari_app.media.frames import Frame


class Listener:
    """Keeps what it hears, and why that ended."""

    def __init__(self) -> None:
        self.got: list[Frame] = []
        self.reasons: list[str] = []
        self.fails = False

    def frames(self, frames: Sequence[Frame]) -> None:
        if self.fails:
            raise RuntimeError("a bug of the listener")
        self.got += frames

    def ended(self, reason: str) -> None:
        self.reasons.append(reason)
