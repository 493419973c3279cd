"""The program of a call to a queue."""

from __future__ import annotations

from collections.abc import Callable

from ari_app.acd.dispatcher import Dispatcher
from ari_app.acd.events import CallerJoined
from ari_app.calls.call import Call
from ari_app.calls.program import State
from ari_app.calls.verbs.hangup import BUSY, CONGESTION, NORMAL, UNALLOCATED, hangup

#: what a caller is told who could not enter: the Q.850 cause of his hang-up
_CAUSES = {"full": BUSY, "empty": CONGESTION, "nonexistent": UNALLOCATED}

#: to one who will be called back: "thank you, goodbye"
FAREWELL = ["sound:auth-thankyou", "sound:vm-goodbye"]


class QueueProgram:
    """Wait in a queue, talk to an agent, hang up."""

    name = "queue"

    def __init__(
        self,
        dispatcher: Callable[[int], Dispatcher],
        queue: str,
        joined_at: float,
        priority: int = 0,
        left: str = "",
        *,
        wanted: dict[str, int] | None = None,
    ) -> None:
        """joined_at: since when he waits (seconds since the epoch), which may be before we could look at him. left: why
        the queue has let him go already. wanted: the skills an agent must have for him; None: the queue's default."""
        self._dispatcher = dispatcher
        self.queue = queue
        self.joined_at = joined_at
        self.priority = priority
        self.left = left
        self.wanted = wanted

    def state(self) -> State:
        return {
            "queue": self.queue,
            "joined_at": self.joined_at,
            "priority": self.priority,
            "left": self.left,
            "wanted": self.wanted,
        }

    def joining(self, call: Call) -> CallerJoined:
        """What the queue is told of him."""
        return CallerJoined(
            call=call.id, queue=self.queue, priority=self.priority, joined_at=self.joined_at, wanted=self.wanted
        )

    async def run(self, call: Call) -> None:
        reason = await self._dispatcher(call.account).serve(call, self.joining(call))
        await self._leave(call, reason)

    async def resume(self, call: Call) -> None:
        if self.left:
            return await self._leave(call, self.left)
        reason = await self._dispatcher(call.account).resume(call, self.joining(call))
        await self._leave(call, reason)

    async def _leave(self, call: Call, reason: str) -> None:
        self.left = reason
        call.save()  # a caller who had his turn must not join again should we be gone before he is
        dispatcher = self._dispatcher(call.account)
        if reason == "call_back":
            await dispatcher.farewell(call, FAREWELL)
        elif reason == "closed" and (closed := dispatcher.engine.closed(self.queue)) is not None:
            await dispatcher.farewell(call, list(closed.message))
        await hangup(call.caller, _CAUSES.get(reason, NORMAL))
