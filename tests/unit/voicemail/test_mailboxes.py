"""Messages come into their mailbox with their file, once, whatever is in between; what becomes of them there."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from ari_app.calls import facts
from ari_app.calls.directory import Directory, ExtensionSettings, Mailbox
from ari_app.clock import ManualClock
from ari_app.config import Settings
from ari_app.errors import NotFound, StoreUnavailable
from ari_app.hooks.mail import Post
from ari_app.media.tts.synthesiser import Synthesiser
from ari_app.prompts.book import PromptBook
from ari_app.store.outbox import Message as Sent
from ari_app.store.outbox import Outbox
from ari_app.store.prompts import Prompts
from ari_app.store.voicemail import Counts, Message, MessageFilter, Messages
from ari_app.store.writer import Writer
from ari_app.voicemail.greetings import Greetings
from ari_app.voicemail.lights import Lights
from ari_app.voicemail.mail import KIND, MessageMails, Notice, compose
from ari_app.voicemail.service import RETRY, Mailboxes
from tests.harness.patience import PATIENCE
from tests.unit.recordings.shelf import Shelf


def wav(seconds: float) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as opened:
        opened.setnchannels(1)
        opened.setsampwidth(2)
        opened.setframerate(8000)
        opened.writeframes(bytes(int(seconds * 16_000)))
    return file.getvalue()


class FakePost(Post):
    """Takes what it is given."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    async def send(self, mail: object, to: str, id: str) -> None:
        self.sent.append((to, str(mail)))


