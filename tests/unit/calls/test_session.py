"""What all that users begin on live calls has in common: its times, its states, and why it ended."""

from __future__ import annotations

import pytest

from ari_app.calls.session import CallSession
from tests.unit.calls.stage import Stage


@pytest.fixture
async def session(stage: Stage) -> CallSession:
    call, _ = await stage.incoming()
    return CallSession(call.caller, "thing")


async def test_its_life(stage: Stage, session: CallSession) -> None:
    told: list[str] = []
    session.tell = lambda what, **_values: told.append(what)
    begun, leg = stage.clock.now(), session.leg
    stage.clock.advance(1.0)
    assert session.state == "connecting"
    session.started()
    stage.clock.advance(1.0)
    session.started()
    session.stop("stopped by request")
    session.stop("another reason")
    assert (session.state, session.shown()["reason"], told) == ("active", "", ["Started"])
    stage.clock.advance(1.0)
    session.finish()
    assert session.shown() == {
        "id": session.id,
        "call": leg.call.id,
        "leg": leg.id,
        "state": "ended",
        "reason": "stopped by request",
        "created_at": begun,
        "started_at": begun + 1.0,
        "ended_at": begun + 3.0,
    }


async def test_why_it_ended_where_nobody_said(stage: Stage, session: CallSession) -> None:
    leg = session.leg
    session.finish()
    assert session.reason == "failed"
    session = CallSession(leg, "thing")
    leg.call.detach()
    session.finish()
    assert session.reason == "the server stops"


async def test_a_call_that_ends_is_why(stage: Stage, session: CallSession) -> None:
    stage.fake.hangup_from_far_end(session.leg.id)
    await stage.over(session.leg.call)
    session.finish()
    assert session.reason == "call: it has ended"
