"""User sessions."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from ari_app.clock import ManualClock
from ari_app.errors import AlreadySignedIn, Conflict, NotFound
from ari_app.store.accounts import DEFAULT
from ari_app.store.database import Database
from ari_app.store.passwords import Passwords
from ari_app.store.sessions import Sessions
from ari_app.store.users import Users
from ari_app.store.values import UserData
from ari_app.store.writer import Writer


@pytest.fixture
async def people(database: Database, clock: ManualClock, passwords: Passwords) -> list[int]:
    users = Users(database, clock, passwords)
    return [await users.create(DEFAULT, "agent", UserData(number=str(n), first_name="x")) for n in (1, 2, 3)]


@pytest.fixture
async def sessions(database: Database, clock: ManualClock, writer: Writer) -> Sessions:
    sessions = Sessions(database, clock, writer)
    await sessions.load()
    return sessions


async def reloaded(database: Database, clock: ManualClock) -> Sessions:
    sessions = Sessions(database, clock)
    await sessions.load()
    return sessions


async def test_sign_in_and_out(sessions: Sessions, people: list[int], clock: ManualClock, database: Database) -> None:
    session, token = await sessions.create(DEFAULT, "agent", people[0], "200")
    assert len(token) == 64
    assert sessions.find(token) == session
    assert sessions.find(token[:-1]) is None
    assert sessions.get(DEFAULT, session.id) == session
    assert sessions.of_user(DEFAULT, people[0]) == session
    assert sessions.at_extension(DEFAULT, "200") == session
    assert sessions.active(DEFAULT) == sessions.active(DEFAULT, "agent") == [session]
    assert sessions.active(DEFAULT, "supervisor") == sessions.active(2) == []
    with pytest.raises(NotFound):
        sessions.get(2, session.id)
    assert (await reloaded(database, clock)).find(token) == session
    await sessions.destroy(session.id)
    assert sessions.find(token) is None
    assert sessions.active(DEFAULT) == []
    assert sessions.at_extension(DEFAULT, "200") is None
    with pytest.raises(NotFound):
        await sessions.destroy(session.id)
    assert (await reloaded(database, clock)).find(token) is None
    async with database.transaction(write=False) as connection:
        row = (await connection.execute(text("SELECT * FROM user_sessions"))).mappings().one()
    assert (row["state"], row["ended_at"]) == ("destroyed", clock.now())
    assert token not in str(row)


async def test_one_session_a_user(sessions: Sessions, people: list[int]) -> None:
    first, token = await sessions.create(DEFAULT, "agent", people[0], "200")
    with pytest.raises(AlreadySignedIn):
        await sessions.create(DEFAULT, "agent", people[0], "201")
    second, _ = await sessions.create(DEFAULT, "agent", people[0], "201", force=True)
    assert sessions.find(token) is None
    assert sessions.at_extension(DEFAULT, "200") is None
    assert sessions.active(DEFAULT) == [second]
    assert first.id != second.id
    third, _ = await sessions.create(DEFAULT, "agent", people[0], "201", force=True)
    assert sessions.at_extension(DEFAULT, "201") == third


async def test_one_user_an_extension(sessions: Sessions, people: list[int]) -> None:
    await sessions.create(DEFAULT, "agent", people[0], "200")
    for force in (False, True):
        with pytest.raises(Conflict) as caught:
            await sessions.create(DEFAULT, "agent", people[1], "200", force)
        assert caught.value.context["parameter"] == "extension"
    await sessions.create(DEFAULT, "agent", people[1])
    await sessions.create(DEFAULT, "agent", people[2])


async def test_at_once_only_one_gets_in(sessions: Sessions, people: list[int]) -> None:
    made = await asyncio.gather(
        *(sessions.create(DEFAULT, "agent", people[0], str(n)) for n in range(5)), return_exceptions=True
    )
    assert sum(isinstance(one, tuple) for one in made) == 1
    made = await asyncio.gather(
        *(sessions.create(DEFAULT, "agent", user, "900") for user in people[1:]), return_exceptions=True
    )
    assert sum(isinstance(one, tuple) for one in made) == 1


async def test_the_database_has_the_last_word(
    sessions: Sessions, people: list[int], database: Database, clock: ManualClock
) -> None:
    unaware = await reloaded(database, clock)
    session, token = await sessions.create(DEFAULT, "agent", people[0], "200")
    with pytest.raises(AlreadySignedIn):
        await unaware.create(DEFAULT, "agent", people[0], "201")
    assert unaware.active(DEFAULT) == [session]
    with pytest.raises(NotFound):
        await unaware.create(DEFAULT, "agent", 99, "202")
    await unaware.create(DEFAULT, "agent", people[0], "201", force=True)
    assert unaware.find(token) is None
    assert sessions.find(token) == session


async def test_the_database_has_the_last_word_on_extensions(
    sessions: Sessions, people: list[int], database: Database, clock: ManualClock
) -> None:
    unaware = await reloaded(database, clock)
    session, _ = await sessions.create(DEFAULT, "agent", people[0], "200")
    with pytest.raises(Conflict) as caught:
        await unaware.create(DEFAULT, "agent", people[1], "200")
    assert caught.value.context["parameter"] == "extension"
    assert unaware.at_extension(DEFAULT, "200") == session


async def test_loading_again_keeps_what_was_heard_last(
    sessions: Sessions, people: list[int], clock: ManualClock
) -> None:
    session, _ = await sessions.create(DEFAULT, "agent", people[0], "200")
    clock.advance(3)
    sessions.ping(session.id)
    await sessions.load()
    assert sessions.get(DEFAULT, session.id).last_ping_at == clock.now()


async def test_a_session_that_timed_out_comes_back(
    sessions: Sessions, people: list[int], clock: ManualClock, database: Database
) -> None:
    session, token = await sessions.create(DEFAULT, "agent", people[0], "200")
    began = clock.now()
    clock.advance(300)
    assert sessions.expired(began) == []
    assert sessions.expired(began + 1) == [session]
    await sessions.deactivate(session.id)
    await sessions.deactivate(session.id)
    assert sessions.expired(began + 1) == []
    assert sessions.of_user(DEFAULT, people[0]) is None
    found = sessions.find(token)
    assert found is not None
    assert found.state == "deactivated"
    sessions.ping(session.id)
    assert sessions.find(token) == found
    assert (await reloaded(database, clock)).find(token) == found
    back = await sessions.reactivate(session.id)
    assert (back.state, back.last_ping_at, back.signed_in_at) == ("active", clock.now(), began)
    assert sessions.at_extension(DEFAULT, "200") == back
    clock.advance(5)
    assert (await sessions.reactivate(session.id)).last_ping_at == clock.now()
    with pytest.raises(NotFound):
        await sessions.reactivate(99)


async def test_a_session_does_not_come_back_in_the_way_of_another(sessions: Sessions, people: list[int]) -> None:
    first, _ = await sessions.create(DEFAULT, "agent", people[0], "200")
    await sessions.deactivate(first.id)
    elsewhere, _ = await sessions.create(DEFAULT, "agent", people[0], "201")
    with pytest.raises(AlreadySignedIn):
        await sessions.reactivate(first.id)
    await sessions.destroy(elsewhere.id)
    other, _ = await sessions.create(DEFAULT, "agent", people[1], "200")
    with pytest.raises(Conflict):
        await sessions.reactivate(first.id)
    await sessions.destroy(other.id)
    assert (await sessions.reactivate(first.id)).state == "active"


async def test_pings_are_in_memory_and_seldom_in_sql(
    sessions: Sessions, people: list[int], clock: ManualClock, writer: Writer, database: Database
) -> None:
    session, _ = await sessions.create(DEFAULT, "agent", people[0], "200")
    for _ in range(100):
        clock.advance(0.1)
        sessions.ping(session.id)
    await writer.flush()
    assert sessions.get(DEFAULT, session.id).last_ping_at == clock.now()
    assert writer.stats.batches <= 3
    kept = (await reloaded(database, clock)).get(DEFAULT, session.id).last_ping_at
    assert clock.now() - 5.1 < kept <= clock.now()
    sessions.ping(99)


async def test_sessions_forgotten_for_a_month_are_destroyed(
    sessions: Sessions, people: list[int], clock: ManualClock, database: Database
) -> None:
    old, token = await sessions.create(DEFAULT, "agent", people[0])
    await sessions.deactivate(old.id)
    _, kept = await sessions.create(DEFAULT, "agent", people[1])
    clock.advance(31 * 86400)
    later = await reloaded(database, clock)
    assert later.find(token) is None
    assert later.find(kept) is not None
