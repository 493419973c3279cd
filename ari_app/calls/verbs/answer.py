"""Answer a call that rings at us."""

from __future__ import annotations

from ari_app.calls.leg import Leg, LegState


async def answer(leg: Leg) -> None:
    """Pick up; nothing if it is up already.

    Raises:
        LegGone: the caller has hung up.
        AriError: Asterisk refused.
    """
    leg.require_alive()
    if leg.state is not LegState.UP:
        await leg.node.channels.answer(channelId=leg.id)
