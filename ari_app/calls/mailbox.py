"""Listening to messages over the phone, with the keys that app_voicemail has made usual.

1 listen (new ones, else old)   2 old ones   0 options   # end
while listening: 4 the one before  5 again  6 next  7 delete  9 keep as new  * back
options: 1 greeting "unavailable"  2 "busy"  3 name  4 a greeting for a while  5 another password  * back
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

import msgspec
import structlog

from ari_app.ari.errors import AriError
from ari_app.calls import facts
from ari_app.calls.call import Call
from ari_app.calls.keys import Keys
from ari_app.calls.program import State
from ari_app.calls.taking import take
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.play import play
from ari_app.calls.verbs.record import About, Recording, RecordingFailed
from ari_app.errors import NotFound, StoreUnavailable

log = structlog.get_logger(__name__)

#: wrong passwords in one call; times that a menu is said to one who presses nothing
TRIES, REMINDERS = 3, 3
#: seconds of a greeting, and of silence that end it
GREETING_LONGEST, GREETING_SILENCE = 120, 5
#: digits of a password
PASSWORD_MOST = 20
_GREETINGS = {
    "1": ("unavailable", "vm-rec-unv"),
    "2": ("busy", "vm-rec-busy"),
    "3": ("name", "vm-rec-name"),
    "4": ("temporary", "vm-rec-temp"),
}


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A message, as it is listened to."""

    id: str
    caller_number: str
    #: by the clock of the account
    left: datetime
    new: bool
    #: its sound
    media: str


class Desk(Protocol):
    """What a mailbox is asked. All raise StoreUnavailable."""

    def has(self, account: int, extension: str) -> bool:
        """Whether there is such a mailbox."""

    def option(self, account: int, extension: str, name: str) -> bool:
        """Whether something is set: "envelope", "saycid"."""

    def has_greeting(self, account: int, extension: str, kind: str) -> bool:
        """Whether it has a greeting of that kind."""

    async def opens(self, account: int, extension: str, password: str) -> bool:
        """Whether that is its password."""

    async def set_password(self, account: int, extension: str, password: str) -> None:
        """Give it another one. Raises NotFound."""

    async def notes(self, account: int, extension: str) -> list[Note]:
        """The urgent new ones, the other new ones, the old ones; the oldest of each first."""

    async def mark(self, account: int, id: str, *, new: bool) -> None:
        """It was heard, or is to be heard again. Raises NotFound."""

    async def delete(self, account: int, id: str, by: str) -> None:
        """Raises NotFound, OSError, StorageUnavailable."""

    async def forget_greeting(self, account: int, extension: str, kind: str) -> None:
        """Raises NotFound, OSError."""


class Listen:
    """A mailbox, for its owner."""

    name = "mailbox"

    def __init__(self, desk: Desk, extension: str) -> None:
        """extension: whose; "": he is asked."""
        self._desk = desk
        self.extension = extension

    def state(self) -> State:
        return {"extension": self.extension}

    async def resume(self, call: Call) -> None:
        """He begins anew, with his password."""
        await self.run(call)

    async def run(self, call: Call) -> None:
        with Keys(call.caller).listening() as keys:
            await answer(call.caller)
            try:
                extension = self.extension or await keys.number(["sound:vm-login"])
                if await self._let_in(call, keys, extension):
                    await _Visit(self._desk, call, keys, extension).begin()
            except StoreUnavailable as error:
                log.warning("= mailbox cannot be listened to", call=call.id, error=str(error))
                await play(call.caller, ["sound:please-try-call-later"])
        await play(call.caller, ["sound:vm-goodbye"])

    async def _let_in(self, call: Call, keys: Keys, extension: str) -> bool:
        prompt = "sound:vm-password"
        for _ in range(TRIES):
            password = await keys.number([prompt], PASSWORD_MOST)
            # A mailbox that does not exist is not told from a wrong password.
            known = self._desk.has(call.account, extension)
            if known and password and await self._desk.opens(call.account, extension, password):
                return True
            prompt = "sound:vm-incorrect"
        log.warning("= mailbox refused", call=call.id, mailbox=extension, caller=call.caller_number)
        return False


