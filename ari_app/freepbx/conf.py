"""FreePBX' generated files: queues_additional.conf, and what its neighbours know that it does not.

The queue's name, longest wait, prefix and failover destination are in the dialplan only, extensions_additional.conf,
as the arguments of what FreePBX writes for each queue (its functions.inc/dialplan.php).
"""

from __future__ import annotations

import re
from pathlib import Path

from ari_app.freepbx import phones_conf
from ari_app.freepbx.asterisk_conf import Section, fields, parse
from ari_app.freepbx.description import Description, Member, QueueEntry
from ari_app.freepbx.errors import SourceUnreadable
from ari_app.freepbx.tables import Reader, Tables, parse_member
from ari_app.freepbx.text import decode, printable, repaired

QUEUES = "queues_additional.conf"
#: files whose sections add to those of queues_additional.conf, in the order of Asterisk's queues.conf
_OWN = ("queues_custom.conf", "queues_post_custom.conf")
_GENERAL = ("queues_general_additional.conf", "queues_custom_general.conf")
_DIALPLAN = "extensions_additional.conf"
_FILE_MAX = 64 * 1024 * 1024
_NOT_QUEUES = frozenset(("general",))

#: what FreePBX' dialplan says of a queue: column or keyword -> a pattern in the queue's lines
_OR_OWN = r"\$\{{IF\(\$\[\$\{{LEN\(\$\{{VQ_{0}\}}\)\}}>0\]\?[^:]*:"
_LINES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("grppre", re.compile(r"Set\(QCIDPP=" + _OR_OWN.format("CIDPP") + r"(.*)\)\}\)$")),
    ("alertinfo", re.compile(r"Set\(QAINFO=" + _OR_OWN.format("AINFO") + r"(.*)\)\}\)$")),
    ("maxwait", re.compile(r"Set\(QMAXWAIT=" + _OR_OWN.format("MAXWAIT") + r"(.*)\)\}\)$")),
    ("use_queue_context", re.compile(r"Set\(__QCONTEXT=(\d*)\)$")),
    ("recording", re.compile(r"sub-record-check,s,1\(q,[^,]*,(\w+)\)\)?$")),
    ("dest", re.compile(r'GotoIf\(\$\["\$\{QDEST\}"=""\]\?([^:]+):')),
)
_RING = re.compile(r"Set\(QRINGOPTS=([rR])\)$")
_RETRY = re.compile(r"Set\(QRETRY=" + _OR_OWN.format("RETRY") + r"\s*(n?)\s*\)\}\)$")
_MONITOR = re.compile(r"Set\(MONITOR_OPTIONS=(.*)\)$")
_EXTEN = re.compile(r"(?P<exten>[^,]+),(?P<priority>[^,]+),(?P<application>.*)", re.DOTALL)


def read(directory: Path, beside: Tables | None = None) -> Description:
    """Read a directory. Blocks; to be called in a thread.

    Args:
        beside: what was read of FreePBX' other files.

    Raises:
        SourceUnreadable
    """
    return _Directory(directory, beside or Tables(source=str(directory))).description()


