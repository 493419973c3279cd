"""The port of speech engines, and engines that are programs: flite, espeak-ng, festival, or any other (configured.py).

A program gets the text in a file and writes a sound file. A voice is one of those the engine names: flite would open a
path or fetch an address that it is given as a voice; and none of ours gets the text as an argument.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, ClassVar, Protocol

import numpy as np
import soundfile
import soxr

from ari_app.media.frames import RATE
from ari_app.media.tts.errors import EngineMissing, SynthesisFailed, UnknownVoice

#: How long an engine may take for one sentence, in seconds.
TIME_LIMIT = 20.0
#: What it may write for one, in bytes: five minutes at 48 kHz.
SIZE_LIMIT = 48_000 * 2 * 300
COMPLAINT = 300  # characters of an engine's complaint that are kept


class Engine(Protocol):
    """Makes speech of text."""

    @property
    def name(self) -> str:
        """What callers call it."""

    @property
    def default_voice(self) -> str:
        """Who speaks where no voice is asked for."""

    @property
    def remote(self) -> bool:
        """It works somewhere else, and takes none of our cores."""

    def check(self, voice: str) -> None:
        """Raises EngineMissing or UnknownVoice where it cannot speak with this voice."""

    async def speak(self, text: str, voice: str) -> bytes:
        """The text as 8 kHz signed 16-bit samples. Raises SpeechError."""

    async def close(self) -> None:
        """Nobody will ask it any more."""


@dataclass(frozen=True)
class Program:
    """An engine that is a program of this machine.

    command: its arguments; {text} is the file to read (UTF-8), {sound} the file to write (anything that libsndfile
    reads), {voice} the voice; {words} the text itself, where an operator wants it so. voices: a pattern that a voice
    matches from beginning to end. stdin: it reads the file as its standard input.
    """

    name: str
    command: Sequence[str]
    default_voice: str
    voices: str = r"[A-Za-z0-9][A-Za-z0-9_-]*"
    environment: dict[str, str] = field(default_factory=dict)
    stdin: bool = False
    remote: ClassVar[bool] = False

    def check(self, voice: str) -> None:
        if shutil.which(self.command[0]) is None:
            raise EngineMissing(f"{self.name}: the program {self.command[0]} is not installed", engine=self.name)
        if not re.fullmatch(self.voices, voice):
            raise UnknownVoice(f"{self.name}: no voice {voice[:40]!r}", engine=self.name)

    async def speak(self, text: str, voice: str) -> bytes:
        self.check(voice)
        # each way into a thread and back is time until something is heard: one before the program runs, one after it
        work = await asyncio.to_thread(_Work, text, self.stdin)
        try:
            # a text that is an argument is never an option: programs have such as write files
            words = f" {text}" if text.startswith("-") else text
            values = {"text": str(work.text), "sound": str(work.sound), "voice": voice, "words": words}
            await self._run([argument.format_map(values) for argument in self.command], work.read)
            return await asyncio.to_thread(_samples, work.sound, self.name)
        finally:
            asyncio.get_running_loop().run_in_executor(None, work.clean)

    async def close(self) -> None:
        """Nothing is held: each text has a process of its own."""

    async def _run(self, command: list[str], read: BinaryIO) -> None:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=read,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment or None,
        )
        try:
            _, complaint = await asyncio.wait_for(process.communicate(), TIME_LIMIT)
        except TimeoutError:
            raise SynthesisFailed(f"{self.name}: no speech within {TIME_LIMIT:g} s", engine=self.name) from None
        finally:
            if process.returncode is None:  # too slow, or nobody waits for it any more
                process.kill()
                await process.wait()
        if process.returncode:
            said = complaint.decode(errors="replace").strip()[:COMPLAINT]
            raise SynthesisFailed(f"{self.name}: exit status {process.returncode}: {said}", engine=self.name)


class _Work:
    """The directory of one text. Making it and `clean` belong in a thread. Raises OSError."""

    def __init__(self, text: str, stdin: bool) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="ari-app-tts-")
        self.text, self.sound = (Path(self._directory.name, name) for name in ("text.txt", "sound.wav"))
        self.text.write_text(text + "\n", encoding="utf-8")
        #: what the program reads
        self.read = open(self.text if stdin else os.devnull, "rb")  # noqa: SIM115  # closed in clean

    def clean(self) -> None:
        self.read.close()
        self._directory.cleanup()


def _samples(path: Path, engine: str) -> bytes:
    """A sound file as 8 kHz samples; soxr filters what 8 kHz cannot hold."""
    if not path.exists() or not 44 < path.stat().st_size <= SIZE_LIMIT:
        raise SynthesisFailed(f"{engine}: wrote no sound, or too much of it", engine=engine)
    try:
        sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise SynthesisFailed(f"{engine}: wrote no sound file: {error}", engine=engine) from error
    mono = sound.mean(axis=1)
    if rate != RATE:
        mono = soxr.resample(mono, rate, RATE)
    return np.asarray(np.clip(np.round(mono * 32767), -32768, 32767)).astype("<i2").tobytes()


FLITE = Program(
    "flite", ("flite", "-voice", "{voice}", "-f", "{text}", "-o", "{sound}"), "slt", r"slt|rms|awb|kal|kal16"
)
ESPEAK = Program(
    "espeak-ng", ("espeak-ng", "-b", "1", "-v", "{voice}", "-f", "{text}", "-w", "{sound}"), "en-us",
    r"[a-z]{2,3}(-[a-z0-9]+)*(\+[a-z]+[0-9]*)?",
)  # fmt: skip
FESTIVAL = Program(
    "festival", ("text2wave", "-eval", "(voice_{voice})", "-o", "{sound}", "{text}"), "kal_diphone", r"[a-z0-9_]+"
)
#: The engines that work with nothing but a package of the distribution.
PROGRAMS: tuple[Engine, ...] = (FLITE, ESPEAK, FESTIVAL)
