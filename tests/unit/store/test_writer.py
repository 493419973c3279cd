"""The batch writer with a database that works."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from ari_app.clock import ManualClock
from ari_app.store.database import Database
from ari_app.store.writer import Writer
from models import LiveCall
from tests.unit.store.conftest import MakeWriter
from tests.unit.store.faults import Faults


def live(call: str, state: str = "{}", **more: str) -> dict[str, object]:
    return {"call_id": call, "account_id": 1, "node": "main", "state": state, **more}


async def rows(database: Database) -> list[tuple[str, str]]:
    async with database.transaction(write=False) as connection:
        found = await connection.execute(text("SELECT call_id, state FROM live_calls ORDER BY call_id"))
        return [(row.call_id, row.state) for row in found]


async def settle() -> None:
    """Let everything that is ready run."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_batch_is_one_transaction_50_ms_after_its_first_row(
    make_writer: MakeWriter, database: Database, clock: ManualClock
) -> None:
    faults = Faults()
    writer = await make_writer(connect=faults.connect)
    writer.insert(LiveCall, live("a"))
    clock.advance(0.03)
    writer.insert(LiveCall, live("b"))
    clock.advance(0.0199)
    await settle()
    assert faults.transactions == []
    clock.advance(0.0002)
    await writer.committed()
    assert faults.transactions == [(2, 1)]
    assert await rows(database) == [("a", "{}"), ("b", "{}")]


async def test_nothing_runs_when_there_is_nothing_to_write(make_writer: MakeWriter, clock: ManualClock) -> None:
    faults = Faults()
    await make_writer(connect=faults.connect)
    clock.advance(3600)
    await settle()
    assert faults.transactions == []
    assert faults.attempts == 1


async def test_what_is_told_while_a_transaction_runs_is_the_next_one(
    make_writer: MakeWriter, clock: ManualClock
) -> None:
    faults = Faults()
    writer = await make_writer(connect=faults.connect)
    faults.gate = asyncio.Event()
    writer.insert(LiveCall, live("a"))
    clock.advance(0.05)
    await faults.waiting.wait()
    for name in "bcd":
        writer.insert(LiveCall, live(name))
        clock.advance(0.05)
    faults.gate.set()
    await writer.committed()
    assert faults.transactions == [(1, 1), (3, 2)]


async def test_flush_does_not_wait(writer: Writer, database: Database) -> None:
    writer.insert(LiveCall, live("a"))
    await writer.flush()
    assert len(await rows(database)) == 1
    assert writer.stats.committed == 1
    assert writer.stats.pending == 0


async def test_committed_waits_for_what_came_before_and_for_no_more(
    make_writer: MakeWriter, clock: ManualClock
) -> None:
    faults = Faults()
    writer = await make_writer(connect=faults.connect)
    await writer.committed()
    writer.insert(LiveCall, live("a"))
    first = asyncio.create_task(writer.committed())
    await settle()
    assert not first.done()
    clock.advance(0.05)
    await first
    writer.insert(LiveCall, live("b"))
    cancelled = asyncio.create_task(writer.committed())
    await settle()
    cancelled.cancel()
    await settle()
    clock.advance(0.05)
    await writer.committed()
    assert len(faults.transactions) == 2


async def test_insert_keeps_what_is_there(writer: Writer, database: Database) -> None:
    writer.insert(LiveCall, live("a", "1"))
    await writer.flush()
    writer.insert(LiveCall, live("a", "2"))
    await writer.flush()
    assert await rows(database) == [("a", "1")]


async def test_upsert_changes_the_columns_given(writer: Writer, database: Database) -> None:
    writer.upsert(LiveCall, live("a", "1"))
    await writer.flush()
    writer.upsert(LiveCall, live("a", "2"))
    writer.upsert(LiveCall, live("b", "1"))
    writer.upsert(LiveCall, live("b", "3"))
    await writer.flush()
    assert await rows(database) == [("a", "2"), ("b", "3")]


async def test_update_makes_no_row(writer: Writer, database: Database) -> None:
    writer.insert(LiveCall, live("a", "1"))
    writer.update(LiveCall, {"call_id": "a", "state": "2"})
    writer.update(LiveCall, {"call_id": "b", "state": "2"})
    await writer.flush()
    assert await rows(database) == [("a", "2")]


async def test_delete_and_begin_again_within_a_batch(writer: Writer, database: Database) -> None:
    writer.upsert(LiveCall, live("a", "1"))
    await writer.flush()
    writer.delete(LiveCall, {"call_id": "a"})
    writer.upsert(LiveCall, live("a", "2"))
    writer.upsert(LiveCall, live("b"))
    writer.delete(LiveCall, {"call_id": "b"})
    await writer.flush()
    assert await rows(database) == [("a", "2")]


async def test_many_rows(writer: Writer, database: Database) -> None:
    for number in range(3000):
        writer.upsert(LiveCall, live(f"{number:05}"))
    await writer.flush()
    assert len(await rows(database)) == 3000
    assert writer.stats.batches == 1


async def test_close_commits_what_is_pending_and_leaves_nothing(
    make_writer: MakeWriter, database: Database, store_url: str
) -> None:
    writer = await make_writer()
    writer.insert(LiveCall, live("a"))
    waiting = asyncio.create_task(writer.committed())
    await settle()
    await writer.close()
    await waiting
    assert await rows(database) == [("a", "{}")]
    async with database.transaction(write=False) as connection:
        assert (await connection.execute(text("SELECT count(*) FROM spill_marks"))).scalar_one() == 0
    with pytest.raises(RuntimeError):
        writer.insert(LiveCall, live("b"))


async def test_part_of_a_key_is_a_mistake_of_the_caller(writer: Writer) -> None:
    with pytest.raises(KeyError):
        writer.insert(LiveCall, {"state": "{}"})


async def test_a_row_may_hold_anything_a_column_can(writer: Writer, database: Database) -> None:
    odd = "quote ' \" ; DROP TABLE calls; -- \\ %s $1 ?1 :x ü 漢 🙂 \n\t"
    writer.insert(LiveCall, live(odd, odd))
    await writer.flush()
    assert await rows(database) == [(odd, odd)]
