"""A recorded day, from CSV: the columns of the application's own table queue_calls, so that an export of it will do.

    queue      the queue's extension
    joined_at  seconds since the epoch, or ISO 8601 (without an offset: in the scenario's time zone)
    outcome    "answered", "abandoned"; any other way out, and empty, is taken as a caller with unknown patience
    wait       seconds until the answer, or until he left
    talk       seconds of conversation; empty where there was none

More columns are allowed and ignored.
"""

from __future__ import annotations

import csv
import datetime
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from zoneinfo import ZoneInfo

from ari_app.errors import ConfigError

COLUMNS = ("queue", "joined_at", "outcome", "wait", "talk")


@dataclass(frozen=True)
class RecordedCall:
    """What is known of one call."""

    queue: str
    #: seconds since midnight
    at: float
    #: seconds after which he gave up; None: he did not
    gave_up: float | None
    #: seconds he was seen to wait without giving up
    waited: float
    #: seconds; None: he never talked
    talk: float | None


def read(path: Path, time_zone: str) -> dict[datetime.date, list[RecordedCall]]:
    """The calls of each day, in order of time.

    Raises ConfigError, naming file, line and column.
    """
    days: dict[datetime.date, list[RecordedCall]] = {}
    zone = ZoneInfo(time_zone)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if missing := [c for c in COLUMNS if c not in (rows.fieldnames or ())]:
                raise ConfigError(f"{path}: column {', '.join(missing)} is missing; there must be {', '.join(COLUMNS)}")
            for row in rows:
                date, call = _call(path, rows.line_num, row, zone)
                days.setdefault(date, []).append(call)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not days:
        raise ConfigError(f"{path}: there are no calls in it")
    return {date: sorted(days[date], key=lambda c: c.at) for date in sorted(days)}


def _call(path: Path, line: int, row: dict[str, str], zone: ZoneInfo) -> tuple[datetime.date, RecordedCall]:
    def seconds(column: str) -> float | None:
        text = (row[column] or "").strip()
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not isfinite(value) or value < 0:
            raise ConfigError(f"{path}, line {line}, {column}: {text!r} is not a number of seconds, 0 or more")
        return value

    joined = _when((row["joined_at"] or "").strip(), zone)
    if joined is None:
        raise ConfigError(
            f"{path}, line {line}, joined_at: {row['joined_at']!r} is neither seconds since the epoch nor ISO 8601"
        )
    wait = seconds("wait")
    gave_up = wait if (row["outcome"] or "").strip() == "abandoned" else None
    if gave_up is None and (row["outcome"] or "").strip() == "abandoned":
        raise ConfigError(f"{path}, line {line}, wait: an abandoned call needs the time after which it was")
    return joined.date(), RecordedCall(
        queue=(row["queue"] or "").strip(),
        # By the wall clock: shifts are, too. On a day of a clock change one hour is there twice or not at all.
        at=joined.hour * 3600 + joined.minute * 60 + joined.second + joined.microsecond / 1e6,
        gave_up=gave_up,
        waited=wait or 0.0,
        talk=seconds("talk"),
    )


def _when(text: str, zone: ZoneInfo) -> datetime.datetime | None:
    try:
        if text.replace(".", "", 1).isdecimal():
            return datetime.datetime.fromtimestamp(float(text), zone)
        when = datetime.datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return when.astimezone(zone) if when.tzinfo else when
