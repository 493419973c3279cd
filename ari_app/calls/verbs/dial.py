"""Ring an endpoint: create its channel under our id, then dial it.

Creating first gives us the channel in our application before it rings (ARI: channels/create, channels/dial), so no
event of it can be missed, and it may be bridged for early media before it answers.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import NamedTuple

from ari_app.ari.errors import AriError, Conflict
from ari_app.calls.bridge import Bridge
from ari_app.calls.leg import Leg, LegState
from ari_app.calls.verbs.hangup import NO_ANSWER, hangup


class DialOutcome(StrEnum):
    """How it ended, from the Q.850 cause."""

    ANSWERED = "answered"
    NO_ANSWER = "noanswer"
    BUSY = "busy"
    DECLINED = "declined"
    UNAVAILABLE = "unavailable"
    ERROR = "error"


_OUTCOMES = {
    17: DialOutcome.BUSY,
    18: DialOutcome.NO_ANSWER,
    19: DialOutcome.NO_ANSWER,
    21: DialOutcome.DECLINED,
    1: DialOutcome.UNAVAILABLE,
    3: DialOutcome.UNAVAILABLE,
    20: DialOutcome.UNAVAILABLE,
    27: DialOutcome.UNAVAILABLE,
}


def outcome_of(cause: int) -> DialOutcome:
    """What a Q.850 cause says of a leg that was not answered."""
    return _OUTCOMES.get(cause, DialOutcome.ERROR)


class Party(NamedTuple):
    """Who calls, as the far end's display shows it."""

    number: str
    name: str = ""


#: What makes a phone answer by itself: there is no standard that all follow, so each is told in its own way, as FreePBX
#: and others do. answer-after: RFC draft, Snom, Yealink, Linphone, Cisco SPA; alert-autoanswer: Polycom, Aastra, Mitel,
#: Grandstream, Yealink (some of them have to be set to heed it). The address in angle brackets is only there because
#: the headers must have one (RFC 3261, 20.4 and 20.9).
AUTO_ANSWER = {
    "PJSIP_HEADER(add,Call-Info)": "<sip:localhost>;answer-after=0",
    "PJSIP_HEADER(add,Alert-Info)": "<http://localhost>;info=alert-autoanswer;delay=0",
}


async def dial_start(
    leg: Leg,
    *,
    shown: Party | None = None,
    ring_time: float | None = None,
    originator: str | None = None,
    variables: dict[str, str] | None = None,
    auto_answer: bool = False,
    early_media: Bridge | None = None,
) -> None:
    """Create and dial. Returns when Asterisk has taken the order; the leg's states tell the rest.

    shown: who calls, for the display of the far end.
    ring_time: seconds after which Asterisk gives up on its own; rounded up to whole ones, None: never.
    auto_answer: the far end, a SIP phone, is asked to answer by itself.
    early_media: a bridge the leg joins before it is dialled, so that what the far end plays before answering is heard.

    Raises:
        AriError: there is no such endpoint (the leg is then gone), or Asterisk cannot be reached.
        LegGone: the leg was hung up meanwhile.
    """
    registry = leg.call.registry
    leg.require_alive()
    if auto_answer and leg.endpoint.startswith("PJSIP/"):
        variables = AUTO_ANSWER | (variables or {})
    try:
        await leg.call.complete(
            leg.node.channels.create(
                endpoint=leg.endpoint,
                app=leg.node.app,
                appArgs=f"leg,{leg.call.id},{leg.role}",
                channelId=leg.id,
                originator=originator,
                variables=_variables(shown, variables),
            )
        )
    except Conflict:
        pass  # the id is ours: an earlier try got through and its reply was lost
    except AriError:
        registry.leg_gone(leg, 0, registry.clock.now())
        raise
    leg.created = True
    if leg.leaving:
        await hangup(leg)
    leg.require_alive()
    # It can be dialled once it has entered the application, which is not when the request returns (ARI pitfalls, P7).
    await leg.until(LegState.DOWN)
    leg.require_alive()
    if early_media is not None:
        await early_media.add(leg)
    await leg.node.channels.dial(
        channelId=leg.id, timeout=None if ring_time is None else max(1, int(ring_time + 0.999))
    )


def _variables(shown: Party | None, variables: dict[str, str] | None) -> dict[str, str] | None:
    """The far end shows the connected line of the channel that calls it; "i" keeps that from being sent twice."""
    merged = dict(variables or {})
    if shown is not None:
        merged["CONNECTEDLINE(name,i)"] = shown.name
        merged["CONNECTEDLINE(num,i)"] = shown.number
        merged["CONNECTEDLINE(num-valid,i)"] = "1"
    return merged or None


async def dial(
    leg: Leg, *, shown: Party | None = None, ring_time: float = 30.0, early_media: Bridge | None = None
) -> DialOutcome:
    """Dial and wait for the answer or the end, `ring_time` seconds at most. Cancelled, it hangs up.

    Raises:
        AriError: Asterisk cannot be reached.
    """
    try:
        await dial_start(leg, shown=shown, ring_time=ring_time, early_media=early_media)
        state = await leg.until(LegState.UP)
    except asyncio.CancelledError:
        leg.leaving = True
        leg.node.background(hangup(leg, NO_ANSWER))
        raise
    return DialOutcome.ANSWERED if state is LegState.UP else outcome_of(leg.cause)
