"""G.711 (ITU-T): u-law and A-law to linear samples of 16 bits, native order, and back."""

from __future__ import annotations

import warnings
from typing import Protocol

with warnings.catch_warnings():
    # Removed from the standard library in 3.13; there audioop-lts brings it under the same name.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

import numpy as np
from numpy.typing import NDArray

from ari_app.media.compiled import built
from ari_app.media.frames import FRAME_SAMPLES

#: Bytes of samples from which on looking them up together costs less than coding one after the other: 3 frames.
_MANY = 960
_EVERY_SAMPLE = np.arange(1 << 16, dtype=np.uint16).tobytes()
_ULAW, _ALAW = (np.frombuffer(encode(_EVERY_SAMPLE, 2), np.uint8) for encode in (audioop.lin2ulaw, audioop.lin2alaw))


def ulaw_decode(data: bytes) -> bytes:
    """Two bytes of sample for each of u-law."""
    return audioop.ulaw2lin(data, 2)


def ulaw_encode(samples: bytes) -> bytes:
    """A byte of u-law for each sample. Raises audioop.error for half a sample."""
    if len(samples) < _MANY or len(samples) % 2:
        return audioop.lin2ulaw(samples, 2)
    return _ULAW.take(np.frombuffer(samples, np.uint16), mode="wrap").tobytes()


def alaw_decode(data: bytes) -> bytes:
    """Two bytes of sample for each of A-law."""
    return audioop.alaw2lin(data, 2)


def alaw_encode(samples: bytes) -> bytes:
    """A byte of A-law for each sample. Raises audioop.error for half a sample."""
    if len(samples) < _MANY or len(samples) % 2:
        return audioop.lin2alaw(samples, 2)
    return _ALAW.take(np.frombuffer(samples, np.uint16), mode="wrap").tobytes()


class Compiled(Protocol):
    """_streams.c."""

    def code(self, table: NDArray[np.uint8], samples: bytes, size: int) -> list[bytes]:
        """The code of each sample, in pieces of so many. Raises ValueError for half a sample."""


#: None: it was not built, and numpy does it.
compiled: Compiled | None = built("ari_app.media.transports._streams")


def _frames(table: NDArray[np.uint8], samples: bytes) -> list[bytes]:
    if compiled is not None:
        return compiled.code(table, samples, FRAME_SAMPLES)
    coded = table.take(np.frombuffer(samples, np.uint16), mode="wrap").tobytes()
    return [coded[start : start + FRAME_SAMPLES] for start in range(0, len(coded), FRAME_SAMPLES)]


def ulaw_frames(samples: bytes) -> list[bytes]:
    """As ulaw_encode, cut into frames, of which the last may be short. Raises ValueError for half a sample."""
    return _frames(_ULAW, samples)


def alaw_frames(samples: bytes) -> list[bytes]:
    """As alaw_encode, cut into frames, of which the last may be short. Raises ValueError for half a sample."""
    return _frames(_ALAW, samples)
