"""The calls: who answers, what is heard when, and over which line. All by one seed.

Truth is kept with each call: who answered, when his greeting ended, when the beep began.
"""

from __future__ import annotations

import io
import random
from dataclasses import dataclass, field

import numpy as np
import soundfile

from bench.cpa import faults
from bench.cpa.voices import RATE, Samples, Studio

BEEPS = {
    "tuning": [440, 500, 620, 700, 750, 850, 950, 1000, 1100, 1250, 1400, 1450, 1600, 1850, 1950],
    "test": [425, 480, 660, 800, 880, 1030, 1200, 1300, 1500, 1700, 2000],
}
#: How many of each are made for the test; as many more or fewer for other sizes.
KINDS = {
    "live": 480,
    "machine": 430,
    "short machine": 50,
    "fax": 300,
    "modem": 240,
    "sit": 180,
    "ring": 180,
    "busy": 120,
    "dead": 20,
}


@dataclass
class Call:
    """One call. Times in ms of media time."""

    number: int
    kind: str
    strata: dict[str, str]
    sound: Samples
    lost: frozenset[int]  # frames
    greeting_end: int = 0
    beep: int | None = None
    detail: dict[str, float] = field(default_factory=dict)


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * RATE))


def tone(seconds: float, *hertz: float) -> Samples:
    """Sines together, as loud as one of amplitude 1."""
    time = np.arange(int(seconds * RATE)) / RATE
    return np.asarray(sum(np.sin(2 * np.pi * hz * time) for hz in hertz)) / len(hertz)


def rms(sound: Samples) -> float:
    """Of the part that is there."""
    there = sound[np.abs(sound) > 1e-4]
    return float(np.sqrt(np.mean(there**2))) if len(there) else 1.0


def at_level(sound: Samples, level: float) -> Samples:
    """With the power of a sine of this level in dBFS, clipped at full scale."""
    return np.asarray(sound * (10 ** (level / 20) / 2**0.5 / max(rms(sound), 1e-6)))


