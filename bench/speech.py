"""Time to the first audio of speech engines: cold, from the cache, and what we add to the engine itself.

python -m bench.speech [--repeat 20]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import tempfile
import time
from pathlib import Path

from ari_app.media.tts.cache import SpeechCache
from ari_app.media.tts.engine import PROGRAMS, Engine
from ari_app.media.tts.errors import SpeechError
from ari_app.media.tts.synthesiser import Synthesiser

SHORT = "You are number {} in the queue, and we thank you for your patience."
LONG = " ".join(f"This is sentence {number} of call {{}}, and it is not a short one." for number in range(20))


async def first_audio(synthesiser: Synthesiser, text: str, engine: str) -> float:
    """Milliseconds until the first samples are there."""
    started = time.perf_counter()
    async for _ in synthesiser.stream(text, engine=engine):
        break
    return (time.perf_counter() - started) * 1000


async def engine_alone(engine: Engine, text: str) -> float:
    """Milliseconds in which the engine itself makes the first sentence."""
    started = time.perf_counter()
    await engine.speak(text, engine.default_voice)
    return (time.perf_counter() - started) * 1000


async def measure(engine: Engine, repeat: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        synthesiser = Synthesiser([engine], cache=SpeechCache(Path(folder)))
        numbers = itertools.count(100)
        rows: dict[str, list[float]] = {"engine alone": [], "short, cold": [], "short, cached": [], "long, cold": []}
        await engine_alone(engine, "Hello.")  # its files are in memory from now on
        for _ in range(repeat):
            # none is spoken twice, all are as long
            rows["engine alone"].append(await engine_alone(engine, SHORT.format(next(numbers))))
            text = SHORT.format(next(numbers))
            rows["short, cold"].append(await first_audio(synthesiser, text, engine.name))
            rows["short, cached"].append(await first_audio(synthesiser, text, engine.name))
            rows["long, cold"].append(
                await first_audio(synthesiser, LONG.replace("{}", str(next(numbers))), engine.name)
            )
            await synthesiser.close()
        for name, times in rows.items():
            worst = sorted(times)[int(0.95 * (len(times) - 1))]
            print(f"{engine.name:10} {name:14} median {statistics.median(times):7.1f} ms   p95 {worst:7.1f} ms")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=20)
    repeat = parser.parse_args().repeat
    for engine in PROGRAMS:
        try:
            engine.check(engine.default_voice)
        except SpeechError as error:
            print(error)
            continue
        await measure(engine, repeat)


if __name__ == "__main__":
    asyncio.run(main())
