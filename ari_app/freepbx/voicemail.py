"""Mailboxes of voicemail.conf; FreePBX has no table of them."""

from __future__ import annotations

from ari_app.freepbx.description import Voicemail
from ari_app.freepbx.text import printable


def mailboxes(text: str) -> dict[tuple[str, str], Voicemail]:
    """(context, mailbox) -> what it is: `mailbox => password,name,email,pager,attach=yes|saycid=no`."""
    found: dict[tuple[str, str], Voicemail] = {}
    context = ""
    for line in text.splitlines():
        line = line.partition(";")[0].strip()
        if line.startswith("["):
            context = line[1:].partition("]")[0].strip()
            continue
        box, arrow, rest = line.partition("=>")
        if not arrow or not context or context == "general" or not box.strip().isdecimal():
            continue
        fields = [*(field.strip() for field in rest.split(",", 4)), "", "", "", "", ""]
        options = (option.partition("=") for option in fields[4].split("|") if "=" in option)
        found[context, box.strip()] = Voicemail(
            context=context,
            password=fields[0].lstrip("-"),
            name=printable(fields[1]),
            email=fields[2],
            pager=fields[3],
            options={name.strip(): value.strip() for name, _, value in options},
        )
    return found
