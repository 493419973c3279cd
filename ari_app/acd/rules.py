"""The language of routing rules: whom a caller may be offered to, by skills and by how long he has waited.

    english >= 3 and (sales or wait >= 60)

    rule        = both { "or" both }
    both        = condition { "and" condition }
    condition   = "not" condition | "(" rule ")" | comparison | skill
    comparison  = ( skill | "wait" ) ( "<" | "<=" | ">" | ">=" | "=" | "==" | "!=" ) number

A skill is the agent's level, 0 to 100; one he does not have is 0, and a skill alone means more than 0. `wait` is the
whole seconds the caller has waited. `wanted` alone: the agent has what the caller wants; a rule that does not speak of
it holds in addition to that. Letters are a to z, digits and _, in either case.

A rule is compiled once. Between two of its turns the waiting time decides nothing, so each such stage gets a function
of its own in which the conditions on it are settled already. Nothing in a rule can do anything but compare.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from operator import eq, ge, gt, le, lt, ne
from typing import NamedTuple

from ari_app.errors import CommandRefused

#: characters of a rule
LONGEST = 500
#: parentheses and nots in one another
DEEPEST = 20
LEVEL_MAX = 100
#: seconds
WAIT_MAX = 86_400
#: of the name of a skill
NAME = re.compile(r"[a-z][a-z0-9_]{0,31}\Z")
RESERVED = frozenset({"and", "or", "not", "wait", "wanted"})

_TOKEN = re.compile(r"\s*(?:(?P<word>[A-Za-z_]\w*)|(?P<number>[0-9]+)|(?P<sign><=|>=|==|!=|[<>=()]))", re.ASCII)
_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
    "=": eq,
    "==": eq,
    "!=": ne,
}
#: the agent's skills, whether the agent has what the caller wants
Test = Callable[[Mapping[str, int], bool], bool]
#: whole seconds waited -> what is left to be asked of the agent
_Part = Callable[[int], Test]


class RuleError(CommandRefused):
    """A rule that cannot be understood."""

    slug = "invalid"

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"{message} at character {position}", position=position)
        #: of the first character that is wrong, from 1
        self.position = position


class Rule:
    """A rule that was understood."""

    __slots__ = ("_part", "_stages", "turns", "wanted")

    def __init__(self, part: _Part, turns: tuple[int, ...], wanted: bool) -> None:
        self._part = part
        self._stages: dict[int, Test] = {}
        #: seconds of waiting at which it may turn, in order
        self.turns = turns
        #: it speaks of what the caller wants
        self.wanted = wanted

    def after(self, waited: float) -> Test:
        """What it asks of an agent for one who has waited so many seconds; the same until the next turn."""
        stage = bisect_right(self.turns, waited)
        found = self._stages.get(stage)
        if found is None:
            found = self._stages[stage] = self._part(self.turns[stage - 1] if stage else 0)
        return found

    def holds(self, skills: Mapping[str, int], waited: float, wanted: bool) -> bool:
        return self.after(waited)(skills, wanted)

    def next_turn(self, waited: float) -> int | None:
        """The first after so many seconds; None: it stays as it is."""
        at = bisect_right(self.turns, waited)
        return self.turns[at] if at < len(self.turns) else None


_always: Test = lambda _skills, _wanted: True  # noqa: E731
_never: Test = lambda _skills, _wanted: False  # noqa: E731


def _any(parts: list[_Part]) -> _Part:
    def at(wait: int) -> Test:
        tests = [test for part in parts if (test := part(wait)) is not _never]
        return _always if _always in tests else reduce(_or, tests, _never)

    return at


def _or(one: Test, other: Test) -> Test:
    return other if one is _never else lambda skills, wanted: one(skills, wanted) or other(skills, wanted)


def _all(parts: list[_Part]) -> _Part:
    def at(wait: int) -> Test:
        tests = [test for part in parts if (test := part(wait)) is not _always]
        return _never if _never in tests else reduce(_and, tests, _always)

    return at


def _and(one: Test, other: Test) -> Test:
    return other if one is _always else lambda skills, wanted: one(skills, wanted) and other(skills, wanted)


def _not(part: _Part) -> _Part:
    def at(wait: int) -> Test:
        test = part(wait)
        if test in (_always, _never):
            return _never if test is _always else _always
        return lambda skills, wanted: not test(skills, wanted)

    return at


class _Token(NamedTuple):
    kind: str
    text: str
    position: int


@lru_cache(maxsize=1024)
def parse(text: str) -> Rule:
    """A rule from its text. Raises RuleError."""
    if len(text) > LONGEST:
        raise RuleError(f"longer than {LONGEST} characters", LONGEST + 1)
    return _Parser(text).rule()


def valid_skill(name: str) -> bool:
    """Whether a skill can have this name."""
    return NAME.match(name) is not None and name not in RESERVED


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    end = len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            raise RuleError("not understood", at + 1)
        kind = found.lastgroup or ""
        tokens.append(_Token(kind, found[kind].lower(), found.start(kind) + 1))
        at = found.end()
    tokens.append(_Token("end", "", end + 1))
    return tokens


class _Parser:
    """Recursive descent: one method a line of the grammar."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0
        self._turns: set[int] = set()
        self._wanted = False

    def rule(self) -> Rule:
        part = self._either()
        if self._next.kind != "end":
            raise RuleError('"and", "or" or the end expected', self._next.position)
        return Rule(part, tuple(sorted(self._turns)), self._wanted)

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self, *texts: str) -> bool:
        if self._next.text not in texts or not self._next.text:
            return False
        self._at += 1
        return True

    def _either(self) -> _Part:
        parts = [self._both()]
        while self._take("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else _any(parts)

    def _both(self) -> _Part:
        parts = [self._condition()]
        while self._take("and"):
            parts.append(self._condition())
        return parts[0] if len(parts) == 1 else _all(parts)

    def _condition(self) -> _Part:
        token = self._next
        if token.text not in ("not", "("):
            return self._comparison()
        self._at += 1
        self._depth += 1
        if self._depth > DEEPEST:
            raise RuleError(f"more than {DEEPEST} levels deep", token.position)
        if token.text == "not":
            part = _not(self._condition())
        else:
            part = self._either()
            if not self._take(")"):
                raise RuleError('")" expected', self._next.position)
        self._depth -= 1
        return part

    def _comparison(self) -> _Part:
        token = self._next
        if token.kind != "word" or token.text in ("and", "or"):
            raise RuleError('a skill, "wait", "not" or "(" expected', token.position)
        self._at += 1
        if token.text == "wanted":
            self._wanted = True
            return lambda _wait: lambda _skills, wanted: wanted
        if token.text != "wait" and not valid_skill(token.text):
            raise RuleError("a name of up to 32 letters expected", token.position)
        compare = _COMPARISONS.get(self._next.text)
        if compare is not None:
            self._at += 1
            return self._compared(token, compare, self._tokens[self._at - 1].text)
        if token.text == "wait":
            raise RuleError("a comparison expected", self._next.position)
        name = token.text
        return lambda _wait: lambda skills, _wanted: skills.get(name, 0) > 0

    def _compared(self, left: _Token, compare: Callable[[int, int], bool], sign: str) -> _Part:
        limit = WAIT_MAX if left.text == "wait" else LEVEL_MAX
        number = self._next
        if number.kind != "number" or len(number.text) > 9 or int(number.text) > limit:
            raise RuleError(f"a number from 0 to {limit} expected", number.position)
        self._at += 1
        value = int(number.text)
        if left.text == "wait":
            # It turns when the second begins, or when it is over.
            self._turns |= {"<": {value}, ">=": {value}, "<=": {value + 1}, ">": {value + 1}}.get(
                sign, {value, value + 1}
            )
            return lambda wait: _always if compare(wait, value) else _never
        name = left.text
        return lambda _wait: lambda skills, _wanted: compare(skills.get(name, 0), value)
