"""Asterisk's description of ARI, read: the copy in api-docs/ or the one a running Asterisk serves.

The description is Swagger 1.1 as rest-api/api-docs of Asterisk's source writes it: GET /ari/api-docs/resources.json
names the other files.
"""

from __future__ import annotations

import json
import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

DOCS = Path(__file__).parent / "api-docs"


@dataclass(frozen=True)
class Property:
    """A field of a model."""

    name: str
    type: str
    required: bool
    description: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """A data or event model."""

    name: str
    file: str
    description: str
    properties: tuple[Property, ...]
    base: str | None = None


@dataclass(frozen=True)
class Parameter:
    """A parameter of an operation; `kind` is path, query or body."""

    name: str
    kind: str
    type: str
    required: bool
    multiple: bool
    description: str
    default: object


@dataclass(frozen=True)
class Operation:
    """One method on one path."""

    resource: str
    nickname: str
    method: str
    path: str
    response: str
    summary: str
    notes: str
    parameters: tuple[Parameter, ...]
    errors: tuple[tuple[int, str], ...]
    websocket: bool

    @property
    def slug(self) -> str:
        """Name for counters and errors, such as `channels.originate`."""
        return f"{self.resource}.{self.nickname}"


@dataclass
class Api:
    """All that Asterisk says about itself."""

    models: dict[str, Model] = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)
    descriptions: dict[str, str] = field(default_factory=dict)

    def is_message(self, name: str) -> bool:
        """Whether the model comes over the websocket, told apart by its `type`."""
        while name != "Message":
            base = self.models[name].base
            if base is None:
                return False
            name = base
        return True

    def leaves(self) -> list[str]:
        """The messages that nothing derives from: what a frame can be."""
        bases = {model.base for model in self.models.values()}
        return [name for name in self.models if self.is_message(name) and name not in bases]


def load(docs: Mapping[str, Mapping[str, Any]]) -> Api:
    """Read the description; `docs` maps a file's stem ("channels") to its document, in the order of resources.json."""
    api = Api()
    bases: dict[str, str] = {}
    for resource, doc in docs.items():
        for name, raw in doc.get("models", {}).items():
            for child in raw.get("subTypes", ()):
                bases[child] = name
            api.models[name] = _model(name, resource, raw)
        for entry in doc["apis"]:
            api.operations += [_operation(resource, entry["path"], raw) for raw in entry["operations"]]
    for name, base in bases.items():
        if name in api.models:
            model = api.models[name]
            api.models[name] = Model(model.name, model.file, model.description, model.properties, base)
    return api


def _model(name: str, resource: str, raw: Mapping[str, Any]) -> Model:
    properties = tuple(
        Property(
            name=key,
            type=prop["type"],
            required=bool(prop.get("required", False)),
            description=prop.get("description", ""),
            values=tuple(str(v) for v in prop.get("allowableValues", {}).get("values", ())),
        )
        for key, prop in raw.get("properties", {}).items()
    )
    return Model(name, resource, raw.get("description", ""), properties)


def _operation(resource: str, path: str, raw: Mapping[str, Any]) -> Operation:
    parameters = tuple(
        Parameter(
            name=p["name"],
            kind=p["paramType"],
            type=p["dataType"],
            required=bool(p.get("required", False)) or p["paramType"] == "path",
            multiple=bool(p.get("allowMultiple", False)),
            description=p.get("description", ""),
            default=p.get("defaultValue"),
        )
        for p in raw.get("parameters", ())
    )
    return Operation(
        resource=resource,
        nickname=raw["nickname"],
        method=raw["httpMethod"],
        path=path,
        response=raw["responseClass"],
        summary=raw.get("summary", ""),
        notes=raw.get("notes", ""),
        parameters=parameters,
        errors=tuple((int(e["code"]), e["reason"]) for e in raw.get("errorResponses", ())),  # move has codes as text
        websocket=raw.get("upgrade") == "websocket",
    )


def checked_in() -> dict[str, dict[str, Any]]:
    """The copy of the description in api-docs/, in the order of resources.json."""
    return {
        stem: json.loads((DOCS / f"{stem}.json").read_text("utf-8"))
        for stem in _stems((DOCS / "resources.json").read_text())
    }


def _stems(resources: str) -> list[str]:
    return [Path(entry["path"]).name.split(".")[0] for entry in json.loads(resources)["apis"]]


def fetch(url: str) -> dict[str, str]:
    """The description of a running Asterisk as {file name: text}; `url` is the one of ARI, with the login in it."""
    parts = urlsplit(url)
    login = b64encode(f"{parts.username or ''}:{parts.password or ''}".encode()).decode()
    base = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))

    def read(name: str) -> str:
        request = urllib.request.Request(f"{base}/api-docs/{name}", headers={"Authorization": f"Basic {login}"})
        with urllib.request.urlopen(request, timeout=10) as reply:
            document = json.load(reply)
        document["basePath"] = "http://localhost:8088/ari"  # the server puts its own address there
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

    files = {"resources.json": read("resources.json")}
    for stem in _stems(files["resources.json"]):
        files[f"{stem}.json"] = read(f"{stem}.json")
    return files
