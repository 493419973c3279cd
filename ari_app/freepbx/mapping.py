"""What a FreePBX is here: queues, agents bound to them, pause codes; and what is kept beside."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Literal

import email_validator
import msgspec

from ari_app.acd.destination import Overflow
from ari_app.freepbx import extras
from ari_app.freepbx.description import Description, Member, QueueEntry
from ari_app.freepbx.extensions import WantedExtension, wanted_extensions
from ari_app.freepbx.settings import NAME_MAX, Converter
from ari_app.freepbx.text import flag

#: how a penalty becomes a skill, 5 at most. offset: penalty + 1; rank: a queue's lowest penalty is 1, its next one 2
SkillRule = Literal["offset", "rank"]
LAST_SKILL = 5

_QUEUE = re.compile(r"[1-9][0-9]{0,19}\Z")
_AGENT = re.compile(r"[1-9][0-9]{0,4}\Z")
_NAME_PART_MAX = 32
_PAUSE_CODE_MAX = 16


class WantedQueue(msgspec.Struct, frozen=True, kw_only=True):
    """A queue as it is to be. Settings by the names of QueueData; one that the source does not have is left out."""

    extension: str
    settings: dict[str, Any]
    #: agent's number -> skill, in FreePBX' order
    members: dict[str, int]
    attributes: dict[str, Any]
    #: where callers go whom it does not serve
    overflow: tuple[Overflow, ...] = ()


class WantedAgent(msgspec.Struct, frozen=True, kw_only=True):
    """An agent as he is to be."""

    number: str
    #: first_name, last_name, email; what the source does not have is left out
    data: dict[str, str | None]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """All that is to be here."""

    queues: dict[str, WantedQueue]
    agents: dict[str, WantedAgent]
    #: by number; None: the source does not know extensions
    extensions: dict[str, WantedExtension] | None
    pause_codes: list[str]
    #: settings for all queues, incoming numbers; None: the source does not know queues
    general: dict[str, Any] | None
    #: the source has queues: one that is not among them is gone
    knows_queues: bool = True
    #: the same, of extensions
    knows_extensions: bool = True


def wanted(described: Description, skills: SkillRule = "offset") -> Wanted:
    """What is to be here."""
    return _Mapping(described, skills).wanted()


class _Mapping:
    def __init__(self, described: Description, skills: SkillRule) -> None:
        self._described = described
        self._notes = described.notes
        self._skills = skills
        self._extensions = {entry.extension: entry for entry in described.extensions}
        self._queues = frozenset(entry.extension for entry in described.queues)
        #: agent's number -> a name the members' list has for him
        self._names: dict[str, str] = {}

    def wanted(self) -> Wanted:
        described = self._described
        queues: dict[str, WantedQueue] = {}
        for entry in described.queues:
            if not _QUEUE.match(entry.extension):
                reason = "a queue's number must be digits and not begin with 0"
                self._notes.cannot(f"queue {entry.extension}", "queue", reason)
                continue
            queues[entry.extension] = self._queue(entry)
        queues = self._distinct_names(queues)
        agents = self._agents(queues)
        extensions = wanted_extensions(described.extensions, queues, self._notes)
        return Wanted(
            queues=queues,
            agents=agents,
            extensions=extensions if described.knows_extensions or extensions else None,
            pause_codes=self._pause_codes(),
            general={"settings": self._queue_settings(), "routes": described.routes}
            if described.knows_queues
            else None,
            knows_queues=described.knows_queues,
            knows_extensions=described.knows_extensions,
        )

    def _queue_settings(self) -> dict[str, str]:
        return {name: value for name, value in self._described.settings.items() if name.startswith("QUEUES_")}

    def _shared_wrap_up(self) -> bool | None:
        value = self._described.settings.get("QUEUES_SHARED_LASTCALL")
        if value is None:
            return None if self._described.from_files else True
        return flag(value)

    def _queue(self, entry: QueueEntry) -> WantedQueue:
        files = self._described.from_files
        settings = Converter(entry, self._shared_wrap_up(), self._notes, from_files=files).settings()
        kept = extras.attributes(entry, self._described, self._queues)
        self._check_music(entry, settings["moh_class"])
        if files and entry.details.get("retry") == "1":
            reason = 'FreePBX writes "none" as 1 too; taken as 1 s, the dialplan with QRETRY would tell'
            self._notes.remark(f"queue {entry.extension}", "retry=1", reason)
        members, listed = self._members(entry)
        kept["members"] = {how: found for how, found in listed.items() if found}
        return WantedQueue(
            extension=entry.extension,
            settings=settings,
            members=members,
            attributes=kept,
            overflow=extras.failover(entry, self._described, self._queues),
        )

    def _check_music(self, entry: QueueEntry, music: str) -> None:
        known = self._described.music_classes
        if music in ("inherit", "default", "none"):
            return
        if known is not None and music not in known:
            self._notes.remark(f"queue {entry.extension}", f"music={music}", "FreePBX has no such hold music class")

    def _members(self, entry: QueueEntry) -> tuple[dict[str, int], dict[str, list[str]]]:
        """Agent's number -> skill; and what FreePBX has of each member."""
        penalties: dict[str, int] = {}
        listed: dict[str, list[str]] = {"static": [], "dynamic": []}
        for member in entry.members:
            number = self._agent_number(entry, member)
            listed["dynamic" if member.dynamic else "static"].append(f"{member.interface},{member.penalty}")
            if number is None:
                continue
            if number in penalties:
                self._notes.remark(f"queue {entry.extension}", f"member {number}", "is there twice; the first counts")
                continue
            penalties[number] = member.penalty
            if member.name:
                self._names.setdefault(number, member.name)
        return self._skilled(entry, penalties), listed

    def _agent_number(self, entry: QueueEntry, member: Member) -> str | None:
        """The extension of a member that can be an agent, else None and a note."""
        described, subject = self._described, f"queue {entry.extension}"
        number = described.devices.get(f"{member.technology}/{member.number}".upper(), member.number)
        item = f"member {member.interface}"
        if member.technology == "Agent":
            self._notes.kept(subject, item, "is of chan_agent; agents sign in here by their number")
        elif described.knows_extensions and number not in self._extensions:
            reason = "is no extension of FreePBX: an outside number, or gone; agents sign in at an extension"
            self._notes.kept(subject, item, reason)
        elif not _AGENT.match(number):
            self._notes.kept(subject, item, "an agent's number has 1 to 5 digits and does not begin with 0")
        elif member.technology in ("DAHDI", "ZAP") and f"{member.technology}/{member.number}" == member.interface:
            if number == member.number and number not in self._extensions:
                self._notes.kept(subject, item, "is a line, not an extension; agents sign in at an extension")
                return None
            return number
        else:
            return number
        return None

    def _skilled(self, entry: QueueEntry, penalties: dict[str, int]) -> dict[str, int]:
        levels = {penalty: rank for rank, penalty in enumerate(sorted(set(penalties.values())), start=1)}
        if self._skills == "offset":
            levels = {penalty: penalty + 1 for penalty in levels}
        held = Counter(min(LAST_SKILL, level) for level in levels.values())
        if held[LAST_SKILL] > 1:
            reason = f"several become skill {LAST_SKILL}, the last one; --skills rank ranks a queue's own penalties"
            item = "penalties " + ", ".join(str(penalty) for penalty in sorted(levels) if levels[penalty] >= LAST_SKILL)
            self._notes.changed(f"queue {entry.extension}", item, reason)
        return {number: min(LAST_SKILL, levels[penalty]) for number, penalty in penalties.items()}

    def _distinct_names(self, queues: dict[str, WantedQueue]) -> dict[str, WantedQueue]:
        """FreePBX lets two queues have one name; here a name is unique."""
        taken: set[str] = set()
        found: dict[str, WantedQueue] = {}
        for extension, queue in queues.items():
            name = queue.settings.get("name")
            if name is not None and name in taken:
                ending = f" ({extension})"
                name = name[: NAME_MAX - len(ending)].rstrip() + ending
                self._notes.changed(f"queue {extension}", "descr", "another queue has this name; its number was added")
                queue = msgspec.structs.replace(queue, settings=queue.settings | {"name": name})
            if name is not None:
                taken.add(name)
            found[extension] = queue
        return found

    def _agents(self, queues: dict[str, WantedQueue]) -> dict[str, WantedAgent]:
        """In the order in which they are first named."""
        found: dict[str, WantedAgent] = {}
        addresses: set[str] = set()
        for queue in queues.values():
            for number in queue.members:
                if number not in found:
                    found[number] = self._agent(number, addresses)
        if found:
            reason = "have no password yet: set one, or let your programs sign them in by number and extension"
            self._notes.remark(f"{len(found)} agents", "passwords", reason)
        return found

    def _agent(self, number: str, addresses: set[str]) -> WantedAgent:
        entry = self._extensions.get(number)
        name = (entry.name if entry else "") or self._names.get(number, "")
        if not name and entry is None:
            return WantedAgent(number=number, data={})
        first, _, last = name.partition(" ")
        last = last.strip()
        if not first:
            first, last = "Agent", number
        if len(first) > _NAME_PART_MAX or len(last) > _NAME_PART_MAX:
            self._notes.changed(f"extension {number}", "name", f"cut to {_NAME_PART_MAX} characters a part")
        data: dict[str, str | None] = {"first_name": first[:_NAME_PART_MAX], "last_name": last[:_NAME_PART_MAX] or None}
        if self._described.knows_extensions:
            data["email"] = self._email(number, addresses)
        return WantedAgent(number=number, data=data)

    def _email(self, number: str, taken: set[str]) -> str | None:
        entry = self._extensions.get(number)
        written = entry.voicemail.email.strip() if entry and entry.voicemail else ""
        if not written:
            return None
        try:
            address = email_validator.validate_email(written, check_deliverability=False).normalized
        except email_validator.EmailNotValidError:
            self._notes.cannot(f"extension {number}", "e-mail address of the mailbox", "is not one")
            return None
        if address.casefold() in taken:
            reason = "is another agent's too; here an address is one agent's"
            self._notes.kept(f"extension {number}", "e-mail address of the mailbox", reason)
            return None
        taken.add(address.casefold())
        return address

    def _pause_codes(self) -> list[str]:
        found: dict[str, None] = {}
        for reason in self._described.pause_reasons:
            if len(reason) > _PAUSE_CODE_MAX:
                cut = f"cut to {_PAUSE_CODE_MAX} characters"
                self._notes.changed(f"pause reason {reason[:40]}", "name", cut)
            found[reason[:_PAUSE_CODE_MAX].strip()] = None
        return list(found)
