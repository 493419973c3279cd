"""Requests told apart by Asterisk's own description, with the errors its HTTP layer gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from ari_app.ari.apidocs import Operation, Parameter, checked_in, load
from ari_app.ari.fake.state import Refuse


@dataclass(frozen=True)
class Request:
    """A request, understood."""

    operation: Operation
    #: Every parameter of the operation: its value, or its default, or None.
    arguments: dict[str, Any]


class Routes:
    """All operations by path and method."""

    def __init__(self) -> None:
        self.api = load(checked_in())
        self._routes = [(op.path.strip("/").split("/"), op) for op in self.api.operations]
        #: Parameters that the description does not have. Asterisk ignores them; a test may want to know.
        self.unknown_parameters: list[str] = []

    def understand(self, method: str, raw_path: str, query: str, body: Mapping[str, Any]) -> Request:
        """Find the operation and read its parameters. Raises Refuse."""
        if raw_path.endswith("/"):
            raise Refuse(404, f"ARI URLs do not end with a slash. Try /ari{raw_path.rstrip('/')}")
        parts = [unquote(p) for p in raw_path.strip("/").split("/")]
        found = [(template, op) for template, op in self._routes if _matches(template, parts)]
        if not found:
            raise Refuse(404, "Resource not found")
        literal = max(sum(not t.startswith("{") for t in template) for template, _ in found)
        found = [f for f in found if sum(not t.startswith("{") for t in f[0]) == literal]
        for template, operation in found:
            if operation.method == method:
                path = {t[1:-1]: p for t, p in zip(template, parts, strict=True) if t.startswith("{")}
                return Request(operation, self._arguments(operation, path, query, body))
        raise Refuse(405, "Invalid method")

    def _arguments(
        self, operation: Operation, path: Mapping[str, str], query: str, body: Mapping[str, Any]
    ) -> dict[str, Any]:
        known = {p.name: p for p in operation.parameters}
        given: dict[str, Any] = dict(parse_qsl(query, keep_blank_values=True))
        bodies = [p.name for p in operation.parameters if p.kind == "body"]
        for name, value in body.items():
            if name in bodies or name in known:
                given[name] = value  # Asterisk reads the keys of a JSON body as parameters
        if "filter" in bodies:
            given["filter"] = dict(body)
        self.unknown_parameters += [f"{operation.slug} {name}" for name in given if name not in known]
        arguments = {name: _value(p, given.get(name)) for name, p in known.items() if p.kind != "path"}
        missing = [name for name, p in known.items() if p.required and p.kind != "path" and not arguments[name]]
        if missing and not (operation.slug == "channels.create" and missing == ["app"]):
            raise Refuse(400, f"Missing parameter {missing[0]}")
        return {**arguments, **path}


def _matches(template: list[str], parts: list[str]) -> bool:
    return len(template) == len(parts) and all(
        t == p or (t.startswith("{") and p != "") for t, p in zip(template, parts, strict=True)
    )


def _value(parameter: Parameter, given: Any) -> Any:
    if given is None:
        return [] if parameter.multiple else parameter.default
    if parameter.multiple:
        return given.split(",") if isinstance(given, str) and given else (given or [])
    if not isinstance(given, str):
        return given
    if parameter.type in ("int", "long"):
        digits = given.lstrip("+-")
        return int(given) if digits.isdigit() else 0  # atoi()
    if parameter.type == "boolean":
        return given.lower() in ("true", "yes", "1", "on", "y", "t")
    return given
