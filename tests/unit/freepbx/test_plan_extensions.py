"""What is to be done about extensions: what FreePBX says, what was written last, what is here."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_app.calls.directory import ExtensionSettings
from ari_app.freepbx.decisions import Action, Entry, Options, Plan
from ari_app.freepbx.extensions import WantedExtension
from ari_app.freepbx.mapping import Wanted, WantedQueue
from ari_app.freepbx.plan import plan
from ari_app.freepbx.report import as_json, text
from ari_app.store.imported_extensions import ExtensionRow, KeptExtension
from ari_app.store.imports import MAILBOX_HASH, Changes, Held, ImportedItem

NOTHING = Held(queues={}, agents={}, members={}, pause_codes=frozenset(), items={})
FORCE = Options(force=True)
BOX = {"context": "default", "email": "a@example.org", "pager_email": None, "options": None}


def there(**extensions: dict[str, Any]) -> Wanted:
    """Extensions by number, with an _ before it."""
    found = {}
    for key, values in extensions.items():
        number = key.removeprefix("_")
        pin = values.pop("pin", None)
        not_sip = values.pop("not_sip", "")
        made = {"name": f"Name {number}", "secret": f"digest-{number}"} | values
        if pin is not None:
            made |= {"voicemail": BOX, "voicemail.password": f"told-{pin}"}
        found[number] = WantedExtension(
            extension=number, settings=made, mailbox_password=pin, not_sip=not_sip, attributes={"user": {"x": "y"}}
        )
    return Wanted(queues={}, agents={}, extensions=found, pause_codes=[], general={})


def _kept(row: ExtensionRow, before: KeptExtension | None) -> KeptExtension:
    hashed = before.mailbox_hash if before is not None else None
    if row.mailbox_password is not None:
        hashed = f"hash of {row.mailbox_password}"
    return KeptExtension(
        settings=row.settings,
        digest=row.digest or (before.digest if before is not None else "random"),
        provisioned=row.provisioned,
        mailbox=row.mailbox,
        mailbox_hash=hashed if row.mailbox is not None else None,
    )


def done(held: Held, changes: Changes) -> Held:
    """What is here after an import: what the store does, said again."""
    kept = {key: one for key, one in held.extensions.items() if key not in changes.gone_extensions}
    hashes = {}
    for row in (*changes.extensions, *changes.new_extensions):
        number = row.settings.extension
        kept[number] = _kept(row, held.extensions.get(number))
        if row.mailbox_password is not None and row.mailbox is not None:
            hashes[number] = f"hash of {row.mailbox_password}"
    names = [one.settings.name for one in kept.values()]
    assert len(names) == len(set(names)), "the index of names"
    items = {key: item for key, item in held.items.items() if key not in changes.forget}
    for item in changes.items:
        if item.key in hashes:
            item = msgspec.structs.replace(item, written=item.written | {MAILBOX_HASH: hashes[item.key]})
        items[item.kind, item.key] = item
    return msgspec.structs.replace(held, extensions=kept, items=items)


def imported(wanted: Wanted, options: Options | None = None) -> Held:
    return done(NOTHING, plan(wanted, NOTHING, options).changes)


def entries(found: Plan) -> dict[str, Entry]:
    return {entry.key: entry for entry in found.entries if entry.kind == "extension"}


def of(found: Plan) -> dict[str, Action]:
    return {number: entry.action for number, entry in entries(found).items()}


def edited(held: Held, number: str, **values: Any) -> Held:
    """An administrator changes an extension here."""
    before = held.extensions[number]
    own = {name: values.pop(name) for name in list(values) if name in ("digest", "mailbox", "mailbox_hash")}
    after = msgspec.structs.replace(before, settings=msgspec.structs.replace(before.settings, **values), **own)
    return msgspec.structs.replace(held, extensions=held.extensions | {number: after})


def test_the_first_import_makes_them_and_the_second_nothing() -> None:
    wanted = there(_1001={"outbound_cid": "030", "nat": "no", "pin": "4321", "recording.on_demand": True}, _1002={})
    first = plan(wanted, NOTHING)
    assert of(first) == {"1001": Action.CREATE, "1002": Action.CREATE}
    row, other = first.changes.new_extensions
    assert (row.settings.outbound_cid, row.settings.nat, row.digest) == ("030", "no", "digest-1001")
    assert (row.settings.recording.on_demand, row.mailbox_password) == (True, "4321")
    assert row.mailbox is not None
    assert row.mailbox.email == "a@example.org"
    assert (row.provisioned, other.mailbox) == (False, None)
    assert other.settings.call_waiting is True, "as FreePBX makes a new one, where the source does not say"
    held = done(NOTHING, first.changes)
    second = plan(wanted, held)
    assert second.empty
    assert of(second) == {"1001": Action.KEEP, "1002": Action.KEEP}


def test_what_changes_in_freepbx_changes_here() -> None:
    held = imported(there(_1001={"nat": "no", "pin": "1"}, _1002={}))
    found = plan(there(_1001={"nat": "yes", "pin": "2", "secret": "other"}, _1002={}), held)
    assert of(found) == {"1001": Action.CHANGE, "1002": Action.KEEP}
    assert {d.attribute for d in entries(found)["1001"].differences} == {"secret", "nat", "voicemail.password"}
    after = done(held, found.changes).extensions["1001"]
    assert (after.settings.nat, after.digest, after.mailbox_hash) == ("yes", "other", "hash of 2")
    assert plan(there(_1001={"nat": "yes", "pin": "2", "secret": "other"}, _1002={}), done(held, found.changes)).empty


def test_no_secret_is_in_a_report() -> None:
    held = imported(there(_1001={"pin": "98765"}))
    found = plan(there(_1001={"pin": "56789", "secret": "0a1b2c"}), held)
    shown = "\n".join(text("x", found, [], everything=True)) + str(as_json("x", found, [], applied=False))
    assert "secret changes" in shown
    assert "voicemail.password changes" in shown
    for secret in ("98765", "56789", "0a1b2c", "digest-1001"):
        assert secret not in shown


def test_what_was_changed_here_stays_and_is_shown() -> None:
    wanted = there(_1001={"nat": "no", "pin": "1"})
    held = edited(imported(wanted), "1001", nat="route", digest="own", mailbox_hash="own")
    found = plan(wanted, held)
    assert found.empty
    assert of(found) == {"1001": Action.HOLD}
    assert {d.attribute for d in entries(found)["1001"].differences} == {"nat", "secret", "voicemail.password"}
    forced = done(held, plan(wanted, held, FORCE).changes).extensions["1001"]
    assert (forced.settings.nat, forced.digest, forced.mailbox_hash) == ("no", "digest-1001", "hash of 1")


def test_a_mailbox_comes_and_goes() -> None:
    without, with_one = there(_1001={"voicemail": None}), there(_1001={"pin": "1"})
    held = imported(without)
    for wanted, hashed in ((with_one, "hash of 1"), (without, None), (with_one, "hash of 1")):
        found = plan(wanted, held)
        assert of(found) == {"1001": Action.CHANGE}
        held = done(held, found.changes)
        assert held.extensions["1001"].mailbox_hash == hashed
        assert plan(wanted, held).empty


def test_one_made_by_hand_is_not_touched() -> None:
    own = KeptExtension(settings=ExtensionSettings(extension="1001", name="Own"), digest="own", provisioned=True)
    held = msgspec.structs.replace(NOTHING, extensions={"1001": own})
    found = plan(there(_1001={"pin": "1"}), held)
    assert of(found) == {"1001": Action.HOLD}
    assert "before" in entries(found)["1001"].reason
    assert done(held, found.changes).extensions == {"1001": own}
    taken = done(held, plan(there(_1001={"pin": "1"}), held, FORCE).changes)
    assert taken.extensions["1001"].settings.name == "Name 1001"
    assert taken.extensions["1001"].provisioned, "which it was; that is for --no-provision"
    assert taken.extensions["1001"].mailbox_hash == "hash of 1"
    assert plan(there(_1001={"pin": "1"}), taken).empty


def test_numbers_that_are_taken() -> None:
    held = imported(there(_1001={}))
    others = msgspec.structs.replace(NOTHING, others_extensions=frozenset(["1001"]))
    found = plan(there(_1001={}), others)
    assert (of(found), found.changes.new_extensions) == ({"1001": Action.HOLD}, [])
    queue = WantedQueue(extension="1001", settings={"name": "Q"}, members={}, attributes={})
    wanted = Wanted(queues={"1001": queue}, agents={}, extensions=None, pause_codes=[], general={})
    found = plan(wanted, held)
    assert [(entry.kind, entry.action) for entry in found.entries if entry.key == "1001"] == [("queue", Action.HOLD)]
    assert found.changes.new_queues == []
    made = plan(wanted, NOTHING).changes.new_queues[0]
    found = plan(there(_1001={}), msgspec.structs.replace(NOTHING, queues={"1001": made}))
    assert (of(found), found.changes.new_extensions) == ({"1001": Action.HOLD}, [])


def test_what_was_deleted_here_stays_deleted() -> None:
    wanted = there(_1001={})
    held = msgspec.structs.replace(imported(wanted), extensions={})
    assert of(plan(wanted, held)) == {"1001": Action.HOLD}
    assert plan(wanted, held).empty
    assert of(plan(wanted, held, FORCE)) == {"1001": Action.CREATE}


def test_what_is_gone_from_freepbx_stays_until_it_is_pruned() -> None:
    held = imported(there(_1001={}, _1002={}))
    wanted, prune = there(_1001={}), Options(prune=True)
    assert of(plan(wanted, held)) == {"1001": Action.KEEP, "1002": Action.GONE}
    assert plan(wanted, held).empty
    own = edited(held, "1002", nat="no")
    assert plan(wanted, own, prune).empty
    assert "nat" in entries(plan(wanted, own, prune))["1002"].reason
    for start, options in ((held, prune), (own, Options(prune=True, force=True))):
        found = plan(wanted, start, options)
        assert of(found)["1002"] is Action.DELETE
        after = done(start, found.changes)
        assert (list(after.extensions), plan(wanted, after).empty) == (["1001"], True)
    unknown = msgspec.structs.replace(wanted, extensions=None)
    assert of(plan(unknown, held, prune)) == {}


def test_what_an_earlier_import_kept_as_attributes_becomes_an_extension() -> None:
    old = ImportedItem(
        kind="extension", key="1001", written={}, attributes={"sip": {"secret": "clear"}, "name": "Alice"}
    )
    held = msgspec.structs.replace(NOTHING, items={("extension", "1001"): old})
    found = plan(there(_1001={}), held)
    assert of(found) == {"1001": Action.CREATE}
    after = done(held, found.changes)
    assert "clear" not in str(after.items), "secrets are not kept in clear any more"
    # one whom FreePBX has no longer, and one that was made here since
    gone = plan(there(), held)
    assert gone.changes.forget == [("extension", "1001")]


def test_names_that_are_another_extension_s_here_get_the_number_added() -> None:
    held = imported(there(_1001={"name": "Alice"}))
    found = plan(there(_1002={"name": "Alice"}), held)
    after = done(held, found.changes)
    assert after.extensions["1002"].settings.name == "Alice (1002)"
    assert plan(there(_1002={"name": "Alice"}), after).empty


def test_names_are_exchanged() -> None:
    held = imported(there(_1001={"name": "A"}, _1002={"name": "B"}))
    after = done(held, plan(there(_1001={"name": "B"}, _1002={"name": "A"}), held).changes)
    assert [one.settings.name for one in after.extensions.values()] == ["B", "A"]


def test_in_asterisk_only_when_it_is_asked_for() -> None:
    wanted = there(_1001={}, _1002={"not_sip": "its device is iax2, not SIP"})
    held = imported(wanted)
    made = plan(wanted, held, Options(provision=True))
    assert of(made) == {"1001": Action.CHANGE, "1002": Action.KEEP}
    assert "iax2" in entries(made)["1002"].reason
    held = done(held, made.changes)
    assert [one.provisioned for one in held.extensions.values()] == [True, False]
    for options in (Options(), Options(provision=True)):
        assert plan(wanted, held, options).empty, "it stays, without asking again"
    back = done(held, plan(wanted, held, Options(provision=False)).changes)
    assert [one.provisioned for one in back.extensions.values()] == [False, False]
    at_once = imported(wanted, Options(provision=True))
    assert [one.provisioned for one in at_once.extensions.values()] == [True, False]


_ONE = st.fixed_dictionaries(
    {"nat": st.sampled_from(["yes", "no"]), "name": st.sampled_from(["A", "B", "C"])},
    optional={
        "voicemail": st.none(),
        "pin": st.sampled_from(["1", "2"]),
        "secret": st.sampled_from(["s", "t"]),
        "cid_masquerade": st.sampled_from([None, "5000"]),
    },
)
_FREEPBX = st.dictionaries(st.sampled_from(["_1001", "_1002", "_1003"]), _ONE)


def _distinct(drawn: dict[str, dict[str, Any]]) -> Wanted:
    """FreePBX' own are told apart before (test_extensions.py)."""
    names: set[str] = set()
    found = {}
    for key, values in drawn.items():
        if values["name"] not in names:
            names.add(values["name"])
            found[key] = dict(values)
    return there(**found)


