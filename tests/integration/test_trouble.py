"""What is missing at the start is said in one line; what goes away while running does not stop calls."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.harness import net, postgres
from tests.harness.patience import PATIENCE
from tests.harness.phones import PhoneBox, answers
from tests.harness.postgres import Postgres
from tests.integration.server import APP_PASSWORD, Server, contact_centre

AGENT = 660


def bare(directory: Path, **settings: str) -> Server:
    """An installation without an Asterisk."""
    server = Server(directory)
    server.configure(ari_url=f"http://127.0.0.1:{net.free_port()}/ari", ari_user="u", ari_password="p", **settings)
    return server


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"DATABASE_URL": "postgresql://someone:hidden-word@127.0.0.1:1/none"}, ("127.0.0.1", "DATABASE_URL")),
        ({"ARI_PASSWORD": ""}, ("ARI_PASSWORD",)),
        ({"ARI_WS_PASSWORD": ""}, ("ARI_WS_PASSWORD", "ARI_CONNECT=inbound")),
        ({"ARI_LISTEN": "nonsense"}, ("ARI_LISTEN", "host:port")),
        ({"SESSION_TIMEOUT": "soon"}, ("SESSION_TIMEOUT",)),
        ({"ARI_CONNECT": "sideways"}, ("ARI_CONNECT",)),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_one_line_says_what_to_set(tmp_path: Path, settings: dict[str, str], says: tuple[str, ...]) -> None:
    server = bare(tmp_path)
    await server.command("migrate")
    server.environment.update(settings)
    status, printed = await server.attempt_command("serve")
    assert status == 1
    line = printed.strip()
    assert "\n" not in line, line
    assert all(word in line for word in says), line
    assert "hidden-word" not in line


async def test_an_old_database_is_not_touched(tmp_path: Path) -> None:
    status, printed = await bare(tmp_path).attempt_command("serve")
    assert status == 1
    assert "migrate" in printed.strip().splitlines()[-1]


@pytest.mark.parametrize("connect", ["outbound", "inbound"])
async def test_without_asterisk_it_serves_and_says_so(tmp_path: Path, connect: str) -> None:
    server = bare(tmp_path, ARI_CONNECT=connect)
    await server.command("migrate")
    server.key = (await server.command("keys", "create", "test")).strip()
    await server.start(healthy=False)
    try:
        status, health = await server.get_json("/health")
        assert status == 503
        assert health["checks"]["database"] == "ok"
        assert "Asterisk" in health["checks"]["asterisk"]
        # what needs no Asterisk works; what does says so
        agent = await server.request("POST", "/agent", data={"number": "7", "firstName": "A", "password": "123"})
        status, body = await server.attempt("POST", "/agent_session", user=agent, extension="1001")
        assert status == 503
        assert body["errors"][0]["type"]
        variable = "ARI_LISTEN" if connect == "outbound" else "ARI_URL"
        line = await server.logged(variable)
        assert APP_PASSWORD not in line
    finally:
        await server.stop()


@pytest.mark.slow
@pytest.mark.postgres
async def test_the_database_dies_and_calls_go_on(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> None:
    if reason := postgres.unavailable():
        pytest.skip(reason)
    async with Postgres() as database:
        url = database.url.replace("+asyncpg", "")
        async with contact_centre(tmp_path, start_asterisk, world, DATABASE_URL=url) as centre:
            await centre.queue()
            await centre.agent("1001", answers(tone=AGENT))
            await database.crash()
            caller = await world.call("500", centre.pbx, caller="01701")
            await caller.wait_tones(AGENT)
            await caller.hang_up()
            await centre.until_status("1001", "available")
            status, health = await centre.server.get_json("/health")
            assert status == 503
            assert "database" in health["checks"]["database"]
            status, body = await centre.server.attempt("POST", "/pause_code", data={"name": "Lunch"})
            assert (status, len(body["errors"])) == (503, 1)
            # killed while the database is away: what was told is in a file
            async with asyncio.timeout(PATIENCE):
                while not any(b'"answered"' in file.read_bytes() for file in tmp_path.rglob("*.jsonl")):
                    await asyncio.sleep(0.05)
            await centre.server.kill(at_once=True)
            await database.start_again()
            await centre.server.start()
            await centre.until_status("1001", "available")
            second = await world.call("500", centre.pbx, caller="01702")
            await second.wait_tones(AGENT)
            await second.hang_up()
            await centre.idle()
            connection = await asyncpg.connect(url)
            try:
                rows = await connection.fetch("SELECT caller_number, ended_at FROM calls ORDER BY started_at")
                queued = await connection.fetch("SELECT outcome FROM queue_calls")
            finally:
                await connection.close()
            assert [row["caller_number"] for row in rows] == ["01701", "01702"]
            assert all(row["ended_at"] for row in rows)
            assert [row["outcome"] for row in queued] == ["answered", "answered"]


async def test_no_secret_in_the_log(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> None:
    async with contact_centre(tmp_path, start_asterisk, world, LOG_LEVEL="debug") as centre:
        await centre.queue()
        await centre.agent("1001", answers(tone=AGENT))
        sessions = await centre.server.request("GET", "/active_agent_sessions")
        assert len(sessions) == 1
        caller = await world.call("500", centre.pbx)
        await caller.wait_tones(AGENT)
        await caller.hang_up()
        await centre.idle()
        server = centre.server
        log = server.log_path.read_text()
        environment = server.environment
        for secret in (server.key, environment["ARI_PASSWORD"], environment["ARI_WS_PASSWORD"]):
            assert secret not in log
