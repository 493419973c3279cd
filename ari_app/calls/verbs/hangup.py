"""End a leg."""

from __future__ import annotations

from ari_app.ari.errors import AriError, Gone
from ari_app.calls.leg import Leg, LegState

#: Q.850 causes that programs use
NORMAL = 16
BUSY = 17
NO_ANSWER = 19
UNALLOCATED = 1
CONGESTION = 34


async def hangup(leg: Leg, cause: int = NORMAL) -> None:
    """Hang up; nothing if it is gone. Does not wait for the end: `leg.until(GONE)` does.

    Asked for before Asterisk has made the channel, it is done as soon as it has (`verbs/dial.py` looks). One that
    Asterisk cannot be told of now is told again when it is back (`calls/recovery.py`).
    """
    if leg.state is LegState.GONE:
        return
    leg.leaving = True
    if not leg.created:
        return
    try:
        await leg.node.channels.hangup(channelId=leg.id, reason_code=str(cause))
    except Gone:
        # its ChannelDestroyed may have been lost with a socket
        leg.call.registry.leg_gone(leg, cause, leg.call.registry.clock.now())
    except AriError:
        if leg.node.connected:
            raise
