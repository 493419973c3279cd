"""External media of users: the audio of a call to an endpoint of theirs and back, through this process.

    phone <-> Asterisk <-- snoop, external media --> Link: Relay | BotSocket .. <--> the user's endpoint
    conference's bridge <------- external media --> the same

The endpoint is connected first, and only then something is made in Asterisk, so that one that is not there costs
nothing. Whatever it does, the call goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Unpack, cast
from uuid import UUID, uuid4

import msgspec
import structlog

from ari_app.ari.errors import AriError
from ari_app.calls.conference_room import Room
from ari_app.calls.desk import Desk, FindLeg, Whom
from ari_app.calls.leg import Leg, LegGone
from ari_app.calls.registry import Registry
from ari_app.calls.verbs.attach import RoomTap, Side, Tap
from ari_app.calls.wait import while_alive
from ari_app.clock import Clock
from ari_app.config import Network
from ari_app.errors import NotFound
from ari_app.media.link import Link, LinkHere, LinkRequest
from ari_app.media.ports import MediaPorts, TransportKind
from ari_app.media.targets import Place, Target, resolve
from ari_app.media.transports.port import Direction, Traffic
from ari_app.media.transports.rtp_codecs import require_g722

log = structlog.get_logger(__name__)

#: Notes that are kept of one attachment: the newest.
NOTES = 50


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to an attachment."""

    at: float
    event: str


@dataclass(frozen=True, kw_only=True)
class MediaRequest:
    """What users ask for."""

    target: Target
    direction: Direction = Direction.BOTH
    hear: Side = Side.PARTY
    heard_by: Side = Side.PARTY
    #: slin or slin16: 8 or 16 kHz
    format: str = "slin"


class MediaView(msgspec.Struct, frozen=True, kw_only=True):
    """An attachment as it is now."""

    id: str
    #: None: it is to a conference, of this number
    call: str | None
    leg: str | None
    conference: str | None
    uuid: UUID
    request: MediaRequest
    #: connecting, active, ended
    state: str
    reason: str
    created_at: float
    started_at: float | None
    ended_at: float | None
    #: None: not there yet
    from_call: Traffic | None
    from_target: Traffic | None
    #: frames that the endpoint did not read, and those of it that there was no room for
    unread: int
    dropped: int
    notes: list[Note]


class MediaSession:
    """One attachment of a user."""

    def __init__(self, host: Leg | Room, request: MediaRequest, place: Place, plane: Plane, clock: Clock) -> None:
        self.host = host
        self.request = request
        self.id = host.registry.ids.new("attachment")
        self.uuid = uuid4()
        self.state = "connecting"
        self.tell: Callable[..., None] = lambda _what, **_values: None
        self._clock = clock
        self._notes: deque[Note] = deque(maxlen=NOTES)
        self.created_at = clock.now()
        self.started_at: float | None = None
        self.ended_at: float | None = None
        wanted = LinkRequest(request.target, place, self.uuid, request.direction, request.format)
        self._link = plane(wanted, self.note)
        self._tap: Tap | RoomTap | None = None
        self.note("connecting")

    def note(self, event: str) -> None:
        """Something happened."""
        self._notes.append(Note(at=self._clock.now(), event=event))

    @property
    def reason(self) -> str:
        """Why it has ended, as its link says."""
        return self._link.reason

    async def run(self) -> None:
        """Attach, until either side ends it. A task of its host."""
        host, link = self.host, self._link
        try:
            await while_alive(host, link.connect())
            self.note("connected")
            tap = self._tap = self._make_tap()
            await tap.open()
            self.state, self.started_at = "active", self._clock.now()
            self.note("started")
            self.tell("Started")
            shown = {"conference": host.number} if isinstance(host, Room) else {"call": host.call.id}
            link.join(connection_id=self.id, **tap.channel, **shown, uuid=str(self.uuid))
            await while_alive(host, link.over.wait())
        except LegGone:
            link.end(f"call: {host.farewell}")
        except AriError as error:
            log.info("= cannot attach", **host.names, error=str(error))
            link.end("call: Asterisk cannot attach to it")
        except OSError as error:
            log.info("= cannot attach", **host.names, target=self.request.target.shown, error=str(error))
            link.end("target: cannot connect")

    def _make_tap(self) -> Tap | RoomTap:
        host, request, near = self.host, self.request, self._link.near
        if isinstance(host, Room):
            return RoomTap(host, near, request.direction)
        return Tap(host, near, direction=request.direction, hear=request.hear, heard_by=request.heard_by)

    def stop(self, reason: str) -> None:
        """End it."""
        self._link.end(reason)

    def finish(self) -> None:
        """Let go of both sides; once, whatever has become of the task."""
        if self.state == "ended":
            return
        host, link = self.host, self._link
        link.end("call: it has ended" if host.closing else "the server stops" if host.detached else "failed")
        self.state, self.ended_at = "ended", self._clock.now()
        self.note("ended")
        if self._tap is not None and not host.detached:
            host.node.background(self._tap.close())
        link.close()
        log.info("= media attachment ended", **host.names, attachment=self.id, reason=link.reason)

    def view(self) -> MediaView:
        """As it is now."""
        figures, host = self._link.figures, self.host
        return MediaView(
            id=self.id,
            call=host.names.get("call"),
            leg=host.names.get("leg"),
            conference=host.number if isinstance(host, Room) else None,
            uuid=self.uuid,
            request=self.request,
            state=self.state,
            reason=self._link.reason,
            created_at=self.created_at,
            started_at=self.started_at,
            ended_at=self.ended_at,
            from_call=figures.from_call,
            from_target=figures.from_target,
            unread=figures.unread,
            dropped=figures.dropped,
            notes=list(self._notes),
        )


