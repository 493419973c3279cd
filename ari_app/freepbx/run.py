"""Reads a source, plans, and applies. What the command line and REST have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from ari_app.freepbx import sources
from ari_app.freepbx.decisions import Options, Plan
from ari_app.freepbx.description import Description
from ari_app.freepbx.errors import PlanChanged
from ari_app.freepbx.mapping import SkillRule, Wanted, wanted
from ari_app.freepbx.notes import Notes
from ari_app.freepbx.plan import plan
from ari_app.store.imported_extensions import hash_passwords
from ari_app.store.imports import Changes, Held, Imports

#: what is written by an import of this kind
SOURCE = "freepbx"


class Import:
    """One FreePBX, read; to be planned and applied."""

    def __init__(
        self,
        imports: Imports,
        account: int,
        options: Options,
        around: Callable[[Import, Plan], AbstractContextManager[object]] = lambda importing, plan: nullcontext(),
    ) -> None:
        """around: what is held while a plan is applied."""
        self._imports = imports
        self._around = around
        self._account = account
        self._options = options
        self._wanted: Wanted
        #: what was read, for the report
        self.source = ""
        self.notes = Notes()

    async def read(
        self,
        place: str,
        options: sources.SourceOptions,
        skills: SkillRule = "offset",
        progress: sources.Progress = lambda what, rows: None,
    ) -> None:
        """Read a source.

        Raises:
            SourceUnreadable
        """
        # The description goes when it is mapped: of a large FreePBX it is a hundred megabytes.
        self.take(await asyncio.to_thread(sources.read, place, options, progress), skills)

    def take(self, description: Description, skills: SkillRule = "offset") -> None:
        """What has been read."""
        self.source, self.notes = description.source, description.notes
        self._wanted = wanted(description, skills)

    async def plan(self) -> Plan:
        """What is to be done. Raises StoreUnavailable."""
        held = await self._imports.held(self._account)
        # A large one takes a while, in which calls must go on.
        return await asyncio.to_thread(plan, self._wanted, held, self._options)

    async def apply(self, shown: Plan, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Do what was shown: all of it or nothing.

        Raises:
            PlanChanged: something is different here by now.
            Conflict, StoreUnavailable
        """

        def decide(held: Held) -> Changes:
            now = plan(self._wanted, held, self._options)
            if now.changes != shown.changes:
                raise PlanChanged
            return now.changes

        # Hashing takes a moment, in which no transaction may be open.
        hashes = await hash_passwords((*shown.changes.new_extensions, *shown.changes.extensions))
        with self._around(self, shown):
            await self._imports.apply(self._account, decide, progress, hashes)
