"""Greetings of mailboxes: prompts of the account, sent over REST or recorded over the phone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog

from ari_app.calls.directory import Directory
from ari_app.errors import NotFound
from ari_app.prompts.book import PromptBook
from ari_app.prompts.sound import NotASound
from ari_app.recordings.library import Library

log = structlog.get_logger(__name__)

#: what there is: heard when nobody answers; when the phone is busy; in place of the number in Asterisk's words; in
#: place of all the others
KINDS = ("unavailable", "busy", "name", "temporary")
#: kind of recording
KIND = "greeting"
#: who deletes the recording of one that is a prompt by now, or that nobody wanted
USED, UNWANTED = "used as greeting", "not accepted"


class Greetings:
    """Of all mailboxes. What changes something raises StoreUnavailable, OSError."""

    def __init__(self, prompts: PromptBook, library: Library, directory: Directory) -> None:
        self._prompts = prompts
        self._library = library
        self._directory = directory

    def has(self, account: int, extension: str, kind: str) -> bool:
        """Whether a mailbox has one of that kind."""
        return self._prompts.has(account, name_of(extension, kind))

    def media(self, account: int, extension: str, kind: str) -> str | None:
        """The media URI that plays it; None: it has none."""
        return f"sound:{name_of(extension, kind)}" if self.has(account, extension, kind) else None

    async def put(self, account: int, extension: str, kind: str, sound: bytes) -> None:
        """A sound file as greeting. Raises NotASound."""
        await self._prompts.put_file(account, name_of(extension, kind), "", sound)

    async def path(self, account: int, extension: str, kind: str) -> Path:
        """Its file. Raises NotFound."""
        found = await self._prompts.prompts.get(account, name_of(extension, kind), "")
        path = self._prompts.path(found.checksum)
        if not await asyncio.to_thread(path.is_file):
            raise NotFound("the file of the greeting is missing", extension=extension, kind=kind)
        return path

    async def forget(self, account: int, extension: str, kind: str) -> None:
        """Back to Asterisk's words. Raises NotFound."""
        await self._prompts.delete(account, name_of(extension, kind), "")

    async def gone(self, account: int, extension: str) -> None:
        """The mailbox is no more: who gets the number next is not announced as somebody else."""
        for kind in KINDS:
            if self.has(account, extension, kind):
                await self.forget(account, extension, kind)

    async def left(self) -> list[str]:
        """Recordings of greetings that are not prompts yet."""
        return await self._library.recordings.stored_of(KIND)

    async def stored(self, name: str) -> None:
        """The file of a recording is there: if it is an accepted greeting, it is heard from now on. The recording goes
        then; cut short in between, this is done again."""
        recording = await self._library.recordings.find(name)
        if recording is None or recording.kind != KIND or recording.state != "stored":
            return
        extension, _, kind = recording.called_number.partition("-")
        by = UNWANTED
        if kind in KINDS and self._directory.mailbox(recording.account_id, extension) is not None:
            source = await self._library.content(recording)
            sound = b"".join([piece async for piece in source.read(0, source.size)])
            try:
                await self.put(recording.account_id, extension, kind, sound)
                by = USED
            except NotASound as error:
                log.warning("= greeting is none", recording=name, error=str(error))
        await self._library.delete(recording, by)


def name_of(extension: str, kind: str) -> str:
    """The name of the prompt."""
    return f"voicemail-{extension}-{kind}"
