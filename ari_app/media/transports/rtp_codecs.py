"""How samples become the payload of RTP packets, and back.

8 kHz is G.711. 16 kHz is L16 where we talk to a user's endpoint, and where Asterisk only sends: with `format=slin16` it
does, in a dynamic payload type; but what it receives in that type it drops, as it knows none without SDP (chan_rtp,
measured with 22.10). What it takes of 16 kHz is G.722, whose type is static.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ari_app.errors import AppError
from ari_app.media import g711
from ari_app.media.frames import FRAME_SAMPLES
from ari_app.media.transports.rtp import G722, L16_16K, PCMA, PCMU

Coding = Callable[[bytes], bytes]

#: How a payload of G.711 becomes samples of 8 kHz, and back: by payload type.
DECODERS: Mapping[int, Coding] = {PCMU: g711.ulaw_decode, PCMA: g711.alaw_decode}
ENCODERS: Mapping[int, Coding] = {PCMU: g711.ulaw_encode, PCMA: g711.alaw_encode}
#: As ENCODERS, in payloads of 20 ms, of which the last may be short.
PAYLOADS: Mapping[int, Callable[[bytes], list[bytes]]] = {PCMU: g711.ulaw_frames, PCMA: g711.alaw_frames}


class CodecMissing(AppError):
    """The library of a codec is not installed."""

    slug = "codec_missing"


def _swapped(samples: bytes) -> bytes:
    """L16 from samples in the order of frames.py, or back: on the network the high byte comes first (RFC 3551, 4.5.11).
    Half a sample at the end is left out."""
    return np.frombuffer(samples, "<u2", len(samples) // 2).byteswap().tobytes()


def _library() -> Any:
    try:
        return importlib.import_module("G722")
    except ImportError:
        raise CodecMissing("G.722 needs the library of the extra wideband: pip install ari-app[wideband]") from None


def require_g722() -> None:
    """Raises CodecMissing: its library is not there."""
    _library()


#: bits a second of G.722; the other modes are for data beside the voice
_G722_RATE = 64000


def _g722_encoder() -> Coding:
    encoder = _library().G722(16000, _G722_RATE)
    return lambda samples: encoder.encode(np.frombuffer(samples, "<i2"))


def _g722_decoder() -> Coding:
    decoder = _library().G722(16000, _G722_RATE)
    return lambda payload: bytes(memoryview(decoder.decode(payload)).cast("B")) if payload else b""


class Codec(NamedTuple):
    """One way to send; its decoders are of all that is heard by who sends so."""

    payload_type: int
    #: of FRAME_BYTES that are 20 ms (Attachment)
    pieces: int
    #: by which timestamps grow in 20 ms: of G.722 as if it were of 8 kHz (RFC 3551, 4.5.2)
    ticks: int
    #: makes what codes, or decodes by payload type, one stream
    encoder: Callable[[], Coding]
    decoders: Callable[[], Mapping[int, Coding]]

    @property
    def samples_a_tick(self) -> int:
        """Samples of our side, for each by which a timestamp grows."""
        return FRAME_SAMPLES * self.pieces // self.ticks


CODECS = {
    PCMU: Codec(PCMU, 1, FRAME_SAMPLES, lambda: g711.ulaw_encode, lambda: DECODERS),
    PCMA: Codec(PCMA, 1, FRAME_SAMPLES, lambda: g711.alaw_encode, lambda: DECODERS),
    G722: Codec(G722, 2, FRAME_SAMPLES, _g722_encoder, lambda: {G722: _g722_decoder()}),
    L16_16K: Codec(L16_16K, 2, 2 * FRAME_SAMPLES, lambda: _swapped, lambda: {L16_16K: _swapped}),
}
