"""Listening to messages over the phone: keys, what is said, what is asked of the desk."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.ari.fake.state import FakeChannel
from ari_app.calls import facts
from ari_app.calls.call import Call
from ari_app.calls.directory import Directory, ExtensionSettings, Mailbox
from ari_app.calls.extension_routing import ExtensionRouting
from ari_app.calls.mailbox import Listen, Note, spoken, who_called
from ari_app.errors import StoreUnavailable
from tests.unit.calls.stage import Stage

ANN = ExtensionSettings(extension="1001", name="Ann")


class Desk:
    """One mailbox, 1001, with the password 4321."""

    def __init__(self, *names: str, old: str = "") -> None:
        self.all = {
            name: Note(
                id=name,
                caller_number="0301234567",
                left=datetime(2023, 11, 14, 23, 13, tzinfo=UTC),
                new=name not in old,
                media=f"sound:{name}",
            )
            for name in names
        }
        self.password = "4321"
        self.done: list[tuple[str, ...]] = []
        self.greetings: set[str] = set()
        self.options = {"envelope"}
        self.dead = False

    def has(self, account: int, extension: str) -> bool:
        return extension == "1001"

    def option(self, account: int, extension: str, name: str) -> bool:
        return name in self.options

    def has_greeting(self, account: int, extension: str, kind: str) -> bool:
        return kind in self.greetings

    async def opens(self, account: int, extension: str, password: str) -> bool:
        if self.dead:
            raise StoreUnavailable("the database does not answer")
        return password == self.password

    async def set_password(self, account: int, extension: str, password: str) -> None:
        self.password = password

    async def notes(self, account: int, extension: str) -> list[Note]:
        return list(self.all.values())

    async def mark(self, account: int, id: str, *, new: bool) -> None:
        self.done.append(("new" if new else "old", id))

    async def delete(self, account: int, id: str, by: str) -> None:
        self.done.append(("deleted", id, by))
        del self.all[id]

    async def forget_greeting(self, account: int, extension: str, kind: str) -> None:
        self.greetings.discard(kind)


class Visit:
    """Somebody at 1001's phone who has dialled *97."""

    def __init__(self, stage: Stage, desk: Desk) -> None:
        self.stage, self.desk = stage, desk
        self.call: Call
        self.channel: FakeChannel
        #: how much of what was said has been waited for
        self.heard = 0

    async def begin(self, number: str = "*97") -> Visit:
        stage = self.stage
        directory = Directory()
        directory.put(1, ANN, Mailbox())
        routing = ExtensionRouting(stage.registry, directory, "PJSIP/{extension}")
        routing.mailbox_number = "*97"
        routing.mailbox = lambda extension: Listen(self.desk, extension)
        stage.program = lambda call: routing.route(call, call.number)
        self.call, self.channel = await stage.incoming(
            exten=number, caller="1001", technology="PJSIP/1001", context="from-internal"
        )
        return self

    async def says(self, what: str) -> list[str]:
        """Wait until this is said, after what was waited for before; all of that utterance."""

        def found() -> list[str] | None:
            said = self.stage.asked("channels.playWithId")
            for index in range(self.heard, len(said)):
                if what in said[index]["media"]:
                    self.heard = index + 1
                    return list(said[index]["media"])
            return None

        media: list[str] = await self.stage.until(found)
        return media

    def press(self, keys: str) -> None:
        self.stage.fake.dtmf(self.channel, keys)

    async def let_in(self) -> None:
        await self.says("sound:vm-password")
        self.press("4321#")

    async def to_options(self) -> None:
        await self.let_in()
        await self.says("sound:vm-opts")
        self.press("0")
        await self.says("sound:vm-options")

    async def end(self) -> None:
        await self.says("sound:vm-goodbye")
        await self.stage.over(self.call)
        await self.stage.nothing_left()


async def test_messages_are_listened_to(stage: Stage) -> None:
    visit = await Visit(stage, Desk("a", "b", "c")).begin()
    await visit.let_in()
    said = await visit.says("sound:vm-youhave")
    assert said[:4] == ["sound:vm-youhave", "number:3", "sound:vm-INBOX", "sound:vm-messages"]
    visit.press("1")
    said = await visit.says("sound:a")
    assert said[:3] == ["sound:vm-first", "sound:vm-message", "sound:vm-received"]
    visit.press("6")
    await visit.says("sound:b")
    visit.press("7")
    await visit.says("sound:vm-deleted")
    await visit.says("sound:c")
    visit.press("4")
    await visit.says("sound:a")
    visit.press("5")
    await visit.says("sound:a")
    visit.press("9")
    await visit.says("sound:vm-msgsaved")
    await visit.says("sound:c")
    visit.press("*")
    await visit.says("sound:vm-opts")
    visit.press("#")
    await visit.end()
    heard = [("old", "a"), ("old", "b"), ("deleted", "b", "mailbox 1001"), ("old", "c"), ("old", "a"), ("old", "a")]
    assert visit.desk.done == [*heard, ("new", "a"), ("old", "c")]


