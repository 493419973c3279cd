"""Plan and notes, for people and for scripts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ari_app.freepbx.decisions import Action, Difference, Entry, Plan
from ari_app.freepbx.notes import Level, Note

#: entries of a kind, differences of an entry, and subjects of a note that are listed without --all
SHOWN = 40
_SUBJECTS = 5


def text(source: str, plan: Plan, notes: list[Note], *, everything: bool = False) -> list[str]:
    """Lines for a person."""
    lines = [f"FreePBX: {source}"]
    for action in Action:
        entries = [entry for entry in plan.entries if entry.action is action]
        if action is Action.KEEP:
            lines += _kept(entries)
        else:
            lines += _entries(action, entries, everything)
    for level in Level:
        found = [note for note in notes if note.level is level]
        if found:
            lines += ["", f"{level}:", *(_note(note, everything) for note in found)]
    lines += ["", _summary(plan)]
    return lines


def _entries(action: Action, entries: list[Entry], everything: bool) -> Iterator[str]:
    shown = len(entries) if everything else SHOWN
    for entry in entries[:shown]:
        name = f' "{entry.name}"' if entry.name and entry.name != entry.key else ""
        reason = f": {entry.reason}" if entry.reason else ""
        yield f"{action:<7} {entry.kind} {entry.key}{name}{reason}"
        most = len(entry.differences) if everything else SHOWN
        yield from (f"          {_difference(difference)}" for difference in entry.differences[:most])
        if len(entry.differences) > most:
            yield f"          and {len(entry.differences) - most} more; --all lists them"
    if len(entries) > shown:
        yield f"{action:<7} and {len(entries) - shown} more; --all lists them"


def _difference(difference: Difference) -> str:
    if difference.secret:
        held = "is another one here; kept (--force overwrites)"
        return f"{difference.attribute} {held if difference.held else 'changes'}"
    here, there = _value(difference.here), _value(difference.there)
    if difference.held:
        return f"{difference.attribute}: {here} here, {there} in FreePBX; kept (--force overwrites)"
    return f"{difference.attribute}: {here} -> {there}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(each)}" for name, each in value.items() if each is not None)
    return "none" if value is None else str(value) if not isinstance(value, str) else f'"{value}"'


def _kept(entries: list[Entry]) -> Iterator[str]:
    kinds: dict[str, int] = {}
    for entry in entries:
        kinds[entry.kind] = kinds.get(entry.kind, 0) + 1
    if kinds:
        yield f"{Action.KEEP:<7} " + ", ".join(f"{kind} {count}" for kind, count in kinds.items())


def _note(note: Note, everything: bool) -> str:
    shown = note.subjects if everything else note.subjects[:_SUBJECTS]
    more = len(note.subjects) - len(shown)
    subjects = ", ".join(shown) + (f" and {more} more" if more else "")
    return f"  {note.item}: {note.reason} ({subjects})"


def _summary(plan: Plan) -> str:
    parts = []
    for kind, actions in plan.counted().items():
        parts.append(f"{kind}: " + ", ".join(f"{count} {action}" for action, count in actions.items()))
    return "; ".join(parts)


def as_json(source: str, plan: Plan, notes: list[Note], *, applied: bool) -> dict[str, Any]:
    """For a script: all of it."""
    return {
        "source": source,
        "applied": applied,
        "changes": not plan.empty,
        "summary": plan.counted(),
        "entries": [msgspec.to_builtins(entry) for entry in plan.entries if entry.action is not Action.KEEP],
        "notes": [msgspec.to_builtins(note) for note in notes],
    }
