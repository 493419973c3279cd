"""Leaving a message in the mailbox of an extension that was called and did not answer.

What is said is a recording of the caller's leg, begun by Asterisk under a name that the record knows before: who dies
in the middle of it leaves what was said so far. Everything else, the owner's light included, comes with the file
(ari_app/voicemail).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
import structlog

from ari_app.ari.errors import AriError
from ari_app.ari.events import RecordingFinished
from ari_app.calls import facts
from ari_app.calls.call import Call
from ari_app.calls.keys import Keys
from ari_app.calls.leg import LegState
from ari_app.calls.program import State
from ari_app.calls.taking import take
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.play import play
from ari_app.calls.verbs.record import About, Recording, RecordingFailed
from ari_app.calls.verbs.ring import ring_stop

log = structlog.get_logger(__name__)

Reason = Literal["unavailable", "busy"]
#: attempts at one message, and times that its menu is said to one who presses nothing
ATTEMPTS, REMINDERS = 5, 2
#: what is heard of one who is called: his own greeting, or Asterisk's words
_WORDS = {"unavailable": "vm-isunavail", "busy": "vm-isonphone"}


class MessageRules(msgspec.Struct, frozen=True, kw_only=True):
    """What a message may be; seconds. What is shorter is not kept; max: then it is over; silence: so much ends it."""

    min: float = 2.0
    max: int = 300
    silence: int = 10


#: the media URI of a mailbox's own greeting of that kind ("unavailable", "busy", "name", "temporary"), or None
Greetings = Callable[[int, str, str], str | None]


class Voicemail:
    """What the programs of mailboxes need to know."""

    def __init__(self, rules: MessageRules | None = None, greeting: Greetings | None = None) -> None:
        self.rules = rules or MessageRules()
        self.greeting: Greetings = greeting or (lambda account, extension, kind: None)

    def greet(self, account: int, extension: str, reason: Reason) -> list[str]:
        """What a caller hears before he speaks."""
        own = self.greeting(account, extension, "temporary")
        own = own or self.greeting(account, extension, reason) or self.greeting(account, extension, "unavailable")
        if own is not None:
            return [own]
        name = self.greeting(account, extension, "name")
        who = [name] if name is not None else ["sound:vm-theperson", f"digits:{extension}"]
        return [*who, f"sound:{_WORDS[reason]}", "sound:vm-intro"]


class LeaveMessage:
    """Greet, record, let him hear it and say it again, thank."""

    name = "voicemail"

    def __init__(
        self, voicemail: Voicemail, extension: str, reason: Reason, recording: str = "", *, kept: bool = False
    ) -> None:
        """recording: which is being made, or was made last. kept: it is a message, whatever comes."""
        self._voicemail = voicemail
        self.extension = extension
        self.reason: Reason = reason
        self.recording = recording
        self.kept = kept
        self._made: Recording | None = None

    def state(self) -> State:
        return {
            "extension": self.extension,
            "reason": self.reason,
            "recording": self.recording,
            "kept": self.kept,
        }

    @classmethod
    def of(cls, voicemail: Voicemail, state: State) -> LeaveMessage:
        """From state()."""
        return cls(voicemail, state["extension"], state["reason"], state["recording"], kept=state["kept"])

    async def run(self, call: Call) -> None:
        with Keys(call.caller).listening() as keys:
            if call.caller.state is not LegState.UP:
                await answer(call.caller)
            else:
                await ring_stop(call.caller)
            greeting = self._voicemail.greet(call.account, self.extension, self.reason)
            await keys.say(greeting)  # "#" and any other key leaves the rest out
            for _ in range(ATTEMPTS):
                if await self._leave(call, keys):
                    break
        await play(call.caller, ["sound:vm-goodbye"])

    async def _leave(self, call: Call, keys: Keys) -> bool:
        """Record a message; whether it is one, or he should try again."""
        keys.forget()
        recording = self._begin(call)
        call.held.add(recording.name)
        try:
            finished = await self._record(call, keys, recording)
            if finished is None:
                return False
            keys.forget()  # the "#" that ended it
            return await self._review(call, keys, recording, finished)
        finally:
            call.held.discard(recording.name)
            call.registry.on_recorded(call.node, recording.name)

    def _begin(self, call: Call) -> Recording:
        registry = call.registry
        self.recording, self.kept = registry.ids.new("message"), False
        registry.tell(
            facts.MessageBegun(
                at=registry.clock.now(),
                call=call.id,
                account=call.account,
                recording=self.recording,
                mailbox=self.extension,
                caller_number=call.caller_number,
                caller_name=call.caller_name,
            )
        )
        call.save()
        return self._recording(call)

    def _recording(self, call: Call) -> Recording:
        leg = call.origin
        about = About(kind="voicemail", leg=leg.id if leg else None, called=self.extension)
        return Recording(call, self.recording, about)

    async def _record(self, call: Call, keys: Keys, recording: Recording) -> RecordingFinished | None:
        rules = self._voicemail.rules
        try:
            return await take(call, keys, recording, longest=rules.max, silence=rules.silence)
        except (RecordingFailed, AriError) as error:
            # Asterisk's disk is full, perhaps: he is told that his message could not be kept.
            log.warning("= message not recorded", call=call.id, mailbox=self.extension, error=str(error))
            call.registry.tell(facts.MessageDropped(at=call.registry.clock.now(), recording=recording.name))
            await play(call.caller, ["sound:vm-mailboxfull"])
            return None

    async def _review(self, call: Call, keys: Keys, recording: Recording, finished: RecordingFinished) -> bool:
        if self._is_nothing(finished):
            await self._drop(call, recording)
            await keys.say(["sound:vm-tooshort"])
            return False
        self.kept = True
        call.save()
        reminders, urgent = 0, False
        while reminders < REMINDERS:
            match await keys.one(["sound:vm-review", f"sound:vm-review-{'nonurgent' if urgent else 'urgent'}"]):
                case "1" | "#":
                    break
                case "2":
                    await keys.say([f"recording:{recording.name}"])
                case "3":
                    await self._drop(call, recording)
                    return False
                case "4":
                    urgent = not urgent
                    told = facts.MessageMarked(at=call.registry.clock.now(), recording=recording.name, urgent=urgent)
                    call.registry.tell(told)
                    await keys.tell([f"sound:vm-marked-{'urgent' if urgent else 'nonurgent'}"])
                case _:
                    reminders += 1
        await keys.say(["sound:vm-msgsaved"])
        return True

    def _is_nothing(self, finished: RecordingFinished) -> bool:
        """Too short, or nobody spoke. Asterisk counts in whole seconds, so the file decides what is on the edge."""
        recorded = finished.recording
        return (recorded.duration or 0) + 1 < self._voicemail.rules.min or recorded.talking_duration == 0

    async def _drop(self, call: Call, recording: Recording) -> None:
        self.kept = False
        call.registry.tell(facts.MessageDropped(at=call.registry.clock.now(), recording=recording.name))
        await recording.throw_away()

    def reattach(self, call: Call) -> None:
        """After a restart, before any event arrives: be told of the end of what is being recorded."""
        if self.recording and not self.kept:
            self._made = self._recording(call)

    async def resume(self, call: Call) -> None:
        """What he has said is a message. He is not asked about it again; one who had not begun is greeted anew."""
        if not self.recording:
            await self.run(call)
            return
        if self._made is not None and not self._made.over:
            try:
                await call.node.recordings.getLive(recordingName=self.recording)
                await self._made.ended()
            except (RecordingFailed, AriError) as error:
                log.info("= message ended meanwhile", call=call.id, recording=self.recording, error=str(error))
                self._made.give_up()
        call.registry.on_recorded(call.node, self.recording)
        await play(call.caller, ["sound:vm-msgsaved", "sound:vm-goodbye"])
