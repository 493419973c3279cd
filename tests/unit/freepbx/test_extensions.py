"""Every setting of an extension that the GUI can store, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.calls.extensions import sip_digest
from ari_app.freepbx.extensions import WantedExtension
from ari_app.freepbx.mapping import wanted
from ari_app.freepbx.notes import Level
from ari_app.freepbx.tables import describe
from tests.unit.freepbx.sample import FreePBX, small


def mapped(made: FreePBX) -> tuple[dict[str, WantedExtension], dict[str, Level]]:
    """What is to be here, and what is said: item -> level."""
    described = describe(made.tables())
    found = wanted(described).extensions
    assert found is not None
    return found, {note.item: note.level for note in described.notes.all()}


def one(made: FreePBX) -> tuple[WantedExtension, dict[str, Level]]:
    found, notes = mapped(made)
    (only,) = found.values()
    return only, notes


def house(**user: str) -> FreePBX:
    made = FreePBX()
    made.extension("1001", "Alice Adams", **user)
    return made


def with_technology(keyword: str, data: str, table: str = "sip") -> FreePBX:
    made = house()
    made.rows["pjsip"] = [row for row in made.rows["pjsip"] if row["keyword"] != keyword]
    made.rows[table].append({"id": "1001", "keyword": keyword, "data": data, "flags": "0"})
    return made


def test_an_extension_nobody_touched() -> None:
    found, notes = one(house(voicemail="novm"))
    assert found.settings == {
        "name": "Alice Adams",
        "cid_masquerade": None,
        "outbound_cid": None,
        "emergency_cid": None,
        "call_waiting": False,
        "recording.inbound_external": "dontcare",
        "recording.inbound_internal": "dontcare",
        "recording.outbound_external": "dontcare",
        "recording.outbound_internal": "dontcare",
        "recording.on_demand": False,
        "dtmf_mode": "rfc2833",
        "context": "from-internal",
        "secret": sip_digest("1001", "secret-1001"),
        "voicemail": None,
    }
    assert (found.mailbox_password, found.not_sip, notes) == (None, "", {})
    assert "secret-1001" not in str(found)


@pytest.mark.parametrize(
    ("keyword", "data", "attribute", "value"),
    [
        ("dtmfmode", "rfc4733", "dtmf_mode", "rfc2833"),
        ("dtmfmode", "rfc2833", "dtmf_mode", "rfc2833"),
        ("dtmfmode", "inband", "dtmf_mode", "inband"),
        ("dtmfmode", "auto", "dtmf_mode", "auto"),
        ("dtmfmode", "info", "dtmf_mode", "info"),
        ("dtmfmode", "shortinfo", "dtmf_mode", "shortinfo"),
        ("dtmfmode", "auto_info", "dtmf_mode", "auto"),
        ("dtmfmode", "", "dtmf_mode", "rfc2833"),
        ("dtmfmode", "nonsense", "dtmf_mode", "rfc2833"),
        ("context", "from-internal-xfer", "context", "from-internal-xfer"),
        ("nat", "yes", "nat", "yes"),
        ("nat", "force_rport,comedia", "nat", "yes"),
        ("nat", "no", "nat", "no"),
        ("nat", "never", "nat", "never"),
        ("nat", "route", "nat", "route"),
        ("nat", "force_rport", "nat", "yes"),
        ("nat", "comedia", "nat", "yes"),
        ("nat", "auto_force_rport,auto_comedia", "nat", "yes"),
        ("nat", "auto_force_rport", "nat", "yes"),
        ("nat", "auto_comedia", "nat", "yes"),
        ("nat", "nonsense", "nat", "yes"),
        ("rtp_symmetric", "yes", "nat", "yes"),
        ("force_rport", "no", "nat", "no"),
        ("secret", "ü ber 'secret'", "secret", sip_digest("1001", "ü ber 'secret'")),
    ],
)
def test_sip_settings(keyword: str, data: str, attribute: str, value: object) -> None:
    assert one(with_technology(keyword, data))[0].settings[attribute] == value


@pytest.mark.parametrize(
    ("keyword", "data", "item", "level"),
    [
        ("dtmfmode", "auto_info", "dtmfmode=auto_info", Level.CHANGED),
        ("dtmfmode", "nonsense", "dtmfmode=nonsense", Level.CHANGED),
        ("nat", "comedia", "nat=comedia", Level.CHANGED),
        ("nat", "nonsense", "nat=nonsense", Level.CHANGED),
        ("context", "from internal", "context=from internal", Level.KEPT),
        ("secret", "", "secret", Level.REMARK),
        ("secret", "REGEN", "secret", Level.REMARK),
        ("accountcode", "42", "accountcode=42", Level.KEPT),
        ("media_encryption", "sdes", "media_encryption=sdes", Level.KEPT),
        ("encryption", "yes", "encryption=yes", Level.KEPT),
        ("avpf", "yes", "avpf=yes", Level.KEPT),
        ("icesupport", "yes", "icesupport=yes", Level.KEPT),
        ("namedpickupgroup", "sales", "namedpickupgroup=sales", Level.KEPT),
        ("permit", "10.0.0.0/8", "permit=10.0.0.0/8", Level.KEPT),
        ("match", "10.0.0.9", "match=10.0.0.9", Level.KEPT),
        ("outbound_proxy", "sip:p", "outbound_proxy=sip:p", Level.KEPT),
        ("videosupport", "yes", "videosupport=yes", Level.KEPT),
        ("something_new", "x", "something_new", Level.KEPT),
    ],
)
def test_what_is_said_of_sip_settings(keyword: str, data: str, item: str, level: Level) -> None:
    assert one(with_technology(keyword, data))[1] == {item: level}


@pytest.mark.parametrize("secret", ["x" * 81, "tab\there", " space before"])
def test_a_secret_that_no_phone_could_have_is_not_shown(secret: str) -> None:
    found, notes = one(with_technology("secret", secret))
    assert "secret" not in found.settings
    assert notes == {"secret": Level.REMARK}
    assert secret not in str(found)


def test_settings_of_nat_that_are_not_alike() -> None:
    made = house()
    for name, data in (("rtp_symmetric", "yes"), ("force_rport", "no"), ("rewrite_contact", "yes")):
        made.rows["sip"].append({"id": "1001", "keyword": name, "data": data, "flags": "0"})
    found, notes = one(made)
    assert found.settings["nat"] == "yes"
    assert notes == {"rtp_symmetric=yes, force_rport=no, rewrite_contact=yes": Level.CHANGED}


def test_a_digest_that_freepbx_has_is_taken_as_it_is() -> None:
    made = with_technology("md5_cred", "0123456789ABCDEF0123456789abcdef")
    made.rows["pjsip"] = [row for row in made.rows["pjsip"] if row["keyword"] != "secret"]
    found, notes = one(made)
    assert found.settings["secret"] == "0123456789abcdef0123456789abcdef"
    assert notes == {"md5_cred": Level.REMARK}
    assert "0123456789" not in str(found.attributes)


def test_devices_are_in_the_table_sip_and_a_trunk_s_number_is_no_device() -> None:
    """PJSIP's devices are stored by chan_sip's driver; the table pjsip has trunks, by numbers of their own."""
    made = FreePBX()
    made.extension("1", "One")
    rows = made.rows["pjsip"]
    made.rows["sip"] = [*rows, {"id": "1", "keyword": "sipdriver", "data": "chan_pjsip", "flags": "1"}]
    made.rows["pjsip"] = [{"id": "1", "keyword": "secret", "data": "the trunk's", "flags": "0"}]
    assert one(made)[0].settings["secret"] == sip_digest("1", "secret-1")


@pytest.mark.parametrize(
    ("technology", "device", "why"),
    [
        ("pjsip", "1001", ""),
        ("sip", "1001", ""),
        ("PJSIP", "1001", ""),
        ("iax2", "1001", "its device is iax2, not SIP"),
        ("dahdi", "1001", "its device is dahdi, not SIP"),
        ("custom", "1001", "its device is custom, not SIP"),
        ("virtual", "1001", "its device is virtual, not SIP"),
        ("pjsip", "990", "its phone registers as device 990"),
    ],
)
def test_which_extensions_cannot_be_made_in_asterisk(technology: str, device: str, why: str) -> None:
    made = house()
    made.rows["devices"][0] |= {"tech": technology, "id": device}
    made.astdb["/AMPUSER/1001/device"] = f"{device}&991"
    assert one(made)[0].not_sip == why


def test_an_extension_without_a_device() -> None:
    made = house()
    made.rows["devices"].clear()
    made.rows["pjsip"].clear()
    assert one(made)[0].not_sip == "it has no device"


@pytest.mark.parametrize(
    ("written", "number", "said"),
    [
        ("", None, {}),
        ("0301234", "0301234", {}),
        ("<0301234>", "0301234", {}),
        ('"Sales" <0301234>', "0301234", {"outboundcid": Level.CHANGED}),
        ("Sales <030 12-34>", "03012-34".replace("-", ""), {"outboundcid": Level.CHANGED}),
        ("+49 30 1234", "49301234", {"outboundcid": Level.CHANGED}),
        ("hidden", None, {"outboundcid=hidden": Level.KEPT}),
        ("1" * 21, None, {"outboundcid=" + "1" * 21: Level.KEPT}),
    ],
)
def test_outbound_caller_id(written: str, number: str | None, said: dict[str, Level]) -> None:
    found, notes = one(house(outboundcid=written))
    assert found.settings["outbound_cid"] == number
    assert notes == said


def test_masquerade_and_emergency_caller_id() -> None:
    made = house()
    made.astdb["/AMPUSER/1001/cidnum"] = "5000"
    made.rows["devices"][0]["emergency_cid"] = "0301110"
    found, notes = one(made)
    assert (found.settings["cid_masquerade"], found.settings["emergency_cid"]) == ("5000", "0301110")
    assert notes == {}


@pytest.mark.parametrize(
    ("word", "rule"),
    [
        *[(word, "always") for word in ("force", "yes", "always", "YES")],
        *[(word, "never") for word in ("no", "never")],
        *[(word, "dontcare") for word in ("dontcare", "", "nonsense")],
    ],
)
@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("in/external", "inbound_external"),
        ("in/internal", "inbound_internal"),
        ("out/external", "outbound_external"),
        ("out/internal", "outbound_internal"),
    ],
)
def test_recording(key: str, name: str, word: str, rule: str) -> None:
    made = house()
    made.astdb[f"/AMPUSER/1001/recording/{key}"] = word
    found, notes = one(made)
    assert found.settings[f"recording.{name}"] == rule
    assert notes == ({f"recording/{key}=nonsense": Level.CHANGED} if word == "nonsense" else {})


@pytest.mark.parametrize(("word", "on"), [("enabled", True), ("override", True), ("disabled", False), ("x", False)])
def test_recording_on_demand(word: str, on: bool) -> None:
    made = house()
    made.astdb["/AMPUSER/1001/recording/ondemand"] = word
    assert one(made)[0].settings["recording.on_demand"] is on


def test_call_waiting_is_in_asterisk_s_database() -> None:
    made = house()
    made.astdb["/CW/1001"] = "ENABLED"
    assert one(made)[0].settings["call_waiting"] is True
    tables = made.tables()
    tables.astdb = None
    settings = (wanted(describe(tables)).extensions or {})["1001"].settings
    unknown = {"call_waiting", "cid_masquerade", "recording.on_demand", "recording.inbound_external"}
    assert not unknown & settings.keys()
    assert settings["secret"] == sip_digest("1001", "secret-1001")


def test_a_mailbox() -> None:
    made = house(voicemail="default")
    made.voicemail += "1001 => 04321,Alice,alice@example.org,pager@example.org,attach=yes|saycid=no|delete=no|tz=x\n"
    found, notes = one(made)
    assert found.settings["voicemail"] == {
        "context": "default",
        "email": "alice@example.org",
        "pager_email": "pager@example.org",
        "options": {"attach": "yes", "saycid": "no", "delete": "no"},
    }
    assert found.mailbox_password == "04321"
    assert notes == {"mailbox option tz": Level.KEPT}
    before = found.settings["voicemail.password"]
    assert "04321" not in before
    made.voicemail = made.voicemail.replace("04321", "04322")
    assert one(made)[0].settings["voicemail.password"] != before


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ("1001 => abc,A,,,", {"password of the mailbox": Level.CANNOT}),
        ("1001 => 1,A,nobody,,", {"e-mail address of the mailbox": Level.CANNOT}),
        ("1001 => 1,A,,nobody,", {"pager address of the mailbox": Level.CANNOT}),
        ("", {"mailbox in default": Level.REMARK}),
    ],
)
def test_a_damaged_mailbox(box: str, said: dict[str, Level]) -> None:
    made = house(voicemail="default")
    made.voicemail += box + "\n"
    assert one(made)[1] == said


def test_without_a_sip_secret_a_mailbox_password_is_not_told_apart() -> None:
    made = house(voicemail="default")
    made.rows["pjsip"].clear()
    made.voicemail += "1001 => 4321,Alice,,,\n"
    found, _ = one(made)
    assert "voicemail.password" not in found.settings
    assert found.mailbox_password == "4321"


def test_names() -> None:
    made = FreePBX()
    long = "A name of exactly fifty characters, which is a lot"
    assert len(long) == 50
    for number, name in (("1001", "Alice"), ("1002", "Alice"), ("1003", long), ("1004", long), ("1005", " ")):
        made.extension(number, name)
    found, notes = mapped(made)
    names = [each.settings["name"] for each in found.values()]
    assert names == ["Alice", "Alice (1002)", long, "A name of exactly fifty characters, which i (1004)", "1005"]
    assert all(len(name) <= 50 for name in names)
    assert notes == {"name": Level.CHANGED}


def test_numbers_that_cannot_be_extensions_here() -> None:
    made = small()
    for number in ("0100", "*98", "500", "1" * 21):
        made.extension(number, f"No. {number}")
    found, notes = mapped(made)
    assert list(found) == ["1001", "1002", "1003"]
    assert notes["extension"] is Level.CANNOT


def test_what_has_no_counterpart_is_kept_and_named() -> None:
    made = house(ringtimer="20", noanswer_dest="ext-queues,500,1", mohclass="jazz", sipname="alice")
    made.rows["devices"][0] |= {"devicetype": "adhoc", "hint_override": "Custom:x"}
    made.astdb |= {"/AMPUSER/1001/concurrency_limit": "3", "/AMPUSER/1001/answermode": "intercom"}
    made.astdb |= {"/AMPUSER/1001/intercom": "disabled", "/AMPUSER/1001/something": "x"}
    found, notes = one(made)
    assert notes == dict.fromkeys(
        (
            *("ringtimer=20", "noanswer_dest=ext-queues,500,1", "mohclass=jazz", "sipname=alice"),
            *("devicetype=adhoc", "hint_override=Custom:x", "concurrency_limit=3", "answermode=intercom"),
            *("intercom=disabled", "something"),
        ),
        Level.KEPT,
    )
    assert found.attributes["user"]["noanswer_dest"] == "ext-queues,500,1"
    assert found.attributes["device"]["hint_override"] == "Custom:x"
    assert found.attributes["astdb"]["something"] == "x"


def test_what_a_person_set_at_his_phone_stays_with_freepbx() -> None:
    made = house()
    made.astdb |= {"/CF/1001": "0301", "/DND/1001": "YES", "/AMPUSER/1001/followme/ddial": "DIRECT"}
    found, notes = one(made)
    assert notes == dict.fromkeys(("call forwarding", "do not disturb", "follow-me"), Level.REMARK)
    assert "0301" not in str(found)


@given(st.text(), st.text(), st.text(), st.text(), st.text())
def test_any_text_is_taken(secret: str, cid: str, name: str, pin: str, context: str) -> None:
    """Nothing breaks it, and what comes out is what the API takes."""
    made = house(outboundcid=cid)
    made.rows["users"][0]["name"] = name
    made.rows["sip"] = [
        {"id": "1001", "keyword": "secret", "data": secret, "flags": "0"},
        {"id": "1001", "keyword": "context", "data": context, "flags": "0"},
    ]
    made.rows["pjsip"].clear()
    made.astdb["/AMPUSER/1001/cidnum"] = cid
    settings: dict[str, Any] = one(made)[0].settings
    assert 1 <= len(settings["name"]) <= 50
    for shown in (settings["outbound_cid"], settings["cid_masquerade"]):
        assert shown is None or (shown.isdecimal() and len(shown) <= 20)
