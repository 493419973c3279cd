"""PocketSphinx: grammars and keywords in English, with nothing but its package (the extra `asr`).

The models that it brings are for microphones, not for telephones, and twenty years old: docs/speech.md has what is to
be expected of it. It is for a few words that sound different, not for dictation, which it is not asked for.
"""

from __future__ import annotations

import importlib.util
import os
from typing import Any, ClassVar

from ari_app.media.asr.errors import BadGrammar, RecogniserMissing
from ari_app.media.asr.port import Transcript, Wanted, Word, plain
from ari_app.media.asr.worker import TIME_LIMIT, Worker, Workers

_MODULE = "ari_app.media.asr.sphinx_process"


class PocketSphinx:
    """model, dictionary: those of another language; "": the English ones of the package."""

    remote: ClassVar[bool] = False

    def __init__(
        self,
        name: str = "pocketsphinx",
        *,
        model: str = "",
        dictionary: str = "",
        language: str = "en",
        concurrent: int | None = None,
        time_limit: float = TIME_LIMIT,
    ) -> None:
        """concurrent: processes, one a core by default; each has 60 MB and is there from when it is first needed.
        time_limit: seconds for one piece of speech."""
        self.name = name
        self._language = language
        arguments = ["--model", model, "--dictionary", dictionary]
        many = concurrent or os.cpu_count() or 1
        self._workers = Workers([Worker(name, _MODULE, arguments, time_limit=time_limit) for _ in range(many)])

    def check(self, wanted: Wanted) -> None:
        if importlib.util.find_spec("pocketsphinx") is None:
            raise RecogniserMissing(f"{self.name}: the package pocketsphinx is not installed", engine=self.name)
        if wanted.language.partition("-")[0].lower() != self._language:
            raise BadGrammar(f"{self.name}: knows {self._language}, not {wanted.language}", engine=self.name)
        if not (wanted.phrases or wanted.keywords or wanted.grammar):
            raise BadGrammar(f"{self.name}: needs phrases, keywords or a grammar: it takes no dictation")
        if "import" in wanted.grammar:
            raise BadGrammar(f"{self.name}: grammars that import others are not read", engine=self.name)

    async def recognise(self, samples: bytes, wanted: Wanted) -> Transcript:
        """As in Recogniser."""
        self.check(wanted)
        names = {plain(one): one for one in wanted.phrases or wanted.keywords}
        answer = await self._workers.ask(_header(wanted, list(names)), samples)
        words = tuple(Word(*word) for word in answer.words)
        if wanted.keywords:
            text = ", ".join(names.get(one, one) for one in answer.text.split(", ") if one)
        else:
            text = names.get(answer.text, answer.text)
        return Transcript(text, answer.confidence, words)

    async def close(self) -> None:
        """End its processes."""
        await self._workers.close()


def _header(wanted: Wanted, plain_ones: list[str]) -> dict[str, Any]:
    if wanted.grammar:
        return {"grammar": wanted.grammar}
    return {"phrases" if wanted.phrases else "keywords": plain_ones}
