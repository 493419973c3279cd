"""What every benchmark leaves: a table for people, and bench/results/<name>.json with the machine it ran on."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Row:
    """One figure. `goal` is a limit: for a rate (a unit that ends in /s or /core) at least that, else at most.

    limit: what the barest way of doing the same reached in the same run, where that was measured.
    """

    name: str
    unit: str
    ours: float
    peer: float | None = None
    goal: float | None = None
    limit: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.ours / self.peer if self.peer else None

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        return self.ours >= self.goal if self.unit.endswith(("/s", "/core")) else self.ours <= self.goal

    def as_json(self) -> dict[str, Any]:
        values = asdict(self) | {"ratio": self.ratio}
        rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in values.items()}
        order = ("name", "unit", "ours", "peer", "ratio", "goal", "met", "limit")
        return {name: (rounded | {"met": self.met})[name] for name in order}


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile. Raises ValueError when there are no values."""
    if not values:
        raise ValueError("nothing was measured")
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100).__trunc__() - 1)]


def machine(**more: Any) -> dict[str, Any]:
    """What it was measured on."""
    cpu = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 1e6, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        **more,
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def table(rows: Sequence[Row]) -> str:
    """The rows for people."""
    width = max(len(row.name) for row in rows)
    lines = [f"{'':<{width}}  {'ours':>9} {'peer':>9} {'limit':>9}  unit    goal"]
    for row in rows:
        figures = " ".join(f"{_figure(value):>9}" for value in (row.ours, row.peer, row.limit))
        goal = "" if row.goal is None else f"{_figure(row.goal)} {'met' if row.met else 'NOT MET'}"
        lines.append(f"{row.name:<{width}}  {figures}  {row.unit:<7} {goal}".rstrip())
    return "\n".join(lines)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def write(name: str, described: dict[str, Any], rows: Sequence[Row]) -> Path:
    """Keep the result, to be committed."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": described, "rows": [row.as_json() for row in rows]}, indent=1) + "\n")
    return path