@settings(max_examples=300, deadline=None)
@given(_FREEPBX, _FREEPBX, _FREEPBX, st.booleans(), st.booleans(), st.sampled_from([None, True, False]))
def test_an_import_is_done_once(
    first: Any, second: Any, here: Any, force: bool, prune: bool, provision: bool | None
) -> None:
    """Whatever was imported, changed here, and changed in FreePBX: what was planned and done is not planned again, and
    with force what FreePBX says is what is here."""
    held = imported(_distinct(first))
    for key, values in here.items():
        if key[1:] in held.extensions:
            held = edited(held, key[1:], nat=values["nat"])
            if "secret" in values:
                held = edited(held, key[1:], digest=values["secret"])
            if "voicemail" in values:
                held = edited(held, key[1:], mailbox=None, mailbox_hash=None)
    wanted, options = _distinct(second), Options(force=force, prune=prune, provision=provision)
    after = done(held, plan(wanted, held, options).changes)
    assert plan(wanted, after, options).empty
    if force:
        for number, one in (wanted.extensions or {}).items():
            have = after.extensions[number]
            assert (have.settings.nat, have.digest) == (one.settings["nat"], one.settings["secret"])
            if one.mailbox_password is not None:
                assert have.mailbox_hash == f"hash of {one.mailbox_password}"
