"""The analyser at work: many calls at once, as a server hears them; and hours of speech and music for false beeps."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ari_app.media.cpa import CallProgress, Finding, Parameters
from ari_app.media.features import Channel, Features, Measurer, measure
from ari_app.media.frames import FRAME_BYTES, FRAME_MS
from bench.cpa.calls import Call, at_level, pcm, silence
from bench.cpa.voices import RATE, Samples, Studio, load, recordings

TOGETHER = 100
#: Titles of minutes each.
AT_ONCE = 16
#: Of one call of false alarms: within what a call's analysis may last, with what is said before.
_CALL_SAMPLES, _TIMEOUT_MS = 540 * RATE, 600_000
#: What must not be told of speech and music.
_TONES = frozenset({"BP", "FX", "MD", "SIT", "DTMF"})
#: What is heard before a sound, by its name.
Opening = Callable[[str], Samples]


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


def alarms(sounds: Iterable[tuple[str, str, Samples]], opening: Opening | None = None) -> Alarms:
    """Of titles, their style and their sound: what the analysis of a call tells of them, in calls of nine minutes at
    most. `opening`: what is heard first on each. Holds AT_ONCE sounds at a time."""
    found = Alarms()
    rest = _calls(sounds, opening)
    while some := list(itertools.islice(rest, AT_ONCE)):
        for call, frames in features(some):
            _listen(found, call, frames)
    return found


def _calls(sounds: Iterable[tuple[str, str, Samples]], opening: Opening | None) -> Iterator[Call]:
    number = 0
    for title, style, sound in sounds:
        for start in range(0, len(sound), _CALL_SAMPLES):
            before = opening(f"{title}/{start}") if opening else np.zeros(0)
            heard = np.concatenate([before, sound[start : start + _CALL_SAMPLES]])
            after = len(before) * 1000 // RATE
            yield Call(number, style, {"title": title}, heard, frozenset(), greeting_end=after)
            number += 1


def _listen(found: Alarms, call: Call, frames: list[Features]) -> None:
    progress = CallProgress(Parameters(total_timeout=_TIMEOUT_MS))
    names = found.by_style.setdefault(call.kind, Counter({"ms": 0}))
    ms = len(frames) * FRAME_MS - call.greeting_end
    names["ms"] += ms
    found.hours += ms / 3_600_000
    for frame in frames:
        for told in progress.hear(frame):
            if told.code not in _TONES or told.at <= call.greeting_end:
                continue
            found.told[told.code] += 1
            names[told.code] += 1
            if told.code == "BP":
                at = (told.since - call.greeting_end) / 1000
                found.where.append(f"{call.strata['title']}: {at:.2f} s, {dict(told.facts)}, {told.reason}")


def spoken_before(part: str, seed: int) -> Opening:
    """Somebody of this part answers, and there is silence of 0.5 to 3 s, as before music that a caller is put into."""
    studio = Studio(part)

    def opening(name: str) -> Samples:
        draw = random.Random(f"{seed}/{part}/before {name}")
        _, greeting = studio.human(draw)
        return np.concatenate([silence(0.5), at_level(greeting, draw.uniform(-28, -16)), silence(draw.uniform(0.5, 3))])

    return opening


def speech(voices: Sequence[str]) -> Iterator[tuple[str, str, Samples]]:
    """The recorded prompts of these voices, all of a voice one after the other."""
    for voice in voices:
        yield voice, "speech", np.concatenate([load(path) for path in recordings(voice)])
