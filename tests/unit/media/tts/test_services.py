"""Speech services over real HTTP, against servers that check each request as the real ones do."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from ari_app.media.tts import services
from ari_app.media.tts.cache import SpeechCache
from ari_app.media.tts.errors import SynthesisFailed, UnknownVoice
from ari_app.media.tts.services import Polly, Watson, WatsonKey
from ari_app.media.tts.sigv4 import Credentials, signed
from ari_app.media.tts.synthesiser import Synthesiser
from tests.harness import audio

ACCESS, SECRET, REGION, KEY = (
    "AKIDEXAMPLE",
    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "eu-west-1",
    "key of an instance",
)
SPEECH = audio.to_pcm(audio.sine(440, 0.5))


def test_the_signature_is_that_of_awss_own_test_suite() -> None:
    at = datetime(2015, 8, 30, 12, 36, tzinfo=UTC).timestamp()
    credentials = Credentials(ACCESS, SECRET, "us-east-1", "service")
    for method, url, signature in (
        ("GET", "https://example.amazonaws.com/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "https://example.amazonaws.com/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ):
        headers = signed(credentials, method, url, {}, b"", at)
        assert headers["X-Amz-Date"] == "20150830T123600Z"
        assert headers["Authorization"] == (
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request,"
            f" SignedHeaders=host;x-amz-date, Signature={signature}"
        )
    assert SECRET not in repr(credentials)


def signature_of(request: web.BaseRequest, body: bytes, names: list[str]) -> str:
    """As Amazon's own library signs what came."""
    signer = SigV4Auth(BotoCredentials(ACCESS, SECRET), "polly", REGION)
    headers = {name: request.headers[name] for name in names}
    theirs = AWSRequest(request.method, str(request.url), headers=headers, data=body)
    theirs.context["timestamp"] = request.headers["X-Amz-Date"]
    return str(signer.signature(signer.string_to_sign(theirs, signer.canonical_request(theirs)), theirs))


