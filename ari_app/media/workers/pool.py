"""Media processes: one a core, each with links of its own.

A link belongs to one process from its beginning to its end; a new one goes to the process that has fewest. A process
that dies ends its links, and nothing else: the calls go on, and another process is started in its place.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from asyncio.subprocess import Process as Child
from collections import deque
from collections.abc import Callable, Mapping

import msgspec

from ari_app.clock import Clock, pause
from ari_app.media.link import Figures, LinkRequest
from ari_app.media.ports import TransportKind
from ari_app.media.workers.wire import (
    Answer,
    Close,
    CloseNear,
    End,
    Join,
    Made,
    News,
    Noted,
    Offer,
    Open,
    Order,
    Over,
    Reader,
    Ready,
    Told,
    encode,
)

log = logging.getLogger(__name__)

#: Seconds in which a process has to be there, and in which it has to end.
START_LIMIT, END_LIMIT = 30.0, 5.0
#: Seconds in which an order has to be done: an endpoint has five to take a connection.
ANSWER_LIMIT = 15.0
#: Seconds until one that died is started again; twice as many each time it dies before it was up for so long, at most.
PAUSE, LONGEST_PAUSE, UP = 0.5, 30.0, 60.0
#: Why a link is over whose process has died.
DIED = "media: its process has died"


class RemoteNear:
    """The near end of a link in another process (ports.Near)."""

    def __init__(self, link: RemoteLink) -> None:
        self._link = link

    async def offer(self, name: str) -> Mapping[str, str]:
        """As in Near."""
        return await self._link.ask(Offer(self._link.number, name))

    async def made(self, url: str, user: str, password: str) -> None:
        """As in Near."""
        await self._link.ask(Made(self._link.number, url, user, password))

    def close(self, reason: str) -> None:
        """As in Near."""
        self._link.order(CloseNear(self._link.number, reason))


class RemoteLink:
    """A link in another process (link.Link)."""

    def __init__(self, pool: MediaPool, number: int, request: LinkRequest, on_note: Callable[[str], None]) -> None:
        self.number = number
        self.near = RemoteNear(self)
        self.over = asyncio.Event()
        self.reason = ""
        self.figures = Figures()
        self.on_note = on_note
        self.worker: Worker | None = None
        self._pool = pool
        self._request = request
        self._answers: deque[asyncio.Future[Mapping[str, str]]] = deque()
        self._closed = False

    async def connect(self) -> None:
        """As in Link."""
        worker = await self._pool.choose()
        if self._closed:
            raise ConnectionError("the link was closed")
        self.worker = worker
        worker.links[self.number] = self
        request = self._request
        await self.ask(
            Open(
                self.number,
                request.target.url,
                request.place.address,
                request.place.port,
                request.uuid,
                request.direction,
                request.format,
            )
        )

    async def ask(self, order: Open | Offer | Made) -> Mapping[str, str]:
        """Give an order, and wait for its answer. Raises OSError: it failed, or the process has died."""
        if self.worker is None or self.over.is_set():
            raise ConnectionError(self.reason or "the link is not open")
        answer: asyncio.Future[Mapping[str, str]] = asyncio.get_running_loop().create_future()
        self._answers.append(answer)
        self.worker.order(order)
        try:
            async with asyncio.timeout(ANSWER_LIMIT):
                return await answer
        except TimeoutError:
            raise ConnectionError("the media process does not answer") from None

    def order(self, order: Order) -> None:
        """Give an order that nobody waits for; nothing if there is no process to give it to."""
        if self.worker is not None and not self._closed:
            self.worker.order(order)

    def answered(self, answer: Answer) -> None:
        """The oldest order was done, or failed. Orders of a link are given one after the other."""
        if not self._answers:
            return
        waiting = self._answers.popleft()
        if waiting.done():
            return
        if answer.error:
            waiting.set_exception(ConnectionError(answer.error))
        else:
            waiting.set_result(answer.values)

    def join(self, **names: str) -> None:
        """As in Link."""
        self.order(Join(self.number, names))

    def end(self, reason: str) -> None:
        """As in Link."""
        if not self.over.is_set():
            self.order(End(self.number, reason))
            self.ended(reason)

    def ended(self, reason: str) -> None:
        """It is over."""
        if self.over.is_set():
            return
        self.reason = reason
        self.over.set()

    def died(self) -> None:
        """Its process is gone."""
        self.worker = None
        if not self._closed and not self.over.is_set():
            self.on_note("media process died")
        self.ended(DIED)
        for waiting in self._answers:
            if not waiting.done():
                waiting.set_exception(ConnectionError(DIED))
        self._answers.clear()

    def close(self) -> None:
        """As in Link. Its last figures come a little later."""
        self.order(Close(self.number))
        self._closed = True


class Worker:
    """A place for a process: the one that runs, or the next."""

    def __init__(self, name: str, kind: TransportKind, host: str, clock: Clock) -> None:
        self.name = name
        self.links: dict[int, RemoteLink] = {}
        #: there is a process, and it takes orders
        self.ready = asyncio.Event()
        #: processes that died
        self.deaths = 0
        self._kind = kind
        self._host = host
        self._clock = clock
        self._child: Child | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._pause = PAUSE

    @property
    def pid(self) -> int | None:
        """Of the process that runs."""
        return self._child.pid if self._child is not None else None

    def order(self, order: Order) -> None:
        """Give an order; lost if the process dies, as it is itself."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(encode(order))

    async def run(self) -> None:
        """Have a process, and another one when it dies; until cancelled."""
        try:
            while True:
                begun = self._clock.now()
                try:
                    await self._live()
                except (OSError, msgspec.DecodeError) as error:
                    log.error("%s: %s", self.name, error)
                self._lost()
                if self._clock.now() - begun >= UP:
                    self._pause = PAUSE
                await pause(self._clock, self._pause)
                self._pause = min(2 * self._pause, LONGEST_PAUSE)
        finally:
            await self._end()

    async def _live(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            ours.setblocking(False)
            arguments = [str(theirs.fileno()), self._kind.value, self._host]
            try:
                self._child = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "ari_app.media.workers.process",
                    *arguments,
                    stdin=asyncio.subprocess.DEVNULL,
                    env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # more threads would wait for each other
                    pass_fds=[theirs.fileno()],
                )
            except OSError:
                ours.close()
                raise
        reader, self._writer = await asyncio.open_connection(sock=ours)
        news = Reader(reader, News)
        async with asyncio.timeout(START_LIMIT):
            first = await news.next()
        if isinstance(first, Ready):
            self.ready.set()
        while (message := await news.next()) is not None:
            self._take(message)

    def _take(self, news: News) -> None:
        if isinstance(news, Told):
            for number, figures in news.figures.items():
                if number in self.links:
                    self.links[number].figures = figures
                    if self.links[number]._closed:
                        del self.links[number]  # these were its last
            return
        if isinstance(news, Ready) or (link := self.links.get(news.link)) is None:
            return
        match news:
            case Answer():
                link.answered(news)
            case Noted():
                link.on_note(news.event)
            case Over():
                link.ended(news.reason)

    def _lost(self) -> None:
        self.ready.clear()
        self.deaths += 1
        links, self.links = self.links, {}
        log.error("%s has died, with %d attachments; the calls go on", self.name, len(links))
        self._drop()
        for link in links.values():
            link.died()

    def _drop(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._child is not None and self._child.returncode is None:
            self._child.kill()  # it does not speak any more

    async def _end(self) -> None:
        child = self._child
        if self._writer is not None:
            self._writer.close()
        if child is None or child.returncode is not None:
            return
        try:
            async with asyncio.timeout(END_LIMIT):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()


class MediaPool:
    """All media processes."""

    def __init__(self, count: int, kind: TransportKind, host: str, clock: Clock) -> None:
        """`count`: processes, at least 1. `host`: the address that Asterisk reaches them at (RTP, AudioSocket)."""
        self.workers = [Worker(f"media process {number + 1}", kind, host, clock) for number in range(count)]
        self._tasks: list[asyncio.Task[None]] = []
        self._last = 0

    def start(self) -> None:
        """Start them, if they are not: the first link does. Who wants a link waits until a process is there."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(worker.run(), name=worker.name) for worker in self.workers]

    def __call__(self, request: LinkRequest, on_note: Callable[[str], None]) -> RemoteLink:
        """A link, in a process that is chosen when it connects."""
        self.start()
        self._last += 1
        return RemoteLink(self, self._last, request, on_note)

    async def choose(self) -> Worker:
        """The process with the fewest links. Raises OSError if there is none within START_LIMIT."""
        if not any(worker.ready.is_set() for worker in self.workers):
            waits = [asyncio.create_task(worker.ready.wait()) for worker in self.workers]
            try:
                done, _ = await asyncio.wait(waits, timeout=START_LIMIT, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
            if not done:
                raise ConnectionError("there is no media process")
        ready = [worker for worker in self.workers if worker.ready.is_set()]
        if not ready:
            raise ConnectionError("there is no media process")
        return min(ready, key=lambda worker: len(worker.links))

    async def close(self) -> None:
        """End them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
