"""The voices: synthesised ones and those recorded for Asterisk, each in one part only."""

from __future__ import annotations

import hashlib
import random
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from bench.cpa import texts

Samples = NDArray[np.float64]
RATE = 8000
CACHE = Path(__file__).parents[2] / "var" / "cpa"
SOUNDS = Path("/usr/share/asterisk/sounds")
MUSIC = Path("/usr/share/asterisk/moh")
ENGINES = {
    "tuning": [
        "flite slt", "flite rms", "flite awb", "festival kal_diphone",
        "espeak-ng en-us", "espeak-ng en-us+f2", "espeak-ng en-gb+m3",
        "espeak-ng en-us+klatt2", "espeak-ng en-gb+Andrea", "espeak-ng en-us+Michael",
    ],
    "test": [
        "flite kal16", "festival cmu_us_slt_arctic_hts", "espeak-ng en-gb-scotland", "espeak-ng en-gb-x-rp+f4",
        "espeak-ng en-029+m5", "espeak-ng en-us+Annie", "espeak-ng en-gb+klatt4",
    ],
}  # fmt: skip
#: The same of other languages, by the language of texts.ABROAD.
ABROAD = {
    "tuning": {"de": "espeak-ng de+m1", "pt": "espeak-ng pt-br+f1", "nl": "espeak-ng nl+m2", "pl": "espeak-ng pl+f3"},
    "test": {"es": "espeak-ng es-419+m4", "fr": "espeak-ng fr-fr+f5", "it": "espeak-ng it+m6", "sv": "espeak-ng sv+f4"},
}
#: A speaker is in one part only, in whatever language.
RECORDED = {
    "tuning": ["en_US_f_Allison", "es_MX_f_Allison", "it_IT_f_Menardi", "fr"],
    "test": ["fr_CA_f_June", "it_IT_m_Carlo", "ru_RU_f_IvrvoiceRU", "es"],
}
#: Prompts that are no speech.
_NO_SPEECH = (
    "beep",
    "tone",
    "silence",
    "tick",
    "ascending",
    "descending",
    "dir-",
    "ring",
    "click",
    "confbridge-join",
    "confbridge-leave",
)


def load(path: Path) -> Samples:
    """A sound file as samples of -1..1 at 8 kHz."""
    bare = {"samplerate": RATE, "channels": 1, "format": "RAW", "subtype": "GSM610"} if path.suffix == ".gsm" else {}
    data, rate = soundfile.read(path, dtype="float64", always_2d=True, **bare)
    mono = data.mean(axis=1)
    return mono if rate == RATE else np.asarray(soxr.resample(mono, rate, RATE, "HQ"))


def recordings(voice: str) -> list[Path]:
    """The prompts of a voice of RECORDED that are spoken."""
    return [
        path for path in sorted((SOUNDS / voice).glob("**/*")) if path.suffix in (".wav", ".gsm") and is_speech(path)
    ]


def is_speech(path: Path) -> bool:
    """Whether one of Asterisk's sounds is a prompt that is spoken."""
    return path.parent.name != "silence" and not path.name.startswith(_NO_SPEECH)


def _seconds(path: Path) -> float:
    # 33 bytes are 20 ms
    return path.stat().st_size / 1650 if path.suffix == ".gsm" else float(soundfile.info(path).duration)


def trimmed(sound: Samples) -> Samples:
    """Without the silence before and after: more than 35 dB below its loudest 20 ms is silence."""
    count = len(sound) // 160
    if count == 0:
        return sound
    levels = np.sqrt((sound[: count * 160].reshape(count, 160) ** 2).mean(axis=1))
    there = np.flatnonzero(levels > levels.max() * 10 ** (-35 / 20))
    return sound[there[0] * 160 : (there[-1] + 1) * 160]


