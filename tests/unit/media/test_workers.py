"""Media processes: real ones, with real sockets on either side of a link."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import ClassVar
from uuid import uuid4

import pytest

from ari_app.clock import ManualClock, SystemClock
from ari_app.media import targets
from ari_app.media.g711 import ulaw_encode
from ari_app.media.link import LinkRequest
from ari_app.media.ports import TransportKind
from ari_app.media.targets import Place
from ari_app.media.transports.audiosocket import Kind, Message, Parser, build
from ari_app.media.transports.rtp import Packet, parse
from ari_app.media.transports.rtp import build as build_rtp
from ari_app.media.workers.pool import DIED, PAUSE, MediaPool, RemoteLink, Worker
from ari_app.media.workers.wire import News, Reader, Ready

HOST = "127.0.0.1"
SPOKEN = b"\x10\x27" * 160


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.01)


class Endpoint:
    """A user's endpoint: says SPOKEN for each frame that it hears."""

    def __init__(self) -> None:
        self.heard = b""
        self.writers: list[asyncio.StreamWriter] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        parser = Parser()
        with suppress(ConnectionError):
            while data := await reader.read(4096):
                for message in parser.feed(data):
                    if message.kind is Kind.AUDIO_8K:
                        self.heard += message.payload
                        writer.write(build(Message(Kind.AUDIO_8K, SPOKEN)))
        writer.close()


