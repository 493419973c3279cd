"""How often an address may guess."""

from __future__ import annotations

import asyncio

import pytest

from ari_app.clock import ManualClock
from ari_app.dialects.eq import guessing
from ari_app.dialects.eq.errors import ApiError
from ari_app.dialects.eq.guessing import GUESSES_BURST, WAITING_MOST, Guesses, network_of


def test_networks() -> None:
    assert network_of("192.0.2.7") == "192.0.2.7"
    assert network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2::9") == "2001:db8:1:2::"
    assert network_of("2001:db8:1:3::9") != "2001:db8:1:2::"
    assert network_of("::ffff:192.0.2.7") == "192.0.2.7"
    assert network_of("local") == "local"


async def guess(guesses: Guesses, remote: str, right: bool = False) -> None:
    async with guesses.guess(remote):
        if not right:
            raise ApiError(401, "password", "invalid", "wrong")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guessing, "ANSWER_EVERY", 0.001)


async def test_guesses_at_once_count_before_they_are_answered() -> None:
    guesses, held = Guesses(ManualClock()), asyncio.Event()

    async def slow() -> None:
        async with guesses.guess("192.0.2.7"):
            await held.wait()

    tasks = [asyncio.create_task(slow()) for _ in range(GUESSES_BURST)]
    await asyncio.sleep(0)
    with pytest.raises(ApiError, match="Too many wrong passwords"):
        await guess(guesses, "192.0.2.7", right=True)
    held.set()
    await asyncio.gather(*tasks)
    await guess(guesses, "192.0.2.7", right=True)  # they were all right


async def test_only_so_many_wait_of_all_addresses() -> None:
    guesses, held = Guesses(ManualClock()), asyncio.Event()

    async def slow(number: int) -> None:
        async with guesses.guess(f"192.0.2.{number}"):
            await held.wait()

    tasks = [asyncio.create_task(slow(number)) for number in range(WAITING_MOST)]
    await asyncio.sleep(0)
    with pytest.raises(ApiError) as refused:
        await guess(guesses, "198.51.100.1")
    assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "1"})
    held.set()
    await asyncio.gather(*tasks)
    await guess(guesses, "198.51.100.1", right=True)


async def test_what_was_right_does_not_count_and_what_was_wrong_does() -> None:
    guesses = Guesses(ManualClock())
    for _ in range(GUESSES_BURST - 1):
        with pytest.raises(ApiError, match="wrong"):
            await guess(guesses, "192.0.2.7")
    for _ in range(3):
        await guess(guesses, "192.0.2.7", right=True)
    with pytest.raises(ApiError, match="wrong"):
        await guess(guesses, "192.0.2.7")
    with pytest.raises(ApiError, match="Too many wrong passwords"):
        await guess(guesses, "192.0.2.7", right=True)
    await guess(guesses, "192.0.2.8", right=True)
