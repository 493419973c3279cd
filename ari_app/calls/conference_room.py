"""A conference that goes on, who is in it, and what of it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from ari_app.ari.errors import Conflict
from ari_app.ari.node import Node
from ari_app.calls.bridge import TYPE
from ari_app.calls.call import Call
from ari_app.calls.host import Requests
from ari_app.calls.leg import LegGone

if TYPE_CHECKING:
    from ari_app.calls.registry import Registry

T = TypeVar("T")


class ConferenceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A number that leads to a conference. PINs are hashes; None: none is asked for."""

    number: str
    name: str
    pin: str | None = None
    #: makes who gives it an admin: he comes in also when it is locked or full
    admin_pin: str | None = None
    #: so many at a time; None: no limit
    max_members: int | None = None
    #: music class, for one who is alone
    music: str = "default"
    #: a sound when somebody comes or goes
    announce: bool = False
    #: who comes is heard only when somebody unmutes him; admins are
    join_muted: bool = False


class MemberState(msgspec.Struct, kw_only=True):
    """What is kept of a member. Times: seconds of the epoch."""

    number: str
    admin: bool = False
    muted: bool = False
    #: he needs no PIN (any more)
    checked: bool = False
    #: the supervisor wants him: a lock does not hold for him
    invited: bool = False
    #: of this stay; "": he is not in yet
    member: str = ""
    #: the conference's id, its bridge, and when it began
    conference: str = ""
    bridge: str = ""
    since: float = 0.0
    locked: bool = False
    #: 0: he is not in yet
    joined_at: float = 0.0
    #: "left", "kicked", "ended": how his stay ends
    outcome: str = "left"


class Guest(msgspec.Struct):
    """One who is in a conference, or comes in."""

    call: Call
    kept: MemberState


class MemberView(msgspec.Struct, frozen=True, kw_only=True):
    """One who is in a conference."""

    call: str
    #: Asterisk's id of the channel, and its name
    unique_id: str
    channel: str
    caller_number: str
    caller_name: str
    joined_at: float
    muted: bool
    admin: bool


class ConferenceView(msgspec.Struct, frozen=True, kw_only=True):
    """A conference that somebody is in, or is called to."""

    id: str
    number: str
    since: float
    locked: bool
    members: list[MemberView]
    #: numbers that are being called to it
    invited: list[str]


class Room:
    """A conference that goes on. As a Host it has channels in its bridge that are no members (`take_in`)."""

    #: why what served it has ended
    farewell = "the conference has ended"

    def __init__(
        self, registry: Registry, key: tuple[int, str], id: str, bridge: str, node: Node, since: float
    ) -> None:
        self.registry = registry
        self.key = key
        self.id = id
        self.bridge = bridge
        self.node = node
        self.since = since
        self.locked = False
        #: by call, in the order in which they came
        self.guests: dict[str, Guest] = {}
        self.invited: dict[str, Call] = {}
        #: whether its bridge has music; None: nobody knows, after a restart
        self.music: bool | None = False
        #: Asterisk has its bridge
        self.made = False
        #: what is asked of Asterisk for it is asked one after the other
        self.lock = asyncio.Lock()
        self.detached = False
        self._over = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._requests = Requests()

    def view(self) -> ConferenceView:
        """As it is now."""
        return ConferenceView(
            id=self.id,
            number=self.key[1],
            since=self.since,
            locked=self.locked,
            members=[_view(guest) for guest in self.guests.values() if guest.kept.joined_at],
            invited=[call.caller_number for call in self.invited.values()],
        )

    async def make(self) -> None:
        """Have its bridge in Asterisk; under its lock. Raises AriError."""
        if not self.made:
            with suppress(Conflict):  # the id is ours: it was made before the restart
                await self.node.bridges.createWithId(bridgeId=self.bridge, type=TYPE)
            self.made = True

    async def take_in(self, channel: str, *, heard: bool) -> None:
        """Let a channel that is no member hear all of it, and, if it is to be heard, be heard by all: nobody counts it,
        and no phone shows it. Carried out to its end once begun.

        Raises:
            LegGone: the conference is over.
            AriError
        """
        await self.complete(self._take_in(channel, heard))

    async def _take_in(self, channel: str, heard: bool) -> None:
        async with self.lock:
            self.require_alive()
            await self.make()
            await self.node.bridges.addChannel(
                bridgeId=self.bridge, channel=[channel], mute=not heard or None, inhibitConnectedLineUpdates=True
            )

    # as a Host

    @property
    def number(self) -> str:
        """What is dialled to come in."""
        return self.key[1]

    @property
    def names(self) -> Mapping[str, str]:
        return {"conference": self.id, "number": self.number}

    @property
    def closing(self) -> bool:
        return self._over.is_set()

    def gone(self) -> LegGone:
        return LegGone(self.farewell, conference=self.id)

    def require_alive(self) -> None:
        """Raises LegGone: it is over."""
        if self.closing:
            raise self.gone()

    async def until_gone(self) -> None:
        await self._over.wait()

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task: asyncio.Task[None] = self.node.background(work)
        task.set_name(f"{self.id} {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def complete(self, request: Coroutine[Any, Any, T]) -> T:
        return await self._requests.complete(request)

    def end(self) -> None:
        """The last one is out."""
        self._over.set()

    def detach(self) -> None:
        """Stop what serves it: the process ends, the conference does not."""
        self.detached = True
        for task in list(self._tasks):
            task.cancel()
        self._requests.cancel()


def _view(guest: Guest) -> MemberView:
    call, leg = guest.call, guest.call.origin
    return MemberView(
        call=call.id,
        unique_id=leg.id if leg else "",
        channel=leg.name if leg else "",
        caller_number=call.caller_number,
        caller_name=call.caller_name,
        joined_at=guest.kept.joined_at,
        muted=guest.kept.muted,
        admin=guest.kept.admin,
    )
