"""The process that reads sound files of strangers: `python -m ari_app.prompts.decoding`. decoder.py starts it.

libsndfile and its codecs are written in C, and what they read was made by anybody. Here a file that makes them crash,
or take all there is, ends a process that holds no call and no secret, writes no file, and may have no more than MEMORY.

One file after the other over standard input and output, until the input ends:

    -> u32 length of the name of the encoding, u32 length of the file, both
    <- u8 0: a WAV file; 1: why there is none, u32 length, that
"""

from __future__ import annotations

import os
import resource
import struct
import sys
from pathlib import Path
from typing import BinaryIO

from ari_app.prompts.sound import NotASound, to_wav

#: bytes on top of what the process has when it begins
MEMORY = 256 * 1024 * 1024
ASKED, ANSWERED = struct.Struct("!II"), struct.Struct("!BI")
SOUND, REFUSED = 0, 1


def serve(asked: BinaryIO, answers: BinaryIO) -> None:
    """Answer until nobody asks any more."""
    while len(header := asked.read(ASKED.size)) == ASKED.size:
        named, length = ASKED.unpack(header)
        bare = asked.read(named).decode() or None
        data = asked.read(length)
        if len(data) < length:
            return
        kind, answer = _answer(data, bare)
        answers.write(ANSWERED.pack(kind, len(answer)) + answer)
        answers.flush()


def _answer(data: bytes, bare: str | None) -> tuple[int, bytes]:
    try:
        return SOUND, to_wav(data, bare)
    except NotASound as error:
        return REFUSED, str(error).encode()
    except MemoryError:
        return REFUSED, b"the file takes too much memory to be read"


def confine() -> None:
    """No file is written, no core, no more memory is taken than is needed; calls come first."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY
    for limit, value in (
        (resource.RLIMIT_AS, most),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    os.nice(10)


if __name__ == "__main__":
    confine()
    serve(sys.stdin.buffer, sys.stdout.buffer)
