"""What an import has to say beside what it does. Nothing is dropped in silence."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Level(StrEnum):
    """What becomes of a thing. In the order of the report."""

    #: it is not here, nor kept
    CANNOT = "cannot carry over"
    #: no counterpart that works here; kept as an attribute
    KEPT = "kept as an attribute"
    #: carried over, but not as it was
    CHANGED = "carried over otherwise"
    #: worth knowing
    REMARK = "remark"


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """One thing said about one or more subjects."""

    level: Level
    #: "ivr_id", "name", "member PJSIP/1001"; what it was, without secrets
    item: str
    reason: str
    #: "queue 500", "extension 1001"
    subjects: tuple[str, ...]


class Notes:
    """Collects notes; the same thing about many subjects is one note."""

    def __init__(self) -> None:
        self._notes: dict[tuple[Level, str, str], dict[str, None]] = {}

    def add(self, level: Level, subject: str, item: str, reason: str) -> None:
        """Say something, once for each subject."""
        self._notes.setdefault((level, item, reason), {})[subject] = None

    def cannot(self, subject: str, item: str, reason: str) -> None:
        self.add(Level.CANNOT, subject, item, reason)

    def kept(self, subject: str, item: str, reason: str) -> None:
        self.add(Level.KEPT, subject, item, reason)

    def changed(self, subject: str, item: str, reason: str) -> None:
        self.add(Level.CHANGED, subject, item, reason)

    def remark(self, subject: str, item: str, reason: str) -> None:
        self.add(Level.REMARK, subject, item, reason)

    def all(self) -> list[Note]:
        """In the order of the levels; within one, as they were said."""
        order = list(Level)
        notes = sorted(self._notes.items(), key=lambda held: order.index(held[0][0]))
        return [
            Note(level=level, item=item, reason=reason, subjects=tuple(subjects))
            for (level, item, reason), subjects in notes
        ]
