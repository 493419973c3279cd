"""What FreePBX makes of its tables: the generated configuration files, and a backup archive."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.unit.freepbx.sample import FreePBX

#: keywords that queue_conf.php leaves out of queues_additional.conf
_STRIPPED = frozenset(
    (
        *("recording", "monitor-format", "monitor-join", "answered_elsewhere", "skip_joinannounce", "rvolume"),
        *("rvol_mode", "eventwhencalled", "eventmemberstatus", "cron_schedule"),
    )
)


def write_conf(directory: Path, made: FreePBX) -> Path:
    """queues_additional.conf, extensions_additional.conf and queues_general_additional.conf."""
    directory.mkdir(exist_ok=True)
    names = {row["extension"]: row["name"] for row in made.rows["users"]}
    queues, dialplan = [], ["[ext-local]", "exten => 1001,1,Macro(exten-vm,novm,1001,0,0,0)", "", "[ext-queues]"]
    for row in made.rows["queues_config"]:
        details = [found for found in made.rows["queues_details"] if found["id"] == row["extension"]]
        queues += _queue(row["extension"], details, names)
        dialplan += _dialplan(row, {found["keyword"]: found["data"] for found in details})
    (directory / "queues_additional.conf").write_text("\n".join(queues) + "\n")
    (directory / "extensions_additional.conf").write_text("\n".join(dialplan) + "\n")
    (directory / "queues_general_additional.conf").write_text("persistentmembers=yes\nshared_lastcall=no\n")
    return directory


def _queue(extension: str, details: Iterable[Mapping[str, str]], names: Mapping[str, str]) -> list[str]:
    lines, members = [f"[{extension}]"], []
    for row in details:
        keyword, data = row["keyword"], row["data"]
        if keyword == "member":
            members.append((int(row["flags"]), data))
        elif data and keyword not in _STRIPPED:
            if keyword == "retry" and data in ("none", "0"):
                data = "1"
            lines.append(f"{'musicclass' if keyword == 'music' else keyword}={data}")
    for _, data in sorted(members):
        number = data.partition("/")[2].partition("@")[0].partition(",")[0]
        known = f',"{names[number]}",hint:{number}@ext-local' if number in names else ""
        lines.append(f"member={data}{known}")
    return [*lines, "context=", "periodic-announce=", ""]


def _dialplan(row: Mapping[str, str], details: Mapping[str, str]) -> list[str]:
    def own(name: str, value: str) -> str:
        return f"${{IF($[${{LEN(${{VQ_{name}}})}}>0]?${{VQ_{name}}}:{value or ' '})}}"

    prefix = row["grppre"]
    applications = [
        "Macro(user-callerid,)",
        "Answer()",
        f"Set(__QCONTEXT={row['use_queue_context']})",
        f'Set(QCIDPP=${{IF($[${{LEN(${{VQ_CIDPP}})}}>0]?"${{VQ_CIDPP}}":{prefix or " "})}})',
        "Set(VQ_CIDPP=)",
        f"Set(QAINFO={own('AINFO', row['alertinfo'].replace(';', chr(92) + ';'))})",
        "Set(VQ_AINFO=)",
    ]
    if row["ringing"] in ("1", "2"):
        applications.append(f"Set(QRINGOPTS={'r' if row['ringing'] == '1' else 'R'})")
    applications.append(f"Set(QRETRY={own('RETRY', 'n' if details.get('retry') == 'none' else ' ')})")
    if row["monitor_type"]:
        applications.append("Set(MONITOR_OPTIONS=b)")
    applications += [
        f"Gosub(sub-record-check,s,1(q,{row['extension']},{details.get('recording', 'dontcare')}))",
        f"Set(QMAXWAIT={own('MAXWAIT', row['maxwait'])})",
        "Set(VQ_MAXWAIT=)",
        f"Queue({row['extension']},${{QOPTIONS}},,${{QAANNOUNCE}},${{QMAXWAIT}},${{QAGI}},,${{QGOSUB}},${{QRULE}},"
        "${QPOSITION})",
        f'GotoIf($["${{QDEST}}"=""]?{row["dest"]}:${{CUT(QDEST,^,1)}},${{CUT(QDEST,^,2)}},${{CUT(QDEST,^,3)}})',
    ]
    lines = [f"exten => {row['extension']},1,{applications[0]}"]
    return lines + [f"exten => {row['extension']},n,{application}" for application in applications[1:]]


def documents(made: FreePBX, *, whole: bool = False) -> dict[str, Any]:
    """The JSON files of a backup: of the queues module, or of all that matter."""

    def configs(*tables: str, **more: Any) -> dict[str, Any]:
        rows = {name: made.rows[name] for name in tables}
        return {"configs": {"tables": rows, "settings": {}, "features": {}, "kvstore": [], **more}, "dependencies": []}

    families: dict[str, dict[str, str]] = {}
    for key, value in made.astdb.items():
        _, family, rest = key.split("/", 2)
        families.setdefault(family, {})[rest] = value
    settings = {row["keyword"]: row["value"] for row in made.rows["freepbx_settings"]}
    astdb = [{family: keys} for family, keys in families.items()]
    queues = configs("queues_config", "queues_details", settings=settings, astdb=astdb)
    if not whole:
        return {"modulejson/Queues.json": queues}
    return {
        "modulejson/Queues.json": queues,
        "modulejson/Core.json": configs("users", "devices", "pjsip", "sip", "iax", "dahdi", "incoming"),
        "modulejson/Recordings.json": configs("recordings"),
        "modulejson/Announcement.json": configs("announcement"),
        "modulejson/Timeconditions.json": configs("timeconditions"),
        "modulejson/Music.json": configs("music"),
        "modulejson/Userman.json": {"configs": {"tables": {"userman_users": [{"username": "x"}]}}},
    }


def write_backup(path: Path, files: Mapping[str, Any]) -> Path:
    """A tar.gz; values are JSON documents or bytes."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in {"metadata.json": {"modules": ["queues"]}, **files}.items():
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path
