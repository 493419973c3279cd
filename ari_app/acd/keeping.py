"""The place of a caller who was cut off: his again if he rings back in time (mod_callcenter's abandoned-resume).

He is known by his number, so that two who call from behind the same number may get each other's place. It is kept for
one who hung up while he waited, whatever his reason, for `keep_place` seconds and one return; with the priority he
had, unless he now has a higher one. The queue must let him in like anybody else. What is kept is his place, not his
call: the record has two entries, and the longest wait and announcements count from the second.
"""

from __future__ import annotations

from ari_app.acd.floor import Floor
from ari_app.acd.queue import Caller, KeptPlace, Queue


def keep(floor: Floor, queue: Queue, caller: Caller) -> None:
    """He has hung up. Of two places of one number the better one is kept."""
    seconds = queue.settings.keep_place
    if seconds and caller.number and caller.call_back is None:
        kept = KeptPlace(priority=caller.priority, since=caller.place[1], order=caller.order)
        other = queue.record.kept.get(caller.number, kept)
        queue.record.kept[caller.number] = min(kept, other, key=lambda x: (-x.priority, x.since, x.order))
        floor.start(_timer(queue, caller.number), floor.now + seconds)


def take_back(floor: Floor, queue: Queue, number: str) -> KeptPlace | None:
    """He enters again; None: nothing is kept for him."""
    kept = queue.record.kept.pop(number, None)
    if kept is not None:
        floor.cancel(_timer(queue, number))
    return kept


def over(floor: Floor, rest: str) -> None:
    """The timer "keep:<queue>:<number>"."""
    extension, _, number = rest.partition(":")
    del floor.queues[extension].record.kept[number]


def forget(floor: Floor, queue: Queue) -> None:
    """The queue keeps no places any more."""
    for number in list(queue.record.kept):
        take_back(floor, queue, number)


def _timer(queue: Queue, number: str) -> str:
    return f"keep:{queue.settings.extension}:{number}"
