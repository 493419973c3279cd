"""vosk without a server: a model in processes of ours, by the package `vosk`, which the operator installs."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import ClassVar

from ari_app.media.asr.errors import BadGrammar, RecogniserMissing
from ari_app.media.asr.port import Transcript, Wanted, Word, chosen, plain
from ari_app.media.asr.services import no_grammar
from ari_app.media.asr.worker import TIME_LIMIT, Worker, Workers

_MODULE = "ari_app.media.asr.vosk_process"


class VoskHere:
    """A recogniser (port.Recogniser)."""

    remote: ClassVar[bool] = False

    def __init__(
        self, name: str, model: str, *, language: str = "en", concurrent: int = 1, time_limit: float = TIME_LIMIT
    ) -> None:
        """model: its directory; of 8 kHz, or vosk resamples. concurrent: processes, each with the model in its memory
        from when it is first needed. time_limit: seconds for one piece of speech, with the model's loading."""
        self.name = name
        self._model = model
        self._language = language
        arguments = ["--model", model]
        self._workers = Workers([Worker(name, _MODULE, arguments, time_limit=time_limit) for _ in range(concurrent)])

    def check(self, wanted: Wanted) -> None:
        """As in Recogniser."""
        if importlib.util.find_spec("vosk") is None:
            raise RecogniserMissing(f"{self.name}: the package vosk is not installed", engine=self.name)
        if not Path(self._model).is_dir():
            raise RecogniserMissing(f"{self.name}: there is no model at its path", engine=self.name)
        if wanted.language.partition("-")[0].lower() != self._language:
            raise BadGrammar(f"{self.name}: knows {self._language}, not {wanted.language}", engine=self.name)
        no_grammar(self.name, wanted)

    async def recognise(self, samples: bytes, wanted: Wanted) -> Transcript:
        """As in Recogniser."""
        self.check(wanted)
        header = {"phrases": [plain(one) for one in wanted.phrases]} if wanted.phrases else {}
        answer = await self._workers.ask(header, samples)
        heard = Transcript(answer.text, answer.confidence, tuple(Word(*word) for word in answer.words))
        return chosen(heard, wanted)

    async def close(self) -> None:
        """End its processes."""
        await self._workers.close()
