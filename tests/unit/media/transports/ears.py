"""Who listens to a transport, in tests, and when."""

from __future__ import annotations

from collections.abc import Sequence

from ari_app.clock import ManualClock, SystemClock
from ari_app.media.frames import Frame
from ari_app.media.transports.tcp_reader import TcpReader


class Listener:
    """Keeps what it hears, and why that ended."""

    def __init__(self) -> None:
        self.got: list[Frame] = []
        self.reasons: list[str] = []
        self.fails = False

    def frames(self, frames: Sequence[Frame]) -> None:
        if self.fails:
            raise RuntimeError("a bug of the listener")
        self.got += frames

    def ended(self, reason: str) -> None:
        self.reasons.append(reason)


class Clock(ManualClock):
    """The test's own, for what is sent; connections are read when something comes, by the loop.."""

    reader: TcpReader | None = None


class ReadAtTicks(Clock):
    """..or many together, at ticks of real time."""

    def __init__(self) -> None:
        super().__init__()
        self.reader = TcpReader(SystemClock())


#: both ways to read
CLOCKS = [Clock, *([ReadAtTicks] if TcpReader.available() else [])]
