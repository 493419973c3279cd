"""The result as an aligned table, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import sqrt
from statistics import stdev
from typing import Any

from ari_app.acd.stats import SERVICE_LEVELS
from ari_app.simulate.measure import Figures, Measures

#: heading of the table -> figure, and how it is written ("%": a share; ".0f"-like: a number)
_COLUMNS = {
    "offered": ("offered", ".1f"),
    "answered": ("answered", ".1f"),
    "abandoned": ("abandoned", ".1f"),
    "other": ("left_otherwise", ".1f"),
    "SL": ("", "%"),
    "ASA s": ("average_speed_of_answer", ".1f"),
    "abandon s": ("average_abandon_time", ".1f"),
    "max wait s": ("max_wait", ".0f"),
    "agents": ("agents", ".1f"),
    "occupancy": ("occupancy", "%"),
    "utilisation": ("utilisation", "%"),
}

#: Student's t for 95 %, two-sided, by degrees of freedom from 1; beyond, it is 2.04 falling to 1.96
_STUDENT = (
    *(12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13),
    *(2.12, 2.11, 2.10, 2.09, 2.09, 2.08, 2.07, 2.07, 2.06, 2.06, 2.06, 2.05, 2.05, 2.05, 2.04),
)


@dataclass
class Result:
    """What came of one scenario."""

    name: str
    measures: Measures
    #: the figures of each day, for how much days differ
    days: list[Figures] = field(default_factory=list)

    def add(self, day: Measures) -> None:
        self.days.append(day.figures(range(len(day.calls))))
        self.measures.add(day)

    def total(self, queue: str | None = None) -> Figures:
        figures = self.measures.figures(range(len(self.measures.calls)), queue)
        if queue is None:
            figures["agents"] = None  # a mean over the night, too, would say little: agent_hours does
        return figures

    def lines(self, queue: str | None = None) -> Iterator[tuple[str, Figures]]:
        """(HH:MM, figures) of each interval."""
        for at in self.measures.lines():
            yield clock(at * self.measures.interval), self.measures.figures(range(at, at + 1), queue)

    def queues(self) -> list[str | None]:
        """None, all together, first; then each, where there are several."""
        names = list(self.measures.thresholds)
        return [None, *names] if len(names) > 1 else [None]

    def margin(self, figure: str) -> float | None:
        """Half the width of the 95 % confidence interval of a mean over days (Student's t). None: one day says nothing
        about that."""
        if figure == "max_wait":  # the largest of all days is not a mean
            return None
        values = [v for day in self.days if (v := day[figure]) is not None]
        if len(values) < 2:
            return None
        student = _STUDENT[len(values) - 2] if len(values) - 2 < len(_STUDENT) else 2.0
        return student * stdev(values) / sqrt(len(values))

    def thresholds(self) -> str:
        """The T of the service levels."""
        return "/".join(f"{t:g}" for t in dict.fromkeys(self.measures.thresholds.values())) + " s"


def clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}"


# table


def table(results: Sequence[Result], level: str, by_queue: bool = False) -> str:
    """Each scenario by interval, then all side by side. level: the service level shown, of acd.stats.SERVICE_LEVELS.
    by_queue: the queues of each one by one, too, where there are several."""
    blocks = []
    for result in results:
        for queue in result.queues() if by_queue else [None]:
            what = f", queue {queue}" if queue is not None else ""
            lines = [*result.lines(queue), ("day", result.total(queue))]
            columns = {k: v for k, v in _COLUMNS.items() if not v[0] or v[0] in lines[-1][1]}
            rows = [["from", *columns]]
            rows += [[time, *_cells(figures, columns, level)] for time, figures in lines]
            blocks.append(f"{result.name}{what}\n" + _aligned(rows))
    blocks.append(_side_by_side(results))
    days = results[0].measures.days
    blocks.append(
        f"SL: service level {level}, T = {' or '.join(dict.fromkeys(r.thresholds() for r in results))}. "
        + ("One day." if days == 1 else f"Means of {days} days; ± is half a 95 % confidence interval.")
        + " Calls count where they joined, agents' time where it passed."
    )
    return "\n\n".join(blocks) + "\n"


def _cells(figures: Figures, columns: dict[str, tuple[str, str]], level: str) -> list[str]:
    return [_written(figures[name or f"service_level_{level}"], style) for name, style in columns.values()]


def _written(value: float | None, style: str) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.1f} %" if style == "%" else format(value, style)


def _side_by_side(results: Sequence[Result]) -> str:
    figures = [(name, style) for name, style in _COLUMNS.values() if name and name != "agents"]
    figures[4:4] = [("still_waiting", ".1f"), ("refused", ".1f"), ("abandonment", "%")]
    elsewhere = ("closed", "diverted", "call_backs", "call_backs_reached")
    figures[7:7] = [(name, ".1f") for name in elsewhere if any(result.total()[name] for result in results)]
    figures += [("agent_hours", ".1f"), *((f"service_level_{name}", "%") for name in SERVICE_LEVELS)]
    rows = [["whole day", *(r.name for r in results)]]
    for name, style in figures:
        row = [name.replace("_", " ", 2 if name.startswith("service_level") else -1)]
        for result in results:
            margin = result.margin(name)
            shown = _written(result.total()[name], style)
            row.append(shown + (f" ± {_written(margin, style).removesuffix(' %')}" if margin is not None else ""))
        rows.append(row)
    return _aligned(rows, left=1)


def _aligned(rows: Sequence[Sequence[str]], left: int = 0) -> str:
    """Numbers to the right; the first `left` columns to the left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


# CSV, JSON


def as_csv(results: Sequence[Result]) -> str:
    """One line an interval, queue and scenario. queue empty: all together; from empty: the whole day."""
    out = io.StringIO()
    names = list(results[0].total())
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["scenario", "queue", "from", *names])
    for result in results:
        for queue in result.queues():
            for time, figures in [*result.lines(queue), ("", result.total(queue))]:
                cells = ["" if (v := figures.get(name)) is None else f"{v:.6g}" for name in names]
                writer.writerow([result.name, queue or "", time, *cells])
    return out.getvalue()


def as_json(results: Sequence[Result], seed: int) -> str:
    """Everything, unrounded."""
    scenarios: list[dict[str, Any]] = [
        {
            "name": result.name,
            "days": result.measures.days,
            "interval_minutes": result.measures.interval // 60,
            "service_level_thresholds": result.measures.thresholds,
            "day": result.total(),
            "margins": {name: result.margin(name) for name in result.total()},
            "intervals": [{"from": time, **figures} for time, figures in result.lines()],
            "queues": {
                queue: {
                    "day": result.total(queue),
                    "intervals": [{"from": time, **figures} for time, figures in result.lines(queue)],
                }
                for queue in result.measures.thresholds
            },
        }
        for result in results
    ]
    return json.dumps({"seed": seed, "scenarios": scenarios}, indent=2, allow_nan=False) + "\n"
