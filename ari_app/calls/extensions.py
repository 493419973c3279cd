"""SIP extensions in Asterisk, over ARI's dynamic configuration: there at once, without a reload or a file.

Works with res_pjsip's objects kept in Asterisk's own database (asterisk-conf/etc/sorcery.conf).
"""

from __future__ import annotations

from contextlib import suppress

from ari_app.ari.errors import Gone
from ari_app.ari.operations import Operations

_CLASS = "res_pjsip"


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
    """Remove an extension; nothing if there is none.

    Raises:
        AriError
    """
    for kind in ("endpoint", "aor", "auth"):
        with suppress(Gone):
            await ari.asterisk.deleteObject(configClass=_CLASS, objectType=kind, id=extension)
