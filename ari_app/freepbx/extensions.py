"""What is kept of an extension, by the names of the EQ contract's extension."""

from __future__ import annotations

from typing import Any

from ari_app.freepbx.description import ExtensionEntry, Voicemail
from ari_app.freepbx.text import flag, repaired

#: FreePBX' recording settings -> the EQ contract's
_RECORDING = {"yes": "always", "force": "always", "always": "always", "no": "never", "never": "never"}
#: FreePBX' name -> the contract's
_DTMF = {"rfc4733": "rfc2833"}


def extension_attributes(entry: ExtensionEntry) -> dict[str, Any]:
    """The contract's attributes; what it has no place for is under "freepbx". Holds secrets: for the store only."""
    user, technology, masquerade = entry.user, entry.technology, entry.astdb.get("cidnum", "")
    dtmf = technology.get("dtmfmode", "")
    return {
        "name": repaired(entry.name),
        "cidMasquerade": masquerade if masquerade not in ("", entry.extension) else None,
        "outboundCid": user.get("outboundcid") or None,
        "emergencyCid": entry.device.get("emergency_cid") or None,
        "callWaiting": flag(entry.astdb.get("callwaiting", "")),
        "recording": _recording(entry.astdb),
        "sip": {
            "secret": technology.get("secret"),
            "dtmfMode": _DTMF.get(dtmf, dtmf) or None,
            "context": technology.get("context"),
            "nat": technology.get("nat"),
        },
        "voicemail": _voicemail(entry.voicemail),
        "freepbx": {
            "user": dict(user),
            "device": dict(entry.device),
            "technology": dict(technology),
            "astdb": dict(entry.astdb),
        },
    }


def _recording(astdb: dict[str, str]) -> dict[str, str]:
    places = {
        "inboundExternal": "recording/in/external",
        "inboundInternal": "recording/in/internal",
        "outboundExternal": "recording/out/external",
        "outboundInternal": "recording/out/internal",
    }
    found = {name: _RECORDING.get(astdb.get(key, "").lower(), "dontcare") for name, key in places.items()}
    return found | {"onDemand": astdb.get("recording/ondemand", "disabled")}


def _voicemail(box: Voicemail | None) -> dict[str, Any] | None:
    if box is None:
        return None
    options = {
        name: flag(box.options[name]) for name in ("attach", "saycid", "envelope", "delete") if name in box.options
    }
    return {
        "context": box.context,
        "password": box.password,
        "emailAddress": box.email or None,
        "pagerEmailAddress": box.pager or None,
        "options": options or None,
    }
