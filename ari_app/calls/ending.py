"""What belongs to no call any more is ended in Asterisk, however often it has to be asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import chain, repeat

import structlog

from ari_app.ari.errors import AriError, Gone
from ari_app.ari.node import Node
from ari_app.clock import Clock, pause

log = structlog.get_logger(__name__)

#: seconds after which Asterisk is asked again, while it is connected; the last for ever
ASK_AGAIN = (1.0, 5.0, 25.0, 60.0)


async def end(clock: Clock, node: Node, request: Callable[[], Awaitable[None]], what: str) -> bool:
    """Ask Asterisk to end something. False: it did not, and is asked again later. what: for the log."""
    try:
        await request()
    except Gone:
        pass
    except AriError as error:
        log.info("> not ended, again soon", what=what, error=str(error))
        node.background(_insist(clock, node, request))
        return False
    return True


async def _insist(clock: Clock, node: Node, request: Callable[[], Awaitable[None]]) -> None:
    """Ask again. What is left over while Asterisk is away is found when it is back (recovery.py)."""
    for seconds in chain(ASK_AGAIN, repeat(ASK_AGAIN[-1])):
        await pause(clock, seconds)
        if not node.connected:
            return
        try:
            return await request()
        except Gone:
            return
        except AriError:
            continue
