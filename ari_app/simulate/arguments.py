"""`python -m ari_app simulate`: what may be said on the command line. Imports little: every command's start pays."""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "what a day would be like: the same queue engine in virtual time, on a described or recorded day"

EPILOG = """\
a FILE (TOML, or JSON with the same fields) says who calls when, how long they talk and wait, and who is there:

  [[queue]]
  extension = "500"
  strategy = "leastrecent"               # and the other settings of a queue
  service_level = 20                     # seconds
  arrivals = { interval = 30, start = "08:00", calls = [20, 35, 40, 30] }
  handling = { distribution = "lognormal", mean = 180, cv = 0.8 }
  patience = { distribution = "exponential", mean = 120 }

  [[agents]]
  name = "early"
  count = 6
  queues = ["500"]
  shifts = [{ from = "08:00", to = "10:00" }]

  [[scenario]]                           # the same day, with one more
  name = "seven"
  agents = [{ name = "early", count = 7 }]

distributions: exponential (mean), lognormal (mean, cv), erlang (mean, k), constant (seconds), empirical (seconds =
[...]); patience also none. All fields: docs/simulating.md; an example: docs/examples/day.toml.

  python -m ari_app simulate docs/examples/day.toml --days 20 --chart day.svg
"""


def _at_least_one(text: str) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a described day; several: side by side")
    parser.add_argument(
        "--chart", type=Path, metavar="OUT", help="draw it, as .svg or .png (needs the extra: simulate)"
    )
    parser.add_argument("--csv", type=Path, metavar="OUT", help="all figures, a line an interval, queue and scenario")
    parser.add_argument("--json", type=Path, metavar="OUT", help="all figures, unrounded")
    parser.add_argument(
        "--recorded", type=Path, metavar="CSV", help="calls of real days, an export of queue_calls, instead of arrivals"
    )
    parser.add_argument("--days", type=_at_least_one, metavar="N", help="days to simulate (1); each by its own chance")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another number, other callers (%(default)s)")
    parser.add_argument("--by-queue", action="store_true", help="a table for each queue, too (CSV, JSON: always)")
    parser.add_argument(
        "--service-level",
        default="cisco_negative",
        metavar="NAME",
        help="which of the known service levels table and chart show (%(default)s: answered within T of all offered); "
        "the others are in the last table, the CSV and the JSON",
    )