class Office:
    """1001 with a mailbox, and what stands on it, started as after a restart."""

    def __init__(self, writer: Writer, clock: ManualClock, root: Path, mailbox: Mailbox) -> None:
        self.shelf = Shelf(writer, clock, root)
        self.clock = clock
        self.directory = Directory()
        self.directory.put(1, ExtensionSettings(extension="1001", name="Ann"), mailbox)
        self.writer = writer
        self.post = FakePost()
        self.start()

    def start(self) -> None:
        messages = Messages(self.writer.database, self.clock, self.writer)
        self.lights = Lights({}, self.clock)
        self.mailboxes = Mailboxes(messages, self.shelf.library, self.directory, self.lights, self.clock, 2.0)
        self.outbox = Outbox(self.writer, self.clock)

        async def zone(account: int) -> str:
            return "Europe/Berlin"

        self.mails = MessageMails(Settings(), self.outbox, self.mailboxes, zone, self.post)
        self.mailboxes.on_arrived = self.mails.arrived
        self.mailboxes.start()

    def leaves(self, name: str) -> None:
        """Somebody begins to speak."""
        begun = facts.MessageBegun(
            at=self.clock.now(),
            call="call-1",
            account=1,
            recording=name,
            mailbox="1001",
            caller_number="030",
            caller_name="Bo",
        )
        self.shelf.recorder.record(begun)

    async def left(self, name: str, seconds: float = 4.0) -> None:
        """He has spoken, and the file is stored."""
        self.leaves(name)
        await self.shelf.put(name, wav(seconds))
        self.mailboxes.look(name)

    async def waiting(self, count: int) -> list[Message]:
        """When all has been looked at, so many are in the mailbox, and the light says so."""
        await self.idle()
        found = await self.mailboxes.messages.listing(1, MessageFilter(mailbox="1001"))
        assert found.total == count
        assert self.lights._wanted.get("1001@default", Counts()) == Counts(count)
        return found.rows

    async def gone(self, name: str) -> None:
        """When all has been looked at, nothing is known of a message any more."""
        await self.idle()
        assert await self.mailboxes.messages.fate(name) is None

    async def idle(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.mailboxes.idle()


@pytest.fixture
async def office(writer: Writer, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Office]:
    mailbox = Mailbox(email="ann@example.org", pager_email="pager@example.org")
    made = Office(writer, clock, tmp_path / "recordings", mailbox)
    yield made
    await made.mailboxes.close()


async def test_a_message_comes_with_its_file(office: Office) -> None:
    office.leaves("message-a")
    office.mailboxes.look("message-a")  # too soon
    await office.left("message-a")
    (message,) = await office.waiting(1)
    assert (message.id, message.length, message.caller_number, message.heard_at) == ("message-a", 4.0, "030", None)
    office.mailboxes.look("message-a")  # again
    due = await office.outbox.due()
    assert sorted((one.kind, one.target) for one in due) == [(KIND, "ann@example.org"), (KIND, "pager@example.org")]


async def test_what_is_too_short_is_not_kept(office: Office) -> None:
    await office.left("message-a", 1.9)
    await office.gone("message-a")
    found = await office.shelf.get("message-a")
    assert (found.state, found.deleted_by) == ("deleted", "too short")
    assert await office.outbox.due() == []


async def test_what_came_while_nobody_looked_arrives_at_the_start(office: Office) -> None:
    await office.mailboxes.close()
    await office.left("message-a")
    office.leaves("message-b")
    office.shelf.begun("message-b")
    office.shelf.ended("message-b", outcome="failed")
    await office.shelf.recordings.unfetched("pbx")  # which closes what there is no file of
    office.start()
    await office.waiting(1)
    await office.gone("message-b")


async def test_without_a_database_it_comes_later(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    fate, asked = office.mailboxes.messages.fate, list[str]()

    async def dead(name: str) -> None:
        asked.append(name)
        raise StoreUnavailable("the database does not answer")

    monkeypatch.setattr(office.mailboxes.messages, "fate", dead)
    await office.left("message-a")
    await office.idle()
    assert set(asked) == {"message-a"}  # twice, when the start has found it too
    monkeypatch.setattr(office.mailboxes.messages, "fate", fate)
    office.clock.advance(RETRY)
    await office.waiting(1)


async def test_marks_and_the_light(office: Office) -> None:
    await office.left("message-a")
    await office.waiting(1)
    await office.mailboxes.mark(1, "message-a", new=False, urgent=True)
    assert office.lights._wanted["1001@default"] == Counts(0, 1, 0)
    await office.mailboxes.mark(1, "message-a", new=True)
    assert office.lights._wanted["1001@default"] == Counts(1, 0, 1)
    with pytest.raises(NotFound):
        await office.mailboxes.mark(2, "message-a", new=False)
    await office.mailboxes.delete(1, "message-a", "key 1")
    assert office.lights._wanted["1001@default"] == Counts()
    assert not office.shelf.there()


async def test_a_message_goes_with_its_recording_and_with_its_extension(office: Office) -> None:
    await office.left("message-a")
    await office.left("message-b")
    await office.waiting(2)
    await office.shelf.library.delete(await office.shelf.get("message-a"), "age")
    assert (await office.mailboxes.messages.listing(1, MessageFilter())).total == 1
    office.directory.remove("1001")
    await office.mailboxes.gone(1, "1001")
    assert (await office.shelf.states())["message-b"] == "deleted"


def sent(id: str, *, attach: bool = True, delete: bool = False, to: str = "ann@example.org") -> Sent:
    body = msgspec.json.encode(Notice(id=id, extension="1001", attach=attach, delete=delete)).decode()
    return Sent(id="out-1", account=1, kind=KIND, target=to, body=body, created_at=0.0, attempts=0)


async def test_a_mail_with_the_message_that_is_then_deleted(office: Office) -> None:
    await office.left("message-a")
    await office.waiting(1)
    await office.mails(sent("message-a", attach=False))
    await office.mails(sent("message-a", delete=True))
    await office.mails(sent("message-a"))  # there is nothing to tell any more
    assert [to for to, _ in office.post.sent] == ["ann@example.org"] * 2
    assert ["message-a.wav" in mail for _, mail in office.post.sent] == [False, True]
    assert (await office.shelf.get("message-a")).deleted_by == "mailed"


@pytest.mark.parametrize(
    ("language", "subject"),
    [
        ("en", "Urgent: Voicemail of 1001 from Bo 030"),
        ("es", "Urgente: Mensaje de voz para 1001 de Bo 030"),
        ("he", "דחוף: הודעה קולית לשלוחה 1001 מאת Bo 030"),
    ],
)
def test_the_mail_in_three_languages(language: str, subject: str) -> None:
    message = Message(
        id="message-a",
        account=1,
        mailbox="1001",
        call="call-1",
        caller_number="030",
        caller_name="Bo",
        left_at=1_700_000_000.0,
        urgent=True,
        heard_at=None,
        length=83.4,
        size=5,
    )
    mail = compose(message, 3, language, ZoneInfo("Europe/Berlin"), b"sound", deleted=False)
    assert (mail["Subject"], mail["Importance"]) == (subject, "high")
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert all(part in text for part in ("2023-11-14 23:13:20 CET", "1 ", "23 ", "3"))
    html = mail.get_body(("html",))
    assert html is not None
    assert ('dir="rtl"' in html.get_content()) == (language == "he")
    (attached,) = mail.iter_attachments()
    assert (attached.get_content_type(), attached.get_payload(decode=True)) == ("audio/wav", b"sound")


async def greeted(office: Office, name: str, sound: bytes, greeting: str) -> None:
    """A greeting was recorded over the phone; greeting: "": it was not accepted."""
    at = office.clock.now()
    office.shelf.recorder.record(
        facts.RecordingStarted(
            at=at, call="call-1", account=1, recording=name, format="wav", node="pbx", kind="greeting"
        )
    )
    if greeting:
        told = facts.GreetingAccepted(at=at, call="call-1", recording=name, greeting=greeting)
        office.shelf.recorder.record(told)
    await office.shelf.put(name, sound)


@pytest.mark.parametrize(
    ("greeting", "sound", "by"),
    [
        ("1001-busy", wav(1.0), "used as greeting"),
        ("1001-busy", b"no sound", "not accepted"),
        ("", wav(1.0), "not accepted"),
        ("1009-busy", wav(1.0), "not accepted"),
    ],
)
async def test_a_greeting_recorded_over_the_phone(
    office: Office, tmp_path: Path, greeting: str, sound: bytes, by: str
) -> None:
    synthesiser = Synthesiser([])
    prompts = PromptBook(
        Prompts(office.writer.database, office.clock), synthesiser, tmp_path / "prompts", "http://pbx", office.clock
    )
    await prompts.load()
    greetings = Greetings(prompts, office.shelf.library, office.directory)
    office.mailboxes.on_other, office.mailboxes.others = greetings.stored, greetings.left
    await greeted(office, "greeting-a", sound, greeting)
    await office.mailboxes.close()
    office.mailboxes.start()  # which finds it
    await office.idle()
    found = await office.shelf.get("greeting-a")
    assert (found.state, found.deleted_by) == ("deleted", by)
    assert greetings.has(1, "1001", "busy") == (by == "used as greeting")
    if by == "used as greeting":
        assert greetings.media(1, "1001", "busy") == "sound:voicemail-1001-busy"
        assert (await greetings.path(1, "1001", "busy")).is_file()
        await greetings.gone(1, "1001")
        assert greetings.media(1, "1001", "busy") is None
    await prompts.close()
