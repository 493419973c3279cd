"""Batches: what becomes one operation, and the statements they make."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.store.batch import COVERED, DELETE, INSERT, PRUNE, TABLES, UPDATE, UPSERT, Batch, Value, statement

LIVE = TABLES["live_calls"]


def made(*operations: tuple[str, dict[str, Value]]) -> Batch:
    batch = Batch()
    for kind, values in operations:
        batch.add(kind, LIVE, {"call_id": "a", **values})
    return batch


@pytest.mark.parametrize(
    ("operations", "become"),
    [
        ([(UPSERT, {"state": "1"}), (UPSERT, {"state": "2"})], [(UPSERT, {"state": "2"})]),
        ([(UPSERT, {"state": "1"}), (UPDATE, {"node": "x"})], [(UPSERT, {"state": "1", "node": "x"})]),
        ([(UPDATE, {"state": "1"}), (UPDATE, {"state": "2"})], [(UPDATE, {"state": "2"})]),
        ([(INSERT, {"state": "1"}), (INSERT, {"state": "2"})], [(INSERT, {"state": "1"})]),
        ([(UPSERT, {"state": "1"}), (INSERT, {"state": "2"})], [(UPSERT, {"state": "1"})]),
        ([(UPSERT, {"state": "1"}), (DELETE, {})], [(DELETE, {})]),
        ([(DELETE, {}), (DELETE, {})], [(DELETE, {})]),
        # these do not say the same as any one of them
        ([(INSERT, {"state": "1"}), (UPDATE, {"state": "2"})], [(INSERT, {"state": "1"}), (UPDATE, {"state": "2"})]),
        ([(DELETE, {}), (UPSERT, {"state": "2"})], [(DELETE, {}), (UPSERT, {"state": "2"})]),
        ([(UPDATE, {"state": "1"}), (UPSERT, {"node": "x"})], [(UPDATE, {"state": "1"}), (UPSERT, {"node": "x"})]),
    ],
)
def test_operations_of_one_row(
    operations: list[tuple[str, dict[str, Value]]], become: list[tuple[str, dict[str, Value]]]
) -> None:
    expected = [(kind, {"call_id": "a", **values}) for kind, values in become]
    assert [(one.kind, one.values) for one in made(*operations)] == expected


def test_values_given_are_not_changed() -> None:
    first: dict[str, Value] = {"call_id": "a", "state": "1"}
    batch = Batch()
    batch.add(UPSERT, LIVE, first)
    batch.add(UPSERT, LIVE, {"call_id": "a", "state": "2"})
    assert first["state"] == "1"


def test_a_batch_of_batches_leaves_them_as_they_were() -> None:
    one, two = made((UPSERT, {"state": "1"})), made((UPSERT, {"state": "2"}))
    together = Batch(operation for batch in (one, two) for operation in batch)
    assert [operation.values["state"] for batch in (together, one, two) for operation in batch] == ["2", "1", "2"]


def test_one_statement_for_rows_of_one_shape() -> None:
    batch = Batch()
    for number in range(5):
        batch.add(UPSERT, LIVE, {"call_id": str(number), "state": ""})
    batch.add(DELETE, LIVE, {"call_id": "9"})
    batch.add(PRUNE, COVERED, {"account_id": 1})
    assert [len(rows) for _, rows in batch.statements("?")] == [5, 1, 1]
    assert len(batch) == 7
    assert batch
    assert not Batch()


def test_statements() -> None:
    assert (
        statement(UPSERT, "live_calls", ("call_id", "state"), "$")
        == 'INSERT INTO "live_calls" ("call_id", "state") VALUES ($1, $2) '
        'ON CONFLICT ("call_id") DO UPDATE SET "state" = excluded."state"'
    )
    assert statement(INSERT, "live_calls", ("call_id",), "?").endswith('ON CONFLICT ("call_id") DO NOTHING')
    assert statement(UPSERT, "live_calls", ("call_id",), "?").endswith('ON CONFLICT ("call_id") DO NOTHING')
    assert (
        statement(UPDATE, "legs", ("call_id", "id", "ended_at"), "?")
        == 'UPDATE "legs" SET "ended_at" = ?3 WHERE "call_id" = ?1 AND "id" = ?2'
    )
    assert statement(DELETE, "legs", ("call_id", "id"), "$") == 'DELETE FROM "legs" WHERE "call_id" = $1 AND "id" = $2'


def applied(operations: list[tuple[str, str, dict[str, Value]]], rows: dict[str, dict[str, Value]]) -> None:
    """What the statements mean."""
    for kind, key, values in operations:
        if kind == DELETE:
            rows.pop(key, None)
        elif key in rows:
            rows[key] |= values if kind in (UPSERT, UPDATE) else {}
        elif kind in (INSERT, UPSERT):
            rows[key] = dict(values)


_OPERATION = st.tuples(
    st.sampled_from([INSERT, UPSERT, UPDATE, DELETE]),
    st.sampled_from("ab"),
    st.dictionaries(st.sampled_from(["state", "node"]), st.sampled_from("xyz"), max_size=2),
)


@given(st.lists(_OPERATION, max_size=12), st.booleans())
def test_coalescing_changes_nothing(operations: list[tuple[str, str, dict[str, Value]]], there: bool) -> None:
    """A batch leaves what its operations leave one by one; written twice, what it leaves written once."""
    batch = Batch()
    for kind, key, values in operations:
        batch.add(kind, LIVE, {"call_id": key, **({} if kind == DELETE else values)})
    found = []
    for operation in batch:
        key = str(operation.values["call_id"])
        found.append((operation.kind, key, {name: v for name, v in operation.values.items() if name != "call_id"}))
    begin: dict[str, dict[str, Value]] = {"a": {"state": "before"}} if there else {}
    plain = {key: dict(row) for key, row in begin.items()}
    coalesced = {key: dict(row) for key, row in begin.items()}
    applied(operations, plain)
    applied(found, coalesced)
    assert coalesced == plain
