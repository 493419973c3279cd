"""What waiting callers are told, and when: their position, and how long it takes (say_position of
Asterisk's apps/app_queue.c).

* First as soon as they wait, then each `announce_frequency` seconds, and sooner when the position has changed; never
  within 15 s of the time before (app_queue's minannouncefrequency). 0: never, neither position nor hold time.
* Never while phones ring for a caller or while he is being joined: app_queue does not speak to one whose turn it is.
* The hold time is what estimate.py expects of one at his position, from now on, in whole minutes, rounded; nothing is
  said of less than half a minute, or as long as nobody knows. app_queue tells all the same: an average of past waits,
  whatever the line is now, less what this caller has waited already, and once that is more, the difference, growing.
  `once`: only the first time. To the one who is next, it is said that he is, and no time.

A timer "say:<call>" tells when to speak, or when the position would be news: from then on the caller *listens*, and is
told at once when it changes. Nothing polls.
"""

from __future__ import annotations

from ari_app.acd.commands import Announce
from ari_app.acd.estimate import estimate
from ari_app.acd.floor import EARLY, Floor
from ari_app.acd.queue import Caller, CallerState, Queue
from ari_app.acd.settings import AnnounceHoldTime

#: app_queue's minannouncefrequency
PAUSE = 15.0


def begin(floor: Floor, caller: Caller) -> None:
    """He waits (again): he is told where he stands, if that is not to come anyway."""
    if f"say:{caller.call}" not in floor.timers and floor.queues[caller.queue].settings.announces:
        said = caller.announced_at
        floor.start(f"say:{caller.call}", floor.now if said is None else max(floor.now, said + PAUSE))


def end(floor: Floor, caller: Caller) -> None:
    """He waits no longer."""
    caller.listens = False
    floor.cancel(f"say:{caller.call}")


def configured(floor: Floor, queue: Queue, caller: Caller) -> None:
    """The queue is set otherwise."""
    end(floor, caller)
    queue.listening.discard(caller.call)
    if caller.state is not CallerState.OFFERED:
        begin(floor, caller)


def due(floor: Floor, call: str) -> None:
    """The timer "say:<call>"."""
    caller = floor.callers[call]
    queue = floor.queues[caller.queue]
    if caller.state is CallerState.OFFERED:
        return  # `begin` comes when he waits again
    said, frequency = caller.announced_at, queue.settings.announce_frequency
    moved = queue.places.position(call) != caller.announced_position
    if said is None or moved or floor.now >= said + frequency - EARLY:
        _speak(floor, queue, caller)
    else:
        caller.listens = True
        queue.listening.add(call)
        floor.start(f"say:{call}", said + frequency)


def positions_changed(floor: Floor) -> None:
    """After callers came or went: tell those who listen, and stand elsewhere now."""
    for extension in sorted(floor.moved):
        queue = floor.queues.get(extension)
        if queue is None or not queue.listening:
            continue
        for caller in sorted((floor.callers[call] for call in queue.listening), key=lambda x: x.place):
            elsewhere = queue.places.position(caller.call) != caller.announced_position
            if elsewhere and caller.state is not CallerState.OFFERED:
                _speak(floor, queue, caller)
    floor.moved.clear()


def _speak(floor: Floor, queue: Queue, caller: Caller) -> None:
    settings = queue.settings
    position = queue.places.position(caller.call)
    minutes = None
    if position > 1 or not settings.announce_position:
        minutes = _minutes(queue, position)
    first, caller.announced_at, caller.announced_position = caller.announced_at is None, floor.now, position
    if settings.announce_hold_time is AnnounceHoldTime.ONCE and not first:
        minutes = None
    caller.listens = False
    queue.listening.discard(caller.call)
    floor.start(f"say:{caller.call}", floor.now + PAUSE)
    if settings.announce_position or minutes is not None:
        told = position if settings.announce_position else None
        floor.do(Announce(call=caller.call, queue=caller.queue, position=told, minutes=minutes))


def _minutes(queue: Queue, position: int) -> int | None:
    if queue.settings.announce_hold_time is AnnounceHoldTime.NO:
        return None
    seconds = estimate(queue, position)
    return None if seconds is None else int(seconds + 30) // 60 or None
