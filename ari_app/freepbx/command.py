"""`python -m ari_app import-freepbx`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from typing import TextIO

import msgspec

from ari_app.clock import SystemClock
from ari_app.config import Settings
from ari_app.errors import ConfigError, NotFound
from ari_app.freepbx import report
from ari_app.freepbx.plan import Options, Plan
from ari_app.freepbx.run import SOURCE, Import
from ari_app.freepbx.sources import SourceOptions
from ari_app.store import migrate
from ari_app.store.accounts import DEFAULT, Accounts
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
    out = out or sys.stdout
    database = Database(settings.database())
    await database.start()
    try:
        if not await migrate.is_current(settings.database()):
            raise ConfigError("the database is not up to date: run `python -m ari_app migrate`")
        account = await _account(database, arguments.account)
        return await _import(database, account, arguments, out)
    finally:
        await database.close()


async def _account(database: Database, name: str | None) -> int:
    if name is None:
        return DEFAULT
    found = await Accounts(database, SystemClock()).find(name)
    if found is None:
        raise NotFound(f"no account is named {name}")
    return found.id


async def _import(database: Database, account: int, arguments: argparse.Namespace, out: TextIO) -> int:
    options = Options(force=arguments.force, prune=arguments.prune)
    reading = Import(Imports(database, SystemClock(), SOURCE), account, options)
    files = SourceOptions(password_file=arguments.password_file, astdb=arguments.astdb, voicemail=arguments.voicemail)
    await reading.read(arguments.source, files, arguments.skills)
    plan = await reading.plan()
    if arguments.json:
        applied = not plan.empty and arguments.yes
        if applied:
            await reading.apply(plan)
        found = report.as_json(reading.source, plan, reading.notes.all(), applied=applied)
        _print(out, msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return DONE if applied or plan.empty else NOT_DONE
    notes = reading.notes.all()
    for line in report.text(reading.source, plan, notes, everything=arguments.all):
        _print(out, line)
    if plan.empty:
        _print(out, "nothing to do")
        return DONE
    if arguments.dry_run or not (arguments.yes or await _agreed(out)):
        _print(out, "nothing was imported")
        return NOT_DONE
    await _apply(reading, plan, out)
    return DONE


async def _apply(reading: Import, plan: Plan, out: TextIO) -> None:
    await reading.apply(plan)
    _print(out, TAKEN_UP)


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


def _print(out: TextIO, line: str) -> None:
    out.write(line + "\n")
