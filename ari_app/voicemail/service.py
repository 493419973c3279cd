"""From the end of a recording to a message in a mailbox, and what becomes of it there.

The way of a message, and what a crash at any of its steps leaves:

    1 the record has the message, and its recording    it is looked at when the file has come, or at the start
    2 Asterisk records; it goes on without us          the file is fetched at the start (recordings/collector.py)
    3 the file is stored                               at the start, all that has not arrived is looked at
    4 it has arrived, and the mails are in the outbox  one transaction: each mail is sent, once it is there
    5 the light is on                                  all lights are set at the start, and when Asterisk is back

Without a database, messages wait at 3: nothing is lost, and the light comes when it is back. With a full disk the file
waits in Asterisk (2).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from ari_app.calls.directory import Directory, Mailbox
from ari_app.calls.extensions import mailbox_name
from ari_app.clock import Clock, Timer
from ari_app.errors import AppError, NotFound
from ari_app.recordings.library import Library
from ari_app.store.voicemail import Counts, Message, MessageFilter, Messages
from ari_app.voicemail.lights import Lights

log = structlog.get_logger(__name__)

#: seconds until what failed is tried again
RETRY = 10.0
#: who deletes, in the record of a recording: what was too short, and what nobody can listen to any more
TOO_SHORT, NO_MAILBOX = "too short", "no mailbox"


async def _nobody(name: str) -> None:
    pass


async def _none() -> list[str]:
    return []


class Mailboxes:
    """Of all accounts. What is asked raises StoreUnavailable."""

    def __init__(
        self, messages: Messages, library: Library, directory: Directory, lights: Lights, clock: Clock, shortest: float
    ) -> None:
        """shortest: seconds; of what is left there, less is no message."""
        self.messages = messages
        self.library = library
        self.directory = directory
        self.lights = lights
        self._clock = clock
        self._shortest = shortest
        #: told of each message that arrives, before that is committed
        self.on_arrived: Callable[[Message, Mailbox], None] = lambda message, mailbox: None
        #: told of each file that is stored and is no message; and, at the start, asked which an earlier process left
        self.on_other: Callable[[str], Awaitable[None]] = _nobody
        self.others: Callable[[], Awaitable[list[str]]] = _none
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._timers: set[Timer] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, with what an earlier process left."""
        self.lights.start()
        self._queue.put_nowait("")
        self._task = asyncio.create_task(self._work(), name="voicemail")

    async def close(self) -> None:
        """Stop; what has not arrived does after the next start."""
        for timer in self._timers:
            timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.lights.close()

    def look(self, name: str) -> None:
        """The file of a recording has been stored; it may be a message."""
        self._queue.put_nowait(name)

    async def idle(self) -> None:
        """Return when all that was to be looked at has been; what failed then waits for its next time."""
        await self._queue.join()

    async def _work(self) -> None:
        while True:
            name = await self._queue.get()
            try:
                if name:
                    await self._arrive(name)
                else:
                    for left in [*await self.messages.coming(), *await self.others()]:
                        self._queue.put_nowait(left)
                    await self.show()
            except (AppError, OSError) as error:
                log.warning("= message not in its mailbox yet", recording=name, error=str(error))
                self._again(name)
            except Exception:
                log.exception("= message not in its mailbox yet", recording=name)
                self._again(name)
            finally:
                self._queue.task_done()

    def _again(self, name: str) -> None:
        def due() -> None:
            self._timers.discard(timer)
            self._queue.put_nowait(name)

        timer = self._clock.call_at(self._clock.now() + RETRY, due)
        self._timers.add(timer)

    async def _arrive(self, name: str) -> None:
        found = await self.messages.fate(name)
        if found is None:
            await self.on_other(name)
            return
        message, state = found
        if state is None:
            return  # it is being left, or fetched
        mailbox = self.directory.mailbox(message.account, message.mailbox)
        if state != "stored":
            log.info("= message is none", recording=name, mailbox=message.mailbox, state=state)
            await self.messages.remove(name)
        elif mailbox is None or message.length < self._shortest:
            await self._drop(message, TOO_SHORT if mailbox is not None else NO_MAILBOX)
        else:
            self.on_arrived(message, mailbox)
            self.messages.arrived(name)
            await self.messages.told()
            log.info("= message", recording=name, mailbox=message.mailbox, seconds=message.length)
            await self.show(message.account)

    async def _drop(self, message: Message, by: str) -> None:
        recordings = self.library.recordings
        with suppress(NotFound):
            await self.library.delete(await recordings.get(message.account, message.id), by)
        await self.messages.remove(message.id)

    # what is asked

    async def show(self, account: int | None = None) -> None:
        """Set the lights of an account, or of all, by what is in the mailboxes."""
        counts = await self.messages.counts(account)
        shown = set()
        for owner, extension, mailbox in self.directory.mailboxes():
            if account in (None, owner):
                name = mailbox_name(extension, mailbox)
                shown.add(name)
                self.lights.set(name, counts.get((owner, extension), Counts()))

    async def mark(self, account: int, id: str, *, new: bool | None = None, urgent: bool | None = None) -> Message:
        """Change what a message is; None: as before. Raises NotFound."""
        message = await self.messages.mark(account, id, new=new, urgent=urgent)
        await self.show(account)
        return message

    async def delete(self, account: int, id: str, by: str) -> None:
        """Delete a message, with its file. The file goes first: cut short in between, the message has none, and is not
        there.

        Raises:
            NotFound
            OSError, StorageUnavailable: its file cannot be deleted.
        """
        message = await self.messages.get(account, id)
        await self._drop(message, by)
        await self.show(account)

    async def gone(self, account: int, extension: str) -> None:
        """An extension, or its mailbox, is no more: nobody who gets the number next may hear what was left for it."""
        if self.directory.mailbox(account, extension) is not None:
            return
        while (page := await self.messages.listing(account, MessageFilter(mailbox=extension))).rows:
            for message in page.rows:
                await self._drop(message, NO_MAILBOX)
