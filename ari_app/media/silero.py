"""Silero's voice activity detector, as an option: a small neural network, run by onnxruntime on one thread.

It tells speech from music and noise better than WebRTC's, at forty-five times the cost: about 280 calls a core. Neither
is part of this application: the extra `silero` brings onnxruntime, and the model is a file of 2.3 MB (docs/cpa.md).
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from ari_app.errors import ConfigError
from ari_app.media.frames import RATE

#: Samples that are looked at in one go (32 ms at 8 kHz), and those before them that are shown again.
_CHUNK, _CONTEXT = 256, 32
#: Above the first it is speech, and from then on until it is below the second: as its own iterator has it.
_SPEECH, _NO_SPEECH = 0.5, 0.35
_INPUTS = {"input", "state", "sr"}


def find_model() -> Path | None:
    """The model of the package `silero-vad`, if that is installed; it is not imported, as it would import torch."""
    found = importlib.util.find_spec("silero_vad")
    if found is None or not found.submodule_search_locations:
        return None
    path = Path(next(iter(found.submodule_search_locations))) / "data" / "silero_vad.onnx"
    return path if path.exists() else None


class SileroModel:
    """The network, which all calls of a process share."""

    def __init__(self, path: Path | None = None) -> None:
        """path: of silero_vad.onnx, which knows 8 kHz; None: that of the package silero-vad.

        Raises ConfigError: what is missing, and where it is to be had.
        """
        path = path or find_model()
        if path is None or not path.is_file():
            where = f"{path} is no file" if path is not None else "it is not installed"
            raise ConfigError(f"silero: no model, {where}; pip install --no-deps silero-vad, or set SILERO_MODEL")
        try:
            runtime: Any = importlib.import_module("onnxruntime")
        except ImportError:
            raise ConfigError("silero: onnxruntime is missing; pip install 'ari-app[silero]'") from None
        options = runtime.SessionOptions()
        options.inter_op_num_threads = options.intra_op_num_threads = 1
        try:
            self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # of its own, and not said which
            raise ConfigError(f"silero: {path} cannot be used: {error}") from None
        if {each.name for each in self._session.get_inputs()} != _INPUTS:
            raise ConfigError(f"silero: {path} is another model")
        self._rate = np.array(RATE, np.int64)

    def probability(self, samples: np.ndarray[Any, Any], state: np.ndarray[Any, Any]) -> tuple[float, Any]:
        """That this chunk, with its context before it, is speech; and the state for the next. About 100 us."""
        found, state = self._session.run(None, {"input": samples, "state": state, "sr": self._rate})
        return float(found[0, 0]), state

    def vad(self) -> SileroVad:
        """A detector for one channel."""
        return SileroVad(self)


class SileroVad:
    """A vad.Vad. What it says of a frame is what it knows of the newest whole chunk: it is up to 32 ms late."""

    def __init__(self, model: SileroModel) -> None:
        self._model = model
        self._state = np.zeros((2, 1, 128), np.float32)
        self._samples = np.zeros(_CONTEXT, np.float32)
        self._speech = False

    def is_speech(self, frame: bytes) -> bool:
        """As in vad.Vad."""
        new = np.frombuffer(frame, "<i2").astype(np.float32) / 32768
        self._samples = np.concatenate([self._samples, new])
        while len(self._samples) >= _CONTEXT + _CHUNK:
            chunk = self._samples[: _CONTEXT + _CHUNK]
            self._samples = self._samples[_CHUNK:]
            probability, self._state = self._model.probability(chunk[np.newaxis], self._state)
            self._speech = probability >= (_NO_SPEECH if self._speech else _SPEECH)
        return self._speech
