"""Delivery over real HTTP to receivers that answer, fail, hang and break off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import text

from ari_app.clock import ManualClock
from ari_app.config import networks
from ari_app.hooks.sign import HEADER, account_secret, verify
from ari_app.hooks.tell import DAY, KEPT, Teller, Webhook
from ari_app.ops.addresses import Guard
from ari_app.store import migrate
from ari_app.store.database import Database
from ari_app.store.outbox import Outbox
from ari_app.store.writer import Writer

#: seconds; nothing here takes as long
PATIENCE = 30
#: seconds after which a receiver that hangs is given up: one that does not takes less, also if the machine stands still
HANGS = 3.0


@dataclass
class Got:
    path: str
    id: str
    body: str
    signature: str


class Receiver:
    """A server of somebody else's. Each path behaves as `ways` says, "ok" if it does not."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.ways: dict[str, str] = {}
        self.changed = asyncio.Condition()
        self.url = ""

    async def start(self, stack: AsyncExitStack) -> None:
        app = web.Application()
        app.router.add_post("/{name}", self._handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"

    async def _handle(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        body = await request.text()
        got = Got(name, request.headers["Idempotency-Key"], body, request.headers[HEADER])
        async with self.changed:
            self.got.append(got)
            self.changed.notify_all()
        match self.ways.get(name, "ok"):
            case "fail":
                raise web.HTTPServiceUnavailable
            case "redirect":
                raise web.HTTPTemporaryRedirect(self.url + "elsewhere")
            case "hang":
                await asyncio.Event().wait()
            case "reset":
                assert request.transport is not None
                request.transport.abort()
        return web.Response()

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE), self.changed:
            await self.changed.wait_for(done)

    def bodies(self, path: str) -> list[str]:
        return [got.body for got in self.got if got.path == path]


class Post:
    """An outbox and who delivers from it."""

    def __init__(self, writer: Writer, clock: ManualClock, receiver: Receiver) -> None:
        self.writer, self.clock, self.receiver = writer, clock, receiver

    async def open(self, stack: AsyncExitStack, *, timeout: float = PATIENCE, at_once: int = 64) -> Teller:
        self.outbox = Outbox(self.writer, self.clock)
        webhook = Webhook(Guard(networks("127.0.0.1")), self.clock, "hook secret")
        stack.push_async_callback(webhook.close)
        teller = Teller(self.outbox, self.clock, {"hook": webhook}, timeout=timeout, at_once=at_once)
        stack.push_async_callback(teller.close)
        teller.start()
        return teller

    def send(self, path: str, body: str) -> str:
        return self.outbox.add(1, "hook", self.receiver.url + path, body)

    async def rows(self) -> dict[str, Any]:
        await self.writer.flush()
        async with self.writer.database.transaction(write=False) as connection:
            return {row.body: row for row in await connection.execute(text("SELECT * FROM outbox"))}

    async def when(self, body: str, true: Callable[[Any], bool]) -> Any:
        """The row of a message, as soon as that is so of it."""
        async with asyncio.timeout(PATIENCE):
            while not true(row := (await self.rows())[body]):
                await asyncio.sleep(0.01)
        return row


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def post(tmp_path: Path, stack: AsyncExitStack) -> Post:
    url = f"sqlite+aiosqlite:///{tmp_path}/test.sqlite"
    await migrate.upgrade(url)
    database, clock, receiver = Database(url), ManualClock(), Receiver()
    await database.start()
    stack.push_async_callback(database.close)
    writer = Writer(database, clock, tmp_path)
    await writer.start()
    stack.push_async_callback(writer.close)
    await receiver.start(stack)
    return Post(writer, clock, receiver)


async def test_a_message_arrives_signed_and_once(post: Post, stack: AsyncExitStack) -> None:
    await post.open(stack)
    id = post.send("a", '{"n": "שלום"}')
    await post.when('{"n": "שלום"}', lambda row: row.delivered_at is not None)
    (got,) = post.receiver.got
    assert (got.id, got.body) == (id, '{"n": "שלום"}')
    secret = account_secret("hook secret", 1)
    assert verify(secret, id, got.body.encode(), got.signature, post.clock.now())
    assert not verify(account_secret("hook secret", 2), id, got.body.encode(), got.signature, post.clock.now())


@pytest.mark.parametrize("way", ["fail", "reset", "hang", "redirect"])
async def test_what_is_not_taken_is_sent_again_later_under_the_same_id(
    post: Post, stack: AsyncExitStack, way: str
) -> None:
    post.receiver.ways["a"] = way
    await post.open(stack, timeout=HANGS if way == "hang" else PATIENCE)
    post.send("a", "1")
    post.send("a", "2")
    row = await post.when("1", lambda row: row.attempts == 1)
    assert row.delivered_at is None
    assert row.next_at > post.clock.now()
    assert row.last_error
    assert post.receiver.bodies("a") == ["1"]
    assert post.receiver.bodies("elsewhere") == []
    del post.receiver.ways["a"]
    post.clock.advance(10)
    await post.when("2", lambda row: row.delivered_at is not None)
    assert post.receiver.bodies("a") == ["1", "1", "2"]
    assert len({got.id for got in post.receiver.got if got.body == "1"}) == 1


async def test_receivers_that_hang_hold_up_nobody_and_order_is_kept(post: Post, stack: AsyncExitStack) -> None:
    post.receiver.ways = {f"hang{n}": "hang" for n in range(10)}
    await post.open(stack, timeout=PATIENCE)
    for n in range(10):
        for message in range(3):
            post.send(f"hang{n}", f"{n}.{message}")
    wanted = [str(n) for n in range(15)]
    for body in wanted:
        post.send("fine", body)
    await post.receiver.until(lambda: len(post.receiver.bodies("fine")) == len(wanted))
    assert post.receiver.bodies("fine") == wanted
    assert all(len(post.receiver.bodies(f"hang{n}")) <= 1 for n in range(10))


async def test_more_receivers_hang_than_there_are_deliveries_at_a_time(post: Post, stack: AsyncExitStack) -> None:
    post.receiver.ways = {f"hang{n}": "hang" for n in range(3)}
    await post.open(stack, at_once=2, timeout=HANGS)
    for n in range(3):
        post.send(f"hang{n}", "x")
    post.send("fine", "fine")
    await post.when("fine", lambda row: row.delivered_at is not None)


async def test_the_next_process_sends_what_the_one_before_it_left(post: Post, stack: AsyncExitStack) -> None:
    post.receiver.ways["a"] = "hang"
    teller = await post.open(stack, timeout=PATIENCE)
    id = post.send("a", "1")
    await post.receiver.until(lambda: len(post.receiver.got) == 1)
    await teller.close()
    del post.receiver.ways["a"]
    await post.open(stack)
    await post.when("1", lambda row: row.delivered_at is not None)
    assert [got.id for got in post.receiver.got] == [id, id]


async def test_what_was_delivered_is_forgotten_in_time(post: Post, stack: AsyncExitStack) -> None:
    post.receiver.ways["b"] = "fail"
    await post.open(stack)
    post.send("a", "1")
    post.send("b", "2")
    await post.when("1", lambda row: row.delivered_at is not None)
    await post.when("2", lambda row: row.attempts == 1)
    post.clock.advance(KEPT + DAY)
    async with asyncio.timeout(PATIENCE):
        while "1" in (rows := await post.rows()):
            await asyncio.sleep(0.01)
    assert "2" in rows


async def test_a_url_of_a_private_network_and_a_kind_nobody_delivers_are_failures(
    post: Post, stack: AsyncExitStack
) -> None:
    await post.open(stack)
    post.outbox.add(1, "hook", "http://127.0.0.2:9/", "private")
    post.outbox.add(1, "pigeon", "x", "pigeon")
    assert "Forbidden" in (await post.when("private", lambda row: row.attempts == 1)).last_error
    assert "pigeon" in (await post.when("pigeon", lambda row: row.attempts == 1)).last_error
