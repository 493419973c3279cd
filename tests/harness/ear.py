"""What a phone hears, live: a server for Asterisk's AudioSocket to which the harness's Asterisk streams the audio."""

import asyncio
import contextlib
import struct
import time
import uuid
from collections.abc import Callable, Collection

from tests.harness.audio import AmbiguousLevel, Heard, from_pcm
from tests.harness.patience import PATIENCE

_UUID, _AUDIO = 0x01, 0x10
FRAME_SECONDS = 0.02


class Ear:
    """Everything one phone heard since it began to listen, as a continuous stretch in real time.

    Asterisk sends a frame each 20 ms, of silence where nothing came: the number of the frame is its time.
    """

    def __init__(self) -> None:
        self.id = str(uuid.uuid4())
        self.opened = asyncio.Event()
        self._frames: list[bytes] = []
        self._arrivals: list[float] = []
        self._start = float("inf")
        self._changed: set[asyncio.Event] = set()

    def take(self, frame: bytes, now: float) -> None:
        """A frame that arrived now. The earliest arrival, counted back, is the start: others were only late."""
        self._frames.append(frame)
        self._arrivals.append(now)
        self._start = min(self._start, now - FRAME_SECONDS * len(self._frames))
        self.opened.set()
        for event in self._changed:
            event.set()

    def heard(self) -> Heard:
        """Everything so far."""
        return Heard(from_pcm(b"".join(self._frames)), self._start)

    def delay(self, start: float, end: float) -> float:
        """By how many seconds a frame was late, at most, from one moment to another: how much the machine is behind."""
        due = self._start + FRAME_SECONDS
        return max(
            (at - due - FRAME_SECONDS * n for n, at in enumerate(self._arrivals) if start <= at <= end), default=0.0
        )

    def recent(self, seconds: float) -> Heard:
        """The last part, as long as asked or as there is."""
        count = min(len(self._frames), round(seconds / FRAME_SECONDS))
        skipped = len(self._frames) - count
        return Heard(from_pcm(b"".join(self._frames[skipped:])), self._start + FRAME_SECONDS * skipped)

    async def wait_for(self, condition: Callable[["Ear"], bool], within: float = PATIENCE) -> None:
        """Waits until the condition holds after a frame. Raises TimeoutError."""
        changed = asyncio.Event()
        self._changed.add(changed)
        try:
            async with asyncio.timeout(within):
                while not condition(self):
                    await changed.wait()
                    changed.clear()
        finally:
            self._changed.discard(changed)

    async def wait_tones(
        self, present: Collection[int], absent: Collection[int] = (), *, within: float = PATIENCE, window: float = 0.2
    ) -> float:
        """Waits for `window` seconds that hold all tones of `present` and none of `absent`; returns when they ended.

        Raises TimeoutError that says what was heard instead.
        """

        def holds(ear: Ear) -> bool:
            recent = ear.recent(window)
            if recent.seconds < window - FRAME_SECONDS / 2:
                return False
            with contextlib.suppress(AmbiguousLevel):
                return all(recent.hears(hz) for hz in present) and not any(recent.hears(hz) for hz in absent)
            return False

        try:
            await self.wait_for(holds, within)
        except TimeoutError:
            recent = self.recent(window)
            levels = {hz: round(recent.level(hz), 1) for hz in [*present, *absent]}
            raise TimeoutError(f"wanted {present}, not {absent}; after {within} s: {levels} dBFS") from None
        return self.recent(window).ended_at


class EarServer:
    """Listens for AudioSocket connections and gives each one's audio to the ear with its id."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._ears: dict[str, Ear] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.address = ""

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()[:2]
        self.address = f"{host}:{port}"

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._server.wait_closed()

    def new_ear(self) -> Ear:
        ear = Ear()
        self._ears[ear.id] = ear
        return ear

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._read(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ear = None
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind, length = struct.unpack(">BH", await reader.readexactly(3))
                payload = await reader.readexactly(length)
                if kind == _UUID:
                    ear = self._ears[str(uuid.UUID(bytes=payload))]
                elif kind == _AUDIO and ear is not None:
                    ear.take(payload, time.time())
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
