"""The process of PocketSphinx: `python -m ari_app.media.asr.sphinx_process --model DIR --dictionary FILE`.

Two things are done to what a telephone delivers: half a second of silence on either side (the models expect it), and
white noise of a low level after the rate was doubled, which fills the band from 4 to 8 kHz that the models know full.

PocketSphinx gives no useful confidence for grammars: it finds the nearest sentence of the grammar, whatever was said.
So the same speech is also given to a search that may hear any sounds in any order, and what the grammar's sentence is
less likely than these, per frame of speech, is the measure (a likelihood ratio against a phone loop).
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from pocketsphinx import Decoder

from ari_app.media.asr.serving import answers_alone, questions, serve

_RATE, _TELEPHONE_RATE = 16_000, 8000
_PADDING = _RATE // 2
_NOISE_RMS = 30.0
_NOISE_SEED = 1
_FRAME_MS = 10
#: searches that are kept for the next who wants the same
_SEARCHES = 32
#: bytes that the process may have: a grammar can be as large as its writer likes
_MEMORY = 2 * 1024**3
#: likelihoods are told in this scale
_SCORE_SCALE = 1024
#: where a sentence is as likely right as wrong, in nats a frame, and how quickly that changes
_EVEN, _STEEPNESS = -2.9, 2.0
#: how much likelier a keyword must be than other sounds
_KEYWORD_THRESHOLD = "1e-20"
_ANY_SOUNDS = "any sounds"


class _Refused(Exception):
    """It cannot be listened for."""


class Sphinx:
    """A decoder and its searches."""

    def __init__(self, model: str | None, dictionary: str | None) -> None:
        paths = {"hmm": model, "dict": dictionary}
        given = {name: path for name, path in paths.items() if path}
        # mean of the utterance, not of those before it: what one caller says is nothing to the next
        self._decoder = Decoder(samprate=_RATE, lm=None, loglevel="FATAL", cmn="batch", **given)
        self._decoder.add_allphone_file(_ANY_SOUNDS, None)
        self._searches: OrderedDict[str, str] = OrderedDict()
        self._made = 0

    def answer(self, header: dict[str, Any], samples: bytes) -> dict[str, Any]:
        """What a question is answered with."""
        try:
            if "keywords" in header:
                return self._keywords([str(one) for one in header["keywords"]], _prepared(samples))
            grammar = str(header["grammar"]) if "grammar" in header else _jsgf([str(one) for one in header["phrases"]])
            if "phrases" in header:
                self._known(header["phrases"])
            return self._sentence(grammar, _prepared(samples), so_far=bool(header.get("so_far")))
        except _Refused as error:
            return {"error": "bad_grammar", "reason": str(error)}
        except (RuntimeError, ValueError, KeyError, MemoryError) as error:
            return {"error": "recognition_failed", "reason": type(error).__name__}

    def _known(self, phrases: list[str]) -> None:
        unknown = {word for phrase in phrases for word in phrase.split() if self._decoder.lookup_word(word) is None}
        if unknown:
            shown = ", ".join(sorted(unknown)[:5])
            raise _Refused(f"not in its dictionary: {shown}")

    def _search(self, wish: str, make: Callable[[str], None]) -> str:
        name = self._searches.get(wish)
        if name is None:
            self._made += 1
            name = f"search {self._made}"
            make(name)
            self._searches[wish] = name
            if len(self._searches) > _SEARCHES:
                _, oldest = self._searches.popitem(last=False)
                self._decoder.activate_search(name)  # the one that goes must not be the one in use
                self._decoder.remove_search(oldest)
        self._searches.move_to_end(wish)
        return name

    def _decode(self, search: str, sound: bytes) -> tuple[Any, list[Any]]:
        decoder = self._decoder
        decoder.activate_search(search)
        decoder.start_utt()
        try:
            decoder.process_raw(sound, False, True)
        finally:
            decoder.end_utt()
        found = decoder.hyp()
        return found, list(decoder.seg()) if found is not None else []

    def _beginning(self, search: str, sound: bytes) -> str:
        """As `_decode`, of a sentence that may go on: after the end, one that is not whole is no sentence."""
        decoder = self._decoder
        decoder.activate_search(search)
        decoder.start_utt()
        try:
            decoder.process_raw(sound, False, True)
            found = decoder.hyp()
            return str(found.hypstr) if found is not None else ""
        finally:
            decoder.end_utt()

    def _sentence(self, grammar: str, sound: bytes, *, so_far: bool) -> dict[str, Any]:
        def make(name: str) -> None:
            try:
                self._decoder.add_jsgf_string(name, grammar)
            except (ValueError, RuntimeError):
                raise _Refused(
                    "the grammar cannot be read, has no public rule, or a word that is not in the dictionary"
                ) from None

        if so_far:
            return {"text": self._beginning(self._search(grammar, make), sound)}
        found, segments = self._decode(self._search(grammar, make), sound)
        spoken = [one for one in segments if not one.word.startswith(("<", "["))]
        if found is None or not spoken:
            return {"text": ""}
        anything, _ = self._decode(_ANY_SOUNDS, sound)
        frames = sum(one.end_frame - one.start_frame + 1 for one in spoken)
        confidence = _confidence(found.score, anything.score if anything is not None else found.score, frames)
        words = [[_bare(one.word), *_times(one), None] for one in spoken]
        return {"text": found.hypstr, "confidence": confidence, "words": words}

    def _keywords(self, keywords: list[str], sound: bytes) -> dict[str, Any]:
        self._known(keywords)

        def make(name: str) -> None:
            with tempfile.TemporaryDirectory(prefix="ari-app-asr-") as directory:
                path = Path(directory, "keywords")
                path.write_text("".join(f"{one} /{_KEYWORD_THRESHOLD}/\n" for one in keywords), encoding="utf-8")
                self._decoder.add_kws(name, str(path))

        _, segments = self._decode(self._search("\n".join(["keywords", *keywords]), make), sound)
        heard = sorted(segments, key=lambda one: one.start_frame)
        words = [[one.word.strip(), *_times(one), None] for one in heard]
        said = list(dict.fromkeys(word[0] for word in words))
        return {"text": ", ".join(said), "words": words}


def _jsgf(phrases: list[str]) -> str:
    return "#JSGF V1.0;\ngrammar phrases;\npublic <phrase> = " + " | ".join(phrases) + ";\n"


def _bare(word: str) -> str:
    """Without the number of its pronunciation: read(2)."""
    return str(word).partition("(")[0]


def _times(segment: Any) -> tuple[int, int]:
    """Of the telephone's audio, in ms."""
    early = _PADDING * 1000 // _RATE
    start = max(0, segment.start_frame * _FRAME_MS - early)
    return start, max(start, (segment.end_frame + 1) * _FRAME_MS - early)


def _confidence(sentence: float, anything: float, frames: int) -> float:
    if min(sentence, anything) <= 0 or not frames:
        return 0.0
    ratio = _SCORE_SCALE * math.log(sentence / anything) / frames
    return round(1 / (1 + math.exp(min(50.0, -_STEEPNESS * (ratio - _EVEN)))), 3)


def _prepared(samples: bytes) -> bytes:
    """At the rate of the models, with silence around it and noise all over. The same speech is always the same."""
    sound = np.frombuffer(samples[: len(samples) & ~1], "<i2").astype(np.float32)
    wide = soxr.resample(sound, _TELEPHONE_RATE, _RATE)
    padded = np.pad(wide, _PADDING) + np.random.default_rng(_NOISE_SEED).normal(
        0, _NOISE_RMS, len(wide) + 2 * _PADDING
    ).astype(np.float32)
    return bytes(np.clip(np.rint(padded), -32768, 32767).astype("<i2").tobytes())


def main() -> None:
    """Read from standard input, answer to standard output."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="")
    parser.add_argument("--dictionary", default="")
    given = parser.parse_args()
    answers = answers_alone(_MEMORY)
    serve(Sphinx(given.model, given.dictionary), questions(), answers)


if __name__ == "__main__":
    main()
