"""A call whose speech is cut out, alone: frames in, pieces out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ari_app.media.asr.segments import Part, Segment, Segmenter, Sign
from ari_app.media.features import Channel, measure
from ari_app.media.frames import Frame


class Cutting:
    """A Segmenter with its parameters, and what measures for it."""

    def __init__(self, **parameters: Any) -> None:
        self.segmenter = Segmenter(**parameters)
        self._channel = Channel()

    def hear(self, frames: Sequence[Frame]) -> list[Segment | Sign | Part]:
        found: list[Segment | Sign | Part] = []
        for frame in frames:
            (features,) = measure([(self._channel, frame)])
            found += self.segmenter.hear(features, frame)
        return found

    def finish(self) -> list[Segment | Sign]:
        return self.segmenter.finish()
