"""What each setting of an extension becomes in Asterisk."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ari_app.calls.directory import ExtensionSettings, Mailbox
from ari_app.calls.extensions import sip_digest, sip_objects

ANN = ExtensionSettings(extension="1001", name='Ann "the" Lee')


def endpoint(mailbox: Mailbox | None = None, **changes: Any) -> dict[str, str]:
    return dict(sip_objects(msgspec.structs.replace(ANN, **changes), "digest", mailbox)["endpoint"])


@pytest.mark.parametrize(
    ("mode", "field"),
    [("rfc2833", "rfc4733"), ("inband", "inband"), ("auto", "auto"), ("info", "info"), ("shortinfo", "info")],
)
def test_dtmf_mode(mode: str, field: str) -> None:
    assert endpoint(dtmf_mode=mode)["dtmf_mode"] == field


@pytest.mark.parametrize(("nat", "field"), [("yes", "yes"), ("route", "yes"), ("no", "no"), ("never", "no")])
def test_nat(nat: str, field: str) -> None:
    """Media, requests and the contact go back to where they came from, or to where the phone says."""
    found = endpoint(nat=nat)
    assert {found[name] for name in ("rtp_symmetric", "force_rport", "rewrite_contact")} == {field}


def test_context_and_name() -> None:
    found = endpoint(context="night")
    assert found["context"] == "night"
    assert found["callerid"] == '"Ann the Lee" <1001>'  # what is in quotes in a header cannot hold them


def test_the_secret_is_a_digest() -> None:
    auth = sip_objects(ANN, sip_digest("1001", "secret"))["auth"]
    assert (auth["auth_type"], auth["username"], auth["password"]) == ("md5", "1001", "")
    assert auth["md5_cred"] == "f1243e5710353a976f53f30734dcab69"  # of 1001:asterisk:secret
    assert sip_digest("1001", None) != sip_digest("1001", None)


def test_mailbox() -> None:
    objects = sip_objects(ANN, "digest", Mailbox(context="sales"))
    assert (objects["endpoint"]["mailboxes"], objects["aor"]["mailboxes"]) == ("1001@sales", "1001@sales")
    # taken away, it is written as nothing: what is left out would stay in Asterisk
    objects = sip_objects(ANN, "digest")
    assert (objects["endpoint"]["mailboxes"], objects["aor"]["mailboxes"]) == ("", "")


@pytest.mark.parametrize("option", ["attach", "envelope", "saycid", "delete"])
def test_options_of_a_mailbox(option: str) -> None:
    usual = option in ("attach", "envelope")
    assert Mailbox().option(option) == Mailbox(options={"other": "yes"}).option(option) == usual
    assert Mailbox(options={option: "yes"}).option(option)
    assert not Mailbox(options={option: "no"}).option(option)
