"""Speech and prompts: time to the first audio, cold and from the cache, on top of the engine; and on a real call.

    python -m bench.speech [--repeat 40] [--without-calls] [--write]

By turns, so that what the machine does meanwhile is in all of them alike: the engine's program by itself, as a shell
would run it, to the end of its file; our first samples of a text that nobody has said before, and of the same again.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from ari_app.media.tts.cache import SpeechCache
from ari_app.media.tts.engine import ESPEAK, FLITE, Program
from ari_app.media.tts.errors import SpeechError
from ari_app.media.tts.synthesiser import Synthesiser
from bench import speaking
from bench.report import Row, machine, percentile, table, write

#: engines and voices that are measured
VOICES = ((FLITE, "slt"), (FLITE, "kal"), (ESPEAK, "en-us"))
#: milliseconds to the first audio of a short text: cold, from the cache, and what of the first is ours
COLD_GOAL, CACHED_GOAL, ADDED_GOAL = 30.0, 3.0, 3.0
#: words of one syllable, each another
SHORT = tuple(f"{first}{vowel}{last}." for vowel in "aeiou" for first in "BDFGHKLMNPRSTVZ" for last in "dgklmnpst")
LONG = " ".join(f"This is sentence {number} of call {{}}, and it is not a short one." for number in range(20))


async def first_audio(synthesiser: Synthesiser, text: str, engine: str) -> float:
    """Milliseconds until the first samples are there."""
    started = time.perf_counter()
    stream = synthesiser.stream(text, engine=engine)
    await anext(stream)
    took = (time.perf_counter() - started) * 1000
    await stream.aclose()
    return took


def program_alone(program: Program, voice: str, text: str, folder: Path) -> float:
    """Milliseconds of its process, from a file of text to a file of sound."""
    read, wrote = folder / "alone.txt", folder / "alone.wav"
    read.write_text(text + "\n")
    command = [part.format(text=read, sound=wrote, voice=voice) for part in program.command]
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return (time.perf_counter() - started) * 1000


async def measure(program: Program, voice: str, repeat: int) -> list[Row]:
    """Rows of one voice."""
    engine = replace(program, default_voice=voice)
    alone, cold, cached, long = [], [], [], []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        synthesiser = Synthesiser([engine], cache=SpeechCache(folder / "cache"))
        await first_audio(synthesiser, "Hello.", engine.name)  # its files are in memory from now on
        for number in range(repeat):
            text = SHORT[number]  # that nobody has said before; the same for both, each comes first as often
            for ours in (number % 2 == 0, number % 2 == 1):
                if ours:
                    cold.append(await first_audio(synthesiser, text, engine.name))
                else:
                    alone.append(program_alone(engine, voice, text, folder))
            cached.append(await first_audio(synthesiser, text, engine.name))
            long.append(await first_audio(synthesiser, LONG.replace("{}", str(number)), engine.name))
            await synthesiser.close()  # the second sentence of the long one is not waited for
    name, limit = f"{engine.name} {voice}", percentile(alone, 50)
    added = percentile([ours - theirs for ours, theirs in zip(cold, alone, strict=True)], 50)
    return [
        Row(f"{name}: short text, cold, p50", "ms", percentile(cold, 50), limit=limit, goal=COLD_GOAL),
        Row(f"{name}: short text, cold, p95", "ms", percentile(cold, 95), limit=percentile(alone, 95)),
        Row(f"{name}: short text, cold, more than the engine, p50", "ms", added, goal=ADDED_GOAL),
        Row(f"{name}: short text, cached, p50", "ms", percentile(cached, 50), goal=CACHED_GOAL),
        Row(f"{name}: short text, cached, p95", "ms", percentile(cached, 95)),
        Row(f"{name}: first sentence of a long text, cold, p50", "ms", percentile(long, 50)),
    ]


async def everything(repeat: int, calls: bool) -> list[Row]:
    rows: list[Row] = []
    for program, voice in VOICES:
        try:
            program.check(voice)
        except SpeechError as error:
            print(error)
            continue
        rows += await measure(program, voice, repeat)
    return rows + (await speaking.measure(repeat) if calls else [])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, choices=range(1, 100), metavar="1-99", default=40)
    parser.add_argument("--without-calls", action="store_true")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    before = machine(repeat=given.repeat, load_before=round(os.getloadavg()[0], 2))
    rows = asyncio.run(everything(given.repeat, not given.without_calls))
    print(table(rows))
    if given.write:
        write("speech", before | {"load_after": round(os.getloadavg()[0], 2)}, rows)


if __name__ == "__main__":
    main()