class _Visit:
    """From the password to the end."""

    def __init__(self, desk: Desk, call: Call, keys: Keys, extension: str) -> None:
        self._desk, self._call, self._keys = desk, call, keys
        self._account, self._extension = call.account, extension

    async def begin(self) -> None:
        silent, counted = 0, False
        while silent < REMINDERS:
            notes = await self._desk.notes(self._account, self._extension)
            new = [note for note in notes if note.new]
            old = [note for note in notes if not note.new]
            said = [] if counted else _counts(len(new), len(old))
            counted = True
            match await self._keys.one([*said, *_choice(new, old), "sound:vm-opts", "sound:vm-helpexit"]):
                case "1":
                    await self._listen(new or old)
                case "2":
                    await self._listen(old)
                case "0":
                    await self._options()
                case "#":
                    return
                case "":
                    silent += 1
                    continue
                case "*":
                    counted = False
                case _:
                    await self._keys.tell(["sound:vm-sorry"])
            silent = 0

    # listening

    async def _listen(self, notes: Sequence[Note]) -> None:
        if not notes:
            await self._keys.tell(["sound:vm-no", "sound:vm-messages"])
            return
        at, left = 0, list(notes)
        while 0 <= at < len(left):
            step = await self._one(left, at)
            if step is None:
                return
            at += step
        await self._keys.tell(["sound:vm-nomore"])

    async def _one(self, notes: list[Note], at: int) -> int | None:
        """Play a message, and do what he wants with it; how many further the next is, None: he has had enough."""
        note, keys = notes[at], self._keys
        key = await keys.say([*self._heading(note, at, len(notes)), note.media])
        if note.new:
            await self._mark(note, new=False)
        silent = 0
        while True:
            match key or await keys.one(_after(at, len(notes))):
                case "4" if at > 0:
                    return -1
                case "5":
                    return 0
                case "6":
                    return 1
                case "7":
                    await self._delete(note)
                    notes.pop(at)
                    await keys.tell(["sound:vm-deleted"])
                    return 0
                case "9":
                    await self._mark(note, new=True)
                    await keys.tell(["sound:vm-msgsaved"])
                    return 1
                case "*" | "#":
                    return None
                case "":
                    silent += 1
                    if silent >= REMINDERS:
                        return None
                case _:
                    await keys.tell(["sound:vm-sorry"])
            key = ""

    async def _delete(self, note: Note) -> None:
        with suppress(NotFound):  # over REST, meanwhile
            await self._desk.delete(self._account, note.id, f"mailbox {self._extension}")

    async def _mark(self, note: Note, *, new: bool) -> None:
        with suppress(NotFound):
            await self._desk.mark(self._account, note.id, new=new)

    def _heading(self, note: Note, at: int, count: int) -> list[str]:
        if at == 0:
            said = ["sound:vm-first", "sound:vm-message"]
        elif at == count - 1:
            said = ["sound:vm-last", "sound:vm-message"]
        else:
            said = ["sound:vm-message", f"number:{at + 1}"]
        if self._desk.option(self._account, self._extension, "saycid"):
            said += who_called(note.caller_number)
        if self._desk.option(self._account, self._extension, "envelope"):
            said += ["sound:vm-received", *spoken(note.left, self._now(note.left))]
        return said

    def _now(self, left: datetime) -> datetime:
        return datetime.fromtimestamp(self._call.registry.clock.now(), left.tzinfo)

    # options

    async def _options(self) -> None:
        for _ in range(REMINDERS):
            key = await self._keys.one(["sound:vm-options"])
            if key in _GREETINGS:
                await self._greeting(*_GREETINGS[key])
            elif key == "5":
                await self._password()
            elif key in ("*", "#"):
                return
            elif key:
                await self._keys.tell(["sound:vm-sorry"])

    async def _password(self) -> None:
        first = await self._keys.number(["sound:vm-newpassword"], PASSWORD_MOST)
        again = await self._keys.number(["sound:vm-reenterpassword"], PASSWORD_MOST) if first else ""
        if not first.isdigit() or first != again:
            await self._keys.tell(["sound:vm-mismatch" if first else "sound:vm-invalid-password"])
            return
        await self._desk.set_password(self._account, self._extension, first)
        await self._keys.tell(["sound:vm-passchanged"])

    async def _greeting(self, kind: str, prompt: str) -> None:
        if kind == "temporary" and await self._taken_back(kind):
            return
        call = self._call
        for _ in range(TRIES):
            await self._keys.say([f"sound:{prompt}"])
            self._keys.forget()
            recording = Recording(
                call, call.registry.ids.new("greeting"), About(kind="greeting", leg=call.caller.id, called="")
            )
            call.held.add(recording.name)
            try:
                await take(call, self._keys, recording, longest=GREETING_LONGEST, silence=GREETING_SILENCE)
                self._keys.forget()
                accepted = await self._is_good(recording)
                if accepted:
                    self._accept(recording, f"{self._extension}-{kind}")
                else:
                    await recording.throw_away()
            except (RecordingFailed, AriError) as error:
                log.warning("= greeting not recorded", call=call.id, mailbox=self._extension, error=str(error))
                return
            finally:
                call.held.discard(recording.name)
                call.registry.on_recorded(call.node, recording.name)
            if accepted:
                await self._keys.tell(["sound:vm-saved"])
                return

    async def _taken_back(self, kind: str) -> bool:
        """He has such a greeting, and wants it no more."""
        if not self._desk.has_greeting(self._account, self._extension, kind):
            return False
        if await self._keys.one(["sound:vm-tempgreeting2"]) != "2":
            return False
        with suppress(NotFound):
            await self._desk.forget_greeting(self._account, self._extension, kind)
        await self._keys.tell(["sound:vm-tempremoved"])
        return True

    async def _is_good(self, recording: Recording) -> bool:
        while True:
            match await self._keys.one(["sound:vm-review"]):
                case "1":
                    return True
                case "2":
                    await self._keys.say([f"recording:{recording.name}"])
                case "3" | "":
                    return False
                case _:
                    await self._keys.tell(["sound:vm-sorry"])

    def _accept(self, recording: Recording, greeting: str) -> None:
        call = self._call
        at = call.registry.clock.now()
        call.registry.tell(facts.GreetingAccepted(at=at, call=call.id, recording=recording.name, greeting=greeting))


