"""Recordings in the formats that people ask for: read, resampled and written block by block, in bounded memory.

    ulw   mu-law, 8 kHz, one channel, no header         wav    16-bit PCM
    vox   Dialogic (OKI) ADPCM, the same                wavM   mu-law in a WAV file
    mp3   MPEG layer III                                 ogg    Vorbis
    aac   ADTS; by the program ffmpeg                    au     mu-law with Sun's header

What has a header keeps the rate of the recording; two recordings side by side are its left and right channel. What has
none is 8 kHz, with the channels mixed.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np
import soundfile
import soxr

from ari_app.errors import AppError

Samples = np.ndarray[Any, np.dtype[np.float32]]

#: frames that are in memory at a time
BLOCK = 16_384
#: of the telephone, in Hz
RATE = 8000
#: bit/s of a channel of AAC
_AAC_RATE = 32_000
#: seconds that ffmpeg may take for anything
FFMPEG_LIMIT = 900.0
_COMPLAINT = 300
_FFMPEG = "-nostdin -loglevel error -y -f s16le -ar {rate} -ac {channels} -i pipe:0 -c:a aac -b:a {bits} -f adts"


class CannotConvert(AppError):
    """The recording cannot be given out in this format."""

    slug = "cannot_convert"


@dataclass(frozen=True)
class Format:
    """What can be asked for. container, encoding: as libsndfile names them; "": it cannot."""

    content_type: str
    container: str
    encoding: str
    #: nothing in it says a rate, or how many channels there are
    bare: bool = False


FORMATS: dict[str, Format] = {
    "ulw": Format("audio/basic", "RAW", "ULAW", bare=True),
    "vox": Format("audio/x-vox", "RAW", "VOX_ADPCM", bare=True),
    "mp3": Format("audio/mpeg", "MP3", "MPEG_LAYER_III"),
    "wav": Format("audio/wav", "WAV", "PCM_16"),
    "wavM": Format("audio/wav", "WAV", "ULAW"),
    "ogg": Format("audio/ogg", "OGG", "VORBIS"),
    "aac": Format("audio/aac", "", ""),
    "au": Format("audio/basic", "AU", "ULAW"),
}

#: Asterisk's name of a format without a header -> its encoding and rate
_BARE = {
    "ulaw": ("ULAW", RATE),
    "ul": ("ULAW", RATE),
    "alaw": ("ALAW", RATE),
    "al": ("ALAW", RATE),
    "gsm": ("GSM610", RATE),
    "vox": ("VOX_ADPCM", RATE),
    "sln": ("PCM_16", RATE),
    "sln16": ("PCM_16", 2 * RATE),
}


@dataclass(frozen=True)
class Source:
    """A file to be read. format: Asterisk's name. after: seconds of silence before it."""

    path: Path
    format: str
    after: float = 0.0


class _Writer(Protocol):
    def write(self, block: Samples) -> None: ...


def convert(sources: Sequence[Source], target: Path, name: str) -> None:
    """Write one recording, or the left and the right one, in one of FORMATS. Belongs in a thread.

    Raises:
        CannotConvert: a source cannot be read, or ffmpeg is missing or fails.
        OSError
    """
    wanted = FORMATS[name]
    try:
        with ExitStack() as stack:
            files = [stack.enter_context(_opened(source)) for source in sources]
            rate = RATE if wanted.bare else max(file.samplerate for file in files)
            read = [_resampled(file, rate, source.after) for file, source in zip(files, sources, strict=True)]
            blocks = read[0] if len(read) == 1 else _side_by_side(read)
            channels = 1 if wanted.bare else files[0].channels if len(files) == 1 else len(files)
            writer = stack.enter_context(_writer(target, wanted, rate, channels))
            for block in blocks:
                writer.write(block.mean(axis=1, keepdims=True) if wanted.bare else block)
    except soundfile.LibsndfileError as error:
        raise CannotConvert(f"the recording cannot be converted: {error}") from None


