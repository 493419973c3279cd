"""Recognisers that are asked over a websocket, a connection for each piece of speech: those of vosk-server, and others
that take a message of JSON, then samples in binary messages, then another message of JSON, and close.

vosk-server (asr_server.py): {"config": {"sample_rate": 8000, "words": 1, "phrase_list": [..]}}, samples, {"eof": 1}. It
answers each message: {"partial": ".."}, or {"text": "..", "result": [{"word", "start", "end", "conf"}]}, times in
seconds; after the eof it closes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from ari_app.media.asr.errors import RecognitionFailed
from ari_app.media.asr.port import Stream, Transcript, Wanted, Word, chosen, plain
from ari_app.media.asr.services import ANSWER_LIMIT, TEXT_LIMIT, Resampling, at_path, no_grammar, resampled, share
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
    #: where it has a text that it may take back; "": where all texts are, if it says which are final
    partial: str = ""


class WebsocketService:
    """A recogniser over a websocket. All texts that are final are what was said."""

    remote: ClassVar[bool] = True

    def __init__(self, name: str, form: SocketForm, *, time_limit: float = TIME_LIMIT) -> None:
        """time_limit: seconds for a piece of speech; of one that is sent while it is said, from its end."""
        self.name = name
        self.form = form
        self._limit = time_limit

    def check(self, wanted: Wanted) -> None:
        """As in Recogniser."""
        no_grammar(self.name, wanted)

    async def recognise(self, samples: bytes, wanted: Wanted) -> Transcript:
        """As in Recogniser."""
        self.check(wanted)
        form = self.form
        sound = samples if form.rate == RATE else await asyncio.to_thread(resampled, samples, form.rate)
        size = form.rate * _CHUNK_MS // 1000 * 2

        async def chunks() -> AsyncIterator[bytes]:
            for start in range(0, len(sound), size):
                yield sound[start : start + size]

        return await self.within(self.ask(chunks(), wanted, lambda _documents: None))

    @property
    def streams(self) -> bool:
        """As in Streaming: it is known where it says what is not final."""
        return bool(self.form.partial or self.form.final)

    def stream(
        self, wanted: Wanted, tell: Callable[[str], None], place: AbstractAsyncContextManager[Any] | None = None
    ) -> Stream:
        """As in Streaming."""
        self.check(wanted)
        return SocketStream(self, wanted, tell, place)

    async def within(self, work: Awaitable[Transcript]) -> Transcript:
        """In the time there is. Raises RecognitionFailed."""
        try:
            async with asyncio.timeout(self._limit):
                return await work
        except TimeoutError:
            raise RecognitionFailed(f"{self.name}: no answer within {self._limit:g} s", engine=self.name) from None
        except (WebSocketException, OSError) as error:
            raise RecognitionFailed(f"{self.name}: {type(error).__name__}", engine=self.name) from None

    def _first(self, wanted: Wanted) -> dict[str, Any] | None:
        return self.form.start

    async def ask(self, chunks: AsyncIterator[bytes], wanted: Wanted, tell: Callable[[list[Any]], None]) -> Transcript:
        """Send these, at the service's rate. tell: called with all documents so far, after each. Raises
        RecognitionFailed, WebSocketException, OSError."""
        form = self.form
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
            sending = asyncio.create_task(self._send(socket, chunks, self._first(wanted)))
            try:
                documents = await self._answers(socket, tell)
            finally:
                sending.cancel()
                await asyncio.wait({sending})
                if not sending.cancelled():
                    sending.exception()  # that it is closed, its answers say
        return chosen(self._heard(documents), wanted)

    async def _send(self, socket: ClientConnection, chunks: AsyncIterator[bytes], first: dict[str, Any] | None) -> None:
        if first is not None:
            await socket.send(msgspec.json.encode(first).decode())
        async for chunk in chunks:
            await socket.send(chunk)
        if self.form.end is not None:
            await socket.send(msgspec.json.encode(self.form.end).decode())

    async def _answers(self, socket: ClientConnection, tell: Callable[[list[Any]], None]) -> list[Any]:
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
                tell(found)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise RecognitionFailed(f"{self.name}: sent what is no JSON", engine=self.name) from None
        except ConnectionClosed as closed:
            if closed.rcvd is None or closed.rcvd.code not in (1000, 1001):
                raise RecognitionFailed(f"{self.name}: ended before it was done", engine=self.name) from None
            return found

    def so_far(self, documents: list[Any]) -> str:
        """What was said, and the newest of what is not final."""
        form, newest = self.form, documents[-1]
        texts = [self._heard(documents).text]
        if not form.final or not at_path(newest, form.final):
            texts.append(text.strip() if isinstance(text := at_path(newest, form.partial or form.text), str) else "")
        return " ".join(text for text in texts if text)[:TEXT_LIMIT]

    def _heard(self, documents: list[Any]) -> Transcript:
        form = self.form
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


class SocketStream:
    """A piece of speech that is sent while it is said (port.Stream)."""

    def __init__(
        self,
        service: WebsocketService,
        wanted: Wanted,
        tell: Callable[[str], None],
        place: AbstractAsyncContextManager[Any] | None,
    ) -> None:
        self._service = service
        self._wanted = wanted
        self._tell = tell
        self._said = ""
        self._over = False
        self._resampling = Resampling(service.form.rate)
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue()  # of one piece, which is not long
        self._task = asyncio.create_task(self._run(place))
        self._task.add_done_callback(_seen)

    async def _run(self, place: AbstractAsyncContextManager[Any] | None) -> Transcript:
        async with place or nullcontext():
            return await self._service.ask(self._all(), self._wanted, self._message)

    async def _all(self) -> AsyncIterator[bytes]:
        while (chunk := await self._chunks.get()) is not None:
            if chunk:
                yield chunk

    def _message(self, documents: list[Any]) -> None:
        said = "" if self._over else self._service.so_far(documents)
        if said and said != self._said:
            self._said = said
            self._tell(said)

    def feed(self, samples: bytes) -> None:
        """As in Stream."""
        self._chunks.put_nowait(self._resampling.feed(samples))

    async def finish(self) -> Transcript:
        """As in Stream."""
        self._over = True
        self._chunks.put_nowait(self._resampling.feed(b"", last=True))
        self._chunks.put_nowait(None)
        try:
            return await self._service.within(self._task)
        finally:
            self._task.cancel()

    def drop(self) -> None:
        """As in Stream."""
        self._over = True
        self._task.cancel()


def _seen(task: asyncio.Task[Any]) -> None:
    """What becomes of one that was dropped is nobody's."""
    if not task.cancelled():
        task.exception()


class Vosk(WebsocketService):
    """vosk-server."""

    def __init__(self, name: str, url: str, *, rate: int = RATE, time_limit: float = TIME_LIMIT) -> None:
        """rate: 8000, or 16000 for a model of that rate: vosk would resample less well."""
        super().__init__(name, SocketForm(url=url, rate=rate, end={"eof": 1}, partial="partial"), time_limit=time_limit)

    def _first(self, wanted: Wanted) -> dict[str, Any]:
        config: dict[str, Any] = {"sample_rate": self.form.rate, "words": 1}
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
