"""Files that are not what was stored: nobody gets all of one without being told."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientPayloadError, web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from ari_app.clock import ManualClock
from ari_app.dialects.streaming import Streamed, stream
from ari_app.recordings.service import damage_told
from ari_app.recordings.verified import Damaged, verified
from ari_app.store.recordings import DAMAGED, RecordingInfo
from ari_app.store.writer import Writer
from tests.unit.recordings.shelf import Shelf, blocks

#: of more than two blocks
LARGE = bytes(range(256)) * 9000


@pytest.fixture
def shelf(writer: Writer, clock: ManualClock, tmp_path: Path) -> Shelf:
    return Shelf(writer, clock, tmp_path / "recordings")


async def read(shelf: Shelf, found: RecordingInfo, start: int = 0, length: int | None = None) -> bytes:
    source = await shelf.library.content(found)
    return b"".join([piece async for piece in source.read(start, source.size if length is None else length)])


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=6), st.data())
async def test_all_of_it_comes_when_it_is_right_and_never_when_it_is_not(
    pieces: list[bytes], data: st.DataObject
) -> None:
    right = b"".join(pieces)
    checksum = hashlib.sha256(right).hexdigest()
    assert b"".join([piece async for piece in verified(blocks(*pieces), checksum)]) == right
    changed = [bytearray(piece) for piece in pieces]
    if pieces:
        where = data.draw(st.integers(0, len(pieces) - 1))
        changed[where][data.draw(st.integers(0, len(pieces[where]) - 1))] ^= 1
    else:
        changed = [bytearray(b"x")]
    got: list[bytes] = []

    async def take() -> None:
        async for piece in verified(blocks(*map(bytes, changed)), checksum):
            got.append(piece)

    with pytest.raises(Damaged):
        await take()
    assert len(got) < max(len(pieces), 1)


@pytest.mark.parametrize("spoil", [LARGE[:-1], LARGE[:-1] + b"x", b"x" + LARGE[1:], b"", LARGE[:1000]])
async def test_a_file_on_our_disk(shelf: Shelf, spoil: bytes) -> None:
    told: list[Any] = []
    tell = damage_told(lambda account, kind, values: told.append((account, kind, values)), shelf.clock)
    shelf.library.on_damaged = tell
    found = await shelf.put("rec-a", LARGE)
    assert await read(shelf, found) == LARGE
    path = shelf.files.path(str(found.path))
    path.write_bytes(spoil)
    with pytest.raises(Damaged):
        await read(shelf, found)
    damaged = await shelf.get("rec-a")
    assert (damaged.state, damaged.error, damaged.damaged) == ("stored", DAMAGED, True)
    values = {"at": shelf.clock.now(), "recording": "rec-a", "call": "call-1", "checksum": found.checksum}
    assert told == [(1, "RecordingDamaged", values)]
    assert shelf.library.damaged == 1
    with pytest.raises(Damaged):
        await read(shelf, damaged, 5, 10)
    with pytest.raises(Damaged):
        await shelf.library.converted(damaged, "ulw")
    path.write_bytes(LARGE)
    assert await read(shelf, damaged) == LARGE
    mended = await shelf.get("rec-a")
    assert (mended.error, mended.damaged) == (None, False)
    assert await read(shelf, mended, 5, 10) == LARGE[5:15]


async def test_what_was_appended_is_not_given_out(shelf: Shelf) -> None:
    found = await shelf.put("rec-a", b"abc")
    shelf.files.path(str(found.path)).write_bytes(b"abcdef")
    assert await read(shelf, found) == b"abc"


async def test_an_answer_that_has_begun_is_cut_off(shelf: Shelf) -> None:
    """Its length was told before, so that the client knows."""
    found = await shelf.put("rec-a", LARGE)
    source = await shelf.library.content(found)
    shelf.files.path(str(found.path)).write_bytes(LARGE[:-1] + b"x")

    async def handle(request: web.Request) -> web.StreamResponse:
        return await stream(request, Streamed(size=source.size, etag="abc", read=source.read))

    app = web.Application()
    app.router.add_get("/", handle)
    async with TestClient(TestServer(app)) as client, client.get("/") as reply:
        assert (reply.status, reply.content_length) == (200, len(LARGE))
        with pytest.raises(ClientPayloadError):
            await reply.read()


async def test_a_storage_that_fails_on_the_way_is_told_the_same_way() -> None:
    async def broken(start: int, length: int) -> AsyncIterator[bytes]:
        yield bytes(1000)
        raise ConnectionResetError

    async def handle(request: web.Request) -> web.StreamResponse:
        return await stream(request, Streamed(size=2000, etag="abc", read=broken))

    app = web.Application()
    app.router.add_get("/", handle)
    async with TestClient(TestServer(app)) as client, client.get("/") as reply:
        with pytest.raises(ClientPayloadError):
            await reply.read()
