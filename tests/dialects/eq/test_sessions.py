"""What golden cases cannot show: timers, races, crashes, and what a ping costs."""

from __future__ import annotations

import asyncio

import pytest

from ari_app.acd.events import AgentConfigured, AgentSignedIn
from ari_app.dialects.eq.app import SIGN_INS
from ari_app.dialects.eq.sessions import Kind
from tests.dialects.eq.world import World
from tests.harness.patience import PATIENCE

AGENT = {"number": "101", "firstName": "Ann", "password": "1234"}


@pytest.fixture
async def token(world: World) -> str:
    """An agent, signed in at 100."""
    await world.done("POST", "/agent", json={"data": AGENT})
    token = await world.done("POST", "/agent_session", json={"user": 1, "extension": "100"})
    assert isinstance(token, str)
    return token


def status(world: World) -> str:
    [row] = world.centre.agent_status(1, None, 1, True)
    return f"{row.status} {row.reason}".strip()


async def test_one_timer_a_session_and_no_sql_for_pings(
    world: World, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_timers = 0
    call_at = world.clock.call_at

    def counted(*args: object) -> object:
        nonlocal set_timers
        set_timers += 1
        return call_at(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(world.clock, "call_at", counted)
    for _ in range(50):
        await world.pass_time(5)
        await world.done("GET", "/queued_calls", query={"auth_agent_session": token})
    assert set_timers == 0
    await world.database.close()
    await world.done("GET", "/queued_calls", query={"auth_agent_session": token})
    await world.database.start()


async def test_time_out_is_written_when_the_database_is_back(world: World, token: str) -> None:
    await world.database.close()
    await world.pass_time(300)
    assert status(world) == "unavailable no_queue"
    await world.database.start()
    await world.pass_time(5)
    assert status(world) == "unavailable timed_out"
    assert await world.done("GET", "/active_agent_sessions") == []


async def test_ping_while_a_time_out_waits_to_be_written(world: World, token: str) -> None:
    sign_ins = world.app[SIGN_INS]
    async with sign_ins.exclusive(1):
        world.clock.advance(300)
        await asyncio.sleep(0)
        await world.done("GET", "/queued_calls", query={"auth_agent_session": token})
    await sign_ins.idle()
    assert len(await world.done("GET", "/active_agent_sessions")) == 1
    await world.pass_time(300)
    assert await world.done("GET", "/active_agent_sessions") == []


async def test_signed_out_while_a_time_out_waits(world: World, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_ins, begun = world.app[SIGN_INS], asyncio.Event()
    sign_out = sign_ins.sign_out

    async def told(account: int, kind: Kind, token: str) -> None:
        begun.set()
        await sign_out(account, kind, token)  # which stops at the lock before anybody else runs

    monkeypatch.setattr(sign_ins, "sign_out", told)
    async with sign_ins.exclusive(1):
        signing_out = asyncio.ensure_future(world.done("DELETE", f"/agent_session/{token}"))
        async with asyncio.timeout(PATIENCE):
            await begun.wait()
        world.clock.advance(300)
    await signing_out
    await sign_ins.idle()
    assert status(world) == "signedOut"


async def test_two_sign_ins_at_once_are_one(world: World) -> None:
    await world.done("POST", "/agent", json={"data": AGENT})
    await world.done("POST", "/agent", json={"data": {**AGENT, "number": "102"}})
    same_user = [world.ask("POST", "/agent_session", json={"user": 1, "extension": e}) for e in ("100", "101")]
    assert sorted(reply.status for reply in await asyncio.gather(*same_user)) == [200, 400]
    await world.pass_time(300)
    same_phone = [world.ask("POST", "/agent_session", json={"user": u, "extension": "105"}) for u in (1, 2)]
    assert sorted(reply.status for reply in await asyncio.gather(*same_phone)) == [200, 400]


async def test_deleted_while_signing_in(world: World) -> None:
    """Whichever is first, a deleted agent is not signed in afterwards."""
    for user in range(1, 6):
        await world.done("POST", "/agent", json={"data": {**AGENT, "number": str(100 + user)}})
        await asyncio.gather(
            world.ask("POST", "/agent_session", json={"user": user, "extension": "100"}),
            world.ask("DELETE", f"/agent/{user}"),
        )
        assert await world.done("GET", "/active_agent_sessions") == []
        assert world.centre.agent_status(1, None, None, True) == []


async def test_queue_changes_reach_the_engine_in_the_order_of_the_database(world: World) -> None:
    await world.done("POST", "/call_queue", json={"data": {"extension": "500", "name": "Q", "type": 0}})
    await asyncio.gather(
        *(
            world.done("PUT", "/call_queue/500", json={"data": {"name": "Q", "type": 0, "serviceLevel": level}})
            for level in range(20)
        )
    )
    written = await world.done("GET", "/call_queue/500")
    [known] = await world.done("GET", "/call_queue_statistics")
    assert known["serviceLevelThreshold"] == written["serviceLevel"]


async def test_crash_between_database_and_queues(world: World, token: str) -> None:
    """The session ended in SQL, the process died before the queues heard of it."""
    session = world.sessions.find(token)
    assert session is not None
    await world.sessions.destroy(session.id)
    await world.restart()
    assert status(world) == "unavailable timed_out"


async def test_crash_between_database_and_queues_at_sign_in(world: World) -> None:
    """The session began in SQL, the process died before the queues heard of it."""
    await world.done("POST", "/agent", json={"data": AGENT})
    await world.sessions.create(1, "agent", 1, "100")
    await world.restart()
    assert status(world) == "unavailable no_queue"
    assert len(await world.done("GET", "/active_agent_sessions")) == 1


async def test_other_account_is_looked_at_too_when_starting(world: World) -> None:
    other = world.accounts["other"]
    world.centre.apply(other, AgentConfigured(agent=9))
    world.centre.apply(other, AgentSignedIn(agent=9, extension="100"))
    await world.restart()
    [row] = world.centre.agent_status(other, None, 9, True)
    assert row.reason == "timed_out"


async def test_no_timer_is_left_when_it_stops(world: World, token: str) -> None:
    await world.stop()
    world.clock.advance(1000)
    await world.app[SIGN_INS].idle()
    assert status(world) == "unavailable no_queue"
    await world.serve()


async def test_replies_wait_for_the_queues_record(world: World, token: str) -> None:
    for request in (
        ("POST", "/call_queue", {"data": {"extension": "500", "name": "Q", "type": 0}}),
        ("POST", "/agent", {"data": {**AGENT, "number": "102"}}),
        ("POST", "/agent_session", {"user": 2, "extension": "102"}),
        ("POST", "/call_queue_agent_action", {"action": "signIn", "options": {"agent": 1, "queue": "500"}}),
        ("PUT", "/call_queue/500", {"data": {"name": "Q", "type": 0}}),
        ("PUT", "/agent/2", {"data": {**AGENT, "number": "102"}}),
        ("DELETE", "/call_queue/500", None),
        ("DELETE", "/agent/2", None),
        ("DELETE", f"/agent_session/{token}", None),
    ):
        method, path, body = request
        before = world.centre.commits
        await world.done(method, path, **({"json": body} if body else {}))
        assert world.centre.commits > before, request
