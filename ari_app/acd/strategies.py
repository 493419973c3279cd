"""Whom to ring first: one small function each.

A strategy has two parts. Its *metric* ranks the free agents of a queue beforehand, so that they are kept in order as
they come and go; its *pick* takes from that order when a caller needs somebody. An agent's rank is

    (level, late, metric, order of signing in, agent)      smaller is rung first

level is his penalty; late is 1 if he did not take a call just now: he comes after the others of his level (an absent
agent would otherwise be rung for each caller, whatever the strategy; app_queue does that). Formulae: calc_metric
of Asterisk's apps/app_queue.c. Ties go to who signed in first (app_queue: whoever the member list happens to end with).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Container, Iterator
from math import inf
from typing import Any, NamedTuple

from ari_app.acd.agent import Agent, Membership
from ari_app.acd.settings import Strategy

Key = tuple[Any, ...]
METRIC = 2


class Dice:
    """Chance that replays: a 48-bit linear congruential generator (POSIX drand48), whose state is part of the
    engine's."""

    __slots__ = ("state",)

    def __init__(self, state: int) -> None:
        self.state = state

    def roll(self) -> float:
        """0 <= x < 1."""
        self.state = (self.state * 0x5DEECE66D + 0xB) & 0xFFFFFFFFFFFF
        return self.state / 0x1000000000000


class Candidates(NamedTuple):
    """What a strategy picks from."""

    #: the ranks of the free agents, in order
    ranks: list[Key]
    #: who did not take this caller in this round, and is not rung again in it; or does not fit him
    missed: Container[int]
    #: round robin: the metric of whoever was offered last
    pointer: int
    dice: Dice

    def fresh(self, start: int, end: int) -> Iterator[int]:
        """The agents of a stretch who have not missed this caller."""
        return (self.ranks[i][-1] for i in range(start, end) if self.ranks[i][-1] not in self.missed)

    def groups(self, width: int = METRIC) -> Iterator[tuple[int, int]]:
        """The stretches whose ranks begin alike: (level, late), or of another width."""
        start = 0
        while start < len(self.ranks):
            end = bisect_right(self.ranks, (*self.ranks[start][:width], inf, inf, inf), start)
            yield start, end
            start = end


# picks


def first(candidates: Candidates) -> list[int]:
    """The best."""
    for agent in candidates.fresh(0, len(candidates.ranks)):
        return [agent]
    return []


def everyone(candidates: Candidates) -> list[int]:
    """All of the best level that has anyone; the next level is rung when all of this one are done."""
    for start, end in candidates.groups(1):
        if agents := list(candidates.fresh(start, end)):
            return agents
    return []


def anyone(candidates: Candidates) -> list[int]:
    """By chance, each of the best group alike."""
    for start, end in candidates.groups():
        if not candidates.missed:  # the usual case, without making a list
            return [candidates.ranks[start + int(candidates.dice.roll() * (end - start))][-1]]
        if agents := list(candidates.fresh(start, end)):
            return [agents[int(candidates.dice.roll() * len(agents))]]
    return []


def next_in_turn(candidates: Candidates) -> list[int]:
    """The one after whoever was offered last, and round again."""
    ranks = candidates.ranks
    for start, end in candidates.groups():
        turn = bisect_right(ranks, (*ranks[start][:METRIC], candidates.pointer, inf), start, end)
        for stretch in ((turn, end), (start, turn)):
            for agent in candidates.fresh(*stretch):
                return [agent]
    return []


def weighted(candidates: Candidates) -> list[int]:
    """app_queue draws a number below (1 + penalty) * 1000 for each agent and takes the least. The same chances, by one
    draw for each penalty: the least of n draws below r is r * (1 - u ** (1 / n))."""
    ranks, dice = candidates.ranks, candidates.dice
    for start, end in candidates.groups():
        best, lowest = [], inf
        while start < end:
            penalty = ranks[start][METRIC]
            stop = bisect_left(ranks, (*ranks[start][:METRIC], penalty + 1), start, end)
            agents = list(candidates.fresh(start, stop))
            if agents and (least := (1 + penalty) * (1 - dice.roll() ** (1 / len(agents)))) < lowest:
                best, lowest = agents, least
            start = stop
        if best:
            return [best[int(dice.roll() * len(best))]]
    return []


# metrics


def nothing(_agent: Agent, _membership: Membership) -> float:
    return 0.0


def last_call(_agent: Agent, membership: Membership) -> float:
    """The end of the last conversation: no-answers do not count."""
    return -inf if membership.last_call_at is None else membership.last_call_at


def calls(_agent: Agent, membership: Membership) -> float:
    return membership.calls_taken


def signed_in(_agent: Agent, membership: Membership) -> float:
    return membership.order


def number(agent: Agent, _membership: Membership) -> float:
    """An order that signing in and out does not change."""
    return agent.id


def penalty(_agent: Agent, membership: Membership) -> float:
    return membership.skill


class Rule(NamedTuple):
    metric: Callable[[Agent, Membership], float]
    pick: Callable[[Candidates], list[int]]
    #: whether penalties make levels
    levels: bool = True
    #: whether who missed a call comes later
    late: bool = True
    #: whether it goes on from whoever was offered last, answered or not
    turns: bool = False


RULES: dict[Strategy, Rule] = {
    Strategy.RINGALL: Rule(nothing, everyone, late=False),
    Strategy.LEASTRECENT: Rule(last_call, first),
    Strategy.FEWESTCALLS: Rule(calls, first),
    Strategy.RANDOM: Rule(nothing, anyone),
    Strategy.RRMEMORY: Rule(signed_in, next_in_turn, turns=True),
    Strategy.RRORDERED: Rule(number, next_in_turn, turns=True),
    Strategy.LINEAR: Rule(signed_in, first),
    Strategy.WRANDOM: Rule(penalty, weighted, levels=False),
}


def rank(strategy: Strategy, agent: Agent, membership: Membership) -> Key:
    """An agent's rank among the free ones of a queue."""
    rule = RULES[strategy]
    return (
        membership.skill if rule.levels else 0,
        int(rule.late and agent.missed),
        rule.metric(agent, membership),
        membership.order,
        agent.id,
    )


def pick(strategy: Strategy, candidates: Candidates) -> list[int]:
    """Whom to ring; several only with ringall; empty: nobody."""
    return RULES[strategy].pick(candidates)
