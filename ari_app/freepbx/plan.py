"""What to do, decided from three things: what FreePBX says, what the last import wrote, and what is here. Pure.

    FreePBX   here       last written    so
    a         a          -               keep
    b         a          a               change: FreePBX changed
    a         b          a               hold: an administrator changed it here
    c         b          a               hold: both did
    a         b          none            hold: it was here before any import
    a         gone       a               hold: deleted here

What is held stays as it is here and is shown each time, until FreePBX says the same or --force overwrites it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from ari_app.acd.destination import Overflow
from ari_app.freepbx.mapping import Wanted, WantedQueue
from ari_app.freepbx.settings import NAME_MAX, default_of
from ari_app.store.imports import Changes, Held, ImportedItem
from ari_app.store.values import QueueData, UserData


class Action(StrEnum):
    """What is done about a thing."""

    CREATE = "create"
    CHANGE = "change"
    DELETE = "delete"
    #: something about it is different here and in FreePBX, and stays so
    HOLD = "hold"
    #: no longer in FreePBX, and stays here
    GONE = "gone"
    KEEP = "keep"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One attribute. `here` is what it was, `there` what FreePBX has."""

    attribute: str
    here: Any
    there: Any
    #: it stays as it is here
    held: bool = False


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing of the plan."""

    action: Action
    kind: str
    key: str
    name: str = ""
    reason: str = ""
    differences: list[Difference] = []


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done."""

    entries: list[Entry]
    changes: Changes

    @property
    def empty(self) -> bool:
        """Nothing is to be done."""
        return self.changes == Changes()

    def counted(self) -> dict[str, dict[str, int]]:
        """kind -> action -> how many."""
        found: dict[str, dict[str, int]] = {}
        for entry in self.entries:
            kind = found.setdefault(entry.kind, {})
            kind[entry.action] = kind.get(entry.action, 0) + 1
        return found


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What an administrator allows."""

    #: overwrite what was changed here
    force: bool = False
    #: delete queues that are no longer in FreePBX
    prune: bool = False


def plan(wanted: Wanted, held: Held, options: Options | None = None) -> Plan:
    """What to do."""
    return _Planner(wanted, held, options or Options()).plan()


class _Planner:
    def __init__(self, wanted: Wanted, held: Held, options: Options) -> None:
        self._wanted = wanted
        self._held = held
        self._force = options.force
        self._prune = options.prune
        self._entries: list[Entry] = []
        self._changes = Changes(**{name: [] for name in Changes.__struct_fields__})
        #: numbers of agents that are here, or will be
        self._agents: set[str] = set(held.agents)
        others = held.queues.keys() - wanted.queues.keys()
        #: names that no imported queue may take
        self._names = {held.queues[extension].name: extension for extension in others}

    def plan(self) -> Plan:
        for agent in self._wanted.agents.values():
            self._agent(agent.number, agent.data)
        for queue in self._wanted.queues.values():
            self._queue(queue)
        for name in self._wanted.pause_codes:
            self._pause_code(name)
        for extension, attributes in (self._wanted.extensions or {}).items():
            self._kept("extension", extension, attributes, str(attributes.get("name", "")))
        self._kept("general", "freepbx", self._wanted.general, "")
        self._gone()
        self._check_names()
        return Plan(entries=self._entries, changes=self._changes)

    # agents

    def _agent(self, number: str, there: Mapping[str, str | None]) -> None:
        item = self._held.items.get(("agent", number))
        here = self._held.agents.get(number)
        there = self._free_email(number, there)
        named = {"first_name": "Agent", "last_name": number} | there
        name = " ".join(part for part in (named["first_name"], named["last_name"]) if part)
        if here is None:
            if item is not None and not self._force:
                return self._say(Action.HOLD, "agent", number, name, "was deleted here since the last import")
            self._changes.new_agents.append(UserData(number=number, **named))  # type: ignore[arg-type]
            self._agents.add(number)
            self._write("agent", number, dict(named), {})
            return self._say(Action.CREATE, "agent", number, name)
        base = item.written if item is not None else None
        ours = {attribute: getattr(here, attribute) for attribute in there}
        result, written, differences = self._merge(ours, there, base, {})
        if any(not difference.held for difference in differences):
            self._changes.agents.append(msgspec.structs.replace(here, **result))
        if item is not None or any(not difference.held for difference in differences):
            self._write("agent", number, written, {})
        reason = "" if item is not None else "was here before"
        return self._say(_action(differences), "agent", number, name, reason, differences)

    def _free_email(self, number: str, there: Mapping[str, str | None]) -> dict[str, str | None]:
        """Without an address that an agent here has whom no import knows."""
        found = dict(there)
        email = (found.get("email") or "").casefold()
        if email and self._addresses.get(email, number) != number:
            found["email"] = None
        return found

    @property
    def _addresses(self) -> dict[str, str]:
        if not hasattr(self, "_by_address"):
            agents = self._held.agents.items()
            self._by_address = {agent.email.casefold(): number for number, agent in agents if agent.email}
        return self._by_address

    # queues

    def _queue(self, queue: WantedQueue) -> None:
        extension = queue.extension
        item = self._held.items.get(("queue", extension))
        here = self._held.queues.get(extension)
        there = self._free_name(queue)
        if here is None:
            if item is not None and not self._force:
                name = str(there.get("name", ""))
                return self._say(Action.HOLD, "queue", extension, name, "was deleted here since the last import")
            return self._new_queue(queue, there)
        if item is None and not self._force:
            reason = "was here before, and is no import's; --force takes it over"
            return self._say(Action.HOLD, "queue", extension, here.name, reason)
        base = item.written["settings"] if item is not None else None
        ours = {attribute: getattr(here, attribute) for attribute in there}
        defaults = {attribute: default_of(attribute) for attribute in there}
        result, written, differences = self._merge(ours, there, base, defaults)
        if any(not difference.held for difference in differences):
            self._changes.queues.append(msgspec.structs.replace(here, **result))
        members, member_differences = self._members(queue, item)
        rules, rule_differences = self._overflow(queue, item)
        self._write("queue", extension, _noted(written, members, rules), queue.attributes)
        differences += member_differences + rule_differences
        if item is None or item.attributes != queue.attributes:
            differences += _attribute_differences(item.attributes if item else {}, queue.attributes)
        return self._say(_action(differences), "queue", extension, here.name, "", differences)

    def _new_queue(self, queue: WantedQueue, there: dict[str, Any]) -> None:
        settings = {"name": f"Queue {queue.extension}"} | there
        self._changes.new_queues.append(QueueData(extension=queue.extension, **settings))
        members = {number: skill for number, skill in queue.members.items() if number in self._agents}
        self._changes.bind.extend((queue.extension, number, skill) for number, skill in members.items())
        if queue.overflow:
            self._changes.overflow.append((queue.extension, queue.overflow))
        self._write("queue", queue.extension, _noted(settings, members, _plain(queue.overflow)), queue.attributes)
        self._say(Action.CREATE, "queue", queue.extension, str(settings["name"]), _counted(len(members), "member"))

    def _overflow(self, queue: WantedQueue, item: ImportedItem | None) -> tuple[list[Any], list[Difference]]:
        """What is written of the rules, and what is different: they are one thing, in their order."""
        ours, theirs = _plain(self._held.overflow.get(queue.extension, ())), _plain(queue.overflow)
        base = item.written.get("overflow", []) if item is not None else []
        if ours == theirs or not (theirs or base):  # an administrator's own are no matter of FreePBX'
            return theirs, []
        held = ours != base and not self._force
        if not held:
            self._changes.overflow.append((queue.extension, queue.overflow))
        return (base if held else theirs), [Difference(attribute="overflow", here=ours, there=theirs, held=held)]

    def _free_name(self, queue: WantedQueue) -> dict[str, Any]:
        """A name that is another queue's here gets the number added."""
        there = dict(queue.settings)
        if there.get("name") in self._names:
            ending = f" ({queue.extension})"
            there["name"] = str(there["name"])[: NAME_MAX - len(ending)].rstrip() + ending
        return there

    def _members(self, queue: WantedQueue, item: ImportedItem | None) -> tuple[dict[str, int], list[Difference]]:
        """What is written of them, and what is different."""
        here = self._held.members.get(queue.extension, {})
        there = {number: skill for number, skill in queue.members.items() if number in self._agents}
        base: dict[str, int] = item.written["members"] if item is not None else {}
        written: dict[str, int] = {}
        differences: list[Difference] = []
        for number in [*there, *(n for n in here if n not in there), *(n for n in base if n not in {**there, **here})]:
            ours, theirs, last = here.get(number), there.get(number), base.get(number)
            if ours == theirs:
                if theirs is not None:
                    written[number] = theirs
                continue
            if last is None and theirs is None:
                continue  # an administrator's own member
            held = ours != last and not self._force
            differences.append(Difference(attribute=f"member {number}", here=ours, there=theirs, held=held))
            if held:
                if last is not None:
                    written[number] = last
                continue
            self._member(queue.extension, number, ours, theirs)
            if theirs is not None:
                written[number] = theirs
        return written, differences

    def _member(self, queue: str, number: str, ours: int | None, theirs: int | None) -> None:
        if theirs is None:
            self._changes.unbind.append((queue, number))
        elif ours is None:
            self._changes.bind.append((queue, number, theirs))
        else:
            self._changes.rebind.append((queue, number, theirs))

    def _check_names(self) -> None:
        """Names stay unique, whatever was held: a queue that would take another one's name gets its number added."""
        changed = {queue.extension: queue for queue in self._changes.queues}
        taken = dict(self._names)
        for extension, queue in self._held.queues.items():
            if extension not in changed and extension not in self._changes.gone_queues:
                taken[queue.name] = extension
        for rows in (self._changes.queues, self._changes.new_queues):
            for place, queue in enumerate(rows):
                if taken.get(queue.name, queue.extension) != queue.extension:
                    ending = f" ({queue.extension})"
                    name = queue.name[: NAME_MAX - len(ending)].rstrip() + ending
                    queue = rows[place] = msgspec.structs.replace(queue, name=name)
                taken[queue.name] = queue.extension

    # the rest

    def _pause_code(self, name: str) -> None:
        if name in self._held.pause_codes:
            return self._say(Action.KEEP, "pause code", name, name)
        if ("pause code", name) in self._held.items and not self._force:
            return self._say(Action.HOLD, "pause code", name, name, "was deleted here since the last import")
        self._changes.new_pause_codes.append(name)
        self._write("pause code", name, {"name": name}, {})
        return self._say(Action.CREATE, "pause code", name, name)

    def _kept(self, kind: str, key: str, attributes: dict[str, Any], name: str) -> None:
        """What is kept as attributes only: nobody changes that here."""
        item = self._held.items.get((kind, key))
        self._write(kind, key, {}, attributes)
        if item is None:
            return self._say(Action.CREATE, kind, key, name, "kept as attributes")
        differences = _attribute_differences(item.attributes, attributes)
        return self._say(_action(differences), kind, key, name, "", differences)

    def _gone(self) -> None:
        for (kind, key), item in self._held.items.items():
            if kind == "queue" and key not in self._wanted.queues:
                self._gone_queue(key, item)
            elif kind == "agent" and key not in self._wanted.agents and key in self._held.agents:
                self._say(Action.GONE, kind, key, "", "is in no queue of FreePBX any more")
            elif kind == "extension" and self._wanted.extensions is not None and key not in self._wanted.extensions:
                if self._prune:
                    self._changes.forget.append((kind, key))
                    self._say(Action.DELETE, kind, key)
                else:
                    self._say(Action.GONE, kind, key, "", "is no longer in FreePBX; --prune forgets it")

    def _gone_queue(self, extension: str, item: ImportedItem) -> None:
        here = self._held.queues.get(extension)
        if here is None:
            return self._changes.forget.append(("queue", extension))
        changed = self._changed_here(here, item)
        if self._prune and (self._force or not changed):
            self._changes.gone_queues.append(extension)
            self._changes.forget.append(("queue", extension))
            return self._say(Action.DELETE, "queue", extension, here.name)
        reason = "is no longer in FreePBX; --prune deletes it"
        if self._prune:
            reason = f"is no longer in FreePBX, but was changed here ({', '.join(changed)}); --force deletes it"
        return self._say(Action.GONE, "queue", extension, here.name, reason)

    def _changed_here(self, here: QueueData, item: ImportedItem) -> list[str]:
        """What an administrator did to a queue since it was imported."""
        written = {"name": here.name} | item.written["settings"]
        names = (name for name in QueueData.__struct_fields__ if name != "extension")
        changed = [name for name in names if getattr(here, name) != written.get(name, default_of(name))]
        if self._held.members.get(here.extension, {}) != item.written["members"]:
            changed.append("members")
        if _plain(self._held.overflow.get(here.extension, ())) != item.written.get("overflow", []):
            changed.append("overflow")
        return changed

    def _merge(
        self,
        ours: Mapping[str, Any],
        there: Mapping[str, Any],
        base: Mapping[str, Any] | None,
        unset: Mapping[str, Any],
    ) -> tuple[dict[str, Any], dict[str, Any], list[Difference]]:
        """The values to have, what is written of them, the differences. base None: no import wrote it. unset: what an
        attribute has that an earlier import did not know."""
        result: dict[str, Any] = {}
        written: dict[str, Any] = dict(base or {})
        differences: list[Difference] = []
        for attribute, theirs in there.items():
            mine = ours[attribute]
            if mine == theirs:
                written[attribute] = theirs
                continue
            untouched = base is not None and (
                base[attribute] == mine if attribute in base else unset.get(attribute) == mine
            )
            held = not untouched and not self._force
            differences.append(Difference(attribute=attribute, here=mine, there=theirs, held=held))
            if not held:
                result[attribute] = written[attribute] = theirs
        return result, written, differences

    def _write(self, kind: str, key: str, written: dict[str, Any], attributes: dict[str, Any]) -> None:
        item = ImportedItem(kind=kind, key=key, written=written, attributes=attributes)
        if self._held.items.get((kind, key)) != item:
            self._changes.items.append(item)

    def _say(
        self,
        action: Action,
        kind: str,
        key: str,
        name: str = "",
        reason: str = "",
        differences: list[Difference] | None = None,
    ) -> None:
        self._entries.append(
            Entry(action=action, kind=kind, key=key, name=name, reason=reason, differences=differences or [])
        )


def _plain(rules: tuple[Overflow, ...]) -> list[Any]:
    return msgspec.to_builtins(list(rules), str_keys=True)  # type: ignore[no-any-return]


def _noted(settings: dict[str, Any], members: dict[str, int], rules: list[Any]) -> dict[str, Any]:
    """What is noted as written of a queue; without rules, as before there were any."""
    noted: dict[str, Any] = {"settings": settings, "members": members}
    return noted | {"overflow": rules} if rules else noted


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _action(differences: list[Difference]) -> Action:
    if any(not difference.held for difference in differences):
        return Action.CHANGE
    return Action.HOLD if differences else Action.KEEP


def _attribute_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Which attributes that are only kept are different. Without their values: there are secrets among them."""
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return [Difference(attribute=f"attribute {name}", here="…", there="…") for name in names]
