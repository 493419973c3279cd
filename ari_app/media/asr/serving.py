"""The other end of worker.py: what a process does that recognises speech."""

from __future__ import annotations

import io
import os
import resource
import sys
from typing import Any, BinaryIO, Protocol

import msgspec

from ari_app.media.frames import RATE

#: bytes of one question: a minute of speech
_LONGEST = 60 * RATE * 2


class Answers(Protocol):
    """What recognises."""

    def answer(self, header: dict[str, Any], samples: bytes) -> dict[str, Any]:
        """What a question is answered with, as worker.py has it."""


def _read(source: BinaryIO) -> bytes | None:
    """One length and what it is the length of; None: nobody asks any more."""
    length = source.read(4)
    if len(length) < 4:
        return None
    size = int.from_bytes(length, "big")
    if size > _LONGEST:
        raise ValueError("a question that is too long")
    data = source.read(size)
    return data if len(data) == size else None


def serve(engine: Answers, source: BinaryIO, sink: BinaryIO) -> None:
    """Answer until nobody asks any more."""
    while (head := _read(source)) is not None and (samples := _read(source)) is not None:
        answer = msgspec.json.encode(engine.answer(msgspec.json.decode(head), samples))
        sink.write(len(answer).to_bytes(4, "big") + answer)
        sink.flush()


def answers_alone(memory: int) -> BinaryIO:
    """Where answers go: standard output, on which nothing else is written from now on, as libraries print. memory:
    bytes that this process may have; 0: as many as it likes."""
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    os.nice(5)  # media and call control come first
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def questions() -> BinaryIO:
    """Standard input."""
    assert isinstance(sys.stdin.buffer, io.BufferedReader)
    return sys.stdin.buffer
