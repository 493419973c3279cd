"""Has sound files of strangers read by processes that may crash (decoding.py), a few at a time."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

import structlog

from ari_app.clock import Clock, Timer
from ari_app.prompts.decoding import ANSWERED, ASKED, SOUND
from ari_app.prompts.sound import NotASound

log = structlog.get_logger(__name__)

#: files that are read at the same time; more of them wait
AT_ONCE = 2
#: seconds that one may take
TIME_LIMIT = 20.0
#: seconds after which a process that nobody needed ends
IDLE_LIMIT = 300.0
#: the child has these of our environment, and no setting
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "LANG", "TMPDIR")
_COMMAND = (sys.executable, "-m", "ari_app.prompts.decoding")


class _Broken(Exception):
    """The process is gone, or no longer of use."""


class _Child:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        #: files that it has read
        self.done = 0

    async def ask(self, data: bytes, bare: str) -> bytes:
        """Raises NotASound; _Broken: it ended."""
        asked, answers = self.process.stdin, self.process.stdout
        assert asked is not None
        assert answers is not None
        try:
            asked.write(ASKED.pack(len(bare), len(data)) + bare.encode())
            asked.write(data)
            await asked.drain()
            kind, length = ANSWERED.unpack(await answers.readexactly(ANSWERED.size))
            answer = await answers.readexactly(length)
        except (OSError, asyncio.IncompleteReadError):
            raise _Broken from None
        self.done += 1
        if kind == SOUND:
            return answer
        raise NotASound(answer.decode(errors="replace"))

    async def end(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


class Decoder:
    """What `sound.to_wav` does, elsewhere. Processes begin when they are needed; the first file waits for that."""

    def __init__(self, clock: Clock, *, time_limit: float = TIME_LIMIT, command: Sequence[str] = _COMMAND) -> None:
        self._clock = clock
        self._time_limit = time_limit
        self._command = command
        self._places = asyncio.Semaphore(AT_ONCE)
        self._idle: list[_Child] = []
        self._children: set[_Child] = set()
        self._timer: Timer | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def processes(self) -> list[int]:
        """Of those that are there now."""
        return [child.process.pid for child in self._children]

    async def to_wav(self, data: bytes, bare: str | None = None) -> bytes:
        """As `sound.to_wav`.

        Raises:
            NotASound: also where reading it takes too long, or ends the process.
            OSError: no process can be started.
        """
        async with self._places:
            while True:
                child = self._idle.pop() if self._idle else await self._start()
                before = child.done
                try:
                    return await self._ask(child, data, bare or "")
                except _Broken:
                    if before and not self._closed:  # it may have been another file's doing, or somebody ended it
                        continue
                    log.warning("= a sound file ended the process that read it", bytes=len(data))
                    raise NotASound("the file cannot be read: it ends the program that reads it") from None

    async def _ask(self, child: _Child, data: bytes, bare: str) -> bytes:
        whole = False
        try:
            async with asyncio.timeout(self._time_limit):
                found = await child.ask(data, bare)
            whole = True
            return found
        except NotASound:
            whole = True
            raise
        except TimeoutError:
            raise NotASound(f"the file cannot be read within {self._time_limit:g} s") from None
        finally:
            if whole:
                self._idle.append(child)
                self._put_off()
            else:  # also where nobody waits any more: it is in the middle of something
                self._end(child)

    async def _start(self) -> _Child:
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        child = _Child(
            await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={**environment, "OPENBLAS_NUM_THREADS": "1"},  # each thread would take memory that is limited
            )
        )
        self._children.add(child)
        return child

    def _end(self, child: _Child) -> None:
        self._children.discard(child)
        task = asyncio.get_running_loop().create_task(child.end(), name="end a decoder")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def _put_off(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.call_at(self._clock.now() + IDLE_LIMIT, self._rest)

    def _rest(self) -> None:
        while self._idle:
            self._end(self._idle.pop())

    async def close(self) -> None:
        """Stop, whatever is being read."""
        if self._timer is not None:
            self._timer.cancel()
        self._closed = True
        self._idle.clear()
        for child in list(self._children):
            self._end(child)
        await asyncio.gather(*self._ending, return_exceptions=True)
