"""The engine alone, in virtual time: what a decision costs while callers wait and agents are busy.

    python -m bench.engine [--events 20000] [--write]

A decision is one event that puts a waiting caller through to an agent's phone: an agent who gets free while callers
wait, or a caller who joins while an agent is free. Around each of them the history goes on as life does (ringing,
answers, wrap-up, joins), and every event is timed.
"""

from __future__ import annotations

import argparse
import tracemalloc
from collections.abc import Iterator
from math import log
from random import Random
from time import perf_counter_ns, thread_time_ns
from typing import Any

from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.acd.engine import Engine
from ari_app.acd.settings import QueueSettings, Strategy
from bench import engine_day
from bench.report import Row, machine, percentile, table, write

#: agents; the decision's cost may grow with their logarithm
SIZES = (10, 100, 1000, 5000)
STRATEGIES = (Strategy.LEASTRECENT, Strategy.RRMEMORY, Strategy.FEWESTCALLS, Strategy.RANDOM, Strategy.LINEAR)

#: half of the agents fit before a minute is over
RULE = "english >= 50 and wait < 60 or wait >= 60 and (english >= 20 or french >= 5)"


class Centre:
    """An engine at work, with as many callers waiting as it is told to keep."""

    def __init__(self, queues: int, agents: int, queues_each: int, waiting: int, strategy: Strategy | None) -> None:
        self.engine = Engine(1)
        self.chance = Random(1)
        self.now = 1_000_000.0
        self.calls = 0
        self.queues = [str(1000 + n) for n in range(queues)]
        #: offers that ring, as (offer, call)
        self.ringing: list[tuple[str, str]] = []
        self.talking: list[str] = []
        self.wrapping: list[tuple[str, float]] = []
        #: microseconds of each event; those of decisions apart
        self.took: list[float] = []
        self.decisions: list[float] = []
        for n, queue in enumerate(self.queues):
            settings = QueueSettings(
                extension=queue,
                strategy=strategy or STRATEGIES[n % len(STRATEGIES)],
                wrap_up=10.0,
                max_wait=3600.0,
                weight=n % 3,
            )
            self.apply(e.QueueConfigured(queue=settings))
        for n in range(agents):
            bindings = {queue: 1 + n % 3 for queue in self.chance.sample(self.queues, queues_each)}
            self.apply(e.AgentConfigured(agent=n, bindings=bindings))
            self.apply(e.AgentSignedIn(agent=n, extension=str(20_000 + n)))
            self.apply(e.QueueSignedIn(agent=n))
        while self.calls - len(self.ringing) < waiting:
            self.join()
        self.answer(len(self.ringing))
        self.forget_times()

    def forget_times(self) -> None:
        self.took.clear()
        self.decisions.clear()

    def apply(self, event: e.AnyEvent) -> None:
        begun = thread_time_ns()  # of our own work, however busy the machine is with others'
        out = self.engine.apply(event, self.now)
        took = (thread_time_ns() - begun) / 1000
        self.took.append(took)
        for x in out:
            if isinstance(x, c.Offer):
                self.decisions.append(took)
                self.ringing.append((x.offer, x.call))
            elif isinstance(x, c.StartTimer) and x.timer.startswith("wrap:"):
                self.wrapping.append((x.timer, x.at))

    def take(self, items: list[Any]) -> Any:
        n = self.chance.randrange(len(items))
        items[n], items[-1] = items[-1], items[n]
        return items.pop()

    def join(self) -> None:
        self.calls += 1
        call = f"call-{self.calls:020d}"
        priority = self.chance.choice((0, 0, 0, 5))
        self.apply(e.CallerJoined(call=call, queue=self.chance.choice(self.queues), priority=priority))

    def answer(self, number: int) -> None:
        for _ in range(number):
            offer, call = self.take(self.ringing)
            self.apply(e.OfferRinging(offer=offer))
            self.apply(e.OfferAnswered(offer=offer))
            self.talking.append(call)

    def run(self, events: int) -> None:
        """One call is done, another joins."""
        while len(self.took) < events:
            self.now += 0.05
            if self.talking:
                self.apply(e.ConversationEnded(call=self.take(self.talking)))
            self.now += 0.05
            while self.wrapping:
                timer, due = self.take(self.wrapping)
                self.now = max(self.now, due)
                self.apply(e.TimerFired(timer=timer))
            self.join()
            self.answer(len(self.ringing))


