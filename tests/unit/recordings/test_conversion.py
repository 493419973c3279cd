"""Recordings in other formats: the same tone at the same level, for as long, in little memory."""

from __future__ import annotations

import shutil
import subprocess
import tracemalloc
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ari_app.recordings import conversion
from ari_app.recordings.conversion import FORMATS, CannotConvert, Source, convert
from tests.harness import audio

TONE, OTHER = 440, 1000
SECONDS = 3.3


def wav(path: Path, samples: audio.Samples, rate: int = audio.RATE) -> Source:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(audio.to_pcm(samples))
    return Source(path, "wav")


def read(path: Path, name: str) -> tuple[audio.Samples, int]:
    """Frames and channels of a file, and its rate. What has no header is what we say it is."""
    bare = {"ulw": "ULAW", "vox": "VOX_ADPCM"}.get(name)
    if name == "aac":
        command = ["ffmpeg", "-loglevel", "error", "-i", str(path), "-f", "wav", str(path.with_suffix(".wav"))]
        subprocess.run(command, check=True, timeout=60)
        path = path.with_suffix(".wav")
    if bare is None:
        found, rate = soundfile.read(path, always_2d=True)
    else:
        found, rate = soundfile.read(
            path, always_2d=True, samplerate=8000, channels=1, format="RAW", subtype=bare, endian="LITTLE"
        )
    return np.asarray(found), rate


needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
names = pytest.mark.parametrize("name", [pytest.param(n, marks=needs_ffmpeg if n == "aac" else ()) for n in FORMATS])


@names
def test_a_tone_stays_what_it_is(name: str, tmp_path: Path) -> None:
    convert([wav(tmp_path / "in.wav", audio.sine(TONE, SECONDS))], tmp_path / "out", name)
    found, rate = read(tmp_path / "out", name)
    assert (rate, found.shape[1]) == (8000, 1)
    assert len(found) / rate == pytest.approx(SECONDS, abs=0.35)  # MP3 and AAC are made of whole frames
    middle = found[8000:16_000, 0]
    assert audio.level(middle, TONE) == pytest.approx(audio.TONE_LEVEL, abs=1)
    assert audio.level(middle, OTHER) < audio.TONE_LEVEL - 30


@names
def test_left_and_right(name: str, tmp_path: Path) -> None:
    left = wav(tmp_path / "left.wav", audio.sine(TONE, SECONDS))
    right = wav(tmp_path / "right.wav", audio.sine(OTHER, 1.5))
    convert([left, Source(right.path, "wav", after=0.5)], tmp_path / "out", name)
    found, _ = read(tmp_path / "out", name)
    assert len(found) / 8000 == pytest.approx(SECONDS, abs=0.35)
    both = found[9_600:14_400]  # 1.2 s to 1.8 s
    if FORMATS[name].bare:  # mixed: each is half as loud
        for tone in (TONE, OTHER):
            assert audio.level(both[:, 0], tone) == pytest.approx(audio.TONE_LEVEL - 6, abs=1)
        return
    for channel, tone, not_there in ((0, TONE, OTHER), (1, OTHER, TONE)):
        assert audio.level(both[:, channel], tone) == pytest.approx(audio.TONE_LEVEL, abs=1)
        assert audio.level(both[:, channel], not_there) < audio.TONE_LEVEL - 30
    # before it began, and after its end, the right one is silent
    assert audio.level(found[:3_000, 1], OTHER) < audio.NOT_HEARD
    assert audio.level(found[-6_000:, 1], OTHER) < audio.NOT_HEARD


def test_what_began_later_is_later_by_the_sample(tmp_path: Path) -> None:
    ones = np.full(100, 0.5)
    convert(
        [wav(tmp_path / "a.wav", ones), Source(wav(tmp_path / "b.wav", ones).path, "wav", after=2.5)],
        tmp_path / "out.wav",
        "wav",
    )
    found, _ = read(tmp_path / "out.wav", "wav")
    assert len(found) == 20_100
    assert np.flatnonzero(found[:, 0] > 0.4).tolist() == list(range(100))
    assert np.flatnonzero(found[:, 1] > 0.4).tolist() == list(range(20_000, 20_100))


