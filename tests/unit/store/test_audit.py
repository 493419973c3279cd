"""The trail has an entry of what was committed, and of nothing else."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from sqlalchemy import func, select

from ari_app.clock import ManualClock
from ari_app.errors import Conflict, NotFound
from ari_app.store import riding
from ari_app.store.accounts import DEFAULT, Accounts
from ari_app.store.audit import TEXT_MAX, AuditEntry, AuditFilter, AuditTrail, Change, Who
from ari_app.store.audit_retention import DAY, AuditRetention
from ari_app.store.database import Database
from ari_app.store.pause_codes import PauseCodes
from ari_app.store.writer import Writer
from models import PauseCode

WHO = Who(account=DEFAULT, key=7, user_kind="supervisor", user=3, session=9, address="192.0.2.1")


async def entries(trail: AuditTrail, account: int = DEFAULT, **which: object) -> list[AuditEntry]:
    return (await trail.listing(account, AuditFilter(**which), descending=False)).rows  # type: ignore[arg-type]


def names(codes: PauseCodes) -> object:
    async def look(id: str | None) -> object:
        return msgspec.to_builtins(await codes.get(DEFAULT, int(id or 0)))

    return look


async def test_an_entry_has_what_was_and_what_it_became(database: Database, clock: ManualClock) -> None:
    trail, codes = AuditTrail(database, clock), PauseCodes(database, clock)
    made = trail.change(WHO, "pause_code.create", "pause_code", None, {"name": "Lunch"}, names(codes))
    with riding.taking_along(made):
        id = await codes.create(DEFAULT, "Lunch")
    clock.advance(1)
    changed = trail.change(WHO, "pause_code.update", "pause_code", str(id), {"name": "Tea"}, names(codes))
    with riding.taking_along(changed):
        await codes.update(DEFAULT, id, "Tea")
    first, second = await entries(trail)
    assert (first.who, first.at, first.entity_id) == (WHO, clock.now() - 1, str(id))
    assert (first.was, msgspec.json.decode(first.became or "")["name"]) == (None, "Lunch")
    assert msgspec.json.decode(second.was or "")["name"] == "Lunch"
    assert msgspec.json.decode(second.became or "")["name"] == "Tea"
    assert msgspec.json.decode(second.request or "") == {"name": "Tea"}


async def test_what_was_refused_has_no_entry(database: Database, clock: ManualClock) -> None:
    trail, codes = AuditTrail(database, clock), PauseCodes(database, clock)
    await codes.create(DEFAULT, "Lunch")
    with riding.taking_along(trail.change(WHO, "pause_code.create", "pause_code")), pytest.raises(Conflict):
        await codes.create(DEFAULT, "Lunch")
    with riding.taking_along(trail.change(WHO, "pause_code.update", "pause_code")), pytest.raises(NotFound):
        await codes.update(DEFAULT, 99, "Tea")
    assert await entries(trail) == []


async def test_without_its_entry_nothing_is_changed(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    trail, codes = AuditTrail(database, clock), PauseCodes(database, clock)
    change = trail.change(WHO, "pause_code.create", "pause_code")

    async def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Change, "done", full)
    with riding.taking_along(change), pytest.raises(Exception, match="No space left"):
        await codes.create(DEFAULT, "Lunch")
    async with database.transaction(write=False) as connection:
        assert (await connection.execute(select(func.count()).select_from(PauseCode))).scalar_one() == 0
    assert not change.written


async def test_several_transactions_have_one_entry(database: Database, clock: ManualClock) -> None:
    trail, codes = AuditTrail(database, clock), PauseCodes(database, clock)
    change = trail.change(WHO, "pause_code.create", "pause_code", look=names(codes))
    with riding.taking_along(change):
        id = await codes.create(DEFAULT, "Lunch")
        await codes.update(DEFAULT, id, "Tea")
        with pytest.raises(Conflict):
            await codes.create(DEFAULT, "Tea")
    await trail.done(change)
    [entry] = await entries(trail)
    assert (entry.entity_id, entry.was) == (str(id), None)
    assert msgspec.json.decode(entry.became or "")["name"] == "Tea"


async def test_a_task_begun_meanwhile_has_transactions_of_its_own(database: Database, clock: ManualClock) -> None:
    trail, codes = AuditTrail(database, clock), PauseCodes(database, clock)
    change = trail.change(WHO, "pause_code.create", "pause_code")
    with riding.taking_along(change):
        await asyncio.create_task(codes.create(DEFAULT, "Lunch"))
    assert not change.written
    assert await entries(trail) == []


async def test_what_is_done_to_calls_goes_with_the_writer(
    database: Database, clock: ManualClock, writer: Writer
) -> None:
    trail = AuditTrail(database, clock, writer)
    await trail.done(trail.change(WHO, "call_queue_agent_action", "agent", "4", {"action": "pause"}))
    assert writer.unwritten == 1
    [entry] = await entries(trail)
    assert (entry.action, entry.entity_id, entry.was, entry.became) == ("call_queue_agent_action", "4", None, None)


async def test_they_are_found_by_what_they_say(database: Database, clock: ManualClock) -> None:
    trail = AuditTrail(database, clock)
    other = await Accounts(database, clock).create("other")
    for number in range(3):
        who = Who(account=DEFAULT, key=number + 1, address=f"192.0.2.{number}")
        await trail.done(trail.change(who, f"agent.{number}", "agent", str(number)))
        clock.advance(10)
    await trail.done(trail.change(Who(account=other, key=1), "agent.0", "agent", "0"))
    since = clock.now() - 20
    assert [e.action for e in await entries(trail, key=2)] == ["agent.1"]
    assert [e.action for e in await entries(trail, address="192.0.2.0")] == ["agent.0"]
    assert [e.action for e in await entries(trail, entity="agent", entity_id="2")] == ["agent.2"]
    assert [e.action for e in await entries(trail, since=since, until=since + 10)] == ["agent.1"]
    assert [e.action for e in await entries(trail, other)] == ["agent.0"]
    page = await trail.listing(DEFAULT, AuditFilter(), limit=1, offset=1)
    assert ([e.action for e in page.rows], page.total) == (["agent.1"], 3)


async def test_they_stand_in_the_order_in_which_they_were_made(database: Database, clock: ManualClock) -> None:
    trail = AuditTrail(database, clock)
    for number in range(20):
        await trail.done(trail.change(WHO, str(number), "agent"))
    assert [e.action for e in await entries(trail)] == [str(number) for number in range(20)]


async def test_of_what_is_long_the_length_is_kept(database: Database, clock: ManualClock) -> None:
    trail = AuditTrail(database, clock)
    await trail.done(trail.change(WHO, "x.schedules.update", "schedules", request={"text": "x" * TEXT_MAX}))
    [entry] = await entries(trail)
    assert msgspec.json.decode(entry.request or "") == {"characters": TEXT_MAX + len('{"text":""}')}


async def test_they_are_forgotten_when_their_time_is_over(database: Database, clock: ManualClock) -> None:
    trail = AuditTrail(database, clock)
    retention = AuditRetention(trail, clock, days=2)
    await trail.done(trail.change(WHO, "old", "agent"))
    clock.advance(1.5 * DAY)
    await trail.done(trail.change(WHO, "new", "agent"))
    retention.start()
    await retention.idle()
    assert [e.action for e in await entries(trail)] == ["old", "new"]
    clock.advance(DAY)
    await retention.idle()
    assert [e.action for e in await entries(trail)] == ["new"]
    await retention.close()
    clock.advance(10 * DAY)
    assert [e.action for e in await entries(trail)] == ["new"]


async def test_kept_for_ever(database: Database, clock: ManualClock) -> None:
    trail = AuditTrail(database, clock)
    await trail.done(trail.change(WHO, "old", "agent"))
    clock.advance(10_000 * DAY)
    retention = AuditRetention(trail, clock, days=0)
    retention.start()
    await retention.idle()
    assert len(await entries(trail)) == 1
