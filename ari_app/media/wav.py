"""WAV files of what is on the telephone: one channel, 16 bits."""

from __future__ import annotations

import io
import wave

from ari_app.media.frames import RATE


def wav_of(samples: bytes, rate: int = RATE) -> bytes:
    """A WAV file of signed 16-bit samples of that rate."""
    file = io.BytesIO()
    with wave.open(file, "wb") as opened:
        opened.setnchannels(1)
        opened.setsampwidth(2)
        opened.setframerate(rate)
        opened.writeframes(samples)
    return file.getvalue()
