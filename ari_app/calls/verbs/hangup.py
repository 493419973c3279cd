"""End a leg."""

from __future__ import annotations

import structlog

from ari_app.ari.errors import AriError, Gone
from ari_app.calls.leg import Leg, LegState

log = structlog.get_logger(__name__)

#: Q.850 causes that programs use
NORMAL = 16
BUSY = 17
NO_ANSWER = 19
ABSENT = 20
DECLINED = 21
#: another phone took the call: it is no missed one
ANSWERED_ELSEWHERE = 26
UNALLOCATED = 1
CONGESTION = 34

#: seconds until Asterisk is asked again for the end of a leg
ASK_AGAIN = 5.0


async def hangup(leg: Leg, cause: int = NORMAL) -> None:
    """Hang up; nothing if it is gone. Does not wait for the end: `leg.until(GONE)` does.

    Asked for before Asterisk has made the channel, it is done as soon as it has (`verbs/dial.py` looks). One that
    Asterisk cannot be told of now is told again when it is back (`calls/recovery.py`).

    Raises:
        AriError: Asterisk refused, or does not answer; `release` asks again.
    """
    if leg.state is LegState.GONE:
        return
    leg.leaving = True
    leg.ending = leg.ending or cause
    if not leg.created:
        return
    try:
        # carried out to its end: the one who asks may be about to be cancelled
        await leg.call.complete(leg.node.channels.hangup(channelId=leg.id, reason_code=str(leg.ending)))
    except Gone:
        # its ChannelDestroyed may have been lost with a socket
        leg.call.registry.leg_gone(leg, leg.ending, leg.call.registry.clock.now())
    except AriError:
        if leg.node.connected:
            raise
    else:
        leg.asked_to_end = True


async def release(leg: Leg, cause: int = NORMAL) -> None:
    """Hang up and wait until the leg is gone, asking again as often as that needs."""
    asked = leg.asked_to_end
    while leg.state is not LegState.GONE:
        if not asked:
            try:
                await hangup(leg, cause)
            except AriError as error:
                log.warning("> not hung up, again soon", call=leg.call.id, leg=leg.id, error=str(error))
        asked = False
        await leg.until(LegState.GONE, within=ASK_AGAIN)
