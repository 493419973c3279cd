"""A process that recognises speech, asked over its pipes one piece after the other.

Engines that are libraries hold the interpreter's lock while they work, need hundreds of megabytes, and are given
grammars that others have written: in a process of their own they delay no frame of any call, and what kills them
kills nothing else.

    question: length of the header (4 bytes, big endian), header (JSON), length of the audio, audio
    answer:   length (4 bytes), JSON: {"text": .., "confidence": .., "words": [[text, start, end, confidence]]}
              or {"error": "bad_grammar" | "recognition_failed", "reason": ..}
"""

from __future__ import annotations

import asyncio
import struct
import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from ari_app.media.asr.errors import BadGrammar, RecognitionError, RecognitionFailed

#: seconds in which one piece has to be recognised, with the start of the process
TIME_LIMIT = 20.0
#: bytes of an answer
_ANSWER_LIMIT = 1_000_000
_LENGTH = struct.Struct(">I")


class Answer(msgspec.Struct):
    """What a worker says."""

    text: str = ""
    confidence: float | None = None
    words: list[tuple[str, int, int, float | None]] = msgspec.field(default_factory=list)
    error: str = ""
    reason: str = ""


def question(header: dict[str, Any], audio: bytes) -> bytes:
    """As it is sent to a worker."""
    head = msgspec.json.encode(header)
    return _LENGTH.pack(len(head)) + head + _LENGTH.pack(len(audio)) + audio


class Worker:
    """One process; started when it is first asked, and again after it has died. One question at a time."""

    def __init__(
        self, name: str, module: str, arguments: Sequence[str] = (), *, time_limit: float = TIME_LIMIT
    ) -> None:
        """module: run as `python -m`."""
        self._name = name
        self._command = (sys.executable, "-m", module, *arguments)
        self._limit = time_limit
        self._process: asyncio.subprocess.Process | None = None
        #: those that were killed, and have not ended yet
        self._ending: list[asyncio.subprocess.Process] = []
        self._closed = False

    async def ask(self, header: dict[str, Any], audio: bytes) -> Answer:
        """Raises BadGrammar, RecognitionFailed. Cancelled, the process ends: its answer would be another one's."""
        try:
            async with asyncio.timeout(self._limit):
                answer = await self._ask(question(header, audio))
        except BaseException as error:
            self._kill()
            if isinstance(error, TimeoutError):
                raise self._failed(f"no answer within {self._limit:g} s") from None
            if isinstance(error, OSError | EOFError | msgspec.MsgspecError):
                raise self._failed("its process has ended, or said what is no answer") from error
            raise
        if answer.error:
            kind = BadGrammar if answer.error == BadGrammar.slug else RecognitionFailed
            raise kind(f"{self._name}: {answer.reason}", engine=self._name)
        return answer

    def _failed(self, reason: str) -> RecognitionError:
        return RecognitionFailed(f"{self._name}: {reason}", engine=self._name)

    async def _ask(self, data: bytes) -> Answer:
        process = self._process
        if process is None or process.returncode is not None:
            if self._closed:
                raise self._failed("it is being stopped")
            process = self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
            )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(data)
        await process.stdin.drain()
        (size,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
        if size > _ANSWER_LIMIT:
            raise EOFError
        return msgspec.json.decode(await process.stdout.readexactly(size), type=Answer)

    def _kill(self) -> None:
        process, self._process = self._process, None
        self._ending = [one for one in self._ending if one.returncode is None]
        if process is not None and process.returncode is None:
            process.kill()
            self._ending.append(process)

    async def close(self) -> None:
        """End the process; none is left, of those either that a question which failed has ended."""
        self._closed = True
        self._kill()
        await asyncio.gather(*(process.wait() for process in self._ending))


class Workers:
    """Some processes, the same in each; the one that was used last is asked first, so that one is enough for few."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self._idle = list(workers)
        self._all = tuple(workers)
        self._free = asyncio.Semaphore(len(workers))

    @property
    def idle(self) -> bool:
        """One of them has nothing to do."""
        return not self._free.locked()

    async def ask(self, header: dict[str, Any], audio: bytes) -> Answer:
        """As of a worker; waits for one that is free."""
        async with self._free:
            worker = self._idle.pop()
            try:
                return await worker.ask(header, audio)
            finally:
                self._idle.append(worker)

    async def close(self) -> None:
        """End all."""
        await asyncio.gather(*(worker.close() for worker in self._all))