class Asterisk:
    """The other end of the near end: says a frame, hears what is said."""

    made: ClassVar[list[Asterisk]] = []

    def __init__(self, external_host: str) -> None:
        self.made.append(self)
        host, _, port = external_host.rpartition(":")
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.connect((host, int(port)))
        self.number = 0

    def say(self) -> None:
        self.socket.send(build_rtp(Packet(0, self.number, 160 * self.number, 9, ulaw_encode(SPOKEN))))
        self.number += 1

    async def hear(self) -> Packet:
        """What is said next."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(60):
            packet = parse(await loop.sock_recv(self.socket, 2048))
        assert packet is not None
        return packet


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    made = Endpoint()
    server = await asyncio.start_server(made.serve, HOST, 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    for writer in made.writers:
        writer.close()


@pytest.fixture
async def pool() -> AsyncIterator[MediaPool]:
    made = MediaPool(2, TransportKind.RTP, HOST, SystemClock())
    yield made
    await made.close()
    for asterisk in Asterisk.made:
        asterisk.socket.close()
    Asterisk.made.clear()


class Attached:
    """A link that carries audio."""

    def __init__(self, pool: MediaPool, port: int) -> None:
        self.notes: list[str] = []
        target = targets.parse(f"audiosocket://{HOST}:{port}")
        self.link: RemoteLink = pool(LinkRequest(target, Place(HOST, port), uuid4()), self.notes.append)
        self.asterisk: Asterisk | None = None

    @property
    def worker(self) -> Worker:
        assert self.link.worker is not None
        return self.link.worker

    async def open(self) -> Attached:
        await self.link.connect()
        offer = await self.link.near.offer("media-1")
        assert (offer["encapsulation"], offer["format"]) == ("rtp", "ulaw")
        self.asterisk = Asterisk(offer["external_host"])
        self.link.join(call="call-1")
        return self

    async def talk(self) -> Packet:
        """Say a frame, and hear an answer."""
        assert self.asterisk is not None
        self.asterisk.say()
        return await self.asterisk.hear()


async def test_audio_goes_through_both_ways_and_is_counted(pool: MediaPool, endpoint: Endpoint) -> None:
    one = await Attached(pool, endpoint.port).open()
    for _ in range(3):
        assert (await one.talk()).payload == ulaw_encode(SPOKEN)
    one.link.end("stopped by request")
    one.link.close()
    assert (one.link.over.is_set(), one.link.reason) == (True, "stopped by request")
    await until(lambda: not one.worker.links)  # the last figures have come
    figures = one.link.figures
    assert figures.from_call is not None
    assert figures.from_target is not None
    assert (figures.from_call.frames_in, figures.from_target.frames_out) == (3, 3)
    assert len(endpoint.heard) == 3 * len(SPOKEN)
    assert one.notes == []


async def test_figures_come_while_it_runs(pool: MediaPool, endpoint: Endpoint) -> None:
    one = await Attached(pool, endpoint.port).open()
    await one.talk()
    await until(lambda: one.link.figures.from_call is not None and one.link.figures.from_call.frames_in == 1)
    one.link.close()


async def test_links_are_spread_over_the_processes(pool: MediaPool, endpoint: Endpoint) -> None:
    first = await Attached(pool, endpoint.port).open()
    await until(lambda: all(worker.ready.is_set() for worker in pool.workers))
    others = [await Attached(pool, endpoint.port).open() for _ in range(3)]
    assert sorted(len(worker.links) for worker in pool.workers) == [2, 2]
    for each in (first, *others):
        each.link.close()


async def test_the_end_of_the_endpoint_is_told(pool: MediaPool, endpoint: Endpoint) -> None:
    one = await Attached(pool, endpoint.port).open()
    await one.talk()
    endpoint.writers[0].write(build(Message(Kind.HANGUP)))
    async with asyncio.timeout(60):
        await one.link.over.wait()
    assert one.link.reason == "target: the target has hung up"
    one.link.close()


async def test_an_endpoint_that_is_not_there_is_said_as_such(pool: MediaPool) -> None:
    with socket.socket() as nobody:
        nobody.bind((HOST, 0))
        one = Attached(pool, nobody.getsockname()[1])
        with pytest.raises(ConnectionError, match="cannot connect"):
            await one.link.connect()
    assert one.link.reason.startswith("target: cannot connect")
    one.link.close()


async def test_a_process_that_is_killed_ends_its_own_links_and_is_started_again(
    pool: MediaPool, endpoint: Endpoint
) -> None:
    doomed = await Attached(pool, endpoint.port).open()
    await until(lambda: all(worker.ready.is_set() for worker in pool.workers))
    other = await Attached(pool, endpoint.port).open()
    assert doomed.worker is not other.worker
    worker, killed = doomed.worker, doomed.worker.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    async with asyncio.timeout(60):
        await doomed.link.over.wait()
    assert (doomed.link.reason, doomed.notes, worker.deaths) == (DIED, ["media process died"], 1)
    with pytest.raises(ConnectionError):
        await doomed.link.near.offer("media-2")
    doomed.link.close()
    await other.talk()  # nothing of it was noticed there
    await until(worker.ready.is_set)
    assert worker.pid != killed
    again = await Attached(pool, endpoint.port).open()
    assert again.worker is worker
    await again.talk()
    for each in (other, again):
        each.link.close()


async def test_it_is_started_again_after_a_pause_of_the_injected_clock() -> None:
    clock = ManualClock()
    pool = MediaPool(1, TransportKind.RTP, HOST, clock)
    (worker,) = pool.workers
    pool.start()
    await until(worker.ready.is_set)
    killed = worker.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    await until(clock.due)
    clock.advance(PAUSE - 0.01)
    assert (worker.deaths, worker.ready.is_set()) == (1, False)
    assert clock.due() is not None
    clock.advance(0.01)
    await until(worker.ready.is_set)
    assert worker.pid != killed
    await pool.close()


async def test_a_process_ends_with_the_server_however_that_ends() -> None:
    """Its socket is closed: that is all that a server that was killed does."""
    ours, theirs = socket.socketpair()
    arguments = ["-m", "ari_app.media.workers.process", str(theirs.fileno()), "rtp", HOST]
    child = await asyncio.create_subprocess_exec(sys.executable, *arguments, pass_fds=[theirs.fileno()])
    theirs.close()
    reader, writer = await asyncio.open_connection(sock=ours)
    async with asyncio.timeout(60):
        assert isinstance(await Reader(reader, News).next(), Ready)
    child.send_signal(signal.SIGTERM)  # as a service manager tells all processes; the server ends it
    child.send_signal(signal.SIGINT)
    writer.close()
    async with asyncio.timeout(60):
        assert await child.wait() == 0


async def test_closing_what_was_never_started_is_harmless() -> None:
    pool = MediaPool(1, TransportKind.RTP, HOST, SystemClock())
    await pool.close()
    assert pool.workers[0].pid is None