@pytest.mark.parametrize(("name", "rate"), [("ulw", 8000), ("vox", 8000), ("wav", 16_000), ("ogg", 16_000)])
def test_wideband_is_resampled_where_the_format_is_narrow(name: str, rate: int, tmp_path: Path) -> None:
    samples = np.repeat(audio.sine(TONE, 2 * SECONDS), 1)  # at 16 kHz it is an octave higher
    convert([Source(wav(tmp_path / "in.wav", samples, rate=16_000).path, "wav16")], tmp_path / "out", name)
    found, found_rate = read(tmp_path / "out", name)
    assert found_rate == rate
    assert len(found) / rate == pytest.approx(SECONDS, abs=0.05)
    heard = 2 * TONE if rate == 8000 else TONE  # `level` counts in samples of 8 kHz
    assert audio.level(found[8000:16_000, 0], heard) == pytest.approx(audio.TONE_LEVEL, abs=1)


def test_what_asterisk_writes_without_a_header_is_read(tmp_path: Path) -> None:
    samples = audio.sine(TONE, SECONDS)
    for format, encoding in (("ulaw", "ULAW"), ("alaw", "ALAW"), ("gsm", "GSM610"), ("sln", "PCM_16")):
        path = tmp_path / f"in.{format}"
        soundfile.write(path, samples, 8000, format="RAW", subtype=encoding, endian="LITTLE")
        convert([Source(path, format)], tmp_path / "out.wav", "wav")
        found, _ = read(tmp_path / "out.wav", "wav")
        assert len(found) / 8000 == pytest.approx(SECONDS, abs=0.03)
        assert audio.level(found[8000:16_000, 0], TONE) == pytest.approx(audio.TONE_LEVEL, abs=1)


def test_an_empty_recording_is_an_empty_file(tmp_path: Path) -> None:
    convert([wav(tmp_path / "in.wav", np.zeros(0))], tmp_path / "out.wav", "wav")
    assert len(read(tmp_path / "out.wav", "wav")[0]) == 0


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no sound at all" * 100])
def test_what_is_no_sound_is_an_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "in.wav").write_bytes(content)
    with pytest.raises(CannotConvert):
        convert([Source(tmp_path / "in.wav", "wav")], tmp_path / "out", "mp3")


def test_a_format_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CannotConvert, match="g729"):
        convert([Source(tmp_path / "in.g729", "g729")], tmp_path / "out", "mp3")


def test_without_ffmpeg_aac_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotConvert, match="ffmpeg"):
        convert([wav(tmp_path / "in.wav", audio.sine(TONE, 0.1))], tmp_path / "out", "aac")


@pytest.mark.parametrize(
    "script", ["echo no such codec >&2; exit 3", "cat > /dev/null; echo no such codec >&2; exit 3"]
)
def test_what_ffmpeg_complains_of_is_told(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it ends before it has read everything, or after."""
    program = tmp_path / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(CannotConvert, match="no such codec"):
        convert([wav(tmp_path / "in.wav", audio.sine(TONE, 60))], tmp_path / "out", "aac")


def test_ffmpeg_that_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(conversion, "FFMPEG_LIMIT", 0.2)
    with pytest.raises(CannotConvert, match="status -9"):
        convert([wav(tmp_path / "in.wav", audio.sine(TONE, 60))], tmp_path / "out", "aac")


@pytest.mark.parametrize("name", ["mp3", "wavM"])
def test_memory_does_not_grow_with_the_recording(name: str, tmp_path: Path) -> None:
    source = wav(tmp_path / "in.wav", np.tile(audio.sine(TONE, 1), 180))
    tracemalloc.start()
    try:
        convert([source, source], tmp_path / "out", name)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 3_000_000  # one and a half million samples are 6 MB
