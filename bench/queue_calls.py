"""Queue calls: our system against app_queue (and a bare loop), on the same Asterisk with the same SIPp load.

    python -m bench.queue_calls [--short] [--only free,arrive,memory,options]

See README.md for what is measured and how.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from bench import sip_times
from bench.capture import capture
from bench.report import Row, machine, percentile, table, write
from bench.systems import (
    BARE,
    EXTENSIONS,
    FEW,
    MANY,
    OURS_FEW,
    OURS_FEW_FULL,
    OURS_MANY,
    OURS_MANY_FULL,
    OURS_WAIT,
    PEER_FEW,
    PEER_MANY,
    Bench,
    bench,
)
from tests.harness import docker, net, sipp

#: seconds an agent talks
TALK = 2.0
#: seconds at the beginning of a run that are not looked at
WARM_UP = 2.0

PARTS = ("memory", "free", "arrive")
#: only when asked for; kept apart
MORE = ("options",)


@dataclass(frozen=True)
class Load:
    """calls a second, for so many seconds"""

    rate: float
    seconds: float

    @property
    def calls(self) -> int:
        return int(self.rate * self.seconds)


@dataclass(frozen=True)
class Loads:
    free: Load
    arrive: Load
    waiting: int


FULL = Loads(free=Load(15, 30), arrive=Load(25, 22), waiting=500)
SHORT = Loads(free=Load(15, 15), arrive=Load(25, 10), waiting=200)


@dataclass(frozen=True)
class Run:
    """What one run of calls left."""

    wire: sip_times.Wire
    #: seconds of processor time: of our process, of Asterisk
    ours_cpu: float
    asterisk_cpu: float
    calls: int


async def run(setup: Bench, number: str, load: Load, within: float) -> Run:
    """Calls at a number until all are over. Raises RuntimeError when one did not go as it should."""
    phones, carrier = setup.phones, setup.carrier
    with capture(setup.pbx.address) as wire:
        ours, asterisk = setup.ours.cpu(), setup.asterisk.cpu()
        async with (
            sipp.agents(phones, talk=[TALK]),
            sipp.callers(
                setup.pbx.sip, number, address=carrier, calls=load.calls, rate=load.rate, patience=[60]
            ) as run,
        ):
            failed = await run.finished(within=load.seconds + within)
            if failed:
                raise RuntimeError(f"calls to {number} failed: {run.failed} of {run.created}\n{run.printed()}")
            await setup.pbx.wait_idle()
            await asyncio.sleep(0.2)  # the last facts are written
        ours, asterisk = setup.ours.cpu() - ours, setup.asterisk.cpu() - asterisk
    return Run(sip_times.read(wire.messages(), callers=carrier, agents=phones), ours, asterisk, load.calls)


# --- the parts


async def memory(setup: Bench, loads: Loads) -> list[Row]:
    """Bytes that a waiting call costs in our process."""
    await run(setup, OURS_MANY, Load(10, 2), within=20)  # what is loaded at the first call is not a call's
    before = setup.ours.memory()
    async with sipp.callers(
        setup.pbx.sip, OURS_WAIT, address=setup.carrier, calls=loads.waiting, rate=50, patience=[300]
    ) as callers:
        await _until(setup, lambda live: live == loads.waiting, within=60)
        await asyncio.sleep(1)
        after = setup.ours.memory()
        await setup.pbx.cli("channel request hangup all")
        await callers.finished(within=30)
    await setup.pbx.wait_idle()
    await _until(setup, lambda live: live == 0, within=10)
    each = (after - before) / 1000 / loads.waiting
    return [Row(f"memory for each of {loads.waiting} waiting calls", "kB", each, goal=30)]


async def _until(setup: Bench, true: Callable[[float], bool], within: float) -> None:
    """Wait until it is true of the number of callers in our queues."""
    live = -1.0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within):
            while True:
                for line in (await setup.server.get_text("/metrics")).splitlines():
                    if line.startswith("ariapp_live_conversations "):
                        live = float(line.split()[1])
                if true(live):
                    return
                await asyncio.sleep(0.1)
    raise TimeoutError(f"{live:.0f} callers in our queues after {within} s")


async def free(setup: Bench, loads: Loads) -> list[Row]:
    """An agent is free: how long until the next caller's call is at his phone."""
    peer = await run(setup, PEER_FEW, loads.free, within=90)
    ours = await run(setup, OURS_FEW, loads.free, within=60)
    async with setup.bare_loop(EXTENSIONS[:FEW]):
        bare = await run(setup, BARE, loads.free, within=60)
    times = [sip_times.from_free_to_rung(each.wire, waiting=FEW) for each in (ours, peer, bare)]
    name = f"agent free -> next caller's INVITE, {FEW} agents, {loads.free.rate:g} calls/s"
    return [
        *_percentiles(name, times, {50: 5.0, 99: 20.0}),
        *_cpu("callers waiting", ours, peer, bare),
    ]


