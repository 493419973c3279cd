"""Mails about messages: to the owner, with the message attached where he wants that, and to his pager.

They go through the outbox: put there with the message's arrival, in one transaction, and tried until the mail server
has them. Killed between its word and ours, a mail is sent again under the same Message-ID.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import msgspec

from ari_app.calls.directory import Mailbox
from ari_app.config import Settings
from ari_app.errors import NotFound
from ari_app.hooks.mail import Post, written
from ari_app.recordings.library import Library
from ari_app.store.outbox import Message as Sent
from ari_app.store.outbox import Outbox
from ari_app.store.voicemail import Message
from ari_app.voicemail.service import Mailboxes

#: kind of message in the outbox; its target is the address
KIND = "voicemail.email"
#: who deletes, in the record of a recording
MAILED = "mailed"


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept in the outbox."""

    id: str
    extension: str
    #: with the sound
    attach: bool
    #: delete the message when this has been delivered
    delete: bool


class MessageMails:
    """Writes notices, and delivers them."""

    def __init__(
        self,
        settings: Settings,
        outbox: Outbox,
        mailboxes: Mailboxes,
        zone_of: Callable[[int], Awaitable[str]],
        post: Post | None = None,
    ) -> None:
        """zone_of: an account's time zone. Raises ConfigError."""
        self._language = settings.mail_language
        self._outbox = outbox
        self._mailboxes = mailboxes
        self._zone_of = zone_of
        self._post = post or Post(settings)

    def arrived(self, message: Message, mailbox: Mailbox) -> None:
        """A message has come: whom the mailbox says is to be told."""
        attach, delete = mailbox.option("attach"), mailbox.option("delete")
        notices = [(mailbox.email, attach, delete), (mailbox.pager_email, False, False)]
        for address, with_sound, then_delete in notices:
            if address:
                notice = Notice(id=message.id, extension=message.mailbox, attach=with_sound, delete=then_delete)
                self._outbox.add(message.account, KIND, address, msgspec.json.encode(notice).decode())

    async def __call__(self, sent: Sent) -> None:
        """Deliver one. Of a message that has been deleted meanwhile there is nothing to tell.

        Raises aiosmtplib.SMTPException, OSError, StoreUnavailable, StorageUnavailable.
        """
        notice = msgspec.json.decode(sent.body, type=Notice)
        messages = self._mailboxes.messages
        try:
            message = await messages.get(sent.account, notice.id)
            sound = await sound_of(self._mailboxes.library, message) if notice.attach else None
        except NotFound:
            return
        new = (await messages.counts(sent.account))[sent.account, message.mailbox].new
        zone = ZoneInfo(await self._zone_of(sent.account))
        mail = compose(message, new, self._language, zone, sound, deleted=notice.delete)
        await self._post.send(mail, sent.target, sent.id)
        if notice.delete:
            await self._mailboxes.delete(sent.account, notice.id, MAILED)


async def sound_of(library: Library, message: Message) -> bytes:
    """What is said in a message. Raises NotFound, StorageUnavailable, OSError."""
    source = await library.content(await library.recordings.get(message.account, message.id))
    return b"".join([piece async for piece in source.read(0, source.size)])


def compose(
    message: Message, new: int, language: str, zone: ZoneInfo, sound: bytes | None, *, deleted: bool
) -> EmailMessage:
    """The mail about a message, without addresses. new: messages in the mailbox. deleted: it does not stay there."""
    when = datetime.fromtimestamp(message.left_at, zone)
    minutes, seconds = divmod(round(message.length), 60)
    who = [message.caller_name] if message.caller_name not in ("", message.caller_number) else []
    caller = " ".join([*who, message.caller_number]) or "-"
    values: dict[str, object] = {
        "urgent": message.urgent,
        "extension": message.mailbox,
        "caller": caller,
        "minutes": minutes,
        "seconds": seconds,
        "time": f"{when:%Y-%m-%d %H:%M:%S %Z}",
        "new": 0 if deleted else new,
        "attached": sound is not None,
        "deleted": deleted,
    }
    mail = written("voicemail", values, language, when)
    if message.urgent:
        mail["Importance"] = "high"
    if sound is not None:
        mail.add_attachment(sound, maintype="audio", subtype="wav", filename=f"{message.id}.wav")
    return mail
