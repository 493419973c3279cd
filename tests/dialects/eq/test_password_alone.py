"""Signing in with a password alone, as a browser does: no API key, and no more than the user's own role allows."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ari_app.dialects.eq.guessing import ANSWER_EVERY, GUESSES_BURST, GUESSES_RATE
from ari_app.dialects.eq.paths import ENDPOINTS
from ari_app.dialects.eq.roles import OF_AGENTS
from ari_app.dialects.eq.sessions import KEYLESS_IDLE
from tests.dialects.eq.test_authority import FOR_MONITORS, ask, rows_of
from tests.dialects.eq.test_fuzz import GOOD
from tests.dialects.eq.world import Reply, World

BOSS = {"kind": "supervisor", "login": "boss", "password": "secret"}
ANN = {"kind": "agent", "login": "101", "password": "1234", "extension": "100"}


async def people(world: World, key: str = "default", kind: str = "full") -> None:
    await world.done("POST", "/call_queue", key=key, json={"data": GOOD["call_queue"]})
    await world.done("POST", "/supervisor", key=key, json={"data": {**GOOD["supervisor"], "type": kind}})
    await world.done("POST", "/agent", key=key, json={"data": GOOD["agent"]})


async def sign_in(world: World, who: dict[str, Any], **more: Any) -> str:
    reply = await world.done("POST", "/x/sign_in", key=None, json={**who, **more})
    return str(reply["token"])


def error_of(reply: Reply) -> tuple[int, str | None, str]:
    [error] = reply.json["errors"]
    return reply.status, error["parameter"], error["type"]


async def test_the_token_opens_the_account_without_a_key(world: World) -> None:
    await people(world)
    boss = {"auth_supervisor_session": await sign_in(world, BOSS)}
    assert await world.done("GET", "/agent/2", key=None, query=boss)
    code = await world.done("POST", "/pause_code", key=None, json={"data": {"name": "Lunch"}, **boss})
    [entry] = await world.done("GET", "/x/audit", key=None, query={**boss, "action": "pause_code.create"})
    assert (entry["key"], entry["userType"], entry["user"], entry["entityId"]) == (None, "supervisor", 1, str(code))
    assert (
        await world.done("DELETE", f"/supervisor_session/{boss['auth_supervisor_session']}", key=None, json=boss)
        is None
    )
    assert error_of(await world.ask("GET", "/agent/2", key=None, query=boss)) == (401, "auth_key", "blank")


async def test_a_token_made_with_a_key_needs_the_key(world: World) -> None:
    await people(world)
    with_key = await world.done("POST", "/x/sign_in", json=BOSS)
    reply = await world.ask("GET", "/agent/2", key=None, query={"auth_supervisor_session": with_key["token"]})
    assert error_of(reply) == (401, "auth_key", "blank")
    token = await world.done("POST", "/agent_session", json={"user": 2, "extension": "100"})
    reply = await world.ask("GET", "/agent/2", key=None, query={"auth_agent_session": token})
    assert error_of(reply) == (401, "auth_key", "blank")


async def test_a_wrong_key_is_not_made_good_by_a_token(world: World) -> None:
    await people(world)
    token = await sign_in(world, BOSS)
    reply = await world.ask("GET", "/agent/2", key="wrong", query={"auth_supervisor_session": token})
    assert error_of(reply) == (401, "auth_key", "invalid")


async def test_the_account_is_named(world: World) -> None:
    await people(world)
    await people(world, "other")
    await world.done("PUT", "/agent/4", key="other", json={"data": {**GOOD["agent"], "firstName": "Zanzibar"}})
    token = await sign_in(world, ANN, account="other")
    mine = await world.done("GET", "/agent/4", key=None, query={"auth_agent_session": token})
    assert mine["firstName"] == "Zanzibar"
    for path in ("/agent/2", "/agent/4"):  # of the first account he sees nothing, its key sees nothing of his
        other = await world.ask("GET", path, query={"auth_agent_session": token})
        assert error_of(other) == (401, "auth_agent_session", "nonexistent")


@pytest.mark.parametrize("token_of", ["supervisor", "agent"])
async def test_another_kind_of_session_is_none(world: World, token_of: str) -> None:
    await people(world)
    token = await sign_in(world, BOSS if token_of == "supervisor" else ANN)
    other = "agent" if token_of == "supervisor" else "supervisor"
    reply = await world.ask("GET", "/call_queue", key=None, query={f"auth_{other}_session": token})
    assert error_of(reply) == (401, "auth_key", "blank")


async def test_who_may_only_monitor_reads(world: World) -> None:
    await people(world, kind="monitorOnly")
    token = await sign_in(world, BOSS)
    before = await rows_of(world, 1)
    for row in ENDPOINTS:
        if row.streams or row.name in FOR_MONITORS:
            continue
        status = (await ask_with(world, row, auth_supervisor_session=token)).status
        assert (status == 403) == row.changes, row.name
    assert await rows_of(world, 1) == before


async def ask_with(world: World, row: Any, **session: str) -> Reply:
    """Asked without a key."""
    return await ask(world, row, {"extension": "500"}, auth_key="", **session)


async def test_an_agent_does_what_agents_do(world: World) -> None:
    await people(world)
    code = await world.done("POST", "/pause_code", json={"data": {"name": "Lunch"}})
    mine = {"auth_agent_session": await sign_in(world, ANN)}

    async def act(action: str, **options: Any) -> None:
        body = {"action": action, "options": {"agent": 2, **options}, **mine}
        await world.done("POST", "/call_queue_agent_action", key=None, json=body)

    await act("signIn")
    await act("pause", pauseCode=code)
    [row] = await world.done("GET", "/call_queue_agent_status", key=None, query={**mine, "agent": "2"})
    assert (row["queue"], row["status"], row["pauseCode"]) == ("500", "paused", code)
    await act("resume")
    await world.done(
        "POST", "/extension_action", key=None, json={"extension": "100", "action": "dial", "destination": "101", **mine}
    )
    await world.done("PUT", "/x/password", key=None, json={**ANN, **mine, "new_password": "98765"})
    assert error_of(await world.ask("GET", "/call_queue", key=None, query=mine)) == (401, "auth_key", "blank")


async def test_an_agent_does_nothing_for_others(world: World) -> None:
    await people(world)
    await world.done("POST", "/agent", json={"data": {**GOOD["agent"], "number": "102"}})
    other = await world.done("POST", "/agent_session", json={"user": 3, "extension": "101"})
    mine = {"auth_agent_session": await sign_in(world, ANN)}
    before = await rows_of(world, 1)
    for method, path, body in (
        ("POST", "/call_queue_agent_action", {"action": "signIn", "options": {"agent": 3}}),
        ("POST", "/extension_action", {"extension": "101", "action": "dial", "destination": "100"}),
        ("POST", "/call_recording_action", {"extension": "101", "action": "start"}),
        ("POST", "/phone_command", {"extension": "101", "key": "hold"}),
        ("POST", "/phone_command", {"extension": "100", "phone": {"extension": "101"}, "key": "hold"}),
        ("POST", "/phone_command", {"key": "hold"}),
        ("DELETE", f"/agent_session/{other}", {}),
        ("GET", "/agent/3", None),
        ("GET", "/active_calls?extension=101", None),
        ("GET", "/x/agent_statistics", None),
        ("GET", "/x/agent_statistics?agent=3", None),
    ):
        path, _, query = path.partition("?")
        asked = dict(pair.split("=") for pair in query.split("&") if pair)
        more = {"query": {**asked, **mine}} if body is None else {"json": {**body, **mine}}
        reply = await world.ask(method, path, key=None, **more)
        assert error_of(reply) == (403, "auth_agent_session", "forbidden"), (method, path)
    assert await rows_of(world, 1) == before


async def test_an_agent_may_nothing_that_is_not_named(world: World) -> None:
    await people(world)
    token = await sign_in(world, ANN)
    assert set(OF_AGENTS) < {row.name for row in ENDPOINTS}
    before = await rows_of(world, 1)
    for row in ENDPOINTS:
        if row.name not in OF_AGENTS:
            assert (await ask_with(world, row, auth_agent_session=token)).status == 403, row.name
    assert await rows_of(world, 1) == before


async def test_what_there_is_cannot_be_told_from_what_there_is_not(world: World) -> None:
    """Neither account nor user: not by what is answered, not by when, and not by whether there is a lock."""
    await people(world)
    right = BOSS["password"]
    guesses: list[dict[str, Any]] = [
        {**BOSS, "password": "wrong"},
        {**BOSS, "login": "nobody", "password": right},
        {**BOSS, "account": "nowhere", "password": right},
    ]
    asked: list[str | None] = []
    check = world.passwords.check

    async def counted(plain: str, hashed: str | None) -> bool:
        asked.append(hashed)
        return await check(plain, hashed)

    world.passwords.check = counted  # type: ignore[method-assign]
    answers = []
    for guess in guesses:
        world.clock.advance(1000)  # so that the address has not guessed too often
        answers.append([await world.ask("POST", "/x/sign_in", key=None, json=guess) for _ in range(6)])
    for replies in answers:
        assert [(reply.status, reply.json, reply.headers.get("Retry-After")) for reply in replies] == [
            (reply.status, reply.json, reply.headers.get("Retry-After")) for reply in answers[0]
        ]
    assert [error_of(reply) for reply in answers[0]] == [
        *[(401, "password", "invalid")] * 5,
        (401, "login", "locked"),
    ]
    # argon2 is computed for each that is not locked, whether or not there is a hash to compare with
    assert [hashed is None for hashed in asked] == [False] * 5 + [True] * 10
    # and an account that there is not has locks of its own for each that is named
    world.clock.advance(1000)
    reply = await world.ask("POST", "/x/sign_in", key=None, json={**BOSS, "account": "erewhon"})
    assert error_of(reply) == (401, "password", "invalid")


async def test_what_is_refused_is_answered_at_set_times(world: World) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    assert (await world.ask("POST", "/x/sign_in", key=None, json=BOSS)).status == 401
    assert loop.time() - begun >= ANSWER_EVERY


async def test_an_address_may_not_guess_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ari_app.dialects.eq.guessing.ANSWER_EVERY", 0.001)
    await people(world)
    for number in range(GUESSES_BURST):  # each another user, so that none of them is locked
        guess = {**BOSS, "login": f"user{number}"}
        reply = await world.ask("POST", "/x/sign_in", key=None, json=guess)
        assert error_of(reply) == (401, "password", "invalid")
    reply = await world.ask("POST", "/x/sign_in", key=None, json=BOSS)
    assert error_of(reply) == (401, "login", "locked")
    assert reply.headers["Retry-After"] == str(round(1 / GUESSES_RATE))
    # who has a key is not held up
    assert (await world.ask("POST", "/x/sign_in", json=BOSS)).status == 200
    world.clock.advance(1 / GUESSES_RATE)
    assert (await world.ask("POST", "/x/sign_in", key=None, json={**BOSS, "force": 1})).status == 200
    # what was right did not count
    assert (await world.ask("POST", "/x/sign_in", key=None, json={**BOSS, "force": 1})).status == 200


async def test_a_token_that_nobody_uses_holds_no_longer(world: World) -> None:
    await people(world)
    boss = {"auth_supervisor_session": await sign_in(world, BOSS)}
    await world.pass_time(KEYLESS_IDLE - 1)  # timed out long ago: the next request signs him in again
    assert await world.done("GET", "/active_supervisor_sessions", key=None, query=boss)
    await world.pass_time(KEYLESS_IDLE)
    assert error_of(await world.ask("GET", "/agent", key=None, query=boss)) == (401, "auth_key", "blank")


async def test_a_new_password_ends_also_what_has_timed_out(world: World) -> None:
    await people(world)
    boss = {"auth_supervisor_session": await sign_in(world, BOSS)}
    await world.pass_time(1000)
    await world.done("PUT", "/x/user/1/password", json={"password": "Sesame-77"})
    assert error_of(await world.ask("GET", "/agent", key=None, query=boss)) == (401, "auth_key", "blank")


async def test_it_holds_over_a_restart(world: World) -> None:
    await people(world)
    boss = {"auth_supervisor_session": await sign_in(world, BOSS)}
    await world.restart()
    assert await world.done("GET", "/agent/2", key=None, query=boss)


async def test_the_rate_limit_is_each_users(world: World) -> None:
    await people(world)
    world.settings = world.settings.model_copy(update={"rate_limit": 1.0})
    await world.restart()
    boss = {"auth_supervisor_session": await sign_in(world, BOSS)}
    ann = {"auth_agent_session": await sign_in(world, ANN)}
    statuses = [(await world.ask("GET", "/call_queue", key=None, query=boss)).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert (await world.ask("GET", "/call_queue", key=None, query=ann)).status == 200


async def test_what_is_no_sign_in_is_refused_before_any_account_is_looked_at(world: World) -> None:
    reply = await world.ask("POST", "/x/sign_in", key=None, data=b"{", headers={"Content-Type": "application/json"})
    assert error_of(reply) == (400, None, "invalid")
    reply = await world.ask("POST", "/x/sign_in", key=None, json={})
    assert {(e["parameter"], e["type"]) for e in reply.json["errors"]} == {
        (name, "blank") for name in ("kind", "login", "password")
    }
