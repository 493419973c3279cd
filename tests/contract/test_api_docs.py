"""The generated client against the description that a running Asterisk serves: what differs is named."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from ari_app.ari import events, models
from ari_app.ari.apidocs import Api, fetch, load
from ari_app.ari.base import Tagged
from ari_app.ari.generate import identifier
from ari_app.ari.node import Node
from tests.contract.sides import Side


def differences(client: Node, api: Api) -> Iterator[str]:
    """Every operation, parameter, model and field in which the client and the description differ."""
    yield from _operation_differences(client, api)
    yield from _model_differences(api)


def _operation_differences(client: Node, api: Api) -> Iterator[str]:
    described = {op.slug: op for op in api.operations}
    resources = {op.resource for op in api.operations}
    for slug, operation in described.items():
        method = getattr(getattr(client, operation.resource, None), operation.nickname, None)
        if method is None:
            yield f"operation {slug} is missing"
            continue
        have = inspect.signature(method).parameters
        want = {identifier(p.name): p.required for p in operation.parameters}
        for name in sorted(want.keys() ^ have.keys()):
            yield f"parameter {name} of {slug} is {'missing' if name in want else 'not in the description'}"
        for name in want.keys() & have.keys():
            if want[name] != (have[name].default is inspect.Parameter.empty):
                yield f"parameter {name} of {slug} is {'' if want[name] else 'not '}required"
        if f"{operation.method} {operation.path}" not in (method.__doc__ or ""):
            yield f"operation {slug} is {operation.method} {operation.path}"
    for resource in resources:
        for name, _ in inspect.getmembers(getattr(client, resource, None), inspect.ismethod):
            if not name.startswith("_") and f"{resource}.{name}" not in described:
                yield f"operation {resource}.{name} is not in the description"


def _model_differences(api: Api) -> Iterator[str]:
    classes: Mapping[str, Any] = {
        name: getattr(m, name) for m in (models, events) for name in m.__all__ if name[0].isupper()
    }
    have = {name: c for name, c in classes.items() if isinstance(c, type) and issubclass(c, msgspec.Struct)}
    for name in sorted(have.keys() ^ api.models.keys()):
        yield f"model {name} is {'missing' if name in api.models else 'not in the description'}"
    for name in have.keys() & api.models.keys():
        fields = {
            f.encode_name: f.required for f in msgspec.structs.fields(have[name]) if not f.encode_name.startswith("%")
        }
        want = _fields(api, name)
        if issubclass(have[name], Tagged):
            want.pop("type", None)
        for field in sorted(fields.keys() ^ want.keys()):
            yield f"field {name}.{field} is {'missing' if field in want else 'not in the description'}"
        for field in fields.keys() & want.keys():
            if fields[field] != want[field]:
                yield f"field {name}.{field} is {'' if want[field] else 'not '}required"


def _fields(api: Api, name: str) -> dict[str, bool]:
    model = api.models[name]
    inherited = _fields(api, model.base) if model.base else {}
    return inherited | {p.name: p.required for p in model.properties}


async def test_the_client_is_what_the_running_asterisk_describes(asterisk: Side, node: Node) -> None:
    docs = {}
    listing = json.loads(await node.http.request("api-docs", "GET", "/api-docs/resources.json"))
    for entry in listing["apis"]:
        file = entry["path"].rpartition("/")[2].replace("{format}", "json")
        docs[file.removesuffix(".json")] = json.loads(await node.http.request("api-docs", "GET", f"/api-docs/{file}"))
    api = load(docs)
    assert list(differences(node, api)) == []
    assert len(api.operations) == 109
    assert len([m for m in api.models.values() if m.file == "events"]) == 57


async def test_differences_are_named(node: Node) -> None:
    from ari_app.ari.apidocs import checked_in

    docs = json.loads(json.dumps(checked_in()))
    channels = docs["channels"]["apis"][0]["operations"]
    channels[1]["parameters"][0]["name"] = "target"
    channels[1]["parameters"][1]["required"] = True
    channels.append({"httpMethod": "PATCH", "nickname": "levitate", "responseClass": "void"})
    docs["events"]["models"]["StasisStart"]["properties"]["mood"] = {"type": "string", "required": True}
    del docs["events"]["models"]["Dial"]
    docs["events"]["models"]["Event"]["subTypes"].remove("Dial")
    assert sorted(differences(node, load(docs))) == [
        "field StasisStart.mood is missing",
        "model Dial is not in the description",
        "operation channels.levitate is missing",
        "parameter endpoint of channels.originate is not in the description",
        "parameter extension of channels.originate is required",
        "parameter target of channels.originate is missing",
    ]


def test_fetch_is_what_is_checked_in(shared_asterisk: Any) -> None:
    """The copy in api-docs/ is the one of the running Asterisk, file by file."""
    from ari_app.ari.apidocs import DOCS

    url = shared_asterisk.ari_url.replace("://", f"://{shared_asterisk.ari_user}:{shared_asterisk.ari_password}@")
    files = fetch(url)
    assert {name: json.loads(text) for name, text in files.items()} == {
        path.name: json.loads(path.read_text()) for path in DOCS.glob("*.json")
    }
