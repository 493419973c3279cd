"""Rows as the GUI of FreePBX 16 and 17 writes them."""

from __future__ import annotations

from typing import Any

from ari_app.freepbx.tables import Tables

#: what the form of a new queue stores when nothing is touched (FreePBX' queues_add)
DETAILS = {
    "maxlen": "0",
    "joinempty": "yes",
    "leavewhenempty": "no",
    "strategy": "ringall",
    "timeout": "15",
    "retry": "5",
    "wrapuptime": "0",
    "announce-frequency": "0",
    "min-announce-frequency": "15",
    "announce-holdtime": "no",
    "announce-position": "no",
    "queue-youarenext": "silence/1",
    "queue-thereare": "silence/1",
    "queue-callswaiting": "silence/1",
    "queue-thankyou": "",
    "periodic-announce-frequency": "0",
    "recording": "dontcare",
    "monitor-join": "yes",
    "weight": "0",
    "autofill": "yes",
    "ringinuse": "no",
    "reportholdtime": "no",
    "autopause": "no",
    "autopausedelay": "0",
    "servicelevel": "60",
    "memberdelay": "0",
    "timeoutrestart": "no",
    "skip_joinannounce": "",
    "answered_elsewhere": "0",
    "timeoutpriority": "app",
    "penaltymemberslimit": "0",
    "rvolume": "",
    "rvol_mode": "dontcare",
    "eventwhencalled": "no",
    "eventmemberstatus": "no",
    "autopausebusy": "no",
    "autopauseunavail": "no",
    "cron_schedule": "never",
}
CONFIG = {
    "descr": "Sales",
    "grppre": "",
    "alertinfo": "",
    "ringing": "0",
    "maxwait": "",
    "password": "",
    "ivr_id": "none",
    "dest": "app-blackhole,hangup,1",
    "cwignore": "2",
    "queuewait": "0",
    "use_queue_context": "0",
    "togglehint": "0",
    "qnoanswer": "0",
    "callconfirm": "0",
    "callconfirm_id": "",
    "qregex": "",
    "agentannounce_id": "",
    "joinannounce_id": "",
    "monitor_type": "",
    "monitor_heard": "0",
    "monitor_spoken": "0",
    "callback_id": "none",
}


class FreePBX:
    """A FreePBX in the making."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, str]]] = {
            name: []
            for name in (
                *("queues_config", "queues_details", "users", "devices", "pjsip", "sip", "iax", "dahdi"),
                *("incoming", "freepbx_settings", "recordings", "announcement", "music", "timeconditions"),
            )
        }
        self.astdb: dict[str, str] = {}
        self.voicemail = "[general]\nformat=wav\n[default]\n"

    def queue(
        self, extension: str = "500", *members: str, config: dict[str, str] | None = None, **details: str | None
    ) -> None:
        """A queue as the form stores it; keywords may have _ for -; None: no such row."""
        self.rows["queues_config"].append({"extension": extension, **CONFIG, **(config or {})})
        wanted: dict[str, str | None] = dict(DETAILS)
        wanted |= {name if name in DETAILS else name.replace("_", "-"): value for name, value in details.items()}
        for keyword, data in wanted.items():
            if data is not None:
                self.detail(extension, keyword, data)
        for place, member in enumerate(members):
            self.detail(extension, "member", member, str(place))

    def detail(self, queue: str, keyword: str, data: str, flags: str = "0") -> None:
        self.rows["queues_details"].append({"id": queue, "keyword": keyword, "data": data, "flags": flags})

    def extension(self, number: str = "1001", name: str = "Alice Adams", **user: str) -> None:
        """A PJSIP extension as the form stores it."""
        row = {"extension": number, "password": "", "name": name, "voicemail": "novm", "ringtimer": "0"}
        row |= {"noanswer": "", "recording": "", "outboundcid": "", "sipname": "", "noanswer_cid": "", "busy_cid": ""}
        self.rows["users"].append(row | {"chanunavail_cid": "", "mohclass": "default"} | user)
        self.rows["devices"].append(
            {
                "id": number,
                "tech": "pjsip",
                "dial": f"PJSIP/{number}",
                "devicetype": "fixed",
                "user": number,
                "description": name,
                "emergency_cid": "",
                "hint_override": "",
            }
        )
        for keyword, data in (("secret", f"secret-{number}"), ("dtmfmode", "rfc4733"), ("context", "from-internal")):
            self.rows["pjsip"].append({"id": number, "keyword": keyword, "data": data, "flags": "0"})
        self.astdb[f"/AMPUSER/{number}/cidnum"] = number
        self.astdb[f"/AMPUSER/{number}/device"] = number

    def tables(self) -> Tables:
        rows: dict[str, Any] = {name: [dict(row) for row in rows] for name, rows in self.rows.items()}
        return Tables(source="a FreePBX", rows=rows, astdb=dict(self.astdb), voicemail=self.voicemail)


def small() -> FreePBX:
    """Two queues, three extensions, a dynamic member."""
    made = FreePBX()
    for number, name in (("1001", "Alice Adams"), ("1002", "Bob"), ("1003", "Chaim Cohen")):
        made.extension(number, name)
    made.queue("500", "Local/1001@from-queue/n,0", "PJSIP/1002,2", config={"descr": "Sales", "maxwait": "300"})
    made.queue("501", "Local/1003@from-queue/n,1", config={"descr": "Support"}, strategy="leastrecent")
    made.astdb["/QPENALTY/501/agents/1001"] = "3"
    return made