async def arrive(setup: Bench, loads: Loads) -> list[Row]:
    """A caller arrives and agents are free: how long until his call is at a phone."""
    peer = await run(setup, PEER_MANY, loads.arrive, within=20)
    ours = await run(setup, OURS_MANY, loads.arrive, within=20)
    async with setup.bare_loop(EXTENSIONS[:MANY]):
        bare = await run(setup, BARE, loads.arrive, within=20)
    times = [sip_times.from_caller_to_agent(each.wire, after=WARM_UP) for each in (ours, peer, bare)]
    name = f"caller's INVITE -> agent's INVITE, {MANY} agents, {loads.arrive.rate:g} calls/s"
    return [
        *_percentiles(name, times, {50: percentile(times[1], 50) + 2.5, 99: 12.0}),
        *_cpu("agents free", ours, peer, bare),
    ]


async def options(setup: Bench, loads: Loads) -> list[Row]:
    """Both latencies again, with every option on: announcements, recording, limits, tests for empty queues."""
    await setup.turn_everything_on()
    few = await run(setup, OURS_FEW_FULL, loads.free, within=60)
    many = await run(setup, OURS_MANY_FULL, loads.arrive, within=20)
    free_times = sip_times.from_free_to_rung(few.wire, waiting=FEW)
    arrive_times = sip_times.from_caller_to_agent(many.wire, after=WARM_UP)
    rows = []
    for name, times in (
        ("agent free -> next caller's INVITE", free_times),
        ("caller's INVITE -> agent's INVITE", arrive_times),
    ):
        for percent in (50, 99):
            rows.append(Row(f"every option on, {name}: p{percent}", "ms", percentile(times, percent)))
    for name, done in (("callers waiting", few), ("agents free", many)):
        rows.append(Row(f"every option on, processor time of a call, {name}", "ms", done.ours_cpu * 1000 / done.calls))
    return rows


def _percentiles(name: str, times: list[list[float]], goals: dict[int, float]) -> list[Row]:
    rows = []
    for percent in (50, 95, 99, 100):
        ours, peer, bare = (percentile(each, percent) for each in times)
        what = "max" if percent == 100 else f"p{percent}"
        rows.append(Row(f"{name}: {what}", "ms", ours, peer, goals.get(percent), limit=bare))
    return rows


def _cpu(what: str, ours: Run, peer: Run, bare: Run) -> list[Row]:
    asterisk = [each.asterisk_cpu * 1000 / each.calls for each in (ours, peer, bare)]
    return [
        Row(f"processor time of our process for a queue call, {what}", "ms", ours.ours_cpu * 1000 / ours.calls, goal=6),
        Row(f"processor time of Asterisk for a queue call, {what}", "ms", asterisk[0], asterisk[1], limit=asterisk[2]),
    ]


MEASURES = {"memory": memory, "free": free, "arrive": arrive, "options": options}


# --- all of it


@contextlib.asynccontextmanager
async def everything() -> AsyncIterator[Bench]:
    docker.remove_orphans()
    with tempfile.TemporaryDirectory(prefix="ari-app-bench-") as directory:
        async with bench(Path(directory), net.free_address(), net.free_address()) as setup:
            yield setup


async def measure(loads: Loads, parts: list[str]) -> list[Row]:
    rows: list[Row] = []
    load_before = os.getloadavg()[0]
    async with everything() as setup:
        version = (await setup.pbx.cli("core show version")).split(" built")[0].strip()
        for part in parts:
            print(f"measuring: {part}", flush=True)
            rows += await MEASURES[part](setup, loads)
    print(table(rows))
    described = machine(asterisk=version, load_before=round(load_before, 2))
    if loads is FULL and parts in (list(PARTS), list(MORE)):
        print(f"written to {write('queue' if parts == list(PARTS) else 'queue_options', described, rows)}")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="fewer calls; nothing is written")
    parser.add_argument(
        "--only",
        default=",".join(PARTS),
        help="some of the parts, or options: nothing is written unless it is all of the default, or options alone",
    )
    arguments = parser.parse_args()
    asyncio.run(measure(SHORT if arguments.short else FULL, arguments.only.split(",")))


if __name__ == "__main__":
    main()
