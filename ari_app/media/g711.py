"""G.711 (ITU-T): u-law and A-law to linear samples of 16 bits, native order, and back."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    # Removed from the standard library in 3.13; there audioop-lts brings it under the same name.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop


def ulaw_decode(data: bytes) -> bytes:
    """Two bytes of sample for each of u-law."""
    return audioop.ulaw2lin(data, 2)


def ulaw_encode(samples: bytes) -> bytes:
    """A byte of u-law for each sample. Raises audioop.error for half a sample."""
    return audioop.lin2ulaw(samples, 2)


def alaw_decode(data: bytes) -> bytes:
    """Two bytes of sample for each of A-law."""
    return audioop.alaw2lin(data, 2)


def alaw_encode(samples: bytes) -> bytes:
    """A byte of A-law for each sample. Raises audioop.error for half a sample."""
    return audioop.lin2alaw(samples, 2)
