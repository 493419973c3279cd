"""The analyser at work: many calls at once, as a server hears them; and hours of speech and music for false beeps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import soundfile

from ari_app.media.cpa import CallProgress, Finding, Parameters
from ari_app.media.features import Channel, Features, measure
from ari_app.media.frames import FRAME_BYTES
from ari_app.media.signals import SignalDetector
from ari_app.media.tones import ToneTracker
from bench.cpa.calls import Call, pcm
from bench.cpa.voices import MUSIC, SOUNDS, is_speech, load

TOGETHER = 100


def features(calls: Sequence[Call]) -> Iterator[tuple[Call, list[Features]]]:
    """The features of each call, measured TOGETHER at a time."""
    for start in range(0, len(calls), TOGETHER):
        group = [(call, Channel(), pcm(call.sound), list[Features]()) for call in calls[start : start + TOGETHER]]
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


def false_tones(sort: str, voices: Sequence[str], titles: slice) -> tuple[dict[str, int], float]:
    """What was told of recordings that hold none of it, by name; and how many hours they are."""
    if sort == "music":
        paths = sorted(MUSIC.glob("*.wav"))[titles]
    else:
        paths = [path for voice in voices for path in sorted((SOUNDS / voice).glob("**/*.wav")) if is_speech(path)]
    told: dict[str, int] = {}
    hours = 0.0
    tracker, detector = ToneTracker(), SignalDetector()
    channel = Channel()
    for path in paths:
        data = pcm(load(path)) if sort == "speech" else pcm(soundfile.read(path)[0])
        hours += len(data) / 16000 / 3600
        for at in range(0, len(data) - FRAME_BYTES, FRAME_BYTES):
            (frame,) = measure([(channel, data[at : at + FRAME_BYTES])])
            ended = tracker.hear(frame)
            for signal in detector.hear(frame, tracker.tone, ended, spoken=True):
                told[signal.name] = told.get(signal.name, 0) + 1
    return told, hours
