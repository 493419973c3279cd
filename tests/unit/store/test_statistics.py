"""Historical statistics agree with a recount, by plain means, of what the engine told; and with the live counts."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from itertools import pairwise
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import insert

from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.acd.stats import SERVICE_LEVELS, SHORT_ABANDON
from ari_app.clock import ManualClock
from ari_app.errors import AppError
from ari_app.store.acd import AcdRecorder
from ari_app.store.database import Database
from ari_app.store.figures import BUCKETS, outcomes
from ari_app.store.intervals import DAY, Intervals
from ari_app.store.queues import Queues
from ari_app.store.rows import table_of
from ari_app.store.statistics import QueueInterval, Statistics
from ari_app.store.values import QueueData
from ari_app.store.writer import Writer
from models import User
from tests.unit.acd.scene import START, Scene

UTC = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
T = 20.0
AGENTS = (1, 2, 3, 4)
QUEUES = ("500", "501")


# intervals


def at(text: str, zone: ZoneInfo = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)], ids=["spring", "autumn", "summer"]
)
def test_a_day_is_as_long_as_it_is(day: str, hours: int) -> None:
    since = at(f"{day}T00:00")
    found = Intervals.cut(since - 3600, since + hours * 3600 + 60, DAY, BERLIN)
    assert [end - begin for begin, end in found] == [3600, hours * 3600, 60]
    assert [end - begin for begin, end in Intervals.cut(since, since + hours * 3600, 60, BERLIN)] == [3600] * hours
    assert len(Intervals.cut(since, since + hours * 3600, 15, BERLIN)) == hours * 4


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia"])
@pytest.mark.parametrize("minutes", [15, 30, 60, DAY, None])
def test_intervals_have_no_gaps_and_no_end_before_their_beginning(zone: str, minutes: int | None) -> None:
    since, until = at("2011-12-20T00:10", UTC) + 7, at("2012-04-20T00:00", UTC)
    edges = Intervals.cut(since, until, minutes, ZoneInfo(zone)).edges
    assert edges[0] == since
    assert edges[-1] == until
    assert all(a < b for a, b in pairwise(edges))


def test_a_span_is_shared_out_whole() -> None:
    found = Intervals([0.0, 10.0, 15.0, 40.0])
    assert list(found.shares(-5.0, 12.0)) == [(0, 10.0), (1, 2.0)]
    assert list(found.shares(14.0, 99.0)) == [(1, 1.0), (2, 25.0)]
    assert list(found.shares(40.0, 99.0)) == []
    assert list(found.shares(5.0, 5.0)) == []
    assert [found.holding(x) for x in (-1.0, 0.0, 10.0, 14.9, 40.0)] == [None, 0, 1, 1, None]


# a random day


class Day:
    """A random history of the real engine, recorded."""

    def __init__(self, seed: int, recorder: AcdRecorder | None, begins: float = START) -> None:
        self.chance, self.recorder = Random(seed), recorder
        self.scene, self.told, self.facts = Scene(), 0, list[Any]()
        self.scene.now = begins
        for queue in QUEUES:
            settings = {"max_wait": 300.0, "max_callers": 4, "wrap_up": 30.0, "auto_pause": "no", "service_level": T}
            self.scene.queue(queue, **settings)
        for agent in AGENTS:
            self.scene.agent(agent, *QUEUES[: self.chance.choice((1, 2))])
        for number in range(800):
            self.step(number)
            self.tell()
        self.now = self.scene.now

    def tell(self) -> None:
        for _, item in self.scene.out[self.told :]:
            if isinstance(item, c.Fact):
                if self.recorder is not None:
                    self.recorder.record(1, item)  # type: ignore[arg-type]  # a fact is one of AnyFact
                self.facts.append(item)
        self.told = len(self.scene.out)

    def step(self, number: int) -> None:
        scene, pick = self.scene, self.chance.choice
        scene.advance(self.chance.uniform(0.5, 40.0))
        offers, talks, agent = scene.engine.open_offers(), scene.engine.conversations(), pick(AGENTS)
        waiting = [call.call for call in scene.engine.waiting(scene.now)]
        possible: list[e.AnyEvent] = [
            e.CallerJoined(call=f"c{number}", queue=pick(QUEUES)),
            e.CallerJoined(call=f"c{number}", queue=pick((*QUEUES, "999"))),
            pick((e.Paused(agent=agent, code=pick((None, 1, 2))), e.Resumed(agent=agent))),
            pick((e.QueueSignedOut(agent=agent, queue="501"), e.QueueSignedIn(agent=agent, queues=("501",)))),
        ]
        possible += [e.PhoneStateChanged(extension=scene.engine.extension(agent), state=pick(("idle", "idle", "busy")))]
        possible += 3 * [e.OfferAnswered(offer=offer.offer) for offer in offers]
        possible += [e.OfferFailed(offer=offer.offer, reason="busy") for offer in offers]
        possible += 2 * [e.ConversationEnded(call=talk.call, by=pick(("agent", "caller"))) for talk in talks]
        possible += [e.ConnectFailed(offer=talk.offer) for talk in talks if number % 11 == 0]
        possible += [e.CallerLeft(call=call, reason=pick(("hangup", "stolen"))) for call in waiting]
        try:
            scene.apply(pick(possible))
        except AppError:
            return


@pytest.fixture(params=[1, 2, 3])
async def day(request: pytest.FixtureRequest, writer: Writer, database: Database) -> Day:
    day = Day(request.param, AcdRecorder(writer))
    await hire(database)
    await writer.flush()
    return day


async def hire(database: Database) -> None:
    """The agents of a Day are users."""
    async with database.transaction() as connection:
        user = dict.fromkeys(column.name for column in table_of(User).columns if column.server_default is None)
        for agent in AGENTS:
            mine = {"id": agent, "account_id": 1, "kind": "agent", "number": str(agent), "login_key": str(agent)}
            more = {"first_name": "A", "deleted": False, "created_at": 0.0}
            await connection.execute(insert(User).values(**{**user, **mine, **more}))


def recount(facts: list[Any], queue: str, since: float, until: float) -> dict[str, Any]:
    """The callers who entered in the interval; what became of each is looked for anew."""
    found: Counter[str] = Counter()
    for number, fact in enumerate(facts):
        if getattr(fact, "queue", None) != queue or not since <= fact.at < until:
            continue
        if isinstance(fact, c.CallerRefused):
            found["refused"] += 1
        if not isinstance(fact, c.CallerEntered):
            continue
        found["entered"] += 1
        later = [x for x in facts[number:] if getattr(x, "call", None) == fact.call]
        exits = [x for x in later if isinstance(x, c.CallerExited)]
        served = [x for x in later if isinstance(x, c.CallerServed)]
        unserved = [x for x in later if isinstance(x, c.CallerUnserved)]
        done = [x for x in later if isinstance(x, c.CallCompleted)]
        if exits:
            (left,) = exits
            names = {"abandoned": "abandoned", "timeout": "timeouts", "no_retry": "no_retry"}
            name = names.get(left.outcome, "flow_outs")
            found[name] += 1
            found["exited_within" if name != "abandoned" else "abandoned_within"] += left.wait <= T
            if name == "abandoned":
                found["abandoned_wait"] += left.wait
                found["abandoned_short"] += left.wait < SHORT_ABANDON
        elif len(served) > len(unserved):
            wait = served[-1].wait
            found["answered"] += 1
            found["answered_within"] += wait <= T
            found["answered_wait"] += wait
            for seconds in BUCKETS:
                found[f"in {seconds}"] += wait <= seconds
            if done:
                found["completed"] += 1
                found["completed_within"] += wait <= T
                found["talk"] += done[0].talk
        else:
            found["waiting"] += 1
    return found


def figures(row: QueueInterval) -> dict[str, Any]:
    counts = row.waiting.counts
    names = "entered refused answered answered_within answered_wait completed completed_within talk abandoned"
    names += " abandoned_within abandoned_short abandoned_wait timeouts no_retry flow_outs exited_within"
    found = {name: getattr(counts, name) for name in names.split()}
    found["waiting"] = row.waiting.waiting
    return {**found, **{f"in {seconds}": n for seconds, n in row.waiting.answered_in.items()}}


@pytest.mark.parametrize("minutes", [15, 60, None])
async def test_queues_are_a_recount(day: Day, database: Database, minutes: int | None) -> None:
    since = day.facts[0].at - 100
    intervals = Intervals.cut(since, day.now + 1, minutes, BERLIN)
    rows = await Statistics(database).queues(1, intervals, day.now, short=SHORT_ABANDON)
    assert len(rows) == len(intervals) * 3
    for row in rows:
        expected = recount(day.facts, row.queue, row.since, row.until)
        got = figures(row)
        assert got == pytest.approx({name: expected[name] for name in got}), row.queue
    for queue in QUEUES:
        mine = [row for row in rows if row.queue == queue]
        done = [x for x in day.facts if isinstance(x, c.CallCompleted) and x.queue == queue]
        handled = sum(row.handling.handled for row in mine)
        assert 0 <= len(done) - handled <= len(AGENTS)  # some are still in wrap-up
        served = {(x.call, x.queue): x for x in day.facts if isinstance(x, c.CallerServed)}
        talking = sum(day.now - x.at for x in served.values() if x.call in day.scene.talking() and x.queue == queue)
        assert sum(row.shares.talk for row in mine) == pytest.approx(sum(x.talk for x in done) + talking)


async def test_the_whole_is_what_is_counted_live(day: Day, database: Database) -> None:
    whole = Intervals.cut(0.0, day.now + 1, None, UTC)
    for row in await Statistics(database).queues(1, whole, day.now, short=SHORT_ABANDON):
        if row.queue not in QUEUES:
            continue
        live = msgspec.structs.asdict(day.scene.engine.counts(row.queue))
        found = msgspec.structs.asdict(row.waiting.counts)
        # the longest wait that was taken back stays in the live one
        assert found.pop("longest_answered_wait") <= live.pop("longest_answered_wait")
        assert found.pop("open") == live.pop("open")
        assert found == pytest.approx(live)
        assert live["completed"] > 20
        one = await Statistics(database).queues(1, whole, day.now, queue=row.queue, short=SHORT_ABANDON)
        assert one == [row]


def pieces(day: Day, agent: int, queue: str | None) -> list[tuple[float, float, c.AgentStateChanged]]:
    mine = [x for x in day.facts if isinstance(x, c.AgentStateChanged) and (x.agent, x.queue) == (agent, queue)]
    return [(x.at, y, x) for x, y in zip(mine, [x.at for x in mine[1:]] + [day.now], strict=False)]


def overlap(a: float, b: float, since: float, until: float) -> float:
    return max(0.0, min(b, until) - max(a, since))


@pytest.mark.parametrize("minutes", [15, None])
async def test_agents_are_a_recount(day: Day, database: Database, minutes: int | None) -> None:
    begin = day.facts[0].at + (2000 if minutes else 0)
    intervals = Intervals.cut(begin, day.now, minutes, BERLIN)
    rows = await Statistics(database).agents(1, intervals, day.now)
    assert len(rows) == len(intervals) * len(AGENTS)
    for row in rows:
        states: Counter[str] = Counter()
        pauses: Counter[int | None] = Counter()
        private = 0.0
        for a, b, x in pieces(day, row.agent, None):
            if seconds := overlap(a, b, row.since, row.until):
                states[x.state] += seconds  # type: ignore[assignment]
                pauses[x.pause_code] += seconds if x.state == "paused" else 0.0  # type: ignore[assignment]
                private += seconds if (x.state, x.reason) == ("unavailable", "busy") else 0.0
        assert row.presence.states == pytest.approx(states)
        assert row.presence.pauses == pytest.approx({code: n for code, n in pauses.items() if n})
        assert row.presence.private == pytest.approx(private)
        offers = [x for x in day.facts if isinstance(x, c.OfferEnded) and x.agent == row.agent]
        mine = Counter(x.outcome for x in offers if row.since <= x.at - x.ring < row.until)
        assert row.presence.offers == mine
        assert outcomes(mine)[0] >= mine["answered"]
        handled, talk, wrap, waited = 0, 0.0, 0.0, 0.0
        for done in [x for x in day.facts if isinstance(x, c.CallCompleted) and x.agent == row.agent]:
            after = [(a, b) for a, b, x in pieces(day, row.agent, done.queue) if x.state == "wrap_up" and a == done.at]
            over = after[0][1] if after else done.at
            if row.since <= over < row.until:
                handled, talk, wrap = handled + 1, talk + done.talk, wrap + over - done.at
                waited += done.wait
        assert (row.handling.handled, row.handling.talk, row.handling.wrap_up) == pytest.approx((handled, talk, wrap))
        assert row.handling.waited == pytest.approx(waited)
        total = states.total() - states["signed_out"]
        busy = states["on_call"] + states["wrap_up"]
        if busy:
            assert row.presence.shares.occupancy == pytest.approx(busy / (busy + states["available"]))
            whole = busy + states["available"] + private
            assert row.presence.occupancy_genesys == pytest.approx(busy / whole)
            assert row.presence.occupancy_cisco == pytest.approx(busy / total)


async def test_idle_and_wrap_up_of_queues_are_a_recount(day: Day, database: Database) -> None:
    intervals = Intervals.cut(day.facts[0].at + 1000, day.now, 30, BERLIN)
    for row in await Statistics(database).queues(1, intervals, day.now, short=SHORT_ABANDON):
        idle, wrap = 0.0, 0.0
        for agent in AGENTS:
            here, altogether = pieces(day, agent, row.queue), pieces(day, agent, None)
            wrap += sum(overlap(a, b, row.since, row.until) for a, b, x in here if x.state == "wrap_up")
            for a, b, x in here:
                for a2, b2, y in altogether:
                    if x.state == y.state == "available":
                        idle += overlap(max(a, a2), min(b, b2), row.since, row.until)
        assert (row.shares.idle, row.shares.wrap_up) == pytest.approx((idle, wrap))


async def test_service_levels_by_their_names(writer: Writer, database: Database) -> None:
    """The contract's example: 70 answered in time, 10 abandoned in time, 20 too late."""
    recorder = AcdRecorder(writer)
    for number in range(100):
        wait = 10.0 if number < 80 else 30.0
        place = {"queue": "500", "call": f"c{number}"}
        recorder.record(1, c.CallerEntered(at=1000.0, position=1, priority=0, **place))
        if 70 <= number < 80:
            recorder.record(1, c.CallerExited(at=1010.0, outcome="abandoned", wait=wait, position=1, **place))
        elif number < 90:
            recorder.record(1, c.CallerServed(at=1000.0 + wait, agent=1, wait=wait, ring=1.0, **place))
    await Queues(database, ManualClock()).create(1, QueueData(extension="500", name="x", service_level=20.0))
    await writer.flush()
    whole = Intervals.cut(0.0, 2000.0, None, UTC)
    (row,) = await Statistics(database).queues(1, whole, 1040.0, queue="500", short=SHORT_ABANDON)
    assert row.waiting.waiting == row.waiting.waiting_beyond == 10
    levels = row.waiting.service_levels
    assert levels["cisco_ignore"] == pytest.approx(70 / 90)
    assert levels["cisco_negative"] == pytest.approx(0.7)
    assert levels["cisco_positive"] == pytest.approx(0.8)
    assert levels["genesys"] == pytest.approx(70 / 90)
    assert levels["amazon"] == pytest.approx(80 / 90)
    assert levels["asterisk"] is None  # it counts at the end of conversations
    assert set(levels) == set(SERVICE_LEVELS)
