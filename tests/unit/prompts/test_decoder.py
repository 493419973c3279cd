"""Sound files of strangers are read in processes that may crash: nothing of that reaches the server."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ari_app.clock import ManualClock
from ari_app.prompts.decoder import AT_ONCE, IDLE_LIMIT, Decoder
from ari_app.prompts.decoding import ASKED, MEMORY
from ari_app.prompts.sound import BARE, LONGEST, NotASound, seconds_of, to_wav
from tests.harness.patience import PATIENCE
from tests.unit.prompts.test_prompts import tone

#: dies of the second file and of each one after that
DIES_OF_THE_SECOND = """
import os, sys
from ari_app.prompts import decoding
answer, count = decoding._answer, 0
def dying(data, bare):
    global count
    count += 1
    if count > 1:
        os.abort()
    return answer(data, bare)
decoding._answer = dying
decoding.serve(sys.stdin.buffer, sys.stdout.buffer)
"""
HANGS = "import time; time.sleep(3600)"
DIES = "import os; os.abort()"


@pytest.fixture
async def decoder() -> AsyncIterator[Decoder]:
    made = Decoder(ManualClock())
    yield made
    await made.close()


def running(*code: str) -> Decoder:
    return Decoder(ManualClock(), command=(sys.executable, "-c", *code))


async def until_ended(process: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while Path(f"/proc/{process}").exists():  # nobody tells us of another's child
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("form", ["WAV", "MP3", "OGG", "FLAC"])
async def test_it_is_what_a_thread_would_make_of_it(decoder: Decoder, form: str) -> None:
    data = tone(440, form=form)
    assert await decoder.to_wav(data) == to_wav(data)


@pytest.mark.parametrize("bare", BARE)
async def test_files_without_a_header(decoder: Decoder, bare: str) -> None:
    data = bytes(range(256)) * 50
    assert await decoder.to_wav(data, bare) == to_wav(data, bare)


async def test_one_process_reads_one_file_after_the_other_and_a_bad_one_does_not_end_it(decoder: Decoder) -> None:
    await decoder.to_wav(tone(440))
    (first,) = decoder.processes
    for bad in (b"", b"RIFF", b"no sound" * 1000, tone(440)[:44]):
        with pytest.raises(NotASound) as told:
            await decoder.to_wav(bad)
        with pytest.raises(NotASound) as in_a_thread:
            to_wav(bad)
        assert str(told.value).split(":")[0] == str(in_a_thread.value).split(":")[0]
    assert await decoder.to_wav(tone(660)) == to_wav(tone(660))
    assert decoder.processes == [first]


async def test_no_more_processes_than_places_and_none_when_nobody_needs_them() -> None:
    clock = ManualClock()
    decoder = Decoder(clock)
    found = await asyncio.gather(*(decoder.to_wav(tone(400 + number)) for number in range(8)))
    assert found == [to_wav(tone(400 + number)) for number in range(8)]
    processes = decoder.processes
    assert 1 <= len(processes) <= AT_ONCE
    clock.advance(IDLE_LIMIT)
    assert decoder.processes == []
    for process in processes:
        await until_ended(process)
    assert await decoder.to_wav(tone(440)) == to_wav(tone(440))
    await decoder.close()


async def test_a_file_that_ends_the_process_is_no_sound() -> None:
    decoder = running(DIES)
    with pytest.raises(NotASound, match="ends the program"):
        await decoder.to_wav(tone(440))
    assert decoder.processes == []
    await decoder.close()


async def test_who_comes_after_a_crash_has_a_process_of_his_own() -> None:
    decoder = running(DIES_OF_THE_SECOND)
    for hertz in (440, 550, 660):  # the second and third of them meet a process that dies, and then a new one
        assert await decoder.to_wav(tone(hertz)) == to_wav(tone(hertz))
    await decoder.close()


async def test_a_process_that_is_killed_meanwhile(decoder: Decoder) -> None:
    await decoder.to_wav(tone(440))
    (process,) = decoder.processes
    os.kill(process, signal.SIGSEGV)
    assert await decoder.to_wav(tone(660)) == to_wav(tone(660))
    assert decoder.processes != [process]


async def test_a_file_that_takes_too_long() -> None:
    decoder = Decoder(ManualClock(), time_limit=0.5, command=(sys.executable, "-c", HANGS))
    with pytest.raises(NotASound, match="within"):
        await decoder.to_wav(tone(440))
    assert decoder.processes == []
    await decoder.close()


async def test_nobody_waits_any_more() -> None:
    decoder = running(HANGS)
    waiting = asyncio.create_task(decoder.to_wav(tone(440)))
    async with asyncio.timeout(PATIENCE):
        while not decoder.processes:
            await asyncio.sleep(0.01)
    (process,) = decoder.processes
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await until_ended(process)
    await decoder.close()


def long_silence(form: str) -> bytes:
    """Twice as long as a prompt may be, in as few bytes as the format has for that."""
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", samplerate=8000, channels=1, format=form) as written:
        minute = np.zeros(60 * 8000, dtype=np.float32)
        for _ in range(2 * int(LONGEST) // 60):
            written.write(minute)
    return file.getvalue()


@pytest.mark.parametrize("form", ["FLAC", "OGG", "MP3"])
async def test_a_small_file_that_is_very_long(form: str) -> None:
    decoder = Decoder(ManualClock(), time_limit=10 * PATIENCE)
    data = await asyncio.to_thread(long_silence, form)
    with pytest.raises(NotASound, match="longer than"):
        await decoder.to_wav(data)
    await decoder.close()


async def test_memory_is_limited_and_files_are_not_written(decoder: Decoder) -> None:
    await decoder.to_wav(tone(440))
    (process,) = decoder.processes
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    status = {name: value.split()[0] for name, _, value in (line.partition(":") for line in lines) if value.strip()}
    limits = Path(f"/proc/{process}/limits").read_text()
    (address_space,) = (line for line in limits.splitlines() if line.startswith("Max address space"))
    assert int(status["VmSize"]) * 1024 <= int(address_space.split()[3]) <= int(status["VmPeak"]) * 1024 + MEMORY
    assert "Max file size             0 " in limits
    assert "hunter2" not in Path(f"/proc/{process}/environ").read_text()


def test_a_file_for_which_there_is_no_memory_is_refused_and_the_next_one_read() -> None:
    """A file as large as the limit: the process cannot even take it in."""
    code = (
        "import sys\nfrom ari_app.prompts import decoding\n"
        "real = decoding.to_wav\n"
        "def greedy(data, bare):\n"
        "    if data == b'much': return bytes(2 * decoding.MEMORY)\n"
        "    return real(data, bare)\n"
        "decoding.to_wav = greedy\ndecoding.confine()\ndecoding.serve(sys.stdin.buffer, sys.stdout.buffer)"
    )
    sound = tone(440)
    asked = ASKED.pack(0, 4) + b"much" + ASKED.pack(0, len(sound)) + sound
    done = subprocess.run([sys.executable, "-c", code], input=asked, capture_output=True, check=True)
    assert done.stdout.startswith(b"\x01")
    assert b"too much memory" in done.stdout[:60]
    assert seconds_of(done.stdout[done.stdout.index(b"RIFF") :]) == pytest.approx(0.5, abs=0.01)
