"""The tables of a FreePBX 16 or 17, as the module.xml of its modules makes them, and its other files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

from tests.harness.mariadb import MariaDB

#: FreePBX 16 came with utf8mb3 tables, 17 with utf8mb4
CHARSETS = {16: "utf8mb3", 17: "utf8mb4"}

_QUEUES_CONFIG = """
CREATE TABLE queues_config (
  extension varchar(20) NOT NULL DEFAULT '', descr varchar(35) NOT NULL DEFAULT '',
  grppre varchar(100) NOT NULL DEFAULT '', alertinfo varchar(254) NOT NULL DEFAULT '',
  ringing tinyint(1) NOT NULL DEFAULT 0, maxwait varchar(8) NOT NULL DEFAULT '',
  password varchar(20) NOT NULL DEFAULT '', ivr_id varchar(8) NOT NULL DEFAULT '0',
  dest varchar(50) NOT NULL DEFAULT '', cwignore tinyint(1) NOT NULL DEFAULT 0,
  queuewait tinyint(1) DEFAULT 0, use_queue_context tinyint(1) DEFAULT 0, togglehint tinyint(1) DEFAULT 0,
  qnoanswer tinyint(1) DEFAULT 0, callconfirm tinyint(1) DEFAULT 0, callconfirm_id int(11) DEFAULT NULL,
  qregex varchar(255) DEFAULT NULL, agentannounce_id int(11) DEFAULT NULL, joinannounce_id int(11) DEFAULT NULL,
  monitor_type varchar(5) DEFAULT NULL, monitor_heard int(11) DEFAULT NULL, monitor_spoken int(11) DEFAULT NULL,
  callback_id varchar(8) NOT NULL DEFAULT '', PRIMARY KEY (extension));
"""
_REST = """
CREATE TABLE queues_details (
  id varchar(45) NOT NULL DEFAULT '-1', keyword varchar(30) NOT NULL DEFAULT '', data varchar(150) NOT NULL DEFAULT '',
  flags int(11) NOT NULL DEFAULT 0, PRIMARY KEY (id, keyword, data));
CREATE TABLE users (
  extension varchar(20) NOT NULL DEFAULT '', password varchar(20) DEFAULT NULL, name varchar(50) DEFAULT NULL,
  voicemail varchar(50) DEFAULT NULL, ringtimer int(3) DEFAULT NULL, noanswer varchar(100) DEFAULT NULL,
  recording varchar(50) DEFAULT NULL, outboundcid varchar(50) DEFAULT NULL, sipname varchar(50) DEFAULT NULL,
  noanswer_cid varchar(20) DEFAULT '', busy_cid varchar(20) DEFAULT '', chanunavail_cid varchar(20) DEFAULT '',
  noanswer_dest varchar(255) DEFAULT '', busy_dest varchar(255) DEFAULT '', chanunavail_dest varchar(255) DEFAULT '',
  mohclass varchar(80) DEFAULT 'default', KEY extension (extension));
CREATE TABLE devices (
  id varchar(20) NOT NULL DEFAULT '', tech varchar(10) NOT NULL DEFAULT '', dial varchar(255) NOT NULL DEFAULT '',
  devicetype varchar(5) NOT NULL DEFAULT '', user varchar(50) DEFAULT NULL, description varchar(50) DEFAULT NULL,
  emergency_cid varchar(100) DEFAULT NULL, hint_override varchar(100) DEFAULT NULL, KEY id (id), KEY tech (tech));
CREATE TABLE incoming (
  cidnum varchar(20) DEFAULT NULL, extension varchar(50) NOT NULL, destination varchar(50) DEFAULT NULL,
  privacyman tinyint(1) DEFAULT NULL, alertinfo varchar(255) DEFAULT NULL, ringing varchar(20) DEFAULT NULL,
  mohclass varchar(80) NOT NULL DEFAULT 'default', description varchar(80) DEFAULT NULL,
  grppre varchar(80) DEFAULT NULL);
CREATE TABLE freepbx_settings (
  keyword varchar(50) NOT NULL DEFAULT '', value varchar(255) DEFAULT NULL, module varchar(25) NOT NULL DEFAULT '',
  PRIMARY KEY (keyword));
CREATE TABLE recordings (
  id int(11) NOT NULL AUTO_INCREMENT, displayname varchar(50) DEFAULT NULL, filename blob DEFAULT NULL,
  description varchar(254) DEFAULT NULL, fcode tinyint(1) DEFAULT 0, fcode_pass varchar(20) DEFAULT NULL,
  fcode_lang varchar(20) DEFAULT NULL, PRIMARY KEY (id));
