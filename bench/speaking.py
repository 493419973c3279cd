"""From play() and say() to the first packet with sound at a telephone, on a real Asterisk, against ARI's bare playback.

Everything by turns, on one call: a prompt of an account's that Asterisk has fetched before, and one that it has not; a
text that was said before, and one that was not. The peers are bare requests to ARI on the same channel: a file on
Asterisk's own disk; the same over HTTP, kept by Asterisk and for the first time, from a server that does nothing else;
and, for a text, the engine's program and then that.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web

from ari_app.calls.call import Call
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.play import play
from ari_app.calls.verbs.say import say
from ari_app.config import Settings
from ari_app.media.wav import wav_of
from ari_app.prompts.book import PATH, PromptBook, prompt_book
from ari_app.store import migrate
from ari_app.store.database import Database
from bench.report import Row, percentile
from bench.rtp_phone import RtpPhone
from tests.harness import audio, net
from tests.harness.asterisk import Asterisk
from tests.integration.house import House
from tests.unit.calls.stage import Script

#: seconds of a sound, and of quiet after it
SOUND, QUIET = 0.2, 0.15
#: where Asterisk sees our directory of sounds
SOUNDS = "/bench-sounds"
#: milliseconds that playing, or saying, may add to the same without us
ADDED_GOAL = 3.0
TEXT = "You are number {}."
#: writes 8 kHz, which Asterisk can play as it is
VOICE = "kal"
DISK, KEPT, FETCHED, SPOKEN = "file of Asterisk's", "URL, kept", "URL, first time", "program, and URL"
PROMPT, NEW_PROMPT, SAID, NEW_SAID = "play, kept", "play, first time", "say, said before", "say, first time"
ACCOUNT = 1


def sound(number: int) -> bytes:
    """A WAV file; each is another."""
    return wav_of(audio.to_pcm(audio.sine(400 + number / 10, SOUND)))


class Speaking:
    """One call, and all the ways to be heard on it."""

    def __init__(self, house: House, phone: RtpPhone, book: PromptBook, folder: Path) -> None:
        self.house, self.phone, self.book, self.folder = house, phone, book, folder
        self.url = ""
        self.files: dict[str, bytes] = {}
        self.call: Call
        self._http = aiohttp.ClientSession(auth=aiohttp.BasicAuth(house.pbx.ari_user, house.pbx.ari_password))
        self._numbers = itertools.count(1)
        self._random = random.Random(1)

    async def close(self) -> None:
        await self._http.close()

    async def serve(self, request: web.Request) -> web.Response:
        """The peer's files."""
        headers = {"Cache-Control": "max-age=3600"}
        return web.Response(body=self.files[request.match_info["name"]], content_type="audio/wav", headers=headers)

    async def first(self, begin: Callable[[], Awaitable[object]]) -> tuple[float, float]:
        """Milliseconds to the first packet, and to the first with sound; then it is stopped."""
        await asyncio.sleep(QUIET + self._random.random() * 0.02)  # at no certain time of Asterisk's 20 ms
        began = time.time()
        task = asyncio.ensure_future(begin())
        try:
            packet, sound = await asyncio.to_thread(self.phone.first, after=began)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return (packet - began) * 1000, (sound - began) * 1000

    async def bare(self, media: str) -> None:
        """What ARI does, and nothing else; until nobody wants to hear it any more."""
        base = self.house.pbx.ari_url
        async with self._http.post(f"{base}/channels/{self.call.caller.id}/play", params={"media": media}) as reply:
            reply.raise_for_status()
            playback = (await reply.json())["id"]
        try:
            await asyncio.Event().wait()
        finally:
            async with self._http.delete(f"{base}/playbacks/{playback}"):  # it may have ended
                pass

    async def bare_url(self, data: bytes, name: str) -> None:
        self.files[name] = data
        await self.bare(f"sound:{self.url}/{name}")

    async def program(self, text: str, name: str) -> None:
        """The engine's program, and its file to ARI."""
        path = self.folder / name
        process = await asyncio.create_subprocess_exec("flite", "-voice", VOICE, "-t", text, "-o", str(path))
        await process.wait()
        await self.bare_url(path.read_bytes(), name)

    async def round(self, found: dict[str, list[tuple[float, float]]]) -> None:
        """Each of them once."""
        leg, number = self.call.caller, next(self._numbers)
        await self.book.put_file(ACCOUNT, f"new{number}", "", sound(2 * number))
        new, name = sound(2 * number + 1), f"{number}.wav"
        text, other = (TEXT.format(hundreds + number) for hundreds in (100, 200))  # as long, and another
        ways: dict[str, Callable[[], Awaitable[object]]] = {
            DISK: lambda: self.bare(f"sound:{SOUNDS}/tone"),
            PROMPT: lambda: play(leg, ["sound:kept"]),
            KEPT: lambda: self.bare_url(sound(0), "kept.wav"),
            SAID: lambda: say(leg, TEXT.format(0), voice=VOICE),
            FETCHED: lambda: self.bare_url(new, name),
            NEW_PROMPT: lambda: play(leg, [f"sound:new{number}"]),
            SPOKEN: lambda: self.program(other, f"spoken-{name}"),
            NEW_SAID: lambda: say(leg, text, voice=VOICE),
        }
        for way in self._random.sample(list(ways), len(ways)):
            found.setdefault(way, []).append(await self.first(ways[way]))


