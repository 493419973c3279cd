"""Ringback, busy and congestion: which of them a cadence is, by country.

The cadences are those of each country's E.180 entry, as Asterisk's indications.conf carries them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ari_app.media.features import Features
from ari_app.media.frames import FRAME_MS

Kind = Literal["ring", "busy", "congestion"]
#: Tone and pause in turn, in ms.
Cadence = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Country:
    """A country's tones. dual: busy and congestion are 480 + 620 Hz; else all are between 385 and 515 Hz."""

    ring: Cadence
    busy: Cadence
    congestion: Cadence
    dual: bool = False


_EU = (1000, 4000)
COUNTRIES: dict[str, Country] = {
    "at": Country((1000, 5000), (400, 400), (200, 200)),
    "au": Country((400, 200, 400, 2000), (375, 375), (375, 375)),
    "be": Country((1000, 3000), (500, 500), (167, 167)),
    "bg": Country(_EU, (500, 500), (250, 250)),
    "br": Country(_EU, (250, 250), (250, 250, 750, 250)),
    "ch": Country(_EU, (500, 500), (200, 200)),
    "cl": Country((1000, 3000), (500, 500), (200, 200)),
    "cn": Country(_EU, (350, 350), (700, 700)),
    "cz": Country(_EU, (330, 330), (165, 165)),
    "de": Country(_EU, (480, 480), (240, 240)),
    "dk": Country(_EU, (500, 500), (200, 200)),
    "ee": Country(_EU, (300, 300), (200, 200)),
    "es": Country((1500, 3000), (200, 200), (200, 200, 200, 200, 200, 600)),
    "fi": Country(_EU, (300, 300), (200, 200)),
    "fr": Country((1500, 3500), (500, 500), (250, 250)),
    "gr": Country(_EU, (300, 300), (200, 200)),
    "hu": Country((1250, 3750), (300, 300), (300, 300)),
    "id": Country(_EU, (500, 500), (250, 250)),
    "il": Country((1000, 3000), (500, 500), (250, 250)),
    "in": Country((400, 200, 400, 2000), (750, 750), (250, 250)),
    "it": Country(_EU, (500, 500), (200, 200)),
    "jp": Country((1000, 2000), (500, 500), (500, 500)),
    "lt": Country(_EU, (350, 350), (200, 200)),
    "mx": Country(_EU, (250, 250), (250, 250)),
    "my": Country((400, 200, 400, 2000), (500, 500), (500, 500)),
    "nl": Country(_EU, (500, 500), (250, 250)),
    "no": Country(_EU, (500, 500), (200, 200)),
    "nz": Country((400, 200, 400, 2000), (500, 500), (250, 250)),
    "ph": Country(_EU, (500, 500), (250, 250), dual=True),
    "pl": Country(_EU, (500, 500), (500, 500)),
    "pt": Country((1000, 5000), (500, 500), (200, 200)),
    "ru": Country(_EU, (350, 350), (175, 175)),
    "se": Country((1000, 5000), (250, 250), (250, 750)),
    "sg": Country((400, 200, 400, 2000), (750, 750), (250, 250)),
    "th": Country((1000, 5000), (500, 500), (300, 300)),
    "tw": Country((1000, 2000), (500, 500), (250, 250), dual=True),
    "uk": Country((400, 200, 400, 2000), (375, 375), (400, 350, 225, 525)),
    "us": Country((2000, 4000), (500, 500), (250, 250), dual=True),
    "ve": Country(_EU, (500, 500), (250, 250)),
    "za": Country((400, 200, 400, 2000), (500, 500), (250, 250)),
}

_SHARE = 0.8
_QUIETEST = -50.0
_BACKGROUND = 9.0  # dB below the tone: speech as faint as this is not the called party's
_FALL = 8.0  # dB below the tone: the tone is over, though the long window still holds it
_RINGS_OUT = 200  # ms: for so long a codec may ring after a tone, and sound like a voice
_WINDOW_MS = 80  # for so long the window may hold the end of a tone
#: Fewer frames of speech may be the beginning of a tone, of which the window is not yet full.
_SPOKEN_FRAMES = 6
_SHORTEST_PAUSE, _SHORTEST_TONE = 80, 100  # ms: no cadence has shorter parts
_RING_PAUSE = 1000  # ms: longer than any pause of busy or congestion
_LONGEST = 6500  # ms: no cadence has a longer part
_MEMORY = 6  # parts


@dataclass(frozen=True, slots=True)
class Heard:
    """A call progress tone. Times are media time in ms."""

    kind: Kind
    at: int
    since: int
    countries: tuple[str, ...]  # those whose cadence it is
    level: float = _QUIETEST  # dBFS, of its tones


def _alike(heard: int, wanted: int) -> bool:
    return abs(heard - wanted) <= 40 + wanted * 0.1


