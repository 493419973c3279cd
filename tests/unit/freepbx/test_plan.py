"""The plan: what FreePBX says, what was written last, what is here."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_app.acd.destination import Destination, Kind, Overflow, When
from ari_app.freepbx.decisions import Action, Options, Plan
from ari_app.freepbx.mapping import Wanted, WantedAgent, WantedQueue
from ari_app.freepbx.plan import plan
from ari_app.store.imports import Changes, Held
from ari_app.store.values import QueueData, UserData

FORCE = Options(force=True)
NOTHING = Held(queues={}, agents={}, members={}, pause_codes=frozenset(), items={})


def there(queues: dict[str, dict[str, Any]], members: dict[str, dict[str, int]] | None = None) -> Wanted:
    members = members or {}
    agents = {number: None for bound in members.values() for number in bound}
    return Wanted(
        queues={
            extension: WantedQueue(
                extension=extension,
                settings={"name": f"Queue {extension}"} | values,
                members=members.get(extension, {}),
                attributes={},
            )
            for extension, values in queues.items()
        },
        agents={
            number: WantedAgent(number=number, data={"first_name": "Agent", "last_name": number, "email": None})
            for number in agents
        },
        extensions={},
        pause_codes=[],
        general={},
    )


def done(held: Held, changes: Changes) -> Held:
    """What is here after an import: what the store does, said again."""
    queues = {key: queue for key, queue in held.queues.items() if key not in changes.gone_queues}
    queues |= {queue.extension: queue for queue in (*changes.queues, *changes.new_queues)}
    agents = held.agents | {agent.number or "": agent for agent in (*changes.agents, *changes.new_agents)}
    members = {queue: dict(bound) for queue, bound in held.members.items() if queue in queues}
    for queue, number, skill in (*changes.bind, *changes.rebind):
        members.setdefault(queue, {})[number] = skill
    for queue, number in changes.unbind:
        del members[queue][number]
    items = {key: item for key, item in held.items.items() if key not in changes.forget}
    items |= {(item.kind, item.key): item for item in changes.items}
    overflow = held.overflow | dict(changes.overflow)
    return Held(
        queues=queues,
        agents=agents,
        members=members,
        pause_codes=held.pause_codes | set(changes.new_pause_codes),
        items=items,
        overflow={queue: rules for queue, rules in overflow.items() if queue in queues and rules},
    )


def imported(wanted: Wanted) -> Held:
    return done(NOTHING, plan(wanted, NOTHING).changes)


def of(found: Plan, kind: str = "queue") -> dict[str, Action]:
    return {entry.key: entry.action for entry in found.entries if entry.kind == kind}


def edited(held: Held, extension: str, **values: Any) -> Held:
    """An administrator changes a queue here."""
    queue = msgspec.structs.replace(held.queues[extension], **values)
    return msgspec.structs.replace(held, queues=held.queues | {extension: queue})


def test_the_first_import_makes_everything_and_the_second_nothing() -> None:
    wanted = there({"500": {"weight": 3}}, {"500": {"1001": 1, "1002": 2}})
    first = plan(wanted, NOTHING)
    assert of(first) == {"500": Action.CREATE}
    assert first.changes.new_queues == [QueueData(extension="500", name="Queue 500", weight=3)]
    assert first.changes.bind == [("500", "1001", 1), ("500", "1002", 2)]
    second = plan(wanted, imported(wanted))
    assert second.empty
    assert of(second) == {"500": Action.KEEP}


def test_what_changes_in_freepbx_changes_here() -> None:
    held = imported(there({"500": {"weight": 3}}, {"500": {"1001": 1, "1002": 2}}))
    found = plan(there({"500": {"weight": 4}}, {"500": {"1002": 1, "1003": 1}}), held)
    (entry,) = (entry for entry in found.entries if entry.kind == "queue")
    assert entry.action is Action.CHANGE
    assert {(d.attribute, d.here, d.there) for d in entry.differences} == {
        ("weight", 3, 4),
        ("member 1001", 1, None),
        ("member 1002", 2, 1),
        ("member 1003", None, 1),
    }
    after = done(held, found.changes)
    assert after.queues["500"].weight == 4
    assert after.members["500"] == {"1002": 1, "1003": 1}
    assert of(found, "agent") == {"1002": Action.KEEP, "1003": Action.CREATE, "1001": Action.GONE}


@pytest.mark.parametrize("now", [3, 4])
def test_what_was_changed_here_stays_and_is_shown(now: int) -> None:
    """Whether or not FreePBX changed too."""
    held = edited(imported(there({"500": {"weight": 3}})), "500", weight=9, cid_name_prefix="own")
    wanted = there({"500": {"weight": now}})
    found = plan(wanted, held)
    assert found.empty
    (entry,) = (entry for entry in found.entries if entry.kind == "queue")
    assert entry.action is Action.HOLD
    assert [(d.attribute, d.here, d.there, d.held) for d in entry.differences] == [("weight", 9, now, True)]
    forced = plan(wanted, held, FORCE)
    after = done(held, forced.changes)
    assert (after.queues["500"].weight, after.queues["500"].cid_name_prefix) == (now, "own")
    assert plan(wanted, after).empty


def test_what_an_administrator_and_freepbx_changed_alike_is_no_difference() -> None:
    held = edited(imported(there({"500": {"weight": 3}})), "500", weight=9)
    found = plan(there({"500": {"weight": 9}}), held)
    assert of(found) == {"500": Action.KEEP}
    # It is taken note of: when FreePBX changes again, that is a change.
    after = done(held, found.changes)
    assert of(plan(there({"500": {"weight": 1}}), after)) == {"500": Action.CHANGE}


def test_members_an_administrator_changed_stay() -> None:
    wanted = there({"500": {}}, {"500": {"1001": 1, "1002": 1, "1003": 1}})
    held = imported(wanted)
    agents = held.agents | {"7": UserData(number="7", first_name="Own")}
    held = msgspec.structs.replace(held, agents=agents, members={"500": {"1001": 5, "1003": 1, "7": 2}})
    found = plan(wanted, held)
    assert found.empty
    (entry,) = (entry for entry in found.entries if entry.kind == "queue")
    assert {(d.attribute, d.here, d.there) for d in entry.differences} == {
        ("member 1001", 5, 1),
        ("member 1002", None, 1),
    }
    after = done(held, plan(wanted, held, FORCE).changes)
    assert after.members["500"] == {"1001": 1, "1002": 1, "1003": 1, "7": 2}


def test_a_queue_that_was_here_before_is_not_touched() -> None:
    own = QueueData(extension="500", name="Own", weight=7)
    held = msgspec.structs.replace(NOTHING, queues={"500": own})
    wanted = there({"500": {"weight": 1}}, {"500": {"1001": 1}})
    found = plan(wanted, held)
    assert of(found) == {"500": Action.HOLD}
    assert not found.changes.queues
    assert not found.changes.bind
    after = done(held, plan(wanted, held, FORCE).changes)
    assert (after.queues["500"].name, after.queues["500"].weight) == ("Queue 500", 1)
    assert after.members["500"] == {"1001": 1}


def test_an_agent_who_was_here_before_is_bound_and_keeps_his_name() -> None:
    held = msgspec.structs.replace(NOTHING, agents={"1001": UserData(number="1001", first_name="Own")})
    wanted = there({"500": {}}, {"500": {"1001": 2}})
    found = plan(wanted, held)
    assert of(found, "agent") == {"1001": Action.HOLD}
    after = done(held, found.changes)
    assert after.agents["1001"].first_name == "Own"
    assert after.members["500"] == {"1001": 2}
    assert plan(wanted, after).empty


def test_a_source_without_names_renames_nobody() -> None:
    """A backup of the queues alone, after an import of the database."""
    wanted = there({"500": {}}, {"500": {"1001": 1}})
    held = imported(wanted)
    nameless = msgspec.structs.replace(
        wanted, agents={number: WantedAgent(number=number, data={}) for number in ("1001", "1002")}
    )
    found = plan(nameless, held)
    assert of(found, "agent") == {"1001": Action.KEEP, "1002": Action.CREATE}
    assert found.changes.new_agents == [UserData(number="1002", first_name="Agent", last_name="1002")]
    after = done(held, found.changes)
    # and a name that is known later is taken, where nobody gave him another
    named = there({"500": {}}, {"500": {"1002": 1}})
    named.agents["1002"].data["first_name"] = "Bob"
    assert plan(named, after).changes.agents == [UserData(number="1002", first_name="Bob", last_name="1002")]


def test_a_queue_whose_name_becomes_known_later_gets_it() -> None:
    """Imported from generated files, then from the database."""
    wanted = there({"500": {}})
    del wanted.queues["500"].settings["name"]
    held = imported(wanted)
    assert held.queues["500"].name == "Queue 500"
    assert plan(there({"500": {"name": "Sales"}}), held).changes.queues[0].name == "Sales"
    own = edited(held, "500", name="Own")
    assert of(plan(there({"500": {"name": "Sales"}}), own)) == {"500": Action.HOLD}


def test_what_was_deleted_here_stays_deleted() -> None:
    wanted = there({"500": {}, "501": {}}, {"500": {"1001": 1}, "501": {"1001": 1}})
    held = imported(wanted)
    held = msgspec.structs.replace(held, queues={"501": held.queues["501"]}, agents={}, members={})
    found = plan(wanted, held)
    assert of(found)["500"] is Action.HOLD
    assert of(found, "agent") == {"1001": Action.HOLD}
    assert found.changes.new_queues == found.changes.new_agents == found.changes.bind == []
    after = done(held, plan(wanted, held, FORCE).changes)
    assert after.members == {"500": {"1001": 1}, "501": {"1001": 1}}


def test_what_is_gone_from_freepbx_stays_until_it_is_pruned() -> None:
    held = imported(there({"500": {}, "501": {}}))
    less = there({"500": {}})
    found = plan(less, held)
    assert found.empty
    assert of(found) == {"500": Action.KEEP, "501": Action.GONE}
    pruned = plan(less, held, Options(prune=True))
    assert pruned.changes.gone_queues == ["501"]
    after = done(held, pruned.changes)
    assert set(after.queues) == {"500"}
    assert plan(less, after, Options(prune=True)).empty
    changed = edited(held, "501", weight=1)
    assert plan(less, changed, Options(prune=True)).changes.gone_queues == []
    assert plan(less, changed, Options(prune=True, force=True)).changes.gone_queues == ["501"]


def test_a_setting_the_source_does_not_have_stays() -> None:
    held = imported(there({"500": {"weight": 3, "max_wait_time": 60}}))
    found = plan(there({"500": {"weight": 4}}), held)
    after = done(held, found.changes)
    assert (after.queues["500"].weight, after.queues["500"].max_wait_time) == (4, 60)


def test_a_setting_an_earlier_import_did_not_know_is_taken_where_nobody_set_it() -> None:
    held = imported(there({"500": {}, "501": {}}))
    held = edited(held, "501", weight=2)
    found = plan(there({"500": {"weight": 4}, "501": {"weight": 4}}), held)
    assert of(found) == {"500": Action.CHANGE, "501": Action.HOLD}


def test_names_that_are_another_queue_s_here_get_the_number_added() -> None:
    held = msgspec.structs.replace(NOTHING, queues={"9": QueueData(extension="9", name="Queue 500")})
    wanted = there({"500": {}})
    found = plan(wanted, held)
    assert found.changes.new_queues[0].name == "Queue 500 (500)"
    assert plan(wanted, done(held, found.changes)).empty


def test_an_address_another_agent_has_is_left_to_him() -> None:
    own = UserData(number="7", first_name="Own", email="A@example.org")
    held = msgspec.structs.replace(NOTHING, agents={"7": own})
    wanted = there({"500": {}}, {"500": {"1001": 1}})
    wanted.agents["1001"].data["email"] = "a@example.org"
    assert plan(wanted, held).changes.new_agents[0].email is None


def test_pause_codes() -> None:
    wanted = msgspec.structs.replace(there({}), pause_codes=["Lunch"])
    first = plan(wanted, NOTHING)
    assert first.changes.new_pause_codes == ["Lunch"]
    held = done(NOTHING, first.changes)
    assert plan(wanted, held).empty
    deleted = msgspec.structs.replace(held, pause_codes=frozenset())
    assert of(plan(wanted, deleted), "pause code") == {"Lunch": Action.HOLD}


def test_a_source_without_queues_says_nothing_of_them() -> None:
    held = imported(there({"500": {}}, {"500": {"1001": 1}}))
    unknown = msgspec.structs.replace(there({}), knows_queues=False, general=None)
    found = plan(unknown, held, Options(prune=True))
    assert found.empty
    assert not found.entries


_WEIGHTS = st.fixed_dictionaries({"weight": st.integers(0, 2), "max_wait_time": st.sampled_from([None, 30])})
_MEMBERS = st.dictionaries(st.sampled_from(["1001", "1002", "1003"]), st.integers(1, 3))
_FREEPBX = st.dictionaries(st.sampled_from(["500", "501", "502"]), st.tuples(_WEIGHTS, _MEMBERS))


def _wanted(drawn: dict[str, tuple[dict[str, Any], dict[str, int]]]) -> Wanted:
    return there({key: value[0] for key, value in drawn.items()}, {key: value[1] for key, value in drawn.items()})


@settings(max_examples=200, deadline=None)
@given(_FREEPBX, _FREEPBX, _FREEPBX, st.booleans(), st.booleans())
def test_an_import_is_done_once(first: Any, second: Any, here: Any, force: bool, prune: bool) -> None:
    """Whatever was imported, changed here, and changed in FreePBX: what was planned and done is not planned again; and
    with force, what FreePBX says is what is here."""
    held = imported(_wanted(first))
    for extension, (values, bound) in here.items():
        if extension in held.queues:
            held = edited(held, extension, **values)
            bound = {number: skill for number, skill in bound.items() if number in held.agents}
            held = msgspec.structs.replace(held, members=held.members | {extension: bound})
    wanted, options = _wanted(second), Options(force=force, prune=prune)
    after = done(held, plan(wanted, held, options).changes)
    assert plan(wanted, after, options).empty
    if force:
        for extension, queue in wanted.queues.items():
            have = after.queues[extension]
            assert {name: getattr(have, name) for name in queue.settings} == queue.settings
            assert queue.members.items() <= after.members.get(extension, {}).items()


# failover destinations


def failing_over(to: str | None) -> Wanted:
    """Queue 500, whose callers go to another one when it does not serve them."""
    wanted = there({"500": {}, "501": {}, "502": {}})
    rules = () if to is None else (rule(to),)
    queue = msgspec.structs.replace(wanted.queues["500"], overflow=rules)
    return msgspec.structs.replace(wanted, queues=wanted.queues | {"500": queue})


def rule(to: str) -> Overflow:
    return Overflow(when=When.TIMEOUT, destination=Destination(kind=Kind.QUEUE, to=to))


def set_here(held: Held, *rules: Overflow) -> Held:
    """An administrator sets the rules of 500."""
    overflow = {queue: kept for queue, kept in held.overflow.items() if queue != "500"}
    return msgspec.structs.replace(held, overflow=overflow | ({"500": rules} if rules else {}))


def test_a_failover_destination_is_carried_over_changed_and_taken_away() -> None:
    held = imported(failing_over("501"))
    assert held.overflow == {"500": (rule("501"),)}
    assert plan(failing_over("501"), held).empty
    changed = plan(failing_over("502"), held)
    assert of(changed)["500"] is Action.CHANGE
    held = done(held, changed.changes)
    assert held.overflow == {"500": (rule("502"),)}
    held = done(held, plan(failing_over(None), held).changes)
    assert held.overflow == {}
    assert plan(failing_over(None), held).empty


def test_what_an_administrator_made_of_it_stays() -> None:
    held = set_here(imported(failing_over("501")), rule("502"))
    again = plan(failing_over("501"), held)
    assert of(again)["500"] is Action.HOLD
    assert again.changes.overflow == []
    both = plan(there({"500": {}, "501": {}, "502": {}}), held)
    assert of(both)["500"] is Action.HOLD
    assert both.changes.overflow == []
    forced = plan(failing_over(None), held, FORCE)
    assert forced.changes.overflow == [("500", ())]


def test_rules_of_ones_own_are_not_seen_by_an_import() -> None:
    held = set_here(imported(failing_over(None)), rule("502"))
    assert plan(failing_over(None), held).empty
    assert plan(failing_over(None), held, FORCE).empty
    (entry,) = [each for each in plan(failing_over("501"), held).entries if each.key == "500"]
    assert entry.action is Action.HOLD
    assert [each.attribute for each in entry.differences] == ["overflow"]


def test_a_queue_whose_rules_were_changed_is_not_pruned() -> None:
    held = set_here(imported(failing_over("501")), rule("502"))
    gone = plan(there({"501": {}, "502": {}}), held, Options(prune=True))
    (entry,) = [each for each in gone.entries if each.key == "500"]
    assert entry.action is Action.GONE
    assert "overflow" in entry.reason
