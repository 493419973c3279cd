"""Settings of a FreePBX queue that have no counterpart here: kept as attributes, and named where they had an effect."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from typing import Any

from ari_app.acd.destination import Destination, Kind, Overflow, When
from ari_app.freepbx.description import Description, QueueEntry
from ari_app.freepbx.notes import Notes
from ari_app.freepbx.text import printable, whole

#: of any value: it has no effect there that lacks here
_ANY = None
_OFF = ("", "0", "no")

#: setting -> (values without an effect, why others are not carried over)
DETAILS: Mapping[str, tuple[tuple[str, ...] | None, str]] = {
    "autofill": (("", "yes", "1"), "free agents always get the waiting callers at once, side by side"),
    "ringinuse": (("no", "0"), "an agent who is in a call is not rung for another one"),
    "autopausedelay": (_OFF, "an agent who did not answer is paused at once"),
    "autopausebusy": (_OFF, "an agent whose phone is busy is not paused"),
    "autopauseunavail": (_OFF, "an agent whose phone cannot be reached is not paused"),
    "memberdelay": (_OFF, "an agent is connected as soon as he answers"),
    "reportholdtime": (_OFF, "agents are not told how long the caller waited; their program can show it"),
    "timeoutrestart": (_OFF, "each offer rings for the agents' time-out once"),
    "timeoutpriority": (("", "app"), "the longest wait always comes before the agents' time-out"),
    "penaltymemberslimit": (_OFF, "skills always count"),
    "min-announce-frequency": (("", "0", "15"), "announcements keep to their frequency only"),
    "periodic-announce-frequency": (_OFF, "there are no periodic announcements"),
    "periodic-announce": (("",), "there are no periodic announcements"),
    "queue-youarenext": (("", "queue-youarenext", "silence/1"), "prompts are Asterisk's own"),
    "queue-thereare": (("", "queue-thereare", "silence/1"), "prompts are Asterisk's own"),
    "queue-callswaiting": (("", "queue-callswaiting", "silence/1"), "prompts are Asterisk's own"),
    "queue-thankyou": (("", "queue-thankyou", "silence/1"), "prompts are Asterisk's own"),
    "monitor-join": (_ANY, ""),
    "monitor-format": (_ANY, ""),
    "eventwhencalled": (_ANY, ""),
    "eventmemberstatus": (_ANY, ""),
    "eventmemberstatusoff": (_ANY, ""),
    "answered_elsewhere": (_OFF, "phones that were rung in vain show the call as missed"),
    "skip_joinannounce": (("",), "there is no announcement at joining"),
    "rvolume": (_OFF, "the volume of the prompts cannot be set"),
    "rvol_mode": (_ANY, ""),
    "recording": (("", "dontcare", "no", "yes", "force", "always"), "a supervisor may still record a call"),
    "context": (("",), "callers cannot leave by a digit"),
    "cron_schedule": (("", "never"), "statistics are not reset: reports take any interval"),
    "cron_minute": (_ANY, ""),
    "cron_hour": (_ANY, ""),
    "cron_dom": (_ANY, ""),
    "cron_month": (_ANY, ""),
    "cron_dow": (_ANY, ""),
    "cron_random": (_ANY, ""),
}
#: settings that settings.py converts
CONVERTED = frozenset(
    (
        *("maxlen", "joinempty", "leavewhenempty", "strategy", "timeout", "retry", "wrapuptime", "weight", "music"),
        *("announce-frequency", "announce-holdtime", "announce-position", "autopause", "servicelevel"),
    )
)
COLUMNS: Mapping[str, tuple[tuple[str, ...] | None, str]] = {
    "alertinfo": (("",), "the phones' Alert-Info header cannot be set for a queue"),
    "password": (("",), "agents sign in with a password of their own"),
    "ivr_id": (("", "none", "0"), "callers cannot leave for a menu by a digit"),
    "callback_id": (("", "none", "0"), "there are no call-backs of Virtual Queue Plus"),
    "dest": (
        ("", "app-blackhole,hangup,1"),
        "cannot be gone to: a caller nobody answered is hung up on",
    ),
    "cwignore": (_ANY, ""),  # ringinuse says it
    "queuewait": (_OFF, "the wait is not put before the caller's name; the API has it"),
    "togglehint": (_OFF, "there are no hints for feature codes"),
    "qnoanswer": (_OFF, "a caller is answered when he joins"),
    "callconfirm": (_OFF, "an agent need not confirm a call by a digit"),
    "callconfirm_id": (("", "0"), "an agent need not confirm a call by a digit"),
    "agentannounce_id": (("", "0"), "nothing is played to the agent before the caller"),
    "joinannounce_id": (("", "0"), "nothing is played to a caller before he waits"),
    "qregex": (("",), "which agents may serve a queue is said by their bindings"),
    "monitor_heard": (_OFF, "the volume of recordings cannot be set"),
    "monitor_spoken": (_OFF, "the volume of recordings cannot be set"),
    "ringing": (("", "0", "1"), "music does not change to ringing when an agent's phone rings"),
}
_CONVERTED_COLUMNS = frozenset(
    ["extension", "descr", "grppre", "maxwait", "use_queue_context", "monitor_type"],
)
_SECRET = frozenset(("password",))
_ANNOUNCEMENTS = ("agentannounce_id", "joinannounce_id", "callconfirm_id")
#: QUEUESTATUS: FULL, JOINEMPTY, LEAVEEMPTY, TIMEOUT (of maxwait), TIMEOUT (nobody took him, and retry is none)
_FAILOVER = (When.FULL, When.EMPTY, When.LEAVE_EMPTY, When.TIMEOUT, When.NO_ANSWER)
_NUMBER = re.compile(r"[0-9]{1,20}\Z", re.ASCII)
#: one file: several ("a&b") cannot be a message
_SOUND = re.compile(r"[A-Za-z0-9_.-][A-Za-z0-9_./-]{0,199}\Z")
#: where a call is over
_ENDS = ("", "app-blackhole,hangup,1")
#: context of a destination -> what it leads to
_DESTINATIONS = {
    "ext-queues": "queue",
    "from-did-direct": "extension",
    "ext-local": "extension or voicemail",
    "ext-group": "ring group",
    "timeconditions": "time condition",
    "app-blackhole": "termination",
    "ext-findmefollow": "follow-me",
    "ext-meetme": "conference",
    "directory": "directory",
    "ivr": "menu",
}
#: the same, of contexts that end in a number
_NUMBERED = {"ivr": "menu", "app-announcement": "announcement"}


def attributes(queue: QueueEntry, described: Description, queues: Container[str]) -> dict[str, Any]:
    """All of it, as FreePBX has it (`queues`: those that are there); what had an effect there is said in the notes."""
    notes, subject = described.notes, f"queue {queue.extension}"
    found: dict[str, Any] = {}
    for name, value in queue.config.items():
        if name not in _CONVERTED_COLUMNS:
            found[name] = value
            if name != "dest" or not failover(queue, described, queues):
                _say(notes, subject, name, value, COLUMNS)
    for name, value in queue.details.items():
        found[name] = value
        if name not in CONVERTED:
            _say(notes, subject, name, value, DETAILS)
    if queue.setting("dest"):
        found["failover"] = destination(queue.setting("dest"))
    _announcements(queue, described, found)
    if queue.dynamic_only:
        found["dynmemberonly"] = "yes"
    return found


def _say(
    notes: Notes, subject: str, name: str, value: str, known: Mapping[str, tuple[tuple[str, ...] | None, str]]
) -> None:
    if name not in known:
        notes.kept(subject, name, "is a setting this version does not know")
        return
    without_effect, reason = known[name]
    if without_effect is not None and value.strip().lower() not in without_effect:
        shown = name if name in _SECRET else f"{name}={printable(value)[:60]}"
        notes.kept(subject, shown, reason)


def _announcements(queue: QueueEntry, described: Description, found: dict[str, Any]) -> None:
    for name in _ANNOUNCEMENTS:
        number = queue.setting(name)
        if described.recordings is None or not whole(number):
            continue
        if number in described.recordings:
            found[name.replace("_id", "_file")] = described.recordings[number]
        else:
            described.notes.remark(f"queue {queue.extension}", f"{name}={number}", "there is no such recording")


def failover(queue: QueueEntry, described: Description, queues: Container[str]) -> tuple[Overflow, ...]:
    """The failover destination as rules of overflow: FreePBX goes there whenever Queue() ends without an answer. Only
    to a queue that is there, an extension, or an announcement after which the call is over; elsewhere callers are hung
    up on, and that is said."""
    found = destination(queue.setting("dest"))
    number = found["number"]
    if found["kind"] == "queue" and number in queues and number != queue.extension:
        to = Destination(kind=Kind.QUEUE, to=number)
    elif found["kind"] == "extension" and _NUMBER.match(number):
        to = Destination(kind=Kind.EXTENSION, to=number)
    elif found["kind"] == "announcement" and (sound := _sound(found["context"], described)):
        to = Destination(kind=Kind.MESSAGE, to=sound)
    else:
        return ()
    return tuple(Overflow(when=when, destination=to) for when in _FAILOVER)


def _sound(context: str, described: Description) -> str:
    """The sound of an announcement that ends the call; "": another kind of announcement, or its sound is not there.
    Asterisk has the sounds of FreePBX' recordings by their file names."""
    announcement = described.announcements.get(context.rpartition("-")[2])
    if announcement is None or announcement.then not in _ENDS:
        return ""
    name = (described.recordings or {}).get(announcement.recording, "").strip()
    return name if _SOUND.match(name) and ".." not in name else ""


def destination(written: str) -> dict[str, str]:
    """A destination of FreePBX, `ext-local,vmu100,1`, taken apart."""
    context, _, rest = written.partition(",")
    number, _, priority = rest.partition(",")
    kind = _DESTINATIONS.get(context, _NUMBERED.get(context.rpartition("-")[0], "other"))
    if context == "ext-local":
        kind = "voicemail" if number.startswith("vm") else "extension"
    return {"kind": kind, "context": context, "number": number, "priority": priority}
