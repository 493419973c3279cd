"""Agents' figures of today are those of a report of the same time, at every moment; also after a restart, and on the
days on which clocks are changed."""

from __future__ import annotations

import math
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from ari_app.acd import commands as c
from ari_app.store.acd import AcdRecorder
from ari_app.store.database import Database
from ari_app.store.figures import Handling, Presence
from ari_app.store.intervals import Intervals
from ari_app.store.statistics import Statistics
from ari_app.store.today import AgentsToday, day
from ari_app.store.writer import Writer
from tests.unit.store.test_statistics import Day, hire

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


def plain(handling: Handling, presence: Presence) -> dict[str, float]:
    """All figures, but states that took no time."""
    found = {f"handling.{name}": value for name, value in msgspec.structs.asdict(handling).items()}
    found |= {f"state.{state}": seconds for state, seconds in presence.states.items() if seconds}
    found |= {f"pause.{code}": seconds for code, seconds in presence.pauses.items() if seconds}
    found |= {f"offers.{outcome}": count for outcome, count in presence.offers.items()}
    return {**found, "private": presence.private}


async def compare(today: AgentsToday, database: Database, now: float, time_zone: str) -> int:
    """With a report from midnight to now; how many conversations it has."""
    since, _ = day(now, time_zone)
    until = math.nextafter(now, math.inf)  # an end is not in a report, and now is in today
    rows = await Statistics(database).agents(1, Intervals([since, until]), now)
    for row in rows:
        live = today.figures(1, row.agent, now)
        assert (live.since, live.until) == (since, now)
        assert plain(live.handling, live.presence) == pytest.approx(plain(row.handling, row.presence))
    return sum(row.handling.handled for row in rows)


@pytest.mark.parametrize(
    ("seed", "begins", "time_zone"),
    [
        (1, at("2026-06-01 22:00"), "Europe/Berlin"),
        (2, at("2026-03-28 22:30"), "Europe/Berlin"),
        (3, at("2026-10-24 22:30"), "Europe/Berlin"),
        (4, at("2026-10-25 00:30"), "Europe/Berlin"),
        (5, datetime(2025, 11, 1, 23, tzinfo=ZoneInfo("America/Havana")).timestamp(), "America/Havana"),
        (6, datetime(2026, 3, 28, 23, tzinfo=ZoneInfo("Asia/Beirut")).timestamp(), "Asia/Beirut"),
    ],
)
async def test_today_is_a_report_of_today(
    seed: int, begins: float, time_zone: str, writer: Writer, database: Database
) -> None:
    """A history of some hours over midnight; looked at now and then, and taken up from the record by others."""
    await hire(database)
    history, recorder = Day(seed, None, begins), AcdRecorder(writer)
    today = AgentsToday("UTC")
    today.begin(1, time_zone, begins)
    handled, compared = [], 0
    for number, fact in enumerate(history.facts):
        before = history.facts[max(0, number - 1)].at
        if fact.at > before and number // 120 > compared:
            compared += 1
            now = (before + fact.at) / 2
            await writer.flush()
            handled.append(await compare(today, database, now, time_zone))
            restarted = AgentsToday("UTC")
            since, _ = restarted.begin(1, time_zone, now)
            restarted.load(1, await Statistics(database).day(1, since, now + 86400))
            await compare(restarted, database, now, time_zone)
            if compared % 3 == 0:
                today = restarted  # and goes on
        recorder.record(1, fact)
        today.tell(1, fact)
    assert compared > 10
    assert max(handled) > 20
    days = {day(fact.at, time_zone) for fact in history.facts}
    assert len(days) == (1 if seed == 4 else 2)
    if seed > 1:
        assert {round((until - since) / 3600) for since, until in days} - {24}


def test_a_day_begins_with_what_was_before() -> None:
    """He is on a call at midnight, whose time after it ends in the new day; another one ended before."""
    today, midnight = AgentsToday("UTC"), 86400.0
    today.begin(1, "UTC", midnight - 100)
    facts = [
        c.AgentStateChanged(at=midnight - 100, agent=1, queue=None, state="available"),
        c.OfferEnded(at=midnight - 95, offer="1", call="a", queue="500", agent=1, outcome="answered", ring=3.0),
        c.AgentStateChanged(at=midnight - 95, agent=1, queue=None, state="on_call", call="a"),
        c.CallCompleted(at=midnight - 90, call="a", queue="500", agent=1, talk=5.0, wait=1.0, by="agent"),
        c.AgentStateChanged(at=midnight - 90, agent=1, queue=None, state="on_call", call="b"),
        c.CallCompleted(at=midnight - 10, call="b", queue="600", agent=1, talk=80.0, wait=2.0, by="agent"),
        c.AgentStateChanged(at=midnight - 10, agent=1, queue="600", state="wrap_up"),
        c.AgentStateChanged(at=midnight - 10, agent=1, queue=None, state="wrap_up"),
    ]
    for fact in facts:
        today.tell(1, fact)
    evening = today.figures(1, 1, midnight - 1)
    assert (evening.handling.handled, evening.handling.talk) == (1, 5.0)
    assert evening.presence.offers == {"answered": 1}
    assert today.figures(1, 1, midnight + 5).presence.states == {"wrap_up": 5.0}
    today.tell(1, c.AgentStateChanged(at=midnight + 20, agent=1, queue="600", state="available"))
    today.tell(1, c.AgentStateChanged(at=midnight + 20, agent=1, queue=None, state="available"))
    morning = today.figures(1, 1, midnight + 30)
    assert (morning.handling.handled, morning.handling.talk, morning.handling.wrap_up) == (1, 80.0, 30.0)
    assert morning.presence.states == {"wrap_up": 20.0, "available": 10.0}
    assert morning.presence.offers == {}
    assert morning.since == midnight


def test_a_clock_that_is_set_back_takes_nothing_away() -> None:
    today = AgentsToday("UTC")
    today.begin(1, "UTC", 1000.0)
    today.tell(1, c.AgentStateChanged(at=1000.0, agent=1, queue=None, state="available"))
    today.tell(1, c.AgentStateChanged(at=400.0, agent=1, queue=None, state="paused"))
    assert today.figures(1, 1, 300.0).presence.states == {}
    assert today.figures(1, 1, 460.0).presence.states == {"paused": 60.0}


def test_another_zone_holds_from_the_next_midnight() -> None:
    today = AgentsToday("UTC")
    noon = at("2026-06-01 12:00")
    today.begin(1, "Europe/Berlin", noon)
    today.tell(1, c.AgentStateChanged(at=noon, agent=1, queue=None, state="available"))
    today.set_time_zone(1, "America/New_York")
    assert today.figures(1, 1, noon + 3600).presence.states == {"available": 3600.0}
    found = today.figures(1, 1, at("2026-06-02 01:00"))
    assert (found.since, found.presence.states) == (at("2026-06-02 00:00"), {"available": 3600.0})
    found = today.figures(1, 1, at("2026-06-02 06:30"))  # half past midnight in New York
    assert (found.since, found.presence.states) == (at("2026-06-02 06:00"), {"available": 1800.0})


@pytest.mark.parametrize("time_zone", ["Europe/Berlin", "America/Havana", "Asia/Beirut", "Pacific/Apia", "UTC"])
def test_days_follow_on_each_other(time_zone: str) -> None:
    now = datetime(2011, 12, 1, tzinfo=ZoneInfo("UTC")).timestamp()
    since, until = day(now, time_zone)
    for _ in range(400):
        assert since <= now < until
        assert day(until - 0.001, time_zone) == (since, until)
        now = until
        since, until = day(now, time_zone)
        assert since == now
