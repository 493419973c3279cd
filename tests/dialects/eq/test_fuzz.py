"""Whatever is sent: never a 500, always JSON of a known shape, and what is refused has written nothing."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ari_app.dialects.eq.paths import ENDPOINTS
from ari_app.dialects.http import Endpoint
from tests.dialects.eq.world import Reply, World

fuzzed = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)

JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=()), max_size=12).map(lambda s: s.encode("utf-8", "ignore").decode())
    | st.sampled_from(["", " ", "\0", "500", "0", "101", "a@b.de", "full", "yes", "x" * 5000]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)

GOOD: dict[str, dict[str, Any]] = {
    "supervisor": {
        "username": "boss",
        "firstName": "B",
        "password": "secret",
        "emailAddress": "b@c.de",
        "type": "full",
    },
    "agent": {"number": "101", "firstName": "A", "password": "1234", "boundQueues": [{"queue": "500"}]},
    "call_back": {"queue": "500", "number": "1002", "priority": 1},
    "call_queue": {"extension": "500", "name": "Q", "type": 0},
    "extension": {
        "extension": "1001",
        "name": "Ann",
        "recording": {"inboundExternal": "always"},
        "sip": {"secret": "s", "dtmfMode": "info"},
        "voicemail": {"password": "1", "options": {"attach": "yes"}},
    },
    "pause_code": {"name": "Lunch"},
    "supervisor_session": {"user": 1, "extension": "100", "force": "1"},
    "agent_session": {"user": 1, "extension": "100", "force": "0"},
    "call_queue_agent_action": {"action": "signIn", "agent": 1, "queue": "500", "skill": 3, "pauseCode": 1},
    "x.agent_skills": {"skills": {"english": 80}},
    "x.routing": {"rule": "english >= 3 and wait < 60", "wantedSkills": {"english": 1}},
    "x.hours": {
        "timeZone": "Europe/Berlin",
        "weekly": {"monday": ["09:00-12:00", "22:00-02:00"]},
        "exceptions": [{"from": "2026-12-24", "to": "2026-12-26", "yearly": True, "intervals": [], "name": "X"}],
        "calendars": [],
        "atClosing": "leave",
        "message": "vm-goodbye",
    },
    "x.overflow": {
        "rules": [
            {"when": "wait", "limit": 60, "destination": {"type": "queue", "to": "500"}},
            {"when": "full", "limit": None, "destination": {"type": "message", "to": "vm-goodbye"}},
        ]
    },
    "alert": {
        "user": 1,
        "name": "Busy",
        "type": "callQueueCallsHigh",
        "callQueue": "500",
        "threshold": 5,
        "notificationType": "realtime",
        "color": "#FF0000",
        "interval": 10,
        "daysOfWeek": [1, 3],
        "fromTime": "09:00 AM",
        "toTime": "05:00 PM",
    },
    "x.calendar": {"exceptions": [{"from": "2026-12-24"}]},
    "x.schedules": {
        "from": "2026-11-23T00:00",
        "to": 1795564800,
        "timeZone": "Europe/Berlin",
        "schedules": [
            {
                "agent": 1,
                "activities": [
                    {"from": "2026-11-23T09:00", "to": "2026-11-23T17:00", "activity": "break", "pauseCode": 1}
                ],
            }
        ],
    },
    "x.media": {
        "target": "rtp://127.0.0.1:4000",
        "extension": "100",
        "direction": "both",
        "hear": "party",
        "heardBy": "both",
        "format": "slin",
    },
    "x.recognition": {
        "engine": "pocketsphinx",
        "extension": "100",
        "hear": "party",
        "phrases": ["yes", "no"],
        "language": "en-US",
        "confidence": 0.5,
        "endSilence": 0.8,
        "partials": True,
    },
    "x.question": {
        "extension": "100",
        "prompt": [{"text": "Yes or no?", "engine": "flite", "voice": "slt"}, {"sound": "beep"}],
        "asked": "others",
        "bargeIn": "speech",
        "phrases": ["yes", "no"],
        "timeout": 5.0,
        "longest": 15.0,
        "speech": True,
        "digits": 4,
        "terminator": "#",
        "between": 3.0,
    },
    "x.analysis": {
        "extension": "100",
        "hear": "both",
        "tell": ["answer", "talk", "silence", "digits"],
        "profile": "fast",
        "tones": {"BP": "1000|10"},
        "breakEvents": ["BP"],
        "totalTimeout": 20000,
        "silenceDetectLimit": 1000,
        "countries": ["de"],
        "silence": 5000,
        "keepFeatures": True,
    },
    "x.playback": {
        "extension": "100",
        "items": [{"text": "Hello.", "engine": "flite", "voice": "slt"}, {"sound": "beep", "language": "en"}],
        "heardBy": "both",
        "bargeIn": "any",
    },
    "x.playback.update": {"action": "add", "items": [{"text": "Hello."}]},
    "x.dtmf": {"extension": "100", "digits": "12w#", "heardBy": "party", "duration": 100, "between": 100},
    "x.bulk": {
        "operations": [
            {"method": "POST", "path": "/call_queue", "data": {"extension": "500", "name": "Q", "type": 0}},
            {"method": "PUT", "path": "/agent/1", "undelete": 1},
            {"method": "DELETE", "path": "/pause_code/1"},
        ]
    },
    "x.conference": {"number": "800", "name": "Sales", "pin": "4711", "maxMembers": 5, "music": "default"},
    "x.conference_action": {"conference": "800", "action": "invite", "destination": "101", "admin": True},
    "x.mobile": {"mobileNumber": "+4915112345678"},
    "x.sign_in": {"kind": "agent", "login": "101", "password": "1234", "extension": "100", "force": 1},
    "x.password": {"kind": "supervisor", "login": "boss", "password": "secret", "new_password": "Sesame-77"},
    "x.user_password": {"password": "Sesame-77"},
    "x.queued_call": {"priority": 1, "queue": "500"},
    "phone_command": {"extension": "100", "key": "hold"},
    "x.account": {"timeZone": "Europe/Berlin"},
    "steal_queued_call": {"channel": "PJSIP/trunk-c1", "destination": "105"},
    "pick_up_parked_call": {"channel": "PJSIP/trunk-c1", "destination": "105"},
    "extension_action": {"extension": "100", "action": "dial", "destination": "101", "channel": None},
    "call_recording_action": {"extension": "100", "action": "start"},
    "x.recording.update": {"held": True},
    "x.recording.action": {"action": "pause"},
    "x.prompt": {"language": "en", "text": "We are closed.", "engine": "flite", "voice": "slt"},
    "x.voicemail": {"state": "old", "urgent": True},
    "call_monitor_action": {"action": "spy", "targetExtension": "100", "monitorExtension": "101"},
}
WITH_BODY = [row for row in ENDPOINTS if row.body is not None]


def attributes(row: Endpoint) -> list[str]:
    """Every name the body knows, at any depth."""
    assert row.body is not None
    schema = row.body.model_json_schema()
    names = set(schema["properties"])
    for definition in schema.get("$defs", {}).values():
        names |= set(definition.get("properties", {}))
    return sorted(names)


@st.composite
def bodies(draw: st.DrawFn, row: Endpoint) -> dict[str, Any]:
    """A good body of which some attributes are junk or missing."""
    entity = dict(GOOD[row.name] if row.name in GOOD else GOOD[row.name.rpartition(".")[0]])
    spoilt = draw(st.lists(st.sampled_from(attributes(row)), max_size=4, unique=True))
    for name in spoilt:
        if draw(st.booleans()):
            entity[name] = draw(JUNK)
        else:
            entity.pop(name, None)
    if row.name == "call_queue_agent_action":
        action = entity.pop("action", None)
        return {"action": action, "options": entity}
    holder = "data" in (row.body.model_fields if row.body else {})
    return {"data": draw(JUNK) if draw(st.integers(0, 9)) == 0 else entity} if holder else entity


@st.composite
def requests(draw: st.DrawFn) -> tuple[Endpoint, dict[str, Any]]:
    row = draw(st.sampled_from(WITH_BODY))
    body = draw(bodies(row))
    form = draw(st.sampled_from(["json", "form", "text"]))
    if form == "json":
        return row, {"json": body}
    if form == "form":
        return row, {"data": {k: v if isinstance(v, str) else json.dumps(v) for k, v in body.items()}}
    raw = draw(st.binary(max_size=40)) + json.dumps(body).encode()[: draw(st.integers(0, 400))]
    kind = draw(st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/plain", ""]))
    return row, {"data": raw, "headers": {"Content-Type": kind} if kind else {}}


def rows(world: World) -> list[Any]:
    """What is written down."""
    path = world.database.url.database
    assert path is not None
    with contextlib.closing(sqlite3.connect(path)) as connection:
        tables = ("users", "queues", "queue_bindings", "pause_codes", "user_sessions", "agent_skills", "queue_routing")
        tables += ("queue_hours", "queue_overflow", "calendars", "extensions", "accounts", "schedule_activities")
        tables += ("queue_hours", "queue_overflow", "calendars", "alerts", "conferences")
        return [connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables]


def check(reply: Reply) -> None:
    assert reply.status in (200, 400, 401, 403, 404, 405), reply
    if reply.status != 200:
        assert reply.json.keys() == {"errors"}
        assert reply.json["errors"]
        for error in reply.json["errors"]:
            assert error.keys() == {"parameter", "type", "description"}
            assert error["parameter"] is None or error["parameter"]
            assert error["type"]
            assert error["description"]


@given(request=requests(), id=st.sampled_from(["1", "2", "500", "9"]))
@fuzzed
async def test_bodies(world: World, request: tuple[Endpoint, dict[str, Any]], id: str) -> None:
    row, body = request
    before = rows(world)
    reply = await world.ask(row.method, row.path.format(**dict.fromkeys(row.path_names, id)), **body)
    check(reply)
    if reply.status != 200:
        assert rows(world) == before


ANY_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@given(
    row=st.sampled_from([row for row in ENDPOINTS if not row.streams]),
    id=ANY_TEXT.filter(lambda text: text not in ("", ".", "..")),
    query=st.dictionaries(
        st.sampled_from(
            [
                "limit",
                "offset",
                "deleted",
                "sort",
                "search",
                "queue",
                "agent",
                "combined",
                "undelete",
                "auth_agent_session",
            ]
        ),
        ANY_TEXT | st.integers(-(2**70), 2**70).map(str),
        max_size=4,
    ),
)
@fuzzed
async def test_paths_and_queries(world: World, row: Endpoint, id: str, query: dict[str, str]) -> None:
    path = row.path.format(**dict.fromkeys(row.path_names, quote(id, safe="")))
    check(await world.ask(row.method, path, query=query))
