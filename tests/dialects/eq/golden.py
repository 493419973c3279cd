"""Runs a golden case: a folder with case.json and expected.json.

case.json
    proves   the sentences it proves: of the reference (in our words), the contract (rule), or the README
    steps    a list of
        {"request": "POST /agent", "query": {..}, "json": .. | "form": {..} | "raw": "..", "type": "..",
         "tone": seconds, "rate": Hz (a sound file),
         "key": "default" | "other" | null | any text, "save": "name",
         "headers": {..}}                    save: keep the reply's JSON as {name}
        {"advance": 300}                     move the clock
        {"event": {"event": "CallerJoined", ..}, "account": "default"}     what happens on the telephone side
        {"offered": "agent's extension", "then": "answered" | ..}          OfferAnswered etc. for that agent's offer
        {"active": {..}}                     an extension has a channel (ActiveCallInfo, with what is left out made up)
        {"asterisk": "down" | "up"}  {"database": "down" | "up"}  {"restart": true}
        {"settings": {"license_max_agents": 1}}      the process ends, and comes back with these set
        {"leg": "channel's id", "call": ".."}      a leg of a call, in the record
        {"heard": "call's id", "rtp": ["ssrc=..", null]}     a call that is over, with a leg for each; the value of
                                             RTPAUDIOQOS when it was hung up, null: there was none
        {"recorded": "name", "call": "..", "kind": "queue", ..., "content": ".."}   as World.recorded has it;
                                             "tone": seconds instead: a sound
        {"left": "name", "mailbox": "1001", "caller": "..", "content": "..", "urgent": true}   a message, in a mailbox
        {"member": "1002", "conference": "800"}      somebody is in a conference
        {"stayed": "member-1", "number": "800", "seconds": 60, "outcome": "left"}    was in one; null seconds: is
        {"lost": "name"}                     the file of a recording is gone from the disk
        {"spoiled": "name", "content": ".."} something else is in it
        {"registers": "100", "as": "Yealink SIP-T46U", "address": "192.0.2.7"}
        {"record": true}                     what happened so far is in the record
expected.json
    a list, one for each request: {"status": .., "json": .., "headers": {..}}
    in it "<token>" is any 64 characters, "<text>" any text, "<id>" any positive integer, "..." as a member or last
    element: anything more; {name} stands for what was saved, in either file,
    and {key} for the key of the default account, {recordings} for the directory of their files
"""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import soundfile

from ari_app.acd import events
from ari_app.calls.facts import (
    AnyCallFact,
    CallEnded,
    CallStarted,
    ConferenceJoined,
    ConferenceLeft,
    LegAnswered,
    LegEnded,
    LegMeasured,
    LegStarted,
)
from ari_app.calls.quality import parse
from ari_app.dialects.eq.paths import ENDPOINTS
from ari_app.provisioning.contacts import Contact
from ari_app.store.audit import AuditFilter
from tests.dialects.eq.world import Reply, World

OFFER_EVENTS = {
    "ringing": events.OfferRinging,
    "answered": events.OfferAnswered,
    "failed": events.OfferFailed,
}


class Mismatch(AssertionError):
    """What was answered is not what was expected."""


def load(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text(encoding="utf-8"))


async def run(world: World, folder: Path) -> None:
    case, expected = load(folder, "case.json"), load(folder, "expected.json")
    saved: dict[str, Any] = {"key": world.keys["default"], "recordings": str(world.files.root)}
    answers = iter(expected)
    changes: Counter[str] = Counter()
    for number, step in enumerate(case["steps"]):
        if "request" not in step:
            await _happen(world, step)
            continue
        reply = await _request(world, _fill(step, saved))
        if "save" in step:
            saved[step["save"]] = reply.json
        _compare(reply, _fill(next(answers), saved), f"{folder.name} step {number} ({step['request']})")
        if reply.status == 200:
            changes.update(_changes(step))
    rest = list(answers)
    if rest:
        raise Mismatch(f"{folder.name}: {len(rest)} expected answers are left over")
    await _check_audit(world, folder, changes)


def _changes(step: dict[str, Any]) -> list[str]:
    """The endpoints of a request that change something; an import that is only planned does not."""
    names = [_endpoint(*step["request"].split(" ", 1))]
    if names == ["x.bulk"]:
        operations = step["json"]["operations"] if "json" in step else step["form"]["operations"]
        names += [_endpoint(one["method"], one["path"]) for one in operations]
    planned = names == ["import.freepbx"] and "apply" not in step.get("query", {})
    return [] if planned else [name for name in names if name]