def _opened(source: Source) -> soundfile.SoundFile:
    if source.format not in _BARE and source.format not in ("wav", "wav16", "wav49", "WAV", "au"):
        raise CannotConvert(f"recordings in {source.format} cannot be converted")
    bare = _BARE.get(source.format)
    if bare is None:
        return soundfile.SoundFile(source.path)
    encoding, rate = bare
    return soundfile.SoundFile(
        source.path, samplerate=rate, channels=1, format="RAW", subtype=encoding, endian="LITTLE"
    )


def _resampled(file: soundfile.SoundFile, rate: int, after: float) -> Iterator[Samples]:
    """The silence, and the file; blocks of frames and channels."""
    silent = round(after * rate)
    while silent > 0:
        yield np.zeros((min(silent, BLOCK), file.channels), dtype=np.float32)
        silent -= BLOCK
    if file.samplerate == rate:
        yield from _blocks(file)
        return
    stream = soxr.ResampleStream(file.samplerate, rate, file.channels, dtype="float32")
    for block in _blocks(file):
        yield np.clip(stream.resample_chunk(block), -1.0, 1.0)
    yield np.clip(stream.resample_chunk(np.zeros((0, file.channels), dtype=np.float32), last=True), -1.0, 1.0)


def _blocks(file: soundfile.SoundFile) -> Iterator[Samples]:
    # not SoundFile.blocks, which has to know the length: of GSM nobody does
    while len(block := file.read(BLOCK, dtype="float32", always_2d=True)):
        yield block


def _side_by_side(sources: Sequence[Iterator[Samples]]) -> Iterator[Samples]:
    """One channel of each; where one has ended, silence."""
    nothing = np.zeros(0, dtype=np.float32)
    for blocks in zip_longest(*map(_even, sources), fillvalue=nothing):
        longest = max(len(block) for block in blocks)
        yield np.stack([np.pad(block, (0, longest - len(block))) for block in blocks], axis=1)


def _even(blocks: Iterator[Samples]) -> Iterator[Samples]:
    """One channel, in blocks of the same length, except the last."""
    kept = np.zeros(0, dtype=np.float32)
    for block in blocks:
        kept = np.concatenate([kept, block.mean(axis=1)])
        while len(kept) >= BLOCK:
            yield kept[:BLOCK]
            kept = kept[BLOCK:]
    if len(kept):
        yield kept


def _writer(target: Path, wanted: Format, rate: int, channels: int) -> Any:
    if not wanted.container:
        return _Ffmpeg(target, rate, channels)
    return soundfile.SoundFile(
        target, "w", samplerate=rate, channels=channels, format=wanted.container, subtype=wanted.encoding
    )


class _Ffmpeg:
    """Writes AAC, in a process of its own; it reads as fast as it encodes."""

    def __init__(self, target: Path, rate: int, channels: int) -> None:
        program = shutil.which("ffmpeg")
        if program is None:
            raise CannotConvert("aac needs the program ffmpeg, which is not installed on the server")
        self._complaint = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        self._process = subprocess.Popen(
            [program, *_FFMPEG.format(rate=rate, channels=channels, bits=_AAC_RATE * channels).split(), str(target)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._complaint,
        )
        self._limit = threading.Timer(FFMPEG_LIMIT, self._process.kill)

    def __enter__(self) -> _Ffmpeg:
        self._limit.daemon = True
        self._limit.start()
        return self

    def write(self, block: Samples) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(np.round(block * 32767).astype("<i2").tobytes())
        except BrokenPipeError:
            raise self._failed() from None

    def _failed(self) -> CannotConvert:
        self._process.wait()
        self._complaint.seek(0)
        said = self._complaint.read(_COMPLAINT).decode(errors="replace").strip()
        return CannotConvert(f"ffmpeg failed with status {self._process.returncode}: {said}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is not None:
                self._process.kill()
            self._process.communicate()
            if kind is None and self._process.returncode:
                raise self._failed()
        finally:
            self._limit.cancel()
            self._complaint.close()
