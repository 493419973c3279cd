"""One leg of a call: one Asterisk channel, what we know of it, and who waits for it to change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import structlog

from ari_app.errors import CommandRefused

if TYPE_CHECKING:
    from ari_app.ari.node import Node
    from ari_app.calls.call import Call
    from ari_app.calls.registry import Registry

log = structlog.get_logger(__name__)

T = TypeVar("T")


class LegState(IntEnum):
    """A leg only ever moves forward through these."""

    #: it exists for us; Asterisk may not have been asked yet
    NEW = 0
    #: its channel is in our application and not up
    DOWN = 1
    RINGING = 2
    UP = 3
    #: hung up, or lost
    GONE = 4


class LegGone(CommandRefused):
    """The leg is gone."""

    slug = "leg_gone"


class LegRecord(msgspec.Struct, kw_only=True):
    """What of a leg outlives the process."""

    id: str
    role: str
    endpoint: str = ""
    agent: int | None = None
    offer: str | None = None
    state: int = 0
    started_at: float = 0.0
    answered_at: float | None = None
    bridge: str | None = None
    #: None: kept by a version that did not know
    came_in: bool | None = None


def _settle(future: asyncio.Future[LegState], state: LegState) -> None:
    if not future.done():
        future.set_result(state)


class Leg:
    """A channel of a call.

    State changes arrive synchronously from the event stream; `until` lets a coroutine wait for them, `on_state` is
    called at once, before the next event is looked at.
    """

    __slots__ = (
        "agent",
        "answered_at",
        "asked_to_end",
        "bridge",
        "call",
        "came_in",
        "cause",
        "created",
        "ended_at",
        "ending",
        "endpoint",
        "id",
        "language",
        "leaving",
        "name",
        "node",
        "offer",
        "on_digit",
        "on_state",
        "restored",
        "role",
        "started_at",
        "state",
        "waiters",
    )

    def __init__(
        self,
        call: Call,
        node: Node,
        id: str,
        role: str,
        *,
        endpoint: str = "",
        agent: int | None = None,
        offer: str | None = None,
        at: float = 0.0,
    ) -> None:
        self.call = call
        self.node = node
        self.id = id
        self.role = role
        self.endpoint = endpoint
        self.agent = agent
        #: the queue engine's offer that this leg rings for
        self.offer = offer
        #: of its channel, which the dialplan may have chosen; "": not known
        self.language = ""
        self.name = ""
        self.state = LegState.NEW
        self.cause = 0
        self.started_at = at
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        #: the bridge it is in
        self.bridge: str | None = None
        #: the dialplan sent it to us; otherwise we made it. Asterisk tells their ends differently
        self.came_in = False
        #: Asterisk has the channel
        self.created = False
        #: made again after a restart
        self.restored = False
        #: we want its end: nothing is begun on it any more
        self.leaving = False
        #: the Q.850 cause with which we hang up
        self.ending = 0
        #: Asterisk has taken our order to hang up
        self.asked_to_end = False
        #: called with each key the far end presses
        self.on_digit: Callable[[Leg, str], None] | None = None
        self.on_state: Callable[[Leg, float], None] | None = None
        self.waiters: list[tuple[LegState, asyncio.Future[LegState]]] = []

    def __repr__(self) -> str:
        return f"<Leg {self.role} {self.id} {self.state.name} of {self.call.id}>"

    @property
    def alive(self) -> bool:
        """Not gone and not asked to go."""
        return self.state is not LegState.GONE and not self.leaving

    def moved(self, state: LegState, at: float) -> bool:
        """Note a new state. False if it is none: states only move forward."""
        if state <= self.state:
            return False
        self.state = state
        self.created = True
        if state is LegState.UP:
            self.answered_at = at
        elif state is LegState.GONE:
            self.ended_at = at
        if self.waiters:
            waiting, self.waiters = self.waiters, []
            for wanted, future in waiting:
                if future.done():
                    continue
                if state >= wanted:
                    future.set_result(state)
                else:
                    self.waiters.append((wanted, future))
        if self.on_state is not None:
            try:
                self.on_state(self, at)
            except Exception:
                # whoever listens, the leg has moved, and its call must learn of it
                log.exception("= what listens to a leg failed", call=self.call.id, leg=self.id, state=state.name)
        return True

    async def until(self, state: LegState, within: float | None = None) -> LegState:
        """Wait until the leg is at least in this state, so many seconds at most; what it is then (GONE is past every
        other)."""
        if self.state >= state:
            return self.state
        future: asyncio.Future[LegState] = asyncio.get_running_loop().create_future()
        self.waiters.append((state, future))
        timer = None
        if within is not None:
            clock = self.call.registry.clock
            timer = clock.call_at(clock.now() + within, lambda: _settle(future, self.state))
        try:
            return await future
        finally:
            if timer is not None:
                timer.cancel()
            with suppress(ValueError):
                self.waiters.remove((state, future))

    def require_alive(self) -> None:
        """Raises LegGone when there is no channel to work on."""
        if not self.alive:
            raise self.gone()

    # as a Host

    #: why what served it has ended
    farewell = "the leg is gone"

    @property
    def registry(self) -> Registry:
        return self.call.registry

    @property
    def names(self) -> Mapping[str, str]:
        return {"call": self.call.id, "leg": self.id}

    @property
    def closing(self) -> bool:
        return self.call.closing

    @property
    def detached(self) -> bool:
        return self.call.detached

    def gone(self) -> LegGone:
        return LegGone(f"leg {self.id} is gone", leg=self.id)

    async def until_gone(self) -> None:
        await self.until(LegState.GONE)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        return self.call.spawn(work, name)

    async def complete(self, request: Coroutine[Any, Any, T]) -> T:
        return await self.call.complete(request)

    def record(self) -> LegRecord:
        """What to keep of it."""
        return LegRecord(
            id=self.id,
            role=self.role,
            endpoint=self.endpoint,
            agent=self.agent,
            offer=self.offer,
            state=int(self.state),
            started_at=self.started_at,
            answered_at=self.answered_at,
            bridge=self.bridge,
            came_in=self.came_in,
        )