class Service:
    """Polly at /v1/speech, Watson at /instance/v1/synthesize."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]] | None = None
        self.url = ""
        self._runner = web.ServerRunner(web.Server(self._serve), handle_signals=False, shutdown_timeout=0.0)

    async def start(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        refused = self._polly(request, body) if request.path == "/v1/speech" else self._watson(request, body)
        if refused is not None:
            return web.json_response({"message": refused}, status=403)
        if self.answer is not None:
            return await self.answer(request)
        if request.path == "/v1/speech":
            return web.Response(body=SPEECH, headers={"Content-Type": "audio/pcm"})
        wide = audio.to_pcm(audio.sine(220, 0.5).repeat(1))
        rate = 8000 if "narrow" in request.query["voice"] else 16_000
        return web.Response(body=wide, headers={"Content-Type": f"audio/l16; rate={rate}; channels=1"})

    def _polly(self, request: web.BaseRequest, body: bytes) -> str | None:
        found = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=(\S+), SignedHeaders=(\S+), Signature=([0-9a-f]{64})",
            request.headers.get("Authorization", ""),
        )
        if found is None:
            return "Missing Authentication Token"
        at = datetime.strptime(request.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if found[1] != f"{ACCESS}/{at:%Y%m%d}/{REGION}/polly/aws4_request" or "host" not in found[2].split(";"):
            return "Credential should be scoped to a valid region"
        if abs((datetime.now(UTC) - at).total_seconds()) > 300:
            return "Signature expired"
        if signature_of(request, body, found[2].split(";")) != found[3]:
            return "The request signature we calculated does not match the signature you provided."
        asked = json.loads(body)
        self.said.append(asked.pop("Text"))
        wanted = {"OutputFormat": "pcm", "SampleRate": "8000", "TextType": "text", "VoiceId": "Amy", "Engine": "neural"}
        return None if asked == wanted else f"Value at {asked} failed to satisfy constraint"

    def _watson(self, request: web.BaseRequest, body: bytes) -> str | None:
        if (request.method, request.path) != ("POST", "/instance/v1/synthesize"):
            return "Not Found"
        wanted = base64.b64encode(f"apikey:{KEY}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {wanted}":
            return "Unauthorized"
        if (
            request.headers["Content-Type"] != "application/json"
            or "audio/l16;rate=8000" not in request.headers["Accept"]
        ):
            return "Unsupported"
        asked = json.loads(body)
        self.said.append(asked.pop("text"))
        return None if asked == {} and request.query.get("voice") else "Bad Request"


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    made = Service()
    await made.start()
    yield made
    await made.stop()


Make = Callable[..., Polly | Watson]


@pytest.fixture
async def make(service: Service) -> AsyncIterator[Make]:
    made: list[Polly | Watson] = []

    def polly(secret: str = SECRET, **more: object) -> Polly:
        engine = Polly("polly", Credentials(ACCESS, secret, REGION, "polly"), voice="Amy", url=service.url, **more)  # type: ignore[arg-type]
        made.append(engine)
        return engine

    def watson(secret: str = KEY) -> Watson:
        engine = Watson("watson", f"{service.url}/instance/", WatsonKey(secret), voice="en-US_narrow")
        made.append(engine)
        return engine

    yield lambda kind, *given, **more: {"polly": polly, "watson": watson}[kind](*given, **more)
    for engine in made:
        await engine.close()


both = pytest.mark.parametrize("kind", ["polly", "watson"])


@both
async def test_a_text_is_spoken(kind: str, make: Make, service: Service) -> None:
    samples = audio.from_pcm(await make(kind).speak('Grüße, "Zoë" & <co>!', make(kind).default_voice))
    assert service.said == ['Grüße, "Zoë" & <co>!']
    assert audio.hears(samples[800:3200], 440 if kind == "polly" else 220)


async def test_samples_of_another_rate_are_resampled(make: Make) -> None:
    samples = audio.from_pcm(await make("watson").speak("Hello", "en-US_wide"))
    assert len(samples) == 2000
    assert audio.hears(samples[400:1600], 440)


@both
async def test_a_wrong_secret_is_told_and_never_shown(kind: str, make: Make) -> None:
    engine = make(kind, "another secret")
    with pytest.raises(SynthesisFailed, match=r"403 (The request signature|Unauthorized)") as caught:
        await engine.speak("Hello", engine.default_voice)
    assert "another secret" not in str(caught.value)


async def test_a_clock_that_is_wrong(make: Make) -> None:
    with pytest.raises(SynthesisFailed, match="403 Signature expired"):
        await make("polly", now=lambda: 1_700_000_000.0).speak("Hello", "Amy")


@both
@pytest.mark.parametrize(
    ("status", "body", "type", "words"),
    [
        (429, b'{"message": "Rate exceeded"}', "application/json", "429 Rate exceeded"),
        (500, b"<html>\n" + b"x" * 9000, "text/html", "500 <html> x"),
        (500, b"[]", "application/json", "500 "),
        (302, b"", "text/html", "302"),
        (200, b"{}", "application/json", "sent application/json, no samples"),
        (200, b"", None, "sent no sound"),
        (200, b"x", None, "sent no sound"),
    ],
)
async def test_what_a_service_may_answer(
    kind: str, status: int, body: bytes, type: str | None, words: str, make: Make, service: Service
) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        own = "audio/pcm" if kind == "polly" else "audio/l16;rate=8000"
        return web.Response(status=status, body=body, headers={"Content-Type": type or own, "Location": "/elsewhere"})

    service.answer = answer
    engine = make(kind)
    with pytest.raises(SynthesisFailed, match=re.escape(words)) as caught:
        await engine.speak("Hello", engine.default_voice)
    assert len(str(caught.value)) < 400


@both
async def test_a_service_that_never_ends(
    kind: str, make: Make, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "TIME_LIMIT", 0.3)
    over = asyncio.Event()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        await over.wait()
        return web.Response()

    service.answer = answer
    engine = make(kind)
    with pytest.raises(SynthesisFailed, match="no speech within"):
        await engine.speak("Hello", engine.default_voice)
    over.set()


@both
async def test_a_service_that_sends_without_end(
    kind: str, make: Make, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "SIZE_LIMIT", 500_000)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        reply = web.StreamResponse(headers={"Content-Type": "audio/pcm" if kind == "polly" else "audio/l16;rate=8000"})
        await reply.prepare(request)
        while True:
            await reply.write(bytes(100_000))

    service.answer = answer
    engine = make(kind)
    with pytest.raises(SynthesisFailed, match="more than 500000 bytes"):
        await engine.speak("Hello", engine.default_voice)


@both
async def test_a_service_that_is_not_there(kind: str, make: Make, service: Service) -> None:
    engine = make(kind)
    await service.stop()
    with pytest.raises(SynthesisFailed, match="ClientConnector"):
        await engine.speak("Hello", engine.default_voice)


@both
@pytest.mark.parametrize("voice", ["", "../x", "a b", "a&b", "x" * 81, "-x"])
async def test_a_voice_that_no_service_has_is_not_asked_for(
    kind: str, voice: str, make: Make, service: Service
) -> None:
    with pytest.raises(UnknownVoice):
        await make(kind).speak("Hello", voice)
    assert service.said == []


async def test_sentences_are_asked_for_one_by_one_and_once(make: Make, service: Service, tmp_path: Path) -> None:
    synthesiser = Synthesiser([make("polly")], cache=SpeechCache(tmp_path))
    text = "This is the first of the sentences. This is the second of them."
    for _ in range(2):
        assert len(await synthesiser.speak(text, engine="polly")) == 2 * len(SPEECH)
    assert service.said == text.replace(". ", ".|").split("|")
    await synthesiser.close()
