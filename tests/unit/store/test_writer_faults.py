"""The batch writer with a database, or a disk, that fails. What must hold: every row is in the database once at last,
in order, whatever fails and whenever the process is killed; and nobody waits for it who does not ask to."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from ari_app.clock import ManualClock
from ari_app.errors import ConfigError, StoreUnavailable
from ari_app.store import spill
from ari_app.store.database import Database
from ari_app.store.writer import Writer
from models import Call, LiveCall
from tests.unit.store.conftest import MakeWriter
from tests.unit.store.faults import Faults
from tests.unit.store.test_writer import live, rows, settle


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
async def writer(make_writer: MakeWriter, faults: Faults) -> Writer:
    return await make_writer(connect=faults.connect)


def spilled(tmp_path: Path) -> list[list[str]]:
    """The calls in each batch of the spill files."""
    lines = [
        line for path in sorted((tmp_path / "data/spill").glob("*.jsonl")) for line in path.read_text().splitlines()
    ]
    return [[values["call_id"] for _, _, values in json.loads(line)[1]] for line in lines]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what a thread is doing."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.001)


async def put(writer: Writer, clock: ManualClock, *calls: str) -> None:
    """One batch."""
    for call in calls:
        writer.upsert(LiveCall, live(call))
    clock.advance(0.05)
    await settle()


async def come_back(writer: Writer, faults: Faults, clock: ManualClock) -> None:
    faults.down = False
    clock.advance(60)
    await writer.committed()


async def kill(writer: Writer) -> None:
    """What kill -9 leaves: locks are gone, nothing is written any more."""
    writer._closing = True
    for task in (writer._task, writer._spiller._task):
        assert task is not None
        task.cancel()
        await asyncio.wait([task])
    writer._spiller._file._file = os.close(writer._spiller._file._file)  # type: ignore[arg-type, func-returns-value]
    writer._spiller._thread.stop()
    if writer._connection is not None:
        await writer._connection.close()


async def test_rows_are_on_the_disk_at_once_when_the_database_fails(
    writer: Writer, faults: Faults, clock: ManualClock, tmp_path: Path, database: Database
) -> None:
    told: list[tuple[bool, str]] = []
    writer.on_health = lambda healthy, why: told.append((healthy, why))
    faults.down = True
    await put(writer, clock, "a", "b")
    await until(lambda: writer.stats.spilled == 2)
    assert spilled(tmp_path) == [["a", "b"]]
    await put(writer, clock, "c")
    await until(lambda: writer.stats.spilled == 3)
    assert spilled(tmp_path) == [["a", "b"], ["c"]]
    assert not writer.healthy
    assert not database.healthy
    assert writer.stats.pending == 3
    await come_back(writer, faults, clock)
    assert [call for call, _ in await rows(database)] == ["a", "b", "c"]
    assert faults.transactions == [(3, 2)]
    assert told == [(False, "the database is down"), (True, "")]
    assert writer.healthy
    assert database.healthy
    await until(lambda: not list((tmp_path / "data/spill").iterdir()))
    assert writer.stats.spilled == writer.stats.pending == 0


async def test_attempts_grow_rarer_and_never_stop(writer: Writer, faults: Faults, clock: ManualClock) -> None:
    faults.down = True
    await put(writer, clock, "a")
    await until(lambda: not writer.healthy)
    for _ in range(600):
        # time goes on only while it waits for the next attempt: what it does in between takes the real time it takes
        await until(lambda: writer._retry is not None)
        clock.advance(1.0)
    assert 30 < faults.attempts < 160
    await come_back(writer, faults, clock)


async def test_order_is_kept_when_the_database_comes_back(
    writer: Writer, faults: Faults, clock: ManualClock, database: Database
) -> None:
    faults.down = True
    for state in range(30):
        writer.upsert(LiveCall, live("a", str(state)))
        writer.upsert(LiveCall, live(f"b{state}"))
        if state:
            writer.delete(LiveCall, {"call_id": f"b{state - 1}"})
        clock.advance(0.05)
        await settle()
    await come_back(writer, faults, clock)
    assert await rows(database) == [("a", "29"), ("b29", "{}")]


async def test_a_killed_process_leaves_rows_to_the_next_one_once(
    writer: Writer, faults: Faults, clock: ManualClock, make_writer: MakeWriter, tmp_path: Path, database: Database
) -> None:
    await put(writer, clock, "a")
    await writer.committed()
    faults.down = True
    await put(writer, clock, "b")
    await put(writer, clock, "c")
    await until(lambda: writer.stats.spilled == 2)
    await kill(writer)
    second = await make_writer()
    assert second.stats.batches == 1
    assert [call for call, _ in await rows(database)] == ["a", "b", "c"]
    assert spilled(tmp_path) == []
    second.delete(LiveCall, {"call_id": "b"})
    await second.flush()
    await second.close()
    await make_writer()
    assert [call for call, _ in await rows(database)] == ["a", "c"]


async def test_a_file_played_back_by_a_process_that_is_killed_then_is_not_played_again(
    writer: Writer, faults: Faults, clock: ManualClock, make_writer: MakeWriter, tmp_path: Path, database: Database
) -> None:
    faults.down = True
    await put(writer, clock, "a")
    await until(lambda: writer.stats.spilled == 1)
    await kill(writer)
    path = next((tmp_path / "data/spill").iterdir())
    kept = path.read_bytes()
    second = await make_writer()
    second.delete(LiveCall, {"call_id": "a"})
    await second.flush()
    # As if it had been killed between the commit and the removal of the file: the mark says what is done.
    path.write_bytes(kept)
    async with database.transaction() as connection:
        mark = {"writer": path.stem, "batch": 1, "at": clock.now()}
        await connection.execute(text("INSERT INTO spill_marks VALUES (:writer, :batch, :at)"), mark)
    await make_writer()
    assert await rows(database) == []
    assert not path.exists()


async def test_a_line_half_written_is_put_aside(
    writer: Writer, faults: Faults, clock: ManualClock, make_writer: MakeWriter, tmp_path: Path, database: Database
) -> None:
    faults.down = True
    await put(writer, clock, "a")
    await put(writer, clock, "b")
    await until(lambda: writer.stats.spilled == 2)
    await kill(writer)
    path = next((tmp_path / "data/spill").iterdir())
    path.write_bytes(path.read_bytes()[:-9])
    await make_writer()
    assert [call for call, _ in await rows(database)] == ["a"]
    assert [left.suffix for left in (tmp_path / "data/spill").iterdir()] == [".torn"]


async def test_the_file_of_a_process_that_lives_is_left_alone(
    writer: Writer, faults: Faults, clock: ManualClock, make_writer: MakeWriter, tmp_path: Path, database: Database
) -> None:
    faults.down = True
    await put(writer, clock, "a")
    await until(lambda: writer.stats.spilled == 1)
    await make_writer()
    assert await rows(database) == []
    await come_back(writer, faults, clock)
    assert [call for call, _ in await rows(database)] == ["a"]


async def test_a_commit_that_was_not_confirmed_is_not_repeated(
    writer: Writer, faults: Faults, clock: ManualClock, database: Database
) -> None:
    faults.lose_confirmation = True
    await put(writer, clock, "a")
    await until(lambda: not writer.healthy)
    # Someone else removes the row: written again, it would be back.
    async with database.transaction() as connection:
        await connection.execute(text("DELETE FROM live_calls"))
    await put(writer, clock, "b")
    await come_back(writer, faults, clock)
    assert [call for call, _ in await rows(database)] == ["b"]
    assert faults.transactions == [(1, 1), (1, 2)]


async def test_a_slow_transaction_is_on_the_disk_too(
    writer: Writer, faults: Faults, clock: ManualClock, tmp_path: Path, database: Database
) -> None:
    faults.gate = asyncio.Event()
    writer.upsert(LiveCall, live("a"))
    clock.advance(0.05)
    await faults.waiting.wait()
    await put(writer, clock, "b")
    assert spilled(tmp_path) == []
    clock.advance(1.0)
    await until(lambda: writer.stats.spilled == 2)
    await put(writer, clock, "c")
    await until(lambda: writer.stats.spilled == 3)
    assert spilled(tmp_path) == [["a"], ["b"], ["c"]]
    assert writer.healthy
    faults.gate.set()
    await writer.committed()
    assert len(await rows(database)) == 3
    await until(lambda: not list((tmp_path / "data/spill").iterdir()))


async def test_many_rows_behind_a_transaction_go_to_the_disk(
    make_writer: MakeWriter, faults: Faults, clock: ManualClock, database: Database
) -> None:
    writer = await make_writer(connect=faults.connect, max_rows=50)
    faults.gate = asyncio.Event()
    writer.upsert(LiveCall, live("first"))
    clock.advance(0.05)
    await faults.waiting.wait()
    await put(writer, clock, *map(str, range(51)))
    await until(lambda: writer.stats.spilled == 52)
    faults.gate.set()
    await writer.committed()
    assert len(await rows(database)) == 52


async def test_memory_is_bounded_while_the_database_is_away(
    make_writer: MakeWriter, faults: Faults, clock: ManualClock, database: Database
) -> None:
    writer = await make_writer(connect=faults.connect, max_rows=10)
    faults.down = True
    for number in range(30):
        await put(writer, clock, f"{number:03}")
        await until(lambda: writer.stats.spilled == writer.stats.pending)
    assert sum(sealed.batch is not None for sealed in writer._queue) <= 10
    await come_back(writer, faults, clock)
    assert len(await rows(database)) == 30


async def test_a_full_disk_keeps_rows_in_memory(
    writer: Writer,
    faults: Faults,
    clock: ManualClock,
    tmp_path: Path,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = 0

    def full(_file: int) -> None:
        nonlocal calls
        calls += 1
        raise OSError(errno.ENOSPC, "No space left on device")

    def tried(times: int) -> bool:
        # Once it has failed, nothing is left in the file of what was half written.
        return calls >= times and not any(path.stat().st_size for path in (tmp_path / "data/spill").iterdir())

    faults.down = True
    with monkeypatch.context() as patch:
        patch.setattr(spill.os, "fsync", full)
        await put(writer, clock, "a")
        await until(lambda: tried(1))
        before = calls
        await put(writer, clock, "b")
        await until(lambda: tried(before + 1))
        assert writer.stats.spilled == 0
    await put(writer, clock, "c")
    await until(lambda: writer.stats.spilled == 3)
    assert spilled(tmp_path) == [["a"], ["b"], ["c"]]
    await come_back(writer, faults, clock)
    assert len(await rows(database)) == 3


async def test_closing_while_the_database_is_away_leaves_rows_to_the_next_start(
    make_writer: MakeWriter, faults: Faults, clock: ManualClock, database: Database
) -> None:
    writer = await make_writer(connect=faults.connect)
    faults.down = True
    await put(writer, clock, "a")
    await until(lambda: not writer.healthy)
    writer.upsert(LiveCall, live("b"))
    waiting = asyncio.create_task(writer.committed())
    await settle()
    await writer.close()
    with pytest.raises(StoreUnavailable):
        await waiting
    await make_writer()
    assert [call for call, _ in await rows(database)] == ["a", "b"]


async def test_a_start_without_a_database_keeps_what_is_there_to_play_back(
    make_writer: MakeWriter, faults: Faults, clock: ManualClock, tmp_path: Path, database: Database
) -> None:
    first = await make_writer(connect=faults.connect)
    faults.down = True
    await put(first, clock, "a")
    await until(lambda: first.stats.spilled == 1)
    await kill(first)
    second = await make_writer(start=False, connect=faults.connect)
    with pytest.raises(StoreUnavailable, match="the database is down"):
        await second.start()
    assert spilled(tmp_path) == [["a"]]


async def test_a_data_directory_that_cannot_be_used(make_writer: MakeWriter, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    writer = await make_writer(start=False)
    with pytest.raises(ConfigError, match="set DATA_DIR"):
        await writer.start()


def started(call: str, **more: object) -> dict[str, object]:
    texts = ("node", "direction", "number", "caller_number", "caller_name", "program")
    return {"id": call, "account_id": 1, **dict.fromkeys(texts, ""), "started_at": 1.0, **more}


async def test_a_row_the_database_refuses_does_not_stop_the_others(
    writer: Writer, database: Database, tmp_path: Path
) -> None:
    for number in range(40):
        writer.upsert(LiveCall, live(f"{number:02}"))
        writer.upsert(Call, started(f"call-{number:02}", node=None if number == 17 else "main"))
    await writer.flush()
    assert len(await rows(database)) == 40
    async with database.transaction(write=False) as connection:
        ids = list((await connection.execute(text("SELECT id FROM calls ORDER BY id"))).scalars())
    assert ids == [f"call-{number:02}" for number in range(40) if number != 17]
    assert writer.stats.rejected == 1
    assert writer.healthy
    (parked,) = map(json.loads, (tmp_path / "data/rejected.jsonl").read_text().splitlines())
    assert parked["values"]["id"] == "call-17"
    assert "node" in parked["error"]
    assert (tmp_path / "data/rejected.jsonl").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("bad", ["half \ud800 a character", object(), 10**30], ids=["surrogate", "object", "huge"])
async def test_a_value_no_database_could_hold(writer: Writer, database: Database, tmp_path: Path, bad: object) -> None:
    column = "started_at" if isinstance(bad, int) else "number"
    bad = 10**400 if isinstance(bad, int) else bad
    writer.upsert(Call, started("bad", **{column: bad}))
    writer.upsert(LiveCall, live("good"))
    await writer.flush()
    assert await rows(database) == [("good", "{}")]
    assert writer.stats.rejected == 1
    assert '"bad"' in (tmp_path / "data/rejected.jsonl").read_text()


async def test_a_value_that_cannot_be_written_down_does_not_stop_the_spill_file(
    writer: Writer, faults: Faults, clock: ManualClock, database: Database, tmp_path: Path
) -> None:
    faults.down = True
    writer.upsert(LiveCall, live("a"))
    writer.upsert(LiveCall, live("\ud800"))
    clock.advance(0.05)
    await until(lambda: writer.stats.spilled > 0)
    assert spilled(tmp_path) == [["a"]]
    assert writer.stats.rejected == 1
    await come_back(writer, faults, clock)
    assert await rows(database) == [("a", "{}")]


async def test_refused_rows_wait_for_room_to_be_put_aside(
    writer: Writer, database: Database, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_rejected: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(writer._spiller.rejected, "park", full)
        writer.upsert(Call, started("bad", node=None))
        writer.upsert(LiveCall, live("good"))
        clock.advance(0.05)
        await until(lambda: not writer.healthy)
        assert "rejected.jsonl" in writer.stats.last_error
        assert await rows(database) == []
    clock.advance(60)
    await writer.committed()
    assert await rows(database) == [("good", "{}")]


async def test_a_mistake_of_ours_is_not_the_end(
    writer: Writer, database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_sealed: object) -> Awaitable[list[object]]:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(writer._spiller, "batches", broken)
        await put(writer, clock, "a")
        await until(lambda: not writer.healthy)
    clock.advance(60)
    await writer.committed()
    assert await rows(database) == [("a", "{}")]


async def test_a_lost_connection_is_made_again(make_writer: MakeWriter, database: Database, clock: ManualClock) -> None:
    """With a real connection that is cut: SQLite's is closed under the writer, PostgreSQL's ended by the server."""
    writer = await make_writer()
    writer.upsert(LiveCall, live("a"))
    await writer.flush()
    connection = writer._connection
    if database.sqlite:
        connection._sqlite.close()  # type: ignore[union-attr]
    else:
        async with database.transaction() as other:
            query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
            await other.execute(text(query + "datname = current_database()"))
    await put(writer, clock, "b")
    await until(lambda: not writer.healthy)
    clock.advance(60)
    await writer.committed()
    assert [call for call, _ in await rows(database)] == ["a", "b"]
    assert writer.stats.rejected == 0


@pytest.mark.parametrize("store_kind", ["sqlite"])
async def test_a_database_that_is_full_is_written_when_there_is_room(
    make_writer: MakeWriter, database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    writer = await make_writer()
    writer._connection._sqlite.execute("PRAGMA max_page_count = 1")  # type: ignore[union-attr]  # as many as it has
    for number in range(50):
        writer.upsert(LiveCall, live(f"{number:02}", "x" * 4000))
    clock.advance(0.05)
    await until(lambda: writer.stats.spilled == 50)
    assert "full" in writer.stats.last_error
    assert not writer.healthy
    assert await rows(database) == []
    clock.advance(60)
    await writer.committed()
    assert len(await rows(database)) == 50
    assert writer.stats.rejected == 0
