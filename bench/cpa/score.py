"""What the findings are worth: each call against its truth, and intervals of what was counted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ari_app.media.cpa import ANSWERS, Finding
from bench.cpa.calls import Call
from bench.report import percentile

#: Who should be found at each kind of call.
TRUTH = {"live": "LV", "ring": "LV", "machine": "AM", "short machine": "AM", "fax": "FX", "modem": "MD"}
SPOKEN = ("live", "machine", "short machine")


def wilson(hits: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share, in percent."""
    if count == 0:
        return 0.0, 100.0
    share = hits / count
    middle = share + z * z / (2 * count)
    width = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return 100 * max(0.0, (middle - width) / (1 + z * z / count)), 100 * min(
        1.0, (middle + width) / (1 + z * z / count)
    )


def poisson(count: int) -> tuple[float, float]:
    """The 95 % interval of what was counted (Garwood's, after Wilson and Hilferty; exact to a percent)."""

    def edge(number: int, z: float) -> float:
        return number * (1 - 1 / (9 * number) + z / (3 * math.sqrt(number))) ** 3 if number else 0.0

    return edge(count, -1.96), edge(count + 1, 1.96)


@dataclass
class Verdict:
    """A call and what was found in it."""

    call: Call
    found: list[Finding]

    @property
    def first(self) -> Finding | None:
        return next((finding for finding in self.found if finding.code in ANSWERS), None)

    @property
    def last(self) -> Finding | None:
        return next((finding for finding in reversed(self.found) if finding.code in ANSWERS), None)

    @property
    def right(self) -> bool:
        return self.first is not None and self.first.code == TRUTH[self.call.kind]

    @property
    def right_at_last(self) -> bool:
        return self.last is not None and self.last.code == TRUTH[self.call.kind]

    @property
    def beep_after(self) -> int | None:
        """ms from the beep's beginning until it was told; None: it was not, within half a second of its end."""
        if self.call.beep is None:
            return None
        end = self.call.beep + 1000 * self.call.detail["length"] + 500
        times = [
            f.at - self.call.beep
            for f in self.found
            if f.code == "BP" and self.call.beep - 60 <= f.since <= f.at <= end
        ]
        return int(times[0]) if times else None


@dataclass(frozen=True)
class Share:
    """A share of calls."""

    name: str
    hits: int
    count: int
    goal: float | None = None  # percent
    at_most: bool = False

    @property
    def percent(self) -> float:
        return 100 * self.hits / self.count if self.count else 0.0

    @property
    def reached(self) -> bool | None:
        if self.goal is None or not self.count:
            return None
        return self.percent <= self.goal if self.at_most else self.percent >= self.goal


@dataclass(frozen=True)
class Figure:
    """A time or a rate: at most the goal."""

    name: str
    unit: str
    value: float
    goal: float | None = None
    interval: tuple[float, float] | None = None  # of 95 %

    @property
    def reached(self) -> bool | None:
        return None if self.goal is None else self.value <= self.goal


def shares(verdicts: list[Verdict]) -> list[Share]:
    """The shares that have goals, and what else there is of each kind."""

    def share(
        name: str, kinds: Iterable[str], test: Callable[[Verdict], bool], goal: float | None, at_most: bool = False
    ) -> Share:
        those = [verdict for verdict in verdicts if verdict.call.kind in kinds]
        return Share(name, sum(map(test, those)), len(those), goal, at_most)

    def told(code: str) -> Callable[[Verdict], bool]:
        return lambda verdict: any(finding.code == code for finding in verdict.found)

    beeps = [verdict for verdict in verdicts if verdict.call.beep is not None]
    return [
        share("first decision right", SPOKEN, lambda v: v.right, 96),
        share("right after the beep", SPOKEN, lambda v: v.right_at_last, 98.5),
        share(
            "human taken for a machine", ("live",), lambda v: v.first is not None and v.first.code == "AM", 0.5, True
        ),
        share("live voice known", ("live",), lambda v: v.right, None),
        share("machine known at once", ("machine", "short machine"), lambda v: v.right, None),
        Share("beep told", sum(v.beep_after is not None for v in beeps), len(beeps), 98),
        share("fax", ("fax",), lambda v: v.right, 99),
        share("modem", ("modem",), lambda v: v.right, 95),
        share("special information tone", ("sit",), told("SIT"), 97),
        share("ringback", ("ring", "ringing"), told("RING"), 97),
        share("live voice after ringback", ("ring",), lambda v: v.right, None),
        share("busy", ("busy",), lambda v: told("BUSY")(v) or told("CONGESTION")(v), 97),
        share("nobody there, nobody found", ("dead", "sit", "busy", "ringing"), lambda v: v.first is None, None),
    ]


