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
    #: skills; None: as the queue says
    wanted: dict[str, int] | None = None
    #: seconds of waiting after which he asks to be called back; None: he does not
    asks: float | None = None


class _Wishes:
    """What single callers want, drawn apart from everything else: who comes when stays the same with and without."""

    def __init__(self, queue: QueueDay, seed: int, day: int) -> None:
        self._queue = queue
        self._skills, self._asks = (Random(f"{seed}/{day}/{queue.extension}/{what}") for what in ("wants", "asks"))

    def of(self, caller: CallerPlan) -> CallerPlan:
        back, wanted, asks = self._queue.call_back, None, None
        if self._queue.wants:
            left = self._skills.random()
            for part in self._queue.wants:
                left -= part.share
                if left < 0:
                    wanted = dict(part.skills)
                    break
        if back is not None:
            after, asked = back.after.draw(self._asks), self._asks.random() < back.share
            asks = after if asked else None
        return caller._replace(wanted=wanted, asks=asks)


def described(scenario: Scenario, seed: int, day: int) -> list[CallerPlan]:
    """The callers of a described day, in order of time."""
    callers: list[CallerPlan] = []
    for queue in scenario.queue:
        if queue.arrivals is None:
            raise ConfigError(
                f"scenario {scenario.name!r}: queue[{queue.extension}].arrivals: is needed where nothing is --recorded"
            )
        arriving, others = (Random(f"{seed}/{day}/{queue.extension}/{what}") for what in ("arrivals", "callers"))
        wishes = _Wishes(queue, seed, day)
        for start, end, calls in queue.arrivals.rates():
            rate = calls / (end - start)
            at = float(start)
            while rate and (at := at + arriving.expovariate(rate)) < end:
                caller = CallerPlan(at, queue.extension, queue.patience.draw(others), queue.handling.draw(others))
                callers.append(wishes.of(caller))
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
    wishes = {name: _Wishes(queue, seed, day) for name, queue in queues.items()}
    callers = []
    for call in calls:
        queue, chance = queues[call.queue], others[call.queue]
        patience = call.gave_up if call.gave_up is not None else _longer(queue, call.waited, chance)
        talk = call.talk if call.talk is not None else queue.handling.draw(chance)
        callers.append(wishes[call.queue].of(CallerPlan(call.at, call.queue, patience, talk)))
    return callers


def _longer(queue: QueueDay, waited: float, chance: Random) -> float:
    for _ in range(_TRIES):
        if (patience := queue.patience.draw(chance)) > waited:
            return patience
    return waited + 1.0
