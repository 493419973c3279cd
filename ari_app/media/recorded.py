"""Features of a call as a file, so that what was found can be found again: gzip of lines of JSON.

    {"format": "ari_app features", "version": 1, "frameMs": 20, "fields": ["at", "lost", ...], "wanted": {...}}
    [0, false, -61.2, 12.1, false, ...]         one line for each 20 ms, in the order of `fields`

Nothing that was said can be heard from it. `answer` is four numbers (the real and imaginary parts of two), or null.
"""

from __future__ import annotations

import zlib
from typing import Any

import msgspec

from ari_app.media.features import Features
from ari_app.media.frames import FRAME_MS
from ari_app.media.listening import Wanted

FORMAT, VERSION = "ari_app features", 1
#: Bytes of a file that are read, unpacked: ten minutes of a call are less than 6 MB.
LIMIT = 64 * 1024 * 1024

_encode = msgspec.json.Encoder().encode


class BadRecord(ValueError):
    """Not a file of features, or not one that can be read here."""


class FeatureRecord:
    """Features, packed as they come: about 50 bytes for each."""

    def __init__(self, wanted: Wanted) -> None:
        """wanted: what was asked for; it is in the file."""
        self._packer = zlib.compressobj(level=1, wbits=31)
        head = {"format": FORMAT, "version": VERSION, "frameMs": FRAME_MS, "fields": Features._fields}
        self._packed = bytearray(self._packer.compress(_encode({**head, "wanted": wanted}) + b"\n"))
        self.frames = 0

    def add(self, frame: Features) -> None:
        """The next 20 ms."""
        answer = None
        if frame.answer is not None:
            first, second = frame.answer
            answer = (first.real, first.imag, second.real, second.imag)
        self._packed += self._packer.compress(_encode((*frame[:-1], answer)) + b"\n")
        self.frames += 1

    def file(self) -> bytes:
        """The file, with all so far."""
        return bytes(self._packed) + self._packer.copy().flush()


def read(file: bytes) -> tuple[Wanted, list[Features]]:
    """What was asked for, and the features. `listening.replay` finds the same in them. Raises BadRecord."""
    try:
        unpacker = zlib.decompressobj(wbits=31)
        head, *lines = unpacker.decompress(file, LIMIT).splitlines()
        if not unpacker.eof:
            raise BadRecord("it is too long, or cut off")
        found = msgspec.json.decode(head, type=dict[str, Any])
        if (found.get("format"), found.get("version"), tuple(found.get("fields", ()))) != (
            FORMAT,
            VERSION,
            Features._fields,
        ):
            raise BadRecord("not a file of features of this version")
        rows = [msgspec.json.decode(line, type=list[Any]) for line in lines]
        return msgspec.convert(found["wanted"], Wanted), [_features(row) for row in rows]
    except BadRecord:
        raise
    except (zlib.error, msgspec.MsgspecError, TypeError, ValueError, KeyError) as error:
        raise BadRecord(str(error)) from None


def _features(row: list[Any]) -> Features:
    if len(row) != len(Features._fields):
        raise BadRecord("a line has not as many values as there are fields")
    answer = row[-1]
    if answer is not None:
        first, first_imaginary, second, second_imaginary = answer
        answer = (complex(first, first_imaginary), complex(second, second_imaginary))
    return Features._make([*row[:-1], answer])
