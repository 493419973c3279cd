"""A CSV of our own, for those who have nothing else; FreePBX' Bulk Handler has extensions (bulk.py), but no queues.

A row is a queue. Columns are named as FreePBX names them: those of queues_config, the keywords of queues_details, and
`members` and `dynmembers`: `1001:0|PJSIP/1002:2`, each with its penalty. What is left out has FreePBX' default.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

from ari_app.freepbx import bulk
from ari_app.freepbx.description import CONFIG_COLUMNS
from ari_app.freepbx.errors import SourceUnreadable
from ari_app.freepbx.extras import CONVERTED, DETAILS
from ari_app.freepbx.tables import Row, Tables
from ari_app.freepbx.text import decode, printable

FILE_MAX = 64 * 1024 * 1024
MEMBERS, DYNAMIC = "members", "dynmembers"
_KEYWORDS = frozenset((*DETAILS, *CONVERTED))


def read(path: Path) -> Tables:
    """Read a file. Blocks; to be called in a thread.

    Raises:
        SourceUnreadable: names the line.
    """
    try:
        if path.stat().st_size > FILE_MAX:
            raise SourceUnreadable(f"{path} is larger than {FILE_MAX // 2**20} MB")
        text = decode(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except OSError as error:
        raise SourceUnreadable(f"cannot read {path}: {error.strerror}") from None
    tables = Tables(source=str(path), astdb={}, terse=True)
    rows = _rows(path, text)
    header = list(next(rows))
    if not bulk.SIGNS.isdisjoint(header):
        bulk.read(tables, header, rows)
        return tables
    for name in header:
        if name not in _KEYWORDS and name not in CONFIG_COLUMNS and name not in ("extension", MEMBERS, DYNAMIC):
            tables.notes.cannot("FreePBX", f"column {printable(name)[:40]!r}", "is no setting of a queue")
    tables.rows = {"queues_config": [], "queues_details": []}
    for row in rows:
        _queue(row, tables)
    return tables


def _rows(path: Path, text: str) -> Iterator[Mapping[str, str]]:
    """The header's names, and then each row."""
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",")
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        if "extension" not in header:
            raise SourceUnreadable(f"{path} has no column extension in its first line")
        for name in header:
            if name and header.count(name) > 1:
                raise SourceUnreadable(f"{path} has the column {printable(name)} twice")
        yield dict.fromkeys(header, "")
        for fields in reader:
            if not any(field.strip() for field in fields):
                continue
            if len(fields) != len(header):
                reason = f"has {len(fields)} fields, not {len(header)}"
                raise SourceUnreadable(f"{path}, line {reader.line_num}: {reason}")
            yield dict(zip(header, fields, strict=True))
    except csv.Error as error:
        raise SourceUnreadable(f"{path}, line {reader.line_num}: {error}") from None


def _queue(row: Mapping[str, str], tables: Tables) -> None:
    extension = row["extension"].strip()
    config = {name: row.get(name, default) for name, default in CONFIG_COLUMNS.items()}
    tables.rows["queues_config"].append({"extension": extension, **config})
    details: list[Row] = tables.rows["queues_details"]
    for name, value in row.items():
        if name in _KEYWORDS and value.strip():
            details.append({"id": extension, "keyword": name, "data": value.strip(), "flags": "0"})
    for place, (member, penalty) in enumerate(_members(row.get(MEMBERS, ""))):
        interface = member if "/" in member else f"Local/{member}@from-queue/n"
        data = f"{interface},{penalty}"
        details.append({"id": extension, "keyword": "member", "data": data, "flags": str(place)})
    assert tables.astdb is not None
    for member, penalty in _members(row.get(DYNAMIC, "")):
        tables.astdb[f"/QPENALTY/{extension}/agents/{member}"] = penalty


def _members(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split("|"):
        member, _, penalty = part.strip().partition(":")
        if member:
            yield member.strip(), penalty.strip() or "0"
