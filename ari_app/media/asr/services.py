"""Recognisers that are asked over HTTP: one POST of the speech, JSON back.

What is sent (WAV, raw samples, or a form with a file, as OpenAI's transcription interface and the servers like it want
it) and where in the answer the text is, the setting says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import aiohttp
import msgspec
import numpy as np
import soxr

from ari_app.media.asr.errors import BadGrammar, RecognitionFailed
from ari_app.media.asr.port import Transcript, Wanted, chosen
from ari_app.media.asr.worker import TIME_LIMIT
from ari_app.media.frames import RATE
from ari_app.media.wav import wav_of

#: bytes of an answer
ANSWER_LIMIT = 1_000_000
#: characters of a text that are kept
TEXT_LIMIT = 10_000
Body = Literal["wav", "raw", "form"]


def resampled(samples: bytes, rate: int) -> bytes:
    """8 kHz samples at another rate."""
    if rate == RATE:
        return samples
    return bytes(np.asarray(soxr.resample(np.frombuffer(samples, "<i2"), RATE, rate)).astype("<i2").tobytes())


class Resampling:
    """8 kHz samples at another rate, as they come."""

    def __init__(self, rate: int) -> None:
        self._stream = None if rate == RATE else soxr.ResampleStream(RATE, rate, 1, dtype="int16")

    def feed(self, samples: bytes, *, last: bool = False) -> bytes:
        """What there is of them by now; after the last, all."""
        if self._stream is None:
            return samples
        sound = np.frombuffer(samples, np.int16)
        return bytes(np.asarray(self._stream.resample_chunk(sound, last=last)).astype(np.int16).tobytes())


def at_path(document: Any, path: str) -> Any:
    """What is at a place of a JSON document: `results.0.alternatives.0.transcript`; None: nothing."""
    for step in path.split(".") if path else ():
        if isinstance(document, list) and step.isdigit() and int(step) < len(document):
            document = document[int(step)]
        elif isinstance(document, dict):
            document = document.get(step)
        else:
            return None
    return document


def share(value: Any) -> float | None:
    """A confidence of 0 to 1; None: it is none."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    return round(float(value), 3) if good else None


def no_grammar(name: str, wanted: Wanted) -> None:
    """Raises BadGrammar for what only an engine of its own kind can read."""
    if wanted.grammar:
        raise BadGrammar(f"{name}: takes phrases and keywords, no grammar", engine=name)


@dataclass(frozen=True, kw_only=True)
class HttpForm:
    """How a service is asked, and where in its answer is what."""

    #: {language} in it is what is asked for: en-US
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Body = "wav"
    rate: int = RATE
    #: of a form: the file's name in it, and what else is in it
    file: str = "file"
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    text: str = "text"
    confidence: str = ""


class HttpService:
    """A recogniser over HTTP."""

    remote: ClassVar[bool] = True

    def __init__(self, name: str, form: HttpForm, *, time_limit: float = TIME_LIMIT) -> None:
        self.name = name
        self._form = form
        self._limit = time_limit
        self._http: aiohttp.ClientSession | None = None

    def check(self, wanted: Wanted) -> None:
        no_grammar(self.name, wanted)

    async def recognise(self, samples: bytes, wanted: Wanted) -> Transcript:
        """As in Recogniser."""
        self.check(wanted)
        try:
            async with asyncio.timeout(self._limit):
                document = await self._post(samples, wanted)
        except TimeoutError:
            raise RecognitionFailed(f"{self.name}: no answer within {self._limit:g} s", engine=self.name) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise RecognitionFailed(f"{self.name}: {type(error).__name__}", engine=self.name) from None
        said = at_path(document, self._form.text)
        if not isinstance(said, str):
            raise RecognitionFailed(f"{self.name}: no text at {self._form.text!r} of its answer", engine=self.name)
        confidence = at_path(document, self._form.confidence) if self._form.confidence else None
        return chosen(Transcript(said.strip()[:TEXT_LIMIT], share(confidence)), wanted)

    async def _post(self, samples: bytes, wanted: Wanted) -> Any:
        if self._http is None:
            self._http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)
        form = self._form
        sound = (
            resampled(samples, form.rate)
            if form.rate == RATE
            else await asyncio.to_thread(resampled, samples, form.rate)
        )
        url = form.url.replace("{language}", wanted.language)
        data, headers = self._body(sound), dict(form.headers)
        if form.body == "wav":
            headers.setdefault("Content-Type", "audio/wav")
        elif form.body == "raw":
            headers.setdefault("Content-Type", f"audio/l16; rate={form.rate}; endianness=little-endian")
        async with self._http.post(url, data=data, headers=headers, allow_redirects=False) as reply:
            if not 200 <= reply.status < 300:
                raise RecognitionFailed(f"{self.name}: status {reply.status}", engine=self.name)
            pieces, size = [], 0
            async for piece in reply.content.iter_chunked(65_536):
                pieces.append(piece)
                size += len(piece)
                if size > ANSWER_LIMIT:
                    raise RecognitionFailed(f"{self.name}: sent more than {ANSWER_LIMIT} bytes", engine=self.name)
        try:
            return msgspec.json.decode(b"".join(pieces))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise RecognitionFailed(f"{self.name}: its answer is no JSON", engine=self.name) from None

    def _body(self, sound: bytes) -> bytes | aiohttp.FormData:
        form = self._form
        if form.body == "raw":
            return sound
        wav = wav_of(sound, form.rate)
        if form.body == "wav":
            return wav
        made = aiohttp.FormData()
        for name, value in form.fields.items():
            made.add_field(name, value)
        made.add_field(form.file, wav, filename="speech.wav", content_type="audio/wav")
        return made

    async def close(self) -> None:
        """Give the connections back."""
        if self._http is not None:
            await self._http.close()
