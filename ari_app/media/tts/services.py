"""Speech engines that are services, asked over HTTP as Amazon Polly and IBM Watson are."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import aiohttp
import numpy as np
import soxr

from ari_app.media.frames import RATE
from ari_app.media.tts.engine import COMPLAINT, SIZE_LIMIT, TIME_LIMIT
from ari_app.media.tts.errors import SynthesisFailed, UnknownVoice
from ari_app.media.tts.sigv4 import Credentials, signed

_VOICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}\Z")


@dataclass(frozen=True)
class _Request:
    url: str
    headers: Mapping[str, str]
    body: bytes


class _Service(ABC):
    """What both have in common: one POST, raw samples back."""

    remote = True

    def __init__(self, name: str, default_voice: str) -> None:
        self.name = name
        self.default_voice = default_voice
        self._http: aiohttp.ClientSession | None = None

    def check(self, voice: str) -> None:
        """Raises UnknownVoice: the service would not have it. Which it has, only the service knows."""
        if not _VOICE.match(voice):
            raise UnknownVoice(f"{self.name}: no voice {voice[:40]!r}", engine=self.name)

    async def speak(self, text: str, voice: str) -> bytes:
        """The text as 8 kHz signed 16-bit samples. Raises SpeechError."""
        self.check(voice)
        request = self._request(text, voice)
        try:
            async with asyncio.timeout(TIME_LIMIT):
                return await self._post(request)
        except TimeoutError:
            raise SynthesisFailed(f"{self.name}: no speech within {TIME_LIMIT:g} s", engine=self.name) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise SynthesisFailed(f"{self.name}: {type(error).__name__}", engine=self.name) from None

    @abstractmethod
    def _request(self, text: str, voice: str) -> _Request:
        """What is asked of it."""

    async def _post(self, request: _Request) -> bytes:
        if self._http is None:
            self._http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)
        asked = self._http.post(request.url, data=request.body, headers=request.headers, allow_redirects=False)
        async with asked as reply:
            if reply.status != 200:
                raise SynthesisFailed(f"{self.name}: {reply.status} {await _reason(reply)}", engine=self.name)
            rate = self._rate(reply)
            pieces, size = [], 0
            async for piece in reply.content.iter_chunked(65_536):
                pieces.append(piece)
                size += len(piece)
                if size > SIZE_LIMIT:
                    raise SynthesisFailed(f"{self.name}: sent more than {SIZE_LIMIT} bytes", engine=self.name)
        if size < 2:
            raise SynthesisFailed(f"{self.name}: sent no sound", engine=self.name)
        samples = b"".join(pieces)[: size - size % 2]
        return samples if rate == RATE else await asyncio.to_thread(_resampled, samples, rate)

    @abstractmethod
    def _rate(self, reply: aiohttp.ClientResponse) -> int:
        """Of the samples it sends. Raises SynthesisFailed: it sends none."""

    def _no_samples(self, reply: aiohttp.ClientResponse) -> SynthesisFailed:
        return SynthesisFailed(f"{self.name}: sent {reply.content_type}, no samples", engine=self.name)

    async def close(self) -> None:
        """Give the connections back."""
        if self._http is not None:
            await self._http.close()


class Polly(_Service):
    """Amazon Polly, SynthesizeSpeech: JSON in, raw PCM out, signed with Signature Version 4."""

    def __init__(
        self,
        name: str,
        credentials: Credentials,
        *,
        voice: str = "Joanna",
        url: str = "",
        engine: str = "neural",
        now: Callable[[], float] = time.time,
    ) -> None:
        """url: of another service that speaks as it does, without /v1/speech. engine: standard, neural, ... now: the
        time in requests, seconds of the epoch."""
        super().__init__(name, voice)
        self._credentials = credentials
        self._url = (url or f"https://polly.{credentials.region}.amazonaws.com").rstrip("/") + "/v1/speech"
        self._engine = engine
        self._now = now

    def _request(self, text: str, voice: str) -> _Request:
        body = json.dumps(
            {
                "Engine": self._engine,
                "OutputFormat": "pcm",
                "SampleRate": str(RATE),
                "Text": text,
                "TextType": "text",
                "VoiceId": voice,
            }
        ).encode()
        headers = {"Content-Type": "application/json"}
        signed_headers = signed(self._credentials, "POST", self._url, headers, body, self._now())
        return _Request(self._url, signed_headers, body)

    def _rate(self, reply: aiohttp.ClientResponse) -> int:
        if reply.content_type != "audio/pcm":
            raise self._no_samples(reply)
        return RATE


@dataclass(frozen=True)
class WatsonKey:
    """An API key of IBM Cloud."""

    key: str = field(repr=False)


class Watson(_Service):
    """IBM Watson Text to Speech, POST /v1/synthesize: JSON in, audio/l16 out, HTTP basic authentication."""

    def __init__(self, name: str, url: str, key: WatsonKey, *, voice: str = "en-US_AllisonV3Voice") -> None:
        """url: of the service instance, without /v1/synthesize."""
        super().__init__(name, voice)
        self._url = url.rstrip("/") + "/v1/synthesize"
        self._authorization = "Basic " + base64.b64encode(f"apikey:{key.key}".encode()).decode()

    def _request(self, text: str, voice: str) -> _Request:
        headers = {
            "Authorization": self._authorization,
            "Content-Type": "application/json",
            "Accept": f"audio/l16;rate={RATE};endianness=little-endian",
        }
        return _Request(f"{self._url}?voice={voice}", headers, json.dumps({"text": text}).encode())

    def _rate(self, reply: aiohttp.ClientResponse) -> int:
        if reply.content_type != "audio/l16":
            raise self._no_samples(reply)
        said = re.search(r"rate=\"?([0-9]{4,6})", reply.headers.get("Content-Type", ""))
        rate = int(said[1]) if said else 0
        if not RATE <= rate <= 48_000:
            raise self._no_samples(reply)
        return rate


def _resampled(samples: bytes, rate: int) -> bytes:
    found = soxr.resample(np.frombuffer(samples, "<i2"), rate, RATE)
    return bytes(np.asarray(found).astype("<i2").tobytes())


async def _reason(reply: aiohttp.ClientResponse) -> str:
    """What is in an error document, or how it begins."""
    text = (await reply.content.read(4096)).decode(errors="replace")
    try:
        found = json.loads(text)
        text = str(next(found[name] for name in ("message", "Message", "error", "error_message") if name in found))
    except (ValueError, TypeError, StopIteration):
        pass
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()[:COMPLAINT]
