"""Hours of music that a caller may be left with, for beeps that are none. All by one seed.

Real titles (Asterisk's music on hold, sped up, slowed down, quieter), pieces that are composed here and played by
sampled instruments (fluidsynth), and electronic tunes of one voice. The parts share no title, no style, no melody's
instrument and no sound font; each piece goes through a codec, some with noise.
"""

from __future__ import annotations

import hashlib
import random
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from bench.cpa.calls import at_level, coded
from bench.cpa.voices import CACHE, MUSIC, RATE, Samples, load

FONTS = {"tuning": "TimGM6mb.sf2", "test": "FluidR3_GM.sf2"}
_FONTS_AT = Path("/usr/share/sounds/sf2")
_TICKS = 480  # a quarter
_DRUMS = 9  # the channel of General MIDI
_MAJOR, _MINOR, _FIVE = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9)


@dataclass(frozen=True)
class Style:
    """How pieces are made. Programs are General MIDI's, from 0."""

    melody: tuple[int, ...]
    chords: tuple[int, ...] = ()
    bass: tuple[int, ...] = ()
    drums: bool = False
    tempo: tuple[int, int] = (80, 120)  # quarters a minute
    octave: tuple[int, int] = (60, 84)  # MIDI keys of the melody
    rests: float = 0.12  # share of the melody's notes that are none
    long: float = 0.15  # share that is held for two to four quarters
    scale: tuple[int, ...] = _MAJOR
    arpeggio: bool = False


STYLES: dict[str, dict[str, Style]] = {
    "tuning": {
        "piano ballad": Style((0,), (0,), (0,), tempo=(60, 90), arpeggio=True),
        "strings": Style((40,), (48,), (42,), tempo=(60, 100), long=0.35, scale=_MINOR),
        "guitar, bossa": Style((24,), (24,), (32,), True, (100, 140)),
        "music box": Style((10,), (), (), tempo=(80, 120), octave=(72, 96), rests=0.2),
        "flute and harp": Style((73,), (46,), (), tempo=(66, 96), octave=(67, 93), long=0.3, rests=0.2, arpeggio=True),
        "synthesizer lead": Style((81,), (90,), (38,), True, (110, 140)),
        "vibraphone": Style((11,), (4,), (32,), True, (80, 130), octave=(65, 89), rests=0.25),
        "brass": Style((56,), (61,), (58,), True, (90, 130)),
        "recorder alone": Style((74,), octave=(72, 91), rests=0.25, long=0.3, tempo=(70, 120)),
        "church organ": Style((19,), (19,), (19,), tempo=(60, 90), long=0.4, scale=_MINOR),
        "xylophone": Style((13,), (13,), (), tempo=(90, 140), octave=(65, 96), scale=_FIVE),
        "kalimba alone": Style((108,), octave=(60, 88), tempo=(70, 120), rests=0.25, scale=_FIVE),
        "steel drums": Style((114,), (114,), (32,), True, (90, 130), octave=(60, 86)),
        "tinkle bell": Style((112,), (92,), (), tempo=(50, 90), octave=(67, 93), rests=0.3, long=0.4),
        "koto and dulcimer": Style((107, 15), (15,), (), tempo=(60, 100), rests=0.25, scale=_FIVE),
        "piccolo alone": Style((72,), octave=(74, 98), tempo=(70, 130), rests=0.25, long=0.25),
        "blown bottle": Style((76,), (), (32,), tempo=(60, 100), octave=(60, 88), rests=0.25, long=0.35),
        "shakuhachi alone": Style((77,), octave=(62, 89), tempo=(50, 90), rests=0.3, long=0.4, scale=_FIVE),
        "English horn": Style((69,), (45,), (42,), tempo=(60, 90), octave=(60, 84), rests=0.25, long=0.35),
        "calliope": Style((82,), octave=(65, 91), tempo=(80, 130), rests=0.25, long=0.3, scale=_MINOR),
    },
    "test": {
        "electric piano": Style((4,), (5,), (33,), True, (70, 110), rests=0.2),
        "choir": Style((52,), (53,), (43,), tempo=(55, 80), long=0.4),
        "celesta and glockenspiel": Style((8, 9), (8,), (), tempo=(70, 120), octave=(72, 98), rests=0.25),
        "pan pipes": Style((75,), (48,), (32,), tempo=(65, 100), octave=(67, 91), long=0.35, rests=0.2),
        "whistle": Style((78,), (25,), (32,), True, (80, 120), octave=(72, 91), long=0.25, rests=0.2),
        "pop": Style((29,), (27,), (34,), True, (100, 130), scale=_FIVE),
        "square lead": Style((80,), (50,), (39,), True, (110, 150), octave=(60, 90)),
        "marimba": Style((12,), (12,), (), tempo=(90, 140), scale=_FIVE),
        "tubular bells": Style((14,), (49,), (), tempo=(50, 80), rests=0.3, long=0.5),
        "clarinet alone": Style((71,), octave=(60, 89), rests=0.25, long=0.35, tempo=(60, 110), scale=_MINOR),
        "oboe and strings": Style((68,), (48,), (43,), tempo=(60, 90), octave=(64, 88), long=0.35),
        "ocarina alone": Style((79,), octave=(72, 93), rests=0.3, long=0.35, tempo=(60, 110)),
    },
}
#: Electronic tunes, of one voice: the share of their overtones (none: sines, each note is what a beep is).
_TUNES = {
    "tuning": {
        "tune of sines": (1.0,),
        "tune of soft squares": (1.0, 0, 0.33, 0, 0.2),
        "tune with twelfths": (1.0, 0, 0.16),
        "tune of rounded saws": (1.0, 0.3, 0.1),
    },
    "test": {"tune of sines": (1.0,), "tune of triangles": (1.0, 0, 0.11, 0, 0.04), "tune with octaves": (1.0, 0.5)},
}
#: (start in ticks, length in ticks, channel, key, velocity)
Note = tuple[int, int, int, int, int]


