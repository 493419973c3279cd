"""From a file to scenarios: reading, overrides, and errors that an author of such a file understands."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from ari_app.errors import ConfigError
from ari_app.simulate.scenario import AgentGroup, Arrivals, QueueDay, Scenario
from ari_app.simulate.times import Stretch

#: what the entries of a list are told apart by
KEYS = {"queue": "extension", "agents": "name"}
_MODELS: dict[str, type[BaseModel]] = {
    "queue": QueueDay,
    "agents": AgentGroup,
    "arrivals": Arrivals,
    "shifts": Stretch,
    "breaks": Stretch,
}
#: pydantic puts the chosen variant of a union into the place of an error; it is nothing the author wrote
_VARIANTS = {"exponential", "lognormal", "erlang", "constant", "empirical", "none", "float", "int"}


def load(path: Path) -> list[Scenario]:
    """The file's own day first, then each [[scenario]]: the same day with what it says differently.

    Raises ConfigError, naming the file, the scenario, the field and what is allowed.
    """
    base = _read(path)
    variants = base.pop("scenario", [])
    if not isinstance(variants, list) or not all(isinstance(v, dict) for v in variants):
        raise ConfigError(f"{path}: scenario: write each as a table under [[scenario]]")
    base.setdefault("name", path.stem)
    scenarios = [_checked(path, base)]
    for number, variant in enumerate(variants, 1):
        scenarios.append(_checked(path, _merged(base, {"name": f"scenario {number}", **variant})))
    return scenarios


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    try:
        data = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: a table (JSON: an object) is expected")
    return data


def _merged(base: dict[str, Any], variant: dict[str, Any]) -> dict[str, Any]:
    """Tables are merged field by field, queues and agents by their key; everything else is replaced. What has a
    `distribution` is replaced as a whole: its other fields belong to it."""
    merged = dict(base)
    for field, value in variant.items():
        old = base.get(field)
        if field in KEYS and _keyed(value, KEYS[field]) and _keyed(old, KEYS[field]):
            entries = {entry[KEYS[field]]: entry for entry in old or []}
            for entry in value:
                entries[entry[KEYS[field]]] = _merged(entries.get(entry[KEYS[field]], {}), entry)
            merged[field] = list(entries.values())
        elif isinstance(value, dict) and isinstance(old, dict) and field == "arrivals":
            merged[field] = {**old, **value}
        else:
            merged[field] = value
    return merged


def _keyed(entries: Any, key: str) -> bool:
    return isinstance(entries, list) and all(isinstance(e, dict) and isinstance(e.get(key), str) for e in entries)


def _checked(path: Path, data: dict[str, Any]) -> Scenario:
    try:
        return Scenario.model_validate(data)
    except ValidationError as error:
        lines = [_line(data, details["loc"], details["type"], details["msg"]) for details in error.errors()]
        raise ConfigError("\n  ".join([f"{path}, scenario {data['name']!r}:", *dict.fromkeys(lines)])) from error


def _line(data: dict[str, Any], place: tuple[int | str, ...], kind: str, message: str) -> str:
    """An error as one line: queue[500].arrivals.calls: what is wrong with it."""
    name = ""
    found: Any = data
    path = [part for part in place if part not in _VARIANTS and "[" not in str(part)]
    parent: type[BaseModel] | None = Scenario
    model = parent
    for part in path:
        model = parent
        if isinstance(part, int):
            found = found[part] if isinstance(found, list) and part < len(found) else None
            entry = found if isinstance(found, dict) else {}
            name += f"[{entry.get('extension') or entry.get('name') or part + 1}]"
        else:
            found = found.get(part) if isinstance(found, dict) else None
            name += f".{part}" if name else part
            parent = _MODELS.get(part)
    if kind == "extra_forbidden":
        fields = [] if model is None else sorted(f.alias or n for n, f in model.model_fields.items())
        message = "there is no such field" + (f"; there is {', '.join(fields)}" if fields else " in this distribution")
    return f"{name or 'the day'}: {message.removeprefix('Value error, ')}"
