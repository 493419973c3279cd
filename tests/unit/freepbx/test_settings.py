"""Each value the GUI can store, and what it is here."""

from __future__ import annotations

from typing import Any

import pytest

from ari_app.freepbx.mapping import WantedQueue, wanted
from ari_app.freepbx.notes import Level, Note
from ari_app.freepbx.tables import describe
from ari_app.store.values import QueueData
from tests.unit.freepbx.sample import CONFIG, DETAILS, FreePBX


def converted(made: FreePBX) -> tuple[WantedQueue, list[Note]]:
    described = describe(made.tables())
    found = wanted(described)
    return found.queues["500"], described.notes.all()


def with_detail(keyword: str, data: str | None) -> tuple[WantedQueue, list[Note]]:
    made = FreePBX()
    made.queue("500", **{keyword: data})
    return converted(made)


def with_column(name: str, value: str) -> tuple[WantedQueue, list[Note]]:
    made = FreePBX()
    made.queue("500", config={name: value})
    return converted(made)


def items(notes: list[Note], *levels: Level) -> list[str]:
    return [note.item for note in notes if note.level in (levels or tuple(Level))]


def test_a_queue_nobody_touched() -> None:
    """What the form stores by itself: nothing of it is worth a note."""
    made = FreePBX()
    made.queue("500")
    queue, notes = converted(made)
    settings = QueueData(extension="500", **queue.settings)
    assert settings == QueueData(
        extension="500",
        name="Sales",
        wrap_up_all_queues=True,
        moh_class="inherit",
        agent_timeout=15,
        agent_retry_time=5,
        recording_mode="includeholdtime",
        service_level=60.0,
    )
    assert notes == []


@pytest.mark.parametrize(
    ("keyword", "data", "attribute", "value"),
    [
        ("wrapuptime", "0", "wrap_up_time", None),
        ("wrapuptime", "30", "wrap_up_time", 30),
        ("timeout", "0", "agent_timeout", None),
        ("timeout", "20", "agent_timeout", 20),
        ("retry", "none", "agent_retry_time", None),
        ("retry", "0", "agent_retry_time", 1),
        ("retry", "10", "agent_retry_time", 10),
        ("maxlen", "0", "max_callers", None),
        ("maxlen", "50", "max_callers", 50),
        ("weight", "10", "weight", 10),
        ("strategy", "roundrobin", "ring_strategy", "rrmemory"),
        *(
            ("strategy", name, "ring_strategy", name)
            for name in (
                *("ringall", "leastrecent", "fewestcalls", "random"),
                *("rrmemory", "rrordered", "linear", "wrandom"),
            )
        ),
        *(("joinempty", word, "join_empty", word) for word in ("yes", "no", "strict", "loose")),
        *(("leavewhenempty", word, "leave_empty", word) for word in ("yes", "no", "strict", "loose")),
        ("joinempty", "penalty,paused,invalid,unavailable,inuse,ringing", "join_empty", "ultrastrict"),
        ("leavewhenempty", "penalty,paused,invalid,unavailable,inuse,ringing", "leave_empty", "ultrastrict"),
        ("joinempty", "paused,invalid,penalty", "join_empty", "no"),
        ("leavewhenempty", "paused,invalid,penalty", "leave_empty", "yes"),
        ("joinempty", "penalty,invalid", "join_empty", "loose"),
        ("joinempty", "inuse", "join_empty", "yes"),
        ("leavewhenempty", "penalty,invalid,paused,unavailable,inuse", "leave_empty", "strict"),
        ("announce_frequency", "30", "announce_frequency", 30),
        ("announce_holdtime", "once", "announce_hold_time", "once"),
        ("announce_holdtime", "yes", "announce_hold_time", "yes"),
        ("announce_position", "yes", "announce_position", "yes"),
        ("autopause", "yes", "auto_pause", "yes"),
        ("autopause", "all", "auto_pause", "all"),
        ("servicelevel", "20", "service_level", 20.0),
        ("servicelevel", "", "service_level", 60.0),
        ("music", "default", "moh_class", "default"),
        ("music", "none", "moh_class", "none"),
        ("music", None, "moh_class", "inherit"),
        *(("recording", mode, "recording_format", "wav") for mode in ("force", "yes", "always")),
        *(("recording", mode, "recording_format", None) for mode in ("dontcare", "no", "never")),
    ],
)
def test_keywords(keyword: str, data: str | None, attribute: str, value: object) -> None:
    queue, notes = with_detail(keyword, data)
    assert queue.settings[attribute] == value
    assert items(notes, Level.CANNOT) == []


