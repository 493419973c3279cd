"""What the analysis of a call costs: us of the processor a frame of 20 ms, by step, sound and number of calls.

    python -m bench.measuring [--channels 300] [--sound speech] [--seconds 2] [--write]

No transport and no second process: the frames are made before. As from a transport, half of the channels have a frame
every 10 ms and are measured together.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ari_app.clock import ManualClock
from ari_app.media import features, memory
from ari_app.media.asr.segments import Segmenter
from ari_app.media.batch import Batch, Line
from ari_app.media.cpa import CallProgress
from ari_app.media.features import Channel, Features, Measurer, measure
from ari_app.media.frames import FRAME_BYTES, RATE
from ari_app.media.tones import ToneTracker
from ari_app.media.transports.pacing import PERIOD, Ticker
from ari_app.media.vad import SpeechGate, WebRtcVad
from bench.report import Row, machine, table, write

COUNTS = (1, 30, 300, 1000)
SOUNDS = ("speech", "noise", "tone", "silence")
#: frames of a sound, which is heard again and again; every channel begins at another place of it
LENGTH = 500
#: times that everything is measured; the quickest tells what it costs, the others what else ran
REPEAT = 5
#: us a frame at 300 channels: what the measurement may cost
GOAL = 4.0

Samples = NDArray[np.float64]
T = TypeVar("T")


def _spoken(random: np.random.Generator, count: int) -> Samples:
    """Syllables of harmonics under moving formants, with pauses, over a line's noise at -62 dBFS."""
    at = np.arange(count) / RATE
    pitch = 120 * (1 + 0.15 * np.sin(2 * np.pi * 1.3 * at) + 0.05 * np.sin(2 * np.pi * 4.1 * at))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    formants = [(500 + 250 * np.sin(2 * np.pi * 2.7 * at), 90), (1500 + 500 * np.sin(2 * np.pi * 2.1 * at), 150)]
    sound = np.zeros(count)
    for harmonic in range(1, 24):
        gain = sum(np.exp(-(((harmonic * pitch - middle) / (2 * width)) ** 2)) for middle, width in formants) + 0.02
        sound += gain * np.sin(harmonic * phase + random.uniform(0, 2 * np.pi))
    sound *= np.abs(np.sin(np.pi * at / 0.18)) ** 0.5 * (at % 2.0 < 1.2)
    return np.asarray(2500 * sound / np.sqrt((sound**2).mean()) + 18 * random.standard_normal(count))


def samples(sound: str) -> Samples:
    """LENGTH frames of it. Raises ValueError for a sound that is none of SOUNDS."""
    random = np.random.default_rng(1)
    count = LENGTH * FRAME_BYTES // 2
    at = np.arange(count) / RATE
    if sound == "speech":
        return _spoken(random, count)
    if sound == "noise":
        return np.asarray(200 * random.standard_normal(count))
    if sound == "tone":  # ringback of North America, and what a line adds
        on = at % 4.0 < 2.0
        tones = np.sin(2 * np.pi * 440 * at) + np.sin(2 * np.pi * 480 * at)
        return np.asarray(2000 * on * tones + 5 * random.standard_normal(count))
    if sound == "silence":
        return np.zeros(count)
    raise ValueError(f"sound: one of {', '.join(SOUNDS)}, not {sound}")


def cut(sound: Samples) -> list[bytes]:
    data = np.clip(np.round(sound), -32768, 32767).astype("<i2").tobytes()
    return [data[at : at + FRAME_BYTES] for at in range(0, len(data), FRAME_BYTES)]


Turn = Callable[[int], None]


