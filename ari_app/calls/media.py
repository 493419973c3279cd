"""External media of users: the audio of a call to an endpoint of theirs and back, through this process.

    phone <-> Asterisk <-- snoop, external media --> Link: Relay | BotSocket .. <--> the user's endpoint

The endpoint is connected first, and only then something is made in Asterisk, so that one that is not there costs
nothing. Whatever it does, the call goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Unpack
from uuid import UUID, uuid4

import msgspec
import structlog

from ari_app.ari.errors import AriError
from ari_app.calls.desk import Desk, FindLeg, Whom
from ari_app.calls.leg import Leg, LegGone
from ari_app.calls.registry import Registry
from ari_app.calls.verbs.attach import Side, Tap
from ari_app.calls.wait import while_alive
from ari_app.clock import Clock
from ari_app.config import Network
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
    call: str
    leg: str
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

    def __init__(self, leg: Leg, request: MediaRequest, place: Place, plane: Plane, clock: Clock) -> None:
        self.leg = leg
        self.request = request
        self.id = leg.call.registry.ids.new("attachment")
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
        self._tap: Tap | None = None
        self.note("connecting")

    def note(self, event: str) -> None:
        """Something happened."""
        self._notes.append(Note(at=self._clock.now(), event=event))

    @property
    def reason(self) -> str:
        """Why it has ended, as its link says."""
        return self._link.reason

    async def run(self) -> None:
        """Attach, until either side ends it. A task of the call."""
        link = self._link
        try:
            await while_alive(self.leg, link.connect())
            self.note("connected")
            tap = self._tap = Tap(
                self.leg,
                link.near,
                direction=self.request.direction,
                hear=self.request.hear,
                heard_by=self.request.heard_by,
            )
            await tap.open()
            self.state, self.started_at = "active", self._clock.now()
            self.note("started")
            self.tell("Started")
            leg, call = self.leg, self.leg.call
            link.join(connection_id=self.id, channel=leg.name, channel_id=leg.id, call=call.id, uuid=str(self.uuid))
            await while_alive(self.leg, link.over.wait())
        except LegGone:
            link.end("call: the leg is gone")
        except AriError as error:
            log.info("= cannot attach", call=self.leg.call.id, error=str(error))
            link.end("call: Asterisk cannot attach to it")
        except OSError as error:
            log.info("= cannot attach", call=self.leg.call.id, target=self.request.target.shown, error=str(error))
            link.end("target: cannot connect")

    def stop(self, reason: str) -> None:
        """End it."""
        self._link.end(reason)

    def finish(self) -> None:
        """Let go of both sides; once, whatever has become of the task."""
        if self.state == "ended":
            return
        call, link = self.leg.call, self._link
        link.end("call: it has ended" if call.closing else "the server stops" if call.detached else "failed")
        self.state, self.ended_at = "ended", self._clock.now()
        self.note("ended")
        if self._tap is not None and not call.detached:
            self.leg.node.background(self._tap.close())
        link.close()
        log.info("= media attachment ended", call=call.id, attachment=self.id, reason=link.reason)

    def view(self) -> MediaView:
        """As it is now."""
        figures = self._link.figures
        return MediaView(
            id=self.id,
            call=self.leg.call.id,
            leg=self.leg.id,
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
    ) -> None:
        """private: networks that are not public and may be connected to. limit: attachments at a time. plane: who
        carries their audio; without it, this process."""
        super().__init__(registry, find, "attachment", limit=limit)
        self._clock = ports.clock
        self._kind = ports.kind
        self._plane = plane or partial(LinkHere, ports)
        self._private = tuple(private)

    async def attach(self, account: int, request: MediaRequest, **whom: Unpack[Whom]) -> str:
        """Begin an attachment to the leg that is meant; as `start`.

        Raises:
            NotFound: there is no such leg; context "parameter": what of `whom` it is.
            TargetError, TargetForbidden, CodecMissing, LegGone, TooMany
        """
        return await self.start(account, self.find_leg(account, **whom), request)

    async def start(self, account: int, leg: Leg, request: MediaRequest) -> str:
        """Begin an attachment; its id. It connects by itself; `view` tells what has become of it.

        Raises:
            TargetError, TargetForbidden: nothing is sent there.
            CodecMissing: what its format needs is not installed.
            LegGone: the call ended meanwhile.
            TooMany
        """
        if request.format != "slin" and request.direction.speaks and self._kind is TransportKind.RTP:
            require_g722()
        place = await resolve(request.target, self._private)
        leg.require_alive()
        self.require_room()
        session = MediaSession(leg, request, place, self._plane, self._clock)
        log.info(
            "= media attachment",
            call=leg.call.id,
            attachment=session.id,
            target=request.target.shown,
            direction=request.direction.value,
        )
        return self.begin(account, session)
