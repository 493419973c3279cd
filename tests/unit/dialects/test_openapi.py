from __future__ import annotations

from typing import Annotated, Any

import msgspec
from openapi_spec_validator import validate
from pydantic import BaseModel, Field

from ari_app.dialects.http import Endpoint, ErrorRow
from ari_app.dialects.openapi import Conventions, Title, build


class Inner(BaseModel):
    size: int


class Body(BaseModel):
    inner: Inner


class Query(BaseModel):
    limit: Annotated[int, Field(ge=1, description="Most rows")] = 10
    name: str


class Out(msgspec.Struct):
    size: int


class Error(msgspec.Struct):
    why: str


ROWS = (
    Endpoint(name="a.get", method="GET", path="/a/{id}", tag="A", summary="Get", query=Query, reply=list[Out]),
    Endpoint(
        name="a.put",
        method="PUT",
        path="/a/{id}",
        tag="A",
        summary="Put",
        body=Body,
        body_optional=True,
        parameters={"id": "Its id"},
        errors=(ErrorRow(parameter="size", type="in_use", description="Taken"),),
        reply_headers={"X-Total": "All"},
    ),
)
CONVENTIONS = Conventions(
    security={"key": {"type": "apiKey", "in": "query", "name": "key"}},
    parameters={"on_behalf": {"name": "on_behalf", "in": "query", "schema": {"type": "string"}}},
    error=Error,
    statuses={400: "Wrong"},
)


def document() -> dict[str, Any]:
    return build(Title(title="T", version="1", description="D", prefix="/t"), ROWS, CONVENTIONS)


def test_valid() -> None:
    validate(document())


def test_query_model_becomes_parameters() -> None:
    id_parameter, limit, name, on_behalf = document()["paths"]["/a/{id}"]["get"]["parameters"]
    assert (id_parameter["name"], id_parameter["in"], id_parameter["required"]) == ("id", "path", True)
    assert limit == {
        "name": "limit",
        "in": "query",
        "required": False,
        "description": "Most rows",
        "schema": {"type": "integer", "minimum": 1, "default": 10},
    }
    assert (name["name"], name["required"]) == ("name", True)
    assert on_behalf == {"$ref": "#/components/parameters/on_behalf"}


def test_replies_errors_and_bodies() -> None:
    made = document()
    get, put = made["paths"]["/a/{id}"]["get"], made["paths"]["/a/{id}"]["put"]
    schema = get["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema == {"type": "array", "items": {"$ref": "#/components/schemas/Out"}}
    assert get["responses"]["400"] == {"$ref": "#/components/responses/Error400"}
    assert put["responses"]["200"]["content"]["application/json"]["schema"] == {"type": "null"}
    assert put["responses"]["200"]["headers"] == {"X-Total": {"description": "All", "schema": {"type": "string"}}}
    assert put["requestBody"]["required"] is False
    assert put["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Body"}
    assert put["x-errors"] == [{"parameter": "size", "type": "in_use", "description": "Taken"}]
    assert "`size` `in_use`: Taken" in put["description"]
    assert {"Body", "Inner", "Out", "Error"} <= made["components"]["schemas"].keys()
