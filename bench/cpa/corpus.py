"""Audio that others made: a directory of sounds with labels, as calls whose truth is known.

    corpus/labels.csv            file,label[,greeting_end_ms][,beep_ms]     with a first line that names the columns
    corpus/calls/0001.wav ...

or, without labels.csv, a directory a label: corpus/human/*.wav, corpus/machine/*.mp3, corpus/fax/...

Sounds are as `python -m ari_app cpa` reads them (any rate; what has no header by the end of its name), from the answer
on. music and speech are listened to for tones that they do not have, and are no calls.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ari_app.errors import AppError
from ari_app.listening.command import sound_of
from bench.cpa.calls import Call
from bench.cpa.voices import RATE

#: What labels are called -> kinds of calls, as in calls.KINDS; and what is no call.
KINDS = {
    "human": "live", "live": "live", "person": "live", "lv": "live", "hum": "live",
    "machine": "machine", "am": "machine", "voicemail": "machine", "answering machine": "machine", "mach": "machine",
    "fax": "fax", "fx": "fax", "modem": "modem", "md": "modem",
    "sit": "sit", "special information": "sit",
    "ring": "ringing", "ringback": "ringing", "busy": "busy", "congestion": "busy",
    "dead": "dead", "silence": "dead", "nobody": "dead", "none": "dead",
    "music": "music", "speech": "speech",
}  # fmt: skip
NO_CALLS = ("music", "speech")
#: Of a call no more is heard: an analysis is over by then.
LONGEST_S = 40
#: What comes after the sound's end: a phone that sends nothing is silent, and recordings are cut short.
SILENCE_S = 3
_SOUNDS = {
    ".wav", ".ulaw", ".ul", ".ulw", ".alaw", ".al", ".gsm", ".sln", ".raw", ".vox", ".mp3", ".ogg", ".opus", ".flac",
    ".au", ".aif", ".aiff",
}  # fmt: skip


class BadCorpus(AppError):
    """The directory is not as it should be. Says which file and which line."""

    slug = "bad_corpus"


@dataclass(frozen=True)
class Labelled:
    """A sound and what it is. Times in ms; 0, None: not known."""

    path: Path
    kind: str
    stratum: str  # the directory it is in
    greeting_end: int = 0
    beep: int | None = None


def labelled(directory: Path) -> list[Labelled]:
    """What the directory has, in the order of names. Raises BadCorpus."""
    if not directory.is_dir():
        raise BadCorpus(f"{directory}: no directory")
    labels = directory / "labels.csv"
    found = list(_by_table(directory, labels) if labels.exists() else _by_directory(directory))
    if not found:
        raise BadCorpus(f"{directory}: neither labels.csv nor a directory a label ({', '.join(sorted(KINDS))})")
    return found


def _kind(label: str, where: str) -> str:
    try:
        return KINDS[label.strip().lower().replace("_", " ")]
    except KeyError:
        raise BadCorpus(f'{where}: the label "{label}" is none of {", ".join(sorted(KINDS))}') from None


def _by_directory(directory: Path) -> Iterator[Labelled]:
    for folder in sorted(path for path in directory.iterdir() if path.is_dir()):
        kind = _kind(folder.name, str(folder))
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in _SOUNDS:
                yield Labelled(path, kind, folder.name)


def _by_table(directory: Path, labels: Path) -> Iterator[Labelled]:
    with labels.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        if rows.fieldnames is None or not {"file", "label"} <= set(rows.fieldnames):
            raise BadCorpus(f"{labels}: the first line names the columns: file,label,greeting_end_ms,beep_ms")
        for number, row in enumerate(rows, 2):
            where = f"{labels}, line {number}"
            path = (directory / row["file"]).resolve()
            if not path.is_relative_to(directory.resolve()) or not path.is_file():
                raise BadCorpus(f"{where}: there is no file {row['file']} in the directory")
            end, beep = (_ms(row.get(name), f"{where}: {name}") for name in ("greeting_end_ms", "beep_ms"))
            yield Labelled(path, _kind(row["label"] or "", where), path.parent.name, end or 0, beep)


def _ms(text: str | None, where: str) -> int | None:
    if not (text or "").strip():
        return None
    try:
        value = round(float(str(text)))
    except (ValueError, OverflowError):
        raise BadCorpus(f"{where}: milliseconds, not {text}") from None
    if value < 0:
        raise BadCorpus(f"{where}: milliseconds from 0, not {text}")
    return value


def calls(sounds: list[Labelled]) -> list[Call]:
    """Those that are calls, read; of each LONGEST_S at most. Raises BadCorpus for what is no sound."""
    return [
        Call(
            number,
            one.kind,
            {"voice": one.stratum, "file": one.path.name},
            np.concatenate([read(one)[: LONGEST_S * RATE], np.zeros(SILENCE_S * RATE)]),
            frozenset(),
            one.greeting_end,
            one.beep,
            {"length": 0.5},
        )
        for number, one in enumerate(sounds)
        if one.kind not in NO_CALLS
    ]


def read(one: Labelled) -> np.ndarray:
    """Its samples of -1..1 at 8 kHz, whole frames."""
    try:
        data = sound_of(one.path)
    except AppError as error:
        raise BadCorpus(f"{one.path}: {error}") from None
    samples = np.frombuffer(data, "<i2") / 32767
    return np.concatenate([samples, np.zeros(-len(samples) % 160)])