def measure_rules(events: int) -> Iterator[Row]:
    """Decisions of queues with a rule, where many of those who are free fit nobody."""
    for queues, agents, each, waiting in ((1, 300, 1, 1000), (1, 300, 1, 5000), (1000, 5000, 10, 20_000)):
        ruled = Centre(queues, agents, each, 0, STRATEGIES[0] if queues == 1 else None)
        for queue in ruled.queues:
            ruled.apply(e.RoutingConfigured(queue=queue, rule=RULE))
        for n in range(agents):
            ruled.apply(e.SkillsConfigured(agent=n, skills={"english": n % 101, "french": n % 7}))
        while ruled.calls - len(ruled.ringing) < waiting:
            ruled.join()
        ruled.answer(len(ruled.ringing))
        ruled.forget_times()
        ruled.run(events)
        name = f"decision by a rule, {queues} queues, {agents} agents in {each} each, {waiting} waiting"
        yield Row(f"{name}: median", "us", percentile(ruled.decisions, 50), goal=50)
        yield Row(f"{name}: p99.9", "us", percentile(ruled.decisions, 99.9), goal=500)


def measure(events: int) -> Iterator[Row]:
    for strategy in STRATEGIES[:3]:
        centre = Centre(1, 300, 1, 1000, strategy)
        centre.run(events)
        name = f"decision, {strategy}, 300 agents, 1000 waiting"
        yield Row(f"{name}: median", "us", percentile(centre.decisions, 50), goal=50)
        yield Row(f"{name}: p99.9", "us", percentile(centre.decisions, 99.9), goal=500)
        yield Row(
            f"events, {strategy}, 300 agents, 1000 waiting", "events/s", 1e6 / (sum(centre.took) / len(centre.took))
        )
    medians: dict[int, float] = {}
    bytes_each: dict[int, float] = {}
    for agents in SIZES:
        centre, bytes_each[agents] = _weighed(agents)
        centre.run(events)
        medians[agents] = percentile(centre.decisions, 50)
        name = f"decision, {len(centre.queues)} queues, {agents} agents in 10 each, {agents * 4} waiting"
        yield Row(f"{name}: median", "us", percentile(centre.decisions, 50), goal=50)
        yield Row(f"{name}: p99.9", "us", percentile(centre.decisions, 99.9), goal=500)
        yield Row(f"{name}: longest", "us", max(centre.decisions))
        yield Row(
            f"memory, {agents} agents in 10 queues each, {agents * 4} waiting, by agent", "kB", bytes_each[agents]
        )
    least, most = SIZES[0], SIZES[-1]
    growth = f"from {least} to {most} agents"
    yield Row(f"growth of the median decision {growth}", "times", medians[most] / medians[least], goal=log(most, least))
    # 10 agents are fewer than the tables' own size is worth
    growth = f"from {SIZES[-2]} to {most} agents"
    yield Row(f"growth of the memory by agent {growth}", "times", bytes_each[most] / bytes_each[SIZES[-2]], goal=1.25)
    for agents in (300, 5000):
        idle = Centre(max(10, agents // 5), agents, 10, 0, None)
        for _ in range(agents // 2):
            idle.join()
            idle.answer(len(idle.ringing))
        idle.forget_times()
        idle.run(events)
        name = f"decision, {len(idle.queues)} queues, {agents} agents in 10 each, half of them free"
        yield Row(f"{name}: median", "us", percentile(idle.decisions, 50), goal=50)
        yield Row(f"{name}: p99.9", "us", percentile(idle.decisions, 99.9), goal=500)
    yield from measure_rules(events)
    begun = perf_counter_ns()
    snapshot = centre.engine.snapshot()
    yield Row("snapshot of the last", "ms", (perf_counter_ns() - begun) / 1e6)
    yield Row("its size", "kB", len(snapshot) / 1000)
    begun = perf_counter_ns()
    Engine.restore(snapshot)
    yield Row("restored in", "ms", (perf_counter_ns() - begun) / 1e6)
    yield from engine_day.measure()


def _weighed(agents: int) -> tuple[Centre, float]:
    """A centre of that size (a queue for five agents, ten at least), and its bytes by agent, in thousands."""
    make = (max(10, agents // 5), agents, 10, agents * 4, None)
    tracemalloc.start()
    try:
        weighed = Centre(*make)
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    del weighed
    return Centre(*make), size / 1000 / agents  # one that was never traced: its events are timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=20_000, help="per measurement")
    parser.add_argument("--write", action="store_true", help="keep the result in bench/results")
    args = parser.parse_args()
    rows = list(measure(args.events))
    print(table(rows))
    if args.write:
        write("engine", machine(), rows)


if __name__ == "__main__":
    main()