def _endpoint(method: str, path: str) -> str:
    rows = (row for row in ENDPOINTS if row.changes and row.method == method and same_pattern(row.path, path))
    return next((row.name for row in rows), "")


async def _check_audit(world: World, folder: Path, changes: Counter[str]) -> None:
    """Whatever a case proves: each request that changed something has its entry in the audit trail, no other has."""
    kept: Counter[str] = Counter()
    for account in world.accounts.values():
        kept.update(entry.action for entry in (await world.audit.listing(account, AuditFilter(), limit=1000)).rows)
    if kept != changes:
        raise Mismatch(f"{folder.name}: the audit trail has {kept}, and {changes} were done")


def same_pattern(pattern: str, path: str) -> bool:
    """Whether a path is one of a row of the path table."""
    parts, given = pattern.split("/"), path.split("/")
    return len(parts) == len(given) and all(p.startswith("{") or p == g for p, g in zip(parts, given, strict=True))


async def _request(world: World, step: dict[str, Any]) -> Reply:
    method, path = step["request"].split(" ", 1)
    body: dict[str, Any] = {}
    if "json" in step:
        body["json"] = step["json"]
    elif "form" in step:
        body["data"] = {k: v if isinstance(v, str) else json.dumps(v) for k, v in step["form"].items()}
    elif "tone" in step:
        body["data"], body["headers"] = _tone(step["tone"], step["rate"]), {"Content-Type": "audio/wav"}
    elif "raw" in step:
        body["data"] = step["raw"].encode()
        body["headers"] = {"Content-Type": step["type"]}
    if "headers" in step:
        body["headers"] = {**body.get("headers", {}), **step["headers"]}
    return await world.ask(method, path, key=step.get("key", "default"), query=step.get("query"), **body)


def _tone(seconds: float, rate: int, channels: int = 2) -> bytes:
    """A WAV file, in stereo."""
    samples = np.sin(np.arange(int(seconds * rate)) * 2 * np.pi * 440 / rate) * 8000
    file = io.BytesIO()
    soundfile.write(file, np.column_stack([samples] * channels).astype(np.int16), rate, format="WAV")
    return file.getvalue()


#: steps that calls tell of, or that their recordings are in
_TOLD = {"leg", "heard", "recorded", "left", "lost", "spoiled", "stayed", "member"}


async def _happen(world: World, step: dict[str, Any]) -> None:
    account = world.accounts[step.get("account", "default")]
    match step:
        case {"advance": seconds}:
            await world.pass_time(seconds)
        case {"event": event}:
            world.centre.apply(account, msgspec.convert(event, events.AnyEvent))
        case {"offered": extension, "then": what}:
            offer = [o for o in world.centre.offers if o.extension == extension][-1]
            world.centre.apply(account, OFFER_EVENTS[what](offer=offer.offer))
        case {"active": info}:
            world.centre.calls.add(account, info)
        case {"asterisk": state}:
            world.centre.reachable = state == "up"
        case {"database": "down"}:
            await world.database.close()
        case {"database": "up"}:
            await world.database.start()
        case {"settings": _} | {"restart": True}:
            world.settings = world.settings.model_copy(update=step.get("settings", {}))
            await world.restart()
        case {**what} if what.keys() & _TOLD:
            await _tell(world, account, step)
        case {"registers": extension, "as": agent, "address": address}:
            world.contacts[extension] = Contact(address=address, user_agent=agent)
        case {"record": True}:
            await world.record()
        case _:
            raise AssertionError(f"no such step: {step}")


