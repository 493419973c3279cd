"""Guessing keys is slow, whoever shares the address goes on, and keys stay inside their account."""

from __future__ import annotations

from ari_app.dialects.eq.auth import WRONG_KEYS_BURST
from tests.dialects.eq.world import World


async def test_wrong_keys_run_out_and_come_back(world: World) -> None:
    for _ in range(WRONG_KEYS_BURST):
        reply = await world.ask("GET", "/queued_calls", key="guess")
        assert reply.status == 401
        assert "Retry-After" not in reply.headers
    limited = await world.ask("GET", "/queued_calls", key="guess")
    assert limited.status == 401
    assert limited.headers["Retry-After"] == "1"
    # A right guess is not told from a wrong one now.
    right = await world.ask("GET", "/queued_calls", key="default")
    assert (right.status, right.json) == (limited.status, limited.json)
    await world.pass_time(1)
    await world.done("GET", "/queued_calls", key="default")


async def test_known_key_goes_on_beside_a_guesser(world: World) -> None:
    await world.done("GET", "/queued_calls")
    for _ in range(WRONG_KEYS_BURST + 5):
        await world.ask("GET", "/queued_calls", key="guess")
    await world.done("GET", "/queued_calls")
    assert (await world.ask("GET", "/queued_calls", key="other")).status == 401


async def test_missing_keys_are_no_guesses(world: World) -> None:
    for _ in range(WRONG_KEYS_BURST + 5):
        assert "Retry-After" not in (await world.ask("GET", "/queued_calls", key=None)).headers
    await world.done("GET", "/queued_calls")