@asynccontextmanager
async def speaking() -> AsyncIterator[Speaking]:
    """A call to a real Asterisk, answered, with the product's prompts and speech."""
    phone_at = net.free_address()
    with tempfile.TemporaryDirectory() as temporary, RtpPhone(phone_at) as phone:
        folder = Path(temporary)
        await asyncio.to_thread(folder.chmod, 0o755)  # Asterisk is not root in its container
        (folder / "tone.wav").write_bytes(sound(0))
        url = f"sqlite:///{folder / 'bench.sqlite'}"
        await migrate.upgrade(url)
        database = Database(url)
        await database.start()
        pbx = Asterisk("speech", environment={"TRUNK_MATCH": phone_at}, volumes={str(folder): SOUNDS})
        async with pbx:
            house = House(pbx, None)  # type: ignore[arg-type]  # its only phone is ours
            await house.start()
            port = net.free_port()
            settings = Settings(data_dir=folder, http_listen=f"127.0.0.1:{port}")
            book = prompt_book(settings, database, house.clock)
            await book.load()
            made = Speaking(house, phone, book, folder)
            app = web.Application()
            app.router.add_get(PATH + "{token}", book.serve)
            app.router.add_get("/{name}", made.serve)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port).start()
            made.url = f"http://127.0.0.1:{port}"
            house.registry.sound, house.registry.speech = book.sound, book.speech
            try:
                await _called(made)
                yield made
            finally:
                phone.hang_up()
                await house.stop()
                await made.close()
                await book.close()
                await runner.cleanup()
                await database.close()


async def _called(made: Speaking) -> None:
    ready: asyncio.Future[Call] = asyncio.get_running_loop().create_future()

    async def plan(call: Call) -> None:
        await answer(call.caller)
        ready.set_result(call)
        await asyncio.Event().wait()

    made.house.programs["300"] = Script(plan)
    await made.phone.call("300", made.house.pbx.sip)
    made.call = await ready


async def measure(repeat: int) -> list[Row]:
    """Rows of the result; milliseconds."""
    if shutil.which("flite") is None:
        raise RuntimeError("flite is not installed")
    found: dict[str, list[tuple[float, float]]] = {}
    async with speaking() as made:
        await made.book.put_file(ACCOUNT, "kept", "", sound(0))
        await made.round({})  # everything is in memory, and kept by Asterisk, from now on
        for _ in range(repeat):
            await made.round(found)
    pairs = ((PROMPT, KEPT), (NEW_PROMPT, FETCHED), (SAID, KEPT), (NEW_SAID, SPOKEN))
    return [row for ours, peer in pairs for row in _rows(found, ours, peer)]


def _rows(found: Mapping[str, Sequence[tuple[float, float]]], ours: str, peer: str) -> list[Row]:
    def row(which: int, percent: float) -> Row:
        return Row(
            f"{ours}: to the first {('packet', 'sound')[which]} at the phone, p{percent:g}",
            "ms",
            percentile([both[which] for both in found[ours]], percent),
            peer=percentile([both[which] for both in found[peer]], percent),
            limit=percentile([both[which] for both in found[DISK]], percent),
        )

    rows = [row(0, 50), row(0, 95), row(1, 50), row(1, 95)]
    added = rows[0].ours - (rows[0].peer or 0.0)
    return [*rows, Row(f"{ours}: more than ARI alone, p50", "ms", added, goal=ADDED_GOAL)]
