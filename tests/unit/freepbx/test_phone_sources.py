"""Extensions from the sources that are files: the generated configuration, and the Bulk Handler's CSV."""

from __future__ import annotations

from pathlib import Path

import pytest

from ari_app.calls.extensions import sip_digest
from ari_app.freepbx import sources
from ari_app.freepbx.errors import SourceUnreadable
from ari_app.freepbx.extensions import WantedExtension
from ari_app.freepbx.mapping import Wanted, wanted
from ari_app.freepbx.notes import Level
from ari_app.freepbx.sources import SourceOptions
from tests.harness.freepbx import write_astdb
from tests.harness.freepbx_files import write_conf
from tests.unit.freepbx.sample import small

ENDPOINTS = """
#include pjsip.endpoint_custom.conf
[1001]
type=endpoint
aors=1001
auth=1001-auth
tos_audio=ef
allow=ulaw,alaw
context=from-internal
callerid=Alice Adams <1001>
dtmf_mode=info
mailboxes=1001@device
aggregate_mwi=yes
named_pickup_group=sales
use_avpf=no
rtp_symmetric=no
rewrite_contact=no
force_rport=no
something_custom=1
[1002]
type=endpoint
auth=1002-auth
callerid=device <1002>
[carrier]
type=endpoint
auth=carrier-auth
[2]
type=endpoint
outbound_auth=2
context=from-pstn
[anonymous]
type=endpoint
context=from-sip-external
"""
AUTHS = """
[1001-auth]
type=auth
auth_type=userpass
password=se\\;cret
username=1001
[1002-auth]
type=auth
password=other
username=anna
"""
CHAN_SIP = """
[1003]
deny=0.0.0.0/0.0.0.0
secret=old
dtmfmode=rfc2833
context=from-internal
nat=force_rport,comedia
callerid="Cy, Jr." <1003>
[trunk]
secret=x
[4]
secret=y
context=from-trunk
"""
VOICEMAIL = "[general]\n[default]\n1001 => 4321,Alice,alice@example.org,,attach=yes\n[device]\n1003 => 1,x,,,\n"


def read(place: Path, **files: Path) -> tuple[Wanted, dict[str, WantedExtension], dict[str, Level]]:
    described = sources.read(str(place), SourceOptions(**files))
    found = wanted(described)
    return found, found.extensions or {}, {note.item: note.level for note in described.notes.all()}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = write_conf(tmp_path / "asterisk", small())
    for name, content in {
        "pjsip.endpoint.conf": ENDPOINTS,
        "pjsip.auth.conf": AUTHS,
        "sip_additional.conf": CHAN_SIP,
        "voicemail.conf": VOICEMAIL,
    }.items():
        (made / name).write_text(content)
    return made


def test_generated_files(directory: Path) -> None:
    _, found, notes = read(directory)
    assert list(found) == ["1001", "1002", "1003"], "and no trunk"
    alice, nameless, old = found.values()
    password = alice.settings.pop("voicemail.password")
    assert alice.settings == {
        "name": "Alice Adams",
        "dtmf_mode": "info",
        "context": "from-internal",
        "nat": "no",
        "secret": sip_digest("1001", "se;cret"),
        "voicemail": {
            "context": "default",
            "email": "alice@example.org",
            "pager_email": None,
            "options": {"attach": "yes"},
        },
    }
    assert (alice.mailbox_password, len(password)) == ("4321", 64)
    assert nameless.settings == {"secret": sip_digest("1002", "other"), "voicemail": None}
    assert nameless.not_sip == "its phone logs in as anna"
    assert (old.settings["name"], old.settings["nat"]) == ("Cy, Jr.", "yes")
    assert old.settings["secret"] == sip_digest("1003", "old")
    assert notes["namedpickupgroup=sales"] is notes["something_custom"] is Level.KEPT
    assert notes["astdb"] is Level.REMARK


def test_with_asterisk_s_database_beside(directory: Path, tmp_path: Path) -> None:
    astdb = {
        "/AMPUSER/1001/outboundcid": "Sales <030123>",
        "/AMPUSER/1001/recording/in/external": "force",
        "/CW/1001": "ENABLED",
        "/QPENALTY/500/agents/1003": "2",
        "/Queue/PersistentMembers/500": "Local/1003@from-queue/n;0;1;Cy;hint:1003;Lunch;0",
    }
    found, extensions, _ = read(directory, astdb=write_astdb(tmp_path / "astdb.sqlite3", astdb))
    alice = extensions["1001"].settings
    assert (alice["outbound_cid"], alice["call_waiting"], alice["recording.inbound_external"]) == (
        "030123",
        True,
        "always",
    )
    assert found.queues["500"].members == {"1001": 1, "1002": 3, "1003": 3}
    assert found.pause_codes == ["Lunch"]


