"""The journal and the live calls: what brings everything back after a restart."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from ari_app.acd import events
from ari_app.acd.settings import QueueSettings
from ari_app.store.database import Database
from ari_app.store.journal import Journal
from ari_app.store.live_calls import LiveCalls
from ari_app.store.writer import Writer
from models import JournalEntry


async def entries(database: Database) -> list[tuple[int, int]]:
    async with database.transaction(write=False) as connection:
        found = await connection.execute(text("SELECT account_id, seq FROM journal ORDER BY account_id, seq"))
        return [(row.account_id, row.seq) for row in found]


async def test_events_come_back_in_order_with_their_times(writer: Writer) -> None:
    journal = Journal(writer)
    assert await journal.load() == []
    told = [
        events.QueueConfigured(queue=QueueSettings(extension="500", name="ü")),
        events.QueueSignedIn(agent=3, queues=("500",), skills=(2,)),
        events.CallerJoined(call="call-1", queue="500", joined_at=1.25),
        events.TimerFired(timer="x"),
    ]
    for n, event in enumerate(told):
        journal.event(1, 1_700_000_000.123456 + n, event)
    journal.event(2, 5.0, events.AgentSignedOut(agent=1))
    await writer.flush()
    one, two = await Journal(writer).load()
    assert (one.account, one.snapshot) == (1, None)
    assert one.events == [(1_700_000_000.123456 + n, event) for n, event in enumerate(told)]
    assert two.account == 2
    assert len(two.events) == 1


async def test_a_snapshot_takes_the_place_of_what_came_before_it(writer: Writer, database: Database) -> None:
    journal = Journal(writer)
    for agent in range(5):
        journal.event(1, 1.0, events.AgentSignedOut(agent=agent))
    journal.event(2, 1.0, events.AgentSignedOut(agent=0))
    journal.snapshot(1, 2.0, '{"ü": 1}'.encode())
    journal.event(1, 3.0, events.AgentSignedOut(agent=9))
    await writer.flush()
    assert await entries(database) == [(1, 6), (2, 1)]
    one, two = await Journal(writer).load()
    assert one.snapshot == '{"ü": 1}'.encode()
    assert one.events == [(3.0, events.AgentSignedOut(agent=9))]
    assert len(two.events) == 1


async def test_an_event_of_another_version_does_not_stop_the_start(writer: Writer) -> None:
    journal = Journal(writer)
    journal.event(1, 1.0, events.AgentSignedOut(agent=1))
    for seq, body in ((2, '{"event": "FromTheFuture"}'), (3, '{"event": "AgentSignedOut"}'), (4, "{")):
        writer.insert(JournalEntry, {"account_id": 1, "seq": seq, "at": 2.0, "body": body})
    writer.insert(JournalEntry, {"account_id": 2, "seq": 1, "at": 2.0, "body": "{"})
    await writer.flush()
    second = Journal(writer)
    (loaded,) = await second.load()
    assert [event for _, event in loaded.events] == [events.AgentSignedOut(agent=1)]
    second.event(1, 3.0, events.AgentSignedOut(agent=5))
    second.event(2, 3.0, events.AgentSignedOut(agent=6))
    await writer.flush()
    assert [len(one.events) for one in await Journal(writer).load()] == [2, 1]
    assert writer.stats.rejected == 0


async def test_numbers_go_on_after_a_restart(writer: Writer, database: Database) -> None:
    first = Journal(writer)
    first.event(1, 1.0, events.AgentSignedOut(agent=1))
    first.event(1, 1.0, events.AgentSignedOut(agent=2))
    await writer.flush()
    second = Journal(writer)
    await second.load()
    second.event(1, 1.0, events.AgentSignedOut(agent=3))
    second.snapshot(1, 2.0, b"{}")
    await writer.flush()
    third = Journal(writer)
    (loaded,) = await third.load()
    assert loaded.events == []
    third.event(1, 3.0, events.AgentSignedOut(agent=4))
    await writer.flush()
    assert await entries(database) == [(1, 4)]
    (again,) = await Journal(writer).load()
    assert len(again.events) == 1


async def test_a_snapshot_that_is_not_there_drops_no_event(writer: Writer, database: Database) -> None:
    """The snapshot may be refused (too large, say): the journal is dropped as far as the one in the database goes."""
    journal = Journal(writer)
    journal.event(1, 1.0, events.AgentSignedOut(agent=1))
    writer.prune_journal(1)
    await writer.flush()
    assert await entries(database) == [(1, 1)]


@pytest.mark.parametrize("moment", ["one batch", "two batches"])
async def test_live_calls_come_back_as_last_saved(writer: Writer, moment: str) -> None:
    live = LiveCalls(writer)
    live.save("call-2", 1, "main", lambda: b'{"at": 1}')
    live.save("call-1", 1, "main", lambda: b'{"at": 1}')
    live.save("call-3", 1, "main", lambda: b"{}")
    if moment == "two batches":
        await writer.flush()
    live.save("call-1", 1, "other", lambda: '{"at": "ü"}'.encode())
    live.remove("call-3")
    live.remove("call-9")
    await writer.flush()
    one, two = await LiveCalls(writer).load()
    assert (one.call, one.account, one.node, one.state) == ("call-1", 1, "other", '{"at": "ü"}'.encode())
    assert two.call == "call-2"


async def test_a_call_is_kept_as_it_is_when_the_batch_is_closed(writer: Writer) -> None:
    state, encoded = {"at": 1}, []

    def encode() -> bytes:
        encoded.append(state["at"])
        return json.dumps(state).encode()

    live = LiveCalls(writer)
    live.save("call-1", 1, "main", encode)
    state["at"] = 2
    live.save("call-1", 1, "main", encode)
    live.save("call-2", 1, "main", encode)
    live.remove("call-2")
    await writer.flush()
    assert [(row.call, row.state) for row in await live.load()] == [("call-1", b'{"at": 2}')]
    assert encoded == [2]


async def test_a_call_whose_state_cannot_be_written_spoils_no_other(writer: Writer) -> None:
    def broken() -> bytes:
        raise RuntimeError("no state")

    live = LiveCalls(writer)
    live.save("call-1", 1, "main", broken)
    live.save("call-2", 1, "main", lambda: b"{}")
    await writer.flush()
    assert [row.call for row in await live.load()] == ["call-2"]
