"""vosk with a model: what is asked of its package, by a stand-in with the same names; and the package itself, if it is
installed, up to the model that nobody has."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from ari_app.media.asr.errors import BadGrammar, RecogniserMissing, RecognitionFailed
from ari_app.media.asr.port import Wanted
from ari_app.media.asr.vosk import VoskHere
from tests.harness.patience import PATIENCE

SPEECH = bytes(16000)
STAND_IN = """
import json

print("a library prints what is no answer")

def SetLogLevel(level):
    assert level == -1

class Model:
    def __init__(self, path):
        if not path.endswith("model"):
            raise Exception("Failed to create a model")

class KaldiRecognizer:
    def __init__(self, model, rate, grammar=None):
        assert isinstance(model, Model) and rate == 8000.0
        self.grammar, self.heard, self.words = json.loads(grammar) if grammar else [], b"", False

    def SetWords(self, on):
        self.words = on

    def AcceptWaveform(self, data):
        self.heard += data
        return 1

    def Result(self):
        word = {"word": self.grammar[0] if self.grammar else "hello", "start": 0.25, "end": 0.5, "conf": 0.75}
        return json.dumps({"text": word["word"], "result": [word]} if self.words else {"text": ""})

    def FinalResult(self):
        return json.dumps({"text": "" if len(self.heard) == 16000 else "cut"})
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with the stand-in, which its process finds as `vosk`, and a model."""
    (tmp_path / "vosk.py").write_text(STAND_IN)
    (tmp_path / "model").mkdir()
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


async def test_what_is_said_and_when(package: Path) -> None:
    engine = VoskHere("here", str(package / "model"), time_limit=PATIENCE)
    try:
        heard = await engine.recognise(SPEECH, Wanted())
        (word,) = heard.words
        assert (heard.text, heard.confidence) == ("hello", 0.75)
        assert (word.text, word.start, word.end, word.confidence) == ("hello", 250, 500, 0.75)
        heard = await engine.recognise(SPEECH, Wanted(phrases=("Billing!", "sales")))
        assert heard.text == "Billing!"
        assert (await engine.recognise(SPEECH, Wanted(keywords=("nothing",)))).text == ""
        with pytest.raises(BadGrammar, match="knows en"):
            await engine.recognise(SPEECH, Wanted(language="de-DE"))
        with pytest.raises(BadGrammar):
            await engine.recognise(SPEECH, Wanted(grammar="#JSGF V1.0; grammar g; public <g> = no;"))
    finally:
        await engine.close()


async def test_no_model(package: Path) -> None:
    with pytest.raises(RecogniserMissing, match="no model"):
        VoskHere("here", str(package / "nothing")).check(Wanted())
    engine = VoskHere("here", str(package / "other"), time_limit=PATIENCE)
    try:
        with pytest.raises(RecognitionFailed, match="Failed to create a model"):
            await engine.recognise(SPEECH, Wanted())
    finally:
        await engine.close()


@pytest.mark.skipif(importlib.util.find_spec("vosk") is None, reason="the package vosk is not installed")
async def test_the_package_itself_refuses_what_is_no_model(tmp_path: Path) -> None:
    engine = VoskHere("here", str(tmp_path), time_limit=PATIENCE)
    try:
        with pytest.raises(RecognitionFailed, match="Failed to create a model"):
            await engine.recognise(SPEECH, Wanted())
    finally:
        await engine.close()


def test_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(RecogniserMissing, match="not installed"):
        VoskHere("here", str(tmp_path)).check(Wanted())
