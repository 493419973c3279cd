"""Skills: whom a caller may be offered to, by his queue's rule and by what he wants.

Where neither is set this costs nothing. Else a strategy is shown the free agents who fit, in its own order; they are
known beforehand (fitting.py). Callers who want the same and have waited alike fit the same agents; the queue keeps them
together, and where nobody is free for the first, none of the others is looked at: a round costs one look for each
different need, however many wait and however many are free. A rule that asks for the waiting time is looked at again
when that turns it: the timer "relax:<call>".
"""

from __future__ import annotations

import msgspec

from ari_app.acd import events as e
from ari_app.acd.floor import Floor
from ari_app.acd.queue import Caller, Queue
from ari_app.acd.rules import LEVEL_MAX, Rule, RuleError, parse, valid_skill

Skills = dict[str, int]


def routing_configured(floor: Floor, event: e.RoutingConfigured) -> None:
    """Raises RuleError."""
    checked(event.wanted)
    if event.rule:
        parse(event.rule)
    queue = floor.queues.get(event.queue)
    if queue is None:
        return floor.ignore()
    queue.route(event.rule, dict(event.wanted))
    if not queue.sorting and (event.rule or event.wanted):
        queue.sort_all()
    for key in queue.places.keys:
        watch(floor, queue, floor.callers[key[-1]])
    floor.touched.add(event.queue)
    floor.thinned.add(event.queue)
    return None


def skills_configured(floor: Floor, event: e.SkillsConfigured) -> None:
    """Raises RuleError."""
    checked(event.skills)
    agent = floor.agents.get(event.agent)
    if agent is None:
        return floor.ignore()
    agent.skills = dict(event.skills)
    for extension in agent.memberships:
        floor.queues[extension].fitting.learned(agent.id)
    floor.touched.update(agent.memberships)
    floor.thinned.update(agent.memberships)
    return None


def checked(skills: Skills) -> None:
    """Raises RuleError: a name or a level that cannot be."""
    for name, level in skills.items():
        if not valid_skill(name) or not 0 <= level <= LEVEL_MAX:
            raise RuleError(f"not a skill: {name}", 1)


def watch(floor: Floor, queue: Queue, caller: Caller) -> None:
    """A caller begins to wait, or by another rule: from now on it is looked at again when his waiting turns it."""
    rule = queue.rule
    if rule is not None:
        caller.waited = float(max(caller.waited, floor.now - caller.place[1]))
    _wake(floor, queue, rule, caller)


def waited_on(floor: Floor, call: str) -> None:
    """The timer "relax:<call>"."""
    caller = floor.callers[call]
    queue = floor.queues[caller.queue]
    rule = queue.rule
    turn = None if rule is None else rule.next_turn(caller.waited)
    if turn is not None:  # whoever runs the timers may round
        caller.waited = float(max(turn, floor.now - caller.place[1]))
    _wake(floor, queue, rule, caller)
    floor.touched.add(caller.queue)
    if queue.staffed:
        floor.thinned.add(caller.queue)


def _wake(floor: Floor, queue: Queue, rule: Rule | None, caller: Caller) -> None:
    turn = None if rule is None else rule.next_turn(caller.waited)
    floor.start_or_cancel(f"relax:{caller.call}", caller.place[1], turn)
    if queue.sorting and caller.call in queue.wanting:
        queue.sort(caller)


def read(text: str) -> Skills:
    """What a caller wants, as the dialplan says it: "english=3&sales"; a skill alone is level 1. Raises RuleError."""
    wanted: Skills = {}
    for part in filter(None, (part.strip() for part in text.split("&"))):
        name, sign, level = part.partition("=")
        name, level = name.strip().lower(), level.strip() if sign else "1"
        if not valid_skill(name) or not level.isascii() or not level.isdecimal() or int(level[:9]) > LEVEL_MAX:
            raise RuleError("a skill expected", text.index(part) + 1)
        wanted[name] = int(level[:9])
    return wanted


class Routing(msgspec.Struct, frozen=True, kw_only=True):
    """By what a queue chooses agents."""

    rule: str = ""
    wanted: Skills = {}
