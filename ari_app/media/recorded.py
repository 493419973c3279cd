"""A file of features as they come, packed, with what was asked for: a gzip of feature_file.py's lines.

{"kind": "ari_app features", "fields": ["at", "lost", ...], "wanted": {...}}
[0, false, -61.2, 12.1, false, ...]         one line for each 20 ms
"""

from __future__ import annotations

import json
import zlib

import msgspec

from ari_app.media import feature_file
from ari_app.media.detection import Wanted
from ari_app.media.feature_file import NotFeatures
from ari_app.media.features import Features

#: Bytes that are read, unpacked: ten minutes of a call are 4 MB.
LIMIT = 64 * 1024 * 1024
_GZIP = 31  # as zlib calls it


class FeatureRecord:
    """Features, packed as they come: about 50 bytes for each."""

    def __init__(self, wanted: Wanted) -> None:
        """wanted: what was asked for; it is in the file."""
        self._packer = zlib.compressobj(level=1, wbits=_GZIP)
        self._packed = bytearray()
        self.frames = 0
        self._add(feature_file.head(wanted=msgspec.to_builtins(wanted)))

    def _add(self, line: str) -> None:
        self._packed += self._packer.compress(line.encode())

    def add(self, frame: Features) -> None:
        """The next 20 ms."""
        self._add(feature_file.line(frame))
        self.frames += 1

    def file(self) -> bytes:
        """The file, with all so far."""
        return bytes(self._packed) + self._packer.copy().flush()


def is_packed(file: bytes) -> bool:
    """Whether it may be such a file."""
    return file.startswith(b"\x1f\x8b")


def unpack(file: bytes) -> str:
    """Its text. Raises NotFeatures."""
    unpacker = zlib.decompressobj(wbits=_GZIP)
    try:
        text = unpacker.decompress(file, LIMIT).decode()
    except (zlib.error, ValueError) as error:
        raise NotFeatures(str(error)) from None
    if not unpacker.eof or unpacker.unused_data:
        raise NotFeatures("it is too long, or cut off")
    return text


def read(file: bytes) -> tuple[Wanted, list[Features]]:
    """What was asked for, and the features: `detection.replay` finds the same in them. Raises NotFeatures."""
    lines = unpack(file).splitlines()
    features = list(feature_file.load(lines))
    try:
        return msgspec.convert(json.loads(lines[0])["wanted"], Wanted), features
    except (KeyError, msgspec.ValidationError) as error:
        raise NotFeatures(f"line 1: {error}") from None