class Steps:
    """What can be measured of one sound on so many channels: each step does one 20 ms of all channels a turn."""

    def __init__(self, sound: str, channels: int) -> None:
        self.frames = cut(samples(sound))
        self.starts = [37 * number % LENGTH for number in range(channels)]
        self.features = self._features()

    def _features(self) -> list[Features]:
        channel = Channel()
        return [measure([(channel, frame)])[0] for frame in self.frames]

    def _of(self, turn: int) -> Iterator[bytes]:
        return (self.frames[(start + turn) % LENGTH] for start in self.starts)

    def vad(self) -> Turn:
        """The voice activity detector alone."""
        detectors = [WebRtcVad() for _ in self.starts]

        def turn(number: int) -> None:
            for detector, frame in zip(detectors, self._of(number), strict=True):
                detector.is_speech(frame)

        return turn

    def measure(self) -> Turn:
        """The measurement, the detector in it."""
        measurer = Measurer()
        halves = self._halves([Channel(None, measurer) for _ in self.starts])

        def turn(number: int) -> None:
            for channels, starts in halves:
                measurer.measure(channels, [self.frames[(start + number) % LENGTH] for start in starts])

        return turn

    def batch(self) -> Turn:
        """The whole of it: from a transport's frames to whoever analyses the call."""
        clock = ManualClock()
        batch = Batch(Ticker(clock), clock)
        return self._lines(
            clock, [batch.join(lambda _features, _frame: None, lambda _reason: None) for _ in self.starts]
        )

    def pieces(self) -> Turn:
        """From a transport's frames to the pieces of speech that a recogniser is given."""
        clock = ManualClock()
        batch = Batch(Ticker(clock), clock)
        return self._lines(clock, [batch.join(Segmenter().hear, lambda _reason: None) for _ in self.starts])

    def pieces_alone(self) -> Turn:
        """The same, of calls that are not measured together."""
        segmenters = [(Segmenter(), Channel()) for _ in self.starts]

        def turn(number: int) -> None:
            for (segmenter, channel), frame in zip(segmenters, self._of(number), strict=True):
                segmenter.hear(channel.measurer.measure([channel], [frame])[0], frame)

        return turn

    def _lines(self, clock: ManualClock, lines: list[Line]) -> Turn:
        for line in lines:
            line.start()
        halves = self._halves(lines)
        read = [(frame,) for frame in self.frames]

        def turn(number: int) -> None:
            for half, starts in halves:
                for line, start in zip(half, starts, strict=True):
                    line.frames(read[(start + number) % LENGTH])
                clock.advance(PERIOD / 2)

        return turn

    def tones(self) -> Turn:
        """ToneTracker, on features."""
        return self._consumers(lambda: ToneTracker().hear)

    def gate(self) -> Turn:
        """SpeechGate, on features."""

        def make() -> Callable[[Features], object]:
            gate = SpeechGate()
            return lambda features: gate.hear(features, tonal=False)

        return self._consumers(make)

    def progress(self) -> Turn:
        """CallProgress, the whole analysis of a call, on features; a call of ten seconds after the other."""
        return self._consumers(lambda: CallProgress().hear, anew=True)

    def _consumers(self, make: Callable[[], Callable[[Features], object]], *, anew: bool = False) -> Turn:
        hear = [make() for _ in self.starts]

        def turn(number: int) -> None:
            for index, start in enumerate(self.starts):
                place = (start + number) % LENGTH
                if anew and place == 0:
                    hear[index] = make()
                hear[index](self.features[place])

        return turn

    def _halves(self, of: Sequence[T]) -> list[tuple[Sequence[T], list[int]]]:
        return [(of[half::2], self.starts[half::2]) for half in (0, 1) if of[half::2]]


STEPS: dict[str, Callable[[Steps], Turn]] = {
    "voice activity": Steps.vad,
    "measure": Steps.measure,
    "frame to features": Steps.batch,
    "frame to pieces of speech": Steps.pieces,
    "frame to pieces of speech, each call alone": Steps.pieces_alone,
    "tones": Steps.tones,
    "speech gate": Steps.gate,
    "call progress": Steps.progress,
}


def cost(turn: Turn, channels: int, seconds: float) -> float:
    """us a frame: the best of REPEAT."""
    turns = 0
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds / REPEAT / 2:
        turn(turns)
        turns += 1
    turns, found, number = max(turns * 2, 1), [], turns
    for _ in range(REPEAT):
        used = time.process_time()
        for _ in range(turns):
            turn(number)
            number += 1
        found.append((time.process_time() - used) / turns / channels * 1e6)
    return min(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--channels", type=int, action="append")
    parser.add_argument("--sound", choices=SOUNDS, action="append")
    parser.add_argument("--step", choices=sorted(STEPS), action="append")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each step, about")
    parser.add_argument("--numpy", action="store_true", help="without the part that is compiled")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    if given.numpy:
        features.compiled = None
    memory.keep()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    before = machine(
        seconds=given.seconds, compiled=features.compiled is not None, load_before=round(os.getloadavg()[0], 2)
    )
    rows: list[Row] = []
    for sound in given.sound or SOUNDS:
        for channels in given.channels or COUNTS:
            steps = Steps(sound, channels)
            for name in given.step or STEPS:
                goal = GOAL if name == "frame to features" and channels == 300 else None
                us = cost(STEPS[name](steps), channels, given.seconds)
                rows.append(Row(f"{sound}, {channels} channels: {name}", "us", us, goal=goal))
    print(table(rows))
    if given.write:
        path: Path = write("measuring", before, rows)
        print(path)


if __name__ == "__main__":
    main()
