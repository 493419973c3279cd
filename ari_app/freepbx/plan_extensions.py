"""What to do about extensions. An extension's settings are one flat table here, so that each is decided by itself.

name cid_masquerade outbound_cid emergency_cid call_waiting dtmf_mode context nat
recording.inbound_external recording.inbound_internal recording.outbound_external recording.outbound_internal
recording.on_demand
voicemail                 {context, email, pager_email, options}; None: no mailbox
voicemail.password        tells whether it has changed (freepbx/extensions.py)
secret                    H(A1)
provisioned               it is made in Asterisk
"""

from __future__ import annotations

from typing import Any

import msgspec

from ari_app.calls.directory import ExtensionSettings, Mailbox, RecordingRules
from ari_app.freepbx.decisions import Action, Difference, Ledger, action_of, attribute_differences
from ari_app.freepbx.extensions import WantedExtension, numbered
from ari_app.store.imported_extensions import ExtensionRow, KeptExtension
from ari_app.store.imports import MAILBOX_HASH, ImportedItem

KIND = "extension"
_RECORDING = "recording."
_PASSWORD = "voicemail.password"
_SECRETS = frozenset(("secret", _PASSWORD))
_PLAIN = ("name", "cid_masquerade", "outbound_cid", "emergency_cid", "call_waiting", "dtmf_mode", "context", "nat")
#: what a new one has where the source does not say. FreePBX' own default is that a second call knocks
_NEW: dict[str, Any] = {"call_waiting": True, "voicemail": None}


class ExtensionPlanner:
    """The extensions' part of a plan."""

    def __init__(self, wanted: dict[str, WantedExtension], ledger: Ledger) -> None:
        self._wanted = wanted
        self._ledger = ledger
        self._here = ledger.held.extensions
        self._options = ledger.options
        #: names that no imported extension may take
        self._names = {one.settings.name: number for number, one in self._here.items() if number not in wanted}

    def plan(self, *, all_known: bool) -> None:
        """all_known: one that is not wanted is gone from FreePBX."""
        if all_known:
            self._gone()
        for number in self._ledger.changes.gone_extensions:
            del self._names[self._here[number].settings.name]
        for wanted in self._wanted.values():
            self._extension(wanted)
        self._check_names()

    def _extension(self, wanted: WantedExtension) -> None:
        number = wanted.extension
        item = self._ledger.held.items.get((KIND, number))
        if item is not None and not item.written:
            item = None  # of an import from before there were extensions: it kept them as attributes only
        here = self._here.get(number)
        name = str(wanted.settings.get("name", number))
        if number in self._ledger.held.others_extensions:
            return self._say(Action.HOLD, number, name, "is another account's extension here")
        if number in self._ledger.held.queues:
            return self._say(Action.HOLD, number, name, "is a queue's number here")
        there = self._there(wanted)
        if here is None:
            if item is not None and not self._options.force:
                return self._say(Action.HOLD, number, name, "was deleted here since the last import")
            return self._new(wanted, there)
        if item is None and not self._options.force:
            reason = "was here before, and is no import's; --force takes it over"
            return self._say(Action.HOLD, number, here.settings.name, reason)
        return self._known(wanted, there, here, item)

    def _there(self, wanted: WantedExtension) -> dict[str, Any]:
        there = dict(wanted.settings)
        if there.get("name") in self._names:
            there["name"] = numbered(there["name"], wanted.extension)
        return there

    def _provisioned(self, wanted: WantedExtension, here: bool) -> bool:
        if self._options.provision is None:
            return here
        return self._options.provision and not wanted.not_sip

    def _new(self, wanted: WantedExtension, there: dict[str, Any]) -> None:
        there = {"name": wanted.extension} | there
        flat = _flat(None) | _NEW | there | {"provisioned": self._provisioned(wanted, here=False)}
        row = _row(wanted.extension, flat, there.get("secret"), wanted.mailbox_password)
        self._ledger.changes.new_extensions.append(row)
        self._ledger.write(KIND, wanted.extension, there, wanted.attributes)
        self._say(Action.CREATE, wanted.extension, str(there["name"]), self._made(wanted, row.provisioned))

    def _made(self, wanted: WantedExtension, provisioned: bool) -> str:
        if provisioned:
            return "to be made in Asterisk"
        return f"not made in Asterisk: {wanted.not_sip}" if self._options.provision else ""

    def _known(
        self, wanted: WantedExtension, there: dict[str, Any], here: KeptExtension, item: ImportedItem | None
    ) -> None:
        base = item.written if item is not None else None
        ours = _flat(here) | {_PASSWORD: _password_here(here, base)}
        result, written, differences = self._ledger.merge(
            {name: ours.get(name) for name in there}, there, base, {"voicemail": None, _PASSWORD: None}
        )
        provisioned = self._provisioned(wanted, here.provisioned)
        if provisioned != here.provisioned:
            result["provisioned"] = provisioned
            differences.append(Difference(attribute="in Asterisk", here=here.provisioned, there=provisioned))
        if any(not difference.held for difference in differences):
            password = wanted.mailbox_password if _PASSWORD in result or here.mailbox is None else None
            row = _row(wanted.extension, ours | result, result.get("secret"), password)
            self._ledger.changes.extensions.append(row)
        if _PASSWORD in result or written.get("voicemail") is None:
            written.pop(MAILBOX_HASH, None)
        if written.get("voicemail") is None:
            written.pop(_PASSWORD, None)
        self._ledger.write(KIND, wanted.extension, written, wanted.attributes)
        differences = [_concealed(difference) for difference in differences]
        if item is None or item.attributes != wanted.attributes:
            differences += attribute_differences(item.attributes if item else {}, wanted.attributes)
        reason = self._made(wanted, provisioned=False) if self._options.provision and wanted.not_sip else ""
        self._say(action_of(differences), wanted.extension, here.settings.name, reason, differences)

    def _gone(self) -> None:
        for (kind, number), item in self._ledger.held.items.items():
            if kind != KIND or number in self._wanted:
                continue
            here = self._here.get(number)
            if here is None or not item.written:
                self._ledger.changes.forget.append((KIND, number))
                continue
            changed = _changed_here(here, item)
            if self._options.prune and (self._options.force or not changed):
                self._ledger.changes.gone_extensions.append(number)
                self._ledger.changes.forget.append((KIND, number))
                self._say(Action.DELETE, number, here.settings.name)
                continue
            reason = "is no longer in FreePBX; --prune deletes it"
            if self._options.prune:
                reason = f"is no longer in FreePBX, but was changed here ({', '.join(changed)}); --force deletes it"
            self._say(Action.GONE, number, here.settings.name, reason)

    def _check_names(self) -> None:
        """Names stay unique, whatever was held: who would take another one's name gets his number added."""
        changes = self._ledger.changes
        changed = {row.settings.extension for row in changes.extensions}
        taken = dict(self._names)
        for number, one in self._here.items():
            if number not in changed and number not in changes.gone_extensions:
                taken[one.settings.name] = number
        for rows in (changes.extensions, changes.new_extensions):
            for place, row in enumerate(rows):
                number, name = row.settings.extension, row.settings.name
                if taken.get(name, number) != number:
                    settings = msgspec.structs.replace(row.settings, name=numbered(name, number))
                    row = rows[place] = msgspec.structs.replace(row, settings=settings)
                taken[row.settings.name] = number

    def _say(
        self, action: Action, number: str, name: str, reason: str = "", differences: list[Difference] | None = None
    ) -> None:
        self._ledger.say(action, KIND, number, name, reason, differences)


