"""How long a caller will wait: his position, times what a position has cost those before him.

Each caller who stood in line and was answered shows what a position costs: his wait, divided by the position he came
in at. That holds for any strategy and handling time, and for callers ahead who give up. Times the agents who were
signed in, it is the work that a position is; divided by those who are signed in now, it follows them at once. It is
kept as a moving average, a new one counting for a WEIGHTth.

With N agents, exponential handling times and nobody who gives up this is the exact mean, position / (N * rate); how
far single callers are from it is in the nature of waiting (one at position p: by 1 / sqrt(p) of it). What was told at
the door is compared with what then happened, for each caller: Counts.estimate_error and estimate_error_abs.
"""

from __future__ import annotations

from ari_app.acd.queue import Caller, Queue

WEIGHT = 32.0


def estimate(queue: Queue, position: int) -> float | None:
    """Seconds until one at this position (from 1) is answered; 0: at once; None: nobody knows yet."""
    if position <= len(queue.idle):
        return 0.0
    work = queue.record.work
    return None if work is None else position * work / max(1, len(queue.members))


def learn(queue: Queue, caller: Caller, wait: float) -> None:
    """He is answered after so many seconds."""
    if not caller.stood_in_line or caller.original_position < 1:
        return
    seen = wait / caller.original_position * max(1, len(queue.members))
    old = queue.record.work
    queue.record.work = seen if old is None else old + (seen - old) / WEIGHT
