"""Users and their passwords."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ari_app.clock import ManualClock
from ari_app.errors import Conflict, NotFound
from ari_app.store.accounts import DEFAULT, Accounts
from ari_app.store.database import Database
from ari_app.store.passwords import Passwords
from ari_app.store.users import Users
from ari_app.store.values import User, UserData

ADA = UserData(username="ada", first_name="Ada", last_name="L", email="Ada@example.org", type="full", password="s3cret")
BOB = UserData(number="12", first_name="Bob", password="1234", language="es")


@pytest.fixture
def users(database: Database, clock: ManualClock, passwords: Passwords) -> Users:
    return Users(database, clock, passwords)


async def taken(users: Users, kind: str, data: UserData) -> object:
    with pytest.raises(Conflict) as caught:
        await users.create(DEFAULT, kind, data)
    return caught.value.context["parameter"]


async def test_create_and_get(users: Users, clock: ManualClock) -> None:
    ada, bob = await users.create(DEFAULT, "supervisor", ADA), await users.create(DEFAULT, "agent", BOB)
    assert await users.get(DEFAULT, "supervisor", ada) == User(
        id=ada,
        account=DEFAULT,
        kind="supervisor",
        username="ada",
        number=None,
        first_name="Ada",
        last_name="L",
        email="Ada@example.org",
        language=None,
        type="full",
        deleted=False,
        created_at=clock.now(),
    )
    agent = await users.get(DEFAULT, "agent", bob)
    assert (agent.number, agent.username, agent.language, agent.email) == ("12", None, "es", None)


@pytest.mark.parametrize("id", [0, -1, 99, 2**31, 10**30])
async def test_no_such_user(users: Users, id: int) -> None:
    with pytest.raises(NotFound):
        await users.get(DEFAULT, "agent", id)
    with pytest.raises(NotFound):
        await users.update(DEFAULT, "agent", id, BOB)
    with pytest.raises(NotFound):
        await users.set_deleted(DEFAULT, "agent", id, True)


async def test_nothing_crosses_kinds_or_accounts(users: Users, database: Database, clock: ManualClock) -> None:
    other = await Accounts(database, clock).create("other", DEFAULT)
    bob = await users.create(DEFAULT, "agent", BOB)
    for account, kind in ((DEFAULT, "supervisor"), (other, "agent")):
        with pytest.raises(NotFound):
            await users.get(account, kind, bob)
        with pytest.raises(NotFound):
            await users.update(account, kind, bob, BOB)
        with pytest.raises(NotFound):
            await users.set_deleted(account, kind, bob, True)
        assert await users.find_login(account, kind, "12") is None
        assert await users.check_password(account, kind, "12", "1234") is None
        assert (await users.listing(account, kind)).total == 0
    assert await users.create(other, "agent", BOB) != bob


async def test_what_is_unique(users: Users) -> None:
    await users.create(DEFAULT, "supervisor", ADA)
    await users.create(DEFAULT, "agent", replace(BOB, email="bob@example.org"))
    assert await taken(users, "supervisor", replace(ADA, username="ADA", email="x@example.org")) == "username"
    assert await taken(users, "supervisor", replace(ADA, username="eve", email="ada@EXAMPLE.org")) == "emailAddress"
    assert await taken(users, "agent", BOB) == "number"
    assert await taken(users, "agent", replace(BOB, number="13", email="bob@example.org")) == "emailAddress"
    # a supervisor and an agent may share an address, and many may have none
    await users.create(DEFAULT, "agent", replace(BOB, number="14", email="ada@example.org"))
    await users.create(DEFAULT, "agent", replace(BOB, number="15", email=""))
    await users.create(DEFAULT, "agent", replace(BOB, number="16"))


async def test_update_is_full_but_for_the_password(users: Users) -> None:
    ada = await users.create(DEFAULT, "supervisor", ADA)
    await users.update(DEFAULT, "supervisor", ada, UserData(username="ada2", first_name="A", type="monitorOnly"))
    found = await users.get(DEFAULT, "supervisor", ada)
    assert (found.username, found.first_name, found.last_name, found.email) == ("ada2", "A", None, None)
    assert await users.check_password(DEFAULT, "supervisor", "ada2", "s3cret") == found
    await users.update(DEFAULT, "supervisor", ada, replace(ADA, password="other"))
    assert await users.check_password(DEFAULT, "supervisor", "ada", "s3cret") is None
    assert await users.check_password(DEFAULT, "supervisor", "ADA", "other") is not None
    eve = await users.create(DEFAULT, "supervisor", replace(ADA, username="eve", email="eve@example.org"))
    with pytest.raises(Conflict):
        await users.update(DEFAULT, "supervisor", eve, ADA)


async def test_deleted_users_are_kept_and_give_way(users: Users) -> None:
    bob = await users.create(DEFAULT, "agent", BOB)
    await users.set_deleted(DEFAULT, "agent", bob, True)
    await users.set_deleted(DEFAULT, "agent", bob, True)
    assert (await users.get(DEFAULT, "agent", bob)).deleted
    assert await users.find_login(DEFAULT, "agent", "12") is None
    assert await users.check_password(DEFAULT, "agent", "12", "1234") is None
    with pytest.raises(NotFound):
        await users.update(DEFAULT, "agent", bob, BOB)
    second = await users.create(DEFAULT, "agent", BOB)
    with pytest.raises(Conflict) as caught:
        await users.set_deleted(DEFAULT, "agent", bob, False)
    assert caught.value.context["parameter"] == "number"
    await users.set_deleted(DEFAULT, "agent", second, True)
    await users.set_deleted(DEFAULT, "agent", bob, False)
    assert (await users.find_login(DEFAULT, "agent", "12")) == await users.get(DEFAULT, "agent", bob)


async def test_listing(users: Users) -> None:
    ids = [
        await users.create(DEFAULT, "agent", replace(BOB, number=str(n), first_name=f"{'x' if n % 2 else 'y_'}{n}"))
        for n in range(1, 8)
    ]
    await users.set_deleted(DEFAULT, "agent", ids[0], True)
    page = await users.listing(DEFAULT, "agent", limit=2, offset=1)
    assert ([user.id for user in page.rows], page.total) == (ids[2:4], 6)
    page = await users.listing(DEFAULT, "agent", order="number", descending=True, limit=1)
    assert [user.number for user in page.rows] == ["7"]
    assert (await users.listing(DEFAULT, "agent", deleted=True)).total == 1
    assert (await users.listing(DEFAULT, "agent", deleted=None)).total == 7
    assert (await users.listing(DEFAULT, "agent", search="Y_")).total == 3
    assert (await users.listing(DEFAULT, "agent", search="%")).total == 0
    assert (await users.listing(DEFAULT, "agent", search="'; --\0")).total == 0
    assert (await users.listing(DEFAULT, "agent", limit=10**20, offset=10**20)).rows == []
    with pytest.raises(ValueError, match="cannot order by password; --"):
        await users.listing(DEFAULT, "agent", order="password; --")


async def test_text_no_database_takes(users: Users) -> None:
    bob = await users.create(DEFAULT, "agent", replace(BOB, first_name="B\0o\ud800b"))
    assert (await users.get(DEFAULT, "agent", bob)).first_name == "Bob"
    assert await users.find_login(DEFAULT, "agent", "1\0\udfff2") is not None
    assert await users.check_password(DEFAULT, "agent", "12", "\ud800") is None


async def test_passwords_are_kept_as_argon2_and_shown_nowhere(users: Users, passwords: Passwords) -> None:
    hashed = await passwords.hash("s3cret")
    assert hashed.startswith("$argon2id$")
    assert await passwords.check("s3cret", hashed)
    assert not await passwords.check("S3cret", hashed)
    assert not await passwords.check("", None)
    assert not await passwords.check("x", "no hash")
    assert "s3cret" not in repr(ADA)
    assert "s3cret" not in str(ADA)


async def test_accounts(database: Database, clock: ManualClock) -> None:
    accounts = Accounts(database, clock)
    default = await accounts.find("default")
    assert default is not None
    assert default.id == DEFAULT
    child = await accounts.create("child", DEFAULT)
    assert (await accounts.get(child)).parent == DEFAULT
    assert [account.name for account in await accounts.listing()] == ["default", "child"]
    assert await accounts.find("nobody") is None
    with pytest.raises(NotFound):
        await accounts.get(99)
    with pytest.raises(Conflict):
        await accounts.create("child")
