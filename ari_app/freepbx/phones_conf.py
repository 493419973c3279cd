"""Extensions from FreePBX' generated files: pjsip.endpoint.conf, pjsip.auth.conf, sip_additional.conf, voicemail.conf.

They hold the phone, its secret and the mailbox. Caller ids, call waiting and recording are in Asterisk's own database,
names only as the phone's caller id shows them, and extensions without a SIP phone nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ari_app.freepbx.asterisk_conf import Section, parse
from ari_app.freepbx.extension_extras import TECHNOLOGY
from ari_app.freepbx.tables import Row, Tables
from ari_app.freepbx.voicemail import mailboxes

ENDPOINTS, AUTHS, CHAN_SIP = "pjsip.endpoint.conf", "pjsip.auth.conf", "sip_additional.conf"
_VOICEMAIL = "voicemail.conf"
_CALLER_ID = re.compile(r'\s*"?(?P<name>[^"<]*?)"?\s*<(?P<number>[^>]*)>\s*\Z')
#: what FreePBX writes for the name where a device has none of its own
_NAMELESS = "device"
#: its boxes are those of other contexts again, by the names of devices
_ALIASES = "device"
#: PJSIP's name -> FreePBX' keyword
_KEYWORDS = {
    **{"dtmf_mode": "dtmfmode", "use_avpf": "avpf", "ice_support": "icesupport", "trust_id_inbound": "trustrpid"},
    **{"named_call_group": "namedcallgroup", "named_pickup_group": "namedpickupgroup"},
}
#: what is written for each phone alike, from settings of the whole FreePBX, or by other names beside
_ALIKE = frozenset(
    (
        *("type", "aors", "auth", "language", "mailboxes", "media_address", "bind_rtp_to_media_address", "fax_detect"),
        *("mwi_subscribe_replaces_unsolicited", "send_rpid", "send_pai", "one_touch_recording", "record_on_feature"),
        *("record_off_feature", "suppress_q850_reason_headers", "t38_udptl", "t38_udptl_ec", "t38_udptl_nat"),
        *("t38_udptl_maxdatagram", "tos_audio", "tos_video", "cos_audio", "cos_video"),
    )
)

#: the text of a file; None: there is none
Text = Callable[[str], str | None]
Say = Callable[[str, str], None]


def read(tables: Tables, text: Text, say: Say) -> None:
    """Put rows into `tables` as if they came from users, devices and sip. Nothing, where there are no such files."""
    if tables.voicemail is None:
        tables.voicemail = text(_VOICEMAIL)
    boxes = _boxes(tables.voicemail)
    found: dict[str, tuple[str, str, Row]] = {}
    for number, technology, caller_id, settings in (*_pjsip(text, say), *_chan_sip(text, say)):
        found.setdefault(number, (technology, caller_id, settings))
    if not found:
        return
    users, devices, sip = [list[Row]() for _ in range(3)]
    for number, (technology, caller_id, settings) in found.items():
        user = {"extension": number}
        match = _CALLER_ID.match(caller_id)
        if match is not None and match["name"].strip() not in ("", _NAMELESS):
            user["name"] = match["name"].strip()
        if boxes is not None:
            user["voicemail"] = boxes.get(number, "novm")
        users.append(user)
        devices.append({"id": number, "tech": technology, "user": number})
        sip += [{"id": number, "keyword": name, "data": value} for name, value in settings.items()]
    tables.rows |= {"users": users, "devices": devices, "sip": sip}


def _pjsip(text: Text, say: Say) -> Iterator[tuple[str, str, str, Row]]:
    """(number, technology, caller id, keywords) of each phone. A trunk has no section [name-auth]."""
    secrets = {section.name: section.last() for section in _sections(AUTHS, text, say)}
    for section in _sections(ENDPOINTS, text, say):
        settings = section.last()
        auth = settings.get("auth", "")
        if auth != f"{section.name}-auth" or not section.name.isdecimal():
            continue
        found = {_KEYWORDS.get(name, name): value for name, value in settings.items() if name not in _ALIKE and value}
        known = secrets.get(auth, {})
        found |= {"secret": known.get("password", ""), "md5_cred": known.get("md5_cred", "")}
        found["username"] = known.get("username", "")
        yield section.name, "pjsip", found.pop("callerid", ""), found


def _chan_sip(text: Text, say: Say) -> Iterator[tuple[str, str, str, Row]]:
    """The same; a phone has a caller id with its own number, and registers."""
    for section in _sections(CHAN_SIP, text, say):
        settings = {name: value for name, value in section.settings if name in TECHNOLOGY and value}
        caller_id = settings.pop("callerid", "")
        match = _CALLER_ID.match(caller_id)
        if section.name.isdecimal() and match is not None and match["number"].strip() == section.name:
            yield section.name, "sip", caller_id, settings


def _sections(name: str, text: Text, say: Say) -> list[Section]:
    found = text(name)
    return [] if found is None else parse(found, text, say)


def _boxes(voicemail: str | None) -> dict[str, str] | None:
    """Mailbox -> its context; None: not known."""
    if voicemail is None:
        return None
    found: dict[str, str] = {}
    for context, number in mailboxes(voicemail):
        if context != _ALIASES:
            found.setdefault(number, context)
    return found
