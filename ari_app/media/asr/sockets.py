"""Recognisers that are asked over a websocket, a connection for each piece of speech: those of vosk-server, and others
that take a message of JSON, then samples in binary messages, then another message of JSON, and close.

vosk-server (asr_server.py): {"config": {"sample_rate": 8000, "words": 1, "phrase_list": [..]}}, samples, {"eof": 1}. It
answers each message: {"partial": ".."}, or {"text": "..", "result": [{"word", "start", "end", "conf"}]}, times in
seconds; after the eof it closes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from ari_app.media.asr.errors import RecognitionFailed
from ari_app.media.asr.port import Transcript, Wanted, Word, chosen, plain
from ari_app.media.asr.services import ANSWER_LIMIT, TEXT_LIMIT, at_path, no_grammar, resampled, share
from ari_app.media.asr.worker import TIME_LIMIT
from ari_app.media.frames import RATE

#: seconds in which a service has to take a connection
CONNECT_LIMIT = 5.0
#: ms of sound in one message
_CHUNK_MS = 200
#: messages of one answer, and words of it
_MOST_MESSAGES, _MOST_WORDS = 10_000, 1_000


@dataclass(frozen=True, kw_only=True)
class SocketForm:
    """How a service is asked, and where in its answers is what."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    rate: int = RATE
    #: the first message and the last, None: there is none
    start: dict[str, Any] | None = None
    end: dict[str, Any] | None = None
    text: str = "text"
    confidence: str = ""
    #: where it says that a text is not taken back any more; "": of all that have a text
    final: str = ""


class WebsocketService:
    """A recogniser over a websocket. All texts that are final are what was said."""

    remote: ClassVar[bool] = True

    def __init__(self, name: str, form: SocketForm, *, time_limit: float = TIME_LIMIT) -> None:
        self.name = name
        self._form = form
        self._limit = time_limit

    def check(self, wanted: Wanted) -> None:
        no_grammar(self.name, wanted)

    async def recognise(self, samples: bytes, wanted: Wanted) -> Transcript:
        """As in Recogniser."""
        self.check(wanted)
        form = self._form
        sound = samples if form.rate == RATE else await asyncio.to_thread(resampled, samples, form.rate)
        try:
            async with asyncio.timeout(self._limit):
                documents = await self._ask(sound, wanted)
        except TimeoutError:
            raise RecognitionFailed(f"{self.name}: no answer within {self._limit:g} s", engine=self.name) from None
        except (WebSocketException, OSError) as error:
            raise RecognitionFailed(f"{self.name}: {type(error).__name__}", engine=self.name) from None
        return chosen(self._heard(documents), wanted)

    def _first(self, wanted: Wanted) -> dict[str, Any] | None:
        return self._form.start

    async def _ask(self, sound: bytes, wanted: Wanted) -> list[Any]:
        form = self._form
        connection = connect(
            form.url,
            additional_headers=dict(form.headers),
            compression=None,
            proxy=None,
            open_timeout=CONNECT_LIMIT,
            close_timeout=1,
            max_size=ANSWER_LIMIT,
        )
        async with connection as socket:
            sending = asyncio.create_task(self._send(socket, sound, self._first(wanted)))
            try:
                return await self._answers(socket)
            finally:
                sending.cancel()
                await asyncio.wait({sending})
                if not sending.cancelled():
                    sending.exception()  # that it is closed, its answers say

    async def _send(self, socket: ClientConnection, sound: bytes, first: dict[str, Any] | None) -> None:
        if first is not None:
            await socket.send(msgspec.json.encode(first).decode())
        size = self._form.rate * _CHUNK_MS // 1000 * 2
        for start in range(0, len(sound), size):
            await socket.send(sound[start : start + size])
        if self._form.end is not None:
            await socket.send(msgspec.json.encode(self._form.end).decode())

    async def _answers(self, socket: ClientConnection) -> list[Any]:
        """All that it says until it closes."""
        found: list[Any] = []
        size = 0
        try:
            while True:
                message = await socket.recv()
                size += len(message)
                if size > ANSWER_LIMIT or len(found) > _MOST_MESSAGES:
                    raise RecognitionFailed(f"{self.name}: sent more than {ANSWER_LIMIT} bytes", engine=self.name)
                found.append(msgspec.json.decode(message))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise RecognitionFailed(f"{self.name}: sent what is no JSON", engine=self.name) from None
        except ConnectionClosed as closed:
            if closed.rcvd is None or closed.rcvd.code not in (1000, 1001):
                raise RecognitionFailed(f"{self.name}: ended before it was done", engine=self.name) from None
            return found

    def _heard(self, documents: list[Any]) -> Transcript:
        form = self._form
        final = [one for one in documents if not form.final or at_path(one, form.final)]
        texts = [(text.strip(), one) for one in final if isinstance(text := at_path(one, form.text), str)]
        said = " ".join(text for text, _ in texts if text)[:TEXT_LIMIT]
        shares = [share(at_path(one, form.confidence)) for text, one in texts if text] if form.confidence else []
        words = tuple(word for _, one in texts for word in self._words(one))[:_MOST_WORDS]
        return Transcript(said, _least(shares or [word.confidence for word in words]), words)

    def _words(self, document: Any) -> list[Word]:
        return []

    async def close(self) -> None:
        """Nothing is held: each piece of speech has a connection of its own."""


class Vosk(WebsocketService):
    """vosk-server."""

    def __init__(self, name: str, url: str, *, rate: int = RATE, time_limit: float = TIME_LIMIT) -> None:
        """rate: 8000, or 16000 for a model of that rate: vosk would resample less well."""
        super().__init__(name, SocketForm(url=url, rate=rate, end={"eof": 1}), time_limit=time_limit)

    def _first(self, wanted: Wanted) -> dict[str, Any]:
        config: dict[str, Any] = {"sample_rate": self._form.rate, "words": 1}
        if wanted.phrases:  # it then hears nothing but these, and [unk] for everything else
            config["phrase_list"] = [*(plain(one) for one in wanted.phrases), "[unk]"]
        return {"config": config}

    def _words(self, document: Any) -> list[Word]:
        found = document.get("result") if isinstance(document, dict) else None
        return [word for one in (found if isinstance(found, list) else []) if (word := _word(one)) is not None]


def _word(row: Any) -> Word | None:
    if not isinstance(row, dict) or not isinstance(row.get("word"), str):
        return None
    start, end = row.get("start"), row.get("end")
    if not isinstance(start, int | float) or not isinstance(end, int | float) or not 0 <= start <= end < 3600:
        return None
    return Word(row["word"], round(start * 1000), round(end * 1000), share(row.get("conf")))


def _least(shares: list[float | None]) -> float | None:
    """What was heard is as sure as its least sure part; None: nobody says."""
    said = [one for one in shares if one is not None]
    return min(said) if said and len(said) == len(shares) else None
