"""Guessing passwords is slow, and tells nothing about who there is."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.clock import ManualClock
from ari_app.errors import NotFound
from ari_app.store.accounts import DEFAULT, Accounts
from ari_app.store.database import Database
from ari_app.store.logins import FIRST_LOCK, FREE_GUESSES, LAST_LOCK, Locked, Logins, WrongPassword, lock_after
from ari_app.store.passwords import Passwords
from ari_app.store.users import Users
from ari_app.store.values import UserData

ANN = UserData(number="101", first_name="Ann", password="1234")


@pytest.fixture
def logins(database: Database, passwords: Passwords, clock: ManualClock) -> Logins:
    return Logins(database, passwords, clock)


@pytest.fixture
async def ann(database: Database, passwords: Passwords, clock: ManualClock) -> int:
    return await Users(database, clock, passwords).create(DEFAULT, "agent", ANN)


async def guess(logins: Logins, password: str = "0000", login: str = "101") -> str:
    try:
        await logins.check(DEFAULT, "agent", login, password)
    except (WrongPassword, Locked) as error:
        return error.slug
    return "right"


async def test_right_and_wrong(logins: Logins, ann: int, database: Database, clock: ManualClock) -> None:
    assert (await logins.check(DEFAULT, "agent", "101", "1234")).id == ann
    other = await Accounts(database, clock).create("other")
    for account, kind, login in ((other, "agent", "101"), (DEFAULT, "supervisor", "101"), (DEFAULT, "agent", "102")):
        with pytest.raises(WrongPassword):
            await logins.check(account, kind, login, "1234")


@pytest.mark.parametrize("login", ["101", "999"])
async def test_locked_alike_whether_there_is_such_a_user(
    logins: Logins, ann: int, clock: ManualClock, login: str
) -> None:
    said = [await guess(logins, login=login) for _ in range(FREE_GUESSES + 3)]
    assert said == ["wrong_password"] * (FREE_GUESSES + 1) + ["locked"] * 2
    clock.advance(FIRST_LOCK)
    assert [await guess(logins, login=login) for _ in range(2)] == ["wrong_password", "locked"]
    clock.advance(FIRST_LOCK)
    assert await guess(logins, login=login) == "locked"
    clock.advance(FIRST_LOCK)
    assert await guess(logins, login=login) == "wrong_password"


async def test_the_right_one_begins_the_count_anew(logins: Logins, ann: int) -> None:
    for _ in range(3):
        assert [await guess(logins) for _ in range(FREE_GUESSES)] == ["wrong_password"] * FREE_GUESSES
        assert await guess(logins, "1234") == "right"


async def test_the_right_one_is_of_no_use_while_locked(logins: Logins, ann: int, clock: ManualClock) -> None:
    for _ in range(FREE_GUESSES + 1):
        await guess(logins)
    assert await guess(logins, "1234") == "locked"
    clock.advance(FIRST_LOCK)
    assert await guess(logins, "1234") == "right"


async def test_guesses_at_once_count_as_many(logins: Logins, ann: int) -> None:
    said = await asyncio.gather(*(guess(logins) for _ in range(20)))
    assert sorted(said) == ["locked"] * (20 - FREE_GUESSES - 1) + ["wrong_password"] * (FREE_GUESSES + 1)


async def test_the_count_outlives_the_process(
    logins: Logins, ann: int, database: Database, passwords: Passwords, clock: ManualClock
) -> None:
    for _ in range(FREE_GUESSES + 1):
        await guess(logins)
    assert await guess(Logins(database, passwords, clock), "1234") == "locked"


async def test_a_new_password_unlocks(logins: Logins, ann: int) -> None:
    for _ in range(FREE_GUESSES + 2):
        await guess(logins)
    await logins.set(DEFAULT, ann, "98765")
    assert [await guess(logins, one) for one in ("1234", "98765")] == ["wrong_password", "right"]


async def test_no_password_for_whom_there_is_not(
    logins: Logins, ann: int, database: Database, passwords: Passwords, clock: ManualClock
) -> None:
    other = await Accounts(database, clock).create("other")
    for account, user in ((DEFAULT, ann + 1), (other, ann), (DEFAULT, 0), (DEFAULT, 2**40)):
        with pytest.raises(NotFound):
            await logins.set(account, user, "98765")
        with pytest.raises(NotFound):
            await logins.find(account, user)
    await Users(database, clock, passwords).set_deleted(DEFAULT, "agent", ann, True)
    with pytest.raises(NotFound):
        await logins.set(DEFAULT, ann, "98765")
    assert await guess(logins, "1234") == "wrong_password"


@given(st.integers(0, 10_000))
def test_locks_grow_to_an_hour(wrong: int) -> None:
    assert 0 <= lock_after(wrong) <= lock_after(wrong + 1) <= LAST_LOCK
    assert (lock_after(wrong) == 0) == (wrong <= FREE_GUESSES)
