"""Historical statistics: reads the record and has the figures made of it (figures.py says how each is defined)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, func, select

from ari_app.acd.settings import QueueSettings
from ari_app.store.adherence import Activity, Adherence, adherence
from ari_app.store.database import Database
from ari_app.store.figures import (
    Handling,
    Presence,
    QueueShares,
    Shares,
    Waiting,
    handling,
    presence,
    totals,
    waiting,
    wrap_ups,
)
from ari_app.store.history import AgentStateRecord, History, OfferRecord, QueueCallRecord
from ari_app.store.intervals import Intervals
from ari_app.store.rows import table_of
from ari_app.store.schedules import Schedules
from ari_app.store.today import DayRecord
from models import AgentState, Queue, User

T = TypeVar("T")

_STATES, _QUEUES, _USERS = table_of(AgentState), table_of(Queue), table_of(User)

#: seconds: a call that entered so long before a report is not looked for in it any more
LONGEST_CALL = 86400.0
#: seconds: what an agent was at the beginning of a report is looked for so far back
LONGEST_STATE = 31 * 86400.0


class QueueInterval(msgspec.Struct, frozen=True, kw_only=True):
    """A queue in an interval."""

    queue: str
    since: float
    until: float
    waiting: Waiting
    handling: Handling
    shares: Shares


class AgentInterval(msgspec.Struct, frozen=True, kw_only=True):
    """An agent in an interval."""

    agent: int
    since: float
    until: float
    handling: Handling
    presence: Presence
    adherence: Adherence


class Statistics:
    """Reports of an account. All raise StoreUnavailable.

    A month of calls is seconds of work, and calls that are going on must not wait for it: each report is made in a
    thread with a loop and a connection of its own, one at a time.
    """

    def __init__(self, database: Database) -> None:
        self._url = database.url.render_as_string(hide_password=False)
        self._one = asyncio.Lock()

    async def queues(
        self, account: int, intervals: Intervals, now: float, *, queue: str | None = None, short: float
    ) -> list[QueueInterval]:
        """Each queue that exists, or of which the record speaks, in each interval; or the one queue.

        now: the time until when states and conversations that go on are counted. short: seconds; an abandon after less
        is a short one. The T of service levels is the queue's, as it is set now.
        """
        return await self._apart(lambda reader: reader.queues(account, intervals, now, queue, short))

    async def agents(
        self, account: int, intervals: Intervals, now: float, *, agent: int | None = None
    ) -> list[AgentInterval]:
        """Each agent of whom the record or a schedule speaks, or the one agent, in each interval."""
        return await self._apart(lambda reader: reader.agents(account, intervals, now, agent))

    async def day(self, account: int, since: float, until: float) -> DayRecord:
        """What the record says of a day, for those who go on counting."""
        return await self._apart(lambda reader: reader.day(account, Intervals([since, until])))

    async def _apart(self, make: Callable[[_Reader], Awaitable[T]]) -> T:
        async def read() -> T:
            database = Database(self._url)
            await database.start()
            try:
                return await make(_Reader(database))
            finally:
                await database.close()

        async with self._one:
            return await asyncio.to_thread(lambda: asyncio.run(read()))


class _Reader:
    """Reads what a report needs, and has it made."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._history = History(database)

    async def queues(
        self, account: int, intervals: Intervals, now: float, queue: str | None, short: float
    ) -> list[QueueInterval]:
        queues = await self._thresholds(account)
        calls = await self._calls(account, intervals, queue)
        states = await self._states(account, intervals, None)
        return _queue_rows(queues, calls, states, intervals, now, queue, short)

    async def agents(self, account: int, intervals: Intervals, now: float, agent: int | None) -> list[AgentInterval]:
        calls = await self._calls(account, intervals, None)
        states = await self._states(account, intervals, agent)
        offers = await self._history.offers(account, intervals.edges[0], intervals.edges[-1], agent)
        schedules = await Schedules(self._database).get(account, intervals.edges[0], intervals.edges[-1], agent)
        return _agent_rows(calls, states, offers, schedules, intervals, now, agent)

    async def day(self, account: int, whole: Intervals) -> DayRecord:
        return DayRecord(
            calls=await self._calls(account, whole, None),
            states=await self._states(account, whole, None),
            offers=await self._history.offers(account, whole.edges[0], whole.edges[-1], None),
        )

    async def _thresholds(self, account: int) -> dict[str, tuple[bool, float]]:
        """Extension -> whether it is deleted, and its T. A living queue goes before a deleted one."""
        columns = (_QUEUES.c.extension, _QUEUES.c.deleted, _QUEUES.c.service_level)
        query = select(*columns).where(_QUEUES.c.account_id == account).order_by(_QUEUES.c.deleted.desc(), _QUEUES.c.id)
        async with self._database.transaction(write=False) as connection:
            rows = (await connection.execute(query)).all()
        return {row.extension: (row.deleted, row.service_level) for row in rows}

    async def _calls(self, account: int, intervals: Intervals, queue: str | None) -> list[QueueCallRecord]:
        since, until = intervals.edges[0], intervals.edges[-1]
        return await self._history.queue_calls(account, since - LONGEST_CALL, until, queue)

    async def _states(self, account: int, intervals: Intervals, agent: int | None) -> dict[int, list[AgentStateRecord]]:
        """Agent -> his changes of state in order: what he was when the first interval began, then what he became."""
        since, until = intervals.edges[0], intervals.edges[-1]
        agents: ColumnElement[bool] = _STATES.c.agent_id == agent
        if agent is None:
            # by agent, because that is how the table is sorted
            ours = select(_USERS.c.id).where(_USERS.c.account_id == account, _USERS.c.kind == "agent")
            agents = _STATES.c.agent_id.in_(ours)
        mine = (_STATES.c.account_id == account, agents)
        earlier = (_STATES.c.at > since - LONGEST_STATE, _STATES.c.at <= since)
        latest = (_STATES.c.at.desc(), _STATES.c.n.desc())
        rank = func.row_number().over(partition_by=(_STATES.c.agent_id, _STATES.c.queue), order_by=latest)
        ranked = select(_STATES, rank.label("rank")).where(*mine, *earlier).subquery()
        first = select(ranked).where(ranked.c.rank == 1).order_by(ranked.c.at, ranked.c.n)
        later = select(_STATES).where(*mine, _STATES.c.at > since, _STATES.c.at < until)
        found: dict[int, list[AgentStateRecord]] = {}
        async with self._database.transaction(write=False) as connection:
            for query in (first, later.order_by(_STATES.c.at, _STATES.c.n)):
                for row in (await connection.execute(query)).mappings():
                    found.setdefault(row["agent_id"], []).append(_state(row))
        return found


