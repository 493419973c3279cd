"""Sounds of other servers, of files, and silence; and what happens when they are hostile, slow or gone."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import soundfile
from aiohttp import web

from ari_app.clock import ManualClock
from ari_app.config import networks
from ari_app.ops.addresses import Guard
from ari_app.prompts.fetch import LONGEST, UNSAID, Fetcher, FetchFailed, fresh_for
from ari_app.prompts.finder import STALE_LIMIT, SoundFinder, SoundUnavailable
from ari_app.prompts.sound import seconds_of
from tests.harness import audio
from tests.unit.prompts.test_prompts import samples_of, tone

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
DATE = "Tue, 01 Jan 2030 00:00:00 GMT"
LATER = "Tue, 01 Jan 2030 01:00:00 GMT"
BEFORE = "Mon, 31 Dec 2029 00:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, UNSAID),
        ({"Cache-Control": "max-age=300"}, 300),
        ({"Cache-Control": "private, Max-Age = 300"}, 300),
        ({"Cache-Control": 'max-age="300"', "Age": "100"}, 200),
        ({"Cache-Control": "max-age=300", "Age": "400"}, 0),
        ({"Cache-Control": "max-age=300", "Expires": DATE, "Date": DATE}, 300),
        ({"Cache-Control": "max-age=999999999"}, LONGEST),
        ({"Cache-Control": "max-age=-1"}, 0),
        ({"Cache-Control": "max-age=soon"}, 0),
        ({"Cache-Control": "no-cache, max-age=300"}, 0),
        ({"Cache-Control": "no-store"}, 0),
        ({"Expires": LATER, "Date": DATE}, 3600),
        ({"Expires": "0", "Date": DATE}, 0),
        ({"Expires": BEFORE, "Date": DATE}, 0),
        ({"Last-Modified": BEFORE, "Date": DATE}, 8640),
        ({"Last-Modified": "never", "Date": DATE}, UNSAID),
    ],
)
def test_how_long_an_answer_holds(headers: dict[str, str], seconds: float) -> None:
    assert fresh_for(headers) == seconds


class Server:
    """Somebody's web server; `handler` answers all that is asked."""

    def __init__(self) -> None:
        self.handler: Handler = self.sound
        self.asked: list[web.Request] = []
        self.data = tone(440)
        self.headers: dict[str, str] = {}
        self.url = ""
        self.port = 0
        self._runner = web.ServerRunner(web.Server(self._answer), handle_signals=False, shutdown_timeout=0.0)

    async def start(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}/hello.mp3"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        assert isinstance(request, web.BaseRequest)
        self.asked.append(request)  # type: ignore[arg-type]
        return await self.handler(request)  # type: ignore[arg-type]

    async def sound(self, request: web.Request) -> web.StreamResponse:
        if self.headers.get("ETag") and request.headers.get("If-None-Match") == self.headers["ETag"]:
            return web.Response(status=304, headers=self.headers)
        return web.Response(body=self.data, headers=self.headers, content_type="audio/mpeg")


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    await made.start()
    yield made
    await made.stop()


class Bench:
    """A finder that may ask this machine."""

    def __init__(self, folder: Path, **limits: float) -> None:
        self.clock = ManualClock()
        self.files = folder / "files"
        self.files.mkdir()
        guard = Guard(networks("127.0.0.1"), setting="PROMPT_NETWORKS")
        fetcher = Fetcher(guard, **limits)  # type: ignore[arg-type]
        self.finder = SoundFinder(folder / "found", fetcher, self.clock, [self.files])
        self.finder.prepare()

    async def heard(self, uri: str) -> audio.Samples:
        return samples_of(self.finder.path(await self.finder.find(uri)).read_bytes())

    async def plays(self, uri: str, hertz: int) -> bool:
        return audio.hears((await self.heard(uri))[800:3200], hertz)

    async def refused(self, uri: str, *words: str) -> None:
        with pytest.raises(SoundUnavailable) as caught:
            await self.finder.find(uri)
        assert all(word in str(caught.value) for word in words), caught.value


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    yield made
    await made.finder.close()


