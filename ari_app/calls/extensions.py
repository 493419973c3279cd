"""SIP extensions in Asterisk, over ARI's dynamic configuration: there at once, without a reload or a file.

Works with res_pjsip's objects kept in Asterisk's own database (asterisk-conf/etc/sorcery.conf).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from contextlib import suppress

from ari_app.ari.errors import Gone
from ari_app.ari.operations import Operations
from ari_app.calls.directory import ExtensionSettings, Mailbox

_CLASS = "res_pjsip"
#: what phones are asked to prove their secret for; Asterisk's default
REALM = "asterisk"

#: kind -> fields, in the order in which they must be made: an endpoint names the other two
Objects = Mapping[str, Mapping[str, str]]

_DTMF = {"rfc2833": "rfc4733", "inband": "inband", "auto": "auto", "info": "info", "shortinfo": "info"}
#: media and requests go back to where they came from. chan_sip's "route" differs from "yes", and "never" from "no",
#: only in a parameter of the Via header that PJSIP always handles by RFC 3581
_SYMMETRIC = {"yes": "yes", "route": "yes", "no": "no", "never": "no"}


def sip_digest(extension: str, secret: str | None) -> str:
    """H(A1) of RFC 2617 (MD5): all that Asterisk needs to check a secret, which cannot be read from it.

    Args:
        secret: None: nobody knows one, so that no phone can register.
    """
    if secret is None:
        return secrets.token_hex(16)
    return hashlib.md5(f"{extension}:{REALM}:{secret}".encode(), usedforsecurity=False).hexdigest()


def mailbox_name(extension: str, mailbox: Mailbox) -> str:
    """What Asterisk calls a mailbox, in its message-waiting lights."""
    return f"{extension}@{mailbox.context}"


def sip_objects(settings: ExtensionSettings, digest: str, mailbox: Mailbox | None = None) -> Objects:
    """What makes an extension in Asterisk. digest: sip_digest()'s. mailbox: its phone shows what waits there."""
    extension, symmetric = settings.extension, _SYMMETRIC[settings.nat]
    # What the display shows is in quotes in a header.
    name = "".join(c for c in settings.name if c not in '"\\<>')
    return {
        "auth": {"auth_type": "md5", "username": extension, "realm": REALM, "md5_cred": digest, "password": ""},
        "aor": {
            "max_contacts": "1",
            "remove_existing": "yes",
            "qualify_frequency": "60",
            "mailboxes": "" if mailbox is None else mailbox_name(extension, mailbox),
        },
        "endpoint": {
            "transport": "udp",
            "context": settings.context,
            "disallow": "all",
            "allow": "ulaw,alaw,g722",
            "auth": extension,
            "aors": extension,
            # media through Asterisk, so that calls can be recorded and monitored
            "direct_media": "no",
            "dtmf_mode": _DTMF[settings.dtmf_mode],
            "rtp_symmetric": symmetric,
            "force_rport": symmetric,
            "rewrite_contact": symmetric,
            # whatever the phone says it is
            "callerid": f'"{name}" <{extension}>',
            "trust_id_inbound": "no",
            # The phone is told without asking, when it registers too; one that asks (SUBSCRIBE) is told in its way.
            "mailboxes": "" if mailbox is None else mailbox_name(extension, mailbox),
            "mwi_subscribe_replaces_unsolicited": "yes",
        },
    }


async def apply(ari: Operations, extension: str, objects: Objects) -> None:
    """Make them, or change those there are.

    Raises:
        AriError: Asterisk refused, or does not answer; some of them may have changed.
    """
    for kind, fields in objects.items():
        await ari.asterisk.updateObject(configClass=_CLASS, objectType=kind, id=extension, fields=dict(fields))


async def provision(ari: Operations, extension: str, secret: str, *, name: str = "") -> None:
    """Make an extension that a phone can register with, or give the one there is a new secret.

    Raises:
        AriError: Asterisk refused, or does not answer.
    """
    await ari.asterisk.updateObject(
        configClass=_CLASS,
        objectType="auth",
        id=extension,
        fields={"auth_type": "userpass", "username": extension, "password": secret},
    )
    await ari.asterisk.updateObject(
        configClass=_CLASS,
        objectType="aor",
        id=extension,
        fields={"max_contacts": "1", "remove_existing": "yes", "qualify_frequency": "60"},
    )
    await ari.asterisk.updateObject(
        configClass=_CLASS,
        objectType="endpoint",
        id=extension,
        fields={
            "transport": "udp",
            "context": "from-internal",
            "disallow": "all",
            "allow": "ulaw,alaw",
            "auth": extension,
            "aors": extension,
            # media through Asterisk, so that calls can be recorded and monitored; phones behind NAT work
            "direct_media": "no",
            "rtp_symmetric": "yes",
            "force_rport": "yes",
            "rewrite_contact": "yes",
            "callerid": f"{name or extension} <{extension}>",
        },
    )


async def withdraw(ari: Operations, extension: str) -> None:
    """Remove an extension; nothing if there is none. Asterisk removes with it what is registered.

    Raises:
        AriError
    """
    for kind in ("endpoint", "aor", "auth"):
        with suppress(Gone):
            await ari.asterisk.deleteObject(configClass=_CLASS, objectType=kind, id=extension)


async def forget_registrations(ari: Operations, extension: str, objects: Objects) -> None:
    """Take away what is registered as an extension; its calls go on. Asterisk does so with the aor, which is made anew.

    Raises:
        AriError: it may have no aor now.
    """
    with suppress(Gone):
        await ari.asterisk.deleteObject(configClass=_CLASS, objectType="aor", id=extension)
    await ari.asterisk.updateObject(configClass=_CLASS, objectType="aor", id=extension, fields=dict(objects["aor"]))
