"""What a golden case shows of the EQ API's contract, read from the case itself.

A fact is about one request of the path table, and is written as in contract.tsv:

    200                         it is answered 200
    form, json                  so, with the body in this form (form: what is an object is JSON in it)
    name=value                  so, with a parameter or an attribute of this value (JSON)
    without name                so, with an optional one left out: its default holds
    error name type             it is refused like this; null: the request as a whole

contract.tsv names a case for each fact that the contract asks for; test_contract.py holds it to that. After a change of
the path table `python -m tests.dialects.eq.contract` writes it anew: what is named and still true stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ari_app.dialects.eq.paths import ENDPOINTS
from ari_app.dialects.http import Endpoint
from tests.dialects.eq import golden

HERE = Path(__file__).parent
TABLE = HERE / "contract.tsv"
#: parameters that are objects
OBJECTS = ("data", "options")

#: every path and method of the contract (1.3)
CONTRACT = [
    "",
    "POST /supervisor_session",
    "DELETE /supervisor_session/{token}",
    "POST /agent_session",
    "DELETE /agent_session/{token}",
    "GET /supervisor/{id}",
    "PUT /supervisor/{id}",
    "DELETE /supervisor/{id}",
    "POST /supervisor",
    "GET /agent/{id}",
    "PUT /agent/{id}",
    "DELETE /agent/{id}",
    "POST /agent",
    "GET /call_queue/{extension}",
    "PUT /call_queue/{extension}",
    "DELETE /call_queue/{extension}",
    "POST /call_queue",
    "GET /pause_code/{id}",
    "PUT /pause_code/{id}",
    "DELETE /pause_code/{id}",
    "POST /pause_code",
    "GET /extension/{extension}",
    "PUT /extension/{extension}",
    "DELETE /extension/{extension}",
    "POST /extension",
    "GET /phone",
    "POST /alert",
    "PUT /alert/{id}",
    "DELETE /alert/{id}",
    "GET /alert/{id}",
    "GET /alert",
    "GET /active_supervisor_sessions",
    "GET /active_agent_sessions",
    "GET /queued_calls",
    "POST /steal_queued_call",
    "GET /parked_calls",
    "POST /pick_up_parked_call",
    "GET /active_calls",
    "GET /call_recordings",
    "GET /call_queue_agent_status",
    "POST /call_queue_agent_action",
    "GET /call_queue_statistics",
    "POST /extension_action",
    "POST /call_recording_action",
    "POST /call_monitor_action",
    "POST /phone_command",
    "GET /active_conferences",
    "GET /license",
    "GET /license_usage",
    "GET /configuration_check",
    "",
][1:-1]
#: facts of no golden case, and where they are shown
ELSEWHERE = {
    ("POST /alert", 'notificationType="sms"'): "test_sms.py",
    ("PUT /alert/{id}", 'notificationType="sms"'): "test_sms.py",
}
#: choices of the path table that the contract does not have: there is no undelete of extensions
NOT_TAKEN = {("PUT /extension/{extension}", "undelete=1")}
ROWS = {f"{row.method} {row.path}": row for row in ENDPOINTS}


class Fact(NamedTuple):
    """One line of contract.tsv."""

    request: str
    what: str
    case: str


def table() -> list[Fact]:
    """As it is kept."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return [Fact(*line.split("\t")) for line in lines if line and not line.startswith("#")]


def shown(folder: Path) -> dict[str, set[str]]:
    """What a case shows, by request; of what is left out only what was given."""
    found: dict[str, set[str]] = {}
    case, expected = golden.load(folder, "case.json"), iter(golden.load(folder, "expected.json"))
    for step in case["steps"]:
        if "request" not in step:
            continue
        reply = next(expected)
        method, path = step["request"].split(" ", 1)
        row = next((x for x in ENDPOINTS if x.method == method and golden.same_pattern(x.path, path)), None)
        if row is not None:
            found.setdefault(f"{row.method} {row.path}", set()).update(_of_step(row, step, reply))
    return found