@pytest.mark.parametrize(
    ("name", "written", "attribute", "value"),
    [
        ("maxwait", "", "max_wait_time", None),
        ("maxwait", "0", "max_wait_time", None),
        ("maxwait", "600", "max_wait_time", 600),
        ("grppre", "S: ", "cid_name_prefix", "S:"),
        ("ringing", "0", "ringing_moh", False),
        ("ringing", "1", "ringing_moh", True),
        ("ringing", "2", "ringing_moh", False),
        ("use_queue_context", "0", "agent_restrictions", 0),
        ("use_queue_context", "1", "agent_restrictions", 1),
        ("use_queue_context", "2", "agent_restrictions", 2),
        ("monitor_type", "", "recording_mode", "includeholdtime"),
        ("monitor_type", "b", "recording_mode", "afteranswered"),
        ("descr", "", "name", "Queue 500"),
        ("descr", "Vertrieb Süd", "name", "Vertrieb Süd"),
        ("descr", "Vertrieb SÃ¼d", "name", "Vertrieb Süd"),
        ("descr", "a\tb\x00c", "name", "abc"),
    ],
)
def test_columns(name: str, written: str, attribute: str, value: object) -> None:
    queue, _ = with_column(name, written)
    assert queue.settings[attribute] == value


def test_position_where_freepbx_had_no_setting_for_it() -> None:
    for prompt, expected in (("queue-youarenext", "yes"), ("silence/1", "no"), (None, "no")):
        made = FreePBX()
        made.queue("500", announce_position=None, queue_youarenext=prompt)
        assert converted(made)[0].settings["announce_position"] == expected


def test_a_recording_of_before_freepbx_12() -> None:
    for written, expected in (("wav", "wav"), ("gsm", "wav"), ("", None)):
        made = FreePBX()
        made.queue("500", recording=None, monitor_format=written)
        assert converted(made)[0].settings["recording_format"] == expected


@pytest.mark.parametrize(
    ("keyword", "data", "default"),
    [
        ("timeout", "abc", 15),
        ("timeout", "-5", 15),
        ("retry", "1e3", 5),
        ("maxlen", "99999999999999999999", None),
        ("wrapuptime", "٣", None),
        ("weight", "eleven", 0),
        ("servicelevel", "60s", 60.0),
    ],
)
def test_bad_numbers_are_said_and_take_the_default(keyword: str, data: str, default: object) -> None:
    queue, notes = with_detail(keyword, data)
    attribute = {"timeout": "agent_timeout", "retry": "agent_retry_time", "maxlen": "max_callers"} | {
        "wrapuptime": "wrap_up_time",
        "weight": "weight",
        "servicelevel": "service_level",
    }
    assert queue.settings[attribute[keyword]] == default
    assert items(notes, Level.CHANGED) == [f"{keyword}={data}"[:40]]


def test_the_number_is_the_only_thing_taken_of_a_weight_out_of_range() -> None:
    queue, notes = with_detail("weight", "11")
    assert queue.settings["weight"] == 10
    assert items(notes) == ["weight=11"]


#: setting -> a value that has an effect in FreePBX and none here
WITHOUT_COUNTERPART: dict[str, Any] = {
    "details": {
        "autofill": "no",
        "ringinuse": "yes",
        "autopausedelay": "30",
        "autopausebusy": "yes",
        "autopauseunavail": "yes",
        "memberdelay": "3",
        "reportholdtime": "yes",
        "timeoutrestart": "yes",
        "timeoutpriority": "conf",
        "penaltymemberslimit": "2",
        "min-announce-frequency": "40",
        "periodic-announce-frequency": "60",
        "queue-thankyou": "custom/thanks",
        "answered_elsewhere": "1",
        "skip_joinannounce": "free",
        "rvolume": "14",
        "cron_schedule": "daily",
        "recording": "never",
        "something-new": "x",
    },
    "config": {
        "alertinfo": "<http://x>;info=ring",
        "password": "1234",
        "ivr_id": "3",
        "callback_id": "2",
        "dest": "ext-local,vmu100,1",
        "queuewait": "1",
        "togglehint": "1",
        "qnoanswer": "1",
        "callconfirm": "1",
        "callconfirm_id": "4",
        "agentannounce_id": "5",
        "joinannounce_id": "6",
        "qregex": "^1",
        "monitor_heard": "2",
        "monitor_spoken": "-2",
        "ringing": "2",
    },
}


