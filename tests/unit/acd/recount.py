"""Counts of a queue, made anew from all its facts: what the incremental ones must agree with."""

from __future__ import annotations

from typing import Any

from ari_app.acd import commands as c
from ari_app.acd.stats import SHORT_ABANDON

#: a fact, and the T of service levels when it came
History = list[tuple[Any, float]]


def recount(history: History) -> dict[str, Any]:
    """Every field of Counts but the threshold."""
    served = [(x, t) for x, t in history if isinstance(x, c.CallerServed)]
    standing = list(served)
    going_on: dict[str, tuple[c.CallerServed, float]] = {}
    completed_within = 0
    for x, t in history:
        if isinstance(x, c.CallerServed):
            going_on[x.call] = (x, t)
        elif isinstance(x, c.CallerUnserved) and x.call in going_on:
            standing.remove(going_on.pop(x.call))
        elif isinstance(x, c.CallCompleted):
            answer, then = going_on.pop(x.call, (x, t))
            completed_within += answer.wait <= then
    completed = [x for x, _ in history if isinstance(x, c.CallCompleted)]
    exits = [(x, t) for x, t in history if isinstance(x, c.CallerExited)]
    abandons = [(x, t) for x, t in exits if x.outcome == "abandoned"]
    others = [(x, t) for x, t in exits if x.outcome != "abandoned"]
    short = [(x, t) for x, t in abandons if x.wait < SHORT_ABANDON]
    turned_away = [x for x, _ in history if isinstance(x, c.CallerRefused)]
    errors = [x.wait - x.estimate for x, _ in standing if x.estimate is not None]
    return {
        "entered": sum(isinstance(x, c.CallerEntered) for x, _ in history),
        "refused": sum(x.reason not in ("closed", "diverted") for x in turned_away),
        "closed": sum(x.reason == "closed" for x in turned_away),
        "diverted": sum(x.reason == "diverted" for x in turned_away),
        "answered": len(standing),
        "answered_within": sum(x.wait <= t for x, t in standing),
        "answered_wait": sum(x.wait for x, _ in standing),
        "longest_answered_wait": max((x.wait for x, _ in served), default=0.0),
        "ring": sum(x.ring for x, _ in standing),
        "open": {call: (x.wait, x.ring, x.wait <= t) for call, (x, t) in going_on.items()},
        "completed": len(completed),
        "completed_within": completed_within,
        "talk": sum(x.talk for x in completed),
        "abandoned": len(abandons),
        "abandoned_within": sum(x.wait <= t for x, t in abandons),
        "abandoned_short": len(short),
        "abandoned_short_within": sum(x.wait <= t for x, t in short),
        "abandoned_wait": sum(x.wait for x, _ in abandons),
        "longest_abandoned_wait": max((x.wait for x, _ in abandons), default=0.0),
        "timeouts": sum(x.outcome == "timeout" for x, _ in others),
        "no_retry": sum(x.outcome == "no_retry" for x, _ in others),
        "left_empty": sum(x.outcome == "leave_empty" for x, _ in others),
        "flow_outs": sum(x.outcome not in ("timeout", "no_retry", "leave_empty") for x, _ in others),
        # the histories have none: test_call_backs.py
        "call_backs": 0,
        "call_backs_reached": 0,
        "call_backs_exited": 0,
        "estimated": len(errors),
        "estimate_error": sum(errors),
        "estimate_error_abs": sum(map(abs, errors)),
        "exited_within": sum(x.wait <= t for x, t in others),
    }
