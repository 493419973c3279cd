"""Which source is meant, and its description."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from ari_app.freepbx import backup, conf, database, sheet
from ari_app.freepbx.description import Description
from ari_app.freepbx.errors import SourceUnreadable
from ari_app.freepbx.tables import Tables, describe

#: what is read, how many rows of it so far
Progress = Callable[[str, int], None]


class SourceOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What is said about a source beside its place."""

    password_file: Path | None = None
    astdb: Path | None = None
    voicemail: Path | None = None


def read(place: str, options: SourceOptions, progress: Progress = lambda what, rows: None) -> Description:
    """Read a source. Blocks; to be called in a thread.

    Raises:
        SourceUnreadable
    """
    password = _password(options.password_file)
    if place.startswith(("mysql://", "mariadb://")):
        found = database.from_url(place, password)
        return describe(database.read(found, astdb=options.astdb, voicemail=options.voicemail, progress=progress))
    path = Path(place)
    if path.is_dir():
        tables = Tables(source=str(path))
        database.add_files(tables, options.astdb, options.voicemail)
        return conf.read(path, tables)
    if path.is_file():
        return describe(_file(path, password, options, progress))
    if "://" in place:
        raise SourceUnreadable("the only databases FreePBX has are mysql://... and mariadb://...")
    raise SourceUnreadable(f"{place} is neither a file, nor a directory, nor a database URL")


def _file(path: Path, password: str | None, options: SourceOptions, progress: Progress) -> Tables:
    """What a file is, by its name."""
    name = path.name.lower()
    if name.endswith((".tar.gz", ".tgz")):
        tables = backup.read(path)
    elif name.endswith(".csv"):
        return sheet.read(path)
    elif name.endswith((".conf", ".php")):
        return _own_database(path, password, options, progress)
    else:
        raise SourceUnreadable(f"{path} is neither .conf nor .tar.gz nor .csv")
    database.add_files(tables, options.astdb, options.voicemail)
    return tables


def _own_database(path: Path, password: str | None, options: SourceOptions, progress: Progress) -> Tables:
    """By FreePBX' own configuration file; on its own machine its other files are where it has them."""
    astdb, voicemail = options.astdb, options.voicemail
    if astdb is None and path.parent == Path("/etc") and database.ASTDB.exists():
        astdb = database.ASTDB
    if voicemail is None and path.parent == Path("/etc") and database.VOICEMAIL.exists():
        voicemail = database.VOICEMAIL
    found = database.from_freepbx_conf(path, password)
    return database.read(found, astdb=astdb, voicemail=voicemail, progress=progress)


def _password(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text().partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceUnreadable(f"cannot read the password file {file}: {type(error).__name__}") from None
