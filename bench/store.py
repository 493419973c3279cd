"""What the record of one queue call costs: CPU of our process, and the delay until it is on disk.

    python -m bench.store [--calls 3000] [--rate 25] [--seconds 10] [--rounds 3] [--postgres URL] [--write]

A call is what a caller makes who waits, is offered to an agent, talks, and leaves him in wrap-up: its legs, its place
in the queue, the agent's states, the journal and the live call's state, as the dispatcher writes them. The paced run
spreads each call's facts over time as life does, so that little falls into one batch, and the process sleeps between
(what it costs to wake up is in the figure); the fast run is the catch-up after a stall. The peer is the same batches
written by SQLAlchemy's async engine, a statement for each kind of operation.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import uvloop

from ari_app.acd import commands, events
from ari_app.calls import facts
from ari_app.clock import SystemClock
from ari_app.store import connections, migrate
from ari_app.store.acd import AcdRecorder
from ari_app.store.batch import UPSERT, Batch, statement
from ari_app.store.calls import CallRecorder
from ari_app.store.database import Database
from ari_app.store.journal import Journal
from ari_app.store.keys import Keys
from ari_app.store.live_calls import LiveCalls
from ari_app.store.port import MARK, BatchConnection, Mark
from ari_app.store.writer import Writer
from bench.report import Row, machine, percentile, table, write
from tests.harness.postgres import Postgres, unavailable

STATE = json.dumps(
    {"call": "call-01hf3k2m9q7w8e5r6t4y", "legs": [{"id": "x" * 24, "state": "up"}] * 2, "pad": "." * 300}
)

Step = tuple[float, Callable[[float], None]]


class Sample:
    """Writes the record of calls."""

    def __init__(self, writer: Writer) -> None:
        self.journal, self.live = Journal(writer), LiveCalls(writer)
        self.calls, self.acd = CallRecorder(writer), AcdRecorder(writer)

    def steps(self, n: int) -> Iterator[Step]:
        """What happens in call n: (seconds after its beginning, what is written then)."""
        call, agent = f"call-{n:020d}", n % 20
        legs = (f"{call}-a", f"{call}-b")
        offer = f"offer-{n:020d}"

        def begin(at: float) -> None:
            self._call(
                facts.CallStarted(
                    at=at,
                    call=call,
                    account=1,
                    node="main",
                    direction="inbound",
                    number="500",
                    caller_number="0301234567",
                    caller_name="Ada",
                    program="queue",
                ),
                self._leg(at, legs[0], call, "caller", None),
                facts.LegAnswered(at=at, leg=legs[0]),
                facts.CallAnswered(at=at, call=call),
            )
            self._event(at, events.CallerJoined(call=call, queue="500"))
            self._fact(commands.CallerEntered(at=at, call=call, queue="500", position=1, priority=0))
            self._save(call)

        def ring(at: float) -> None:
            self._states(at, agent, "ringing", call)
            self._call(self._leg(at, legs[1], call, "agent", agent))
            self._save(call)

        def ringing(at: float) -> None:
            self._event(at, events.OfferRinging(offer=offer))
            self._call(facts.LegRinging(at=at, leg=legs[1]))
            self._save(call)

        def answer(at: float) -> None:
            self._event(at, events.OfferAnswered(offer=offer))
            self._fact(
                commands.OfferEnded(
                    at=at, offer=offer, call=call, queue="500", agent=agent, outcome="answered", ring=0.3
                )
            )
            self._fact(commands.CallerServed(at=at, call=call, queue="500", agent=agent, wait=0.5, ring=0.3))
            self._states(at, agent, "on_call", call)
            self._call(facts.LegAnswered(at=at, leg=legs[1]))
            self._save(call)

        def hang_up(at: float) -> None:
            self._event(at, events.ConversationEnded(call=call, by="caller"))
            self._fact(
                commands.CallCompleted(at=at, call=call, queue="500", agent=agent, talk=1.0, wait=0.5, by="caller")
            )
            self._states(at, agent, "wrap_up", None)
            self._call(
                facts.LegEnded(at=at, leg=legs[0], cause=16),
                facts.LegEnded(at=at, leg=legs[1], cause=16),
                facts.CallEnded(at=at, call=call, cause=16, ended_by="caller"),
            )
            self._forget(call)

        def ready(at: float) -> None:
            self._event(at, events.TimerFired(timer=f"wrap-up/{agent}/500"))
            self._states(at, agent, "available", None)

        yield from ((0.0, begin), (0.15, ring), (0.35, ringing), (0.6, answer), (1.7, hang_up), (2.9, ready))

    def _leg(self, at: float, leg: str, call: str, role: str, agent: int | None) -> facts.LegStarted:
        return facts.LegStarted(at=at, leg=leg, call=call, account=1, role=role, endpoint="PJSIP/200", agent=agent)

    def _call(self, *told: facts.AnyCallFact) -> None:
        for fact in told:
            self.calls.record(fact)

    def _fact(self, fact: commands.AnyFact) -> None:
        self.acd.record(1, fact)

    def _states(self, at: float, agent: int, state: str, call: str | None) -> None:
        for queue in ("500", None):
            self._fact(commands.AgentStateChanged(at=at, agent=agent, queue=queue, state=state, call=call))

    def _event(self, at: float, event: events.AnyEvent) -> None:
        self.journal.event(1, at, event)

    def _save(self, call: str) -> None:
        self.live.save(call, 1, "main", STATE.encode)

    def _forget(self, call: str) -> None:
        self.live.remove(call)


async def paced(sample: Sample, calls: int, rate: float) -> None:
    """As life does: `rate` calls a second, the facts of each in their own time."""
    loop, begin = asyncio.get_running_loop(), time.time() + 0.05
    due = sorted(
        ((n / rate + offset, n, step) for n in range(calls) for offset, step in sample.steps(n)),
        key=lambda item: item[:2],
    )
    done = asyncio.Event()
    for offset, _, step in due:
        loop.call_later(max(0.0, begin + offset - time.time()), step, begin + offset)
    loop.call_later(max(0.0, begin + due[-1][0] - time.time()) + 0.01, done.set)
    await done.wait()


async def fast(sample: Sample, calls: int) -> None:
    """All at once, thirty calls between two looks at the event loop."""
    now = time.time()
    for n in range(calls):
        for offset, step in sample.steps(n):
            step(now + offset)
        if n % 30 == 29:
            await asyncio.sleep(0)


class Silent(Sample):
    """The same calls with the facts made and nothing done with them: what the bench itself costs."""

    def _call(self, *told: facts.AnyCallFact) -> None:
        pass

    def _fact(self, fact: commands.AnyFact) -> None:
        pass

    def _event(self, at: float, event: events.AnyEvent) -> None:
        pass

    def _save(self, call: str) -> None:
        pass

    def _forget(self, call: str) -> None:
        pass


class Peer:
    """What a batch costs without a connection of our own: SQLAlchemy's engine, statement by statement."""

    def __init__(self, database: Database, ours: BatchConnection) -> None:
        self._database, self._ours = database, ours

    @classmethod
    async def connect(cls, database: Database) -> BatchConnection:
        return cls(database, await connections.connect(database))  # type: ignore[return-value]

    async def write(self, batch: Batch, mark: Mark) -> None:
        placeholder = "?" if self._database.sqlite else "$"
        async with self._database.transaction() as connection:
            for sql, rows in batch.statements(placeholder):
                await connection.exec_driver_sql(sql, rows)
            await connection.exec_driver_sql(
                statement(UPSERT, "spill_marks", MARK, placeholder), (mark.writer, mark.batch, mark.at)
            )

    def __getattr__(self, name: str) -> object:
        return getattr(self._ours, name)


