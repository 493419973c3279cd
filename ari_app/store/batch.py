"""What is to be written, as plain data: rows gathered into a batch, coalesced, and turned into few statements.

SQL is made here rather than by SQLAlchemy because this is the hot path: a call is some twenty-five rows, and a batch
should cost one hop to the database's thread and one `executemany` for each kind of statement.

Writing a batch twice leaves what writing it once does: every operation names its row by the whole primary key and gives
absolute values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from operator import itemgetter
from typing import Any, cast

import msgspec
from sqlalchemy import Table

from models import Base

#: what a column may hold: what both databases, and the spill file, keep unchanged
Value = str | int | float | bool | None

#: kinds of operation
INSERT = "insert"  # a row that is there already stays as it is
UPSERT = "upsert"  # a row that is there already gets the columns given
UPDATE = "update"  # a row that is not there is not made
DELETE = "delete"
PRUNE = "prune"  # the journal, as far as its snapshot covers it


#: kind, table, columns: what operations of one statement have in common
Shape = tuple[str, str, tuple[str, ...]]


class Operation(msgspec.Struct, array_like=True):
    """One row's change."""

    kind: str
    table: str
    values: dict[str, Value]


class TableInfo:
    """What the batch needs to know of a table."""

    __slots__ = ("key_names", "key_of", "name")

    def __init__(self, name: str, key_names: tuple[str, ...]) -> None:
        self.name = name
        self.key_names = key_names
        self.key_of: Callable[[Mapping[str, Value]], Any] = itemgetter(*self.key_names)


TABLES: dict[str, TableInfo] = {
    name: TableInfo(name, tuple(column.name for column in table.primary_key.columns))
    for name, table in Base.metadata.tables.items()
}
BY_MODEL: dict[type[Base], TableInfo] = {
    mapper.class_: TABLES[cast(Table, mapper.local_table).name] for mapper in Base.registry.mappers
}
#: what PRUNE acts on
COVERED = TABLES["covered journal"] = TableInfo("covered journal", ("account_id",))

#: (kind there, kind new) -> what the two become. What is not here cannot be told in one operation.
_KEEP_OLD = {(INSERT, INSERT), (UPSERT, INSERT), (DELETE, DELETE), (PRUNE, PRUNE)}
_MERGE = {(UPSERT, UPSERT), (UPSERT, UPDATE), (UPDATE, UPDATE)}
_REPLACE = {(INSERT, DELETE), (UPSERT, DELETE), (UPDATE, DELETE)}


class Batch:
    """Operations in order. Those of one row become one, where that says the same."""

    __slots__ = ("_segments",)

    def __init__(self, operations: Iterable[Operation] = ()) -> None:
        # A segment holds one operation a row, so the order within it does not matter.
        self._segments: list[dict[Any, Operation]] = [{}]
        for operation in operations:
            self.add(operation.kind, TABLES[operation.table], operation.values)

    def add(self, kind: str, info: TableInfo, values: dict[str, Value]) -> None:
        """Add an operation. The values are kept, not copied.

        Raises:
            KeyError: part of the primary key is missing.
        """
        slot = (info.name, info.key_of(values))
        segment = self._segments[-1]
        old = segment.get(slot)
        if old is None:
            segment[slot] = Operation(kind, info.name, values)
            return
        pair = (old.kind, kind)
        if pair in _MERGE:
            old.values = {**old.values, **values}
        elif pair in _REPLACE:
            segment[slot] = Operation(kind, info.name, values)
        elif pair not in _KEEP_OLD:
            self._segments.append({slot: Operation(kind, info.name, values)})

    def __len__(self) -> int:
        return sum(map(len, self._segments))

    def __bool__(self) -> bool:
        return bool(self._segments[0])

    def __iter__(self) -> Iterator[Operation]:
        for segment in self._segments:
            yield from segment.values()

    def groups(self) -> Iterator[dict[Shape, list[dict[str, Value]]]]:
        """Rows by the statement they need; each of the dicts returned is to be written before the next."""
        for segment in self._segments:
            groups: dict[Shape, list[dict[str, Value]]] = {}
            for operation in segment.values():
                shape = (operation.kind, operation.table, tuple(operation.values))
                rows = groups.get(shape)
                if rows is None:
                    groups[shape] = [operation.values]
                else:
                    rows.append(operation.values)
            yield groups

    def statements(self, mark: str) -> Iterator[tuple[str, list[tuple[Value, ...]]]]:
        """Statements and their rows. `mark` is what a parameter begins with: "?" (SQLite) or "$" (PostgreSQL)."""
        for groups in self.groups():
            for shape, rows in groups.items():
                yield statement(*shape, mark), [tuple(values.values()) for values in rows]


@cache
def statement(kind: str, table: str, columns: tuple[str, ...], mark: str) -> str:
    """The SQL of one kind of operation; its parameters are the columns, in their order."""
    key = TABLES[table].key_names
    place = {name: f"{mark}{number}" for number, name in enumerate(columns, 1)}
    where = " AND ".join(f'"{name}" = {place[name]}' for name in key)
    rest = [name for name in columns if name not in key]
    if kind == DELETE:
        return f'DELETE FROM "{table}" WHERE {where}'
    if kind == PRUNE:
        # Nothing is dropped but what the snapshot in the database covers, whatever became of the one meant.
        return (
            f'DELETE FROM "journal" WHERE "account_id" = {place["account_id"]} AND "seq" <= '
            f'(SELECT "seq" FROM "journal_snapshots" WHERE "account_id" = {place["account_id"]})'
        )
    if kind == UPDATE:
        return f'UPDATE "{table}" SET {", ".join(f"{_q(n)} = {place[n]}" for n in rest)} WHERE {where}'
    names, places = ", ".join(map(_q, columns)), ", ".join(place.values())
    return f'INSERT INTO "{table}" ({names}) VALUES ({places}) {on_conflict(kind, table, columns)}'


def on_conflict(kind: str, table: str, columns: tuple[str, ...]) -> str:
    """What an insert or upsert does with a row that is there."""
    key = TABLES[table].key_names
    change = ", ".join(f"{_q(name)} = excluded.{_q(name)}" for name in columns if name not in key)
    do = f"UPDATE SET {change}" if kind == UPSERT and change else "NOTHING"
    return f"ON CONFLICT ({', '.join(map(_q, key))}) DO {do}"


def _q(name: str) -> str:
    return f'"{name}"'
