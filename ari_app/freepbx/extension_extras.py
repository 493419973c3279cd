"""Settings of a FreePBX extension without a counterpart here: kept as attributes, and named where they had an effect.

What is secret is never kept: the store has what is needed of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ari_app.freepbx.description import ExtensionEntry
from ari_app.freepbx.notes import Notes
from ari_app.freepbx.text import printable

#: of any value: it has no effect there that lacks here
_ANY = None
_OFF = ("", "0", "no")
_BY_FREEPBX = "is what FreePBX' dialplan does with a call to it"
_NOT_MADE_SO = "is set otherwise where the extension is made in Asterisk by us (docs/extensions.md)"

Known = Mapping[str, tuple[tuple[str, ...] | None, str]]

#: setting -> (values without an effect, why others are not carried over)
USER: Known = {
    "extension": (_ANY, ""),
    "name": (_ANY, ""),
    "voicemail": (_ANY, ""),
    "outboundcid": (_ANY, ""),
    "sipname": (("",), "calls to a SIP name are FreePBX'"),
    "password": (_ANY, ""),
    "recording": (_ANY, ""),  # before FreePBX 2.10; astdb has it since
    "mohclass": (("", "default"), "the hold music of an extension cannot be set"),
    "ringtimer": (("", "0"), _BY_FREEPBX),
    **{
        name: (("",), _BY_FREEPBX)
        for name in (
            *("noanswer", "noanswer_cid", "busy_cid", "chanunavail_cid"),
            *("noanswer_dest", "busy_dest", "chanunavail_dest"),
        )
    },
}
DEVICE: Known = {
    **{name: (_ANY, "") for name in ("id", "tech", "dial", "user", "description", "emergency_cid")},
    "devicetype": (("", "fixed"), "a phone belongs to one extension"),
    "hint_override": (("",), "hints are FreePBX'"),
}
TECHNOLOGY: Known = {
    **{
        name: (_ANY, "")
        for name in (
            *("secret", "md5_cred", "dtmfmode", "context", "nat", "rtp_symmetric", "force_rport", "rewrite_contact"),
            *("sipdriver", "account", "callerid", "dial", "type", "host", "port", "defaultuser", "username"),
            *("qualify", "qualifyfreq", "max_contacts", "remove_existing", "trustrpid", "trustpid", "timers"),
            *("sessiontimers", "minimum_expiration", "maximum_expiration", "mwi_subscription", "aggregate_mwi"),
            *("disallow", "allow", "canreinvite", "direct_media", "transport", "mailbox", "vmexten"),
            *("device_state_busy_at", "user_eq_phone", "send_connected_line", "refer_blind_progress"),
        )
    },
    "accountcode": (("",), "calls have no account codes"),
    "match": (("",), "a phone is known by its secret, not by its address"),
    "outbound_proxy": (("",), _NOT_MADE_SO),
    "message_context": (("",), "there are no text messages"),
    **{name: (("",), "there are no pickup groups") for name in ("namedcallgroup", "namedpickupgroup")},
    **{name: (("",), "there are no pickup groups") for name in ("callgroup", "pickupgroup")},
    **{name: (("", "0.0.0.0/0.0.0.0", "0.0.0.0/0"), _NOT_MADE_SO) for name in ("deny", "permit")},
    **{
        name: (_OFF, _NOT_MADE_SO)
        for name in (
            *("encryption", "media_encryption", "media_encryption_optimistic", "avpf", "force_avp", "icesupport"),
            *("rtcp_mux", "bundle", "media_use_received_transport", "rtp_timeout", "rtp_timeout_hold"),
        )
    },
    "sendrpid": (("", "no", "yes", "pai", "both"), _NOT_MADE_SO),
    "videosupport": (("", "inherit", "no"), _NOT_MADE_SO),
    "max_audio_streams": (("", "1"), _NOT_MADE_SO),
    "max_video_streams": (("", "0", "1"), _NOT_MADE_SO),
}
ASTDB: Known = {
    **{
        name: (_ANY, "")
        for name in (
            *("cidname", "cidnum", "callwaiting", "device", "password", "noanswer", "outboundcid", "voicemail"),
            *("recording", "recording/priority", "language", "dialopts", "queues/qnostate", "accountcode"),
            *("recording/in/external", "recording/in/internal", "recording/out/external", "recording/out/internal"),
            *("recording/ondemand", "cwtone"),
        )
    },
    "ringtimer": (("", "0"), _BY_FREEPBX),
    "concurrency_limit": (("", "0"), _BY_FREEPBX),
    "answermode": (("", "disabled"), _BY_FREEPBX),
    "intercom": (("", "enabled"), _BY_FREEPBX),
    "hint": (_ANY, ""),
}
_SECRET = ("secret", "password", "md5_cred", "vmpwd", "pin")


def attributes(entry: ExtensionEntry, notes: Notes) -> dict[str, Any]:
    """What is kept of it, as FreePBX has it, by where it has it; empty values and secrets are left out."""
    subject = f"extension {entry.extension}"
    places: tuple[tuple[str, Mapping[str, str], Known], ...] = (
        ("user", entry.user, USER),
        ("device", entry.device, DEVICE),
        ("technology", entry.technology, TECHNOLOGY),
        ("astdb", entry.astdb or {}, ASTDB),
    )
    found: dict[str, Any] = {}
    for place, values, known in places:
        kept = {}
        for name, value in values.items():
            if any(word in name.lower() for word in _SECRET):
                continue
            _say(notes, subject, name, value, known)
            if value.strip():
                kept[name] = value
        if kept:
            found[place] = kept
    return found


def _say(notes: Notes, subject: str, name: str, value: str, known: Known) -> None:
    if name not in known:
        if value.strip():
            notes.kept(subject, printable(name)[:40], "is a setting this version does not know")
        return
    without_effect, reason = known[name]
    if without_effect is not None and value.strip() not in without_effect:
        notes.kept(subject, f"{name}={printable(value)[:60]}", reason)
