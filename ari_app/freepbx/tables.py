"""Rows as FreePBX has them -> a description. The database and the backup archive have the same rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ari_app.freepbx.description import (
    CONFIG_COLUMNS,
    Announcement,
    Description,
    ExtensionEntry,
    Member,
    QueueEntry,
    Voicemail,
)
from ari_app.freepbx.errors import SourceUnreadable
from ari_app.freepbx.notes import Notes
from ari_app.freepbx.text import flag, printable, repaired, whole
from ari_app.freepbx.voicemail import mailboxes

Row = Mapping[str, str]

#: without these there is nothing to import
REQUIRED = ("queues_config", "queues_details")
#: what else is looked at -> what is lost without it
OPTIONAL = {
    "users": "names of extensions; members are taken as they are",
    "devices": "devices of extensions",
    "pjsip": "SIP settings of extensions",
    "sip": "SIP settings of extensions",
    "iax": "IAX settings of extensions",
    "dahdi": "DAHDI settings of extensions",
    "incoming": "which numbers lead to which queue",
    "freepbx_settings": "settings for all queues",
    "recordings": "which sounds exist",
    "announcement": "announcements that callers are sent to",
    "timeconditions": "which time conditions lead to queues",
    "music": "which hold music classes exist",
}
_TECHNOLOGIES = ("pjsip", "sip", "iax", "dahdi")
#: families of astdb -> what a person set at his phone
_STATES = {
    **dict.fromkeys(("CF", "CFB", "CFU"), "call forwarding"),
    "DND": "do not disturb",
}
#: id of the rows that FreePBX appends to every queue
_ALL_QUEUES = "-1"
_INTERFACE = re.compile(r"(?P<technology>Local|PJSIP|SIP|IAX2|DAHDI|ZAP|Agent)/(?P<rest>.+)", re.IGNORECASE)
_LOCAL = re.compile(r"(?P<number>[^@/]+)@from-(?:queue|internal)(?:/n)?\Z")
_SPELLING = {name.lower(): name for name in ("Local", "PJSIP", "SIP", "IAX2", "DAHDI", "ZAP", "Agent")}


@dataclass(kw_only=True)
class Tables:
    """What was read."""

    source: str
    #: by table; all values are text, NULL is ""
    rows: dict[str, list[Row]] = field(default_factory=dict)
    #: "/QPENALTY/500/agents/1001" -> "0"; None: not read
    astdb: dict[str, str] | None = None
    #: text of voicemail.conf; None: not read
    voicemail: str | None = None
    #: mailboxes, where there is no such file: (context, number)
    boxes: dict[tuple[str, str], Voicemail] | None = None
    #: a source that is not expected to have more than queues, or extensions
    terse: bool = False
    #: it has queues
    with_queues: bool = True
    #: keys that came double; what else the reader has to say
    notes: Notes = field(default_factory=Notes)


def describe(tables: Tables) -> Description:
    """One description.

    Raises:
        SourceUnreadable: a table or column without which nothing can be imported is missing.
    """
    for name in REQUIRED:
        if name not in tables.rows and tables.with_queues:
            raise SourceUnreadable(f"{tables.source} has no table {name}: FreePBX' queues module is not in it")
    for name, lost in OPTIONAL.items():
        if name not in tables.rows and not tables.terse:
            tables.notes.remark("FreePBX", f"table {name}", f"is not in the source: {lost}")
    if tables.astdb is None and not tables.terse:
        tables.notes.remark(
            "FreePBX", "astdb", "was not read: dynamic members, call waiting and recording settings of extensions lack"
        )
    reader = Reader(tables)
    knows = "users" in tables.rows
    return Description(
        source=tables.source,
        queues=reader.queues(),
        knows_queues=tables.with_queues,
        extensions=reader.extensions(),
        knows_extensions=knows,
        devices=reader.dialled(),
        settings={row["keyword"]: row.get("value", "") for row in reader.table("freepbx_settings", "keyword")},
        recordings=reader.recordings(),
        announcements=reader.announcements(),
        music_classes=reader.music_classes(),
        pause_reasons=reader.pause_reasons(),
        routes=reader.routes(),
        from_files=False,
        notes=tables.notes,
    )


class Reader:
    """Reads the rows that are there."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._notes = tables.notes
        self._astdb = tables.astdb or {}
        self._boxes = tables.boxes or {}
        if tables.voicemail is not None:
            self._boxes = mailboxes(tables.voicemail)

    def table(self, name: str, key: str) -> Iterator[Row]:
        """Rows of a table that have a key; others are said."""
        rows = self._tables.rows.get(name, [])
        if rows and not any(key in row for row in rows):
            if name in REQUIRED:
                raise SourceUnreadable(f"table {name} of {self._tables.source} has no column {key}")
            self._notes.cannot("FreePBX", f"table {name}", f"has no column {key}")
            return
        for row in rows:
            if row.get(key, "").strip():
                yield row
            else:
                self._notes.cannot("FreePBX", f"a row of {name}", f"its {key} is empty")

    def queues(self) -> list[QueueEntry]:
        """Queues in the order of their extensions."""
        details = self._details()
        members = self._static_members()
        found: dict[str, QueueEntry] = {}
        for row in self.table("queues_config", "extension"):
            extension = row["extension"].strip()
            for name in CONFIG_COLUMNS.keys() - row.keys():
                self._notes.remark("FreePBX", f"column {name} of queues_config", "is not in the source")
            if extension in found:
                self._notes.cannot(f"queue {extension}", "queue", "is there twice; the first one counts")
                continue
            listed = members.pop(extension, [])
            found[extension] = QueueEntry(
                extension=extension,
                config={name: self._text(f"queue {extension}", name, value) for name, value in row.items()},
                details=details.get(_ALL_QUEUES, {}) | details.pop(extension, {}),
                members=[*listed, *self.dynamic_members(extension)],
                dynamic_only=flag(self._astdb.get(f"/QPENALTY/{extension}/dynmemberonly", "")),
            )
        self._time_conditions(found)
        details.pop(_ALL_QUEUES, None)
        for extension in sorted(details.keys() | members.keys()):
            self._notes.cannot(f"queue {extension}", "settings", "there is no such queue in queues_config")
        return [found[extension] for extension in sorted(found, key=_numeric)]

    def _time_conditions(self, queues: Iterable[str]) -> None:
        """Opening hours are before a queue in FreePBX, not the queue's; they go on to send callers to it, or not."""
        leads = {f"ext-queues,{queue},1": queue for queue in queues}
        for row in self.table("timeconditions", "timeconditions_id"):
            for column in ("truegoto", "falsegoto"):
                if row.get(column, "").strip() in leads:
                    name = printable(repaired(row.get("displayname", "")))[:60]
                    reason = "leads to it, and stays FreePBX'; hours of its own: PUT /x/call_queue/{extension}/hours"
                    self._notes.remark(f"queue {leads[row[column].strip()]}", f"time condition {name}", reason)

    def _details(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for row in self.table("queues_details", "id"):
            keyword = row.get("keyword", "").strip()
            queue = row["id"].strip()
            if not keyword:
                self._notes.cannot(f"queue {queue}", "a setting", "its keyword is empty")
            elif keyword != "member":
                held = found.setdefault(queue, {})
                if keyword in held:
                    self._notes.remark(f"queue {queue}", keyword, "is set twice; the last one counts, as in Asterisk")
                held[keyword] = self._text(f"queue {queue}", keyword, row.get("data", ""))
        return found

    def _static_members(self) -> dict[str, list[Member]]:
        rows: dict[str, list[tuple[int, str]]] = {}
        for row in self._tables.rows.get("queues_details", []):
            if row.get("keyword", "").strip() == "member":
                place = whole(row.get("flags", "0"))
                rows.setdefault(row.get("id", "").strip(), []).append((place or 0, row.get("data", "")))
        members: dict[str, list[Member]] = {}
        for queue, lines in rows.items():
            lines.sort(key=lambda line: line[0])
            parsed = (parse_member(data, f"queue {queue}", self._notes) for _, data in lines)
            members[queue] = [member for member in parsed if member is not None]
        return members

    def dynamic_members(self, queue: str) -> list[Member]:
        """Those who may log in, by number."""
        prefix = f"/QPENALTY/{queue}/agents/"
        members = []
        for key in sorted(self._keys_below(prefix), key=_numeric):
            written = self._astdb[prefix + key]
            penalty = whole(written)
            if penalty is None:
                self._notes.changed(f"queue {queue}", f"dynamic member {key}", "its penalty is no number; taken as 0")
            members.append(Member(technology="", number=key, penalty=penalty or 0, dynamic=True, interface=key))
        return members

    def _keys_below(self, prefix: str) -> list[str]:
        return self._below.get(prefix, [])

    @property
    def _below(self) -> dict[str, list[str]]:
        if not hasattr(self, "_grouped"):
            self._grouped: dict[str, list[str]] = {}
            for key in self._astdb:
                family, _, name = key.rpartition("/")
                self._grouped.setdefault(family + "/", []).append(name)
        return self._grouped

    def extensions(self) -> list[ExtensionEntry]:
        """Users of FreePBX' core, by extension."""
        devices = self._devices()
        technology = self._technology()
        found: dict[str, ExtensionEntry] = {}
        for row in self.table("users", "extension"):
            extension = row["extension"].strip()
            subject = f"extension {extension}"
            if extension in found:
                self._notes.cannot(subject, "extension", "is there twice; the first one counts")
                continue
            first = self._astdb.get(f"/AMPUSER/{extension}/device", extension).partition("&")[0]
            device = devices.get(first, {})
            device = device or devices.get(extension, {})
            found[extension] = ExtensionEntry(
                extension=extension,
                name=printable(self._text(subject, "name", row.get("name", ""))),
                user=dict(row),
                device=device,
                technology=technology.get((_table_of(device), device.get("id", extension)), {}),
                astdb=None if self._tables.astdb is None else self._of_user(extension),
                voicemail=self._boxes.get((row.get("voicemail", ""), extension)),
            )
        return [found[extension] for extension in sorted(found, key=_numeric)]

    def dialled(self) -> dict[str, str]:
        """How a device is dialled -> whose it is."""
        found = {}
        for device in self._devices().values():
            owner = device.get("user", "").strip()
            if owner and owner != "none":
                for dial in (device.get("dial", ""), f"{device.get('tech', '')}/{device['id']}"):
                    found[dial.strip().upper()] = owner
        return found

    def _devices(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for row in self.table("devices", "id"):
            found.setdefault(row["id"].strip(), dict(row))
        return found

    def _technology(self) -> dict[tuple[str, str], dict[str, str]]:
        """(iax, dahdi or sip; device) -> its settings. PJSIP's devices are in the table sip; trunks are in pjsip, whose
        numbers may be an extension's too."""
        found: dict[tuple[str, str], dict[str, str]] = {}
        for name in _TECHNOLOGIES:
            kind = name.replace("pjsip", "sip")
            for row in self.table(name, "id"):
                found.setdefault((kind, row["id"].strip()), {})[row.get("keyword", "")] = row.get("data", "")
        return found

    def _of_user(self, extension: str) -> dict[str, str]:
        found: dict[str, str] = {}
        root = f"/AMPUSER/{extension}"
        for family in ("", "/recording", "/recording/in", "/recording/out", "/queues"):
            for name in self._keys_below(f"{root}{family}/"):
                found[f"{family}/{name}".strip("/")] = self._astdb[f"{root}{family}/{name}"]
        if f"/CW/{extension}" in self._astdb:
            found["callwaiting"] = self._astdb[f"/CW/{extension}"]
        for family, what in _STATES.items():
            if self._astdb.get(f"/{family}/{extension}", ""):
                self._notes.remark(f"extension {extension}", what, "is set, and is FreePBX' to do")
        if self._astdb.get(f"{root}/followme/ddial") == "DIRECT":
            self._notes.remark(f"extension {extension}", "follow-me", "is set, and is FreePBX' to do")
        return found

    def recordings(self) -> dict[str, str] | None:
        """Sounds by id; None: not known."""
        if "recordings" not in self._tables.rows:
            return None
        return {row["id"].strip(): row.get("filename", "") for row in self.table("recordings", "id")}

    def announcements(self) -> dict[str, Announcement]:
        """By id."""
        return {
            row["announcement_id"].strip(): Announcement(
                recording=row.get("recording_id", "").strip(), then=row.get("post_dest", "").strip()
            )
            for row in self.table("announcement", "announcement_id")
        }

    def music_classes(self) -> frozenset[str] | None:
        """Hold music; None: not known."""
        if "music" not in self._tables.rows:
            return None
        return frozenset(row["category"].strip() for row in self.table("music", "category")) | {"default", "none"}

    def pause_reasons(self) -> list[str]:
        """Of members that are logged in: interface;penalty;paused;membername;state_interface;reason;wrapuptime."""
        reasons: dict[str, None] = {}
        for queue in sorted(self._keys_below("/Queue/PersistentMembers/")):
            for member in self._astdb[f"/Queue/PersistentMembers/{queue}"].split("|"):
                fields = member.split(";")
                if len(fields) > 5 and flag(fields[2]) and printable(fields[5]):
                    reasons[printable(repaired(fields[5]))] = None
        return list(reasons)

    def routes(self) -> dict[str, str]:
        """Incoming numbers that lead to queues."""
        found = {}
        for row in self.table("incoming", "destination"):
            context, _, rest = row["destination"].partition(",")
            if context == "ext-queues":
                found[row.get("extension", "").strip() or "any"] = rest.partition(",")[0]
        return found

    def _text(self, subject: str, item: str, value: str) -> str:
        mended = repaired(value)
        if mended != value:
            self._notes.changed(subject, item, "had been encoded twice; made whole")
        return mended


def parse_member(data: str, subject: str, notes: Notes, name: str = "") -> Member | None:
    """A member row, `Local/1001@from-queue/n,0`; None, with a note, if it is none."""
    interface, _, written = data.strip().partition(",")
    match = _INTERFACE.match(interface.strip())
    penalty = whole(written) if written.strip() else 0
    if match is None:
        notes.cannot(subject, f"member {printable(data)[:60]!r}", "is no member as FreePBX writes them")
        return None
    if penalty is None:
        notes.changed(subject, f"member {interface}", "its penalty is no number from 0; taken as 0")
    technology = _SPELLING[match["technology"].lower()]
    number = match["rest"]
    if technology == "Local":
        local = _LOCAL.match(number)
        if local is None:
            notes.cannot(subject, f"member {interface}", "leads into a context of its own, which only FreePBX has")
            return None
        number = local["number"]
    return Member(
        technology=technology,
        number=number.strip(),
        penalty=penalty or 0,
        interface=interface.strip(),
        name=printable(name),
    )


def _table_of(device: Row) -> str:
    """The table that has its settings."""
    return {"iax2": "iax", "iax": "iax", "dahdi": "dahdi", "zap": "dahdi"}.get(device.get("tech", "").lower(), "sip")


def _numeric(text: str) -> tuple[int, str]:
    return (len(text) if text.isdecimal() else 99, text)
