"""The path table, what is served, and what is documented are one thing; and no endpoint answers without a key."""

from __future__ import annotations

import pytest
from openapi_spec_validator import validate

from ari_app.dialects import eq
from ari_app.dialects.eq.paths import DOCUMENT, ENDPOINTS
from ari_app.dialects.eq.routes import HANDLERS
from ari_app.dialects.http import Endpoint
from ari_app.store.keys import EVERYTHING, SCOPES
from tests.dialects.eq import golden
from tests.dialects.eq.test_golden import FOLDERS
from tests.dialects.eq.world import World

ROWS = {row.name: row for row in ENDPOINTS}
every_endpoint = pytest.mark.parametrize("row", ENDPOINTS, ids=lambda row: row.name)


def path_of(row: Endpoint) -> str:
    return row.path.format(**dict.fromkeys(row.path_names, "1"))


def test_names_are_unique_and_have_handlers() -> None:
    assert len(ROWS) == len(ENDPOINTS)
    assert ROWS.keys() == HANDLERS.keys()


def test_document_is_valid() -> None:
    validate(eq.openapi_document())


def test_document_has_exactly_the_table() -> None:
    document = eq.openapi_document()
    documented = {
        (method.upper(), path): operation["operationId"]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert documented == {(row.method, row.path): row.name for row in ENDPOINTS}


def test_document_says_what_each_needs() -> None:
    document = eq.openapi_document()
    for row in ENDPOINTS:
        operation = document["paths"][row.path][row.method.lower()]
        assert [p["name"] for p in operation["parameters"] if p.get("in") == "path"] == row.path_names
        assert ("requestBody" in operation) == (row.body is not None or bool(row.upload))
        assert [(e["parameter"], e["type"]) for e in operation.get("x-errors", [])] == [
            (e.parameter, e.type) for e in row.errors
        ]
        assert operation["x-scope"] == row.needs
        assert ({} in operation.get("security", [])) == row.keyless
        assert {"200", "400", "401", "403", "404", "429", "500", "503"} <= operation["responses"].keys()


async def test_served_are_exactly_the_table(world: World) -> None:
    served = {
        (route.method, route.resource.canonical.removeprefix(eq.PREFIX))
        for route in world.app.router.routes()
        if route.resource is not None
    }
    assert served == {(row.method, row.path) for row in ENDPOINTS} | {("GET", DOCUMENT)}


async def test_document_is_served_without_a_key(world: World) -> None:
    assert await world.done("GET", DOCUMENT, key=None) == eq.openapi_document()


#: what takes hundreds of requests at a time: tests/unit/recordings/test_converted.py
ELSEWHERE = {("x.recording.file", "error", "format", "too_busy")}


def test_every_endpoint_and_error_has_a_case() -> None:
    """Each row of the table answers 200 in some golden case, and each of its errors is answered in one."""
    seen: set[tuple[str, str, str | None, str | None]] = set()
    for folder in FOLDERS:
        requests = [step for step in golden.load(folder, "case.json")["steps"] if "request" in step]
        for step, expected in zip(requests, golden.load(folder, "expected.json"), strict=True):
            method, path = step["request"].split(" ", 1)
            for row in ENDPOINTS:
                if row.method == method and golden.same_pattern(row.path, path):
                    seen |= {(row.name, "200", None, None)} if expected["status"] == 200 else set()
                    json = expected.get("json")
                    for error in json.get("errors", []) if isinstance(json, dict) else []:
                        seen.add((row.name, "error", error["parameter"], error["type"]))
    needed = {(row.name, "200", None, None) for row in ENDPOINTS if not row.streams}  # those: test_events.py
    needed |= {(row.name, "error", error.parameter, error.type) for row in ENDPOINTS for error in row.errors}
    assert needed - seen == ELSEWHERE


@every_endpoint
async def test_no_answer_without_a_key_that_holds(world: World, row: Endpoint) -> None:
    revoked, plain = await world.key_store.create(1, "old")
    await world.key_store.revoke(1, revoked.id)
    blank = [] if row.keyless else [(None, "blank"), ("", "blank")]  # those: test_password_alone.py
    for key, kind in (*blank, ("wrong", "invalid"), (plain, "invalid")):
        reply = await world.ask(row.method, path_of(row), key=key)
        assert reply.status == 401
        [error] = reply.json["errors"]
        assert (error["parameter"], error["type"]) == ("auth_key", kind)


@every_endpoint
async def test_no_answer_with_a_key_that_may_not(world: World, row: Endpoint) -> None:
    others = [scope for scope in SCOPES if scope not in (EVERYTHING, row.needs)]
    _, limited = await world.key_store.create(1, "limited", others)
    reply = await world.ask(row.method, path_of(row), key=limited)
    assert reply.status == 403
    [error] = reply.json["errors"]
    assert (error["parameter"], error["type"]) == ("auth_key", "forbidden")
    if row.streams:
        return  # an answer without an end: test_events.py
    _, allowed = await world.key_store.create(1, "allowed", [row.needs])
    assert (await world.ask(row.method, path_of(row), key=allowed)).status != 403


@every_endpoint
async def test_no_answer_with_a_wrong_session(world: World, row: Endpoint) -> None:
    for parameter in ("auth_supervisor_session", "auth_agent_session"):
        reply = await world.ask(row.method, path_of(row), query={parameter: "A" * 64})
        assert reply.status == 401
        assert reply.json["errors"][0]["parameter"] == parameter


@every_endpoint
async def test_says_it_changes_something_if_it_does(world: World, row: Endpoint) -> None:
    assert row.changes == (row.method != "GET")


@every_endpoint
async def test_other_methods_are_refused(world: World, row: Endpoint) -> None:
    allowed = {other.method for other in ENDPOINTS if other.path == row.path}
    for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"} - allowed:
        reply = await world.ask(method, path_of(row))
        assert reply.status == 405
        assert reply.json["errors"][0]["type"] == "invalid"
