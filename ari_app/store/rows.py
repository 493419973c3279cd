"""What the stores of configured things share: pages of a table, and what a refused row means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from sqlalchemy import ColumnElement, Row, Table, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ari_app.errors import Conflict, NotFound
from ari_app.store.database import Database
from ari_app.store.values import MAX_INTEGER, Page, clean
from models import Base, Queue

T = TypeVar("T")


def table_of(model: type[Base]) -> Table:
    """A model's table."""
    return cast(Table, model.__table__)


def known_id(value: int, what: str) -> int:
    """An id that a row could have.

    Raises:
        NotFound: no row could have it; asking the database would be an error of its own.
    """
    if not 0 < value <= MAX_INTEGER:
        raise NotFound(f"no such {what}", id=value)
    return value


async def queue_id(connection: AsyncConnection, account: int, extension: str) -> int:
    """The id of a living queue. Raises NotFound."""
    queues = table_of(Queue)
    here = (queues.c.account_id == account, queues.c.extension == clean(extension), queues.c.deleted.is_(False))
    row = (await connection.execute(select(queues.c.id).where(*here))).one_or_none()
    if row is None:
        raise NotFound("no such queue", extension=extension)
    return int(row.id)


def conflict(error: IntegrityError, unique: Mapping[str, tuple[str, str]]) -> Exception:
    """What a refused row means. `unique`: index -> (its last column, the parameter's name in the API)."""
    # PostgreSQL names the index, SQLite the columns.
    said = str(error.orig)
    for index, (column, parameter) in unique.items():
        if index in said or f".{column}" in said.rpartition(",")[2]:
            return Conflict(f"{parameter} is taken", parameter=parameter)
    return error


async def page(
    database: Database,
    table: Table,
    convert: Callable[[Row[Any]], T],
    where: list[ColumnElement[bool]],
    *,
    deleted: bool | None,
    search: str,
    search_in: tuple[str, ...],
    order: str,
    descending: bool,
    limit: int,
    offset: int,
) -> Page[T]:
    """A page of a table.

    Raises:
        ValueError: there is no such column to order by.
    """
    if order not in table.columns:
        raise ValueError(f"cannot order by {order}")
    where = list(where)
    if deleted is not None:
        where.append(table.c.deleted.is_(deleted))
    if search:
        where.append(or_(*(table.c[name].icontains(clean(search), autoescape=True) for name in search_in)))
    column = table.c[order]
    rows = select(table).where(*where).order_by(column.desc() if descending else column, table.c.id)
    async with database.transaction(write=False) as connection:
        total = (await connection.execute(select(func.count()).select_from(table).where(*where))).scalar_one()
        found = await connection.execute(rows.limit(min(limit, MAX_INTEGER)).offset(min(offset, MAX_INTEGER)))
        return Page(rows=[convert(row) for row in found], total=total)
