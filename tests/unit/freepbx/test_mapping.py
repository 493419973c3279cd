"""Members, agents, names: who is bound to what, and what is said about the others."""

from __future__ import annotations

import pytest

from ari_app.freepbx.errors import SourceUnreadable
from ari_app.freepbx.mapping import SkillRule, Wanted, wanted
from ari_app.freepbx.notes import Level, Notes
from ari_app.freepbx.tables import describe, parse_member
from tests.unit.freepbx.sample import FreePBX, small


def mapped(made: FreePBX, skills: SkillRule = "offset") -> tuple[Wanted, dict[str, Level]]:
    described = describe(made.tables())
    found = wanted(described, skills)
    return found, {note.item: note.level for note in described.notes.all()}


def test_members_static_first_in_their_order_then_dynamic() -> None:
    made = small()
    made.queue("502", "PJSIP/1003,0", "PJSIP/1001,0", config={"descr": "Order"})
    made.astdb["/QPENALTY/502/agents/1002"] = "0"
    made.astdb["/QPENALTY/502/dynmemberonly"] = "yes"
    found, _ = mapped(made)
    assert {name: queue.members for name, queue in found.queues.items()} == {
        "500": {"1001": 1, "1002": 3},
        "501": {"1003": 2, "1001": 4},
        "502": {"1003": 1, "1001": 1, "1002": 1},
    }
    assert list(found.queues["502"].members) == ["1003", "1001", "1002"]
    assert found.queues["502"].attributes["dynmemberonly"] == "yes"
    assert found.queues["501"].attributes["members"] == {
        "static": ["Local/1003@from-queue/n,1"],
        "dynamic": ["1001,3"],
    }


def test_members_are_ordered_by_flags_not_by_row() -> None:
    made = small()
    made.queue("502", config={"descr": "Order"})
    for place, number in (("10", "1001"), ("2", "1002"), ("0", "1003")):
        made.detail("502", "member", f"PJSIP/{number},0", place)
    assert list(mapped(made)[0].queues["502"].members) == ["1003", "1002", "1001"]


@pytest.mark.parametrize(
    ("rule", "skills"), [("offset", {"1001": 1, "1002": 5, "1003": 5}), ("rank", {"1001": 1, "1002": 2, "1003": 3})]
)
def test_penalties_become_skills(rule: SkillRule, skills: dict[str, int]) -> None:
    made = small()
    made.queue("502", "PJSIP/1001,0", "PJSIP/1002,10", "PJSIP/1003,20", config={"descr": "Far apart"})
    found, notes = mapped(made, rule)
    assert found.queues["502"].members == skills
    assert (notes.get("penalties 10, 20") is Level.CHANGED) == (rule == "offset")


@pytest.mark.parametrize(
    ("data", "technology", "number", "penalty"),
    [
        ("Local/1001@from-queue/n,0", "Local", "1001", 0),
        ("Local/1001@from-queue/n,12", "Local", "1001", 12),
        ("Local/1001@from-internal/n", "Local", "1001", 0),
        ("Local/0301234567@from-queue/n,0", "Local", "0301234567", 0),
        ("PJSIP/1001,1", "PJSIP", "1001", 1),
        ("SIP/1001,1", "SIP", "1001", 1),
        ("sip/1001,1", "SIP", "1001", 1),
        ("IAX2/1001,1", "IAX2", "1001", 1),
        ("DAHDI/1,1", "DAHDI", "1", 1),
        ("ZAP/1,1", "ZAP", "1", 1),
        ("Agent/1001,1", "Agent", "1001", 1),
        ("PJSIP/1001, 3 ", "PJSIP", "1001", 3),
    ],
)
def test_member_rows(data: str, technology: str, number: str, penalty: int) -> None:
    member = parse_member(data, "queue 500", Notes())
    assert member is not None
    assert (member.technology, member.number, member.penalty) == (technology, number, penalty)


@pytest.mark.parametrize("data", ["", "1001", "PJSIP/", "Local/1001@my-own/n,0", "Console/dsp,0", "/,,,"])
def test_what_is_no_member_is_said(data: str) -> None:
    notes = Notes()
    assert parse_member(data, "queue 500", notes) is None
    assert [note.level for note in notes.all()] == [Level.CANNOT]


def test_a_penalty_that_is_no_number() -> None:
    notes = Notes()
    member = parse_member("PJSIP/1001,high", "queue 500", notes)
    assert member is not None
    assert member.penalty == 0
    assert [note.level for note in notes.all()] == [Level.CHANGED]


def test_members_that_cannot_be_agents_are_kept_and_named() -> None:
    made = small()
    made.extension("100001", "Too Long")
    outside = ["Local/0301234567@from-queue/n,0", "PJSIP/1999,0", "Agent/1001,0", "DAHDI/4,0", "PJSIP/100001,0"]
    made.queue("502", *outside, "PJSIP/1001,0", "Local/1001@from-queue/n,4", config={"descr": "Odd"})
    found, notes = mapped(made)
    assert found.queues["502"].members == {"1001": 1}
    assert found.queues["502"].attributes["members"] == {
        "static": [*outside, "PJSIP/1001,0", "Local/1001@from-queue/n,4"]
    }
    for member in outside:
        assert notes[f"member {member.partition(',')[0]}"] is Level.KEPT
    assert notes["member 1001"] is Level.REMARK


