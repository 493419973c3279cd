"""All of voicemail together, as the application runs it, and what somebody is answered who listens over the phone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from ari_app.acd.centre import Centre
from ari_app.calls.mailbox import Listen, Note
from ari_app.calls.registry import Registry
from ari_app.calls.voicemail import MessageRules, Voicemail
from ari_app.config import Settings
from ari_app.hooks.tell import Sender
from ari_app.prompts.book import PromptBook
from ari_app.recordings.service import RecordingService
from ari_app.store.extensions import Extensions
from ari_app.store.outbox import Outbox
from ari_app.store.voicemail import MessageFilter, Messages
from ari_app.store.writer import Writer
from ari_app.voicemail.greetings import Greetings
from ari_app.voicemail.lights import Lights
from ari_app.voicemail.mail import KIND, MessageMails
from ari_app.voicemail.service import Mailboxes
from ari_app.voicemail.sounds import MessageSounds

#: messages that can be listened to in one call
_MOST = 200

#: an account's time zone
ZoneOf = Callable[[int], Awaitable[str]]


class PhoneDesk:
    """Implements calls/mailbox.py's Desk."""

    def __init__(
        self, mailboxes: Mailboxes, greetings: Greetings, sounds: MessageSounds, extensions: Extensions, zone_of: ZoneOf
    ) -> None:
        self._mailboxes = mailboxes
        self._greetings = greetings
        self._sounds = sounds
        self._extensions = extensions
        self._zone_of = zone_of
        self.has_greeting = greetings.has
        self.forget_greeting = greetings.forget
        self.opens = extensions.opens
        self.set_password = extensions.set_mailbox_password
        self.delete = mailboxes.delete

    def has(self, account: int, extension: str) -> bool:
        return self._mailboxes.directory.mailbox(account, extension) is not None

    def option(self, account: int, extension: str, name: str) -> bool:
        mailbox = self._mailboxes.directory.mailbox(account, extension)
        return mailbox is not None and mailbox.option(name)

    async def notes(self, account: int, extension: str) -> list[Note]:
        zone = ZoneInfo(await self._zone_of(account))
        page = await self._mailboxes.messages.listing(account, MessageFilter(mailbox=extension), limit=_MOST)
        found = sorted(page.rows, key=lambda one: (one.heard_at is not None, one.heard_at is None and not one.urgent))
        return [
            Note(
                id=one.id,
                caller_number=one.caller_number,
                left=datetime.fromtimestamp(one.left_at, zone),
                new=one.heard_at is None,
                media=self._sounds.media(one.id),
            )
            for one in found
        ]

    async def mark(self, account: int, id: str, *, new: bool) -> None:
        await self._mailboxes.mark(account, id, new=new)


class VoicemailService:
    """Made before recordings are fetched, so that none is stored unseen."""

    def __init__(
        self,
        settings: Settings,
        writer: Writer,
        centre: Centre,
        recordings: RecordingService,
        prompts: PromptBook,
        extensions: Extensions,
        registry: Registry,
        zone_of: ZoneOf,
    ) -> None:
        clock, library, directory = registry.clock, recordings.library, centre.directory
        self._settings = settings
        self._zone_of = zone_of
        self.lights = Lights(registry.nodes, clock)
        self.sounds = MessageSounds(library, settings.sounds(), clock)
        self.greetings = Greetings(prompts, library, directory)
        messages = Messages(writer.database, clock, writer)
        shortest = settings.voicemail_min_seconds
        self.mailboxes = Mailboxes(messages, library, directory, self.lights, clock, shortest)
        self.mailboxes.on_other, self.mailboxes.others = self.greetings.stored, self.greetings.left
        recordings.on_stored.append(self.mailboxes.look)
        desk = PhoneDesk(self.mailboxes, self.greetings, self.sounds, extensions, zone_of)
        numbers = centre.numbers
        numbers.ring_time = settings.voicemail_ring_time
        numbers.mailbox_number = settings.voicemail_number
        numbers.mailbox = lambda extension: Listen(desk, extension)
        numbers.voicemail = Voicemail(
            MessageRules(min=shortest, max=settings.voicemail_max_seconds, silence=settings.voicemail_silence),
            self.greetings.media,
        )

    def mail(self, outbox: Outbox, senders: dict[str, Sender]) -> None:
        """Tell owners by mail. Raises ConfigError."""
        mails = MessageMails(self._settings, outbox, self.mailboxes, self._zone_of)
        senders[KIND] = mails
        self.mailboxes.on_arrived = mails.arrived

    async def changed(self, account: int, extension: str) -> None:
        """An extension was made, changed or deleted. Raises StoreUnavailable, OSError, StorageUnavailable."""
        if self.mailboxes.directory.mailbox(account, extension) is None:
            await self.mailboxes.gone(account, extension)
            await self.greetings.gone(account, extension)
        await self.mailboxes.show(account)