@dataclass(frozen=True)
class Piece:
    """One piece, as it is heard over the telephone."""

    title: str
    style: str
    sound: Samples


def _key(scale: tuple[int, ...], degree: int, base: int) -> int:
    octave, step = divmod(degree, len(scale))
    return base + 12 * octave + scale[step]


def _melody(draw: random.Random, style: Style, base: int, bars: int, roots: list[int]) -> list[Note]:
    motifs = [_motif(draw, style) for _ in range(3)]
    low, high = style.octave
    notes: list[Note] = []
    degree = 7
    for bar in range(bars):
        at = bar * 4 * _TICKS
        if draw.random() < 0.12 and bar % 4 == 3:
            continue  # a breath between phrases
        for length in draw.choice(motifs):
            degree = max(0, min(3 * len(style.scale), degree + draw.choice([-3, -2, -1, -1, 0, 1, 1, 2, 3])))
            if draw.random() < 0.4:
                degree += (roots[bar] - degree) % 2  # towards the chord
            key = _key(style.scale, degree, base)
            while key > high:
                key -= 12
            while key < low:
                key += 12
            if draw.random() >= style.rests:
                notes.append((at, int(length * draw.choice([0.5, 0.9, 0.98])), 0, key, draw.randint(70, 115)))
            at += length
    return notes


def _motif(draw: random.Random, style: Style) -> list[int]:
    """The rhythm of a bar."""
    left, lengths = 4 * _TICKS, list[int]()
    while left > 0:
        quarters = draw.choice([2, 3, 4]) if draw.random() < style.long else draw.choice([0.5, 0.5, 1, 1, 1.5])
        lengths.append(min(left, int(quarters * _TICKS)))
        left -= lengths[-1]
    return lengths


