"""Adherence and conformance, against a count second by second; and schedules as they are kept."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_app.clock import ManualClock
from ari_app.dialects.eq.wire.schedule import SchedulesUpdate, to_schedules
from ari_app.errors import NotFound
from ari_app.store.accounts import DEFAULT, Accounts
from ari_app.store.adherence import IN_SERVICE, Activity, ActivityKind, Adherence, adherence
from ari_app.store.database import Database
from ari_app.store.history import AgentStateRecord
from ari_app.store.intervals import Intervals
from ari_app.store.passwords import Passwords
from ari_app.store.pause_codes import PauseCodes
from ari_app.store.schedules import Schedules
from ari_app.store.users import Users
from ari_app.store.values import UserData

BERLIN = ZoneInfo("Europe/Berlin")
ON_QUEUE, BREAK, OTHER = ActivityKind.ON_QUEUE, ActivityKind.BREAK, ActivityKind.OTHER


def became(at: float, state: str, code: int | None = None, queue: str = "") -> AgentStateRecord:
    return AgentStateRecord(agent_id=1, at=at, queue=queue, state=state, pause_code_id=code, reason="", call_id=None)


def for_(since: float, until: float, kind: ActivityKind, code: int | None = None) -> Activity:
    return Activity(since=since, until=until, kind=kind, pause_code=code)


def test_an_agents_day() -> None:
    """Eight hours on queue with half an hour of lunch (code 1); ten minutes late, lunch five minutes longer, of which
    ten were of another code; and he stays half an hour longer."""
    hour = 3600.0
    schedule = [for_(0, 4 * hour, ON_QUEUE), for_(4 * hour, 4.5 * hour, BREAK, 1), for_(4.5 * hour, 8 * hour, ON_QUEUE)]
    states = [
        became(600, "available"),
        became(700, "paused", 1, queue="500"),  # in one of his queues only
        became(2 * hour, "on_call"),
        became(4 * hour, "paused", 2),
        became(4 * hour + 600, "paused", 1),
        became(4.5 * hour + 300, "available"),
        became(8.5 * hour, "signed_out"),
    ]
    (found,) = adherence(states, schedule, Intervals([0, 24 * hour]), now=24 * hour)
    assert found.scheduled == 8 * hour
    assert found.scheduled_on_queue == 7.5 * hour
    assert found.adherent == 8 * hour - 600 - 600 - 300
    assert found.in_service_as_scheduled == 7.5 * hour - 600 - 300
    assert found.not_in_service_as_scheduled == 0.5 * hour
    assert found.in_service == 7.5 * hour - 600 - 300 + 0.5 * hour
    assert found.adherence == pytest.approx(1 - 1500 / 28800)
    assert found.adherence_cisco == pytest.approx(1 - 900 / 28800)
    assert found.conformance == pytest.approx((27000 + 900) / 27000)


def test_nothing_is_scheduled_and_what_is_to_come() -> None:
    (found,) = adherence([became(0, "available")], [], Intervals([0, 100]), now=50)
    assert (found.adherence, found.adherence_cisco, found.conformance) == (None, None, None)
    assert found.in_service == 50
    (found,) = adherence([], [for_(0, 100, ON_QUEUE)], Intervals([0, 100]), now=50)
    assert (found.scheduled, found.adherent) == (50, 0)  # of whom the record knows nothing is not there
    (found,) = adherence([], [for_(0, 100, OTHER)], Intervals([0, 100]), now=50)
    assert found.adherence == 1.0


END = 60
_EDGES = st.lists(st.integers(0, END), min_size=2, max_size=10, unique=True).map(sorted)


@st.composite
def _schedule(draw: st.DrawFn) -> list[Activity]:
    found = []
    for since, until in pairwise(draw(_EDGES)):
        kind = draw(st.sampled_from([*ActivityKind, None]))
        if kind is not None:
            found.append(for_(since, until, kind, None if kind is ON_QUEUE else draw(st.sampled_from([None, 1, 2]))))
    return found


@st.composite
def _states(draw: st.DrawFn) -> list[AgentStateRecord]:
    kinds = st.sampled_from(["available", "paused", "on_call", "ringing", "wrap_up", "unavailable", "signed_out"])
    times = sorted(draw(st.lists(st.integers(-5, END), max_size=12)))
    return [
        became(at, state, draw(st.sampled_from([None, 1, 2])) if state == "paused" else None, draw(queues))
        for at in times
        for state, queues in [(draw(kinds), st.sampled_from(["", "", "500"]))]
    ]


def _second_by_second(
    states: list[AgentStateRecord], schedule: list[Activity], begin: int, end: int, now: int
) -> Adherence:
    found = Adherence()
    for second in range(begin, min(end, now)):
        mine = [row for row in states if not row.queue and row.at <= second]
        state, code = (mine[-1].state, mine[-1].pause_code_id) if mine else ("signed_out", None)
        serves = state in IN_SERVICE
        found.in_service += serves
        for activity in schedule:
            if activity.since <= second < activity.until:
                found.scheduled += 1
                if activity.kind is ON_QUEUE:
                    found.scheduled_on_queue += 1
                    found.in_service_as_scheduled += serves
                    found.adherent += serves
                else:
                    found.not_in_service_as_scheduled += not serves
                    wanted = activity.pause_code
                    found.adherent += not serves if wanted is None else (state, code) == ("paused", wanted)
    return found


@settings(max_examples=300)
@given(states=_states(), schedule=_schedule(), edges=_EDGES, now=st.integers(0, END + 5))
def test_as_counted_second_by_second(
    states: list[AgentStateRecord], schedule: list[Activity], edges: list[int], now: int
) -> None:
    states = [row for row in states if row.at <= now]
    intervals = Intervals([float(edge) for edge in edges])
    found = adherence(states, schedule, intervals, now)
    assert found == [_second_by_second(states, schedule, a, b, now) for a, b in pairwise(edges)]
    for row in found:
        assert row.adherent <= row.scheduled
        assert row.adherent <= row.in_service_as_scheduled + row.not_in_service_as_scheduled


# whose clock it is


def _parsed(since: str, until: str, *activities: tuple[str, str, str], zone: ZoneInfo = BERLIN) -> list[Activity]:
    given = [{"from": a, "to": b, "activity": kind} for a, b, kind in activities]
    update = {"from": since, "to": until, "schedules": [{"agent": 1, "activities": given}]}
    return to_schedules(SchedulesUpdate.model_validate(update), zone)[2][1]


@pytest.mark.parametrize(("day", "hours"), [("2026-03-28", 7.0), ("2026-10-24", 9.0), ("2026-06-01", 8.0)])
def test_a_night_shift_is_as_long_as_the_night(day: str, hours: float) -> None:
    following = datetime.fromisoformat(day).replace(day=int(day[-2:]) + 1).date().isoformat()
    (found,) = _parsed(f"{day}T00:00", f"{following}T12:00", (f"{day}T22:00", f"{following}T06:00", "onQueue"))
    assert found.until - found.since == hours * 3600


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
@pytest.mark.parametrize("minute", ["01:59", "02:00", "02:30", "03:00", "03:01"])
def test_what_follows_on_each_other_does_so_on_any_day(day: str, minute: str) -> None:
    found = _parsed(
        f"{day}T00:00",
        f"{day}T06:00",
        (f"{day}T00:00", f"{day}T{minute}", "onQueue"),
        (f"{day}T{minute}", f"{day}T06:00", "break"),
    )
    assert found[0].until == found[1].since
    assert found[-1].until - found[0].since == {"03": 5, "10": 7}[day[5:7]] * 3600


def test_a_break_that_clocks_leave_out() -> None:
    day = "2026-03-29"
    shifts = (f"{day}T00:00", f"{day}T02:15", "onQueue"), (f"{day}T02:15", f"{day}T02:45", "break")
    found = _parsed(f"{day}T00:00", f"{day}T06:00", *shifts)
    assert [one.kind for one in found] == [ON_QUEUE]


# kept


async def test_schedules_are_replaced_in_a_span(database: Database, clock: ManualClock) -> None:
    users = Users(database, clock, Passwords(time_cost=1, memory_cost=8, parallelism=1))
    codes, schedules = PauseCodes(database, clock), Schedules(database)
    ann = await users.create(DEFAULT, "agent", UserData(first_name="Ann", number="101", password="1234"))
    ben = await users.create(DEFAULT, "agent", UserData(first_name="Ben", number="102", password="1234"))
    lunch = await codes.create(DEFAULT, "Lunch")
    other = await Accounts(database, clock).create("other")
    day = [for_(0, 100, ON_QUEUE), for_(100, 150, BREAK, lunch), for_(150, 300, ON_QUEUE)]
    await schedules.set(DEFAULT, 0, 300, {ann: day, ben: day[:1]})
    assert await schedules.get(DEFAULT, 0, 300) == {ann: day, ben: day[:1]}
    assert await schedules.get(DEFAULT, 100, 150) == {ann: day[1:2]}
    assert await schedules.get(DEFAULT, 99, 101, ann) == {ann: day[:2]}
    assert await schedules.get(other, 0, 300) == {}
    # in the middle of what there is
    await schedules.set(DEFAULT, 50, 200, {ann: [for_(60, 70, OTHER)]})
    cut = [for_(0, 50, ON_QUEUE), for_(60, 70, OTHER), for_(200, 300, ON_QUEUE)]
    assert await schedules.get(DEFAULT, 0, 300) == {ann: cut, ben: day[:1]}
    await schedules.set(DEFAULT, 10, 20, {ann: []})
    assert (await schedules.get(DEFAULT, 0, 55, ann))[ann] == [for_(0, 10, ON_QUEUE), for_(20, 50, ON_QUEUE)]
    for account, agents in ((other, {ann: []}), (DEFAULT, {ann: [], 99: []}), (DEFAULT, {ben: [for_(0, 9, BREAK, 9)]})):
        with pytest.raises(NotFound):
            await schedules.set(account, 0, 300, agents)
    assert (await schedules.get(DEFAULT, 0, 300))[ben] == day[:1]
