"""Recordings in an S3 storage: a real server's answers, whole or in part; nothing of ours goes before it is safe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from ari_app.clock import ManualClock
from ari_app.config import Settings, load
from ari_app.dialects.streaming import Streamed, stream
from ari_app.errors import ConfigError, NotFound
from ari_app.media.wav import wav_of
from ari_app.recordings import library
from ari_app.recordings.conversion import Source
from ari_app.recordings.library import Elsewhere, Library
from ari_app.recordings.s3 import PART, S3Storage, StorageUnavailable
from ari_app.recordings.uploader import Uploader
from ari_app.recordings.verified import Damaged
from ari_app.store.writer import Writer
from tests.harness.patience import PATIENCE
from tests.harness.s3 import S3Server
from tests.unit.recordings.shelf import Shelf

CONTENT = bytes(range(256)) * 4000


@pytest.fixture
async def server() -> AsyncIterator[S3Server]:
    async with S3Server() as made:
        yield made


def storage_of(server: S3Server, **changes: Any) -> S3Storage:
    values = {name.lower(): value for name, value in server.environment.items()}
    return S3Storage(Settings(**{**values, **changes}))


class Cellar(Shelf):
    """A shelf whose files go to a storage."""

    def __init__(self, writer: Writer, clock: ManualClock, root: Path, storage: S3Storage) -> None:
        super().__init__(writer, clock, root)
        self.storage = storage
        self.library = Library(self.recordings, self.files, clock, storage=storage)
        self.uploader = Uploader(self.recordings, self.files, storage, clock)

    async def until(self, holds: Callable[[], Awaitable[bool]], *, pace: float = 0.0) -> None:
        async with asyncio.timeout(60):
            while not await holds():
                self.clock.advance(pace)
                await asyncio.sleep(0.01)

    async def moved(self, name: str) -> bool:
        return (await self.get(name)).storage == "s3" and self.there() == set()

    async def content(self, name: str, start: int = 0, length: int = len(CONTENT)) -> bytes:
        source = await self.library.file(await self.get(name))
        assert isinstance(source, Elsewhere)
        return b"".join([piece async for piece in source.read(start, length)])


@pytest.fixture
async def cellar(writer: Writer, clock: ManualClock, tmp_path: Path, server: S3Server) -> AsyncIterator[Cellar]:
    made = Cellar(writer, clock, tmp_path / "recordings", storage_of(server))
    yield made
    await made.uploader.close()


async def test_a_file_moves_and_is_given_out_from_there(cellar: Cellar) -> None:
    await cellar.put("left-over", CONTENT)  # by an earlier process
    cellar.uploader.start()
    await cellar.put("rec-a", CONTENT)
    cellar.uploader.look("rec-a")
    await cellar.until(lambda: cellar.moved("left-over"))
    await cellar.until(lambda: cellar.moved("rec-a"))
    found = await cellar.get("rec-a")
    assert cellar.library.where(found) == "s3://recordings/centre/1/2023/11/14/rec-a.wav"
    assert (found.state, found.size) == ("stored", len(CONTENT))
    assert await cellar.content("rec-a") == CONTENT
    assert await cellar.content("rec-a", 1000, 300_000) == CONTENT[1000:301_000]
    await cellar.library.delete(found, "key 1")
    assert (await cellar.get("rec-a")).state == "deleted"
    with pytest.raises(NotFound):
        await cellar.storage.size(str(found.path))


async def test_who_looked_it_up_before_it_was_moved_gets_it_from_there(cellar: Cellar) -> None:
    before = await cellar.put("rec-a", CONTENT)
    cellar.uploader.start()
    await cellar.until(lambda: cellar.moved("rec-a"))
    source = await cellar.library.file(before)
    assert isinstance(source, Elsewhere)
    assert b"".join([piece async for piece in source.read(0, source.size)]) == CONTENT
    there = await cellar.get("rec-a")
    assert (there.state, there.storage) == ("stored", "s3")
    await cellar.library.delete(before, "key 1")
    with pytest.raises(NotFound):
        await cellar.storage.size(str(before.path))
    for looked_up in (before, there):
        with pytest.raises(NotFound):
            await cellar.library.file(looked_up)
    assert (await cellar.get("rec-a")).state == "deleted"


async def test_a_file_of_several_parts(cellar: Cellar) -> None:
    large = CONTENT * (PART // len(CONTENT) + 1)
    assert len(large) > PART
    await cellar.put("rec-a", large)
    cellar.uploader.start()
    await cellar.until(lambda: cellar.moved("rec-a"))
    assert await cellar.content("rec-a", 0, len(large)) == large


async def test_a_storage_that_is_away_is_waited_for(cellar: Cellar, server: S3Server) -> None:
    await server.stop()
    await cellar.put("rec-a", CONTENT)
    cellar.uploader.start()

    async def troubled() -> bool:
        return cellar.uploader.trouble != ""

    await cellar.until(troubled)
    assert cellar.there() == {"rec-a.wav"}
    assert (await cellar.get("rec-a")).storage == "local"
    await server.start()
    await cellar.until(lambda: cellar.moved("rec-a"), pace=1.0)
    await cellar.until(lambda: _is(cellar.uploader.trouble, ""))
    assert await cellar.content("rec-a") == CONTENT
    await server.stop()
    for request in (cellar.content("rec-a"), cellar.library.delete(await cellar.get("rec-a"), "key 1")):
        with pytest.raises(StorageUnavailable):
            await request
    assert (await cellar.get("rec-a")).state == "stored"


async def _is(one: str, other: str) -> bool:
    return one == other


async def test_one_that_cannot_be_moved_keeps_no_other(cellar: Cellar) -> None:
    found = await cellar.put("gone", CONTENT)
    cellar.files.path(str(found.path)).unlink()
    broken = await cellar.put("broken", CONTENT)
    cellar.files.path(str(broken.path)).write_bytes(b"not what it was")
    await cellar.put("whole", CONTENT)
    cellar.uploader.start()

    async def whole() -> bool:
        return (await cellar.get("whole")).storage == "s3"

    await cellar.until(whole, pace=1.0)
    assert (await cellar.get("gone")).state == "missing"
    assert (await cellar.get("broken")).storage == "local"
    assert cellar.there() == {"broken.wav"}


async def test_one_deleted_meanwhile_is_deleted_there(cellar: Cellar) -> None:
    found = await cellar.put("rec-a", CONTENT)
    put = cellar.storage.put

    async def slowly(*arguments: Any) -> None:
        await put(*arguments)
        await cellar.library.delete(found, "key 1")

    cellar.storage.put = slowly  # type: ignore[method-assign]
    cellar.uploader.start()

    async def gone() -> bool:
        try:
            await cellar.storage.size(str(found.path))
        except NotFound:
            return (await cellar.get("rec-a")).state == "deleted"
        return False

    await cellar.until(gone)
    assert cellar.there() == set()


async def test_what_is_lost_there_is_missing(cellar: Cellar) -> None:
    await cellar.put("rec-a", CONTENT)
    cellar.uploader.start()
    await cellar.until(lambda: cellar.moved("rec-a"))
    found = await cellar.get("rec-a")
    await cellar.storage.delete(str(found.path))
    with pytest.raises(NotFound):
        await cellar.library.file(found)
    assert (await cellar.get("rec-a")).state == "missing"


async def test_what_is_not_what_was_stored_there_is_told(cellar: Cellar) -> None:
    await cellar.put("rec-a", CONTENT)
    cellar.uploader.start()
    await cellar.until(lambda: cellar.moved("rec-a"))
    found = await cellar.get("rec-a")
    other = cellar.files.root / "other"
    cellar.library.prepare()
    for content in (CONTENT[:-1] + b"x", CONTENT[:1000]):
        other.write_bytes(content)
        await cellar.storage.put(other, str(found.path), len(content), str(found.checksum))
        source = await cellar.library.content(found)
        with pytest.raises(Damaged):
            async for _ in source.read(0, source.size):
                pass
        assert (await cellar.get("rec-a")).damaged
    with pytest.raises(Damaged):
        await cellar.library.converted(found, "wavM")
    assert cellar.library.damaged == 3


async def test_ranges_of_a_stream() -> None:
    async def read(start: int, length: int) -> AsyncIterator[bytes]:
        for at in range(start, start + length, 100):
            yield CONTENT[at : min(at + 100, start + length)]

    async def handle(request: web.Request) -> web.StreamResponse:
        headers = {"Content-Type": "audio/wav", "Cache-Control": "no-store"}
        return await stream(request, Streamed(size=1000, etag="abc", read=read, headers=headers))

    app = web.Application()
    app.router.add_get("/", handle)
    whole = CONTENT[:1000]
    async with TestClient(TestServer(app)) as client:
        for headers, status, expected, content_range in (
            ({}, 200, whole, None),
            ({"Range": "bytes=0-"}, 200, whole, None),
            ({"Range": "bytes=10-19"}, 206, whole[10:20], "bytes 10-19/1000"),
            ({"Range": "bytes=990-5000"}, 206, whole[990:], "bytes 990-999/1000"),
            ({"Range": "bytes=-7"}, 206, whole[-7:], "bytes 993-999/1000"),
            ({"Range": "bytes=1000-"}, 416, b"", "bytes */1000"),
            ({"Range": "bytes=x-y"}, 416, b"", "bytes */1000"),
            ({"Range": "bytes=10-19", "If-Range": '"old"'}, 200, whole, None),
            ({"Range": "bytes=10-19", "If-Range": '"abc"'}, 206, whole[10:20], "bytes 10-19/1000"),
            ({"If-None-Match": '"abc"'}, 304, b"", None),
        ):
            async with client.get("/", headers=headers) as reply:
                assert (reply.status, await reply.read()) == (status, expected), headers
                assert reply.headers.get("Content-Range") == content_range


def test_wrong_settings() -> None:
    with pytest.raises(ConfigError, match="S3_BUCKET"):
        storage_of(S3Server(), s3_bucket="")
    for url in ("s3.example.com", "ftp://s3.example.com", "https://s3.example.com/bucket"):
        with pytest.raises(ConfigError, match="S3_URL"):
            load(s3_url=url)


async def test_a_file_that_is_moved_between_the_look_and_the_reading_is_read_from_there(cellar: Cellar) -> None:
    before = await cellar.put("rec-a", CONTENT)
    source = await cellar.library.content(before)  # it is on our disk
    half = source.read(0, source.size)
    begun = await anext(half)  # its file is open
    cellar.uploader.start()
    await cellar.until(lambda: cellar.moved("rec-a"))
    assert cellar.there() == set()
    assert source.size == len(CONTENT)
    assert b"".join([piece async for piece in source.read(0, source.size)]) == CONTENT
    assert b"".join([piece async for piece in source.read(1000, 300_000)]) == CONTENT[1000:301_000]
    assert begun + b"".join([piece async for piece in half]) == CONTENT
    await cellar.library.delete(before, "key 1")
    with pytest.raises(NotFound):
        await anext(source.read(0, 1))


async def test_a_file_that_is_moved_when_its_conversion_begins_is_converted_from_there(
    cellar: Cellar, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await cellar.put("rec-a", wav_of(bytes(16_000)))
    cellar.library.prepare()
    loop, real, moves = asyncio.get_running_loop(), library.convert, 0

    def late(sources: Sequence[Source], target: Path, name: str) -> None:
        nonlocal moves
        if not moves:
            asyncio.run_coroutine_threadsafe(cellar.uploader._move("rec-a"), loop).result(PATIENCE)
        moves += 1
        real(sources, target, name)

    monkeypatch.setattr(library, "convert", late)
    made = await cellar.library.converted(before, "ulw")
    assert (made.stat().st_size, moves) == (8000, 2)
    assert (await cellar.get("rec-a")).storage == "s3"
