"""What happened to calls and their legs, for the record and for those who watch. Times: seconds since 1970, UTC."""

from __future__ import annotations

import msgspec

from ari_app.calls.quality import StreamQuality


class CallFact(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="fact"):
    """Base of all; never made itself."""

    at: float


class CallStarted(CallFact, frozen=True, kw_only=True):
    call: str
    account: int
    node: str
    #: "inbound" (a channel came to us) or "outbound" (we began it)
    direction: str
    number: str
    caller_number: str
    caller_name: str
    program: str


class CallAnswered(CallFact, frozen=True, kw_only=True):
    call: str


class CallEnded(CallFact, frozen=True, kw_only=True):
    call: str
    #: Q.850 cause of the first leg to go; 0: unknown (it was gone when we came back)
    cause: int
    #: role of the leg that went first, or "system"
    ended_by: str


class LegStarted(CallFact, frozen=True, kw_only=True):
    #: the channel's id
    leg: str
    call: str
    account: int
    #: "caller", "agent", "callee", "supervisor"
    role: str
    endpoint: str
    agent: int | None


class LegRinging(CallFact, frozen=True, kw_only=True):
    leg: str


class LegAnswered(CallFact, frozen=True, kw_only=True):
    leg: str


class LegMeasured(CallFact, frozen=True, kw_only=True):
    """How well its audio came through. Told before its end, of a leg that had any; CALL_QUALITY."""

    leg: str
    call: str
    account: int
    quality: StreamQuality


class LegEnded(CallFact, frozen=True, kw_only=True):
    leg: str
    cause: int


class RecordingStarted(CallFact, frozen=True, kw_only=True):
    """Asterisk is about to be asked for it."""

    call: str
    account: int
    #: Asterisk's name of it, in the call's node
    recording: str
    #: "wav"
    format: str
    node: str = ""
    #: who wants it: "queue", "extension" (the rules of one), "on_demand" (a person), "voicemail",
    #: "greeting" (of a mailbox), "program"
    kind: str = "program"
    #: the leg it is about
    leg: str | None = None
    queue: str | None = None
    agent: int | None = None
    #: numbers of the two who talk: who called whom
    caller: str = ""
    called: str = ""


class RecordingEnded(CallFact, frozen=True, kw_only=True):
    call: str
    recording: str
    #: seconds; 0: nothing was recorded; None: its end was not told
    duration: float | None
    #: "finished", "failed", "cancelled"; "unknown": its end was not told
    outcome: str = "finished"


class MessageBegun(CallFact, frozen=True, kw_only=True):
    """Somebody is about to leave a message in a mailbox. Told before the beginning of its recording."""

    call: str
    account: int
    recording: str
    #: extension
    mailbox: str
    caller_number: str
    caller_name: str


class MessageMarked(CallFact, frozen=True, kw_only=True):
    """Who leaves a message says how urgent it is."""

    recording: str
    urgent: bool


class MessageDropped(CallFact, frozen=True, kw_only=True):
    """Who left a message does not want it kept."""

    recording: str


class GreetingAccepted(CallFact, frozen=True, kw_only=True):
    """Who has recorded a greeting wants it to be heard."""

    call: str
    recording: str
    #: which: "1001-busy"
    greeting: str


class ConferenceJoined(CallFact, frozen=True, kw_only=True):
    """Somebody is in a conference and hears the others."""

    #: of this stay
    member: str
    account: int
    #: id of the conference: from the first one in to the last one out
    conference: str
    #: that was called, or whose conference he was called to
    number: str
    call: str
    leg: str
    caller_number: str
    caller_name: str
    admin: bool


class ConferenceLeft(CallFact, frozen=True, kw_only=True):
    """His stay is over."""

    member: str
    #: "left", "kicked", "ended" (all were put out)
    outcome: str


AnyCallFact = (
    CallStarted
    | CallAnswered
    | CallEnded
    | LegStarted
    | LegRinging
    | LegAnswered
    | LegMeasured
    | LegEnded
    | RecordingStarted
    | RecordingEnded
    | MessageBegun
    | MessageMarked
    | MessageDropped
    | GreetingAccepted
    | ConferenceJoined
    | ConferenceLeft
)
