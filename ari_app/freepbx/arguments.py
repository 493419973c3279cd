"""`python -m ari_app import-freepbx`: what may be said on the command line. Imports little, as every start pays."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

SUMMARY = "bring the queues and extensions of a FreePBX over: shows a plan, asks, and does it in one transaction"

EPILOG = """\
SOURCE is one of
  /etc/freepbx.conf                    on FreePBX' own machine: its database, as FreePBX itself reaches it
  mysql://user@host:3306/asterisk      its database; the password with --password-file
  backup.tar.gz                        a backup made by FreePBX, of the queues module alone or of all
  /etc/asterisk                        a directory with FreePBX' queues_additional.conf and its neighbours
  queues.csv                           a table of our own
  extensions.csv                       extensions as FreePBX' Bulk Handler exports them

A second import changes only what has changed in FreePBX since. What was changed here since the last import stays, and
is shown; --force overwrites it. All of it: docs/freepbx.md.

exit code: 0 done, or nothing to do; 1 failed, and nothing was imported; 2 the command line is wrong; 3 there is
something to do, and it was not done (--dry-run, or the answer was no). --watch goes on until it is ended.
"""


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if 5 <= seconds <= 86_400:
        return seconds
    raise argparse.ArgumentTypeError("must be 5 to 86400 seconds")


def check(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """What argparse cannot say. Ends the process with 2."""
    if arguments.watch is not None:
        for name in ("dry_run", "json", "prune"):
            if getattr(arguments, name):
                parser.error(f"--watch does not go with --{name.replace('_', '-')}")
    if arguments.then is not None:
        try:
            words = shlex.split(arguments.then)
        except ValueError as error:
            parser.error(f"--then: {error}")
        if not words:
            parser.error("--then: there is no command")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.set_defaults(check=lambda arguments: check(parser, arguments))
    parser.add_argument("source", metavar="SOURCE", help="where FreePBX' settings are; see below")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--dry-run", action="store_true", help="show the plan and do nothing")
    how.add_argument("--yes", action="store_true", help="do it without asking")
    parser.add_argument("--force", action="store_true", help="overwrite what was changed here since the last import")
    parser.add_argument(
        "--prune", action="store_true", help="delete imported queues and extensions that are no longer in FreePBX"
    )
    parser.add_argument(
        "--provision",
        action=argparse.BooleanOptionalAction,
        help="make the imported extensions in Asterisk too, or take them out of it again; left out: as it is, and new "
        "ones are not made. Not on FreePBX' own Asterisk, which has them already",
    )
    parser.add_argument(
        "--skills",
        choices=("offset", "rank"),
        default="offset",
        help="how a penalty becomes a skill, 5 at most: penalty + 1 (offset), or a queue's penalties in order (rank)",
    )
    parser.add_argument("--password-file", type=Path, metavar="FILE", help="its first line is the database's password")
    parser.add_argument("--astdb", type=Path, metavar="FILE", help="a copy of FreePBX' astdb.sqlite3: dynamic members")
    parser.add_argument("--voicemail", type=Path, metavar="FILE", help="a copy of FreePBX' voicemail.conf: mailboxes")
    parser.add_argument("--account", metavar="NAME", help="the account to import into (the default one)")
    parser.add_argument(
        "--watch",
        nargs="?",
        type=_seconds,
        const=60.0,
        metavar="SECONDS",
        help="then follow what changes in FreePBX, looking every so often (60), until it is ended; implies --yes later",
    )
    parser.add_argument(
        "--then", metavar="COMMAND", help='run after each change that was made, e.g. "systemctl reload ari_app"'
    )
    parser.add_argument("--all", action="store_true", help="list everything, however much it is")
    parser.add_argument("--json", action="store_true", help="print plan and notes as JSON")