async def test_old_ones_and_the_caller(stage: Stage) -> None:
    desk = Desk("a", old="a")
    desk.options = {"saycid"}
    visit = await Visit(stage, desk).begin()
    await visit.let_in()
    said = await visit.says("sound:vm-youhave")
    assert said[1:4] == ["number:1", "sound:vm-Old", "sound:vm-message"]
    visit.press("2")
    said = await visit.says("sound:a")
    assert said[2:4] == ["sound:vm-from-phonenumber", "digits:0301234567"]
    visit.press("#")
    await visit.says("sound:vm-opts")
    visit.press("#")
    await visit.end()
    assert desk.done == []


@pytest.mark.parametrize("number", ["*97", "*971001", "*971009"])
async def test_a_wrong_password_three_times(stage: Stage, number: str) -> None:
    visit = await Visit(stage, Desk("a")).begin(number)
    await visit.says("sound:vm-password")
    for _ in range(2):
        visit.press("1234#" if number != "*971009" else "4321#")
        await visit.says("sound:vm-incorrect")
    visit.press("0#")
    await visit.end()


async def test_the_database_is_dead(stage: Stage) -> None:
    desk = Desk()
    desk.dead = True
    visit = await Visit(stage, desk).begin()
    await visit.let_in()
    await visit.says("sound:please-try-call-later")
    await visit.end()


async def test_nobody_presses_anything(stage: Stage) -> None:
    visit = await Visit(stage, Desk("a")).begin()
    await visit.let_in()
    await visit.says("sound:vm-opts")
    await stage.until(lambda: visit.call.id not in stage.registry.calls, pace=0.5)


async def test_another_password(stage: Stage) -> None:
    visit = await Visit(stage, Desk()).begin()
    await visit.to_options()
    visit.press("5")
    await visit.says("sound:vm-newpassword")
    visit.press("77#")
    await visit.says("sound:vm-reenterpassword")
    visit.press("78#")
    await visit.says("sound:vm-mismatch")
    await visit.says("sound:vm-options")
    visit.press("5")
    await visit.says("sound:vm-newpassword")
    visit.press("77#")
    await visit.says("sound:vm-reenterpassword")
    visit.press("77#")
    await visit.says("sound:vm-passchanged")
    await visit.says("sound:vm-options")
    visit.press("*")
    await visit.says("sound:vm-opts")
    visit.press("#")
    await visit.end()
    assert visit.desk.password == "77"


async def test_a_greeting_is_recorded_again_and_accepted(stage: Stage) -> None:
    visit = await Visit(stage, Desk()).begin()
    await visit.to_options()
    visit.press("2")
    for attempt, key in enumerate("31"):
        await visit.says("sound:vm-rec-busy")
        await stage.until(lambda count=attempt + 1: len(stage.asked("channels.record")) == count)
        name = stage.asked("channels.record")[-1]["name"]
        await stage.node.recordings.stop(recordingName=name)
        await visit.says("sound:vm-review")
        visit.press(key)
    await visit.says("sound:vm-saved")
    (accepted,) = stage.store.of(facts.GreetingAccepted)
    assert (accepted.recording, accepted.greeting) == (name, "1001-busy")
    begun = [(fact.kind, fact.called) for fact in stage.store.of(facts.RecordingStarted)]
    assert begun == [("greeting", "")] * 2
    assert not visit.call.held
    stage.fake.hangup_from_far_end(visit.channel)
    await stage.over(visit.call)


async def test_a_greeting_for_a_while_is_taken_back(stage: Stage) -> None:
    desk = Desk()
    desk.greetings.add("temporary")
    visit = await Visit(stage, desk).begin()
    await visit.to_options()
    visit.press("4")
    await visit.says("sound:vm-tempgreeting2")
    visit.press("2")
    await visit.says("sound:vm-tempremoved")
    assert not desk.greetings
    stage.fake.hangup_from_far_end(visit.channel)
    await stage.over(visit.call)


NOW = datetime(2026, 11, 21, 15, 0, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("when", "words"),
    [
        (NOW, "today at 3 oclock p-m"),
        (NOW.replace(day=20, hour=0, minute=5), "yesterday at 12 oh 5 a-m"),
        (NOW.replace(day=2, hour=12, minute=30), "day-1 mon-10 h-2 at 12 30 p-m"),
        (NOW.replace(month=1, day=31, hour=11, minute=59), "day-6 mon-0 30 h-1 at 11 59 a-m"),
    ],
)
def test_a_date_is_spoken(when: datetime, words: str) -> None:
    said = [part.partition(":")[2].removeprefix("digits/") for part in spoken(when, NOW)]
    assert " ".join(said) == words


@given(st.datetimes())
def test_every_date_has_sounds(when: datetime) -> None:
    there = {*range(0, 21), 30, 40, 50, 60, 70, 80, 90}
    ordinals = {f"h-{n}" for n in there if n}
    days, months = {f"day-{n}" for n in range(7)}, {f"mon-{n}" for n in range(12)}
    words = {"today", "yesterday", "at", "oclock", "oh", "a-m", "p-m"}
    known = words | ordinals | days | months | {str(n) for n in there}
    for uri in spoken(when, NOW.replace(tzinfo=None)):
        scheme, _, name = uri.partition(":")
        assert scheme == "number" or name.removeprefix("digits/") in known


def test_who_called() -> None:
    assert who_called("1002") == ["sound:vm-from-extension", "digits:1002"]
    assert who_called("+49 30 1") == ["sound:vm-from-extension", "digits:49301"]
    assert who_called("anonymous") == ["sound:vm-unknown-caller"]