async def test_a_url_is_fetched_once_while_it_holds(bench: Bench, server: Server) -> None:
    server.headers = {"Cache-Control": "max-age=100", "ETag": '"one"'}
    assert await asyncio.gather(*(bench.plays(server.url, 440) for _ in range(5))) == [True] * 5
    assert await bench.plays(server.url, 440)
    assert len(server.asked) == 1
    bench.clock.advance(101)
    assert await bench.plays(server.url, 440)  # 304: it holds again
    bench.clock.advance(99)
    assert await bench.plays(server.url, 440)
    assert [request.headers.get("If-None-Match") for request in server.asked] == [None, '"one"']
    server.headers, server.data = {"ETag": '"two"'}, tone(660)
    bench.clock.advance(2)
    assert await bench.plays(server.url, 660)


async def test_where_a_server_fails_what_we_have_is_played_for_a_day(bench: Bench, server: Server) -> None:
    server.headers = {"Cache-Control": "no-cache"}
    assert await bench.plays(server.url, 440)

    async def fails(request: web.Request) -> web.StreamResponse:
        raise web.HTTPServiceUnavailable

    server.handler = fails
    assert await bench.plays(server.url, 440)
    assert await bench.plays(server.url, 440)
    assert len(server.asked) == 2  # it is not asked by each call
    bench.clock.advance(STALE_LIMIT + 1)
    await bench.refused(server.url, "503")
    server.handler = server.sound
    assert await bench.plays(server.url, 440)


@pytest.mark.parametrize("status", [204, 206, 301, 304, 400, 404, 500])
async def test_an_answer_that_is_no_sound(bench: Bench, server: Server, status: int) -> None:
    async def answers(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    server.handler = answers
    await bench.refused(server.url, str(status))


async def test_redirects_are_followed_and_looked_at(bench: Bench, server: Server) -> None:
    where: dict[str, str] = {"/a": "/b", "/b": f"http://127.0.0.1:{server.port}/c"}

    async def redirects(request: web.Request) -> web.StreamResponse:
        if request.path in where:
            return web.Response(status=302, headers={"Location": where[request.path]})
        return await server.sound(request)

    server.handler = redirects
    base = f"http://127.0.0.1:{server.port}"
    assert await bench.plays(f"{base}/a", 440)
    for number, forbidden in enumerate(
        ("http://127.0.0.2/", "http://10.0.0.1/", "http://[::1]/", "file:///etc/passwd")
    ):
        where[f"/{number}"] = forbidden
        await bench.refused(f"{base}/{number}", "not allowed")
    where["/loop"] = "/loop"
    await bench.refused(f"{base}/loop", "too often")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.2/",
        "http://localhost/",
        "http://169.254.169.254/latest/",
        "http://2130706433/",
        "http://[::1]/",
        "http://user:password@127.0.0.1/",
        "http://",
        "http://[",
    ],
)
async def test_private_networks_are_not_asked(bench: Bench, url: str) -> None:
    if url == "http://localhost/":  # it may be both addresses of this machine, and one is not allowed
        bench.finder._fetcher = Fetcher(Guard())
    await bench.refused(url, "not allowed")


@pytest.mark.parametrize("data", [b"", b"<html>not found</html>", b"ID3" + bytes(100), tone(440)[:44], bytes(9000)])
async def test_what_is_no_sound_is_refused(bench: Bench, server: Server, data: bytes) -> None:
    server.data = data
    await bench.refused(server.url)
    server.data = tone(660)
    assert await bench.plays(server.url, 660)


