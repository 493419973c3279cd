"""What the documents say is there."""

from __future__ import annotations

import re
from pathlib import Path

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
