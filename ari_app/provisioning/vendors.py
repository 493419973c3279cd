"""How each maker's phones have a key pressed over HTTP, as far as is known from documentation and programs. Pure.

Yealink       Action URI (administrator's guides of T2 to T5)
Snom          "Can I control my snom phone remotely" (service.snom.com)
Cisco         Key URIs (Unified IP Phone Services Application Development Notes)
Polycom       push of internal URIs (Web Application Developer's Guide)
Grandstream   api-send_key (CTI guides of GXP21XX and GRP26XX)

Some names (arrows, Menu and Conference of Polycom; LINEn, SPEAKER, HEADSET, MUTE, HOLD and CONF of Grandstream) were
found nowhere to check against, and none was tried on a desk phone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, urlencode

import msgspec


class Login(msgspec.Struct, frozen=True):
    """What a maker's phones ask for."""

    user: str
    password: str


class Press(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request, and what tells that the phone did it."""

    #: path and query, encoded
    path: str
    body: bytes | None = None
    content_type: str | None = None
    #: whether the body of a 200 says that it was done
    done: Callable[[bytes], bool] = lambda body: True


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """A maker."""

    name: str
    #: how its User-Agent begins
    agent: str
    #: our name of a key -> the maker's
    keys: dict[str, str]
    request: Callable[[str, Login], Press]


def _numbered(name: str, theirs: str, count: int) -> dict[str, str]:
    return {f"{name}{n}": f"{theirs}{n}" for n in range(1, count + 1)}


def _digits(prefix: str = "") -> dict[str, str]:
    return {str(n): f"{prefix}{n}" for n in range(10)}


def _xml(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def _yealink(key: str, login: Login) -> Press:
    return Press(path=f"/servlet?key={quote(key)}")


def _snom(key: str, login: Login) -> Press:
    return Press(path=f"/command.htm?key={quote(key, safe='')}")


_STATUS = re.compile(rb'Status="([0-9]+)"')


def _cisco(key: str, login: Login) -> Press:
    item = f'<CiscoIPPhoneExecute><ExecuteItem Priority="0" URL="Key:{_xml(key)}"/></CiscoIPPhoneExecute>'
    return Press(
        path="/CGI/Execute",
        body=urlencode({"XML": item}).encode(),
        content_type="application/x-www-form-urlencoded",
        done=lambda body: [int(status) for status in _STATUS.findall(body)] == [0],
    )


def _polycom(key: str, login: Login) -> Press:
    data = f'<PolycomIPPhone><Data priority="Critical">Key:{_xml(key)}</Data></PolycomIPPhone>'
    return Press(
        path="/push",
        body=data.encode(),
        content_type="application/x-com-polycom-spipx",
        done=lambda body: b"fail" not in body.lower(),
    )


def _grandstream(key: str, login: Login) -> Press:
    # The phone takes its password here only: no user, no header.
    return Press(
        path="/cgi-bin/api-send_key?" + urlencode({"passcode": login.password, "keys": key}),
        done=lambda body: re.search(rb'"response"\s*:\s*"success"', body) is not None,
    )


_ARROWS = {"up": "UP", "down": "DOWN", "left": "LEFT", "right": "RIGHT"}

VENDORS = {
    vendor.name: vendor
    for vendor in (
        Vendor(
            name="yealink",
            agent="yealink",
            request=_yealink,
            keys=_numbered("line", "L", 16)
            | _numbered("soft_key", "F", 4)
            | _digits()
            | _ARROWS
            | {
                "star": "*",
                "pound": "POUND",
                "enter": "OK",
                "cancel": "X",
                "volume_up": "VOLUME_UP",
                "volume_down": "VOLUME_DOWN",
                "headset": "HEADSET",
                "speaker": "SPEAKER",
                "mute": "MUTE",
                "messages": "MSG",
                "conference": "F_CONFERENCE",
                "transfer": "F_TRANSFER",
                "redial": "RD",
                "hold": "F_HOLD",
            },
        ),
        Vendor(
            name="snom",
            agent="snom",
            request=_snom,
            keys=_numbered("line", "P", 15)
            | _numbered("soft_key", "F", 4)
            | _digits()
            | _ARROWS
            | {
                "star": "*",
                "pound": "#",
                "enter": "ENTER",
                "cancel": "CANCEL",
                "volume_up": "VOLUME_UP",
                "volume_down": "VOLUME_DOWN",
                "headset": "HEADSET",
                "speaker": "SPEAKER",
                "menu": "MENU",
                "dnd": "DND",
                "transfer": "TRANSFER",
                "redial": "REDIAL",
                "hold": "F_HOLD",
            },
        ),
        Vendor(
            name="cisco",
            agent="cisco",
            request=_cisco,
            keys=_numbered("line", "Line", 34)
            | _numbered("soft_key", "Soft", 5)
            | _digits("KeyPad")
            | {
                "star": "KeyPadStar",
                "pound": "KeyPadPound",
                "up": "NavUp",
                "down": "NavDwn",
                "left": "NavLeft",
                "right": "NavRight",
                "enter": "NavSelect",
                "cancel": "NavBack",
                "volume_up": "VolUp",
                "volume_down": "VolDwn",
                "headset": "Headset",
                "speaker": "Speaker",
                "mute": "Mute",
                "menu": "Settings",
                "messages": "Messages",
                "applications": "Services",
                "directory": "Directories",
                "hold": "Hold",
            },
        ),
        Vendor(
            name="polycom",
            agent="poly",
            request=_polycom,
            keys=_numbered("line", "Line", 48)
            | _numbered("soft_key", "Softkey", 5)
            | _digits("DialPad")
            | {
                "star": "DialPadStar",
                "pound": "DialPadPound",
                "up": "ArrowUp",
                "down": "ArrowDown",
                "left": "ArrowLeft",
                "right": "ArrowRight",
                "enter": "Select",
                "volume_up": "VolUp",
                "volume_down": "VolDown",
                "headset": "Headset",
                "speaker": "Handsfree",
                "mute": "MicMute",
                "menu": "Menu",
                "messages": "Messages",
                "applications": "Applications",
                "directory": "Directories",
                "dnd": "DoNotDisturb",
                "conference": "Conference",
                "transfer": "Transfer",
                "redial": "Redial",
                "hold": "Hold",
            },
        ),
        Vendor(
            name="grandstream",
            agent="grandstream",
            request=_grandstream,
            keys=_numbered("line", "LINE", 6)
            | _numbered("soft_key", "SOFT", 4)
            | _digits()
            | _ARROWS
            | {
                "star": "STAR",
                "pound": "#",
                "enter": "OK",
                "headset": "HEADSET",
                "speaker": "SPEAKER",
                "mute": "MUTE",
                "conference": "CONF",
                "transfer": "XFER",
                "hold": "HOLD",
            },
        ),
    )
}

#: every key that some maker's phones have
KEYS = frozenset(key for vendor in VENDORS.values() for key in vendor.keys)


def vendor_of(user_agent: str) -> str | None:
    """The maker's name, by what its phone calls itself; None: none of those known here."""
    said = user_agent.strip().lower()
    return next((vendor.name for vendor in VENDORS.values() if said.startswith(vendor.agent)), None)
