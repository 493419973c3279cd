"""Bringing callers and agents together.

There is one way for a caller to get to an agent, whichever of the two came last: `settle`, after every event. It looks
only at queues in which an agent got free or a caller wants one, takes the callers of all of them in one order (weight
of the queue, priority, time of joining), and lets the strategy of his queue choose for each. Nothing polls, and nothing
is looked at while nobody is free.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from ari_app.acd import announcements, callers, overflow
from ari_app.acd.agent import Agent
from ari_app.acd.commands import Offer
from ari_app.acd.emptiness import fitness, who_must_leave
from ari_app.acd.fitting import Need
from ari_app.acd.floor import Floor
from ari_app.acd.offers import COOL_DOWN
from ari_app.acd.queue import Caller, CallerState, OpenOffer, Queue
from ari_app.acd.ranking import Key, Ranking
from ari_app.acd.settings import Strategy

#: who comes first (weight, place), his queue, those who need the same, and what (None: anybody will do)
Head = tuple[int, Key, Queue, Ranking[str], Need | None]


def settle(floor: Floor) -> None:
    """After this no caller who wants an agent and no agent who could take him are both still there."""
    if not _serve_at_once(floor):
        for agent in floor.dirty.values():
            floor.reindex(agent)
        if floor.touched:
            _match(floor)
    if floor.thinned:
        _leave_empty(floor)
    if floor.loose:
        for caller in list(floor.loose.values()):
            if caller.state is CallerState.RESTING:
                _rest(floor, caller)
        for caller in list(floor.loose.values()):
            if caller.call_back is None and caller.state is not CallerState.OFFERED:
                _wait_on(floor, caller)
        floor.loose.clear()
    if floor.moved:
        announcements.positions_changed(floor)


def _wait_on(floor: Floor, caller: Caller) -> None:
    queue = floor.queues[caller.queue]
    if queue.settings.announce_frequency:
        announcements.begin(floor, caller)
    if queue.record.overflow:
        overflow.watch(floor, queue, caller)


def _serve_at_once(floor: Floor) -> bool:
    """One agent gets free where callers wait who can have nobody else: he gets the first of them. True: so it was.

    Nothing else than what `reindex` and `_match` would have done, but he is not put among the free of all his queues to
    be taken out of them again; that is most of what a decision costs while callers wait in many of them. Whatever is
    not as plain as that is left to those two.
    """
    if floor.touched or len(floor.dirty) != 1:
        return False
    (agent,) = floor.dirty.values()
    phone = floor.phones.get(agent.extension, "idle")
    if agent.id in floor.listed or not floor.is_free(agent, phone):
        return False
    head = _first_alone(floor, agent, phone)
    if head is None:
        return False
    _, place, queue, _, _ = head
    caller = floor.callers[place[-1]]
    if caller.state is not CallerState.WAITING or caller.missed:
        return False
    membership = agent.memberships[queue.settings.extension]
    _offer(floor, queue, caller, queue.choose_only(agent, membership, floor.dice))
    return True


def _first_alone(floor: Floor, agent: Agent, phone: str) -> Head | None:
    """The first caller whom an agent who gets free fits; None: there is none, or it is not as plain as that."""
    first: Head | None = None
    for extension, membership in agent.memberships.items():
        queue = floor.queues[extension]
        ready = membership.ready
        if queue.staffed and queue.staff.rate(agent.id, fitness(agent, membership, phone, ready)):
            floor.thinned.add(extension)
        if not ready or not queue.wanting.key_of:
            continue
        if queue.settings.strategy is Strategy.RINGALL:
            return None
        weight = -queue.settings.weight
        for need, line in queue.groups.items() if queue.sorting else ((None, queue.wanting),):
            fits = queue.fitting.test_alone(need)
            if fits is None:
                return None
            place = line.keys[0]
            if (first is None or (weight, place) < first[:2]) and fits(agent.skills):
                first = (weight, place, queue, line, need)
    return first


def _match(floor: Floor) -> None:
    heads = _heads(floor)
    heapify(heads)
    while heads:
        weight, place, queue, line, need = heappop(heads)
        free = queue.idle if need is None else queue.fitting.who(need)
        if not free:  # nobody fits, or others took them
            continue
        caller = floor.callers[place[-1]]
        if caller.state is CallerState.RESTING and floor.rested(caller):
            floor.end_rest(caller)
        if chosen := queue.choose(free, caller.missed, floor.dice):
            _offer(floor, queue, caller, chosen)
            if not free:
                continue
        if following := line.after(place):
            heappush(heads, (weight, following, queue, line, need))
    for extension in sorted(floor.touched):
        touched = floor.queues.get(extension)
        if touched is not None and touched.settings.strategy is Strategy.RINGALL:
            _join_in(floor, touched)
    floor.touched.clear()


def _heads(floor: Floor) -> list[Head]:
    """The first of each line for whom somebody may be free."""
    heads: list[Head] = []
    for extension in floor.touched:
        queue = floor.queues.get(extension)
        if queue is None or not queue.wanting.key_of or not queue.idle.key_of:
            continue
        weight = -queue.settings.weight
        if not queue.sorting:
            heads.append((weight, queue.wanting.keys[0], queue, queue.wanting, None))
            continue
        for need, line in queue.groups.items():
            if queue.fitting.anybody(need):
                heads.append((weight, line.keys[0], queue, line, need))
    return heads


def _leave_empty(floor: Floor) -> None:
    """Those who wait where no agent is left for them are let go (app_queue's leavewhenempty, but at once)."""
    for extension in sorted(floor.thinned):
        queue = floor.queues.get(extension)
        if queue is not None and queue.wanting:
            for caller in [floor.callers[call] for call in who_must_leave(queue)]:
                if caller.call_back is None:
                    callers.release(floor, caller, "leave_empty")
    floor.thinned.clear()


def _join_in(floor: Floor, queue: Queue) -> None:
    """Ringall: an agent whom no caller waits for rings along for one whom others of his level ring for already."""
    for key in list(queue.rung.keys):
        if not queue.idle:
            return
        caller = floor.callers[key[-1]]
        free = queue.fitting.who(queue.need(caller)).keys
        if joining := [rank[-1] for rank in free if rank[0] <= caller.level and rank[-1] not in caller.missed]:
            _offer(floor, queue, caller, joining)


def _offer(floor: Floor, queue: Queue, caller: Caller, chosen: list[int]) -> None:
    queue.unwant(caller.call)
    caller.state = CallerState.OFFERED
    if queue.settings.strategy is Strategy.RINGALL:
        caller.level = max(caller.level, queue.idle.key_of[chosen[0]][0])
        queue.rung.put(caller.call, caller.place)
    floor.cancel(f"retry:{caller.call}")
    for number in chosen:
        agent = floor.agents[number]
        name = str(floor.next_offer)
        floor.next_offer += 1
        floor.offers[name] = OpenOffer(
            offer=name,
            call=caller.call,
            queue=caller.queue,
            agent=agent.id,
            extension=agent.extension,
            since=floor.now,
        )
        caller.offers.append(name)
        agent.offer = name
        floor.reindex(agent)
        floor.changed(agent)
        floor.do(
            Offer(offer=name, call=caller.call, queue=caller.queue, agent=agent.id, extension=agent.extension),
        )
        floor.start_or_cancel(f"ring:{name}", floor.now, queue.settings.agent_timeout)


def _rest(floor: Floor, caller: Caller) -> None:
    """Every agent who is free has missed him: his pause begins, or he goes."""
    retry = floor.queues[caller.queue].settings.retry
    if retry is None and caller.call_back is not None:
        retry = COOL_DOWN  # he cannot be let go: he is not there
    if retry is None:
        callers.release(floor, caller, "no_retry")
    else:
        floor.start(f"retry:{caller.call}", caller.missed_at + retry)
