"""The analyser at work: many calls at once, as a server hears them; and hours of speech and music for false beeps."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ari_app.media.cpa import CallProgress, Finding, Parameters
from ari_app.media.features import Channel, Features, Measurer, measure
from ari_app.media.frames import FRAME_BYTES, FRAME_MS
from ari_app.media.signals import SignalDetector
from ari_app.media.tones import ToneTracker
from bench.cpa.calls import Call, pcm
from bench.cpa.voices import Samples, load, recordings

TOGETHER = 100
#: Titles of minutes each.
AT_ONCE = 16


def features(calls: Sequence[Call]) -> Iterator[tuple[Call, list[Features]]]:
    """The features of each call, measured TOGETHER at a time."""
    for start in range(0, len(calls), TOGETHER):
        measurer = Measurer()
        group = [
            (call, Channel(None, measurer), pcm(call.sound), list[Features]())
            for call in calls[start : start + TOGETHER]
        ]
        for number in range(max(len(data) // FRAME_BYTES for _, _, data, _ in group)):
            at = number * FRAME_BYTES
            there = [one for one in group if at + FRAME_BYTES <= len(one[2])]
            work = [(ch, None if number in call.lost else data[at : at + FRAME_BYTES]) for call, ch, data, _ in there]
            for (_, _, _, kept), measured in zip(there, measure(work), strict=True):
                kept.append(measured)
        for call, _, _, kept in group:
            yield call, kept


def findings(calls: Sequence[Call], parameters: Parameters) -> list[tuple[Call, list[Finding]]]:
    """What the analyser says of each call."""
    result = []
    for call, frames in features(calls):
        progress = CallProgress(parameters)
        result.append((call, [finding for frame in frames for finding in progress.hear(frame)]))
    return result


@dataclass
class Alarms:
    """What was told of sound that has none of it."""

    hours: float = 0.0
    told: Counter[str] = field(default_factory=Counter)
    by_style: dict[str, Counter[str]] = field(default_factory=dict)
    where: list[str] = field(default_factory=list)  # of each false beep: the title, the second, the pitch

    @property
    def beeps(self) -> int:
        return self.told["BP"]


def alarms(sounds: Iterable[tuple[str, str, Samples]]) -> Alarms:
    """Of titles, their style and their sound. As if somebody had spoken before: then a beep needs the least proof.
    Holds AT_ONCE sounds at a time."""
    found = Alarms()
    rest = iter(sounds)
    while some := list(itertools.islice(rest, AT_ONCE)):
        calls = [Call(number, style, {}, sound, frozenset()) for number, (_, style, sound) in enumerate(some)]
        for call, frames in features(calls):
            _listen(found, some[call.number][0], call.kind, frames)
    return found


def _listen(found: Alarms, title: str, style: str, frames: list[Features]) -> None:
    tracker, detector = ToneTracker(), SignalDetector()
    names = found.by_style.setdefault(style, Counter({"ms": 0}))
    names["ms"] += len(frames) * FRAME_MS
    found.hours += len(frames) * FRAME_MS / 3_600_000
    for frame in frames:
        ended = tracker.hear(frame)
        for signal in detector.hear(frame, tracker.tone, ended, spoken=True):
            found.told[signal.name] += 1
            names[signal.name] += 1
            if signal.name == "BP":
                found.where.append(f"{title}: {signal.since / 1000:.2f} s, {signal.hertz}, {signal.reason}")


def speech(voices: Sequence[str]) -> Iterator[tuple[str, str, Samples]]:
    """The recorded prompts of these voices, all of a voice one after the other."""
    for voice in voices:
        yield voice, "speech", np.concatenate([load(path) for path in recordings(voice)])
