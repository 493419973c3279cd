"""Who may do what, for every endpoint of the path table: nobody reaches another account, and who may only look changes
nothing."""

from __future__ import annotations

import copy
import json
from typing import Any

from sqlalchemy import Table, select

from ari_app.dialects.eq.paths import ENDPOINTS
from ari_app.dialects.http import Endpoint
from models import Base
from tests.dialects.eq.test_fuzz import GOOD
from tests.dialects.eq.world import Reply, World

#: in every text of the other account
MARK = "Zanzibar"
#: what a supervisor of type monitorOnly may do: listen to calls; sign in, and choose his password, with the one he has
FOR_MONITORS = {"call_monitor_action", "x.sign_in", "x.password.update"}
#: what the path names is a name of one's own account
OWN_NAMES = {"x.calendar.update", "x.prompt.update", "x.prompt.upload"}


def good_body(row: Endpoint) -> dict[str, Any]:
    """One that would be taken, were it not for who asks."""
    if row.body is None:
        return {}
    entity = copy.deepcopy(GOOD[row.name] if row.name in GOOD else GOOD[row.name.rpartition(".")[0]])
    if row.name == "call_queue_agent_action":
        return {"action": entity.pop("action"), "options": entity}
    return {"data": entity} if "data" in row.body.model_fields else entity


async def ask(world: World, row: Endpoint, ids: dict[str, str], **query: str) -> Reply:
    path = row.path.format(**{name: ids.get(name, "1") for name in row.path_names})
    if row.upload:
        return await world.ask(row.method, path, query=query, data=b"x", headers={"Content-Type": row.upload[-1]})
    body = {"json": good_body(row)} if row.body is not None else {}
    return await world.ask(row.method, path, query=query, **body)


async def fill_other(world: World) -> dict[str, str]:
    """Something of each kind in the other account; what its paths name them by."""

    async def done(method: str, path: str, **data: Any) -> Any:
        return await world.done(method, path, key="other", json=data)

    boss = {**GOOD["supervisor"], "firstName": MARK}
    await done("POST", "/supervisor", data=boss)
    await done("POST", "/call_queue", data={**GOOD["call_queue"], "name": MARK})
    agent = await done("POST", "/agent", data={**GOOD["agent"], "firstName": MARK})
    code = await done("POST", "/pause_code", data={"name": MARK})
    await done("POST", "/extension", data={**GOOD["extension"], "name": MARK})
    alert = await done("POST", "/alert", data={**GOOD["alert"], "name": MARK})
    await done("POST", "/x/conference", data={**GOOD["x.conference"], "name": MARK})
    await done("PUT", "/x/calendar/holidays", data={"exceptions": [{"from": "2026-12-24", "name": MARK}]})
    await done("PUT", f"/x/agent/{agent}/skills", data={"skills": {MARK.lower(): 80}})
    await done("PUT", "/x/call_queue/500/routing", data={"rule": MARK.lower()})
    token = await done("POST", "/agent_session", user=agent, extension="100")
    await done("POST", "/call_queue_agent_action", action="signIn", options={"agent": agent, "queue": "500"})
    await world.recorded(world.accounts["other"], "rec-1", call=MARK, kind="queue", content=MARK)
    await world.centre.recorded()
    assert (agent, code, alert) == (2, 1, 1)
    return {"id": "1", "extension": "500", "token": token, "name": "holidays", "number": "800"}


async def rows_of(world: World, account: int) -> dict[str, list[Any]]:
    """All that is written down of an account."""
    found: dict[str, list[Any]] = {}
    async with world.database.transaction(write=False) as connection:
        for table in Base.metadata.sorted_tables:
            if isinstance(table, Table) and "account_id" in table.columns and table.name != "api_keys":
                query = select(table).where(table.c.account_id == account).order_by(*table.primary_key.columns)
                found[table.name] = [tuple(row) for row in await connection.execute(query)]
    return found


def ids_of(row: Endpoint, ids: dict[str, str]) -> dict[str, str]:
    """What the other account's one is named by."""
    if row.name.startswith("extension."):
        return {**ids, "extension": "1001"}
    if "recording" in row.name:
        return {**ids, "id": "rec-1"}
    return {**ids, "id": "2"} if row.name.startswith(("agent.", "x.agent_skills")) else ids


async def test_another_account_is_out_of_reach(world: World) -> None:
    ids = await fill_other(world)
    before = await rows_of(world, world.accounts["other"])
    # Those that name nothing of one's own first: the others make something of the same name.
    named = [row for row in ENDPOINTS if row.path_names and row.name not in OWN_NAMES]
    for row in [*named, *(row for row in ENDPOINTS if row not in named and not row.streams)]:
        reply = await ask(world, row, ids_of(row, ids))
        assert await rows_of(world, world.accounts["other"]) == before, row.name
        assert MARK not in json.dumps(reply.json), row.name
        assert reply.status in (200, 400, 401, 403, 404), (row.name, reply)
        if row in named and reply.status != 404:  # or the body names something else that is the other's
            assert {error["type"] for error in reply.json["errors"]} == {"nonexistent"}, (row.name, reply)


async def test_who_may_only_monitor_changes_nothing(world: World) -> None:
    watcher = await world.done("POST", "/supervisor", json={"data": {**GOOD["supervisor"], "type": "monitorOnly"}})
    token = await world.done("POST", "/supervisor_session", json={"user": watcher, "extension": "101"})
    await world.done("POST", "/call_queue", json={"data": GOOD["call_queue"]})
    await world.done("POST", "/agent", json={"data": GOOD["agent"]})
    before = await rows_of(world, 1)
    refused = []
    for row in ENDPOINTS:
        if not row.changes or row.name in FOR_MONITORS:
            continue
        reply = await ask(world, row, {"extension": "500"}, auth_supervisor_session=token)
        assert reply.status == 403, (row.name, reply)
        assert reply.json["errors"][0]["type"] == "forbidden"
        refused.append(row.name)
    assert await rows_of(world, 1) == before
    assert {"agent.create", "call_queue.delete", "import.freepbx", "x.prompt.upload"} < set(refused)
    for row in ENDPOINTS:
        if row.name in FOR_MONITORS:
            assert (await ask(world, row, {}, auth_supervisor_session=token)).status != 403
