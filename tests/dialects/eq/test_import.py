"""Import over REST: send it, look at the plan, send it again to do it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from tests.dialects.eq.world import World
from tests.harness.freepbx_files import documents, write_backup
from tests.unit.freepbx.sample import small

PATH = "/import/freepbx"
ARCHIVE = {"Content-Type": "application/gzip"}


def backup(folder: Path) -> bytes:
    return write_backup(folder / "backup.tar.gz", documents(small(), whole=True)).read_bytes()


async def sent(world: World, data: bytes, **query: str) -> dict[str, Any]:
    found: dict[str, Any] = await world.done("POST", PATH, query=query, data=data, headers=ARCHIVE)
    return found


async def test_plan_then_apply_then_nothing(world: World, tmp_path: Path) -> None:
    data = backup(tmp_path)
    plan = await sent(world, data)
    assert (plan["applied"], plan["changes"]) == (False, True)
    assert await world.done("GET", "/call_queue") == []
    done = await sent(world, data, apply=plan["plan"])
    assert done == plan | {"applied": True}
    queues = await world.done("GET", "/call_queue")
    assert [(queue["extension"], queue["name"]) for queue in queues] == [("500", "Sales"), ("501", "Support")]
    agents = await world.done("GET", "/agent")
    assert {agent["number"]: agent["boundQueues"] for agent in agents}["1001"] == [
        {"queue": "500", "skill": 1},
        {"queue": "501", "skill": 4},
    ]
    # the engine knows them, and the other account has none
    statistics = await world.done("GET", "/call_queue_statistics")
    assert {row["queue"] for row in statistics} == {"500", "501"}
    assert await world.done("GET", "/call_queue", key="other") == []
    again = await sent(world, data)
    assert (again["changes"], again["plan"] != plan["plan"]) == (False, True)


async def test_extensions_of_an_upload(world: World, tmp_path: Path) -> None:
    """With their secrets, which nobody is told; not in Asterisk unless that is asked for."""
    data = backup(tmp_path)
    plan = await sent(world, data)
    done = await sent(world, data, apply=plan["plan"])
    extensions = await world.done("GET", "/extension")
    assert [(one["extension"], one["name"], one["sip"]["secret"]) for one in extensions] == [
        ("1001", "Alice Adams", None),
        ("1002", "Bob", None),
        ("1003", "Chaim Cohen", None),
    ]
    assert "secret-100" not in str((plan, done, extensions))
    assert await world.done("GET", "/extension", key="other") == []
    assert (await sent(world, data))["changes"] is False
    asked = await sent(world, data, provision="1")
    (entry,) = (entry for entry in asked["entries"] if entry["key"] == "1001")
    assert [(each["attribute"], each["here"], each["there"]) for each in entry["differences"]] == [
        ("in Asterisk", False, True)
    ]
    done = await sent(world, data, provision="1", apply=asked["plan"])
    assert done["applied"] is True
    assert (await sent(world, data, provision="1"))["changes"] is False
    assert (await sent(world, data, provision="0"))["changes"] is True
    reply = await world.ask("POST", PATH, query={"provision": "2"}, data=data, headers=ARCHIVE)
    assert (reply.status, reply.json["errors"][0]["parameter"]) == (400, "provision")


async def test_a_csv_of_the_bulk_handler(world: World) -> None:
    data = b"extension,name,tech,secret\n1001,Ann,pjsip,s3cret\n"
    headers = {"Content-Type": "text/csv"}
    plan = await world.done("POST", PATH, data=data, headers=headers)
    await world.done("POST", PATH, query={"apply": plan["plan"]}, data=data, headers=headers)
    assert [one["name"] for one in await world.done("GET", "/extension")] == ["Ann"]


async def test_a_plan_that_is_another_by_now_is_not_applied(world: World, tmp_path: Path) -> None:
    data = backup(tmp_path)
    plan = await sent(world, data)
    await world.done("POST", "/call_queue", json={"data": {"extension": "500", "name": "Own", "type": 0}})
    reply = await world.ask("POST", PATH, query={"apply": plan["plan"]}, data=data, headers=ARCHIVE)
    assert (reply.status, reply.json["errors"][0]["parameter"]) == (400, "apply")
    assert [queue["name"] for queue in await world.done("GET", "/call_queue")] == ["Own"]


async def test_who_may_import(world: World, tmp_path: Path) -> None:
    data = backup(tmp_path)
    for scopes, status in ((("read",), 403), (("import",), 200), (("*",), 200)):
        _, key = await world.key_store.create(1, "a program", scopes)
        assert (await world.ask("POST", PATH, key=key, data=data, headers=ARCHIVE)).status == status
    assert (await world.ask("POST", PATH, key=None, data=data, headers=ARCHIVE)).status == 401
    full = {"firstName": "B", "password": "pw-1234", "emailAddress": "b@example.com"}
    for name, kind, status in (("boss", "full", 200), ("looker", "monitorOnly", 403)):
        user = await world.done(
            "POST",
            "/supervisor",
            json={"data": full | {"username": name, "type": kind, "emailAddress": f"{name}@example.com"}},
        )
        token = await world.done("POST", "/supervisor_session", json={"user": user})
        query = {"auth_supervisor_session": token}
        assert (await world.ask("POST", PATH, query=query, data=data, headers=ARCHIVE)).status == status
    agent = await world.done("POST", "/agent", json={"data": {"number": "7", "firstName": "A", "password": "123"}})
    token = await world.done("POST", "/agent_session", json={"user": agent, "extension": "100"})
    reply = await world.ask("POST", PATH, query={"auth_agent_session": token}, data=data, headers=ARCHIVE)
    assert reply.status == 403


async def test_too_much_is_refused(world: World) -> None:
    reply = await world.ask("POST", PATH, data=io.BytesIO(b"x" * (9 * 1024 * 1024)), headers=ARCHIVE)
    assert reply.status == 400
    rows = "\n".join(str(number) for number in range(1000, 2001))
    reply = await world.ask("POST", PATH, data=f"extension\n{rows}\n".encode(), headers={"Content-Type": "text/csv"})
    assert reply.status == 400
    assert "1000 queues" in reply.json["errors"][0]["description"]
    assert await world.done("GET", "/call_queue") == []