def _counts(new: int, old: int) -> list[str]:
    """ "You have 2 new messages, and 1 old message.\""""
    if not new and not old:
        return ["sound:vm-youhave", "sound:vm-no", "sound:vm-messages"]
    said = ["sound:vm-youhave"]
    for count, name in ((new, "vm-INBOX"), (old, "vm-Old")):
        if count:
            said += ["sound:vm-and"] if len(said) > 1 else []
            said += [f"number:{count}", f"sound:{name}", "sound:vm-message" if count == 1 else "sound:vm-messages"]
    return said


def _choice(new: Sequence[Note], old: Sequence[Note]) -> list[str]:
    if not new and not old:
        return []
    return ["sound:vm-onefor", "sound:vm-INBOX" if new else "sound:vm-Old", "sound:vm-messages"]


def _after(at: int, count: int) -> list[str]:
    said = ["sound:vm-prev"] if at > 0 else []
    said.append("sound:vm-repeat")
    if at < count - 1:
        said.append("sound:vm-next")
    return [*said, "sound:vm-delete", "sound:vm-helpexit"]


def who_called(number: str) -> list[str]:
    """ "From phone number 0 3 0 ...\""""
    digits = "".join(c for c in number if c.isdigit())
    if not digits:
        return ["sound:vm-unknown-caller"]
    kind = "vm-from-extension" if len(digits) <= 5 else "vm-from-phonenumber"
    return [f"sound:{kind}", f"digits:{digits}"]


def spoken(when: datetime, now: datetime) -> list[str]:
    """A date and time in Asterisk's English sounds: "today", "yesterday", or weekday, month and day; "at" 3 20 p-m."""
    if when.date() == now.date():
        said = ["sound:digits/today"]
    elif when.date() == now.date() - timedelta(days=1):
        said = ["sound:digits/yesterday"]
    else:
        said = [
            f"sound:digits/day-{(when.weekday() + 1) % 7}",
            f"sound:digits/mon-{when.month - 1}",
            *_ordinal(when.day),
        ]
    said += ["sound:digits/at", f"number:{(when.hour - 1) % 12 + 1}"]
    if when.minute == 0:
        said.append("sound:digits/oclock")
    elif when.minute < 10:
        said += ["sound:digits/oh", f"number:{when.minute}"]
    else:
        said.append(f"number:{when.minute}")
    return [*said, "sound:digits/a-m" if when.hour < 12 else "sound:digits/p-m"]


def _ordinal(day: int) -> list[str]:
    if day <= 20 or day == 30:
        return [f"sound:digits/h-{day}"]
    return [f"sound:digits/{day // 10 * 10}", f"sound:digits/h-{day % 10}"]