def _queue_rows(
    queues: dict[str, tuple[bool, float]],
    calls: list[QueueCallRecord],
    states: dict[int, list[AgentStateRecord]],
    intervals: Intervals,
    now: float,
    queue: str | None,
    short: float,
) -> list[QueueInterval]:
    handled: dict[str, list[list[Handling]]] = {}
    for (_, name), rows in handling(calls, wrap_ups(_in_order(states)), intervals).items():
        handled.setdefault(name, []).append(rows)
    shares = QueueShares(intervals, now)
    shares.calls(calls)
    for mine in states.values():
        shares.agent(mine)
    cohorts: dict[str, list[list[QueueCallRecord]]] = {}
    for call in calls:
        if (number := intervals.holding(call.joined_at)) is not None:
            cohorts.setdefault(call.queue, [[] for _ in intervals])[number].append(call)
    living = {name for name, (deleted, _) in queues.items() if not deleted}
    found = []
    for name in [queue] if queue is not None else sorted(living | cohorts.keys() | shares.found.keys()):
        threshold = queues[name][1] if name in queues else QueueSettings(extension=name).service_level
        for number, (since, until) in enumerate(intervals):
            entered = cohorts[name][number] if name in cohorts else []
            found.append(
                QueueInterval(
                    queue=name,
                    since=since,
                    until=until,
                    waiting=waiting(entered, name, threshold, short, now),
                    handling=totals(rows[number] for rows in handled.get(name, [])),
                    shares=shares.found[name][number] if name in shares.found else Shares(),
                )
            )
    return found


def _agent_rows(
    calls: list[QueueCallRecord],
    states: dict[int, list[AgentStateRecord]],
    offers: list[OfferRecord],
    schedules: dict[int, list[Activity]],
    intervals: Intervals,
    now: float,
    agent: int | None,
) -> list[AgentInterval]:
    handled: dict[int, list[list[Handling]]] = {}
    for (number, _), each in handling(calls, wrap_ups(_in_order(states)), intervals).items():
        handled.setdefault(number, []).append(each)
    offered: dict[int, list[OfferRecord]] = {}
    for offer in offers:
        offered.setdefault(offer.agent_id, []).append(offer)
    found = []
    for name in (
        [agent] if agent is not None else sorted(offered.keys() | handled.keys() | states.keys() | schedules.keys())
    ):
        mine = presence(states.get(name, []), offered.get(name, []), intervals, now)
        kept = adherence(states.get(name, []), schedules.get(name, []), intervals, now)
        for number, (since, until) in enumerate(intervals):
            whole = totals(rows[number] for rows in handled.get(name, []))
            found.append(
                AgentInterval(
                    agent=name,
                    since=since,
                    until=until,
                    handling=whole,
                    presence=mine[number],
                    adherence=kept[number],
                )
            )
    return found


def _state(row: Any) -> AgentStateRecord:
    return AgentStateRecord(**{name: row[name] for name in AgentStateRecord.__struct_fields__})


def _in_order(states: dict[int, list[AgentStateRecord]]) -> list[AgentStateRecord]:
    return [state for mine in states.values() for state in mine]