#: finds the conference of a number, of an account. Raises NotFound: nobody is in it
FindRoom = Callable[[int, str], Room]


class WhomOrRoom(Whom, total=False):
    """How users name what they attach to: one of these is given."""

    #: number of a conference that goes on
    conference: str


#: makes the media of an attachment: here, or in another process
Plane = Callable[[LinkRequest, Callable[[str], None]], Link]


class MediaDesk(Desk[MediaView]):
    """All attachments of users."""

    def __init__(
        self,
        registry: Registry,
        ports: MediaPorts,
        find: FindLeg,
        *,
        private: Iterable[Network],
        limit: int,
        plane: Plane | None = None,
        room: FindRoom | None = None,
    ) -> None:
        """private: networks that are not public and may be connected to. limit: attachments at a time. plane: who
        carries their audio; without it, this process. room: finds conferences; without it, there are none."""
        super().__init__(registry, find, "attachment", limit=limit)
        self._clock = ports.clock
        self._kind = ports.kind
        self._plane = plane or partial(LinkHere, ports)
        self._private = tuple(private)
        self._room = room

    async def attach(self, account: int, request: MediaRequest, **whom: Unpack[WhomOrRoom]) -> str:
        """Begin an attachment to the leg, or the conference, that is meant; as `start`.

        Raises:
            NotFound: there is no such leg; context "parameter": what of `whom` it is.
            TargetError, TargetForbidden, CodecMissing, LegGone, TooMany
        """
        host: Leg | Room
        if "conference" in whom:
            host = self._find_room(account, whom["conference"])
        else:
            host = self.find_leg(account, **cast(Whom, whom))
        return await self.start(account, host, request)

    def _find_room(self, account: int, number: str) -> Room:
        with suppress(NotFound):
            if self._room is not None:
                return self._room(account, number)
        raise NotFound("nobody is in the conference", parameter="conference")

    async def start(self, account: int, host: Leg | Room, request: MediaRequest) -> str:
        """Begin an attachment; its id. It connects by itself; `view` tells what has become of it.

        Raises:
            TargetError, TargetForbidden: nothing is sent there.
            CodecMissing: what its format needs is not installed.
            LegGone: the call, or the conference, ended meanwhile.
            TooMany
        """
        if request.format != "slin" and request.direction.speaks and self._kind is TransportKind.RTP:
            require_g722()
        place = await resolve(request.target, self._private)
        host.require_alive()
        self.require_room()
        session = MediaSession(host, request, place, self._plane, self._clock)
        log.info(
            "= media attachment",
            **host.names,
            attachment=session.id,
            target=request.target.shown,
            direction=request.direction.value,
        )
        return self.begin(account, session)
