"""Transfers that phones ask for with REFER: blind (to a number), and attended (to the one of their other call).

Asterisk leaves them to us (PJSIP_TRANSFER_HANDLING() = ari-only): it tells ChannelTransfer, and the phone waits for our
word how it went. Left to itself it would put Local channels in the place of legs, which nobody here knows.
"""

from __future__ import annotations

import re
from collections import deque

import structlog

from ari_app.acd.call_control import CallControl, number_of, queue_of
from ari_app.acd.destination import Kind
from ari_app.ari.errors import AriError
from ari_app.ari.events import ChannelTransfer
from ari_app.ari.node import Node
from ari_app.calls.conference_programs import ConferenceMember
from ari_app.calls.leg import Leg, LegGone, LegState
from ari_app.calls.parking import Parked
from ari_app.calls.registry import Registry
from ari_app.calls.transfers import TRANSFEROR, Join, move
from ari_app.calls.verbs.hangup import release
from ari_app.errors import CommandRefused, NotFound

log = structlog.get_logger(__name__)

_NUMBER = re.compile(r"\+?[0-9]{1,20}\Z", re.ASCII)
#: seconds in which a phone that was told so hangs up by itself. Hanging it up while Asterisk (22.10.1) still tells it
#: may lock up Asterisk's whole SIP stack (asterisk/asterisk#2166)
PARTING = 2.0
#: Asterisk (22.10.1) tells of one REFER twice, milliseconds apart. Seconds within which it is the same one
TOLD_AGAIN = 1.0
#: what the phone is told in the NOTIFY that ends its REFER: 200 and 603
ANSWERED, DECLINED = "channel_answered", "channel_declined"


class PhoneTransfers:
    """Carries out what phones ask for."""

    def __init__(self, registry: Registry, calls: CallControl) -> None:
        self._registry = registry
        self._calls = calls
        #: the last REFERs: when, of which leg, where to
        self._told: deque[tuple[float, tuple[str, str | None, str | None]]] = deque(maxlen=64)

    def asked_for(self, node: Node, event: ChannelTransfer) -> None:
        """A REFER has come. One that cannot be done is declined, and everybody talks on."""
        source = event.referred_by.source_channel.id
        leg = self._registry.legs.get((node.name, source))
        if leg is None or not leg.alive or leg.role == TRANSFEROR:
            return
        there = event.refer_to.destination_channel
        wanted = event.refer_to.requested_destination
        if self._told_before(event.timestamp, (source, wanted.destination, None if there is None else there.id)):
            return
        try:
            if there is not None:
                other = self._registry.legs.get((node.name, there.id))
                if other is None:
                    raise NotFound("The other call is none of ours.", channel=there.id)
                self._attended(leg, other)
            elif wanted.destination is not None and _NUMBER.match(wanted.destination):
                self._calls.pass_to(leg, wanted.destination, parting=done)
            else:
                raise NotFound("There is no such number.", number=wanted.destination or "")
        except (CommandRefused, NotFound, LegGone) as error:
            log.info("= transfer declined", call=leg.call.id, leg=leg.id, error=str(error))
            leg.call.spawn(tell(leg, DECLINED), "transfer declined")

    def _told_before(self, timestamp: str, refer: tuple[str, str | None, str | None]) -> bool:
        """Whether this is the second word of one REFER. To answer that too may be the end of Asterisk."""
        at = self._registry.at(timestamp)
        if any(refer == other and abs(at - then) < TOLD_AGAIN for then, other in self._told):
            return True
        self._told.append((at, refer))
        return False

    def _attended(self, source: Leg, other: Leg) -> None:
        """Both legs are of one phone. The one of a queue's call comes first: that call goes on, and the queue's record
        with it."""
        swapped = other.offer is not None or isinstance(source.call.program, Parked)
        first, second = (other, source) if swapped else (source, other)
        if first.call is second.call or first.call.account != second.call.account:
            raise CommandRefused("These are not two calls.", reason="not_connected")
        if isinstance(second.call.program, Parked):
            # The phone has dialled the lot, and knows the space that it was told: there the other one goes.
            self._calls.park_at(first, second.call.program, lambda leg: _part(leg, source))
            _over(second, source)
            return
        if _calling(second) or isinstance(second.call.program, ConferenceMember):
            # Nobody has answered the second call yet: its number is rung for the first one's. A conference's number
            # is called for him too, so that he is let in as anybody is.
            self._calls.pass_to(first, second.call.number, parting=lambda leg: _part(leg, source, after=second))
            second.role = TRANSFEROR
            # at once, or the phone that rings is busy for him
            second.call.spawn(done(second) if second is source else release(second), "hang up who transferred")
            return
        stays, comes = self._calls.party(first), self._calls.party(second)
        number = second.call.number if comes is not second.call.origin else second.call.caller_number
        self._calls.pass_on(
            first,
            Join(comes.id),
            f"{Kind.EXTENSION}:{number}",
            by="attended_transfer",
            parting=lambda leg: _part(leg, source),
        )
        comes.endpoint = comes.endpoint or f"PJSIP/{number_of(comes)}"
        move(comes, stays.call, second)
        _over(second, source)


def _over(leg: Leg, source: Leg) -> None:
    """The phone's second call is over. source: the leg on which it waits for our word."""
    leg.role = TRANSFEROR
    leg.call.spawn(_part(leg, source), "hang up who transferred")


async def _part(leg: Leg, source: Leg, after: Leg | None = None) -> None:
    """Let one of the phone's two legs go, and not the other at the same moment: that on which it waits for our word
    first, unless the other has to be `after`."""
    if leg is source:
        if after is not None:
            await after.until(LegState.GONE, within=PARTING)
        await done(leg)
    else:
        await source.until(LegState.GONE, within=PARTING)
        await release(leg)


def _calling(leg: Leg) -> bool:
    """Its call has been dialled by the phone, and is not answered. One that waits in a queue is."""
    return leg is leg.call.origin and leg.bridge is None and queue_of(leg.call) is None


async def tell(leg: Leg, state: str) -> None:
    """Tell the phone how its transfer went."""
    try:
        await leg.node.channels.transfer_progress(channelId=leg.id, states=state)
    except AriError as error:  # it may be gone already
        log.info("> phone not told", call=leg.call.id, leg=leg.id, error=str(error))


async def done(leg: Leg) -> None:
    """It is done: the phone is told so, and hung up if it does not do that itself."""
    await tell(leg, ANSWERED)
    await leg.until(LegState.GONE, within=PARTING)
    await release(leg)
