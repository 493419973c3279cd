"""Imports over REST: an upload is read, planned and applied; what calls go on meanwhile is not held up."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from ari_app.clock import Clock
from ari_app.freepbx import report, sources
from ari_app.freepbx.decisions import Options, Plan
from ari_app.freepbx.description import Description
from ari_app.freepbx.errors import PlanChanged, SourceUnreadable
from ari_app.freepbx.mapping import SkillRule
from ari_app.freepbx.run import SOURCE, Import
from ari_app.store.database import Database
from ari_app.store.imports import Imports

#: queues and extensions of one upload: what is larger takes seconds, and is for the command
QUEUES_MAX = 1000
EXTENSIONS_MAX = 5000


class ImportService:
    """Reads uploads.

    taken_up: told the account when an import has been committed, so that its queues and agents can be.
    """

    def __init__(self, database: Database, clock: Clock, taken_up: Callable[[int], Awaitable[None]]) -> None:
        self._imports = Imports(database, clock, SOURCE)
        self._taken_up = taken_up

    async def read(
        self,
        account: int,
        data: bytes,
        *,
        csv: bool,
        force: bool,
        prune: bool,
        provision: bool | None,
        skills: SkillRule,
    ) -> Upload:
        """An upload: a backup archive, or a CSV.

        Raises:
            SourceUnreadable
        """
        description = await asyncio.to_thread(_description, data, ".csv" if csv else ".tar.gz")
        if len(description.queues) > QUEUES_MAX:
            raise SourceUnreadable(f"more than {QUEUES_MAX} queues: use the command import-freepbx")
        if len(description.extensions) > EXTENSIONS_MAX:
            raise SourceUnreadable(f"more than {EXTENSIONS_MAX} extensions: use the command import-freepbx")
        importing = Import(self._imports, account, Options(force=force, prune=prune, provision=provision))
        importing.take(description, skills)
        return Upload(importing, lambda: self._taken_up(account))


class Upload:
    """One upload, read."""

    def __init__(self, importing: Import, taken_up: Callable[[], Awaitable[None]]) -> None:
        self._importing = importing
        self._taken_up = taken_up

    async def plan(self) -> dict[str, Any]:
        """What would be done. Raises StoreUnavailable."""
        return self._answer(await self._importing.plan(), applied=False)

    async def apply(self, name: str) -> dict[str, Any]:
        """Do what was planned under that name: all of it or nothing.

        Raises:
            PlanChanged: the plan is another one by now.
            Conflict, StoreUnavailable
        """
        plan = await self._importing.plan()
        if _name(plan) != name:
            raise PlanChanged
        if not plan.empty:
            await self._importing.apply(plan)
            await self._taken_up()
        return self._answer(plan, applied=not plan.empty)

    def _answer(self, plan: Plan, *, applied: bool) -> dict[str, Any]:
        importing = self._importing
        found = report.as_json("the upload", plan, importing.notes.all(), applied=applied)
        return found | {"plan": _name(plan)}


def _name(plan: Plan) -> str:
    """The same plan has the same name."""
    return hashlib.sha256(msgspec.json.encode(plan.changes, order="deterministic")).hexdigest()


def _description(data: bytes, ending: str) -> Description:
    """Read in a file of its own: an archive is read as a stream, and is never unpacked."""
    with tempfile.TemporaryDirectory(prefix="ari-app-import-") as name:
        path = Path(name) / f"upload{ending}"
        path.write_bytes(data)
        try:
            return sources.read(str(path), sources.SourceOptions())
        except SourceUnreadable as error:
            raise SourceUnreadable(str(error).replace(str(path), "the upload")) from None