class Measured(msgspec.Struct):
    """Of one run."""

    cpu_us: float
    operations: float
    per_second: float
    delays_ms: list[float]


async def measure(url: str, folder: Path, calls: int, rate: float, *, peer: bool = False) -> Measured:
    """Write so many calls at `rate` a second (0: as fast as it goes)."""
    database = Database(url)
    await database.start()
    writer = Writer(database, SystemClock(), folder, connect=Peer.connect if peer else connections.connect)
    await writer.start()
    delays: list[float] = []

    async def probe() -> None:
        while True:
            await asyncio.sleep(0.21)
            began = time.perf_counter()
            await writer.committed()
            delays.append((time.perf_counter() - began) * 1e3)

    async def work() -> None:
        sample = Sample(writer)
        await sample.journal.load()
        await (paced(sample, calls, rate) if rate else fast(sample, calls))
        await writer.committed()

    idle = await cpu_of(paced(Silent(writer), calls, rate) if rate else fast(Silent(writer), calls))
    prober = asyncio.create_task(probe())
    began = time.perf_counter()
    cpu = await cpu_of(work())
    took = time.perf_counter() - began
    prober.cancel()
    await writer.close()
    await database.close()
    return Measured((cpu - idle) / calls * 1e6, writer.stats.committed / calls, calls / took, delays)


