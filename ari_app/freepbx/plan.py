"""What to do, decided from three things: what FreePBX says, what the last import wrote, and what is here. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ari_app.acd.destination import Overflow
from ari_app.freepbx.decisions import Action, Difference, Ledger, Options, Plan, action_of, attribute_differences
from ari_app.freepbx.mapping import Wanted, WantedQueue
from ari_app.freepbx.plan_extensions import ExtensionPlanner
from ari_app.freepbx.settings import NAME_MAX, default_of
from ari_app.store.imports import Held, ImportedItem
from ari_app.store.values import QueueData, UserData


def plan(wanted: Wanted, held: Held, options: Options | None = None) -> Plan:
    """What to do."""
    return _Planner(wanted, held, options or Options()).plan()


class _Planner:
    def __init__(self, wanted: Wanted, held: Held, options: Options) -> None:
        self._wanted = wanted
        self._held = held
        self._force = options.force
        self._prune = options.prune
        self._ledger = Ledger(held, options)
        #: numbers of agents that are here, or will be
        self._agents: set[str] = set(held.agents)
        others = held.queues.keys() - wanted.queues.keys()
        #: names that no imported queue may take
        self._names = {held.queues[extension].name: extension for extension in others}

    def plan(self) -> Plan:
        if self._wanted.knows_queues:
            self._gone()
        for extension in self._ledger.changes.gone_queues:
            del self._names[self._held.queues[extension].name]
        for agent in self._wanted.agents.values():
            self._agent(agent.number, agent.data)
        for queue in self._wanted.queues.values():
            self._queue(queue)
        for name in self._wanted.pause_codes:
            self._pause_code(name)
        if self._wanted.extensions is not None:
            ExtensionPlanner(self._wanted.extensions, self._ledger).plan(all_known=self._wanted.knows_extensions)
        if self._wanted.general is not None:
            self._kept("general", "freepbx", self._wanted.general, "")
        self._check_names()
        return self._ledger.plan()

    # agents

    def _agent(self, number: str, there: Mapping[str, str | None]) -> None:
        item = self._held.items.get(("agent", number))
        here = self._held.agents.get(number)
        there = self._free_email(number, there)
        named = {"first_name": "Agent", "last_name": number} | there
        name = " ".join(part for part in (named["first_name"], named["last_name"]) if part)
        if here is None:
            if item is not None and not self._force:
                return self._ledger.say(Action.HOLD, "agent", number, name, "was deleted here since the last import")
            self._ledger.changes.new_agents.append(UserData(number=number, **named))  # type: ignore[arg-type]
            self._agents.add(number)
            self._ledger.write("agent", number, dict(named), {})
            return self._ledger.say(Action.CREATE, "agent", number, name)
        base = item.written if item is not None else None
        ours = {attribute: getattr(here, attribute) for attribute in there}
        result, written, differences = self._ledger.merge(ours, there, base, {})
        if any(not difference.held for difference in differences):
            self._ledger.changes.agents.append(msgspec.structs.replace(here, **result))
        if item is not None or any(not difference.held for difference in differences):
            self._ledger.write("agent", number, written, {})
        reason = "" if item is not None else "was here before"
        return self._ledger.say(action_of(differences), "agent", number, name, reason, differences)

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
                return self._ledger.say(Action.HOLD, "queue", extension, name, "was deleted here since the last import")
            if extension in self._held.extensions:
                reason = "is an extension's number here"
                return self._ledger.say(Action.HOLD, "queue", extension, str(there.get("name", "")), reason)
            return self._new_queue(queue, there)
        if item is None and not self._force:
            reason = "was here before, and is no import's; --force takes it over"
            return self._ledger.say(Action.HOLD, "queue", extension, here.name, reason)
        base = item.written["settings"] if item is not None else None
        ours = {attribute: getattr(here, attribute) for attribute in there}
        defaults = {attribute: default_of(attribute) for attribute in there}
        result, written, differences = self._ledger.merge(ours, there, base, defaults)
        if any(not difference.held for difference in differences):
            self._ledger.changes.queues.append(msgspec.structs.replace(here, **result))
        members, member_differences = self._members(queue, item)
        rules, rule_differences = self._overflow(queue, item)
        self._ledger.write("queue", extension, _noted(written, members, rules), queue.attributes)
        differences += member_differences + rule_differences
        if item is None or item.attributes != queue.attributes:
            differences += attribute_differences(item.attributes if item else {}, queue.attributes)
        return self._ledger.say(action_of(differences), "queue", extension, here.name, "", differences)

    def _new_queue(self, queue: WantedQueue, there: dict[str, Any]) -> None:
        settings = {"name": f"Queue {queue.extension}"} | there
        self._ledger.changes.new_queues.append(QueueData(extension=queue.extension, **settings))
        members = {number: skill for number, skill in queue.members.items() if number in self._agents}
        self._ledger.changes.bind.extend((queue.extension, number, skill) for number, skill in members.items())
        if queue.overflow:
            self._ledger.changes.overflow.append((queue.extension, queue.overflow))
        self._ledger.write(
            "queue", queue.extension, _noted(settings, members, _plain(queue.overflow)), queue.attributes
        )
        self._ledger.say(
            Action.CREATE, "queue", queue.extension, str(settings["name"]), _counted(len(members), "member")
        )

    def _overflow(self, queue: WantedQueue, item: ImportedItem | None) -> tuple[list[Any], list[Difference]]:
        """What is written of the rules, and what is different: they are one thing, in their order."""
        ours, theirs = _plain(self._held.overflow.get(queue.extension, ())), _plain(queue.overflow)
        base = item.written.get("overflow", []) if item is not None else []
        if ours == theirs or not (theirs or base):  # an administrator's own are no matter of FreePBX'
            return theirs, []
        held = ours != base and not self._force
        if not held:
            self._ledger.changes.overflow.append((queue.extension, queue.overflow))
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
            self._ledger.changes.unbind.append((queue, number))
        elif ours is None:
            self._ledger.changes.bind.append((queue, number, theirs))
        else:
            self._ledger.changes.rebind.append((queue, number, theirs))

    def _check_names(self) -> None:
        """Names stay unique, whatever was held: a queue that would take another one's name gets its number added."""
        changed = {queue.extension: queue for queue in self._ledger.changes.queues}
        taken = dict(self._names)
        for extension, queue in self._held.queues.items():
            if extension not in changed and extension not in self._ledger.changes.gone_queues:
                taken[queue.name] = extension
        for rows in (self._ledger.changes.queues, self._ledger.changes.new_queues):
            for place, queue in enumerate(rows):
                if taken.get(queue.name, queue.extension) != queue.extension:
                    ending = f" ({queue.extension})"
                    name = queue.name[: NAME_MAX - len(ending)].rstrip() + ending
                    queue = rows[place] = msgspec.structs.replace(queue, name=name)
                taken[queue.name] = queue.extension

    # the rest

    def _pause_code(self, name: str) -> None:
        if name in self._held.pause_codes:
            return self._ledger.say(Action.KEEP, "pause code", name, name)
        if ("pause code", name) in self._held.items and not self._force:
            return self._ledger.say(Action.HOLD, "pause code", name, name, "was deleted here since the last import")
        self._ledger.changes.new_pause_codes.append(name)
        self._ledger.write("pause code", name, {"name": name}, {})
        return self._ledger.say(Action.CREATE, "pause code", name, name)

    def _kept(self, kind: str, key: str, attributes: dict[str, Any], name: str) -> None:
        """What is kept as attributes only: nobody changes that here."""
        item = self._held.items.get((kind, key))
        self._ledger.write(kind, key, {}, attributes)
        if item is None:
            return self._ledger.say(Action.CREATE, kind, key, name, "kept as attributes")
        differences = attribute_differences(item.attributes, attributes)
        return self._ledger.say(action_of(differences), kind, key, name, "", differences)

    def _gone(self) -> None:
        for (kind, key), item in self._held.items.items():
            if kind == "queue" and key not in self._wanted.queues:
                self._gone_queue(key, item)
            elif kind == "agent" and key not in self._wanted.agents and key in self._held.agents:
                self._ledger.say(Action.GONE, kind, key, "", "is in no queue of FreePBX any more")

    def _gone_queue(self, extension: str, item: ImportedItem) -> None:
        here = self._held.queues.get(extension)
        if here is None:
            return self._ledger.changes.forget.append(("queue", extension))
        changed = self._changed_here(here, item)
        if self._prune and (self._force or not changed):
            self._ledger.changes.gone_queues.append(extension)
            self._ledger.changes.forget.append(("queue", extension))
            return self._ledger.say(Action.DELETE, "queue", extension, here.name)
        reason = "is no longer in FreePBX; --prune deletes it"
        if self._prune:
            reason = f"is no longer in FreePBX, but was changed here ({', '.join(changed)}); --force deletes it"
        return self._ledger.say(Action.GONE, "queue", extension, here.name, reason)

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


def _plain(rules: tuple[Overflow, ...]) -> list[Any]:
    return msgspec.to_builtins(list(rules), str_keys=True)  # type: ignore[no-any-return]


def _noted(settings: dict[str, Any], members: dict[str, int], rules: list[Any]) -> dict[str, Any]:
    """What is noted as written of a queue; without rules, as before there were any."""
    noted: dict[str, Any] = {"settings": settings, "members": members}
    return noted | {"overflow": rules} if rules else noted


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
