"""A backup archive made by FreePBX (`fwconsole backup`): a tar.gz with a JSON file for each module.

Nothing is unpacked to disk: files are looked for by name, and read within limits.
"""

from __future__ import annotations

import gzip
import json
import posixpath
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from ari_app.freepbx.errors import SourceUnreadable
from ari_app.freepbx.tables import OPTIONAL, REQUIRED, Row, Tables
from ari_app.freepbx.text import decode, printable

#: a file in the archive that is read
FILE_MAX = 256 * 1024 * 1024
#: decompressed over compressed, once the decompressed part is larger than FREE: JSON and sound stay far below
RATIO_MAX = 200
FREE = 64 * 1024 * 1024
MEMBERS_MAX = 1_000_000

_MODULE = re.compile(r"(?:.*/)?modulejson/(?P<module>\w+)\.json\Z")
_VOICEMAIL = re.compile(r"(?:.*/)?etc/asterisk/voicemail\.conf\Z")
_QUEUES = "queues"
#: modules with tables that are looked at
_MODULES = frozenset((_QUEUES, "core", "recordings", "announcement", "music", "timeconditions"))
_WANTED = frozenset((*REQUIRED, *OPTIONAL))


def read(path: Path) -> Tables:
    """Read an archive. Blocks; to be called in a thread.

    Raises:
        SourceUnreadable: it is none, is cut off, or is made to exhaust whoever reads it.
    """
    tables = Tables(source=str(path))
    found = _Found()
    try:
        with path.open("rb") as file, _Limited(file) as stream:
            with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|") as archive:
                for member in _members(archive, tables):
                    found.take(archive, member, tables)
            while stream.read(1024 * 1024):
                pass  # to the end: an archive that is cut off has no check sum
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise SourceUnreadable(f"{path} is no backup of FreePBX, or is cut off: {error}") from None
    if _QUEUES not in found.modules:
        raise SourceUnreadable(f"{path} has no modulejson/Queues.json: the queues module is not in this backup")
    return tables


class _Limited:
    """A gzip stream that ends in an error when it grows out of all proportion."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._stream = gzip.GzipFile(fileobj=file)
        self._grown = 0

    def __enter__(self) -> _Limited:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def read(self, size: int = -1) -> bytes:
        """As a file's. Raises SourceUnreadable."""
        data = self._stream.read(min(size, 1024 * 1024) if size >= 0 else 1024 * 1024)
        self._grown += len(data)
        if self._grown > FREE and self._grown > RATIO_MAX * max(1, self._file.tell()):
            raise SourceUnreadable(f"the archive grows more than {RATIO_MAX} times its size: it was not read further")
        return data


def _members(archive: tarfile.TarFile, tables: Tables) -> Iterator[tarfile.TarInfo]:
    """The files, without what has no business in a backup."""
    for count, member in enumerate(archive, start=1):
        if count > MEMBERS_MAX:
            raise SourceUnreadable(f"the archive has more than {MEMBERS_MAX} files")
        name = member.name
        if name.startswith("/") or ".." in posixpath.normpath(name).split("/"):
            tables.notes.cannot("FreePBX", f"file {printable(name)[:80]}", "leads out of the archive; it was not read")
        elif member.isfile():
            yield member
        elif (member.issym() or member.islnk()) and _MODULE.match(name):
            tables.notes.cannot("FreePBX", f"file {printable(name)[:80]}", "is a link; it was not read")


class _Found:
    def __init__(self) -> None:
        self.modules: set[str] = set()

    def take(self, archive: tarfile.TarFile, member: tarfile.TarInfo, tables: Tables) -> None:
        """Take what a file has."""
        match = _MODULE.match(member.name)
        if match is not None and match["module"].lower() in _MODULES:
            module = match["module"].lower()
            if module in self.modules:
                tables.notes.cannot(
                    "FreePBX", f"file {printable(member.name)[:80]}", "is there twice; the first counts"
                )
                return
            self.modules.add(module)
            _configs(member.name, _content(archive, member), tables)
        elif _VOICEMAIL.match(member.name) and tables.voicemail is None:
            tables.voicemail = decode(_content(archive, member))


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    if member.size > FILE_MAX:
        raise SourceUnreadable(f"{printable(member.name)[:80]} in the archive is larger than {FILE_MAX // 2**20} MB")
    file = archive.extractfile(member)
    data = file.read() if file is not None else b""
    if len(data) != member.size:
        raise SourceUnreadable(f"{printable(member.name)[:80]} in the archive is cut off")
    return data


def _configs(name: str, data: bytes, tables: Tables) -> None:
    """{"configs": {"tables": {...}, "settings": {...}, "astdb": [{"QPENALTY": {...}}]}}"""
    try:
        document = json.loads(decode(data))
    except (ValueError, RecursionError):
        raise SourceUnreadable(f"{printable(name)} in the archive is no JSON") from None
    configs = document.get("configs", document) if isinstance(document, dict) else None
    if isinstance(configs, list):  # PHP writes an empty object as []
        configs = configs[0] if configs and isinstance(configs[0], dict) else {}
    if not isinstance(configs, dict):
        raise SourceUnreadable(f"{printable(name)} in the archive has no configs")
    for table, rows in _object(configs.get("tables")).items():
        if table in _WANTED:
            tables.rows[table] = _rows(name, table, rows)
    settings = _object(configs.get("settings"))
    if settings:
        rows = tables.rows.setdefault("freepbx_settings", [])
        rows.extend({"keyword": str(key), "value": _text(value)} for key, value in settings.items())
    _astdb(configs.get("astdb"), tables)


def _astdb(value: Any, tables: Tables) -> None:
    """Families of Asterisk's own database; a list of objects, or one object."""
    families = value if isinstance(value, list) else [value]
    for family in families:
        for name, keys in _object(family).items():
            if tables.astdb is None:
                tables.astdb = {}
            for key, data in _object(keys).items():
                tables.astdb[f"/{name}/{key}"] = _text(data)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _rows(name: str, table: str, rows: Any) -> list[Row]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SourceUnreadable(f"table {table} of {printable(name)} in the archive has no rows as FreePBX writes them")
    return [{str(key): _text(value) for key, value in row.items()} for row in rows]


def _text(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return str(value)
