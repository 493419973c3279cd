"""Reports over the days on which clocks are changed, in several zones: nothing is lost, counted twice, or negative."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_app.acd.hours import instants
from ari_app.store.adherence import Activity, ActivityKind, adherence
from ari_app.store.figures import handling, presence, totals, waiting, wrap_ups
from ari_app.store.history import AgentStateRecord, OfferRecord, QueueCallRecord
from ari_app.store.intervals import DAY, MINUTES, Intervals

#: a zone and an hour (UTC) in which its clocks are changed: at 2 and 3, at midnight, by half an hour, by a day
CHANGES = [
    ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("America/Havana", datetime(2025, 3, 9, 5, tzinfo=UTC)),
    ("America/Havana", datetime(2025, 11, 2, 5, tzinfo=UTC)),
    ("Asia/Beirut", datetime(2026, 3, 28, 22, tzinfo=UTC)),
    ("Asia/Beirut", datetime(2026, 10, 24, 21, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
]
_CHANGES = st.sampled_from(CHANGES)
#: seconds
_AROUND = st.integers(-30 * 3600, 30 * 3600)
_LENGTHS = st.integers(1, 60 * 3600)
_MINUTES = st.sampled_from([*MINUTES, DAY, None])


@pytest.mark.parametrize(("name", "change"), CHANGES)
def test_the_clocks_are_changed_then(name: str, change: datetime) -> None:
    """What the other tests go round."""
    before, after = ((change + timedelta(minutes=m)).astimezone(ZoneInfo(name)) for m in (-1, 0))
    assert before.utcoffset() != after.utcoffset()


@settings(max_examples=300)
@given(change=_CHANGES, begin=_AROUND, length=_LENGTHS, minutes=_MINUTES)
def test_intervals_follow_on_each_other_and_begin_when_the_clock_says(
    change: tuple[str, datetime], begin: int, length: int, minutes: int | None
) -> None:
    zone, since = ZoneInfo(change[0]), change[1].timestamp() + begin
    edges = Intervals.cut(since, since + length, minutes, zone).edges
    assert (edges[0], edges[-1]) == (since, since + length)
    assert all(a < b for a, b in pairwise(edges))
    if minutes is None:
        assert len(edges) == 2
        return
    longest = 25 * 3600 if minutes == DAY else 60 * minutes
    assert all(b - a <= longest for a, b in pairwise(edges))
    for edge in edges[1:-1]:
        local = datetime.fromtimestamp(edge, zone)
        if minutes == DAY:
            assert edge == instants(local.replace(hour=0, minute=0, tzinfo=None), zone)[0]
        elif edge != change[1].timestamp():  # where half an hour comes twice, the second one is an interval
            assert (local.hour * 60 + local.minute) % minutes == 0
            assert local.second == 0


def _state(at: float, state: str, queue: str = "", code: int | None = None) -> AgentStateRecord:
    return AgentStateRecord(agent_id=1, at=at, queue=queue, state=state, pause_code_id=code, reason="", call_id=None)


def _call(number: int, joined: float, answered: float | None, ended: float) -> QueueCallRecord:
    return QueueCallRecord(
        call_id=f"c{number}",
        queue="500",
        joined_at=joined,
        position=1,
        priority=0,
        outcome="abandoned" if answered is None else "answered",
        answered_at=answered,
        agent_id=None if answered is None else 1,
        wait=(ended if answered is None else answered) - joined,
        ring=1.0,
        talk=None if answered is None else ended - answered,
        ended_at=ended,
        ended_by="agent",
        exit_position=1,
    )


@settings(max_examples=200)
@given(
    change=_CHANGES,
    begin=_AROUND,
    length=_LENGTHS,
    minutes=_MINUTES,
    steps=st.lists(st.tuples(st.integers(1, 9000), st.booleans()), min_size=1, max_size=25),
    starts=_AROUND,
)
def test_the_parts_add_up_to_the_whole(
    change: tuple[str, datetime],
    begin: int,
    length: int,
    minutes: int | None,
    steps: list[tuple[int, bool]],
    starts: int,
) -> None:
    """An agent's day of calls, wraps and pauses, over the change: what is in the intervals is what is in all of it."""
    zone, noon = ZoneInfo(change[0]), change[1].timestamp()
    since = noon + begin
    cut, whole = (Intervals.cut(since, since + length, part, zone) for part in (minutes, None))
    at, calls, states, offers = noon + starts, [], [_state(noon + starts, "available")], []
    for number, (seconds, answered) in enumerate(steps):
        joined, at = at, at + seconds
        calls.append(_call(number, joined, at if answered else None, at + (60 if answered else 0)))
        states.append(_state(joined + seconds / 2, "paused", code=number % 3))
        if answered:
            offer = {"id": str(number), "call_id": f"c{number}", "queue": "500", "agent_id": 1, "outcome": "answered"}
            offers.append(OfferRecord(**offer, offered_at=at - 1, ended_at=at, ring=1.0))  # type: ignore[arg-type]
            states += [_state(at, "on_call"), _state(at + 60, "wrap_up", "500"), _state(at + 60, "wrap_up")]
            states += [_state(at + 90, "available", "500")]
            at += 90
        states.append(_state(at, "available"))
    now = at + 100
    split = presence(states, offers, cut, now)
    (everything,) = presence(states, offers, whole, now)
    for state in {row.state for row in states}:
        parts = [row.states.get(state, 0.0) for row in split]
        assert all(part >= 0 for part in parts)
        assert sum(parts) == pytest.approx(everything.states.get(state, 0.0))
    assert sum(row.offers.get("answered", 0) for row in split) == everything.offers.get("answered", 0)
    assert all(row.signed_in <= b - a + 0.001 for row, (a, b) in zip(split, cut, strict=True))
    wraps = wrap_ups(states)
    handled = totals(handling(calls, wraps, cut).get((1, "500"), []))
    assert handled == totals(handling(calls, wraps, whole).get((1, "500"), []))
    entered = [[call for call in calls if cut.holding(call.joined_at) == n] for n in range(len(cut))]
    inside = [call for call in calls if whole.holding(call.joined_at) is not None]
    assert sum(map(len, entered)) == len(inside)
    counted = [waiting(rows, "500", 20.0, 5.0, now).counts for rows in entered]
    assert sum(counts.entered for counts in counted) == len(inside)
    assert sum(counts.answered + counts.abandoned for counts in counted) == len(inside)
    shift = [Activity(since=noon, until=noon + 8 * 3600, kind=ActivityKind.ON_QUEUE)]
    (kept,) = adherence(states, shift, whole, now)
    parted = adherence(states, shift, cut, now)
    assert sum(row.scheduled for row in parted) == pytest.approx(kept.scheduled)
    assert sum(row.adherent for row in parted) == pytest.approx(kept.adherent)
    assert all(0 <= row.adherent <= row.scheduled + 0.001 for row in parted)
