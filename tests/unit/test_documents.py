"""What the documents say is there."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic.alias_generators import to_camel

from ari_app.acd.settings import JoinEmpty, LeaveEmpty, Strategy
from ari_app.config import Settings
from ari_app.dialects.eq.wire.call_queue import CallQueueUpdate

ROOT = Path(__file__).parents[2]

FOR_USERS = [ROOT / "README.md", ROOT / "asterisk-conf/README.md", *(ROOT / "docs").glob("*.md")]
OF_THE_CODE = [*(ROOT / "ari_app").rglob("*.md"), *(ROOT / "docs/decisions").glob("*.md")]


def test_each_setting_is_in_a_document() -> None:
    text = " ".join(path.read_text() for path in FOR_USERS)
    assert {name for name in Settings.model_fields if not re.search(rf"\b{name.upper()}\b", text)} == set()


def test_each_link_leads_to_a_file_and_a_heading() -> None:
    links = 0
    for path in [*FOR_USERS, *OF_THE_CODE, ROOT / "bench/README.md", ROOT / "tests/harness/README.md"]:
        for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
            if re.match(r"[a-z]+:", link):
                continue
            file, _, heading = link.partition("#")
            target = path.parent / file if file else path
            assert target.exists(), (path, link)
            assert not heading or heading in _anchors(target), (path, link)
            links += 1
    assert links >= 30


def _anchors(path: Path) -> set[str]:
    """As a forge makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


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
