"""`python -m ari_app simulate`: reads, runs, writes."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ari_app.acd.stats import SERVICE_LEVELS
from ari_app.errors import ConfigError
from ari_app.simulate import callers, chart, dayfile, recorded, report
from ari_app.simulate.callers import CallerPlan
from ari_app.simulate.loop import Day
from ari_app.simulate.measure import Measures
from ari_app.simulate.report import Result
from ari_app.simulate.scenario import Scenario

#: seconds between two words of progress
_PATIENCE = 2.0


def run(arguments: argparse.Namespace, tell: Callable[[str], None] | None = None) -> str:
    """The table. Writes what else was asked for.

    tell: where progress goes; None: standard error. Raises ConfigError; before anything is simulated, where possible.
    """
    level: str = arguments.service_level
    if level not in SERVICE_LEVELS:
        raise ConfigError(f"--service-level: there is no {level!r}; there is {', '.join(SERVICE_LEVELS)}")
    if arguments.chart is not None:
        chart.available(arguments.chart)
    if arguments.recorded is not None and arguments.days is not None:
        raise ConfigError("--days: not with --recorded, which has its own days")
    for path in (arguments.chart, arguments.csv, arguments.json):
        if path is not None and not path.parent.is_dir():
            raise ConfigError(f"{path}: there is no directory {path.parent}")
    scenarios = [scenario for file in arguments.files for scenario in dayfile.load(file)]
    if len({s.interval for s in scenarios}) > 1:
        raise ConfigError("interval: must be the same in all scenarios that are put side by side")
    days = [_days(scenario, arguments) for scenario in scenarios]
    results = simulate(scenarios, days, arguments.seed, tell or _say)
    if arguments.csv is not None:
        _write(arguments.csv, report.as_csv(results))
    if arguments.json is not None:
        _write(arguments.json, report.as_json(results, arguments.seed))
    if arguments.chart is not None:
        chart.draw(results, level, arguments.chart)
    return report.table(results, level, arguments.by_queue)


#: makes the callers of one day
DayMaker = Callable[[], list[CallerPlan]]


def _days(scenario: Scenario, arguments: argparse.Namespace) -> list[DayMaker]:
    seed: int = arguments.seed
    if arguments.recorded is not None:
        kept = list(recorded.read(arguments.recorded, scenario.time_zone).values())
        made = [callers.recorded(scenario, calls, seed, day) for day, calls in enumerate(kept)]
        return [lambda plan=plan: plan for plan in made]  # type: ignore[misc]
    if missing := [q.extension for q in scenario.queue if q.arrivals is None]:
        raise ConfigError(
            f"scenario {scenario.name!r}: queue[{missing[0]}].arrivals: is needed where nothing is --recorded"
        )
    return [lambda day=day: callers.described(scenario, seed, day) for day in range(arguments.days or 1)]  # type: ignore[misc]


def simulate(
    scenarios: list[Scenario], days: list[list[DayMaker]], seed: int, tell: Callable[[str], None]
) -> list[Result]:
    """Each scenario on its days. The same seed gives the same result."""
    results = []
    told = time.monotonic()
    for scenario, makers in zip(scenarios, days, strict=True):
        empty = Measures({q.extension: q.service_level for q in scenario.queue}, scenario.interval * 60)
        result = Result(scenario.name, empty)
        for day, make in enumerate(makers):
            result.add(Day(scenario, make(), seed, day).run())
            if time.monotonic() - told > _PATIENCE:
                told = time.monotonic()
                tell(f"{scenario.name}: day {day + 1} of {len(makers)}")
        results.append(result)
    return results


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