class _Directory:
    def __init__(self, directory: Path, beside: Tables) -> None:
        self._directory = directory.resolve()
        self._beside = beside
        self.notes = beside.notes

    def description(self) -> Description:
        """All of it."""
        queues = self._text(QUEUES)
        if queues is None:
            raise SourceUnreadable(f"{self._directory} has no {QUEUES}: it is not FreePBX' /etc/asterisk")
        texts = [queues, *(text for text in map(self._text, _OWN) if text is not None)]
        sections = parse("\n".join(texts), self._text, self._say)
        dialplan = self._dialplan()
        if not dialplan:
            reason = "is not there, or has no ext-queues: names, longest waits, prefixes and destinations are unknown"
            self.notes.remark("FreePBX", _DIALPLAN, reason)
        self.notes.remark("FreePBX", "files", "have no names of queues, and no extensions without a SIP phone")
        if self._beside.astdb is None:
            lacking = "dynamic members, and of extensions caller ids, call waiting and recording, are unknown"
            self.notes.remark("FreePBX", "astdb", f"was not read: {lacking}")
        phones_conf.read(self._beside, self._text, self._say)
        self._reader = Reader(self._beside)
        entries = [
            self._queue(section, dialplan.get(section.name, []))
            for section in sections
            if section.name not in _NOT_QUEUES
        ]
        general = self._general()
        return Description(
            source=str(self._directory),
            queues=entries,
            extensions=self._reader.extensions(),
            knows_extensions=False,
            devices={},
            settings=general,
            recordings=None,
            music_classes=None,
            pause_reasons=self._reader.pause_reasons(),
            routes={},
            from_files=True,
            notes=self.notes,
        )

    def _queue(self, section: Section, lines: list[str]) -> QueueEntry:
        subject = f"queue {section.name}"
        members: list[Member] = []
        for value in section.all("member"):
            interface, penalty, name = [*fields(value), "", "", ""][:3]
            member = parse_member(f"{interface},{penalty}", subject, self.notes, repaired(name))
            if member is not None:
                members.append(member)
        members += self._reader.dynamic_members(section.name)
        details = {name: value for name, value in section.last().items() if name not in ("member", "musicclass")}
        if section.last().get("musicclass"):
            details["music"] = section.last()["musicclass"]
        config, more = _of_dialplan(lines)
        if "context" in details and not details["context"]:
            del details["context"]
        return QueueEntry(
            extension=section.name,
            config=config,
            details=details | more,
            members=[*members, *self._reader.dynamic_members(section.name)],
        )

    def _general(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name in _GENERAL:
            text = self._text(name)
            for line in (text or "").splitlines():
                key, equals, value = line.partition(";")[0].partition("=")
                if equals and key.strip() == "shared_lastcall":
                    found["QUEUES_SHARED_LASTCALL"] = value.removeprefix(">").strip()
        return found

    def _dialplan(self) -> dict[str, list[str]]:
        """Queue -> the applications of its extension in ext-queues."""
        text = self._text(_DIALPLAN)
        found: dict[str, list[str]] = {}
        context = exten = ""
        for line in (text or "").splitlines():
            line = line.strip()
            if line.startswith("["):
                context = line[1:].partition("]")[0]
            if context != "ext-queues" or not line.startswith("exten"):
                continue
            match = _EXTEN.match(line.partition("=>")[2].strip())
            if match is not None:
                exten = match["exten"].strip()
                found.setdefault(exten, []).append(match["application"].replace("\\;", ";").strip())
        return found

    def _text(self, name: str) -> str | None:
        """A file of the directory; None: there is none. Never one outside it."""
        path = (self._directory / name).resolve()
        if not path.is_relative_to(self._directory):
            self.notes.cannot("FreePBX", f"file {printable(name)[:80]}", "is outside the directory; it was not read")
            return None
        try:
            if not path.is_file():
                return None
            if path.stat().st_size > _FILE_MAX:
                raise SourceUnreadable(f"{path} is larger than {_FILE_MAX // 2**20} MB")
            return decode(path.read_bytes())
        except OSError as error:
            raise SourceUnreadable(f"cannot read {path}: {error.strerror}") from None

    def _say(self, item: str, reason: str) -> None:
        self.notes.cannot("FreePBX", item, reason)


def _of_dialplan(lines: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Columns of queues_config, keywords of queues_details, from the lines of a queue's extension."""
    config: dict[str, str] = {}
    details: dict[str, str] = {}
    if not lines:
        return config, details
    config |= {"ringing": "0", "monitor_type": ""}
    for line in lines:
        for name, pattern in _LINES:
            match = pattern.search(line)
            if match is not None:
                target = details if name == "recording" else config
                target[name] = match[1].strip()
        ring, retry, monitor = _RING.search(line), _RETRY.search(line), _MONITOR.search(line)
        if ring is not None:
            config["ringing"] = "1" if ring[1] == "r" else "2"
        if retry is not None and retry[1] == "n":
            details["retry"] = "none"
        if monitor is not None and "b" in monitor[1]:
            config["monitor_type"] = "b"
    return config, details