def _flat(here: KeptExtension | None) -> dict[str, Any]:
    """One that is here, or the defaults, as the flat table; without the mailbox' password."""
    settings = here.settings if here is not None else ExtensionSettings(extension="", name="")
    found: dict[str, Any] = {name: getattr(settings, name) for name in _PLAIN}
    for name, value in msgspec.structs.asdict(settings.recording).items():
        found[_RECORDING + name] = value
    if here is not None:
        found["voicemail"] = None if here.mailbox is None else msgspec.to_builtins(here.mailbox)
        found |= {"secret": here.digest, "provisioned": here.provisioned}
    return found


def _row(number: str, flat: dict[str, Any], digest: str | None, mailbox_password: str | None) -> ExtensionRow:
    rules = {name.removeprefix(_RECORDING): flat[name] for name in flat if name.startswith(_RECORDING)}
    plain = {name: flat[name] for name in _PLAIN}
    mailbox = None if flat["voicemail"] is None else msgspec.convert(flat["voicemail"], Mailbox)
    return ExtensionRow(
        settings=ExtensionSettings(extension=number, recording=RecordingRules(**rules), **plain),
        digest=digest,
        provisioned=flat["provisioned"],
        mailbox=mailbox,
        mailbox_password=None if mailbox is None else mailbox_password,
    )


def _password_here(here: KeptExtension, base: dict[str, Any] | None) -> str | None:
    """By what tells whether it has changed; "" for one that somebody set here."""
    if here.mailbox_hash is None:
        return None
    if base is not None and base.get(MAILBOX_HASH) == here.mailbox_hash:
        return str(base.get(_PASSWORD, ""))
    return ""


def _changed_here(here: KeptExtension, item: ImportedItem) -> list[str]:
    """What an administrator did to an extension since it was imported."""
    imported = _flat(None) | _NEW | item.written
    ours = _flat(here) | {_PASSWORD: _password_here(here, item.written)}
    return [name for name, value in ours.items() if name in imported and imported[name] != value]


def _concealed(difference: Difference) -> Difference:
    if difference.attribute not in _SECRETS:
        return difference
    return msgspec.structs.replace(difference, here="…", there="…", secret=True)