def speak(voice: str, text: str) -> Samples:
    """A text in a voice of ENGINES; kept in var/cpa."""
    path = CACHE / "speech" / f"{hashlib.sha256(f'{voice}/{text}'.encode()).hexdigest()[:24]}.wav"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        engine, _, name = voice.partition(" ")
        with tempfile.TemporaryDirectory() as directory:
            wav = f"{directory}/out.wav"
            command = {
                "flite": ["flite", "-voice", name, "-t", text, "-o", wav],
                "espeak-ng": ["espeak-ng", "-v", name, "-w", wav, text],
                "festival": ["text2wave", "-eval", f"(voice_{name})", "-o", wav],
            }[engine]
            subprocess.run(command, input=text.encode(), check=True, capture_output=True, timeout=30)
            soundfile.write(path, trimmed(load(Path(wav))), RATE, subtype="PCM_16")
    return load(path)


def another(draw: random.Random, sound: Samples) -> Samples:
    """Half of the time a smaller or a taller speaker, who speaks faster or slower."""
    if draw.random() < 0.5:
        return sound
    return np.asarray(soxr.resample(sound, RATE * draw.uniform(0.87, 1.15), RATE))


class Studio:
    """Everything that can be said in one part. hard: by people who greet at greater length, in other languages too,
    and half of all voices are changed (`another`)."""

    def __init__(self, part: str, *, hard: bool = False) -> None:
        self.part, self.hard = part, hard
        self.clips = [(voice, path) for voice in RECORDED[part] for path in recordings(voice)]
        lengths = [(voice, path, _seconds(path)) for voice, path in self.clips]
        self._words = [(voice, path) for voice, path, length in lengths if 0.35 <= length <= 1.9]
        self._phrases: dict[str, list[Path]] = {}
        for voice, path, length in lengths:
            if length >= 1.2:
                self._phrases.setdefault(voice, []).append(path)

    def human(self, draw: random.Random) -> tuple[str, Samples]:
        """A voice and what somebody says who takes a call."""
        if draw.random() < (0.45 if self.hard else 0.5):
            voice, path = draw.choice(self._words)
            return voice, self._said(draw, trimmed(load(path)))
        said = texts.HUMAN[self.part]
        if self.hard:
            if draw.random() < 0.2:
                language, voice = draw.choice(sorted(ABROAD[self.part].items()))
                return voice, another(draw, speak(voice, draw.choice(texts.ABROAD[language])))
            said = said + texts.MORE_HUMAN[self.part]
        voice = draw.choice(ENGINES[self.part])
        return voice, self._said(draw, speak(voice, draw.choice(said)))

    def machine(self, draw: random.Random) -> tuple[str, Samples]:
        """A voice and a greeting of a machine."""
        if draw.random() < 0.5:
            voice = draw.choice(RECORDED[self.part])
            parts: list[Samples] = []
            while sum(map(len, parts)) < draw.uniform(2.5, 8) * RATE:
                parts += [trimmed(load(draw.choice(self._phrases[voice])))]
                parts += [np.zeros(int(draw.uniform(0.15, 0.6) * RATE))]
            return voice, self._said(draw, np.concatenate(parts[:-1])[: 10 * RATE])
        voice = draw.choice(ENGINES[self.part])
        return voice, self._said(draw, speak(voice, draw.choice(texts.MACHINE[self.part])))

    def short_machine(self, draw: random.Random) -> tuple[str, Samples]:
        """A voice and a greeting that a human might have said."""
        voice = draw.choice(ENGINES[self.part])
        return voice, self._said(draw, speak(voice, draw.choice(texts.SHORT_MACHINE[self.part])))

    def _said(self, draw: random.Random, sound: Samples) -> Samples:
        return another(draw, sound) if self.hard else sound

    def music(self, draw: random.Random, count: int) -> Samples:
        """So many samples of music; each title is in one part only."""
        titles = sorted(MUSIC.glob("*.wav"))
        titles = titles[:2] if self.part == "tuning" else titles[2:]
        path = draw.choice(titles)
        start = draw.randrange(0, int((soundfile.info(path).duration * RATE) - count))
        data, _ = soundfile.read(path, start=start, frames=count, dtype="float64")
        return np.asarray(data)