def compare(name: str, said: dict[int, str], verdicts: list[Verdict]) -> list[Share]:
    """Another's decisions, and ours on the very same calls. said: HUMAN, MACHINE or NOTSURE by the call's number."""
    both = [verdict for verdict in verdicts if verdict.call.number in said]
    lives = [verdict for verdict in both if verdict.call.kind == "live"]
    words = {"LV": "HUMAN", "AM": "MACHINE"}

    def machine(verdict: Verdict) -> bool:
        return verdict.first is not None and verdict.first.code == "AM"

    return [
        Share(f"{name}: right", sum(said[v.call.number] == words[TRUTH[v.call.kind]] for v in both), len(both)),
        Share("  ours on these calls", sum(v.right for v in both), len(both)),
        Share(f"{name}: human taken for a machine", sum(said[v.call.number] == "MACHINE" for v in lives), len(lives)),
        Share("  ours on these calls, human for machine", sum(map(machine, lives)), len(lives)),
        Share(f"{name}: not sure", sum(said[v.call.number] == "NOTSURE" for v in both), len(both)),
    ]


def figures(verdicts: list[Verdict]) -> list[Figure]:
    """Times of decisions; where the end of a greeting is not known, none is counted."""
    live = [
        v.first.at - v.call.greeting_end
        for v in verdicts
        if v.call.kind == "live" and v.call.greeting_end and v.first and v.right
    ]
    machine = [v.first.at - v.first.since for v in verdicts if v.call.kind == "machine" and v.first and v.right]
    beeps = [v.beep_after for v in verdicts if v.beep_after is not None]
    times = [
        ("live voice after the greeting's end", live, (900, 1300)),
        ("machine after its first word", machine, (None, None)),
        ("beep after its beginning", beeps, (None, 200)),
    ]
    return [
        Figure(f"{name}, p{share}", "ms", percentile(found, share), goal)
        for name, found, goals in times
        if found
        for share, goal in zip((50, 95), goals, strict=True)
    ]


def errors(verdicts: list[Verdict]) -> list[str]:
    """Each first decision that is wrong: the call, what was said of it and why."""
    lines = []
    for verdict in verdicts:
        call, first = verdict.call, verdict.first
        if (first.code if first else None) == TRUTH.get(call.kind):
            continue
        about = " ".join(f"{name}={value}" for name, value in call.strata.items())
        said = f"{first.code} at {first.at}: {first.reason} {dict(first.facts)}" if first else "nobody"
        lines.append(f"{call.number} {call.kind} ({about}, greeting until {call.greeting_end}): {said}")
    return lines


def strata(verdicts: list[Verdict]) -> list[Share]:
    """First decisions right, by each property of the line and the voice."""
    found = []
    spoken = [verdict for verdict in verdicts if verdict.call.kind in SPOKEN]
    for name in ("voice", "noise", "codec", "loss", "level", "line"):
        for value in sorted({verdict.call.strata.get(name, "") for verdict in spoken}):
            those = [verdict for verdict in spoken if verdict.call.strata.get(name) == value]
            found.append(Share(f"{name}: {value}", sum(v.right for v in those), len(those)))
    return [share for share in found if not share.name.endswith(": ")]
