"""One FreePBX, described the same way whatever it was read from. Values are FreePBX' own; mapping.py reads them."""

from __future__ import annotations

import msgspec

from ari_app.freepbx.notes import Notes

#: column of queues_config -> what it is when the source does not say
CONFIG_COLUMNS = {
    "descr": "",
    "grppre": "",
    "alertinfo": "",
    "ringing": "0",
    "maxwait": "",
    "password": "",
    "ivr_id": "none",
    "callback_id": "none",
    "dest": "",
    "cwignore": "0",
    "queuewait": "0",
    "use_queue_context": "0",
    "togglehint": "0",
    "qnoanswer": "0",
    "callconfirm": "0",
    "callconfirm_id": "",
    "agentannounce_id": "",
    "joinannounce_id": "",
    "qregex": "",
    "monitor_type": "",
    "monitor_heard": "0",
    "monitor_spoken": "0",
}


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A member of a queue."""

    #: "Local", "PJSIP", "SIP", "IAX2", "DAHDI", "ZAP", "Agent"; "" where a dynamic member is a bare number
    technology: str
    #: extension, device, or external number
    number: str
    penalty: int
    #: allowed to log in and out by feature code; otherwise always in the queue
    dynamic: bool = False
    #: as it was written
    interface: str = ""
    #: "" where the source has none
    name: str = ""


class QueueEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A queue."""

    extension: str
    #: columns of queues_config, as text; a column the source lacks is not there
    config: dict[str, str]
    #: keywords of queues_details, as text, without members
    details: dict[str, str]
    #: static ones in their order, then dynamic ones by number
    members: list[Member]
    #: only dynamic members may log in (astdb's dynmemberonly)
    dynamic_only: bool = False

    def setting(self, name: str) -> str:
        """A column of queues_config, stripped; its default where it is missing."""
        return self.config.get(name, CONFIG_COLUMNS[name]).strip()


class Voicemail(msgspec.Struct, frozen=True, kw_only=True):
    """A mailbox of voicemail.conf."""

    context: str
    password: str
    name: str = ""
    email: str = ""
    pager: str = ""
    options: dict[str, str] = {}


class ExtensionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A user of FreePBX' core with his device."""

    extension: str
    name: str
    #: columns of users
    user: dict[str, str]
    #: columns of devices; empty where there is none
    device: dict[str, str]
    #: keywords of pjsip, sip, iax2, dahdi
    technology: dict[str, str]
    #: keys below /AMPUSER/<extension>/ and "callwaiting"; None: not read
    astdb: dict[str, str] | None
    voicemail: Voicemail | None


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """A destination that plays something."""

    #: id in `recordings`
    recording: str
    #: where the call goes after it
    then: str


class Description(msgspec.Struct, kw_only=True):
    """All that is known of one FreePBX."""

    #: what it was read from, for the report
    source: str
    queues: list[QueueEntry]
    #: the source has queues: one that is not among them is gone
    knows_queues: bool = True
    extensions: list[ExtensionEntry]
    #: the source has the table of extensions: one that is not in it is gone, and a member who is not does not exist
    knows_extensions: bool
    #: how a device is dialled ("PJSIP/990") -> the extension it belongs to, where that is not its own number
    devices: dict[str, str]
    #: freepbx_settings
    settings: dict[str, str]
    #: id in `recordings` -> file names; None: the source has no such table
    recordings: dict[str, str] | None
    #: id in `announcement` -> the announcement
    announcements: dict[str, Announcement] = {}
    #: hold music classes that are known; None: the source does not say
    music_classes: frozenset[str] | None
    #: reasons for pauses that were in use
    pause_reasons: list[str]
    #: other numbers of incoming routes that lead to queues: DID -> queue
    routes: dict[str, str]
    #: what is known of the queues' files only: retry 1 may be "none", for one
    from_files: bool
    notes: Notes
