"""A simulated day of 100,000 calls through the engine: ten queues, 260 agents, every event of every call."""

from __future__ import annotations

from time import thread_time

from ari_app.simulate import callers
from ari_app.simulate.loop import Day
from ari_app.simulate.scenario import Scenario
from bench.report import Row

CALLS = 100_000
QUEUES = 10


def scenario() -> Scenario:
    """Round the clock; handling 180 s, patience 300 s, wrap-up 20 s; the agents are busy nine tenths of the time."""
    numbers = [str(500 + n) for n in range(QUEUES)]
    each_half_hour = CALLS / QUEUES / 48
    queues = [
        {
            "extension": number,
            "strategy": "leastrecent",
            "wrap_up": 20,
            "arrivals": {"interval": 30, "start": "00:00", "calls": [each_half_hour] * 48},
            "handling": {"distribution": "lognormal", "mean": 180, "cv": 0.8},
            "patience": {"distribution": "exponential", "mean": 300},
        }
        for number in numbers
    ]
    agents = [
        {"name": number, "count": 26, "queues": [number, numbers[(n + 1) % QUEUES]]} for n, number in enumerate(numbers)
    ]
    return Scenario.model_validate({"name": "bench", "queue": queues, "agents": agents})


def measure() -> list[Row]:
    """Processor time, on one core: of the whole day, callers made up included."""
    begun = thread_time()
    made = scenario()
    day = Day(made, callers.described(made, 1, 0), 1, 0)
    day.run()
    took = thread_time() - begun
    return [
        Row(f"a day of {CALLS:,} calls, {QUEUES} queues, 260 agents, simulated", "s", took, goal=60),
        Row("events of that day", "events/s", day.events / took),
    ]
