"""The program of a call to a queue."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ari_app.acd.calling_back import NUMBER
from ari_app.acd.conversation import Departure
from ari_app.acd.destination import Destination, Kind
from ari_app.acd.dispatcher import Dispatcher
from ari_app.acd.events import CallerJoined
from ari_app.calls.call import Call
from ari_app.calls.program import Program, State
from ari_app.calls.programs import Announcement
from ari_app.calls.verbs.hangup import BUSY, CONGESTION, NORMAL, UNALLOCATED, hangup
from ari_app.calls.verbs.play import uri_of

#: what a caller is told who could not enter: the Q.850 cause of his hang-up
_CAUSES = {"full": BUSY, "empty": CONGESTION, "nonexistent": UNALLOCATED}

#: to one who will be called back: "thank you, goodbye"
FAREWELL = ["sound:auth-thankyou", "sound:vm-goodbye"]


class QueueProgram:
    """Wait in a queue, talk to an agent, hang up; or go where the queue sends those whom it does not serve."""

    name = "queue"

    def __init__(
        self,
        dispatcher: Callable[[int], Dispatcher],
        queue: str,
        joined_at: float,
        priority: int = 0,
        *,
        wanted: dict[str, int] | None = None,
        visited: tuple[str, ...] = (),
        departure: Departure | None = None,
    ) -> None:
        """joined_at: since when he waits (seconds since the epoch), which may be before we could look at him. wanted:
        the skills an agent must have for him; None: the queue's default. visited: the queues he was in before.
        departure: how the queue has let him go already."""
        self._dispatcher = dispatcher
        self.queue = queue
        self.joined_at = joined_at
        self.priority = priority
        self.wanted = wanted
        self.visited = visited
        self.departure = departure

    @classmethod
    def restored(cls, dispatcher: Callable[[int], Dispatcher], state: State) -> QueueProgram:
        """As it was kept."""
        departure, to = None, state.get("to")
        if state.get("left"):
            departure = Departure(state["left"], None if to is None else msgspec.convert(to, Destination))
        return cls(
            dispatcher,
            state["queue"],
            state["joined_at"],
            state["priority"],
            wanted=state.get("wanted"),
            visited=tuple(state.get("visited", ())),
            departure=departure,
        )

    def state(self) -> State:
        left, to = self.departure or ("", None)
        return {
            "queue": self.queue,
            "joined_at": self.joined_at,
            "priority": self.priority,
            "left": left,
            "to": None if to is None else msgspec.to_builtins(to),
            "wanted": self.wanted,
            "visited": list(self.visited),
        }

    def joining(self, call: Call) -> CallerJoined:
        """What the queue is told of him."""
        return CallerJoined(
            call=call.id,
            queue=self.queue,
            priority=self.priority,
            joined_at=self.joined_at,
            wanted=self.wanted,
            visited=self.visited,
            number=call.caller_number if NUMBER.fullmatch(call.caller_number) else "",
        )

    async def run(self, call: Call) -> None:
        departure = await self._dispatcher(call.account).serve(call, self.joining(call))
        await self._leave(call, departure)

    async def resume(self, call: Call) -> None:
        departure = self.departure
        if departure is None:
            departure = await self._dispatcher(call.account).resume(call, self.joining(call))
            await self._leave(call, departure)
        else:
            await self._leave(call, departure, resumed=True)

    async def _leave(self, call: Call, departure: Departure, resumed: bool = False) -> None:
        dispatcher = self._dispatcher(call.account)
        while (to := departure.to) is not None and to.kind is Kind.QUEUE:
            self.visited += (self.queue,)
            self.queue, self.joined_at, self.departure = to.to, call.registry.clock.now(), None
            call.save()
            await dispatcher.part(call)
            departure = await dispatcher.serve(call, self.joining(call))
        self.departure = departure
        call.save()  # a caller who had his turn must not join again should we be gone before he is
        if departure.to is not None:
            await dispatcher.part(call)
            await self._go_on(call, departure.to, resumed)
        else:
            await self._end(call, departure.reason)

    async def _go_on(self, call: Call, to: Destination, resumed: bool) -> None:
        program: Program
        if to.kind is Kind.MESSAGE:
            program = Announcement([uri_of(to.to)])
        else:
            program = self._dispatcher(call.account).ring(call, to.to)
        call.program = program  # which knows what it had begun, should we be gone before it ends
        call.save()
        await (program.resume(call) if resumed else program.run(call))

    async def _end(self, call: Call, reason: str) -> None:
        dispatcher = self._dispatcher(call.account)
        if reason == "call_back":
            await dispatcher.farewell(call, FAREWELL)
        elif reason == "closed" and (closed := dispatcher.engine.closed(self.queue)) is not None:
            await dispatcher.farewell(call, list(closed.message))
        await hangup(call.caller, _CAUSES.get(reason, NORMAL))