def test_files_do_not_tell_who_is_gone(directory: Path) -> None:
    """Extensions without a phone are in none of them."""
    found, _, _ = read(directory)
    assert not found.knows_extensions
    for name in ("pjsip.endpoint.conf", "sip_additional.conf"):
        (directory / name).unlink()
    assert read(directory)[0].extensions is None


BULK = (
    "Extension,Password,Name,Voicemail,outboundcid,mohclass,id,tech,dial,devicetype,user,emergency_cid,"
    "cid_masquerade,recording_in_external,recording_out_external,recording_in_internal,recording_out_internal,"
    "recording_ondemand,answermode,secret,dtmfmode,context,rtp_symmetric,callwaiting_enable,voicemail_enable,"
    "voicemail_vmpwd,voicemail_email,voicemail_pager,voicemail_options,findmefollow_enabled,languages_language\n"
    '1001,,"Lee, Ann",default,"""Sales"" <030123>",default,1001,pjsip,PJSIP/1001,fixed,1001,0301110,'
    "5000,force,dontcare,no,dontcare,"
    "enabled,disabled,s3cret,rfc4733,from-internal,yes,ENABLED,yes,"
    "4321,ann@example.org,,attach=yes|saycid=no,yes,\n"
    "1002,,Bo,novm,,default,1002,iax2,IAX2/1002,fixed,1002,,"
    ",dontcare,dontcare,dontcare,dontcare,disabled,,REGEN,,,,,,,,,,,\n"
)


def test_the_bulk_handler_s_csv(tmp_path: Path) -> None:
    path = tmp_path / "extensions.csv"
    path.write_bytes(b"\xef\xbb\xbf" + BULK.encode())
    everything, found, notes = read(path)
    assert (everything.knows_queues, everything.general, everything.queues) == (False, None, {})
    ann, bo = found.values()
    ann.settings.pop("voicemail.password")
    assert ann.settings == {
        "name": "Lee, Ann",
        "outbound_cid": "030123",
        "emergency_cid": "0301110",
        "cid_masquerade": "5000",
        "call_waiting": True,
        "recording.inbound_external": "always",
        "recording.inbound_internal": "never",
        "recording.outbound_external": "dontcare",
        "recording.outbound_internal": "dontcare",
        "recording.on_demand": True,
        "dtmf_mode": "rfc2833",
        "context": "from-internal",
        "nat": "yes",
        "secret": sip_digest("1001", "s3cret"),
        "voicemail": {
            "context": "default",
            "email": "ann@example.org",
            "pager_email": None,
            "options": {"attach": "yes", "saycid": "no"},
        },
    }
    assert ann.mailbox_password == "4321"
    assert bo.settings["voicemail"] is None
    assert "secret" not in bo.settings
    assert bo.not_sip == "its device is iax2, not SIP"
    assert notes["column 'findmefollow_enabled'"] is Level.CANNOT
    assert "column 'languages_language'" not in notes, "which is empty"


def test_columns_that_an_export_lacks_overwrite_nothing(tmp_path: Path) -> None:
    path = tmp_path / "extensions.csv"
    path.write_text("extension,name,tech,secret\n1001,Ann,pjsip,s3cret\n")
    _, found, notes = read(path)
    assert found["1001"].settings == {"name": "Ann", "secret": sip_digest("1001", "s3cret")}
    assert any(item.startswith("columns callwaiting_enable") for item in notes)


def test_a_damaged_one(tmp_path: Path) -> None:
    path = tmp_path / "extensions.csv"
    path.write_text("extension,name,tech\n1001,Ann\n")
    with pytest.raises(SourceUnreadable, match="line 2: has 2 fields, not 3"):
        sources.read(str(path), SourceOptions())
    path.write_text("extension,name,tech\n1001,Ann,pjsip\n1001,Bo,pjsip\n,Cy,pjsip\n")
    _, found, notes = read(path)
    assert [each.settings["name"] for each in found.values()] == ["Ann"]
    assert notes["extension"] is notes["a row of users"] is Level.CANNOT
