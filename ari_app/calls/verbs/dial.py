"""Ring an endpoint: create its channel under our id, then dial it.

Creating first gives us the channel in our application before it rings (ARI: channels/create, channels/dial), so no
event of it can be missed, and it may be bridged for early media before it answers.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from ari_app.ari.errors import AriError, Conflict, Refused, TimedOut, Unreachable
from ari_app.calls.bridge import Bridge
from ari_app.calls.leg import Leg, LegGone, LegState
from ari_app.calls.verbs.hangup import ABSENT, NO_ANSWER, hangup, release

#: seconds in which a channel that was made enters our application: a few milliseconds, or never
ENTER_LIMIT = 5.0


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
    #: SIP 302: the phone sends its calls elsewhere; Asterisk does not follow it for channels that ARI dials
    23: DialOutcome.UNAVAILABLE,
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


#: a REFER of this phone is told to us and left to us (acd/phone_transfers.py); the dialplan says so of those that call
TRANSFERS = {"PJSIP_TRANSFER_HANDLING()": "ari-only"}


async def dial_start(
    leg: Leg,
    *,
    shown: Party | None = None,
    ring_time: float | None = None,
    originator: str | None = None,
    variables: dict[str, str] | None = None,
    auto_answer: bool = False,
    early_media: Bridge | None = None,
    via: str | None = None,
) -> None:
    """Create and dial. Returns when Asterisk has taken the order; the leg's states tell the rest.

    shown: who calls, for the display of the far end.
    ring_time: seconds after which Asterisk gives up on its own; rounded up to whole ones, None: never.
    auto_answer: the far end, a SIP phone, is asked to answer by itself.
    early_media: a bridge the leg joins before it is dialled, so that what the far end plays before answering is heard.
    via: what is dialled to reach the endpoint, where that is not itself (a Local channel: the dialplan does the rest).

    Raises:
        AriError: there is no such endpoint (the leg is then gone, cause 20), or Asterisk cannot be reached; a leg that
            is not gone then is the caller's to release.
        LegGone: the leg was hung up meanwhile.
    """
    if leg.leaving and not leg.created:  # withdrawn before Asterisk was asked for it
        leg.call.registry.leg_gone(leg, leg.ending, leg.call.registry.clock.now())
    leg.require_alive()
    dialled = via or leg.endpoint
    if dialled.startswith("PJSIP/"):
        variables = TRANSFERS | (AUTO_ANSWER if auto_answer else {}) | (variables or {})
    await leg.call.complete(
        _create(leg, endpoint=dialled, originator=originator, variables=_variables(shown, variables))
    )
    leg.require_alive()
    # It can be dialled once it has entered the application, which is not when the request returns (ARI pitfalls, P7).
    if await leg.until(LegState.DOWN, within=ENTER_LIMIT) is LegState.NEW:
        raise TimedOut("the channel did not enter the application", operation="channels.create", path=leg.id)
    leg.require_alive()
    if early_media is not None:
        await early_media.add(leg, unnamed=True)
    await leg.node.channels.dial(
        channelId=leg.id, timeout=None if ring_time is None else max(1, int(ring_time + 0.999))
    )


async def _create(leg: Leg, **options: Any) -> None:
    """Make the channel. Runs to its end even if nobody waits for that any more; then it hangs up what it has made."""
    try:
        try:
            await _request(leg, options)
        except Unreachable:
            if leg.state is LegState.NEW and not leg.leaving:
                await _request(leg, options)  # the id is ours: a Conflict says that the first try got through
    except Conflict:
        pass
    except AriError as error:
        if leg.state is LegState.NEW:  # else only the reply was lost
            # Should it have been made all the same, it is hung up when it enters the application.
            cause = ABSENT if isinstance(error, Refused) else 0
            leg.call.registry.leg_gone(leg, cause, leg.call.registry.clock.now())
            raise
    leg.created = True
    if leg.leaving:
        await hangup(leg)


async def _request(leg: Leg, options: dict[str, Any]) -> None:
    await leg.node.channels.create(
        app=leg.node.app,
        appArgs=f"leg,{leg.call.id},{leg.role}",
        channelId=leg.id,
        **options,
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
        AriError: Asterisk cannot be reached, or does not do it; the leg is hung up.
    """
    try:
        await dial_start(leg, shown=shown, ring_time=ring_time, early_media=early_media)
        state = await leg.until(LegState.UP)
    except LegGone:
        # by itself while it was being made, or hung up by somebody else
        await release(leg, NO_ANSWER)
        return outcome_of(leg.cause)
    except BaseException as error:
        if leg.state is LegState.GONE and isinstance(error, Refused):
            return outcome_of(leg.cause)
        if not leg.call.detached:
            leg.leaving = True
            leg.call.spawn(release(leg, NO_ANSWER), "hang up what was dialled")
        raise
    return DialOutcome.ANSWERED if state is LegState.UP else outcome_of(leg.cause)
