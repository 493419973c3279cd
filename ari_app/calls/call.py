"""A call: its legs, the program that decides what comes next, and the tasks that carry it out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import structlog

from ari_app.ari.errors import AriError
from ari_app.calls import facts
from ari_app.calls.host import Requests
from ari_app.calls.leg import Leg, LegGone, LegRecord, LegState
from ari_app.calls.program import Program, State
from ari_app.errors import AppError

if TYPE_CHECKING:
    from ari_app.ari.node import Node
    from ari_app.calls.registry import Registry
    from ari_app.calls.verbs.record import Recording

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: Q.850 causes with which legs end that a program has left, and those that one left by failing
NORMAL, FAILURE = 16, 38


def _is_cancelled() -> bool:
    """Somebody has cancelled this task, not only something that it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _uncancel() -> None:
    """This task goes on with something else: what it was cancelled for is done."""
    task = asyncio.current_task()
    while task is not None and task.cancelling():
        task.uncancel()


class CallRecord(msgspec.Struct, kw_only=True):
    """What of a live call outlives the process."""

    id: str
    account: int
    node: str
    direction: str
    number: str
    caller_number: str
    caller_name: str
    started_at: float
    answered_at: float | None
    #: id of the leg the call began with; it may be gone while the rest is being released
    caller: str
    program: str
    program_state: State
    legs: list[LegRecord]
    bridges: list[str]
    #: leg (and, after a space, which side of it) -> names of the recording and of the snoop it is of
    on_demand: dict[str, tuple[str, str]] = {}
    #: names of recordings that somebody has ended before their time: nothing begins them again
    not_recorded: list[str] = []


