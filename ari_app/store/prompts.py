"""Sounds of accounts: what they are; the files are elsewhere."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, delete, insert, select

from ari_app.clock import Clock
from ari_app.errors import NotFound
from ari_app.store.database import Database
from ari_app.store.rows import table_of
from ari_app.store.values import clean, clean_or_none
from models import Prompt as Model

_TABLE = table_of(Model)


class PromptData(msgspec.Struct, frozen=True, kw_only=True):
    """What is in a prompt. Names as in models/prompt.py."""

    text: str | None
    engine: str | None
    voice: str | None
    checksum: str
    size: int
    length: float


class Prompt(PromptData, frozen=True, kw_only=True):
    """A prompt."""

    account: int
    name: str
    language: str
    created_at: float


class Prompts:
    """Of all accounts. All raise StoreUnavailable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def all(self) -> list[Prompt]:
        """Of every account."""
        async with self._database.transaction(write=False) as connection:
            return [_prompt(row) for row in await connection.execute(select(_TABLE))]

    async def of_account(self, account: int) -> list[Prompt]:
        """By name and language."""
        query = select(_TABLE).where(_TABLE.c.account_id == account).order_by(_TABLE.c.name, _TABLE.c.language)
        async with self._database.transaction(write=False) as connection:
            return [_prompt(row) for row in await connection.execute(query)]

    async def get(self, account: int, name: str, language: str) -> Prompt:
        """One. Raises NotFound."""
        async with self._database.transaction(write=False) as connection:
            row = (await connection.execute(select(_TABLE).where(*_key(account, name, language)))).one_or_none()
        if row is None:
            raise NotFound("no such prompt", name=name, language=language)
        return _prompt(row)

    async def put(self, account: int, name: str, language: str, data: PromptData) -> Prompt:
        """In place of one of that name and language, if there is one."""
        values = {
            **msgspec.structs.asdict(data),
            "text": clean_or_none(data.text),
            "account_id": account,
            "name": clean(name),
            "language": clean(language),
            "created_at": self._clock.now(),
        }
        async with self._database.transaction() as connection:
            await connection.execute(delete(_TABLE).where(*_key(account, name, language)))
            await connection.execute(insert(_TABLE).values(values))
        return await self.get(account, name, language)

    async def delete(self, account: int, name: str, language: str) -> None:
        """Raises NotFound."""
        async with self._database.transaction() as connection:
            gone = await connection.execute(delete(_TABLE).where(*_key(account, name, language)))
            if not gone.rowcount:
                raise NotFound("no such prompt", name=name, language=language)


def _key(account: int, name: str, language: str) -> tuple[ColumnElement[bool], ...]:
    return _TABLE.c.account_id == account, _TABLE.c.name == clean(name), _TABLE.c.language == clean(language)


def _prompt(row: Row[Any]) -> Prompt:
    names = (name for name in Prompt.__struct_fields__ if name != "account")
    return Prompt(account=row.account_id, **{name: getattr(row, name) for name in names})
