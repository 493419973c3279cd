"""Silero's detector with its real model; what is said where that, or onnxruntime, is missing."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from ari_app.errors import ConfigError
from ari_app.media.silero import SileroModel, find_model
from ari_app.media.tts.engine import FLITE
from tests.unit.media.signals import frames, noise, silence, sine

MODEL = Path(os.environ["SILERO_MODEL"]) if os.environ.get("SILERO_MODEL") else find_model()


@pytest.fixture
def model() -> SileroModel:
    pytest.importorskip("onnxruntime")
    if MODEL is None:
        pytest.skip("no model: pip install --no-deps silero-vad")
    return SileroModel(MODEL)


def share(model: SileroModel, sound: list[bytes | None]) -> float:
    vad = model.vad()
    return float(np.mean([vad.is_speech(frame) for frame in sound if frame is not None]))


@pytest.mark.skipif(not shutil.which("flite"), reason="flite is not installed")
async def test_speech_is_speech_and_nothing_else_is(model: SileroModel) -> None:
    said = await FLITE.speak("good morning, this is a sentence of some length, which somebody says", "rms")
    speech = [said[start : start + 320] for start in range(0, len(said) - 319, 320)]
    assert share(model, [*speech]) > 0.7
    for sound in (silence(3000), noise(3000, -30), sine(1000, 3000), sine(440, 3000) + sine(480, 3000)):
        assert share(model, frames(sound)) < 0.1


@pytest.mark.skipif(not shutil.which("flite"), reason="flite is not installed")
async def test_channels_do_not_disturb_each_other(model: SileroModel) -> None:
    said = await FLITE.speak("good morning", "rms")
    speech = [said[start : start + 320] for start in range(0, len(said) - 319, 320)]
    alone, other = model.vad(), model.vad()
    wanted = [alone.is_speech(frame) for frame in speech]
    beside = model.vad()
    found = []
    for frame in speech:
        found.append(beside.is_speech(frame))
        other.is_speech(bytes(320))
    assert found == wanted
    assert any(found)


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="is no file"):
        SileroModel(tmp_path / "silero_vad.onnx")
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no model")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match=r"ari-app\[silero\]"):
        SileroModel(path)
    monkeypatch.undo()
    pytest.importorskip("onnxruntime")
    with pytest.raises(ConfigError, match="cannot be used"):
        SileroModel(path)
