"""An extension of FreePBX -> an extension of ours: the table of the conversions, each with its rule."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Any

import email_validator
import msgspec

from ari_app.calls.extensions import sip_digest
from ari_app.freepbx import extension_extras
from ari_app.freepbx.description import ExtensionEntry
from ari_app.freepbx.notes import Notes
from ari_app.freepbx.text import flag, printable, repaired

NAME_MAX = 50
SECRET_MAX = 80
_CID_MAX = 20

_NUMBER = re.compile(r"[1-9][0-9]{0,19}\Z", re.ASCII)
_CONTEXT = re.compile(r"[A-Za-z0-9_.-]{1,79}\Z")
_DIGITS = re.compile(r"[0-9]{1,20}\Z", re.ASCII)
#: `"Sales" <+49 30 1234>`, `Sales <0301234>`, `<0301234>`
_WITH_NAME = re.compile(r"(?P<name>.*)<(?P<number>[^<>]*)>\s*\Z")
_PUNCTUATION = re.compile(r"[\s()./-]")
_MD5 = re.compile(r"[0-9a-f]{32}\Z", re.IGNORECASE)

#: FreePBX' words for when calls are recorded -> ours. "force" and "never" win over the other party's setting there
_RULES = {
    **dict.fromkeys(("yes", "force", "always"), "always"),
    **dict.fromkeys(("no", "never"), "never"),
    **dict.fromkeys(("", "dontcare"), "dontcare"),
}
#: its name for a kind of call -> ours
_PLACES = {
    "recording/in/external": "inbound_external",
    "recording/in/internal": "inbound_internal",
    "recording/out/external": "outbound_external",
    "recording/out/internal": "outbound_internal",
}
_ON_DEMAND = {"enabled": True, "override": True, "disabled": False, "": False}
#: of chan_sip and PJSIP
_DTMF = {
    **{mode: mode for mode in ("rfc2833", "inband", "auto", "info", "shortinfo")},
    **{"rfc4733": "rfc2833", "auto_info": "auto"},
}
#: chan_sip's nat. Half of it (rport without media, media without rport) and the automatic forms are not told apart here
_NAT = {
    **{"yes": "yes", "force_rport,comedia": "yes", "comedia,force_rport": "yes"},
    **{"no": "no", "never": "never", "route": "route"},
}
_NAT_HALVES = frozenset(("force_rport", "comedia", "auto_force_rport", "auto_comedia", "auto_force_rport,auto_comedia"))
#: PJSIP has three settings for it
_SYMMETRY = ("rtp_symmetric", "force_rport", "rewrite_contact")
_BOX_OPTIONS = ("attach", "saycid", "envelope", "delete")


class WantedExtension(msgspec.Struct, frozen=True, kw_only=True):
    """An extension as it is to be. What the source does not have is left out of `settings`.

    Holds secrets: for the store only.
    """

    extension: str
    #: by the flat names of plan_extensions.py
    settings: dict[str, Any]
    #: of the mailbox, in clear; None: unknown, or there is no mailbox
    mailbox_password: str | None = None
    #: why it cannot be made in Asterisk; "": it can
    not_sip: str = ""
    #: what is kept of it; no secrets
    attributes: dict[str, Any] = {}


def wanted_extensions(
    entries: Iterable[ExtensionEntry], queues: Iterable[str], notes: Notes
) -> dict[str, WantedExtension]:
    """All that can be extensions here, by number; names are made unique, and what cannot be is in the notes."""
    found: dict[str, WantedExtension] = {}
    taken: set[str] = set()
    numbers_of_queues = frozenset(queues)
    for entry in entries:
        subject = f"extension {entry.extension}"
        if not _NUMBER.match(entry.extension):
            notes.cannot(subject, "extension", "an extension's number must be digits and not begin with 0")
        elif entry.extension in numbers_of_queues:
            notes.cannot(subject, "extension", "a queue has the same number")
        else:
            one = _Converter(entry, notes).wanted()
            found[entry.extension] = one = _named(one, taken, notes)
            taken.add(one.settings.get("name", one.extension))
    return found


def _named(wanted: WantedExtension, taken: set[str], notes: Notes) -> WantedExtension:
    """FreePBX lets two extensions have one name; here a name is unique."""
    name = wanted.settings.get("name")
    if name is None or name not in taken:
        return wanted
    notes.changed(
        f"extension {wanted.extension}", "name", "another extension has this name; its number was added to the second"
    )
    name = numbered(name, wanted.extension)
    return msgspec.structs.replace(wanted, settings=wanted.settings | {"name": name})


def numbered(name: str, extension: str) -> str:
    """A name with the number added, not longer than one may be."""
    ending = f" ({extension})"
    return name[: NAME_MAX - len(ending)].rstrip() + ending


class _Converter:
    def __init__(self, entry: ExtensionEntry, notes: Notes) -> None:
        self._entry = entry
        self._notes = notes
        self._subject = f"extension {entry.extension}"

    def wanted(self) -> WantedExtension:
        entry = self._entry
        settings: dict[str, Any] = {"name": self._name()} if "name" in entry.user else {}
        shown = entry.user.get("outboundcid", (entry.astdb or {}).get("outboundcid"))
        if shown is not None:
            settings["outbound_cid"] = self._caller_id("outboundcid", shown)
        if "emergency_cid" in entry.device:
            settings["emergency_cid"] = self._caller_id("emergency_cid", entry.device["emergency_cid"])
        if entry.astdb is not None:
            settings |= self._of_astdb(entry.astdb)
        not_sip = self._not_sip()
        if entry.technology:
            settings |= self._sip()
        password = self._mailbox(settings)
        return WantedExtension(
            extension=entry.extension,
            settings=settings,
            mailbox_password=password,
            not_sip=not_sip,
            attributes=extension_extras.attributes(entry, self._notes),
        )

    def _name(self) -> str:
        name = printable(repaired(self._entry.name))
        if not name:
            return self._entry.extension
        if len(name) > NAME_MAX:
            self._notes.changed(self._subject, "name", f"cut to {NAME_MAX} characters")
        return name[:NAME_MAX].rstrip()

    def _not_sip(self) -> str:
        """Why no phone could register here as it does there."""
        device, technology = self._entry.device, self._entry.device.get("tech", "").lower()
        if not device:
            return "" if self._entry.technology else "it has no device"
        if technology not in ("pjsip", "sip"):
            return f"its device is {printable(technology) or 'none'}, not SIP"
        if device.get("id", self._entry.extension) != self._entry.extension:
            return f"its phone registers as device {device['id']}"
        name = self._entry.technology.get("username", "").strip()
        if technology == "pjsip" and name not in ("", self._entry.extension):
            return f"its phone logs in as {printable(name)[:40]}"
        return ""

    # caller ids

    def _caller_id(self, item: str, written: str) -> str | None:
        """A number of digits, from a caller id as the GUI takes it."""
        text = printable(written)
        if not text:
            return None
        match = _WITH_NAME.match(text)
        number = match["number"] if match is not None else text
        digits = _PUNCTUATION.sub("", number).removeprefix("+")
        if not _DIGITS.match(digits):
            self._notes.kept(self._subject, f"{item}={text[:60]}", f"is no number of 1 to {_CID_MAX} digits")
            return None
        if match is not None and match["name"].strip(' "'):
            self._notes.changed(self._subject, item, "has a name; only the number is shown")
        if number.strip().startswith("+"):
            self._notes.changed(self._subject, item, "begins with +, which numbers here do not")
        return digits

    # Asterisk's own database

    def _of_astdb(self, astdb: dict[str, str]) -> dict[str, Any]:
        masquerade = astdb.get("cidnum", "").strip()
        found: dict[str, Any] = {
            "cid_masquerade": None if masquerade == self._entry.extension else self._caller_id("cidnum", masquerade),
            "call_waiting": flag(astdb.get("callwaiting", "")),
        }
        for key, name in _PLACES.items():
            found[f"recording.{name}"] = self._word(key, astdb.get(key, ""), _RULES, "dontcare")
        found["recording.on_demand"] = self._word(
            "recording/ondemand", astdb.get("recording/ondemand", ""), _ON_DEMAND, False
        )
        return found

    def _word(self, item: str, written: str, known: dict[str, Any], otherwise: Any) -> Any:
        word = printable(written).lower()
        if word in known:
            return known[word]
        shown = "disabled" if otherwise is False else otherwise
        self._notes.changed(self._subject, f"{item}={word[:40]}", f"is unknown; taken as {shown}")
        return otherwise

    # SIP

    def _sip(self) -> dict[str, Any]:
        technology = self._entry.technology
        found: dict[str, Any] = {}
        if "dtmfmode" in technology:
            found["dtmf_mode"] = self._word("dtmfmode", technology["dtmfmode"] or "rfc2833", _DTMF, "rfc2833")
            if technology["dtmfmode"].strip().lower() == "auto_info":
                self._notes.changed(self._subject, "dtmfmode=auto_info", "taken as auto: in-band in place of INFO")
        context = printable(technology.get("context", ""))
        if context and not _CONTEXT.match(context):
            self._notes.kept(self._subject, f"context={context[:40]}", "is no name of a context")
        elif context:
            found["context"] = context
        nat = self._nat(technology)
        if nat is not None:
            found["nat"] = nat
        digest = self._digest(technology)
        if digest is not None:
            found["secret"] = digest
        return found

    def _nat(self, technology: dict[str, str]) -> str | None:
        written = technology.get("nat", "").replace(" ", "").lower()
        if written in _NAT:
            return _NAT[written]
        if written:
            known = "has no counterpart by itself" if written in _NAT_HALVES else "is unknown"
            self._notes.changed(self._subject, f"nat={printable(written)[:40]}", f"{known}; taken as yes")
            return "yes"
        parts = [flag(technology[name]) for name in _SYMMETRY if technology.get(name, "").strip()]
        if not parts:
            return None
        if any(parts) and not all(parts):
            shown = ", ".join(f"{name}={technology[name]}" for name in _SYMMETRY if technology.get(name, "").strip())
            self._notes.changed(self._subject, shown, "are one setting here; taken as yes")
        return "yes" if any(parts) else "no"

    def _digest(self, technology: dict[str, str]) -> str | None:
        """What Asterisk checks a phone with. Nothing of a secret is ever in a note."""
        secret = self._secret()
        if secret:
            return sip_digest(self._entry.extension, secret)
        ready = technology.get("md5_cred", "").strip()
        if _MD5.match(ready):
            self._notes.remark(self._subject, "md5_cred", "holds if it was made with the realm asterisk")
            return ready.lower()
        self._notes.remark(self._subject, "secret", "is not in the source: no phone can register with one from here")
        return None

    def _secret(self) -> str:
        secret = self._entry.technology.get("secret", "")
        if secret == "REGEN":  # the Bulk Handler's word for "make one"
            return ""
        if len(secret) > SECRET_MAX or secret != printable(secret):
            reason = f"is longer than {SECRET_MAX} characters, or has some that cannot be typed"
            self._notes.cannot(self._subject, "secret", reason)
            return ""
        return secret

    # the mailbox

    def _mailbox(self, settings: dict[str, Any]) -> str | None:
        """Put it into the settings; its password."""
        entry = self._entry
        if entry.voicemail is None:
            context = entry.user.get("voicemail", "").strip()
            if context in ("", "novm") and "voicemail" in entry.user:
                settings["voicemail"] = None
            elif context:
                self._notes.remark(self._subject, f"mailbox in {printable(context)}", "is not in the source")
            return None
        box = entry.voicemail
        if not _CONTEXT.match(box.context):
            self._notes.cannot(self._subject, f"mailbox in {printable(box.context)[:40]}", "is no name of a context")
            return None
        options = {name: "yes" if flag(box.options[name]) else "no" for name in _BOX_OPTIONS if name in box.options}
        for name in sorted(box.options.keys() - set(_BOX_OPTIONS)):
            self._notes.kept(self._subject, f"mailbox option {printable(name)[:40]}", "has no counterpart")
        settings["voicemail"] = {
            "context": box.context,
            "email": self._address("e-mail", box.email),
            "pager_email": self._address("pager", box.pager),
            "options": options or None,
        }
        return self._pin(box.password, settings)

    def _address(self, item: str, written: str) -> str | None:
        first, *others = [part.strip() for part in written.split(",")]
        if not first:
            return None
        if others:
            self._notes.changed(self._subject, f"{item} address of the mailbox", "are several; the first is taken")
        try:
            return email_validator.validate_email(first, check_deliverability=False).normalized
        except email_validator.EmailNotValidError:
            self._notes.cannot(self._subject, f"{item} address of the mailbox", "is not one")
            return None

    def _pin(self, written: str, settings: dict[str, Any]) -> str | None:
        if not written:
            return None
        if not _DIGITS.match(written):
            self._notes.cannot(self._subject, "password of the mailbox", "is not made of 1 to 20 digits")
            return None
        secret = self._secret()
        if secret:
            # Tells whether it has changed. Four digits are found by trying, so the SIP secret, which is not kept here,
            # is the key; with another secret the password is written anew.
            key = secret.encode("utf-8", "surrogatepass")
            settings["voicemail.password"] = hmac.new(key, written.encode(), hashlib.sha256).hexdigest()
        return written