class Exchange:
    """Makes the calls of one part. hard: half of the lines have a fault, and voices and greetings are harder."""

    def __init__(self, part: str, seed: int, *, hard: bool = False) -> None:
        self.part, self.seed, self.hard = part, seed, hard
        self.studio = Studio(part, hard=hard)

    def calls(self, scale: float = 1.0) -> list[Call]:
        """All calls; scale 1 makes as many as KINDS says."""
        kinds = [kind for kind, count in KINDS.items() for _ in range(max(1, round(count * scale)))]
        return [self.call(number, kind) for number, kind in enumerate(kinds)]

    def call(self, number: int, kind: str) -> Call:
        """The call of this number; the same for the same seed."""
        draw = random.Random(f"{self.seed}/{self.part}/{number}/{kind}")
        level = draw.choice([draw.uniform(-35, -12), draw.uniform(-28, -16), draw.uniform(-24, -18)])
        call = Call(
            number,
            kind,
            {"level": "quiet" if level < -28 else "loud" if level > -16 else "middle"},
            silence(0),
            frozenset(),
        )
        getattr(self, "_" + kind.replace(" ", "_"))(call, draw, level)
        self._line(call, draw, level)
        return call

    def _live(self, call: Call, draw: random.Random, level: float) -> None:
        voice, greeting = self.studio.human(draw)
        call.strata["voice"] = voice
        parts = [silence(draw.uniform(0.2, 1.5)), at_level(greeting, level)]
        call.greeting_end = 1000 * sum(map(len, parts)) // RATE
        if draw.random() < 0.2:
            parts += [silence(draw.uniform(1.4, 3)), at_level(greeting, level)]
        call.sound = np.concatenate([*parts, silence(4)])

    def _machine(self, call: Call, draw: random.Random, level: float, *, short: bool = False) -> None:
        voice, greeting = self.studio.short_machine(draw) if short else self.studio.machine(draw)
        call.strata["voice"] = voice
        parts = [silence(draw.uniform(0.3, 2)), at_level(greeting, level)]
        call.greeting_end = 1000 * sum(map(len, parts)) // RATE
        if short or draw.random() < 0.9:
            parts.append(silence(draw.uniform(0.15, 1.5)))
            call.beep = 1000 * sum(map(len, parts)) // RATE
            hertz = [float(draw.choice(BEEPS[self.part]))]
            if draw.random() < 0.1:
                hertz.append(hertz[0] * draw.choice([1.3, 1.5, 1.7]))
            length = draw.uniform(0.17, 1.1) if self.part == "tuning" else draw.uniform(0.18, 1.0)
            parts.append(at_level(tone(length, *hertz), min(-8, level + draw.uniform(-6, 8))))
            call.detail = {"hertz": hertz[0], "length": length}
        call.sound = np.concatenate([*parts, silence(3.5)])

    def _short_machine(self, call: Call, draw: random.Random, level: float) -> None:
        self._machine(call, draw, level, short=True)

    def _fax(self, call: Call, draw: random.Random, level: float) -> None:
        sort = draw.choice(["CED", "CED", "CNG"])
        call.strata["signal"] = sort
        if sort == "CNG":
            hz = 1100 + draw.uniform(-30, 30)
            parts = [part for _ in range(3) for part in (tone(draw.uniform(0.44, 0.56), hz), silence(3))]
        else:
            parts = [tone(draw.uniform(2.6, 4), 2100 + draw.uniform(-12, 12)), silence(0.075), v21("01111110" * 40)]
        call.sound = np.concatenate([silence(draw.uniform(0.3, 2)), at_level(np.concatenate(parts), level), silence(2)])

    def _modem(self, call: Call, draw: random.Random, level: float) -> None:
        sort = draw.choice(["ANSam", "ANSam/", "ANS/", "Bell 103"])
        call.strata["signal"] = sort
        time = np.arange(int(3.3 * RATE)) / RATE
        period = draw.uniform(0.43, 0.47)
        turns = np.pi * (time // period) if sort.endswith("/") else 0
        swing = 1 + 0.2 * np.sin(2 * np.pi * draw.uniform(14.9, 15.1) * time) if sort.startswith("ANSam") else 1
        hz = 2225 if sort == "Bell 103" else 2100
        answer = np.asarray(swing * np.sin(2 * np.pi * (hz + draw.uniform(-3, 3)) * time + turns))
        call.sound = np.concatenate([silence(draw.uniform(0.3, 2)), at_level(answer, level), silence(1)])

    def _sit(self, call: Call, draw: random.Random, level: float) -> None:
        tones = [draw.choice(pair) for pair in ((913.8, 985.2), (1370.6, 1428.5), (1776.7, 1776.7))]
        lengths = [draw.choice([0.274, 0.38]) for _ in tones]
        if draw.random() < 0.4:
            tones, lengths = [950, 1400, 1800], [0.33] * 3
        parts = [tone(length, hz + draw.uniform(-8, 8)) for hz, length in zip(tones, lengths, strict=True)]
        call.sound = np.concatenate(
            [silence(draw.uniform(0.2, 1.5)), at_level(np.concatenate(parts), level), silence(2)]
        )

    def _ring(self, call: Call, draw: random.Random, level: float) -> None:
        hertz, on = draw.choice([((440, 480), (2,)), ((425,), (1,)), ((400, 450), (0.4, 0.2, 0.4)), ((425,), (1.5,))])
        call.strata["signal"] = "+".join(map(str, hertz))
        parts = [tone(length, *hertz) if n % 2 == 0 else silence(length) for n, length in enumerate(on)]
        voice, greeting = self.studio.human(draw)
        ringing = at_level(np.concatenate(parts), level)
        begin = [silence(draw.uniform(0.2, 1)), ringing, silence(draw.uniform(1.6, 3)), at_level(greeting, level)]
        call.greeting_end = 1000 * sum(map(len, begin)) // RATE
        call.strata["voice"] = voice
        call.sound = np.concatenate([*begin, silence(4)])

    def _busy(self, call: Call, draw: random.Random, level: float) -> None:
        hertz, length = draw.choice([((480, 620), 0.5), ((425,), 0.5), ((425,), 0.3), ((400,), 0.375), ((440,), 0.5)])
        call.strata["signal"] = "+".join(map(str, hertz))
        parts = [part for _ in range(8) for part in (tone(length, *hertz), silence(length))]
        call.sound = np.concatenate([silence(draw.uniform(0.2, 1)), at_level(np.concatenate(parts), level), silence(1)])

    def _dead(self, call: Call, draw: random.Random, level: float) -> None:
        call.sound = silence(15.5)

    def _line(self, call: Call, draw: random.Random, level: float) -> None:
        """Noise, on hard lines faults, codec and loss."""
        spoken = call.kind in ("live", "machine", "short machine")
        fault = faults.draw_fault(draw, spoken=spoken) if self.hard else "none"
        noise = draw.choice(["none", "white", "white", "brown", "babble", "music"])
        snr = draw.uniform(15, 40) if noise in ("white", "brown") else draw.uniform(18, 35)
        clean, later = faults.begun(draw, fault, call.sound, level, call.greeting_end)
        call.greeting_end += later if call.greeting_end else 0
        call.beep = None if call.beep is None else call.beep + later
        sound = clean
        if noise != "none":
            sound = sound + at_level(self._noise(noise, len(sound), draw), level - snr)
        sound = faults.disturbed(draw, fault, sound, clean, level)
        codec = draw.choice(["ulaw", "alaw", "gsm", "g726"])
        call.sound = coded(np.clip(sound, -1, 1), codec)
        if fault == "coded twice":
            call.sound = coded(call.sound, draw.choice(["gsm", "ulaw", "g726"]))
        loss = draw.choice(["none", "none", "random", "burst"])
        call.lost = self._lost(draw, loss, len(call.sound) // 160)
        if fault == "loss concealed":
            call.sound, call.lost = faults.concealed(call.sound, call.lost), frozenset()
        call.strata |= {"noise": noise, "codec": codec, "loss": loss, "line": fault}

    @staticmethod
    def _lost(draw: random.Random, loss: str, frames: int) -> frozenset[int]:
        share = draw.uniform(0.01, 0.08)
        if loss == "random":
            return frozenset(n for n in range(frames) if draw.random() < share)
        if loss == "burst":
            starts = [n for n in range(frames) if draw.random() < share / 3]
            return frozenset(n + more for n in starts for more in range(draw.randint(1, 5)) if n + more < frames)
        return frozenset()

    def _noise(self, sort: str, count: int, draw: random.Random) -> Samples:
        if sort == "music":
            return self.studio.music(draw, count)
        if sort == "babble":
            talk = np.zeros(count)
            for _ in range(4):
                _, speech = self.studio.machine(draw)
                talk += np.resize(speech / rms(speech), count)
            return talk
        white = np.random.default_rng(draw.getrandbits(32)).standard_normal(count)
        if sort == "white":
            return white
        spectrum = np.fft.rfft(white) / np.maximum(np.arange(count // 2 + 1), count * 60 / RATE)
        return np.fft.irfft(spectrum, count)


def v21(bits: str) -> Samples:
    """Bits at 300 baud in V.21's channel 2."""
    ends = np.round(np.arange(len(bits) + 1) * RATE / 300).astype(int)
    hertz = np.repeat([1650.0 if bit == "1" else 1850.0 for bit in bits], np.diff(ends))
    return np.asarray(np.sin(2 * np.pi * np.cumsum(hertz) / RATE))


def coded(sound: Samples, codec: str) -> Samples:
    """Through the codec and back."""
    with io.BytesIO() as file:
        subtype = {"ulaw": "ULAW", "alaw": "ALAW", "gsm": "GSM610", "g726": "G721_32"}[codec]
        soundfile.write(file, sound, RATE, format="WAV", subtype=subtype)
        file.seek(0)
        return np.asarray(soundfile.read(file, dtype="float64")[0])[: len(sound)]


def pcm(sound: Samples) -> bytes:
    """As 16-bit samples."""
    return np.clip(np.round(sound * 32767), -32768, 32767).astype("<i2").tobytes()