def in_progress_band(frame: Features) -> bool:
    """Whether nearly all of the power is where ringback, busy and congestion are."""
    return max(frame.ring, frame.busy) >= _SHARE


class CadenceDetector:
    """Follows the tone and pause of one call. countries: whose tones to look for, all if none is named.

    Raises ValueError for a country it does not know.
    """

    def __init__(self, countries: Iterable[str] = ()) -> None:
        wanted = tuple(countries) or tuple(COUNTRIES)
        for name in wanted:
            if name not in COUNTRIES:
                raise ValueError(f"country: {name} is not known; {', '.join(COUNTRIES)} are")
        self._countries = wanted
        self._parts: list[int] = []  # tone, pause, tone, ... that are over, in ms
        self._on = False
        self._since = 0  # when the part that goes on began
        self._start = 0  # when the first tone did
        self._dual = False
        self._level = _QUIETEST
        self._told: Kind | None = None
        self._spoken = 0  # frames of speech that were the last ones
        self._spoilt = 0  # frames whose window has something in it that was lost

    @property
    def on(self) -> bool:
        """Whether the tone is on at the frame that was heard last."""
        return self._on

    def hear(self, frame: Features, *, speech: bool) -> Heard | None:
        """The call progress tone that is known with this frame."""
        if frame.lost:
            self._spoilt = _WINDOW_MS // FRAME_MS
            return None
        self._spoilt = max(0, self._spoilt - 1)
        ringing_out = self._parts and not self._on and frame.at - self._since < _RINGS_OUT
        spoken = speech and not ringing_out and frame.level > self._level - _BACKGROUND
        self._spoken = self._spoken + 1 if spoken else 0
        begins = not self._on or frame.at - self._since < _SPOKEN_FRAMES * FRAME_MS
        if self._spoken >= (_SPOKEN_FRAMES if begins else 1):
            self._reset()
            return None
        loud = frame.level > max(_QUIETEST, self._level - _FALL if self._parts or self._on else _QUIETEST)
        on = loud and (in_progress_band(frame) or (self._on and self._spoilt > 0))
        if on != self._on:
            self._turn(frame, on)
        elif on:
            self._level += (frame.level - self._level) * 0.2
        now = frame.at + FRAME_MS
        if now - self._since > _LONGEST:
            self._reset()
        # A pause changes its meaning slowly; and most of a call is one.
        waits = on or self._spoken or (now - self._since) % 60
        return self._match(now) if self._parts and not waits else None

    def _reset(self) -> None:
        self._parts, self._on, self._told, self._level = [], False, None, _QUIETEST

    def _turn(self, frame: Features, on: bool) -> None:
        length = frame.at - self._since
        if self._parts and length < (_SHORTEST_PAUSE if on else _SHORTEST_TONE):
            # A gap that a lost packet leaves, or something of the background: as it was before.
            self._since -= self._parts.pop()
            self._on = on
            return
        if on:
            dual = frame.busy >= _SHARE
            if not self._parts or dual != self._dual:
                self._parts, self._start, self._dual = [], frame.at, dual
            else:
                self._parts.append(length)
            self._level = frame.level
        else:
            self._parts.append(length)
        if len(self._parts) > _MEMORY + 1:
            del self._parts[:2]
        self._on, self._since = on, frame.at

    def _match(self, now: int) -> Heard | None:
        """In a pause: what the tones and pauses so far are."""
        if len(self._parts) % 2 == 0:
            return None
        pause = now - self._since
        votes: dict[Kind, list[str]] = {"ring": [], "busy": [], "congestion": []}
        for name in self._countries:
            country = COUNTRIES[name]
            if pause >= _RING_PAUSE and not self._dual and self._ends_with(country.ring[:-1]):
                votes["ring"].append(name)
            if self._dual == country.dual:
                if self._repeats(country.busy, pause):
                    votes["busy"].append(name)
                if self._repeats(country.congestion, pause):
                    votes["congestion"].append(name)
        counts = Counter({kind: len(names) for kind, names in votes.items()})
        kind, count = counts.most_common(1)[0]
        if count == 0 or kind == self._told:
            return None
        self._told = kind
        return Heard(kind, now, self._start, tuple(votes[kind]), self._level)

    def _repeats(self, cadence: Cadence, pause: int) -> bool:
        """Whether the cadence was heard: one of two parts twice, so that neither a beep nor half a ring will do."""
        if len(cadence) == 2:
            return 60 <= pause <= cadence[-1] + 100 and self._ends_with((*cadence, *cadence)[:-1])
        return 0.8 * cadence[-1] <= pause <= cadence[-1] + 100 and self._ends_with(cadence[:-1])

    def _ends_with(self, cadence: Cadence) -> bool:
        if len(cadence) > len(self._parts):
            return False
        last = self._parts[-len(cadence) :]
        return all(_alike(heard, wanted) for heard, wanted in zip(last, cadence, strict=True))
