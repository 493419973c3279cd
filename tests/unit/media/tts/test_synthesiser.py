"""Speech: cached, made once for all who ask, no more at a time than there are places; errors that say what is wrong."""

import asyncio
import os
import shutil
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from ari_app.media.frames import RATE
from ari_app.media.tts.cache import SpeechCache, key
from ari_app.media.tts.engine import ESPEAK, FESTIVAL, FLITE, Program
from ari_app.media.tts.errors import BadText, EngineMissing, SynthesisFailed, UnknownVoice
from ari_app.media.tts.synthesiser import Synthesiser, without_lead
from tests.harness.patience import PATIENCE

#: A program that speaks: it writes a 16 kHz tone of 10 ms a character, and adds a line to a file beside its text.
WRITER = """
import sys, wave, math, struct
text, sound, mode, log = sys.argv[1:]
words = open(text, encoding="utf-8").read().strip()
open(log, "a").write(words + "\\n")
if mode == "fail": sys.exit("no voice today")
if mode == "nothing": sys.exit(0)
if mode == "garbage": open(sound, "wb").write(b"x" * 1000); sys.exit(0)
with wave.open(sound, "wb") as file:
    file.setparams((1, 2, 16000, 0, "NONE", ""))
    samples = [int(8000 * math.sin(2 * math.pi * 440 * n / 16000)) for n in range(160 * len(words))]
    file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
"""


class Counting:
    """An engine whose sentences are made when the test says so."""

    name, default_voice, remote = "counting", "one", False

    async def close(self) -> None:
        self.closed = True

    def __init__(self) -> None:
        self.closed = False
        self.spoken: list[str] = []
        self.most = self.now = 0
        self.go = asyncio.Event()

    def check(self, voice: str) -> None:
        if voice != "one":
            raise UnknownVoice

    async def speak(self, text: str, voice: str) -> bytes:
        self.spoken.append(text)
        self.now += 1
        self.most = max(self.most, self.now)
        await self.go.wait()
        self.now -= 1
        return text.encode()


def program(tmp_path: Path, mode: str = "") -> Program:
    script = tmp_path / "speak.py"
    script.write_text(WRITER)
    return Program("writer", (sys.executable, str(script), "{text}", "{sound}", mode, str(tmp_path / "log")), "any")


async def test_a_programs_speech_is_8_khz_and_kept(tmp_path: Path) -> None:
    cache = SpeechCache(tmp_path / "cache")
    engine = program(tmp_path)
    synthesiser = Synthesiser([engine], cache=cache)
    first = await synthesiser.speak("Hello, caller number one.", engine="writer")
    await synthesiser.close()  # now it is kept: who heard it did not wait for that
    again = await Synthesiser([engine], cache=cache).speak("Hello, caller number one.", engine="writer")
    assert first == again
    assert len(first) == 2 * 80 * len("Hello, caller number one.")
    wave = np.frombuffer(first, "<i2")
    turns = np.sum((wave[:-1] < 0) & (wave[1:] >= 0))
    assert turns == pytest.approx(0.25 * 440, abs=2)
    assert (tmp_path / "log").read_text() == "Hello, caller number one.\n"


@pytest.mark.parametrize(
    ("mode", "said"), [("fail", "no voice today"), ("nothing", "no sound"), ("garbage", "sound file")]
)
async def test_what_a_program_may_do_wrong(tmp_path: Path, mode: str, said: str) -> None:
    with pytest.raises(SynthesisFailed, match=said):
        await Synthesiser([program(tmp_path, mode)]).speak("Hello.", engine="writer")


async def test_the_first_sentence_is_heard_before_the_last_is_made() -> None:
    engine = Counting()
    text = "This is the first sentence. This is the second sentence. This is the third sentence."
    stream = Synthesiser([engine]).stream(text, engine="counting")
    engine.go.set()
    assert await anext(stream) == b"This is the first sentence."
    assert len(engine.spoken) <= 2
    assert [samples async for samples in stream] == [b"This is the second sentence.", b"This is the third sentence."]


async def test_many_who_ask_for_the_same_wait_for_one() -> None:
    engine = Counting()
    synthesiser = Synthesiser([engine])
    asked = [asyncio.create_task(synthesiser.speak("All agents are busy.", engine="counting")) for _ in range(20)]
    await asyncio.sleep(0)
    asked[0].cancel()  # one hangs up: the others still hear it
    engine.go.set()
    heard = await asyncio.gather(*asked, return_exceptions=True)
    assert heard[1:] == [b"All agents are busy."] * 19
    assert engine.spoken == ["All agents are busy."]


async def test_no_more_engines_than_places() -> None:
    engine = Counting()
    synthesiser = Synthesiser([engine], concurrent=2)
    asked = [asyncio.create_task(synthesiser.speak(f"You are caller number {n}.", engine="counting")) for n in range(9)]
    for _ in range(20):
        await asyncio.sleep(0)
    engine.go.set()
    assert len(await asyncio.gather(*asked)) == 9
    assert engine.most == 2


