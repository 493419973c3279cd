"""The process of vosk: `python -m ari_app.media.asr.vosk_process --model DIR`. Its answers are those of vosk-server."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

import msgspec

from ari_app.media.asr.serving import answers_alone, questions, serve
from ari_app.media.frames import RATE


class VoskModel:
    """A model, and a recogniser for each piece of speech: what one says is nothing to the next."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._vosk: Any = None
        self._model: Any = None

    def answer(self, header: dict[str, Any], samples: bytes) -> dict[str, Any]:
        """phrases: nothing but these, and [unk] for all else, is heard."""
        try:
            if self._model is None:
                self._vosk = importlib.import_module("vosk")
                self._vosk.SetLogLevel(-1)
                self._model = self._vosk.Model(self._path)
            phrases = header.get("phrases")
            grammar = [msgspec.json.encode([*phrases, "[unk]"]).decode()] if phrases else []
            recogniser = self._vosk.KaldiRecognizer(self._model, float(RATE), *grammar)
            recogniser.SetWords(True)
            said = []
            if recogniser.AcceptWaveform(samples):
                said.append(recogniser.Result())
            said.append(recogniser.FinalResult())
            return _answer([msgspec.json.decode(one) for one in said])
        except ImportError:
            return {"error": "recognition_failed", "reason": "the package vosk is not installed"}
        except Exception as error:  # of its own are nothing but Exception
            return {"error": "recognition_failed", "reason": str(error)[:200] or type(error).__name__}


def _answer(results: list[dict[str, Any]]) -> dict[str, Any]:
    words = [word for result in results for word in result.get("result", ())]
    sure = [float(word["conf"]) for word in words]
    return {
        "text": " ".join(text for result in results if (text := str(result.get("text", "")).strip())),
        "confidence": min(sure) if sure else None,
        "words": [
            [word["word"], round(word["start"] * 1000), round(word["end"] * 1000), float(word["conf"])]
            for word in words
        ],
    }


def main() -> None:
    """Read from standard input, answer to standard output."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    given = parser.parse_args()
    answers = answers_alone(0)  # a large model has gigabytes
    serve(VoskModel(given.model), questions(), answers)


if __name__ == "__main__":
    main()
