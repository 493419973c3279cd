"""What is to be done about each thing, and the rule by which an attribute's value is decided. Pure.

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

from ari_app.store.imports import Changes, Held, ImportedItem


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
    #: what it is and was is not to be seen
    secret: bool = False


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
    #: delete queues and extensions that are no longer in FreePBX
    prune: bool = False
    #: make the extensions in Asterisk; None: as they are, and new ones are not
    provision: bool | None = None


class Ledger:
    """The plan in the making: entries for people, changes for the store."""

    def __init__(self, held: Held, options: Options) -> None:
        self.held = held
        self.options = options
        self.entries: list[Entry] = []
        self.changes = Changes(**{name: [] for name in Changes.__struct_fields__})

    def plan(self) -> Plan:
        """As it is by now."""
        return Plan(entries=self.entries, changes=self.changes)

    def merge(
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
            held = not untouched and not self.options.force
            differences.append(Difference(attribute=attribute, here=mine, there=theirs, held=held))
            if not held:
                result[attribute] = written[attribute] = theirs
        return result, written, differences

    def write(self, kind: str, key: str, written: dict[str, Any], attributes: dict[str, Any]) -> None:
        item = ImportedItem(kind=kind, key=key, written=written, attributes=attributes)
        if self.held.items.get((kind, key)) != item:
            self.changes.items.append(item)

    def say(
        self,
        action: Action,
        kind: str,
        key: str,
        name: str = "",
        reason: str = "",
        differences: list[Difference] | None = None,
    ) -> None:
        self.entries.append(
            Entry(action=action, kind=kind, key=key, name=name, reason=reason, differences=differences or [])
        )


def action_of(differences: list[Difference]) -> Action:
    """What is done about a thing with these differences."""
    if any(not difference.held for difference in differences):
        return Action.CHANGE
    return Action.HOLD if differences else Action.KEEP


def attribute_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Which attributes that are only kept are different. Without their values: they are long."""
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return [Difference(attribute=f"attribute {name}", here="…", there="…", secret=True) for name in names]
