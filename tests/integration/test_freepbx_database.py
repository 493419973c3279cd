"""The import from a real MariaDB, with the command as an administrator runs it."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ari_app import cli
from ari_app.config import Settings
from ari_app.freepbx import sources
from ari_app.freepbx.mapping import wanted
from ari_app.freepbx.sources import SourceOptions
from ari_app.freepbx.tables import describe
from tests.harness import freepbx
from tests.harness.mariadb import MariaDB, unavailable
from tests.unit.freepbx.sample import FreePBX, small


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mariadb() -> AsyncIterator[MariaDB]:
    if reason := unavailable():
        pytest.skip(reason)
    async with MariaDB() as server:
        yield server


pytestmark = pytest.mark.asyncio(loop_scope="module")


class Installation:
    """A FreePBX, and an ari_app that imports from it."""

    def __init__(self, mariadb: MariaDB, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.mariadb = mariadb
        self.directory = directory
        self.conf = freepbx.freepbx_conf(mariadb, directory / "freepbx.conf")
        self.astdb = directory / "astdb.sqlite3"
        self.voicemail = directory / "voicemail.conf"
        self._capsys = capsys

    async def fill(self, made: FreePBX, version: int = 17) -> None:
        await freepbx.make_database(self.mariadb, made.rows, version)
        freepbx.write_astdb(self.astdb, made.astdb)
        self.voicemail.write_text(made.voicemail)

    async def sql(self, statements: str | bytes) -> str:
        return await self.mariadb.sql(statements, "asterisk")

    async def run(self, *arguments: str, source: str = "") -> tuple[int, str, str]:
        """The command: exit code, what it printed, errors."""

        files = ["--astdb", str(self.astdb), "--voicemail", str(self.voicemail)]
        status = await asyncio.to_thread(cli.main, ["import-freepbx", source or str(self.conf), *files, *arguments])
        printed = self._capsys.readouterr()
        return status, printed.out, printed.err

    async def json(self, *arguments: str) -> dict[str, Any]:
        status, out, err = await self.run("--json", *arguments)
        assert status in (0, 3), err
        found: dict[str, Any] = json.loads(out)
        return found

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self.directory / "data/ari_app.sqlite")) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(sql)]


@pytest.fixture
async def installation(
    mariadb: MariaDB, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Installation:

    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    assert await asyncio.to_thread(cli.main, ["migrate"]) == 0
    capsys.readouterr()
    return Installation(mariadb, tmp_path, capsys)


@pytest.mark.parametrize("version", [16, 17])
async def test_plan_import_and_nothing_left_to_do(installation: Installation, version: int) -> None:
    await installation.fill(small(), version)
    status, out, _ = await installation.run("--dry-run")
    assert status == 3
    assert 'create  queue 500 "Sales": 2 members' in out
    assert "nothing was imported" in out
    assert installation.rows("SELECT * FROM queues") == []
    status, out, err = await installation.run("--yes")
    assert (status, err) == (0, "")
    queues = installation.rows("SELECT * FROM queues ORDER BY extension")
    assert [(row["extension"], row["name"], row["ring_strategy"], row["max_wait_time"]) for row in queues] == [
        ("500", "Sales", "ringall", 300),
        ("501", "Support", "leastrecent", None),
    ]
    bound = """SELECT q.extension, u.number, b.skill FROM queue_bindings b JOIN queues q ON q.id = b.queue_id
               JOIN users u ON u.id = b.agent_id ORDER BY 1, 2"""
    assert [tuple(row.values()) for row in installation.rows(bound)] == [
        ("500", "1001", 1),
        ("500", "1002", 3),
        ("501", "1001", 4),
        ("501", "1003", 2),
    ]
    status, out, _ = await installation.run("--yes")
    assert status == 0
    assert out.rstrip().endswith("nothing to do")
    assert (await installation.json())["changes"] is False


async def test_without_a_terminal_nothing_is_agreed_to(installation: Installation) -> None:
    await installation.fill(small())
    status, out, _ = await installation.run()
    assert status == 3
    assert "nothing was imported" in out
    assert installation.rows("SELECT * FROM imported_items") == []


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 3), ("", 3)])
async def test_a_person_is_asked(installation: Installation, answer: str, status: int) -> None:
    """At a terminal, as a process of its own."""
    await installation.fill(small())
    ours, its = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ari_app", "import-freepbx", str(installation.conf)),
        env={**os.environ, "DATA_DIR": str(installation.directory / "data")},
        stdin=its,
        stdout=asyncio.subprocess.PIPE,
    )
    os.close(its)
    try:
        async with asyncio.timeout(60):
            assert process.stdout is not None
            asked = await process.stdout.readuntil(b"[y/N] ")
            assert b'create  queue 500 "Sales"' in asked
            assert installation.rows("SELECT * FROM queues") == []
            os.write(ours, answer.encode() + b"\n")
            rest = (await process.stdout.read()).decode()
            assert await process.wait() == status
    finally:
        os.close(ours)
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert ("nothing was imported" in rest) == (status == 3)
    assert len(installation.rows("SELECT * FROM queues")) == (2 if status == 0 else 0)


async def test_killed_in_the_middle_nothing_is_half_imported(installation: Installation) -> None:
    """kill -9 while it writes; the next run does all of it."""
    made = small()
    for number in range(800):
        made.queue(str(6000 + number), "Local/1001@from-queue/n,0", config={"descr": f"Queue {number}"})
        made.extension(str(20_000 + number), f"Extension {number}")
    await installation.fill(made)
    journal = installation.directory / "data/ari_app.sqlite-wal"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ari_app", "import-freepbx", str(installation.conf), "--yes"),
        env={**os.environ, "DATA_DIR": str(installation.directory / "data")},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        while process.returncode is None and not (journal.exists() and journal.stat().st_size):
            await asyncio.sleep(0.002)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    counts = {table: len(installation.rows(f"SELECT * FROM {table}")) for table in ("queues", "extensions", "users")}
    assert counts in ({"queues": 0, "extensions": 0, "users": 0}, {"queues": 802, "extensions": 803, "users": 3})
    assert (await installation.run("--yes"))[0] == 0
    assert len(installation.rows("SELECT * FROM extensions")) == 803
    assert (await installation.json())["changes"] is False


async def test_changes_there_and_here(installation: Installation) -> None:
    await installation.fill(small())
    await installation.run("--yes")
    await installation.sql(
        "UPDATE queues_details SET data = '30' WHERE id = '500' AND keyword = 'timeout';"
        "UPDATE queues_config SET descr = 'Sales West' WHERE extension = '500';"
        "DELETE FROM queues_details WHERE id = '500' AND keyword = 'member' AND data LIKE 'PJSIP/1002%'"
    )
    with closing(sqlite3.connect(installation.directory / "data/ari_app.sqlite")) as database:
        database.execute("UPDATE queues SET name = 'Our Sales', weight = 5 WHERE extension = '500'")
        database.commit()
    found = await installation.json("--yes")
    (entry,) = (entry for entry in found["entries"] if entry["kind"] == "queue")
    held = {d["attribute"]: d["held"] for d in entry["differences"] if not d["attribute"].startswith("attribute")}
    assert held == {"agent_timeout": False, "member 1002": False, "name": True, "weight": True}
    (queue,) = installation.rows("SELECT * FROM queues WHERE extension = '500'")
    assert (queue["name"], queue["weight"], queue["agent_timeout"]) == ("Our Sales", 5, 30)
    await installation.run("--yes", "--force")
    (queue,) = installation.rows("SELECT * FROM queues WHERE extension = '500'")
    assert (queue["name"], queue["weight"]) == ("Sales West", 0)


async def test_names_in_a_utf8mb3_table(installation: Installation) -> None:
    """Right ones, ones that were encoded twice, and ones that are no UTF-8 at all."""
    await installation.fill(small(), 16)
    await installation.sql("UPDATE queues_config SET descr = 'Müller & Söhne' WHERE extension = '500'")
    # what FreePBX wrote over a connection set to latin1: each byte a character
    await installation.sql(
        "SET NAMES latin1; UPDATE queues_config SET descr = 'Kundendienst Süd' WHERE extension = '501';"
        "UPDATE users SET name = 'Zoë Øre' WHERE extension = '1001'"
    )
    # a table of before FreePBX 2.11, with latin1 bytes
    await installation.sql("ALTER TABLE users CONVERT TO CHARACTER SET latin1")
    await installation.run("--yes")
    names = [row["name"] for row in installation.rows("SELECT name FROM queues ORDER BY extension")]
    assert names == ["Müller & Söhne", "Kundendienst Süd"]
    (alice,) = installation.rows("SELECT * FROM users WHERE number = '1001'")
    assert (alice["first_name"], alice["last_name"]) == ("Zoë", "Øre")


async def test_bytes_that_are_no_utf8(installation: Installation) -> None:
    """A binary column, which no server converts."""
    await installation.fill(small(), 16)
    await installation.sql("ALTER TABLE queues_config MODIFY descr varbinary(35)")
    await installation.sql(b"SET NAMES binary; UPDATE queues_config SET descr = 'M\xfcller' WHERE extension = '500'")
    await installation.run("--yes")
    assert installation.rows("SELECT name FROM queues WHERE extension = '500'") == [{"name": "Müller"}]


@pytest.mark.parametrize("table", ["queues_config", "queues_details"])
async def test_without_the_queues_module(installation: Installation, table: str) -> None:
    await installation.fill(small())
    await installation.sql(f"DROP TABLE {table}")
    status, out, err = await installation.run("--yes")
    assert (status, out) == (1, "")
    assert err.startswith("ari_app: ")
    assert table in err
    assert installation.rows("SELECT * FROM queues") == []


@pytest.mark.parametrize(
    "table", ["users", "devices", "pjsip", "sip", "iax", "dahdi", "incoming", "freepbx_settings", "recordings", "music"]
)
async def test_tables_that_lack_are_said(installation: Installation, table: str) -> None:
    await installation.fill(small())
    await installation.sql(f"DROP TABLE {table}")
    found = await installation.json("--yes")
    assert f"table {table}" in {note["item"] for note in found["notes"]}
    assert len(installation.rows("SELECT * FROM queues")) == 2


async def test_columns_that_lack_are_said(installation: Installation) -> None:
    await installation.fill(small(), 16)
    await installation.sql("ALTER TABLE queues_config DROP callback_id, DROP monitor_type, DROP maxwait")
    found = await installation.json("--yes")
    items = {note["item"] for note in found["notes"]}
    assert {f"column {name} of queues_config" for name in ("callback_id", "monitor_type", "maxwait")} <= items
    await installation.sql("ALTER TABLE queues_config DROP PRIMARY KEY, DROP extension")
    status, _, err = await installation.run("--yes", "--force", "--prune")
    assert status == 1
    assert "no column extension" in err
    assert len(installation.rows("SELECT * FROM queues WHERE NOT deleted")) == 2


async def test_a_table_the_user_may_not_read(installation: Installation) -> None:
    await installation.fill(small())
    await installation.sql(
        f"REVOKE ALL ON asterisk.* FROM {freepbx.READER}@localhost;"
        f"GRANT SELECT ON asterisk.queues_config TO {freepbx.READER}@localhost;"
        f"GRANT SELECT ON asterisk.queues_details TO {freepbx.READER}@localhost"
    )
    found = await installation.json("--yes")
    assert any(note["reason"] == "the database user may not read it" for note in found["notes"])
    assert len(installation.rows("SELECT * FROM queues")) == 2


async def test_the_user_changes_nothing(installation: Installation) -> None:
    await installation.fill(small())
    before = await installation.mariadb.sql("CHECKSUM TABLE asterisk.queues_config, asterisk.queues_details")
    await installation.run("--yes")
    assert await installation.mariadb.sql("CHECKSUM TABLE asterisk.queues_config, asterisk.queues_details") == before


@pytest.mark.parametrize("way", ["port", "socket", "password file"])
async def test_other_ways_to_the_database(installation: Installation, way: str) -> None:
    await installation.fill(small())
    password = installation.directory / "password"
    password.write_text(freepbx.PASSWORD + "\n")
    port, socket = installation.mariadb.port, installation.mariadb.socket
    await installation.mariadb.sql(
        f"CREATE OR REPLACE USER {freepbx.READER}@'127.0.0.1' IDENTIFIED BY 'read-only''s';"
        f"GRANT SELECT ON asterisk.* TO {freepbx.READER}@'127.0.0.1'"
    )
    source, more = {
        "port": (f"mysql://{freepbx.READER}:read-only%27s@127.0.0.1:{port}/asterisk", []),
        "socket": (f"mariadb://{freepbx.READER}:read-only%27s@localhost/asterisk?socket={socket}", []),
        "password file": (f"mysql://{freepbx.READER}@127.0.0.1:{port}/asterisk", ["--password-file", str(password)]),
    }[way]
    status, _, err = await installation.run("--yes", *more, source=source)
    assert (status, err) == (0, "")


async def test_what_cannot_be_reached_is_one_line_without_the_password(installation: Installation) -> None:
    await installation.fill(small())
    port = installation.mariadb.port
    for source in (
        f"mysql://{freepbx.READER}:s3cret@127.0.0.1:{port}/asterisk",
        f"mysql://{freepbx.READER}:s3cret@127.0.0.1:1/asterisk",
        "mysql://u:s3cret@127.0.0.1:x/asterisk",
        "postgresql://u:s3cret@127.0.0.1/asterisk",
        "/nowhere/freepbx.conf",
    ):
        status, out, err = await installation.run("--yes", source=source)
        assert (status, out, err.count("\n")) == (1, "", 1), err
        assert "s3cret" not in err


async def test_no_secret_is_printed(installation: Installation) -> None:
    made = small()
    made.voicemail += "1001 => 98765,Alice,alice@example.org,,\n"
    made.rows["users"][0]["voicemail"] = "default"
    made.rows["queues_config"][0]["password"] = "246810"
    await installation.fill(made)
    texts = [(await installation.run("--dry-run", "--all"))[1], (await installation.run("--json", "--yes"))[1]]
    await installation.sql("UPDATE pjsip SET data = 'changed-secret' WHERE keyword = 'secret' AND id = '1001'")
    texts.append((await installation.run("--json"))[1])
    texts.append((await installation.run("--yes", "--all"))[1])
    assert '"attribute": "secret"' in texts[-2]
    assert "secret changes" in texts[-1]
    kept = str(installation.rows("SELECT * FROM imported_items WHERE kind = 'extension'"))
    kept += str(installation.rows("SELECT * FROM extensions"))
    for secret in ("secret-1001", "changed-secret", "98765"):
        assert secret not in "".join(texts) + kept
    assert "246810" not in "".join(texts)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--watch", "--prune"],
        ["--watch", "--dry-run"],
        ["--watch", "1"],
        ["--watch", "x"],
        ["--then", "'"],
        ["--then", " "],
    ],
)
async def test_what_does_not_go_together(installation: Installation, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        await installation.run(*arguments)
    assert ended.value.code == 2


async def test_a_command_of_one_s_own_runs_after_a_change_only(installation: Installation) -> None:
    await installation.fill(small())
    made = installation.directory / "made"
    for expected in (True, False):
        await installation.run("--yes", "--then", f"touch '{made}'")
        assert made.exists() is expected
        made.unlink(missing_ok=True)
    await installation.sql("UPDATE queues_config SET descr = 'New' WHERE extension = '500'")
    assert "cannot run /nowhere/x" in (await installation.run("--yes", "--then", "/nowhere/x y"))[1]


async def test_freepbx_is_followed_until_the_command_is_ended(installation: Installation) -> None:
    """As a process of its own, as it runs in earnest."""
    await installation.fill(small())
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ari_app", "import-freepbx", str(installation.conf), "--yes", "--watch", "5"),
        env={**os.environ, "DATA_DIR": str(installation.directory / "data")},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            while b"following" not in await process.stdout.readline():
                pass
            await installation.sql("UPDATE queues_config SET descr = 'Sales West' WHERE extension = '500'")
            while b"Sales West" not in await process.stdout.readline():
                pass
    finally:
        process.terminate()
        await process.wait()
    assert {"name": "Sales West"} in installation.rows("SELECT name FROM queues")


def every_extension(made: FreePBX) -> None:
    """An extension for each value the GUI can store and each damage."""
    number = 2000
    for keyword, values in {
        "dtmfmode": ("rfc2833", "inband", "auto", "info", "shortinfo", "auto_info", "", "nonsense"),
        "nat": ("yes", "no", "never", "route", "force_rport", "comedia", "force_rport,comedia", "auto_comedia", "x"),
        "context": ("from-internal-xfer", "from internal"),
        "secret": ("", "REGEN", "süß 'quoted\\'", "x" * 81),
        "md5_cred": ("0123456789abcdef0123456789abcdef", "short"),
        "rewrite_contact": ("yes", "no"),
        "media_encryption": ("sdes",),
        "accountcode": ("42",),
        "something_new": ("x",),
    }.items():
        for value in values:
            made.extension(str(number), f"{keyword} {number}")
            made.rows["pjsip"] = [
                row for row in made.rows["pjsip"] if (row["id"], row["keyword"]) != (str(number), keyword)
            ]
            made.rows["sip"].append({"id": str(number), "keyword": keyword, "data": value, "flags": "2"})
            number += 1
    for column, values in {
        "outboundcid": ('"Sales" <+49 30 1234>', "hidden", "0301234"),
        "name": ("", "Süd", "Alice Adams"),
        "noanswer_dest": ("ext-queues,500,1",),
        "mohclass": ("jazz",),
        "ringtimer": ("20",),
        "voicemail": ("default", "device", "gone"),
    }.items():
        for value in values:
            made.extension(str(number), f"{column} {number}")
            made.rows["users"][-1][column] = value
            made.voicemail += f"{number} => 4321,Name,{number}@example.org,,attach=yes\n"
            number += 1
    for place in ("in/external", "in/internal", "out/external", "out/internal", "ondemand"):
        for value in ("force", "yes", "dontcare", "no", "never", "enabled", "disabled"):
            made.extension(str(number), f"{place} {value}")
            made.astdb[f"/AMPUSER/{number}/recording/{place}"] = value
            number += 1
    for tech in ("sip", "iax2", "dahdi", "custom", "virtual"):
        made.extension(str(number), f"{tech} {number}")
        made.rows["devices"][-1]["tech"] = tech
        made.astdb |= {f"/CW/{number}": "ENABLED", f"/AMPUSER/{number}/cidnum": "5000", f"/CF/{number}": "030"}
        number += 1
    made.extension("0100", "Zero")
    made.rows["pjsip"].append({"id": "1", "keyword": "secret", "data": "a trunk's", "flags": "0"})


def every_trap() -> FreePBX:
    """A queue for each value the GUI can store and each damage, in one FreePBX."""
    made = small()
    number = 600
    for keyword, values in {
        "joinempty": ("strict", "no", "loose", "penalty,paused,invalid,unavailable,inuse,ringing", "inuse"),
        "leavewhenempty": ("yes", "strict", "loose", "penalty,paused,invalid,unavailable,inuse,ringing"),
        "strategy": ("rrordered", "linear", "wrandom", "roundrobin", "nonsense"),
        "retry": ("none", "0", "1", "abc"),
        "timeout": ("0", "60", "-1", ""),
        "wrapuptime": ("0", "30", "x"),
        "announce-holdtime": ("once", "yes"),
        "announce-position": ("yes", None),
        "queue-youarenext": ("queue-youarenext",),
        "recording": ("force", "yes", "no", "never", "always", None),
        "autopause": ("yes", "all"),
        "music": ("none", "default", "jazz"),
        "weight": ("10", "11"),
        "skip_joinannounce": ("free", "ready", "nofreeagent"),
        "rvolume": ("14",),
        "timeoutpriority": ("conf",),
        "monitor-format": ("wav", "gsm"),
        "something-new": ("x",),
    }.items():
        for value in values:
            made.queue(str(number), config={"descr": f"{keyword} {number}"}, **{keyword: value})
            number += 1
    for column, values in {
        "ringing": ("1", "2", "3"),
        "cwignore": ("0", "1", "2", "3"),
        "use_queue_context": ("1", "2", "3"),
        "maxwait": ("0", "600", "abc"),
        "dest": ("ext-local,vmu100,1", "ext-queues,500,1", "ivr-3,s,1", "app-announcement-3,s,1"),
        "monitor_type": ("b",),
        "callback_id": ("4",),
        "grppre": ("Süd: ", "x" * 100),
    }.items():
        for value in values:
            made.queue(str(number), config={"descr": f"{column} {number}", column: value})
            number += 1
    members = ["Local/0301234567@from-queue/n,0", "PJSIP/1999,0", "Agent/1001,0", "DAHDI/4,0", "PJSIP/1001,high"]
    made.queue(
        str(number), *members, "IAX2/1002,12", "Local/1002@from-queue/n,1", "nonsense", config={"descr": "Sales"}
    )
    made.detail("777", "member", "PJSIP/1001,0")
    made.detail("-1", "penaltymemberslimit", "3")
    made.rows["users"].append(made.rows["users"][0] | {"name": "Twice"})
    made.rows["recordings"].append({"id": "1", "displayname": "Closed", "filename": "custom/closed"})
    made.rows["announcement"].append({"announcement_id": "3", "recording_id": "1", "post_dest": ""})
    every_extension(made)
    made.astdb |= {"/QPENALTY/501/agents/1002": "x", "/QPENALTY/501/dynmemberonly": "yes"}
    made.rows["freepbx_settings"] += [{"keyword": "QUEUES_SHARED_LASTCALL", "value": "0", "module": "queues"}]
    return made


@pytest.mark.parametrize("version", [16, 17])
async def test_every_value_comes_out_of_the_database_as_it_went_in(installation: Installation, version: int) -> None:
    """What test_settings.py and test_mapping.py say of rows holds for a database's rows; and all of it is imported."""
    made = every_trap()
    await installation.fill(made, version)
    options = SourceOptions(astdb=installation.astdb, voicemail=installation.voicemail)
    described = await asyncio.to_thread(sources.read, str(installation.conf), options)
    expected = describe(made.tables())
    found, wished = wanted(described), wanted(expected)
    assert found.queues == wished.queues
    assert found.agents == wished.agents
    assert found.extensions == wished.extensions
    assert {(note.level, note.item, note.reason) for note in described.notes.all()} == {
        (note.level, note.item, note.reason) for note in expected.notes.all()
    }
    status, _, err = await installation.run("--yes")
    assert (status, err) == (0, "")
    assert {row["extension"] for row in installation.rows("SELECT extension FROM queues")} == set(wished.queues)
    kept = {row["extension"]: row for row in installation.rows("SELECT * FROM extensions")}
    assert kept.keys() == (wished.extensions or {}).keys()
    for number, one in (wished.extensions or {}).items():
        settings = {name: value for name, value in one.settings.items() if "." not in name and name != "voicemail"}
        settings["sip_digest"] = settings.pop("secret", kept[number]["sip_digest"])
        assert {name: kept[number][name] for name in settings} == settings
    assert (await installation.run("--yes"))[1].rstrip().endswith("nothing to do")
