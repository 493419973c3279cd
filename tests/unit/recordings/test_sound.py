"""The length of a recorded file, and the header of one that nobody closed."""

from __future__ import annotations

import io
import struct
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.recordings.sound import finish

RATE = 8000


def wav(samples: bytes, rate: int = RATE) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as opened:
        opened.setnchannels(1)
        opened.setsampwidth(2)
        opened.setframerate(rate)
        opened.writeframes(samples)
    return file.getvalue()


def sizes(whole: bytes, data: int) -> bytes:
    """The file with other lengths in its header, as one that was not closed has them."""
    return whole[:4] + struct.pack("<I", data + 36 if data else 0) + whole[8:40] + struct.pack("<I", data) + whole[44:]


def samples_of(path: Path) -> bytes:
    with wave.open(str(path), "rb") as opened:
        return opened.readframes(opened.getnframes())


def test_a_file_that_was_closed_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    whole = wav(b"\1\2" * 12_000)
    path.write_bytes(whole)
    assert finish(path, "wav") == 1.5
    assert path.read_bytes() == whole


@pytest.mark.parametrize("claimed", [0, 2**31])
def test_a_file_that_was_not_closed_is_mended(tmp_path: Path, claimed: int) -> None:
    path = tmp_path / "a.wav"
    whole = wav(b"\1\2" * 4000)
    path.write_bytes(sizes(whole, claimed))
    assert finish(path, "wav") == 0.5
    assert path.read_bytes() == whole
    assert finish(path, "wav") == 0.5


@given(st.integers(0, 2**32 - 37), st.integers(0, 400))
def test_what_was_said_is_there_whatever_the_header_claims(
    tmp_path_factory: pytest.TempPathFactory, claimed: int, there: int
) -> None:
    path = tmp_path_factory.mktemp("wav") / "a.wav"
    samples = bytes(range(1, 3)) * there
    path.write_bytes(sizes(wav(samples), claimed))
    length = finish(path, "wav")
    whole = claimed == 0 or claimed > len(samples)
    assert length == (len(samples) if whole else claimed) / (2 * RATE)
    if whole:
        assert samples_of(path) == samples


@given(st.binary(max_size=200))
def test_no_file_is_too_strange(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("strange") / "a.wav"
    for start in (b"", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEfmt \2\0\0\0"):
        path.write_bytes(start + content)
        assert finish(path, "wav") >= 0
        assert path.stat().st_size == len(start + content)


@pytest.mark.parametrize(("format", "size", "seconds"), [("ulaw", 4000, 0.5), ("gsm", 3300, 2.0), ("mp3", 500, 0.0)])
def test_other_formats(tmp_path: Path, format: str, size: int, seconds: float) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(size))
    assert finish(path, format) == seconds
