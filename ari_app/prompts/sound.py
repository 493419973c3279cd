"""From a file that somebody sends to what Asterisk plays: WAV, 8 kHz, one channel, 16 bits."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import Awaitable, Callable

import numpy as np
import soundfile
import soxr

from ari_app.errors import AppError
from ari_app.media.frames import RATE
from ari_app.media.wav import wav_of

#: seconds of a prompt
LONGEST = 600.0
#: what a file may have
_RATES, _CHANNELS = (4000, 192_000), 8
_BLOCK = 65_536
#: names of files without a header, of 8 kHz and one channel -> libsndfile's of their encoding
BARE = {"ulaw": "ULAW", "alaw": "ALAW", "gsm": "GSM610", "sln": "PCM_16", "vox": "VOX_ADPCM"}
_HEADERS = (b"RIFF", b".snd", b"OggS", b"fLaC", b"FORM", b"ID3")


#: reads a file as `to_wav` does
Convert = Callable[[bytes, str | None], Awaitable[bytes]]


class NotASound(AppError):
    """The file is no sound that can be read."""

    slug = "not_a_sound"


def to_wav(data: bytes, bare: str | None = None) -> bytes:
    """WAV, MP3, Ogg (Vorbis, Opus), FLAC and what else libsndfile reads, as WAV for the telephone. Takes memory
    for what it makes, not for what it reads. Belongs in a thread.

    bare: one of BARE, the encoding of a file that has no header. If it has one, that counts.

    Raises:
        NotASound: it cannot be read, is empty, or longer than LONGEST seconds.
    """
    return wav_of(to_samples(data, bare))


def to_samples(data: bytes, bare: str | None = None, *, channel: int | None = None, longest: float = LONGEST) -> bytes:
    """The same as signed 16-bit samples, 8 kHz, without a header. channel: of a file with several, the one to take,
    from 1; None: all of them mixed. longest: seconds.

    Raises:
        NotASound: as above, or it has no such channel.
    """
    try:
        with _opened(data, bare) as file:
            return _samples(file, channel, longest)
    except (soundfile.LibsndfileError, RuntimeError, ValueError) as error:
        raise NotASound(f"the file cannot be read: {error}") from None


async def in_a_thread(data: bytes, bare: str | None) -> bytes:
    """`to_wav` in a thread of this process, which a hostile file can end: for files of our own. Raises NotASound."""
    return await asyncio.to_thread(to_wav, data, bare)


def _opened(data: bytes, bare: str | None) -> soundfile.SoundFile:
    if bare is None or data.startswith(_HEADERS):
        return soundfile.SoundFile(io.BytesIO(data))
    return soundfile.SoundFile(
        io.BytesIO(data), samplerate=RATE, channels=1, format="RAW", subtype=BARE[bare], endian="LITTLE"
    )


def _samples(file: soundfile.SoundFile, channel: int | None, longest: float) -> bytes:
    if not _RATES[0] <= file.samplerate <= _RATES[1] or not 1 <= file.channels <= _CHANNELS:
        raise NotASound(f"{file.samplerate} Hz with {file.channels} channels cannot be played")
    if channel is not None and not 1 <= channel <= file.channels:
        raise NotASound(f"there is no channel {channel}: the file has {file.channels}")
    # soxr filters what 8 kHz cannot hold
    stream = soxr.ResampleStream(file.samplerate, RATE, 1, dtype="float32")
    pieces, samples = [], 0
    while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
        # a file of floating-point samples may hold anything
        sane = np.clip(np.nan_to_num(block, nan=0.0, posinf=1.0, neginf=-1.0), -1.0, 1.0)
        mono = sane.mean(axis=1) if channel is None else np.ascontiguousarray(sane[:, channel - 1])
        pieces.append(_pcm(stream.resample_chunk(mono)))
        samples += len(pieces[-1]) // 2
        if samples > longest * RATE:
            raise NotASound(f"the sound is longer than {longest:g} s")
    pieces.append(_pcm(stream.resample_chunk(np.zeros(0, dtype=np.float32), last=True)))
    found = b"".join(pieces)
    if not found:
        raise NotASound("there is nothing to be heard in the file")
    return found


def _pcm(samples: np.ndarray) -> bytes:
    return bytes(np.clip(np.round(samples * 32767), -32768, 32767).astype("<i2").tobytes())


def seconds_of(wav: bytes) -> float:
    """How long a file of ours is."""
    with wave.open(io.BytesIO(wav)) as opened:
        return float(opened.getnframes() / opened.getframerate())
