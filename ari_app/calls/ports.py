"""What live calls ask of whoever keeps, routes, prompts and follows them; and what is, where nobody does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Protocol

from ari_app.ari import events
from ari_app.ari.models import Endpoint
from ari_app.ari.node import Node
from ari_app.ari.protocol import Received
from ari_app.calls import facts
from ari_app.calls.call import Call
from ari_app.calls.program import Program
from ari_app.errors import CommandRefused


class CallStore(Protocol):
    """Where calls are kept; what it is given is durable within 50 ms."""

    def tell(self, fact: facts.AnyCallFact) -> None:
        """Record what happened."""

    def save(self, call: Call) -> None:
        """Keep what is needed to go on with this call after a restart."""

    def remove(self, call: Call) -> None:
        """Forget it."""


#: which program serves a new call
Router = Callable[[Call, str], Program]
#: called with every event that names an object we wait for (a playback, a recording, a bridge)
Waiter = Callable[[Received], None]


def unserved(call: Call, context: str) -> Program:
    """A Router that is none."""
    raise AssertionError("a call came before anybody said how calls are served")


def nobody_looks(node: Node, what: Endpoint | events.ChannelTransfer) -> None:
    """No phone is followed."""


def nobody_fetches(node: Node, recording: str) -> None:
    """Recordings stay in Asterisk."""


async def as_it_is(account: int, uri: str, language: str) -> str:
    """There are no prompts but Asterisk's."""
    return uri


async def nobody_speaks(text: str, engine: str, voice: str | None) -> AsyncIterator[str]:
    """There is no speech. Raises CommandRefused."""
    raise CommandRefused("a text is to be spoken, and there is nobody to speak it")
    yield ""