async def test_closing_ends_what_is_under_way() -> None:
    engine = Counting()
    synthesiser = Synthesiser([engine])
    asked = asyncio.create_task(synthesiser.speak("Nobody will hear this.", engine="counting"))
    await asyncio.sleep(0)
    await synthesiser.close()
    with pytest.raises(asyncio.CancelledError):
        await asked


@pytest.mark.parametrize("text", ["", " \n ", "...", "x" * 5001, "\x00\x07"])
async def test_texts_that_cannot_be_spoken(text: str) -> None:
    with pytest.raises(BadText, match="text"):
        await Synthesiser([Counting()]).speak(text, engine="counting")


async def test_engines_and_voices_that_are_not_there() -> None:
    with pytest.raises(EngineMissing, match="polly"):
        await Synthesiser().speak("Hello.", engine="polly")
    with pytest.raises(EngineMissing, match="not installed"):
        await Synthesiser([Program("gone", ("no-such-program-here",), "any")]).speak("Hello.", engine="gone")
    with pytest.raises(UnknownVoice):
        await Synthesiser([Counting()]).speak("Hello.", engine="counting", voice="two")


@pytest.mark.skipif(not shutil.which("flite"), reason="flite is not installed")
@pytest.mark.parametrize("voice", ["/etc/passwd", "http://127.0.0.1/v.flitevox", "slt ", "-o", "../slt", "slt\n"])
async def test_a_voice_is_no_path_and_no_address(voice: str) -> None:
    with pytest.raises(UnknownVoice):
        await Synthesiser().speak("Hello.", voice=voice)


@pytest.mark.parametrize(
    ("engine", "voices"),
    [
        (FLITE, ["slt", "rms", "awb", "kal", "kal16"]),
        (ESPEAK, ["en-us", "de", "fr-fr", "en-gb-x-rp+f4"]),
        (FESTIVAL, ["kal_diphone"]),
    ],
    ids=["flite", "espeak-ng", "festival"],
)
async def test_real_engines_speak(engine: Program, voices: list[str]) -> None:
    if not shutil.which(engine.command[0]):
        pytest.skip(f"{engine.name} is not installed")
    for voice in voices:
        samples = np.frombuffer(await Synthesiser().speak("Hello. -f --help", engine=engine.name, voice=voice), "<i2")
        assert len(samples) > 0.4 * 8000
        assert np.abs(samples).max() > 2000


def test_the_cache_forgets_what_was_not_used_for_longest(tmp_path: Path) -> None:
    cache = SpeechCache(tmp_path, limit=1000)
    for number in range(12):
        cache.put(str(number), bytes(90))
        os.utime(tmp_path / f"{number}.sln", (number, number)) if number < 11 else None
        if number == 5:
            assert cache.get("0") is not None
    assert cache.get("0") is not None  # it was used
    assert cache.get("1") is None
    assert cache.get("11") is not None
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 1000
    assert SpeechCache(tmp_path, limit=1000).get("11") is not None


def test_keys_differ_by_everything() -> None:
    assert len({key("a", "b", "c"), key("ab", "", "c"), key("a", "b", "C"), key("a", "bc", "")}) == 4


@pytest.mark.skipif(not shutil.which("flite"), reason="flite is not installed")
async def test_what_an_engine_leaves_silent_before_its_first_word_is_left_out() -> None:
    text = "You are number one in the queue. This is the second sentence of it."
    engine = Synthesiser([FLITE])
    first, second = [np.frombuffer(samples, dtype="<i2") async for samples in engine.stream(text)]
    spoken = np.frombuffer(await FLITE.speak("You are number one in the queue.", "slt"), dtype="<i2")
    assert abs(spoken[: RATE // 10]).max() < 200  # it is why
    assert len(first) < len(spoken) - RATE // 10
    assert (first == spoken[-len(first) :]).all()
    assert abs(first[: RATE // 20]).max() > 100
    assert abs(second[: RATE // 10]).max() < 200  # between two sentences there is a pause


@pytest.mark.parametrize("samples", [b"", b"x", bytes(4000), bytes(4001)])
def test_silence_stays_what_it_is(samples: bytes) -> None:
    assert without_lead(samples) == samples


async def test_who_asks_while_it_is_put_into_the_cache_has_it_without_the_engine(tmp_path: Path) -> None:
    class Slow(SpeechCache):
        def put(self, name: str, samples: bytes) -> None:
            assert go.wait(PATIENCE)
            super().put(name, samples)

    engine, go = Counting(), threading.Event()
    engine.go.set()
    synthesiser = Synthesiser([engine], cache=Slow(tmp_path))
    for _ in range(3):
        assert await synthesiser.speak("Hello there.", engine="counting") == b"Hello there."
    assert engine.spoken == ["Hello there."]
    go.set()
    await synthesiser.close()
    again = Synthesiser([engine], cache=SpeechCache(tmp_path))
    assert await again.speak("Hello there.", engine="counting") == b"Hello there."
    assert engine.spoken == ["Hello there."]
