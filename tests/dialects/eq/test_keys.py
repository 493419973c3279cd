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


async def test_a_key_may_ask_as_often_as_it_may(world: World) -> None:
    key, plain = await world.key_store.create(1, "slow", rate_limit=2)
    for _ in range(4):
        await world.done("GET", "/queued_calls", key=plain)
    refused = await world.ask("POST", "/pause_code", key=plain, json={"data": {"name": "Lunch"}})
    assert refused.status == 429
    assert refused.headers["Retry-After"] == "1"
    [error] = refused.json["errors"]
    assert (error["parameter"], error["type"]) == ("auth_key", "limit")
    await world.done("GET", "/queued_calls")  # others go on
    await world.pass_time(1)
    assert await world.done("GET", "/pause_code", key=plain) == []
    await world.key_store.limit(1, key.id, 0)
    for _ in range(20):
        await world.done("GET", "/queued_calls", key=plain)


async def test_the_setting_is_for_keys_without_a_limit_of_their_own(world: World) -> None:
    world.settings = world.settings.model_copy(update={"rate_limit": 1.0})
    await world.restart()
    _, plain = await world.key_store.create(1, "fast", rate_limit=100)
    assert [(await world.ask("GET", "/queued_calls")).status for _ in range(3)] == [200, 200, 429]
    assert [(await world.ask("GET", "/queued_calls", key=plain)).status for _ in range(3)] == [200] * 3
