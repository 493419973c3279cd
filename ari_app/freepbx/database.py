"""FreePBX' database, MariaDB or MySQL: read once, in one consistent snapshot, with a user who may only read."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pymysql
from pymysql.cursors import SSCursor

from ari_app.freepbx.errors import SourceUnreadable
from ari_app.freepbx.tables import OPTIONAL, REQUIRED, Row, Tables
from ari_app.freepbx.text import decode

#: where FreePBX has its files, when it is read on its own machine
ASTDB = Path("/var/lib/asterisk/astdb.sqlite3")
VOICEMAIL = Path("/etc/asterisk/voicemail.conf")
#: seconds
CONNECT_TIMEOUT = 10
READ_TIMEOUT = 120
#: files of a FreePBX are never larger
_FILE_MAX = 256 * 1024 * 1024

#: `$amp_conf['AMPDBHOST'] = 'localhost';` and `$amp_conf["AMPDBHOST"]="localhost";`
_ASSIGNMENT = re.compile(
    r"""^\s*\$amp_conf\[\s*(["'])(?P<name>\w+)\1\s*\]\s*=\s*(["'])(?P<value>(?:\\.|(?!\3).)*)\3\s*;""", re.MULTILINE
)
_NO_SUCH_TABLE = 1146
_DENIED = (1142, 1143)


@dataclass(frozen=True, kw_only=True)
class Connection:
    """Where the database is."""

    host: str = "localhost"
    port: int = 3306
    user: str = "freepbxuser"
    password: str = field(default="", repr=False)
    name: str = "asterisk"
    socket: str = ""

    def __str__(self) -> str:
        return f"{self.name} at {self.socket or f'{self.host}:{self.port}'}"


def from_url(url: str, password: str | None = None) -> Connection:
    """`mysql://user:password@host:3306/asterisk`, `mariadb://user@localhost/asterisk?socket=/run/mysqld/mysqld.sock`.

    Raises:
        SourceUnreadable: it is none. Never says it: it may hold a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 3306
    except ValueError:
        raise SourceUnreadable("not a database URL; such as mysql://user@host:3306/asterisk") from None
    if parts.scheme not in ("mysql", "mariadb") or parts.path.count("/") > 1:
        raise SourceUnreadable("not a database URL; such as mysql://user@host:3306/asterisk")
    return Connection(
        host=parts.hostname or "localhost",
        port=port,
        user=unquote(parts.username or "freepbxuser"),
        password=password if password is not None else unquote(parts.password or ""),
        name=unquote(parts.path.removeprefix("/")) or "asterisk",
        socket=parse_qs(parts.query).get("socket", [""])[0],
    )


def from_freepbx_conf(path: Path, password: str | None = None) -> Connection:
    """What FreePBX itself uses, from its /etc/freepbx.conf.

    Raises:
        SourceUnreadable
    """
    try:
        text = decode(path.read_bytes()[:_FILE_MAX])
    except OSError as error:
        raise SourceUnreadable(f"cannot read {path}: {error.strerror}") from None
    found = {match["name"]: re.sub(r"\\(.)", r"\1", match["value"]) for match in _ASSIGNMENT.finditer(text)}
    if "AMPDBUSER" not in found:
        raise SourceUnreadable(f"{path} has no $amp_conf['AMPDBUSER']: it is not FreePBX' configuration file")
    port = found.get("AMPDBPORT", "")
    return Connection(
        host=found.get("AMPDBHOST") or "localhost",
        port=int(port) if port.isdecimal() else 3306,
        user=found["AMPDBUSER"],
        password=password if password is not None else found.get("AMPDBPASS", ""),
        name=found.get("AMPDBNAME") or "asterisk",
        socket=found.get("AMPDBSOCK", ""),
    )


def read(
    connection: Connection,
    *,
    astdb: Path | None = None,
    voicemail: Path | None = None,
    progress: Callable[[str, int], None] = lambda table, rows: None,
) -> Tables:
    """All that is looked at. Blocks; to be called in a thread.

    Args:
        astdb: copy of Asterisk's own database.
        progress: table, rows of it that have been read.

    Raises:
        SourceUnreadable
    """
    tables = Tables(source=str(connection))
    try:
        with closing(_connect(connection)) as opened:
            _read_tables(opened, tables, progress)
    except (pymysql.Error, OSError) as error:
        raise SourceUnreadable(f"cannot read the database {connection}: {_reason(error)}") from None
    add_files(tables, astdb, voicemail)
    return tables


def add_files(tables: Tables, astdb: Path | None, voicemail: Path | None) -> None:
    """What FreePBX keeps outside SQL.

    Raises:
        SourceUnreadable: a file that was named cannot be read.
    """
    if astdb is not None:
        tables.astdb = read_astdb(astdb)
    if voicemail is not None:
        try:
            tables.voicemail = decode(voicemail.read_bytes()[:_FILE_MAX])
        except OSError as error:
            raise SourceUnreadable(f"cannot read {voicemail}: {error.strerror}") from None


def read_astdb(path: Path) -> dict[str, str]:
    """Asterisk's own database, an SQLite file.

    Raises:
        SourceUnreadable
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as opened:
            opened.text_factory = decode
            return {str(key): str(value) for key, value in opened.execute("SELECT key, value FROM astdb")}
    except (sqlite3.Error, OSError) as error:
        raise SourceUnreadable(f"cannot read Asterisk's database {path}: {error}") from None


def _connect(connection: Connection) -> Any:
    place: dict[str, Any] = {"unix_socket": connection.socket} if connection.socket else {"host": connection.host}
    if not connection.socket and connection.host == "localhost":
        # As MySQL's own library does: "localhost" is the socket, where there is one.
        usual = Path("/run/mysqld/mysqld.sock")
        if usual.is_socket() and connection.port == 3306:
            place = {"unix_socket": str(usual)}
    return pymysql.connect(
        **place,
        port=connection.port,
        user=connection.user,
        password=connection.password,
        database=connection.name,
        charset="utf8mb4",
        use_unicode=False,  # a table may hold what is no UTF-8; text.py decodes
        conv={},
        cursorclass=SSCursor,
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        autocommit=True,
    )


def _read_tables(opened: Any, tables: Tables, progress: Callable[[str, int], None]) -> None:
    with opened.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    for name in (*REQUIRED, *OPTIONAL):
        try:
            tables.rows[name] = list(_rows(opened, name, progress))
        except pymysql.MySQLError as error:
            code = error.args[0] if error.args else 0
            if code in _DENIED:
                if name in REQUIRED:
                    raise
                tables.notes.cannot("FreePBX", f"table {name}", "the database user may not read it")
            elif code != _NO_SUCH_TABLE:
                raise
    with suppress(pymysql.Error):
        opened.rollback()


def _rows(opened: Any, table: str, progress: Callable[[str, int], None]) -> Iterator[Row]:
    with opened.cursor() as cursor:
        cursor.execute(f"SELECT * FROM `{table}`")
        names = [column[0] for column in cursor.description]
        # Few texts are many rows' value: each is kept once.
        known: dict[bytes | None, str] = {None: ""}
        for count, row in enumerate(cursor, start=1):
            for value in row:
                if value not in known:
                    known[value] = decode(value)
            yield {name: known[value] for name, value in zip(names, row, strict=True)}
            if count % 1000 == 0:
                progress(table, count)


def _reason(error: Exception) -> str:
    """What the server said, without a password: MySQL's messages have none."""
    if isinstance(error, pymysql.Error) and len(error.args) > 1:
        return f"{error.args[1]} ({error.args[0]})"
    return str(error) or type(error).__name__