def test_a_device_is_its_user() -> None:
    """Ad-hoc devices have numbers of their own; a DAHDI channel none."""
    made = small()
    for device, dial in (("990", "PJSIP/990"), ("1002d", "DAHDI/2")):
        made.rows["devices"].append({"id": device, "tech": "x", "dial": dial, "devicetype": "adhoc", "user": "1002"})
    made.queue("502", "PJSIP/990,0", config={"descr": "Device"})
    made.queue("503", "DAHDI/2,0", config={"descr": "Line"})
    found, _ = mapped(made)
    assert found.queues["502"].members == found.queues["503"].members == {"1002": 1}


def test_agents_are_made_from_members_once_each() -> None:
    made = small()
    made.extension("1004", "In no queue")
    made.voicemail += "1001 => 4321,Alice Adams,alice@example.org,,attach=yes|saycid=no\n"
    made.voicemail += "1002 => 1,Bob,ALICE@example.org,,\n1003 => 1,Chaim,not an address,,\n"
    for row in made.rows["users"]:
        row["voicemail"] = "default"
    found, notes = mapped(made)
    assert {number: agent.data for number, agent in found.agents.items()} == {
        "1001": {"first_name": "Alice", "last_name": "Adams", "email": "alice@example.org"},
        "1002": {"first_name": "Bob", "last_name": None, "email": None},
        "1003": {"first_name": "Chaim", "last_name": "Cohen", "email": None},
    }
    assert notes["e-mail address of the mailbox"] in (Level.KEPT, Level.CANNOT)
    assert notes["passwords"] is Level.REMARK


def test_without_the_table_of_extensions_members_are_believed() -> None:
    """As in a backup of the queues module alone."""
    made = small()
    tables = made.tables()
    for name in ("users", "devices", "pjsip"):
        del tables.rows[name]
    found = wanted(describe(tables))
    assert found.extensions is None
    assert found.queues["500"].members == {"1001": 1, "1002": 3}
    assert found.agents["1001"].data == {}


def test_names_become_unique() -> None:
    made = FreePBX()
    long = "A name of exactly thirty-five chars"
    assert len(long) == 35
    for extension, name in (("500", "Sales"), ("501", "Sales"), ("502", long), ("503", long), ("504", "")):
        made.queue(extension, config={"descr": name})
    found, _ = mapped(made)
    names = [queue.settings["name"] for queue in found.queues.values()]
    assert names == ["Sales", "Sales (501)", long, "A name of exactly thirty-five (503)", "Queue 504"]
    assert all(len(name) <= 35 for name in names)


def test_damage() -> None:
    made = small()
    made.queue("500", config={"descr": "Again"})
    made.queue("0600", config={"descr": "Zero"})
    made.queue("*70", config={"descr": "Star"})
    made.extension("1001", "Again")
    made.detail("777", "member", "PJSIP/1001,0")
    made.rows["queues_config"].append({"extension": "", **dict.fromkeys(("descr",), "Nameless")})
    made.detail("500", "", "x")
    found, notes = mapped(made)
    assert list(found.queues) == ["500", "501"]
    assert found.queues["500"].settings["name"] == "Sales"
    assert found.agents["1001"].data["first_name"] == "Alice"
    for item in ("queue", "extension", "settings", "a row of queues_config", "a setting"):
        assert notes[item] is Level.CANNOT


@pytest.mark.parametrize("table", ["queues_config", "queues_details"])
def test_without_the_queues_there_is_nothing_to_import(table: str) -> None:
    tables = small().tables()
    del tables.rows[table]
    with pytest.raises(SourceUnreadable, match=table):
        describe(tables)


def test_without_the_key_of_a_table() -> None:
    tables = small().tables()
    tables.rows["queues_config"] = [{"descr": "Sales"}]
    with pytest.raises(SourceUnreadable, match="no column extension"):
        describe(tables)


def test_a_column_that_lacks_overwrites_nothing() -> None:
    tables = small().tables()
    tables.rows["queues_config"] = [{"extension": "500", "descr": "Sales"}]
    described = describe(tables)
    settings = wanted(described).queues["500"].settings
    assert settings["name"] == "Sales"
    assert settings.keys().isdisjoint({"max_wait_time", "cid_name_prefix", "ringing_moh", "recording_mode"})
    assert "column maxwait of queues_config" in {note.item for note in described.notes.all()}


def test_pause_reasons_in_use_become_pause_codes() -> None:
    made = small()
    made.astdb["/Queue/PersistentMembers/500"] = (
        "PJSIP/1001;0;1;Alice;hint:1001@ext-local;Lunch;0|PJSIP/1002;0;0;Bob;;Old;0|"
        "PJSIP/1003;0;1;Chaim;;A reason that is too long;0|broken"
    )
    assert mapped(made)[0].pause_codes == ["Lunch", "A reason that is"]


def test_routes_to_queues_are_kept() -> None:
    made = small()
    made.rows["incoming"] = [
        {"extension": "0301", "cidnum": "", "destination": "ext-queues,500,1"},
        {"extension": "0302", "cidnum": "", "destination": "ext-local,1001,1"},
        {"extension": "", "cidnum": "", "destination": "ext-queues,501,1"},
    ]
    assert mapped(made)[0].general["routes"] == {"0301": "500", "any": "501"}


def test_time_conditions_before_a_queue_are_said() -> None:
    made = small()
    for number, there in (("1", "ext-queues,500,1"), ("2", "ivr-1,s,1"), ("3", "ext-queues,999,1")):
        made.rows["timeconditions"].append(
            {"timeconditions_id": number, "displayname": f"Day {number}", "truegoto": there, "falsegoto": ""}
        )
    _, notes = mapped(made)
    assert {item: level for item, level in notes.items() if item.startswith("time")} == {
        "time condition Day 1": Level.REMARK
    }
