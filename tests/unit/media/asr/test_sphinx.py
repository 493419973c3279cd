"""PocketSphinx itself, in its process, hearing flite speak as over a telephone."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ari_app.media.asr.errors import BadGrammar, RecogniserMissing, RecognitionFailed
from ari_app.media.asr.port import Wanted
from ari_app.media.asr.segments import Segment
from ari_app.media.asr.sphinx import PocketSphinx
from ari_app.media.asr.worker import Worker, Workers
from ari_app.media.frames import Framer
from ari_app.media.g711 import ulaw_decode, ulaw_encode
from ari_app.media.tts.engine import FLITE
from tests.harness.patience import PATIENCE
from tests.unit.media.asr.cutting import Cutting

MENU = Wanted(phrases=("Sales department", "billing", "operator", "repeat"))

needs_flite = pytest.mark.skipif(not shutil.which("flite"), reason="flite is not installed")


@pytest.fixture
async def sphinx() -> AsyncIterator[PocketSphinx]:
    made = PocketSphinx(concurrent=1, time_limit=PATIENCE)
    yield made
    await made.close()


async def spoken(text: str, voice: str = "rms") -> bytes:
    """As it arrives: 8 kHz, u-law, at half the level."""
    samples = await FLITE.speak(text, voice)
    return ulaw_decode(ulaw_encode(samples))


@needs_flite
async def test_phrases_are_heard_and_others_are_not_believed(sphinx: PocketSphinx) -> None:
    for phrase in MENU.phrases:
        heard = await sphinx.recognise(await spoken(phrase), MENU)
        assert (heard.text, heard.confidence and heard.confidence > 0.6) == (phrase, True)
        assert [word.text for word in heard.words] == phrase.lower().split()
        assert all(0 <= word.start < word.end for word in heard.words)
    other = await sphinx.recognise(await spoken("a huge elephant in the garden"), MENU)
    assert (other.confidence or 0) < 0.4


@needs_flite
async def test_what_one_says_changes_nothing_for_the_next(sphinx: PocketSphinx) -> None:
    billing, loud = await spoken("billing"), await spoken("operator", "kal16")
    first = await sphinx.recognise(billing, MENU)
    await sphinx.recognise(loud * 3, MENU)
    again = await sphinx.recognise(billing, MENU)
    assert (again.text, again.words) == (first.text, first.words)
    assert again.confidence == pytest.approx(first.confidence, abs=0.05)


@needs_flite
async def test_a_grammar(sphinx: PocketSphinx) -> None:
    wanted = Wanted(
        grammar="""#JSGF V1.0;
        grammar menu;
        public <order> = [please] (call | connect me to) <who>;
        <who> = (sales | billing) [department];
        """
    )
    heard = await sphinx.recognise(await spoken("connect me to sales department"), wanted)
    assert heard.text == "connect me to sales department"
    assert heard.words[0].start < heard.words[-1].start


@needs_flite
async def test_keywords_among_other_words(sphinx: PocketSphinx) -> None:
    wanted = Wanted(keywords=("Operator", "cancel my contract"))
    heard = await sphinx.recognise(await spoken("i would like to talk to an operator now please"), wanted)
    assert (heard.text, [word.text for word in heard.words]) == ("Operator", ["operator"])
    assert heard.words[0].start > 800
    assert (await sphinx.recognise(await spoken("good morning to everybody"), wanted)).text == ""


@needs_flite
async def test_a_piece_that_was_cut_out_of_a_call(sphinx: PocketSphinx) -> None:
    sound = bytes(16_000) + await spoken("billing") + bytes(24_000)
    (segment,) = (one for one in Cutting().hear(Framer().feed(sound)) if isinstance(one, Segment))
    heard = await sphinx.recognise(segment.samples, MENU)
    assert heard.text == "billing"


@needs_flite
async def test_what_it_takes_speech_for_while_it_is_said(sphinx: PocketSphinx) -> None:
    """The beginning of a sentence, though the grammar has no such sentence; then the sentence."""
    wanted = Wanted(
        grammar="#JSGF V1.0; grammar g; public <g> = i would like to talk to (the sales department|billing);"
    )
    sound = await spoken("i would like to talk to the sales department")
    told: list[str] = []
    stream = sphinx.stream(wanted, told.append)
    for start in range(0, len(sound), 3200):
        stream.feed(sound[start : start + 3200])
        if stream._looking is not None:  # as on a call, where speaking takes longer than this
            await stream._looking
    assert len(told) >= 2
    sentence = "i would like to talk to the sales department"
    assert sentence.startswith(told[0])
    assert len(told[0]) < len(sentence)
    assert (await stream.finish()).text == sentence
    keywords = sphinx.stream(Wanted(keywords=("sales department",)), told.append)
    keywords.feed(sound)
    await keywords._looking
    assert told[-1] == "sales department"
    keywords.drop()


async def test_silence_and_half_a_sample(sphinx: PocketSphinx) -> None:
    for samples in (b"", b"\0", bytes(16_001)):
        heard = await sphinx.recognise(samples, MENU)
        assert heard.text == "" or (heard.confidence or 0) < 0.5


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (Wanted(phrases=("qwrtzpl",)), "dictionary: qwrtzpl"),
        (Wanted(keywords=("yes", "qwrtzpl yes")), "dictionary: qwrtzpl"),
        (Wanted(grammar="#JSGF V1.0; grammar g; public <g> = ("), "cannot be read"),
        (Wanted(grammar="#JSGF V1.0; grammar g; <g> = no;"), "cannot be read"),
        (Wanted(grammar="#JSGF V1.0; grammar g; import </etc/passwd>; public <g> = no;"), "import"),
        (Wanted(phrases=("ja",), language="de-DE"), "knows en"),
        (Wanted(), "no dictation"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_it_cannot_listen_for_is_named(sphinx: PocketSphinx, wanted: Wanted, reason: str) -> None:
    with pytest.raises(BadGrammar, match=reason):
        await sphinx.recognise(bytes(16_000), wanted)
    assert (await sphinx.recognise(bytes(16_000), MENU)).text == ""  # and it goes on


@needs_flite
async def test_many_grammars_one_after_the_other(sphinx: PocketSphinx) -> None:
    """More than it keeps: those that were not wanted for longest go, and come again."""
    billing = await spoken("billing")
    wanted = [Wanted(grammar=f"#JSGF V1.0; grammar g{number}; public <g> = billing;") for number in range(40)]
    for one in wanted:
        await sphinx.recognise(bytes(160), one)
    assert (await sphinx.recognise(billing, wanted[0])).text == "billing"
    assert (await sphinx.recognise(billing, MENU)).text == "billing"


async def test_without_the_package(sphinx: PocketSphinx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RecogniserMissing, match="pocketsphinx is not installed"):
        sphinx.check(MENU)


# its process


def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> str:
    """A module that is run in place of the recogniser's."""
    (tmp_path / "another_process.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "another_process"


ECHO = """
import json, os, sys, time
source, sink = sys.stdin.buffer, sys.stdout.buffer
def read():
    head = source.read(4)
    return source.read(int.from_bytes(head, "big")) if len(head) == 4 else None
while (head := read()) is not None:
    audio = read()
    what = json.loads(head)["do"]
    if what == "die":
        os.abort()
    if what == "hang":
        time.sleep(3600)
    answer = b"[" if what == "babble" else json.dumps({"text": f"{os.getpid()} {len(audio)}"}).encode()
    sink.write((2**31 if what == "boast" else len(answer)).to_bytes(4, "big") + answer)
    sink.flush()
"""


@pytest.mark.parametrize("what", ["die", "babble", "boast"])
async def test_a_process_that_fails_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    one = Worker("test", program(tmp_path, monkeypatch, ECHO), time_limit=PATIENCE)
    first = await one.ask({"do": "echo"}, b"abc")
    assert first.text.endswith(" 3")
    with pytest.raises(RecognitionFailed, match="its process has ended"):
        await one.ask({"do": what}, b"")
    second = await one.ask({"do": "echo"}, b"ab")
    assert second.text.split()[0] != first.text.split()[0]
    await one.close()
    with pytest.raises(RecognitionFailed, match="being stopped"):
        await one.ask({"do": "echo"}, b"")


async def test_one_that_was_killed_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Worker("test", program(tmp_path, monkeypatch, ECHO), time_limit=PATIENCE)
    pid = int((await one.ask({"do": "echo"}, b"")).text.split()[0])
    os.kill(pid, signal.SIGKILL)
    try:  # it may be known by now that it is gone, or only when it is asked
        answer = await one.ask({"do": "echo"}, b"")
    except RecognitionFailed:
        answer = await one.ask({"do": "echo"}, b"")
    assert int(answer.text.split()[0]) != pid
    await one.close()


async def test_one_that_is_too_slow_or_asked_in_vain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer of a question that nobody waits for is never that of the next."""
    module = program(tmp_path, monkeypatch, ECHO)
    slow = Worker("test", module, time_limit=0.2)
    with pytest.raises(RecognitionFailed, match=r"within 0\.2 s"):
        await slow.ask({"do": "hang"}, b"")
    await slow.close()
    patient = Workers([Worker("test", module, time_limit=PATIENCE)])
    asked = asyncio.create_task(patient.ask({"do": "hang"}, b""))
    behind = asyncio.create_task(patient.ask({"do": "echo"}, b"12345"))
    await asyncio.sleep(0)
    asked.cancel()
    assert (await behind).text.endswith(" 5")
    await patient.close()


async def test_one_that_was_asked_in_vain_has_ended_when_it_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Worker("test", program(tmp_path, monkeypatch, ECHO), time_limit=PATIENCE)
    pid = int((await one.ask({"do": "echo"}, b"")).text.split()[0])
    asked = asyncio.create_task(one.ask({"do": "hang"}, b""))
    await asyncio.sleep(0)
    asked.cancel()
    await asyncio.wait([asked])
    await one.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@needs_flite
async def test_the_loop_goes_on_while_it_works(sphinx: PocketSphinx) -> None:
    await sphinx.recognise(bytes(16_000), MENU)
    sound = await spoken("sales department billing operator repeat " * 5)
    ticks = 0
    task = asyncio.create_task(sphinx.recognise(sound, MENU))
    began = time.process_time()
    while not task.done():
        await asyncio.sleep(0.001)
        ticks += 1
    assert ticks > 10
    assert time.process_time() - began < 1  # the work is not ours