async def test_a_body_that_breaks_off(bench: Bench, server: Server) -> None:
    async def breaks_off(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse(headers={"Content-Length": "100000"})
        await reply.prepare(request)
        await reply.write(server.data[:1000])
        assert request.transport is not None
        request.transport.abort()
        return reply

    server.handler = breaks_off
    await bench.refused(server.url, "cannot be fetched")


async def endless(request: web.Request) -> web.StreamResponse:
    reply = web.StreamResponse()
    await reply.prepare(request)
    while True:
        await reply.write(bytes(100_000))


async def test_what_is_too_large_is_not_read_on(tmp_path: Path, server: Server) -> None:
    bench = Bench(tmp_path, size_limit=1_000_000)
    server.handler = endless
    await bench.refused(server.url, "larger than 1000000")

    async def says_so(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse(headers={"Content-Length": "1000001"})
        await reply.prepare(request)
        return reply

    server.handler = says_so
    await bench.refused(server.url, "larger than 1000000")
    await bench.finder.close()


async def test_what_is_too_slow_is_given_up(tmp_path: Path, server: Server) -> None:
    bench = Bench(tmp_path, time_limit=0.3)
    enough = asyncio.Event()

    async def never(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse()
        await reply.prepare(request)
        await reply.write(b"RIFF")
        await enough.wait()
        return reply

    server.handler = never
    await bench.refused(server.url, "not had within 0.3 s")
    enough.set()
    await bench.finder.close()


async def test_what_is_compressed_is_not_unpacked(bench: Bench, server: Server) -> None:
    server.headers = {"Content-Encoding": "gzip"}
    await bench.refused(server.url, "compressed")


async def test_a_port_at_which_nobody_listens(bench: Bench, server: Server) -> None:
    await server.stop()
    await bench.refused(server.url, "cannot be fetched")


@pytest.mark.parametrize(
    ("ending", "encoding"), [("ulaw", "ULAW"), ("alaw", "ALAW"), ("gsm", "GSM610"), ("sln", "PCM_16")]
)
async def test_files_without_a_header_are_what_their_names_say(bench: Bench, ending: str, encoding: str) -> None:
    path = bench.files / f"hello.{ending}"
    soundfile.write(path, audio.sine(440, 0.5), 8000, format="RAW", subtype=encoding, endian="LITTLE")
    assert await bench.plays(f"file:hello.{ending}", 440)
    assert len(await bench.heard(f"file:hello.{ending}")) == pytest.approx(4000, abs=160)


async def test_a_header_counts_for_more_than_a_name(bench: Bench) -> None:
    file = io.BytesIO()
    soundfile.write(file, audio.sine(440, 0.5), 8000, format="AU", subtype="ULAW")
    (bench.files / "hello.ulaw").write_bytes(file.getvalue())
    assert len(await bench.heard("file:hello.ulaw")) == 4000


async def test_a_file_that_has_changed_is_played_anew(bench: Bench) -> None:
    (bench.files / "de").mkdir()
    path = bench.files / "de" / "hello.ogg"
    path.write_bytes(tone(440, form="OGG"))
    assert await bench.plays("file:de/hello.ogg", 440)
    path.write_bytes(tone(660, form="OGG", seconds=0.6))
    assert await bench.plays("file:de/hello.ogg", 660)
    path.unlink()
    await bench.refused("file:de/hello.ogg")


@pytest.mark.parametrize("name", ["", ".", "..", "../secret.wav", "/etc/passwd", "a\0b", "away/secret.wav", "link.wav"])
async def test_no_way_out_of_the_directories(bench: Bench, tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.wav").write_bytes(tone(440))
    (bench.files / "away").symlink_to(tmp_path)
    (bench.files / "link.wav").symlink_to(tmp_path / "secret.wav")
    await bench.refused(f"file:{name}", "PROMPT_DIRS")


async def test_silence(bench: Bench) -> None:
    for text, seconds in (("1.5", 1.5), ("60", 60.0), ("0.0001", 1 / 8000)):
        path = bench.finder.path(await bench.finder.find(f"silence:{text}"))
        assert seconds_of(path.read_bytes()) == pytest.approx(seconds)
        assert not samples_of(path.read_bytes()).any()
    for text in ("", "0", "-1", "61", "inf", "nan", "long"):
        await bench.refused(f"silence:{text}")


async def test_what_was_not_played_for_longest_goes(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.finder._room = 40_000  # of a second each: 16,044 bytes
    kept = [await bench.finder.find(f"silence:{seconds}") for seconds in (1, 1.001, 1.002)]
    assert [bench.finder.path(one).exists() for one in kept] == [False, True, True]
    assert await bench.finder.find("silence:1") == kept[0]  # made again
    assert bench.finder.path(kept[0]).exists()
    await bench.finder.close()


async def test_a_disk_that_cannot_be_written_to(bench: Bench, server: Server) -> None:
    bench.finder._root = Path("/proc/nowhere")
    await bench.refused(server.url)


async def test_failures_are_told_by_the_fetcher() -> None:
    fetcher = Fetcher(Guard())
    with pytest.raises(FetchFailed, match="not allowed"):
        await fetcher.get("ftp://example.org/")
    await fetcher.close()
