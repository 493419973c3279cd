"""Every row of the contract's tables, with every parameter, choice, default and special error, is shown by the golden
case that contract.tsv names for it. Golden cases are requests over real HTTP."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.dialects.eq import contract
from tests.dialects.eq.contract import CONTRACT, ELSEWHERE, Fact

TABLE = contract.table()


def test_every_path_and_method_of_the_contract_is_served_and_in_the_table() -> None:
    assert len(CONTRACT) == len(set(CONTRACT)) == 49
    assert set(CONTRACT) <= contract.ROWS.keys()
    assert {fact.request for fact in TABLE} == set(CONTRACT)


@pytest.mark.parametrize("request_", CONTRACT)
def test_every_fact_of_a_request_is_in_the_table_once(request_: str) -> None:
    named = Counter(fact.what for fact in TABLE if fact.request == request_)
    assert named == Counter(contract.wanted(request_))


def test_every_case_that_is_named_shows_what_it_is_named_for() -> None:
    cases = contract.folders()
    seen = {name: contract.shown(cases[name]) for name in {fact.case for fact in TABLE} if name in cases}
    wrong = [
        fact
        for fact in TABLE
        if _elsewhere(fact) is None and fact.what not in seen.get(fact.case, {}).get(fact.request, ())
    ]
    assert wrong == []


def test_what_is_shown_elsewhere_is_there() -> None:
    for file in set(ELSEWHERE.values()):
        assert "/alert" in (contract.HERE / file).read_text(encoding="utf-8")
    assert {fact.case for fact in TABLE if _elsewhere(fact)} == set(ELSEWHERE.values())


def _elsewhere(fact: Fact) -> str | None:
    return ELSEWHERE.get((fact.request, fact.what))


def test_a_case_shows_no_more_than_it_has() -> None:
    """The reader of cases itself: what was left out, refused, or of another form is not shown."""
    found = contract.shown(contract.HERE / "parameter_choices")
    sessions = found["POST /agent_session"]
    assert {"200", "form", "json", "force=1", "force=0", "error user blank"} <= sessions
    assert "without force" not in sessions  # only in a request that was refused
    assert "error extension blank" in found["POST /call_queue"]
    assert "without autoPause" not in found.get("DELETE /call_queue/{extension}", set())
    assert "form" not in found["PUT /call_queue/{extension}"]