async def _tell(world: World, account: int, step: dict[str, Any]) -> None:
    """What calls have told, and what became of their recordings."""
    match step:
        case {"recorded": name, **what}:
            what.pop("account", None)
            if "tone" in what:
                what["content"] = _tone(what.pop("tone"), 8000, channels=1)
            await world.recorded(account, name, **what)
        case {"left": name, **what}:
            what.pop("account", None)
            await world.left(account, name, **what)
        case {"leg": leg, "call": call}:
            at = world.clock.now()
            await world.tell(
                LegStarted(at=at, leg=leg, call=call, account=account, role="caller", endpoint="PJSIP/x", agent=None)
            )
        case {"heard": call, "rtp": values}:
            await world.tell(*_heard(world.clock.now(), account, call, values))
        case {"member": caller, "conference": number}:
            world.centre.conferences.join(account, number, caller)
        case {"stayed": member, "number": number, "seconds": seconds}:
            await world.tell(*_stay(world.clock.now(), account, member, number, seconds, step.get("outcome", "left")))
        case {"lost": name}:
            found = await world.library.recordings.get(account, name)
            world.files.path(str(found.path)).unlink()
        case {"spoiled": name, "content": content}:
            found = await world.library.recordings.get(account, name)
            world.files.path(str(found.path)).write_text(content)


def _heard(at: float, account: int, call: str, values: list[str | None]) -> list[AnyCallFact]:
    told: list[AnyCallFact] = [
        CallStarted(
            at=at,
            call=call,
            account=account,
            node="main",
            direction="inbound",
            number="500",
            caller_number="0301",
            caller_name="Ann",
            program="queue",
        )
    ]
    for number, value in enumerate(values, 1):
        leg = f"{call}-leg-{number}"
        told += [
            LegStarted(at=at, leg=leg, call=call, account=account, role="caller", endpoint="PJSIP/x", agent=None),
            LegAnswered(at=at + 1, leg=leg),
        ]
        quality = value and parse(value)
        if quality:
            told.append(LegMeasured(at=at + 60, leg=leg, call=call, account=account, quality=quality))
        told.append(LegEnded(at=at + 60, leg=leg, cause=16))
    return [*told, CallEnded(at=at + 60, call=call, cause=16, ended_by="caller")]


def _stay(
    at: float, account: int, member: str, number: str, seconds: float | None, outcome: str
) -> list[ConferenceJoined | ConferenceLeft]:
    joined = ConferenceJoined(
        at=at,
        member=member,
        account=account,
        conference="conference-1",
        number=number,
        call="call-1",
        leg="leg-1",
        caller_number="1001",
        caller_name="Bo",
        admin=False,
    )
    return [joined] if seconds is None else [joined, ConferenceLeft(at=at + seconds, member=member, outcome=outcome)]


def _fill(value: Any, saved: dict[str, Any]) -> Any:
    match value:
        case str():
            whole = re.fullmatch(r"\{(\w+)\}", value)
            if whole and whole[1] in saved:
                return saved[whole[1]]
            return re.sub(r"\{(\w+)\}", lambda m: str(saved.get(m[1], m[0])), value)
        case list():
            return [_fill(item, saved) for item in value]
        case dict():
            return {key: _fill(item, saved) for key, item in value.items()}
        case _:
            return value


def _compare(reply: Reply, expected: dict[str, Any], where: str) -> None:
    if reply.status != expected["status"]:
        raise Mismatch(f"{where}: {reply.status}, not {expected['status']}: {reply.json}")
    if "json" in expected and not _same(reply.json, expected["json"]):
        got, want = json.dumps(reply.json, indent=1), json.dumps(expected["json"], indent=1)
        raise Mismatch(f"{where}\n--- answered\n{got}\n--- expected\n{want}")
    for name, value in expected.get("headers", {}).items():
        if not _same(reply.headers.get(name), value):
            raise Mismatch(f"{where}: {name} is {reply.headers.get(name)!r}, not {value!r}")


def _same(got: Any, want: Any) -> bool:
    match want:
        case "<token>":
            return isinstance(got, str) and len(got) == 64
        case "<text>":
            return isinstance(got, str)
        case "<id>":
            return type(got) is int and got > 0
        case dict():
            if not isinstance(got, dict):
                return False
            more = "..." in want
            named = {key: value for key, value in want.items() if key != "..."}
            return (more or got.keys() == named.keys()) and all(
                key in got and _same(got[key], value) for key, value in named.items()
            )
        case list():
            if not isinstance(got, list):
                return False
            more = bool(want) and want[-1] == "..."
            named_items = want[:-1] if more else want
            if len(got) < len(named_items) or (not more and len(got) != len(named_items)):
                return False
            return all(_same(g, w) for g, w in zip(got, named_items, strict=False))
        case _:
            # True is not 1 here
            return type(got) is type(want) and bool(got == want)
