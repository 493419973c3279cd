"""What a queue is set to reaches the engine under its own names."""

from __future__ import annotations

from ari_app.acd.settings import AnnounceHoldTime, JoinEmpty, LeaveEmpty, QueueSettings
from ari_app.store.values import Queue


def queue(**values: object) -> Queue:
    return Queue(extension="500", name="", id=1, account=1, deleted=False, created_at=0.0, **values)  # type: ignore[arg-type]


def test_nothing_said_is_the_default() -> None:
    given = queue(agent_timeout=15, agent_retry_time=5).to_settings()
    assert given == QueueSettings(extension="500")


def test_options() -> None:
    given = queue(join_empty="strict", leave_empty="loose", auto_answer_acd=True).to_settings()
    assert (given.join_empty, given.leave_empty) == (JoinEmpty.STRICT, LeaveEmpty.LOOSE)
    assert given.auto_answer is True
    given = queue(announce_frequency=30, announce_position="yes", announce_hold_time="once").to_settings()
    assert (given.announce_frequency, given.announce_position) == (30, True)
    assert given.announce_hold_time is AnnounceHoldTime.ONCE
