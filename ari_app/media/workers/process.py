"""A media process: `python -m ari_app.media.workers.process FD KIND HOST`, started by pool.py and by nobody else.

It carries audio and nothing else, so that nothing else can delay a frame. It does what it is told over the socket FD,
ends when that is closed, and so never outlives the server, however that ends.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from ari_app.clock import SystemClock
from ari_app.media import memory, targets
from ari_app.media.link import LinkHere, LinkRequest
from ari_app.media.ports import MediaPorts, TransportKind
from ari_app.media.targets import Place
from ari_app.media.transports.pacing import Ticker
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

#: Seconds between two reports of figures, while there are links.
REPORT_EVERY = 1.0


class Process:
    """The links of this process, and who is told of them."""

    def __init__(self, ports: MediaPorts, writer: asyncio.StreamWriter) -> None:
        self._ports = ports
        self._writer = writer
        self._links: dict[int, LinkHere] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._reporter = Ticker(ports.clock, REPORT_EVERY)
        self._stop_reports: Callable[[], None] = lambda: None

    def tell(self, news: News) -> None:
        """Tell the server."""
        if not self._writer.is_closing():
            self._writer.write(encode(news))

    def take(self, order: Order) -> None:
        """Do what is ordered."""
        if isinstance(order, Open):
            self._open(order)
            return
        link = self._links.get(order.link)
        if link is None:
            return  # let go of meanwhile
        match order:
            case Offer():
                self._answer(order.link, link, self._offer(link, order.name))
            case Made():
                self._answer(order.link, link, self._made(link, order))
            case Join():
                link.join(**order.names)
            case CloseNear():
                link.near.close(order.reason)
            case End():
                link.end(order.reason)
            case Close():
                self._close(order.link, link)

    def _open(self, order: Open) -> None:
        number = order.link
        request = LinkRequest(
            targets.parse(order.target), Place(order.address, order.port), order.uuid, order.direction, order.format
        )
        link = LinkHere(self._ports, request, lambda event: self.tell(Noted(number, event)))
        if not self._links:
            self._stop_reports = self._reporter.add(lambda _periods: self._report())
        self._links[number] = link
        self._spawn(self._watch(number, link))
        self._answer(number, link, self._connect(link))

    async def _watch(self, number: int, link: LinkHere) -> None:
        await link.over.wait()
        self.tell(Over(number, link.reason))

    async def _connect(self, link: LinkHere) -> dict[str, str]:
        await link.connect()
        return {}

    async def _offer(self, link: LinkHere, name: str) -> dict[str, str]:
        return dict(await link.near.offer(name))

    async def _made(self, link: LinkHere, order: Made) -> dict[str, str]:
        await link.near.made(order.url, order.user, order.password)
        return {}

    def _answer(self, number: int, link: LinkHere, work: Coroutine[Any, Any, dict[str, str]]) -> None:
        async def run() -> None:
            values: dict[str, str] = {}
            failed = ""
            try:
                values = await work
            except OSError as error:
                failed = str(error) or type(error).__name__
            except Exception as error:
                log.exception("an order failed")
                failed = f"failed: {type(error).__name__}"
            if failed and link.reason:
                self.tell(Over(number, link.reason))  # which says more
            self.tell(Answer(number, failed, values))

        self._spawn(run())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _close(self, number: int, link: LinkHere) -> None:
        link.end("ended")
        link.close()
        del self._links[number]
        self.tell(Told({number: link.figures}))
        if not self._links:
            self._stop_reports()

    def _report(self) -> None:
        self.tell(Told({number: link.figures for number, link in self._links.items()}))

    def close(self) -> None:
        """The server is gone: end everything."""
        for number, link in list(self._links.items()):
            self._close(number, link)


async def serve(fd: int, kind: TransportKind, host: str) -> None:
    """Be a media process until the socket is closed."""
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=fd))
    clock = SystemClock()
    ports = MediaPorts(clock, Ticker(clock), kind, host)
    await ports.start()
    process = Process(ports, writer)
    process.tell(Ready())
    orders = Reader(reader, Order)
    try:
        while (order := await orders.next()) is not None:
            process.take(order)
    finally:
        process.close()
        await ports.close()
        writer.close()


def main(fd: int, kind: str, host: str) -> None:
    """Run."""
    # the server ends this by closing the socket, after the calls have been told; Ctrl-C and SIGTERM reach all of us
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    memory.keep()
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(fd, TransportKind(kind), host))
    else:
        uvloop.run(serve(fd, TransportKind(kind), host))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
