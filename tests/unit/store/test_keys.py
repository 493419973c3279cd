"""API keys."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from ari_app.clock import ManualClock
from ari_app.errors import NotFound, StoreUnavailable
from ari_app.store.accounts import DEFAULT
from ari_app.store.database import Database
from ari_app.store.keys import Keys
from ari_app.store.writer import Writer


@pytest.fixture
def keys(database: Database, clock: ManualClock) -> Keys:
    return Keys(database, clock)


async def test_a_key_holds_until_it_is_revoked(keys: Keys) -> None:
    key, plain = await keys.create(DEFAULT, "desk", ["read", "import"])
    assert (key.name, key.scopes, key.account, key.revoked_at) == ("desk", ("read", "import"), DEFAULT, None)
    assert plain.startswith(key.prefix)
    assert len(plain) > 40
    assert await keys.check(plain) == key
    for wrong in ("", plain[:-1], plain + "x", key.prefix, "\ud800", "ü"):
        assert await keys.check(wrong) is None
    await keys.revoke(DEFAULT, key.id)
    assert await keys.check(plain) is None
    with pytest.raises(NotFound):
        await keys.revoke(DEFAULT, key.id)
    (listed,) = await keys.listing(DEFAULT)
    assert listed.revoked_at is not None


async def test_no_key_for_what_there_is_not(keys: Keys) -> None:
    with pytest.raises(ValueError, match="no such scope: calls"):
        await keys.create(DEFAULT, "desk", ["read", "calls"])
    assert await keys.listing(DEFAULT) == []


async def test_rotation(keys: Keys) -> None:
    key, old = await keys.create(DEFAULT, "desk")
    new = await keys.rotate(DEFAULT, key.id)
    assert new != old
    assert await keys.check(old) is None
    found = await keys.check(new)
    assert found is not None
    assert (found.id, found.prefix) == (key.id, new[:8])
    for account, id in ((2, key.id), (DEFAULT, 99), (DEFAULT, 2**40)):
        with pytest.raises(NotFound):
            await keys.rotate(account, id)


async def test_the_key_itself_is_nowhere(keys: Keys, database: Database) -> None:
    _, plain = await keys.create(DEFAULT, "desk")
    async with database.transaction(write=False) as connection:
        (row,) = (await connection.execute(text("SELECT * FROM api_keys"))).mappings()
    assert plain not in str(row)
    assert plain not in str(await keys.listing(DEFAULT))


async def test_a_known_key_asks_sql_for_nothing(
    keys: Keys, database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, plain = await keys.create(DEFAULT, "desk")
    assert await keys.check(plain) is not None

    def no(*_: object, **__: object) -> None:
        raise AssertionError("asked SQL")

    with monkeypatch.context() as patch:
        patch.setattr(database, "transaction", no)
        assert await keys.check(plain) is not None
        assert await keys.check("wrong") is None
        clock.advance(9)
        assert await keys.check(plain) is not None


async def test_what_another_process_does_is_seen(keys: Keys, database: Database, clock: ManualClock) -> None:
    other = Keys(database, clock)
    assert await keys.check("wrong") is None
    key, plain = await other.create(DEFAULT, "desk")
    assert await keys.check(plain) is None
    clock.advance(1)
    assert await keys.check(plain) == key
    await other.revoke(DEFAULT, key.id)
    assert await keys.check(plain) == key
    clock.advance(10)
    assert await keys.check(plain) is None


async def test_a_thousand_wrong_keys_are_one_question(
    keys: Keys, database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, plain = await keys.create(DEFAULT, "desk")
    asked, real = 0, database.transaction

    def counted(**options: bool) -> object:
        nonlocal asked
        asked += 1
        return real(**options)

    monkeypatch.setattr(database, "transaction", counted)
    clock.advance(100)
    found = await asyncio.gather(*(keys.check(f"wrong{n}") for n in range(1000)), keys.check(plain))
    assert found[-1] is not None
    assert found[:-1] == [None] * 1000
    assert asked == 1


async def test_the_first_questions_wait_for_the_first_answer(database: Database, clock: ManualClock) -> None:
    _, plain = await Keys(database, clock).create(DEFAULT, "desk")
    fresh = Keys(database, clock)
    assert all(await asyncio.gather(*(fresh.check(plain) for _ in range(10))))


async def test_without_a_database_keys_are_as_last_seen(
    keys: Keys, database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(**_: object) -> None:
        raise StoreUnavailable("the database is down")

    _, plain = await keys.create(DEFAULT, "desk")
    await keys.check(plain)
    fresh = Keys(database, clock)
    monkeypatch.setattr(database, "transaction", down)
    clock.advance(3600)
    assert await keys.check(plain) is not None
    assert await keys.check("wrong") is None
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await fresh.check(plain)


async def test_a_key_revoked_while_keys_are_read_stays_revoked(
    keys: Keys, database: Database, clock: ManualClock
) -> None:
    key, plain = await keys.create(DEFAULT, "desk")
    clock.advance(100)
    await asyncio.gather(keys.check(plain), keys.revoke(DEFAULT, key.id), keys.check("wrong"))
    assert await keys.check(plain) is None


async def test_the_last_use_is_noted_once_a_minute(database: Database, clock: ManualClock, writer: Writer) -> None:
    keys = Keys(database, clock, writer)
    _, plain = await keys.create(DEFAULT, "desk")
    for _ in range(10):
        await keys.check(plain)
    await writer.flush()
    assert writer.stats.committed == 1
    first = clock.now()
    clock.advance(59)
    await keys.check(plain)
    await writer.flush()
    assert [key.last_used_at for key in await Keys(database, clock).listing(DEFAULT)] == [first]
    clock.advance(2)
    await keys.check(plain)
    assert [key.last_used_at for key in await keys.listing(DEFAULT)] == [clock.now()]