CREATE TABLE announcement (
  announcement_id int(11) NOT NULL AUTO_INCREMENT, description varchar(50) DEFAULT NULL,
  recording_id int(11) DEFAULT NULL, allow_skip int(11) DEFAULT NULL, post_dest varchar(255) DEFAULT NULL,
  return_ivr tinyint(1) NOT NULL DEFAULT 0, noanswer tinyint(1) NOT NULL DEFAULT 0,
  repeat_msg varchar(2) NOT NULL DEFAULT '', PRIMARY KEY (announcement_id));
CREATE TABLE timeconditions (
  timeconditions_id int(11) NOT NULL AUTO_INCREMENT, displayname varchar(50) DEFAULT NULL, time int(11) DEFAULT NULL,
  truegoto varchar(50) DEFAULT NULL, falsegoto varchar(50) DEFAULT NULL, deptname varchar(50) DEFAULT NULL,
  generate_hint tinyint(1) DEFAULT 0, PRIMARY KEY (timeconditions_id));
CREATE TABLE music (
  id int(11) NOT NULL AUTO_INCREMENT, category varchar(190) DEFAULT NULL, type varchar(100) DEFAULT NULL,
  random tinyint(1) DEFAULT NULL, application varchar(255) DEFAULT NULL, format varchar(10) DEFAULT NULL,
  PRIMARY KEY (id), UNIQUE KEY category_UNIQUE (category));
"""
_TECHNOLOGY = """
CREATE TABLE {name} (
  id varchar(20) NOT NULL DEFAULT '-1', keyword varchar(30) NOT NULL DEFAULT '', data varchar(255) NOT NULL DEFAULT '',
  flags int(1) NOT NULL DEFAULT 0, PRIMARY KEY (id, keyword));
"""

READER, PASSWORD = "importer", "read-only's"


async def make_database(mariadb: MariaDB, rows: Mapping[str, Iterable[Mapping[str, str]]], version: int = 17) -> None:
    """The database `asterisk`, and a user who may only read."""
    schema = (
        _QUEUES_CONFIG + _REST + "".join(_TECHNOLOGY.format(name=name) for name in ("pjsip", "sip", "iax", "dahdi"))
    )
    charset = CHARSETS[version]
    await mariadb.sql(f"DROP DATABASE IF EXISTS asterisk; CREATE DATABASE asterisk CHARACTER SET {charset}")
    await mariadb.sql(schema, "asterisk")
    await insert(mariadb, rows)
    await mariadb.sql(
        f"CREATE OR REPLACE USER {READER}@localhost IDENTIFIED BY '{PASSWORD.replace(chr(39), chr(39) * 2)}';"
        f"GRANT SELECT ON asterisk.* TO {READER}@localhost"
    )


#: columns that are NULL where FreePBX stores nothing, not ""
_NUMBERS = frozenset(
    ("callconfirm_id", "agentannounce_id", "joinannounce_id", "monitor_heard", "monitor_spoken", "ringtimer")
)


async def insert(mariadb: MariaDB, rows: Mapping[str, Iterable[Mapping[str, str]]]) -> None:
    """Rows into its tables."""
    statements = []
    for table, found in rows.items():
        for row in found:
            values = ", ".join(
                "NULL" if value == "" and name in _NUMBERS else _quoted(value) for name, value in row.items()
            )
            statements.append(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values});")
    await mariadb.sql("\n".join(statements), "asterisk")


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def freepbx_conf(mariadb: MariaDB, path: Path) -> Path:
    """FreePBX' own configuration file, for the read-only user."""
    path.write_text(
        "<?php\n"
        f"$amp_conf['AMPDBUSER'] = '{READER}';\n"
        f'$amp_conf["AMPDBPASS"] = "{PASSWORD}";\n'
        "$amp_conf['AMPDBHOST'] = 'localhost';\n"
        "$amp_conf['AMPDBNAME'] = 'asterisk';\n"
        f"$amp_conf['AMPDBSOCK'] = '{mariadb.socket}';\n"
        "require_once('/var/www/html/admin/bootstrap.php');\n?>\n"
    )
    return path


def write_astdb(path: Path, keys: Mapping[str, str]) -> Path:
    """Asterisk's own database, as main/db.c makes it."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE astdb (key VARCHAR(256), value VARCHAR(256), PRIMARY KEY(key))")
        made.executemany("INSERT INTO astdb VALUES (?, ?)", keys.items())
        made.commit()
    return path
