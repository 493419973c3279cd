"""Who calls when, how long he is patient and how long he talks.

All of it is drawn beforehand, for each queue and day from a stream of its own. So every scenario with the same seed
meets the same callers, and what differs between scenarios is the scenario, not luck.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from ari_app.errors import ConfigError
from ari_app.simulate.recorded import RecordedCall
from ari_app.simulate.scenario import QueueDay, Scenario

#: how often patience is drawn again to be longer than the wait that was recorded
_TRIES = 200


class CallerPlan(NamedTuple):
    """One caller. Seconds; `at` since midnight."""

    at: float
    queue: str
    patience: float
    handling: float


def described(scenario: Scenario, seed: int, day: int) -> list[CallerPlan]:
    """The callers of a described day, in order of time."""
    callers: list[CallerPlan] = []
    for queue in scenario.queue:
        if queue.arrivals is None:
            raise ConfigError(
                f"scenario {scenario.name!r}: queue[{queue.extension}].arrivals: is needed where nothing is --recorded"
            )
        arriving, others = (Random(f"{seed}/{day}/{queue.extension}/{what}") for what in ("arrivals", "callers"))
        for start, end, calls in queue.arrivals.rates():
            rate = calls / (end - start)
            at = float(start)
            while rate and (at := at + arriving.expovariate(rate)) < end:
                callers.append(
                    CallerPlan(at, queue.extension, queue.patience.draw(others), queue.handling.draw(others))
                )
    callers.sort(key=lambda c: c.at)
    return callers


def recorded(scenario: Scenario, calls: Sequence[RecordedCall], seed: int, day: int) -> list[CallerPlan]:
    """The callers of a recorded day. What was not seen is drawn: the talk of those who gave up, the patience of those
    who did not (longer than they are known to have waited)."""
    queues = {q.extension: q for q in scenario.queue}
    if unknown := {c.queue for c in calls} - set(queues):
        raise ConfigError(
            f"scenario {scenario.name!r}: queue: the recording has {', '.join(sorted(unknown))}, which is not described"
        )
    others = {name: Random(f"{seed}/{day}/{name}/callers") for name in queues}
    callers = []
    for call in calls:
        queue, chance = queues[call.queue], others[call.queue]
        patience = call.gave_up if call.gave_up is not None else _longer(queue, call.waited, chance)
        callers.append(
            CallerPlan(
                call.at, call.queue, patience, call.talk if call.talk is not None else queue.handling.draw(chance)
            )
        )
    return callers


def _longer(queue: QueueDay, waited: float, chance: Random) -> float:
    for _ in range(_TRIES):
        if (patience := queue.patience.draw(chance)) > waited:
            return patience
    return waited + 1.0
