"""Recognisers over HTTP and websockets, against servers that check what they are sent."""

from __future__ import annotations

import asyncio
import io
import json
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from pydantic import SecretStr
from websockets.asyncio.server import ServerConnection, serve

from ari_app.config import Settings
from ari_app.errors import ConfigError
from ari_app.media.asr import services, sockets
from ari_app.media.asr.errors import BadGrammar, NoPartials, RecogniserMissing, RecognitionFailed
from ari_app.media.asr.port import Transcript, Wanted, Word
from ari_app.media.asr.recognisers import MOST_WAITING, Recognisers, configured_recognisers
from ari_app.media.asr.segments import Segment
from ari_app.media.asr.services import HttpForm, HttpService, at_path
from ari_app.media.asr.sockets import SocketForm, Vosk, WebsocketService
from tests.harness import audio
from tests.harness.patience import PATIENCE

SPEECH = audio.to_pcm(audio.sine(440, 0.5))
MENU = Wanted(phrases=("Sales", "Technical support"))


@asynccontextmanager
async def http(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def asked(form: HttpForm, time_limit: float = PATIENCE) -> AsyncIterator[HttpService]:
    service = HttpService("test", form, time_limit=time_limit)
    try:
        yield service
    finally:
        await service.close()


def measured(wav: bytes) -> tuple[int, float]:
    """Rate and level of its 440 Hz."""
    with wave.open(io.BytesIO(wav)) as opened:
        assert (opened.getnchannels(), opened.getsampwidth()) == (1, 2)
        rate = opened.getframerate()
        samples = audio.from_pcm(opened.readframes(opened.getnframes()))
    return rate, round(len(samples) / rate, 2)


async def test_a_wav_file_is_sent_and_the_answer_read_where_it_is() -> None:
    got: list[tuple[str, str | None, tuple[int, float]]] = []

    async def recognise(request: web.Request) -> web.Response:
        got.append((request.path_qs, request.headers.get("Authorization"), measured(await request.read())))
        assert request.headers["Content-Type"] == "audio/wav"
        return web.json_response(
            {"results": [{"alternatives": [{"transcript": "technical support. ", "sure": 0.8125}]}]}
        )

    async with http(recognise) as url:
        form = HttpForm(
            url=url + "/v1/{language}?x=1",
            headers={"Authorization": "Bearer secret"},
            rate=16_000,
            text="results.0.alternatives.0.transcript",
            confidence="results.0.alternatives.0.sure",
        )
        async with asked(form) as service:
            assert await service.recognise(SPEECH, MENU) == Transcript("Technical support", 0.812)
    assert got == [("/v1/en-US?x=1", "Bearer secret", (16_000, 0.5))]
    assert "secret" not in repr(form)


async def test_a_form_as_openais_servers_have_it_and_raw_samples() -> None:
    async def recognise(request: web.Request) -> web.Response:
        if request.path == "/raw":
            assert request.headers["Content-Type"] == "audio/l16; rate=8000; endianness=little-endian"
            assert await request.read() == SPEECH
            return web.json_response({"text": "raw"})
        data = await request.post()
        file = data["file"]
        assert isinstance(file, web.FileField)
        assert (data["model"], file.filename, measured(file.file.read())) == ("small", "speech.wav", (8000, 0.5))
        return web.json_response({"text": "form"})

    async with http(recognise) as url:
        async with asked(HttpForm(url=url, body="form", fields={"model": "small"})) as service:
            assert (await service.recognise(SPEECH, Wanted())).text == "form"
        async with asked(HttpForm(url=url + "/raw", body="raw")) as service:
            assert (await service.recognise(SPEECH, Wanted())).text == "raw"


async def endless(request: web.Request) -> web.StreamResponse:
    reply = web.StreamResponse()
    await reply.prepare(request)
    with_room = bytes(65_536)
    try:
        while True:
            await reply.write(with_room)
    except ConnectionError:
        return reply


def answers(**values: Any) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(**values)

    return answer


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (answers(status=503, text="busy"), "status 503"),
        (answers(status=302, headers={"Location": "http://127.0.0.1/"}), "status 302"),
        (answers(text="no"), "no JSON"),
        (answers(text="[" * 100_000), "no JSON"),
        (answers(text='{"text": 5}'), "no text at 'text'"),
        (answers(text="[]"), "no text at 'text'"),
        (endless, "more than 1000000 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_a_service_does_wrong_is_its_error(handler: Any, reason: str) -> None:
    async with http(handler) as url, asked(HttpForm(url=url)) as service:
        with pytest.raises(RecognitionFailed, match=reason):
            await service.recognise(SPEECH, Wanted())


async def test_a_service_that_is_slow_or_not_there() -> None:
    async def never(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with http(never) as url, asked(HttpForm(url=url), time_limit=0.2) as service:
        with pytest.raises(RecognitionFailed, match=r"within 0\.2 s"):
            await service.recognise(SPEECH, Wanted())
    async with asked(HttpForm(url=url)) as service:
        with pytest.raises(RecognitionFailed, match="test: Client"):
            await service.recognise(SPEECH, Wanted())
        with pytest.raises(BadGrammar, match="no grammar"):
            service.check(Wanted(grammar="#JSGF V1.0;"))


def test_places_in_documents() -> None:
    document = {"a": [{"b": "x"}, 2]}
    assert [at_path(document, path) for path in ("a.0.b", "a.1", "a.2", "a.b", "", "c.d")] == [
        "x", 2, None, None, document, None,
    ]  # fmt: skip


# websockets


@asynccontextmanager
async def websocket(handler: Callable[[ServerConnection], Awaitable[None]]) -> AsyncIterator[str]:
    async with serve(handler, "127.0.0.1", 0, compression=None, max_size=2**20) as server:
        (listening,) = server.sockets
        yield f"ws://127.0.0.1:{listening.getsockname()[1]}/"


class VoskServer:
    """Does what vosk-server's asr_server.py does, with a recogniser that counts samples."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)
        self.configs: list[dict[str, Any]] = []
        self.samples = 0

    def result(self) -> str:
        text = self.texts.pop(0) if self.texts else ""
        if not text:
            return json.dumps({"text": ""})
        words = [
            {"word": word, "start": 0.1 + n, "end": 0.5 + n, "conf": 1 - n / 10} for n, word in enumerate(text.split())
        ]
        return json.dumps({"result": words, "text": text})

    async def __call__(self, connection: ServerConnection) -> None:
        chunks = 0
        async for message in connection:
            if isinstance(message, str) and "config" in message:
                self.configs.append(json.loads(message)["config"])
                continue
            if isinstance(message, str):
                assert json.loads(message) == {"eof": 1}
                await connection.send(self.result())
                return
            self.samples += len(message) // 2
            chunks += 1
            # in the middle it finds the end of a sentence
            await connection.send(self.result() if chunks == 2 else json.dumps({"partial": "tech"}))


async def test_vosk_hears_all_of_it_and_says_when() -> None:
    server = VoskServer("technical", "support")
    async with websocket(server) as url:
        heard = await Vosk("vosk", url, time_limit=PATIENCE).recognise(SPEECH, MENU)
    assert heard == Transcript(
        "Technical support", 1.0, (Word("technical", 100, 500, 1.0), Word("support", 100, 500, 1.0))
    )
    assert server.samples == len(SPEECH) // 2
    assert server.configs == [{"sample_rate": 8000, "words": 1, "phrase_list": ["sales", "technical support", "[unk]"]}]


async def test_vosk_is_as_sure_as_of_its_least_sure_word_and_may_hear_nothing() -> None:
    async with websocket(VoskServer("", "call the sales department")) as url:
        heard = await Vosk("vosk", url, rate=16_000, time_limit=PATIENCE).recognise(SPEECH, Wanted(keywords=("sales",)))
    assert (heard.text, heard.confidence) == ("sales", 0.7)
    async with websocket(VoskServer()) as url:
        assert (await Vosk("vosk", url, time_limit=PATIENCE).recognise(b"", MENU)).text == ""


async def test_what_vosk_takes_speech_for_while_it_is_said() -> None:
    server = VoskServer("technical", "support")
    told: list[str] = []
    said = asyncio.Event()

    def tell(text: str) -> None:
        told.append(text)
        said.set()

    async with websocket(server) as url, asyncio.timeout(PATIENCE):
        vosk = Vosk("vosk", url, rate=16_000, time_limit=PATIENCE)
        stream = vosk.stream(MENU, tell)
        for text in ("tech", "technical", "technical tech"):  # a partial, a final, and what follows that
            stream.feed(SPEECH[:3200])
            while text not in told:
                said.clear()
                await said.wait()
        stream.feed(SPEECH[:3200])  # the same again
        heard = await stream.finish()
        assert (heard.text, told) == ("Technical support", ["tech", "technical", "technical tech"])
        assert server.samples == 4 * 3200
        vosk.stream(MENU, tell).drop()
        full = asyncio.Semaphore(0)
        waits = vosk.stream(MENU, tell, full)  # others are at work
        waits.feed(SPEECH)
        full.release()
        assert (await waits.finish()).text == ""


async def test_what_another_service_has_not_yet_decided() -> None:
    """Where it says which texts are final, the others are what was said so far."""

    async def talk(connection: ServerConnection) -> None:
        for text, final in (("hel", False), ("hello", True), ("the", False)):
            await connection.send(json.dumps({"is_final": final, "text": text}))
        async for message in connection:
            if isinstance(message, str):
                await connection.send(json.dumps({"is_final": True, "text": "there"}))
                return

    told: list[str] = []
    async with websocket(talk) as url:
        form = SocketForm(url=url, end={"type": "done"}, final="is_final")
        service = WebsocketService("test", form, time_limit=PATIENCE)
        stream = service.stream(Wanted(), told.append)
        async with asyncio.timeout(PATIENCE):
            while "hello the" not in told:
                await asyncio.sleep(0.01)
        assert (await stream.finish()).text == "hello there"
    assert told == ["hel", "hello", "hello the"]
    deaf = WebsocketService("deaf", SocketForm(url="ws://127.0.0.1:1/"))
    here = Recognisers([service, deaf])
    here.check(Wanted(), "test", partials=True)
    with pytest.raises(NoPartials, match="deaf"):
        here.check(Wanted(), "deaf", partials=True)


@pytest.mark.parametrize("feed", [True, False])
async def test_a_server_that_goes_while_something_is_said(feed: bool) -> None:
    async with websocket(hangs_up) as url:
        stream = Vosk("vosk", url, time_limit=PATIENCE).stream(MENU, lambda _text: None)
        if feed:
            stream.feed(SPEECH)
        with pytest.raises(RecognitionFailed):
            await stream.finish()


async def test_another_protocol_by_configuration() -> None:
    got: list[str | int] = []

    async def talk(connection: ServerConnection) -> None:
        got.append(connection.request.headers["Authorization"])  # type: ignore[union-attr]
        async for message in connection:
            got.append(message if isinstance(message, str) else len(message))
            if message == '{"type":"done"}':
                break
        for text, final in (("hel", False), ("hello", True), ("there", True)):
            await connection.send(json.dumps({"is_final": final, "alternatives": [{"text": text, "p": 0.5}]}))

    async with websocket(talk) as url:
        form = SocketForm(
            url=url,
            headers={"Authorization": "Token secret"},
            start={"type": "begin"},
            end={"type": "done"},
            text="alternatives.0.text",
            confidence="alternatives.0.p",
            final="is_final",
        )
        heard = await WebsocketService("test", form, time_limit=PATIENCE).recognise(SPEECH, Wanted())
    assert heard == Transcript("hello there", 0.5)
    assert got == ["Token secret", '{"type":"begin"}', 3200, 3200, 1600, '{"type":"done"}']


async def hangs_up(connection: ServerConnection) -> None:
    connection.transport.abort()


async def refuses(connection: ServerConnection) -> None:
    await connection.close(1008, "no")


async def babbles(connection: ServerConnection) -> None:
    await connection.send("hello")


async def floods(connection: ServerConnection) -> None:
    while True:
        await connection.send('"' + "x" * 60_000 + '"')


async def boasts(connection: ServerConnection) -> None:
    await connection.send(b"[" + b"0," * 600_000 + b"0]")


async def waits(connection: ServerConnection) -> None:
    await connection.wait_closed()


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (hangs_up, "ended before it was done"),
        (refuses, "ended before it was done"),
        (babbles, "no JSON"),
        (floods, "more than 1000000 bytes"),
        (boasts, "ended before it was done"),  # we close: a message of that size is not taken
        (waits, "no answer within 1 s"),
    ],
)
async def test_what_a_server_does_wrong_is_its_error(handler: Any, reason: str) -> None:
    async with websocket(handler) as url:
        service = Vosk("vosk", url, time_limit=1 if handler is waits else PATIENCE)
        with pytest.raises(RecognitionFailed, match=reason):
            await service.recognise(SPEECH, MENU)


async def test_a_server_that_is_not_there_or_no_websocket() -> None:
    async with http(answers(text="hello")) as url:
        service = Vosk("vosk", url.replace("http", "ws"), time_limit=PATIENCE)
        with pytest.raises(RecognitionFailed, match="InvalidStatus"):
            await service.recognise(SPEECH, MENU)
    with pytest.raises(RecognitionFailed, match="Error"):
        await service.recognise(SPEECH, MENU)


# all of them


class Slow:
    """A recogniser that answers when it is told to."""

    def __init__(self, name: str, *, remote: bool) -> None:
        self.name, self.remote = name, remote
        self.at_work = self.most = 0
        self.go = asyncio.Event()

    def check(self, wanted: Wanted) -> None: ...

    async def recognise(self, samples: bytes, wanted: Wanted) -> Transcript:
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        try:
            await self.go.wait()
        finally:
            self.at_work -= 1
        return Transcript(self.name, 1.0, (Word(self.name, 300, 500),))

    async def close(self) -> None:
        self.go.set()


def test_the_setting_is_named_where_it_is_wrong() -> None:
    wrong = Settings(recognition_engines=SecretStr('{"a": {"kind": "vosk", "url": "s3cret"}}'))
    with pytest.raises(ConfigError, match="RECOGNITION_ENGINES: a: url must be wss") as caught:
        configured_recognisers(wrong)
    assert "s3cret" not in str(caught.value)
    assert configured_recognisers(Settings()).names == ["pocketsphinx"]


async def test_engines_by_name_and_as_many_at_a_time_as_may_be() -> None:
    first, second = Slow("first", remote=True), Slow("second", remote=False)
    all_of_them = Recognisers([first, second])
    segment = Segment(bytes(320), audio_from=9700, start=10_000, end=10_200)
    asked = [asyncio.create_task(all_of_them.hear(segment, MENU)) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(RecognitionFailed, match="100 pieces of speech wait"):
        await all_of_them.hear(segment, MENU)
    other = asyncio.create_task(all_of_them.hear(segment, MENU, "second"))
    second.go.set()
    assert (await other).text == "second"
    first.go.set()
    heard = await asyncio.gather(*asked)
    assert heard[0] == Transcript("first", 1.0, (Word("first", 10_000, 10_200),), 10_000, 10_200)
    assert first.most == 8
    assert (await all_of_them.hear(segment, MENU)).text == "first"
    with pytest.raises(RecogniserMissing, match="no recogniser 'third'; there is first, second"):
        all_of_them.check(MENU, "third")
    await all_of_them.close()


def test_the_sound_at_another_rate_is_the_same_sound() -> None:
    wide = audio.from_pcm(services.resampled(SPEECH, 16_000))
    assert len(wide) == len(SPEECH)
    assert abs(np.sqrt(np.mean(wide**2)) - np.sqrt(np.mean(audio.from_pcm(SPEECH) ** 2))) < 200
    assert sockets.resampled(SPEECH, 8000) is SPEECH
