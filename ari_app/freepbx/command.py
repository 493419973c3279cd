"""`python -m ari_app import-freepbx`."""

from __future__ import annotations

import argparse
import asyncio
import shlex
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TextIO

import msgspec

from ari_app.clock import SystemClock
from ari_app.config import Settings
from ari_app.errors import ConfigError, NotFound
from ari_app.freepbx import report
from ari_app.freepbx.decisions import Options, Plan
from ari_app.freepbx.progress import Bar
from ari_app.freepbx.run import SOURCE, Import
from ari_app.freepbx.sources import SourceOptions
from ari_app.freepbx.watch import Watch
from ari_app.store import migrate, riding
from ari_app.store.accounts import DEFAULT, Accounts
from ari_app.store.audit import AuditTrail, on_the_command_line
from ari_app.store.database import Database
from ari_app.store.imports import Imports

#: exit codes, beside 1 (failed) and 2 (wrong command line)
DONE = 0
NOT_DONE = 3

TAKEN_UP = "done; a server that runs takes it up when it is sent SIGHUP, or at its next start"


async def run(settings: Settings, arguments: argparse.Namespace, out: TextIO | None = None) -> int:
    """Import; the exit code.

    Raises:
        SourceUnreadable, PlanChanged, Conflict, StoreUnavailable, ConfigError: nothing was imported.
    """
    database = Database(settings.database())
    await database.start()
    try:
        if not await migrate.is_current(settings.database()):
            raise ConfigError("the database is not up to date: run `python -m ari_app migrate`")
        account = await _account(database, arguments.account)
        options = Options(force=arguments.force, prune=arguments.prune, provision=arguments.provision)
        trail = AuditTrail(database, SystemClock())

        def audited(importing: Import, plan: Plan) -> AbstractContextManager[None]:
            request = {"source": importing.source, "changes": _counts(plan)}
            return riding.taking_along(
                trail.change(on_the_command_line(account), "import.freepbx", "import", request=request)
            )

        importing = Import(Imports(database, SystemClock(), SOURCE), account, options, audited)
        return await _Command(importing, arguments, out or sys.stdout).run()
    finally:
        await database.close()


def _counts(plan: Plan) -> dict[str, int]:
    """How many of each kind of change."""
    found = msgspec.structs.asdict(plan.changes)
    return {name: len(changes) for name, changes in found.items() if changes}


async def _account(database: Database, name: str | None) -> int:
    if name is None:
        return DEFAULT
    found = await Accounts(database, SystemClock()).find(name)
    if found is None:
        raise NotFound(f"no account is named {name}")
    return found.id


class _Command:
    def __init__(self, importing: Import, arguments: argparse.Namespace, out: TextIO) -> None:
        self._importing = importing
        self._arguments = arguments
        self._out = out

    async def run(self) -> int:
        """Import once, and go on following FreePBX if that is asked for."""
        importing, arguments = self._importing, self._arguments
        with Bar() as bar:
            await self._read(bar.read)
        plan = await importing.plan()
        if arguments.json:
            return await self._as_json(plan)
        for line in report.text(importing.source, plan, importing.notes.all(), everything=arguments.all):
            self._print(line)
        status = await self._decide(plan)
        if arguments.watch is None or status != DONE:
            return status
        self._print(f"following FreePBX, every {arguments.watch:g} s")
        watch = Watch(importing, self._read, interval=arguments.watch, say=self._print, applied=self._then)
        await watch.run()
        return DONE

    async def _decide(self, plan: Plan) -> int:
        if plan.empty:
            self._print("nothing to do")
            return DONE
        if self._arguments.dry_run or not (self._arguments.yes or await _agreed(self._out)):
            self._print("nothing was imported")
            return NOT_DONE
        await self._apply(plan)
        self._print(TAKEN_UP if self._arguments.then is None else "done")
        await self._then(plan)
        return DONE

    async def _as_json(self, plan: Plan) -> int:
        importing = self._importing
        applied = not plan.empty and self._arguments.yes
        if applied:
            await self._apply(plan)
            await self._then(plan)
        found = report.as_json(importing.source, plan, importing.notes.all(), applied=applied)
        self._print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return DONE if applied or plan.empty else NOT_DONE

    async def _read(self, progress: Callable[[str, int], None] = lambda table, rows: None) -> None:
        arguments = self._arguments
        files = SourceOptions(
            password_file=arguments.password_file, astdb=arguments.astdb, voicemail=arguments.voicemail
        )
        await self._importing.read(arguments.source, files, arguments.skills, progress)

    async def _apply(self, plan: Plan) -> None:
        with Bar() as bar:
            await self._importing.apply(plan, bar.write)

    async def _then(self, plan: Plan) -> None:
        """The administrator's own command after each change, for one a reload of the server."""
        if self._arguments.then is None:
            return
        words = shlex.split(self._arguments.then)
        try:
            process = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.DEVNULL)
        except OSError as error:
            self._print(f"cannot run {words[0]}: {error.strerror}")
            return
        if status := await process.wait():
            self._print(f"{words[0]} ended with {status}")

    def _print(self, line: str) -> None:
        self._out.write(line + "\n")
        self._out.flush()


async def _agreed(out: TextIO, ask: Callable[[], str] = input) -> bool:
    """Ask a person. Whoever is no terminal agrees to nothing."""
    if not sys.stdin.isatty():
        return False
    out.write("Import this? [y/N] ")
    out.flush()
    try:
        return (await asyncio.to_thread(ask)).strip().lower() in ("y", "yes")
    except EOFError:
        return False
