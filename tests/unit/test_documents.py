"""What the documents say is there."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic.alias_generators import to_camel

from ari_app.acd.settings import JoinEmpty, LeaveEmpty, Strategy
from ari_app.dialects.eq.wire.call_queue import CallQueueUpdate

ROOT = Path(__file__).parents[2]


def test_each_difference_from_app_queue_is_asserted_by_a_test() -> None:
    text = (ROOT / "docs/app_queue-differences.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = [row.rstrip(" |").rpartition("| ")[2] for row in rows]
    assert len(named) >= 10
    for name in named:
        assert re.search(rf"def {name}\(", tests), name
    differing = re.findall(r"def (test_differs_\w+)\(", tests)
    assert set(differing) <= set(named)


def test_every_strategy_and_option_of_a_queue_is_shown_by_tests() -> None:
    """docs/queue-options.md: each on the engine or the program around it, and with real phones."""
    text = (ROOT / "docs/queue-options.md").read_text()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    rows = [row for row in rows if not row[1].startswith("---") and row[1] != "engine"]
    shown = {row[0] for row in rows}
    settings = {to_camel(name) for name in CallQueueUpdate.model_fields} - {"extension", "name", "type"}
    values = {f"joinEmpty {value}" for value in JoinEmpty} | {f"leaveEmpty {value}" for value in LeaveEmpty}
    assert shown >= {*Strategy} | settings | values
    unit, real = (_tests(ROOT / "tests" / folder) for folder in ("unit", "integration"))
    for name, *tests in rows:
        engine, phones, compared = tests
        assert engine in unit, name
        assert phones in real, name
        assert compared in real or not compared.startswith("test_"), name


def _tests(folder: Path) -> set[str]:
    return {name for path in folder.rglob("test_*.py") for name in re.findall(r"def (test_\w+)\(", path.read_text())}
