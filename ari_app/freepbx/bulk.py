"""The CSV of extensions that FreePBX' Bulk Handler exports: columns of users and devices, settings of the phone, and
columns of other modules, in any order. Which there are depends on its modules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ari_app.freepbx.description import Voicemail
from ari_app.freepbx.extension_extras import DEVICE, TECHNOLOGY, USER
from ari_app.freepbx.tables import Row, Tables
from ari_app.freepbx.text import flag, printable

#: one of these says that a CSV is of extensions
SIGNS = frozenset(("tech", "devicetype", "sipdriver", "devicedata", "voicemail_enable"))
#: column -> key of Asterisk's own database, below /AMPUSER/<extension>/
_ASTDB = {
    "cid_masquerade": "cidnum",
    "recording_in_external": "recording/in/external",
    "recording_in_internal": "recording/in/internal",
    "recording_out_external": "recording/out/external",
    "recording_out_internal": "recording/out/internal",
    "recording_ondemand": "recording/ondemand",
}
_CALL_WAITING = "callwaiting_enable"
#: kept, not needed
_ASTDB_TOO = {
    "recording_priority": "recording/priority",
    "answermode": "answermode",
    "intercom": "intercom",
    "concurrency_limit": "concurrency_limit",
    "cwtone": "cwtone",
}
_VOICEMAIL = ("voicemail_enable", "voicemail_vmpwd", "voicemail_email", "voicemail_pager", "voicemail_options")
#: others of the same modules, which say nothing that counts here
_IDLE = frozenset(("devicedata", "voicemail_same_exten", "disable_star_voicemail"))
#: no column of a phone's settings, but of its user or device
_NOT_TECHNOLOGY = frozenset((*USER, *DEVICE))


def read(tables: Tables, header: Iterable[str], rows: Iterable[Mapping[str, str]]) -> None:
    """Put rows into `tables` as if they came from users, devices and sip, and from astdb where all of it is there."""
    columns = frozenset(header)
    tables.with_queues = False
    lacking = sorted({*_ASTDB, _CALL_WAITING} - columns)
    tables.astdb = {} if not lacking else None
    if lacking:
        reason = "are not in the source: masquerade, call waiting and recording stay as they are here"
        tables.notes.remark("FreePBX", "columns " + ", ".join(lacking), reason)
    if columns.issuperset(_VOICEMAIL):
        tables.boxes = {}
    known = {*USER, *DEVICE, *TECHNOLOGY, *_ASTDB, *_ASTDB_TOO, *_VOICEMAIL, *_IDLE, _CALL_WAITING}
    tables.rows = {"users": [], "devices": [], "sip": []}
    for row in rows:
        _extension(row, tables)
        for name in columns - known:
            if name and row[name].strip():
                reason = "is of another module, or unknown here"
                tables.notes.cannot(f"extension {row['extension']}", f"column {printable(name)[:40]!r}", reason)


def _extension(row: Mapping[str, str], tables: Tables) -> None:
    number = row["extension"].strip()
    user: Row = {name: value for name, value in row.items() if name in USER} | {"extension": number}
    device = {name: value for name, value in row.items() if name in DEVICE}
    device |= {"id": row.get("id", "").strip() or number, "tech": _technology(row)}
    tables.rows["devices"].append(device)
    tables.rows["sip"] += [
        {"id": device["id"], "keyword": name, "data": value}
        for name, value in row.items()
        if name in TECHNOLOGY and name not in _NOT_TECHNOLOGY and value.strip()
    ]
    if tables.boxes is not None:
        user = _mailbox(user, row, number, tables.boxes)
    tables.rows["users"].append(user)
    if tables.astdb is None:
        return
    for column, key in (_ASTDB | _ASTDB_TOO).items():
        if row.get(column, "").strip():
            tables.astdb[f"/AMPUSER/{number}/{key}"] = row[column].strip()
    if flag(row[_CALL_WAITING]):
        tables.astdb[f"/CW/{number}"] = "ENABLED"


def _technology(row: Mapping[str, str]) -> str:
    return row.get("tech", "").strip() or row.get("sipdriver", "").strip().removeprefix("chan_") or "pjsip"


def _mailbox(user: Row, row: Mapping[str, str], number: str, boxes: dict[tuple[str, str], Voicemail]) -> Row:
    """The user, with where his mailbox is."""
    if not flag(row["voicemail_enable"]):
        return {**user, "voicemail": "novm"}
    context = user.get("voicemail", "").strip()
    context = "default" if context in ("", "novm") else context
    options = (option.partition("=") for option in row["voicemail_options"].split("|") if "=" in option)
    boxes[context, number] = Voicemail(
        context=context,
        password=row["voicemail_vmpwd"].strip(),
        email=row["voicemail_email"].strip(),
        pager=row["voicemail_pager"].strip(),
        options={name.strip(): value.strip() for name, _, value in options},
    )
    return {**user, "voicemail": context}