def _of_step(row: Endpoint, step: dict[str, Any], reply: dict[str, Any]) -> Iterator[str]:
    if reply["status"] != 200:
        body = reply.get("json")
        for error in body.get("errors", []) if isinstance(body, dict) else []:
            yield f"error {error['parameter'] or 'null'} {error['type']}"
        return
    yield "200"
    given = dict(_given(step))
    if "form" in step:
        yield "form"
    if "json" in step:
        yield "json"
    for name, value in given.items():
        yield f"{name}={json.dumps(value)}"
        if isinstance(value, str) and value.isdigit():  # a code may be its digits
            yield f"{name}={value}"
    for name in choices_and_defaults(row)[1]:
        if name not in given:
            yield f"without {name}"


def _given(step: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from step.get("query", {}).items()
    parameters = step.get("json", step.get("form", {}))
    for name, value in parameters.items() if isinstance(parameters, dict) else ():
        if name in OBJECTS and isinstance(value, dict):
            yield from _attributes("", value)
        else:
            yield name, value


def _attributes(before: str, value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        yield f"{before}{name}", inner
        if isinstance(inner, dict):
            yield from _attributes(f"{before}{name}.", inner)


def choices_and_defaults(row: Endpoint) -> tuple[dict[str, list[Any]], list[str], list[str]]:
    """Of the parameters and attributes of a request: the choices each has, the optional ones, the required ones."""
    choices: dict[str, list[Any]] = {}
    optional: list[str] = []
    required: list[str] = []
    for model in (row.query, row.body):
        if model is None:
            continue
        schema = model.model_json_schema()
        for name, one, needed in _properties(schema, schema, ""):
            values = [value for value in _enumerated(schema, one) if value is not None]
            if values:
                choices[name] = values
            (required if needed else optional).append(name)
    return choices, optional, required


def _properties(schema: dict[str, Any], of: dict[str, Any], before: str) -> Iterator[tuple[str, dict[str, Any], bool]]:
    for name, one in of.get("properties", {}).items():
        inner = next((x for x in map(lambda x: _resolved(schema, x), _any_of(one)) if "properties" in x), None)
        if name in OBJECTS and inner is not None and not before:
            yield from _properties(schema, inner, "")
            continue
        yield f"{before}{name}", one, name in of.get("required", ())
        if inner is not None:
            yield from _properties(schema, inner, f"{before}{name}.")


def _any_of(one: dict[str, Any]) -> list[dict[str, Any]]:
    return one.get("anyOf", [one])


def _resolved(schema: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    return schema["$defs"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one


def _enumerated(schema: dict[str, Any], one: dict[str, Any]) -> Iterator[Any]:
    for part in _any_of(one):
        found = _resolved(schema, part)
        yield from found.get("enum", [found["const"]] if "const" in found else [])


def wanted(request: str) -> list[str]:
    """All facts of a request that a case must show."""
    row = ROWS[request]
    facts = ["200", *(("form", "json") if row.body is not None else ())]
    choices, optional, required = choices_and_defaults(row)
    for name, values in choices.items():
        facts += [f"{name}={json.dumps(value)}" for value in values]
    facts += [f"without {name}" for name in optional]
    facts += [f"error {name} blank" for name in required if "." not in name]
    facts += [f"error {error.parameter or 'null'} {error.type}" for error in row.errors]
    return [fact for fact in dict.fromkeys(facts) if (request, fact) not in NOT_TAKEN]


def folders() -> dict[str, Path]:
    """All cases, by name."""
    return {path.parent.name: path.parent for path in sorted(HERE.glob("*/case.json"))}


def _written_anew() -> Iterator[Fact]:
    named = {(fact.request, fact.what): fact.case for fact in table()} if TABLE.exists() else {}
    cases = {name: shown(folder) for name, folder in folders().items()}
    for request in CONTRACT:
        noun = request.split("/")[1]
        for what in wanted(request):
            showing = [name for name, facts in cases.items() if what in facts.get(request, ())]
            best = sorted(showing, key=lambda name: (not name.startswith(noun), len(name), name))
            kept = named.get((request, what))
            here = kept if kept in showing else next(iter(best), "nowhere")
            yield Fact(request, what, ELSEWHERE.get((request, what), here))


if __name__ == "__main__":
    head = "# request, what a golden case shows of it, and which: see contract.py\n"
    TABLE.write_text(head + "".join("\t".join(fact) + "\n" for fact in _written_anew()), encoding="utf-8")
