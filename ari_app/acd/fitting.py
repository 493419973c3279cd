"""Which of the free agents of a queue fit a caller, kept up as agents come and go.

Callers who want the same and stand between the same two turns of their queue's rule have one *need*. The free agents
who fit a need are kept in the queue's own order, and a strategy is shown those and no others: to choose costs no more
with a rule than without one. What is paid for it: an agent who gets free is judged once for each need of his queue, and
a need that is new judges each free agent once. Needs that nobody has at the moment stay, for the next caller is likely
to have the same; there are never more than KEPT of them.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from math import inf

from ari_app.acd.agent import Agent
from ari_app.acd.ranking import Key, Ranking
from ari_app.acd.rules import Rule

#: when the rule turns for a caller next, and the skills he wants
Need = tuple[int | None, tuple[tuple[str, int], ...]]
NOTHING: Need = (None, ())
KEPT = 32
#: of an agent's skills
_Test = Callable[[Mapping[str, int]], bool]


class Fitting:
    """The free agents of one queue, for each need. Not part of what is kept: made from it."""

    __slots__ = ("_alive", "_ever", "_free", "_members", "_of", "_rule", "_unjudged")

    def __init__(self, free: Ranking[int], members: dict[int, Agent], alive: Container[Need]) -> None:
        self._free = free
        self._members = members
        #: the needs of those who wait
        self._alive = alive
        self._rule: Rule | None = None
        self._of: dict[Need, tuple[_Test, Ranking[int]]] = {}
        #: a need -> whether an agent fits it, or what it turns into
        self._ever: dict[Need, _Test] = {}
        #: who got free and was not judged yet: who is free for an instant only, as most are while many wait, never is
        self._unjudged: dict[int, Key] = {}

    def configure(self, rule: Rule | None) -> None:
        """The queue has another rule."""
        self._rule = rule
        self._of.clear()
        self._unjudged.clear()
        self._ever.clear()

    def ever(self, need: Need) -> _Test | None:
        """Whether an agent fits one with this need, now or when he has waited longer; None: everybody does."""
        first, wanted = need
        if self._rule is None and not wanted:
            return None
        found = self._ever.get(need)
        if found is None:
            if len(self._ever) >= KEPT:
                self._ever.clear()
            turns = () if self._rule is None or first is None else self._rule.turns
            stages = [fits(self._rule, (turn, wanted)) for turn in turns if first is not None and turn >= first]
            stages.append(fits(self._rule, (None, wanted)))
            found = self._ever[need] = lambda skills: any(test(skills) for test in stages)
        return found

    def anybody(self, need: Need) -> bool:
        """No: nobody who is free fits. Yes: it is not known."""
        if self._unjudged or (self._rule is None and not need[1]):
            return bool(self._free)
        found = self._of.get(need)
        return bool(self._free if found is None else found[1])

    def who(self, need: Need) -> Ranking[int]:
        """The free agents who fit a need. To be looked at, not to be changed."""
        if self._rule is None and not need[1]:
            return self._free
        if self._unjudged:
            self._judge()
        found = self._of.get(need)
        if found is None:
            if len(self._of) >= KEPT:
                self._of = {old: kept for old, kept in self._of.items() if old in self._alive}
            test, members = fits(self._rule, need), self._members
            found = self._of[need] = (test, self._free.part(lambda agent: test(members[agent].skills)))
        return found[1]

    def test_alone(self, need: Need | None) -> _Test | None:
        """What decides whether one who gets free fits a need (None: anybody does); None: who does is free already."""
        if need is None:
            return None if self._free.key_of else _anybody
        found = None if self._unjudged else self._of.get(need)
        if found is None:
            free = self.who(need)
            found = self._of.get(need, (_anybody, free))
        return None if found[1].key_of else found[0]

    def _judge(self) -> None:
        for number, key in self._unjudged.items():
            skills = self._members[number].skills
            for test, free in self._of.values():
                if test(skills):
                    free.put(number, key)
        self._unjudged.clear()

    def admit(self, agent: int, key: Key) -> None:
        """An agent is free, or stands elsewhere among the free."""
        if self._of:
            self._unjudged[agent] = key

    def drop(self, agent: int) -> None:
        """He is not free any more."""
        if self._of:
            self._unjudged.pop(agent, None)
            for _, free in self._of.values():
                if agent in free.key_of:
                    free.drop(agent)

    def learned(self, agent: int) -> None:
        """His skills are others."""
        self.drop(agent)
        key = self._free.key_of.get(agent)
        if key is not None:
            self.admit(agent, key)


def _anybody(_skills: Mapping[str, int]) -> bool:
    return True


def fits(rule: Rule | None, need: Need) -> _Test:
    """Whether an agent fits callers of a need: he has what they want, and what the rule asks in addition; a rule that
    speaks of what is wanted decides alone."""
    turn, wanted = need

    def has(skills: Mapping[str, int]) -> bool:
        for name, level in wanted:  # noqa: SIM110 (a generator costs more than the look)
            if skills.get(name, 0) < level:
                return False
        return True

    if rule is None:
        return has
    asked = rule.after(inf if turn is None else turn - 1)
    if not wanted:
        return lambda skills: asked(skills, True)
    if rule.wanted:
        return lambda skills: asked(skills, has(skills))
    return lambda skills: has(skills) and asked(skills, True)