def _accompaniment(draw: random.Random, style: Style, base: int, bars: int, roots: list[int]) -> list[Note]:
    notes: list[Note] = []
    bar_ticks = 4 * _TICKS
    for bar in range(bars):
        chord = [_key(style.scale, roots[bar] + step, base) for step in (0, 2, 4)]
        at = bar * bar_ticks
        if style.chords and style.arpeggio:
            notes += [
                (at + n * _TICKS // 2, _TICKS // 2, 1, chord[(0, 1, 2, 1)[n % 4]], draw.randint(50, 75))
                for n in range(8)
            ]
        elif style.chords:
            notes += [(at, bar_ticks - 30, 1, key, draw.randint(50, 80)) for key in chord]
        if style.bass:
            notes += [(at + n * 2 * _TICKS, 2 * _TICKS - 40, 2, chord[0] - 24, 85) for n in range(2)]
        if style.drums:
            for eighth in range(8):
                tick = at + eighth * _TICKS // 2
                notes.append((tick, 60, _DRUMS, 42, draw.randint(40, 70)))
                if eighth in (0, 5):
                    notes.append((tick, 60, _DRUMS, 36, 100))
                if eighth in (2, 6):
                    notes.append((tick, 60, _DRUMS, 38, 95))
    return notes


def compose(draw: random.Random, style: Style, seconds: float) -> tuple[list[Note], dict[int, int], int]:
    """Notes, programs by channel, tempo in microseconds a quarter."""
    tempo = draw.randint(*style.tempo)
    bars = max(4, round(seconds * tempo / 240))
    base = 60 + draw.randint(-5, 6)
    turn = [draw.choice([0, 0, 3, 4, 5, 1]) for _ in range(4)]
    roots = [turn[bar % 4] for bar in range(bars)]
    notes = _melody(draw, style, base, bars, roots) + _accompaniment(draw, style, base - 12, bars, roots)
    programs = {0: draw.choice(style.melody)}
    for channel, choice in ((1, style.chords), (2, style.bass)):
        if choice:
            programs[channel] = draw.choice(choice)
    return notes, programs, 60_000_000 // tempo


def midi(notes: list[Note], programs: dict[int, int], tempo: int) -> bytes:
    """A Standard MIDI File of one track."""
    events = [(0, 0, bytes([0xFF, 0x51, 3]) + tempo.to_bytes(3, "big"))]
    events += [(0, 0, bytes([0xC0 | channel, program])) for channel, program in programs.items()]
    for at, length, channel, key, velocity in notes:
        events.append((at, 2, bytes([0x90 | channel, key, velocity])))
        events.append((at + max(10, length), 1, bytes([0x80 | channel, key, 64])))
    track, last = bytearray(), 0
    for at, _, event in sorted(events, key=lambda one: one[:2]):
        track += _variable(at - last) + event
        last = at
    track += b"\x00\xff\x2f\x00"
    return struct.pack(">4sIHHH4sI", b"MThd", 6, 0, 1, _TICKS, b"MTrk", len(track)) + bytes(track)


def _variable(value: int) -> bytes:
    found = [value & 0x7F]
    while value := value >> 7:
        found.append(0x80 | value & 0x7F)
    return bytes(reversed(found))


def _played(file: bytes, font: str) -> Samples:
    """By sampled instruments; kept in var/cpa. Raises FileNotFoundError without fluidsynth or the sound font."""
    path = CACHE / "music" / f"{hashlib.sha256(file + font.encode()).hexdigest()[:24]}.wav"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not (_FONTS_AT / font).exists():
            raise FileNotFoundError(f"{_FONTS_AT / font}: make cpa-eval installs it")
        with tempfile.TemporaryDirectory() as directory:
            score, wav = Path(directory, "score.mid"), Path(directory, "out.wav")
            score.write_bytes(file)
            command = ["fluidsynth", "-n", "-i", "-q", "-R", "1", "-C", "0", "-g", "0.6", "-r", "22050", "-F", str(wav)]
            subprocess.run([*command, str(_FONTS_AT / font), str(score)], check=True, capture_output=True, timeout=300)
            soundfile.write(path, load(wav), RATE, subtype="PCM_16")
    return load(path)


def _tune(draw: random.Random, overtones: tuple[float, ...], seconds: float) -> Samples:
    """An electronic tune, of one voice, with pauses."""
    parts: list[Samples] = []
    base, scale = draw.choice([392, 440, 494, 523]), draw.choice([_MAJOR, _MINOR, _FIVE])
    beat = 60 / draw.randint(80, 150)
    degree = 4
    while sum(map(len, parts)) < seconds * RATE:
        for _ in range(draw.randint(5, 12)):
            degree = max(-3, min(12, degree + draw.choice([-3, -2, -1, 0, 1, 2, 3])))
            hertz = base * 2 ** (_key(scale, degree, 0) / 12)
            length, sounds = beat * draw.choice([0.5, 0.5, 1, 1, 2]), draw.choice([0.6, 0.9, 1.0])
            time = np.arange(int(length * sounds * RATE)) / RATE
            note = sum(share * np.sin(2 * np.pi * hertz * (n + 1) * time) for n, share in enumerate(overtones))
            fall = np.exp(-time * draw.choice([0, 0, 2, 5])) * np.minimum(1, np.minimum(time, time[-1] - time) / 0.004)
            parts += [np.asarray(note) * fall, np.zeros(int(length * (1 - sounds) * RATE))]
        parts.append(np.zeros(int(draw.choice([0, beat, 2 * beat, 1.5]) * RATE)))
    return np.concatenate(parts)


def _titles(part: str) -> list[Path]:
    titles = sorted(MUSIC.glob("*.wav"))
    return titles[:2] if part == "tuning" else titles[2:]


def _over_the_line(draw: random.Random, sound: Samples) -> Samples:
    level = draw.uniform(-32, -14)
    sound = at_level(sound, level)
    if draw.random() < 0.3:
        white = np.random.default_rng(draw.getrandbits(32)).standard_normal(len(sound))
        sound = sound + at_level(white, level - draw.uniform(20, 40))
    return coded(np.clip(sound, -1, 1), draw.choice(["ulaw", "alaw", "gsm"]))


def pieces(part: str, seed: int, scale: float = 1.0) -> Iterator[Piece]:
    """Of scale 1: some four hours for the test, five for tuning."""
    for path in _titles(part):
        for speed in (1.0, 0.84, 0.92, 1.0, 1.07, 1.17)[: max(1, round(6 * scale))]:
            draw = random.Random(f"{seed}/{part}/{path.name}/{speed}")
            sound, rate = soundfile.read(path)
            changed = sound if speed == 1.0 else soxr.resample(sound, rate * speed, RATE)
            yield Piece(f"{path.stem} x{speed}", "Asterisk's music on hold", _over_the_line(draw, changed))
    for name, style in STYLES[part].items():
        for number in range(max(1, round(5 * scale))):
            draw = random.Random(f"{seed}/{part}/{name}/{number}")
            sound = _played(midi(*compose(draw, style, 150)), FONTS[part])
            yield Piece(f"{name} {number}", name, _over_the_line(draw, sound))
    for name, overtones in _TUNES[part].items():
        for number in range(max(1, round(3 * scale))):
            draw = random.Random(f"{seed}/{part}/{name}/{number}")
            yield Piece(f"{name} {number}", name, _over_the_line(draw, _tune(draw, overtones, 120)))
