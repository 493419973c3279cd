"""OpenAPI 3.1 documents, built from the tables that serve.

What comes in is described by pydantic models, what goes out by msgspec structs; both speak JSON Schema 2020-12, which
is what OpenAPI 3.1 means by a schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from ari_app.dialects.http import Endpoint

_REF = "#/components/schemas/{model}"
_REF_MSGSPEC = "#/components/schemas/{name}"

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Title:
    """What the document says of itself."""

    title: str
    version: str
    description: str
    #: the prefix all paths are under
    prefix: str


@dataclass(frozen=True, kw_only=True)
class Conventions:
    """What holds for every endpoint of a dialect."""

    #: name -> security scheme
    security: dict[str, Json]
    #: name -> parameter object that every operation takes
    parameters: dict[str, Json]
    #: the error document
    error: Any
    #: status -> what it means
    statuses: dict[int, str]
    #: media types of bodies
    media_types: Sequence[str] = ("application/json",)


def build(title: Title, endpoints: Iterable[Endpoint], conventions: Conventions) -> Json:
    """The document."""
    rows = list(endpoints)
    incoming = _incoming(rows)
    outgoing, components = _outgoing([conventions.error, *(row.reply for row in rows)])
    replies = dict(zip((row.name for row in rows), outgoing[1:], strict=True))
    responses = {
        _response_name(status): {"description": text, "content": {"application/json": {"schema": outgoing[0]}}}
        for status, text in conventions.statuses.items()
    }
    paths: dict[str, Json] = {}
    for row in rows:
        operation = _operation(row, incoming, replies[row.name], conventions)
        paths.setdefault(row.path, {})[row.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": title.title, "version": title.version, "description": title.description},
        "servers": [{"url": title.prefix}],
        "security": [{name: []} for name in conventions.security],
        "tags": [{"name": tag} for tag in dict.fromkeys(row.tag for row in rows)],
        "paths": paths,
        "components": {
            "schemas": dict(sorted({**components, **_component_schemas(rows)}.items())),
            "parameters": conventions.parameters,
            "responses": responses,
            "securitySchemes": conventions.security,
        },
    }


def _models(rows: Iterable[Endpoint]) -> list[type[BaseModel]]:
    return list(dict.fromkeys(model for row in rows for model in (row.query, row.body) if model is not None))


def _component_schemas(rows: list[Endpoint]) -> Json:
    """The schemas of the bodies and of what they refer to; query models become parameters instead."""
    bodies = [(row.body, "validation") for row in rows if row.body is not None]
    _, definitions = models_json_schema(list(dict.fromkeys(bodies)), ref_template=_REF)  # type: ignore[arg-type]
    return dict(definitions.get("$defs", {}))


def _incoming(rows: list[Endpoint]) -> dict[type[BaseModel], Json]:
    return {model: model.model_json_schema(ref_template=_REF) for model in _models(rows)}


def _outgoing(types: list[Any]) -> tuple[list[Json], Json]:
    """A schema for each type, and the components they refer to."""
    schemas, components = msgspec.json.schema_components([t or None for t in types], ref_template=_REF_MSGSPEC)
    return list(schemas), dict(components)


def _response_name(status: int) -> str:
    return f"Error{status}"


def _operation(row: Endpoint, incoming: dict[type[BaseModel], Json], reply: Json, conventions: Conventions) -> Json:
    success: Json = {"description": "Done", "content": {"application/json": {"schema": reply}}}
    if row.download:
        file: Json = {"schema": {"type": "string", "format": "binary"}}
        success["content"] = dict.fromkeys(row.download, file)
    if row.streams:
        success["content"] = {kind: {"schema": {"type": "string"}} for kind in row.streams}
    if row.reply_headers:
        success["headers"] = {
            name: {"description": text, "schema": {"type": "string"}} for name, text in row.reply_headers.items()
        }
    parameters = [_path_parameter(row, name) for name in row.path_names]
    if row.query is not None:
        parameters += _query_parameters(incoming[row.query])
    operation: Json = {
        "operationId": row.name,
        "summary": row.summary,
        "tags": [row.tag],
        "x-scope": row.needs,
        "parameters": parameters + [{"$ref": f"#/components/parameters/{name}"} for name in conventions.parameters],
        "responses": {
            "200": success,
            **{
                str(status): {"$ref": f"#/components/responses/{_response_name(status)}"}
                for status in conventions.statuses
            },
        },
    }
    if row.keyless:
        operation["security"] = [*({name: []} for name in conventions.security), {}]
    description = _description(row)
    if description:
        operation["description"] = description
    if row.errors:
        # The reference's tables of special errors, for machines.
        operation["x-errors"] = [
            {"parameter": e.parameter, "type": e.type, "description": e.description} for e in row.errors
        ]
    if row.body is not None:
        schema = {"$ref": _REF.format(model=row.body.__name__)}
        operation["requestBody"] = {
            "required": not row.body_optional,
            "content": {media_type: {"schema": schema} for media_type in conventions.media_types},
        }
    if row.download:
        partial = {"description": "The bytes asked for", "content": success["content"]}
        operation["responses"] |= {
            "206": partial,
            "304": {"description": "As it was"},
            "416": {"description": "No such bytes"},
        }
    if row.upload:
        sent = {"schema": {"type": "string", "format": "binary"}}
        operation["requestBody"] = {"required": True, "content": dict.fromkeys(row.upload, sent)}
    return operation


def _description(row: Endpoint) -> str:
    lines = [row.description] if row.description else []
    if row.errors:
        lines.append("Errors:\n\n" + "\n".join(f"- `{e.parameter}` `{e.type}`: {e.description}" for e in row.errors))
    return "\n\n".join(lines)


def _path_parameter(row: Endpoint, name: str) -> Json:
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "description": row.parameters.get(name, ""), "schema": schema}


def _query_parameters(model: Json) -> list[Json]:
    required = model.get("required", [])
    parameters = []
    for name, schema in model["properties"].items():
        parameter = {"name": name, "in": "query", "required": name in required}
        if "description" in schema:
            parameter["description"] = schema["description"]
        parameter["schema"] = {key: value for key, value in schema.items() if key not in ("title", "description")}
        parameters.append(parameter)
    return parameters
