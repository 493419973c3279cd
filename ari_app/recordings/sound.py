"""What has to be known of a recorded file: how long it is, and whether its header says so.

Asterisk writes the lengths into the header of a WAV file when it closes it. If Asterisk is killed in the middle of a
recording they are those of an empty file; all that was said is there, and players show nothing.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

#: bytes a second of the formats that are nothing but samples or frames; and of Asterisk's name of each
_BYTES_A_SECOND = {"ulaw": 8000, "ul": 8000, "alaw": 8000, "al": 8000, "g722": 8000, "gsm": 1650, "sln": 16000}
#: the largest size a RIFF header can say
_LARGEST = 2**32 - 1


def finish(path: Path, format: str) -> float:
    """Mend the header of a file that was not closed, and say how long the file is, in seconds; 0 where nobody knows.

    Raises OSError.
    """
    if format in ("wav", "wav16"):
        with path.open("r+b") as file:
            return _finish_wav(file, path.stat().st_size)
    rate = _BYTES_A_SECOND.get(format)
    return path.stat().st_size / rate if rate else 0.0


def _finish_wav(file: BinaryIO, size: int) -> float:
    """A WAV file (RIFF, Microsoft and IBM 1991): chunks of a name, a length and that many bytes, and one if it is
    odd."""
    start = file.read(12)
    if len(start) < 12 or start[:4] != b"RIFF" or start[8:] != b"WAVE":
        return 0.0
    rate, at = 0, 12
    while at + 8 <= size:
        file.seek(at)
        name, length = struct.unpack("<4sI", file.read(8))
        if name == b"fmt ":
            rate = _byte_rate(file.read(min(length, 16)))
        elif name == b"data":
            there = min(size - at - 8, _LARGEST - at)
            # Of 0 bytes, with some behind them: Asterisk never closed it. Of more than there are: it is cut off.
            if (length == 0 and there > 0) or length > there:
                length = there
                _write(file, at + 4, length)
            if not 0 < int.from_bytes(start[4:8], "little") <= size - 8:
                _write(file, 4, at + length)
            return length / rate if rate else 0.0
        at += 8 + length + length % 2
    return 0.0


def _byte_rate(format: bytes) -> int:
    return int(struct.unpack_from("<I", format, 8)[0]) if len(format) >= 12 else 0


def _write(file: BinaryIO, at: int, number: int) -> None:
    file.seek(at)
    file.write(struct.pack("<I", number))