class Call:
    """One conversation as the caller sees it, from the first leg to the last.

    Everything that waits for this call waits in one of its own tasks. What goes wrong in them ends this call and no
    other (architecture, rule 3).
    """

    def __init__(
        self,
        registry: Registry,
        id: str,
        node: Node,
        *,
        account: int,
        direction: str,
        number: str,
        caller_number: str = "",
        caller_name: str = "",
        at: float = 0.0,
    ) -> None:
        self.registry = registry
        self.id = id
        self.node = node
        self.account = account
        self.direction = direction
        self.number = number
        self.caller_number = caller_number
        self.caller_name = caller_name
        #: the skills the caller wants, as the dialplan says it; "": it says nothing
        self.skills = ""
        self.started_at = at
        self.answered_at: float | None = None
        self.origin: Leg | None = None
        #: those that are not gone, and the caller's
        self.legs: dict[str, Leg] = {}
        #: when the caller's leg went; if that is not known, the last of the others
        self.ended_at: float | None = None
        self.bridges: set[str] = set()
        #: names of those that go on
        self.recordings: dict[str, Recording] = {}
        #: names of those that may be heard, or thrown away, while the call lives: their files stay in Asterisk
        self.held: set[str] = set()
        #: leg, or side of one -> what a person has recorded of it: names of the recording and of the snoop it is of
        self.on_demand: dict[str, tuple[str, str]] = {}
        self.not_recorded: list[str] = []
        self.program: Program | None = None
        #: called a while after its end: who waits for what Asterisk may still tell waits no longer
        self.afterwards: list[Callable[[], None]] = []
        self.ended_by = ""
        self.cause = 0
        self.closing = False
        #: made again after a restart
        self.restored = False
        #: the process ends, the call goes on in Asterisk: what is cancelled now is left there as it is
        self.detached = False
        self._main: asyncio.Task[None] | None = None
        self._begun = False
        #: the program that takes the place of the one that runs
        self._next: Program | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._requests = Requests()

    def __repr__(self) -> str:
        return f"<Call {self.id} {self.number} legs={len(self.legs)}>"

    @property
    def caller(self) -> Leg:
        """The leg the call began with, or was handed over to.

        Raises:
            LegGone: it was gone before this process began.
        """
        if self.origin is None:
            raise LegGone(f"call {self.id} has no caller any more", call=self.id)
        return self.origin

    def leg(self, leg_id: str | None) -> Leg | None:
        """One of its legs."""
        return self.legs.get(leg_id) if leg_id else None

    # legs

    def new_leg(
        self, role: str, *, endpoint: str, agent: int | None = None, offer: str | None = None, node: Node | None = None
    ) -> Leg:
        """A leg under an id of ours, known before Asterisk is asked for it."""
        at = self.registry.clock.now()
        leg_id = self.registry.ids.new(role)
        leg = Leg(self, node or self.node, leg_id, role, endpoint=endpoint, agent=agent, offer=offer, at=at)
        self.adopt(leg)
        self.registry.tell(
            facts.LegStarted(
                at=at, leg=leg.id, call=self.id, account=self.account, role=role, endpoint=endpoint, agent=agent
            )
        )
        self.save()
        return leg

    def adopt(self, leg: Leg) -> None:
        """Make a leg one of this call's and let its events find it. The first is the caller's."""
        if self.origin is None and not self.restored:
            self.origin = leg
        self.legs[leg.id] = leg
        self.registry.add_leg(leg)

    # the program

    def start(self, program: Program, *, resume: bool = False) -> None:
        """Begin, or after a restart go on with, the program."""
        self.program = program
        self.save()
        self._main = asyncio.create_task(self._live(program, resume), name=f"{self.id} {program.name}")

    async def _live(self, program: Program, resume: bool) -> None:
        self._begun = True
        while True:
            if self._next is not None:
                program, resume, self._next = self._next, False, None
            cause = await self._perform(program, resume)
            try:
                # A cancellation by the program itself, whose hang-up found that the caller is gone, is still to come.
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                if self.detached:
                    raise
            if self._next is None or self.closing:
                break
            _uncancel()
        await self._close(cause)

    async def _perform(self, program: Program, resume: bool) -> int:
        """Run a program to its end; the cause with which what it leaves is hung up."""
        try:
            if not self.closing:
                await (program.resume(self) if resume else program.run(self))
            return NORMAL
        except asyncio.CancelledError:
            if not self.detached and (self.closing or self._next is not None):
                return NORMAL
            if self.detached or _is_cancelled():
                raise  # the process stops; the call goes on without us
            # a stray one, of something that it waited for
            log.exception("= call failed", call=self.id, program=program.name)
        except (LegGone, AriError) as error:
            log.info("= call ended early", call=self.id, program=program.name, error=str(error))
        except AppError as error:
            log.warning("= call failed", call=self.id, program=program.name, error=str(error), **error.context)
        except Exception:
            log.exception("= call failed", call=self.id, program=program.name)
        return FAILURE

    def hand_over(self, program: Program, leg: Leg) -> None:
        """Go on with another program, from its start, and with that leg as the caller: what was done so far is
        cancelled. The other legs stay as they are, and whoever hands over sees to them. It holds at once, also should
        the process die now.

        Raises:
            LegGone: the leg is gone, or the call is over.
        """
        leg.require_alive()
        if self.closing:
            raise LegGone(f"call {self.id} is over", call=self.id)
        self.origin = leg
        self.program = program
        self.save()
        if self._main is not None:  # else, after a restart, it is resumed in a moment
            self._next = program
            if self._begun:
                self._main.cancel()

    @property
    def running(self) -> bool:
        """Its program has been started in this process."""
        return self._main is not None

    def finish(self) -> None:
        """Release everything: for a call whose program cannot go on."""
        self.closing = True
        self._main = asyncio.create_task(self._close(), name=f"{self.id} close")

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run something for this call beside its program. It ends with the call; its errors stay in the call."""
        task = asyncio.create_task(self._guard(work, name), name=f"{self.id} {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: work.close())  # cancelled before its first step, nobody has looked at it
        return task

    async def _guard(self, work: Coroutine[Any, Any, None], name: str) -> None:
        try:
            await work
        except (LegGone, AriError) as error:
            log.info("= refused", call=self.id, task=name, error=str(error))
        except AppError as error:
            log.warning("= failed", call=self.id, task=name, error=str(error), **error.context)
        except Exception:
            log.exception("= failed", call=self.id, task=name)

    @property
    def tasks(self) -> int:
        """How many tasks it has, its program's included."""
        return len(self._tasks) + (self._main is not None)

    async def complete(self, request: Coroutine[Any, Any, T]) -> T:
        """Carry a request out to its end, also when the one who waits for it is cancelled (Requests)."""
        return await self._requests.complete(request)

    def begin(self, request: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
        """As `complete`, for one who has something to do after its end. To be waited for in a shield."""
        return self._requests.begin(request)

    # the end

    def leg_gone(self, leg: Leg, at: float) -> None:
        """A leg's channel is gone. With the caller's, the call is over for its program."""
        # a leg that we hang up, or that never talked, does not end the call
        if not self.ended_by and not leg.leaving and (leg is self.origin or leg.answered_at is not None):
            self.ended_by = leg.role
            self.cause = leg.cause
        if leg is not self.origin:
            if self.origin is None:
                self.ended_at = at
            self.legs.pop(leg.id, None)
            return
        self.ended_at = at
        if not self.closing:
            self.closing = True
            if self._main is not None and self._begun:  # a task cancelled before its first step never takes it
                self._main.cancel()

    async def _close(self, cause: int = NORMAL) -> None:
        """Release what the call holds: tasks, legs, bridges. Runs in the main task, however that ended."""
        self.closing = True
        await self._end_tasks()
        if not self.ended_by:
            self.ended_by = "system"
        while alive := [leg for leg in self.legs.values() if leg.state is not LegState.GONE]:
            await asyncio.gather(*(self._release_leg(leg, cause) for leg in alive))
        for bridge in list(self.bridges):
            await self.registry.release_bridge(self.node, bridge)
        await self._end_tasks()
        self.registry.ended(self)

    async def _end_tasks(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._requests.ended()

    async def _release_leg(self, leg: Leg, cause: int) -> None:
        from ari_app.calls.verbs.hangup import release

        if leg.created:
            await release(leg, NORMAL if leg.answered_at else cause)
        else:  # Asterisk was not asked for it, and will not be
            leg.leaving = True
            self.registry.leg_gone(leg, leg.ending, self.registry.clock.now())

    def detach(self) -> None:
        """Stop our tasks and leave the call as it is in Asterisk: the process ends, the call does not."""
        self.detached = True
        for task in [*self._tasks, *([self._main] if self._main else [])]:
            task.cancel()
        self._requests.cancel()

    # what is kept

    def record(self) -> CallRecord:
        """What to keep of it."""
        return CallRecord(
            id=self.id,
            account=self.account,
            node=self.node.name,
            direction=self.direction,
            number=self.number,
            caller_number=self.caller_number,
            caller_name=self.caller_name,
            started_at=self.started_at,
            answered_at=self.answered_at,
            caller=self.origin.id if self.origin else "",
            program=self.program.name if self.program else "",
            program_state=self.program.state() if self.program else {},
            legs=[leg.record() for leg in self.legs.values() if leg.state is not LegState.GONE],
            bridges=sorted(self.bridges),
            on_demand=dict(self.on_demand),
            not_recorded=list(self.not_recorded),
        )

    def save(self) -> None:
        """Keep what it is now (batched; the newest state wins)."""
        if self.program is not None:
            self.registry.save(self)
