"""No key, token or password is ever in a log line, whatever goes wrong."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from ari_app.dialects.eq.routes import HANDLERS, supervisors
from ari_app.ops import logging as ops_logging
from tests.dialects.eq.world import World

PASSWORD = "pw-Sesame-77"
SUPERVISOR = {
    "username": "boss",
    "firstName": "Bo",
    "password": PASSWORD,
    "emailAddress": "bo@example.com",
    "type": "full",
}


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """All that the process logs, at the finest level."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    ops_logging.configure(level="debug", form="json", stream=stream)
    yield stream
    root.handlers[:], root.level = before, level
    structlog.reset_defaults()


async def use_everything(world: World) -> list[str]:
    """Requests with secrets in every place they may be in; the secrets."""
    key = world.keys["default"]
    await world.ask("POST", "/supervisor", json={"data": SUPERVISOR})
    await world.ask("POST", "/supervisor", json={"data": {**SUPERVISOR, "password": PASSWORD * 3}})
    await world.ask("POST", "/supervisor", key=None, data={"auth_key": key, "data": '{"password": "' + PASSWORD + '"'})
    token = await world.done("POST", "/supervisor_session", json={"user": 1, "extension": "100"})
    await world.ask("GET", "/agent", query={"auth_supervisor_session": token})
    await world.ask("GET", "/agent", query={"auth_supervisor_session": token[:-1] + "!"})
    await world.ask("GET", "/agent", key=key[:-1])
    await world.ask("POST", "/pause_code", json={"auth_supervisor_session": token, "data": {"name": "x"}})
    await world.ask("PATCH", f"/supervisor_session/{token}")
    await world.ask("GET", f"/nothing/{token}")
    await world.ask("DELETE", f"/supervisor_session/{token}")
    phone = {"extension": "1001", "name": "Ann", "sip": {"secret": PASSWORD}, "voicemail": {"password": "4711471147"}}
    await world.ask("POST", "/extension", json={"data": phone})
    await world.ask("POST", "/extension", json={"data": phone})
    await world.ask("PUT", "/extension/1001", json={"data": {**phone, "sip": {"secret": PASSWORD + "\0"}}})
    return ["4711471147", key, key[:-1], token, PASSWORD]


async def test_no_secret_in_log_lines(world: World, lines: io.StringIO) -> None:
    secrets = await use_everything(world)
    await world.database.close()
    secrets += await use_everything_with_no_database(world)
    await world.database.start()
    text = lines.getvalue()
    assert '"event": "supervisor.create"' in text
    assert '"event": "wrong key"' in text
    assert '"reason": "store_unavailable"' in text
    assert [secret for secret in secrets if secret in text] == []


async def use_everything_with_no_database(world: World) -> list[str]:
    await world.ask("POST", "/supervisor", json={"data": SUPERVISOR})
    await world.ask("GET", "/supervisor/1")
    return []


async def test_unexpected_error_is_a_500_with_the_id_of_its_log_line(
    world: World, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_args: object, **named: object) -> int:
        raise RuntimeError(f"cannot do password={PASSWORD} auth_key={world.keys['default']}")

    monkeypatch.setattr(world.users, "create", broken)
    assert HANDLERS["supervisor.create"] is supervisors.create
    reply = await world.ask("POST", "/supervisor", json={"data": SUPERVISOR})
    assert reply.status == 500
    [error] = reply.json["errors"]
    assert (error["parameter"], error["type"]) == (None, "server_error")
    incident = error["description"].rpartition(" ")[2]
    assert incident.startswith("error-")
    text = lines.getvalue()
    assert incident in text
    assert "RuntimeError" in text
    assert PASSWORD not in text
    assert world.keys["default"] not in text
    assert "RuntimeError" not in error["description"]
