"""Find out who has answered a leg: call progress analysis on the audio of a live call.

    leg <-- snoop (spy) --> bridge <-- external media --> Line > Batch > features > an analyser (media/cpa.py, or a
                                                                                   face of it) > on_finding

What is found is told as it is found. It ends by itself, with its analyser, the leg or the audio; and whatever becomes
of the audio, the call goes on.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import structlog

from ari_app.ari.errors import AriError
from ari_app.calls.leg import Leg, LegGone
from ari_app.calls.verbs.attach import Attach, Side
from ari_app.calls.verbs.external_media import MediaPorts
from ari_app.calls.wait import while_alive
from ari_app.media.features import Features
from ari_app.media.frames import FRAME_MS, Frame
from ari_app.media.transports.port import Direction
from ari_app.media.vad import Vad

log = structlog.get_logger(__name__)

T = TypeVar("T")
Told = TypeVar("Told", covariant=True)

#: Features of an analysis that are kept for its replay: the newest 60 s.
KEPT = 3000
#: Why an analysis ended: it had nothing more to find, the leg went, somebody stopped it. Else: "media: ..".
DONE, LEG_GONE, STOPPED = "done", "the leg is gone", "stopped"


class Analyser(Protocol[Told]):
    """What hears features and tells findings: `CallProgress`, or one of its faces."""

    def hear(self, frame: Features) -> Sequence[Told]:
        """What is known with this frame."""

    @property
    def done(self) -> bool:
        """Whether nothing more will be told."""


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """An analysis that is over."""

    found: list[T]
    ended: str  # DONE, LEG_GONE, STOPPED, or "media: .."
    heard_ms: int  # media time that was analysed
    #: by which the same findings are found again (media/cpa.py, replay), if they were to be kept
    features: list[Features]


class Analysis(Generic[T]):
    """One analysis of one leg, from now on."""

    def __init__(
        self,
        leg: Leg,
        ports: MediaPorts,
        analyser: Analyser[T],
        on_finding: Callable[[T], None] = lambda _finding: None,
        *,
        hear: Side = Side.PARTY,
        vad: Vad | None = None,
        keep: bool = False,
    ) -> None:
        """hear: whom; the party of the leg is who answered. keep: the features, for a replay. on_finding must not
        block; what it raises ends the analysis."""
        self.leg = leg
        self._ports = ports
        self._analyser = analyser
        self._on_finding = on_finding
        self._hear = hear
        self._vad = vad
        self._features: deque[Features] = deque(maxlen=KEPT if keep else 0)
        self._found: list[T] = []
        self._frames = 0
        self._reason = ""
        self._over = asyncio.Event()
        #: audio is heard; what was said before is not
        self.opened = asyncio.Event()

    async def run(self) -> Outcome[T]:
        """Analyse to the end. Raises nothing but CancelledError, which ends it too; see Outcome.ended."""
        line = self._ports.batch.join(self._heard, lambda reason: self._end(f"media: {reason}"), self._vad)
        attach = Attach(self.leg, self._ports, line, direction=Direction.LISTEN, hear=self._hear)
        opened = False
        try:
            await attach.open()
            opened = True
            line.start()
            self.opened.set()
            await while_alive(self.leg, self._over.wait())
        except LegGone:
            self._end(LEG_GONE)
        except (AriError, OSError) as error:
            self._end(f"media: {error}")
        finally:
            self._end("cancelled")
            line.end("closed")
            if opened:
                self._let_go(attach)
        log.info("= analysis ended", call=self.leg.call.id, leg=self.leg.id, reason=self._reason, ms=self._heard_ms)
        return Outcome(self._found, self._reason, self._heard_ms, list(self._features))

    def stop(self) -> None:
        """End it."""
        self._end(STOPPED)

    @property
    def _heard_ms(self) -> int:
        return FRAME_MS * self._frames

    def _heard(self, frame: Features, _sound: Frame) -> None:
        if self._over.is_set():
            return
        self._frames += 1
        self._features.append(frame)
        for finding in self._analyser.hear(frame):
            self._found.append(finding)
            log.info("= found", call=self.leg.call.id, leg=self.leg.id, finding=finding)
            self._on_finding(finding)
        if self._analyser.done:
            self._end(DONE)

    def _end(self, reason: str) -> None:
        self._reason = self._reason or reason
        self._over.set()

    def _let_go(self, attach: Attach) -> None:
        if self.leg.call.detached:  # the server stops, and leaves the call to the next one
            attach.transport.close("the server stops")
        else:
            self.leg.node.background(attach.close())
