"""What the queues ask of whoever keeps what happens."""

from __future__ import annotations

from typing import Protocol

from ari_app.acd import events
from ari_app.acd.commands import AnyFact


class AcdStore(Protocol):
    """Where events and facts of queues are kept; durable within 50 ms."""

    def event(self, account: int, at: float, event: events.AnyEvent) -> None:
        """Journal an event."""

    def fact(self, account: int, fact: AnyFact) -> None:
        """Record what happened."""

    def snapshot(self, account: int, at: float, state: bytes) -> None:
        """Replace the journal up to here."""