async def cpu_of(work: Awaitable[None]) -> float:
    """CPU seconds of the whole process, its threads included."""
    before = time.process_time()
    await work
    return time.process_time() - before


async def key_check(url: str) -> float:
    """Microseconds of one check of a known API key."""
    database = Database(url)
    await database.start()
    keys = Keys(database, SystemClock())
    _, plain = await keys.create(1, "bench")
    await keys.check(plain)
    began = time.perf_counter()
    for _ in range(20_000):
        await keys.check(plain)
    took = time.perf_counter() - began
    await database.close()
    return took / 20_000 * 1e6


async def run(arguments: argparse.Namespace) -> list[Row]:
    rows: list[Row] = []
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = {"SQLite": f"sqlite:///{folder}/bench.sqlite"}
        if arguments.postgres:
            urls["PostgreSQL"] = arguments.postgres
        elif unavailable() is None:
            urls["PostgreSQL"] = (await stack.enter_async_context(Postgres())).url
        calls = int(arguments.rate * arguments.seconds)
        for name, url in urls.items():
            await migrate.upgrade(url)
            lives = [await measure(url, folder, calls, arguments.rate) for _ in range(arguments.rounds)]
            life = sorted(lives, key=lambda one: one.cpu_us)[len(lives) // 2]
            peer = await measure(url, folder, calls, arguments.rate, peer=True)
            rush = await measure(url, folder, arguments.calls, 0)
            rows += [
                Row(f"{name}, {arguments.rate:g} calls/s: CPU a call", "us", life.cpu_us, peer.cpu_us, 700),
                Row(f"{name}, {arguments.rate:g} calls/s: operations a call", "rows", life.operations),
                Row(f"{name}, {arguments.rate:g} calls/s: on disk, p99", "ms", percentile(life.delays_ms, 99), goal=60),
                Row(f"{name}, as fast as it goes: CPU a call", "us", rush.cpu_us, goal=700),
                Row(f"{name}, as fast as it goes: calls", "calls/s", rush.per_second),
            ]
        rows.append(Row("check of a known API key", "us", await key_check(urls["SQLite"]), goal=20))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=3000, help="of the fast run")
    parser.add_argument("--rate", type=float, default=25.0, help="calls a second of the paced run")
    parser.add_argument("--seconds", type=float, default=10.0, help="of the paced run")
    parser.add_argument("--rounds", type=int, default=3, help="paced runs, of which the median counts")
    parser.add_argument("--postgres", help="URL of a PostgreSQL database; without, one is started if it can be")
    parser.add_argument("--write", action="store_true", help="keep the result in bench/results")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]  # what others took of the machine: the figures grow with it
    rows = uvloop.run(run(arguments))
    print(table(rows))
    if arguments.write:
        write("store", machine(load=load), rows)


if __name__ == "__main__":
    main()
