"""The program of a call to a queue."""

from __future__ import annotations

from collections.abc import Callable

from ari_app.acd.dispatcher import Dispatcher
from ari_app.calls.call import Call
from ari_app.calls.program import State
from ari_app.calls.verbs.hangup import BUSY, CONGESTION, NORMAL, UNALLOCATED, hangup

#: what a caller is told who could not enter: the Q.850 cause of his hang-up
_CAUSES = {"full": BUSY, "empty": CONGESTION, "nonexistent": UNALLOCATED}


class QueueProgram:
    """Wait in a queue, talk to an agent, hang up."""

    name = "queue"

    def __init__(
        self, dispatcher: Callable[[int], Dispatcher], queue: str, joined_at: float, priority: int = 0
    ) -> None:
        """joined_at: since when he waits (seconds since the epoch), which may be before we could look at him."""
        self._dispatcher = dispatcher
        self.queue = queue
        self.joined_at = joined_at
        self.priority = priority

    def state(self) -> State:
        return {"queue": self.queue, "joined_at": self.joined_at, "priority": self.priority}

    async def run(self, call: Call) -> None:
        reason = await self._dispatcher(call.account).serve(call, self.queue, self.priority, self.joined_at)
        await self._leave(call, reason)

    async def resume(self, call: Call) -> None:
        reason = await self._dispatcher(call.account).resume(call, self.queue, self.priority, self.joined_at)
        await self._leave(call, reason)

    async def _leave(self, call: Call, reason: str) -> None:
        await hangup(call.caller, _CAUSES.get(reason, NORMAL))