def test_what_has_no_counterpart_is_kept_and_named() -> None:
    made = FreePBX()
    made.rows["recordings"] = [{"id": "5", "filename": "custom/whisper"}]
    made.queue("500", config=WITHOUT_COUNTERPART["config"])
    rows = {row["keyword"]: row for row in made.rows["queues_details"]}
    for keyword, data in WITHOUT_COUNTERPART["details"].items():
        if keyword in rows:
            rows[keyword]["data"] = data
        else:
            made.detail("500", keyword, data)
    queue, notes = converted(made)
    kept = {item.partition("=")[0] for item in items(notes, Level.KEPT)}
    everything = {**WITHOUT_COUNTERPART["details"], **WITHOUT_COUNTERPART["config"]}
    assert kept == everything.keys()
    assert {name: queue.attributes[name] for name in everything} == everything
    assert queue.attributes["failover"] == {
        "kind": "voicemail",
        "context": "ext-local",
        "number": "vmu100",
        "priority": "1",
    }
    assert queue.attributes["agentannounce_file"] == "custom/whisper"
    assert "joinannounce_id=6" in items(notes, Level.REMARK)
    assert not any("1234" in note.item + note.reason for note in notes)


def test_every_keyword_and_column_is_kept_as_it_was() -> None:
    """Also what is converted: a later version may know better."""
    made = FreePBX()
    made.queue("500")
    queue, _ = converted(made)
    assert DETAILS.items() <= queue.attributes.items()
    converted_columns = {"descr", "grppre", "maxwait", "use_queue_context", "monitor_type"}
    assert {k: v for k, v in CONFIG.items() if k not in converted_columns}.items() <= queue.attributes.items()


def test_lines_for_all_queues_count_where_a_queue_has_none_of_its_own() -> None:
    made = FreePBX()
    made.queue("500", weight=None)
    made.queue("501", config={"descr": "Support"}, weight="2")
    made.detail("-1", "weight", "7")
    found = wanted(describe(made.tables())).queues
    assert [found[queue].settings["weight"] for queue in ("500", "501")] == [7, 2]


def test_wrap_up_in_all_queues_is_a_setting_of_the_whole_freepbx() -> None:
    for value, expected in (("1", True), ("true", True), ("0", False), ("false", False)):
        made = FreePBX()
        made.rows["freepbx_settings"].append({"keyword": "QUEUES_SHARED_LASTCALL", "value": value, "module": "queues"})
        made.queue("500")
        assert converted(made)[0].settings["wrap_up_all_queues"] is expected


_END = "app-blackhole,hangup,1"


@pytest.mark.parametrize(
    ("dest", "to"),
    [
        ("ext-queues,501,1", "queue:501"),
        ("from-did-direct,205,1", "extension:205"),
        ("ext-local,205,1", "extension:205"),
        ("ext-queues,500,1", None),  # itself
        ("ext-queues,599,1", None),  # not there
        ("ext-local,vmu205,1", None),
        ("app-announcement-3,s,1", "message:custom/closed"),
        ("app-announcement-4,s,1", None),  # several sounds
        ("app-announcement-5,s,1", None),  # goes on elsewhere
        ("app-announcement-6,s,1", None),  # its recording is gone
        ("app-announcement-7,s,1", None),  # leads out of the sounds
        ("app-announcement-8,s,1", None),  # is gone
        ("ivr-2,s,1", None),
        ("app-blackhole,hangup,1", None),
        ("", None),
        ("ext-local,205@evil,1", None),
    ],
)
def test_failover_destination(dest: str, to: str | None) -> None:
    """Where the call goes on in FreePBX whenever Queue() has not served it."""
    made = FreePBX()
    for number, filename in (("1", "custom/closed"), ("2", "custom/a&custom/b"), ("3", "../../etc/x")):
        made.rows["recordings"].append({"id": number, "displayname": "x", "filename": filename})
    ends, on = "app-blackhole,hangup,1", "ivr-1,s,1"
    for number, recording, then in (
        ("3", "1", ends),
        ("4", "2", ends),
        ("5", "1", on),
        ("6", "9", ends),
        ("7", "3", ""),
    ):
        made.rows["announcement"].append({"announcement_id": number, "recording_id": recording, "post_dest": then})
    made.queue("500", config={"dest": dest})
    made.queue("501")
    queue, notes = converted(made)
    said = [item for item in items(notes, Level.KEPT) if item.startswith("dest=")]
    if to is None:
        assert queue.overflow == ()
        assert bool(said) == (dest not in ("", "app-blackhole,hangup,1"))
    else:
        assert {str(rule.destination) for rule in queue.overflow} == {to}
        assert {rule.when for rule in queue.overflow} == {"full", "empty", "leaveEmpty", "timeout", "noAnswer"}
        assert said == []
