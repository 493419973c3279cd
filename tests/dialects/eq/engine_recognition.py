"""Speech recognition for tests of the EQ API: recognitions on calls that a test says there are, in which always the
same is heard. That the real ones hear is shown with phones (tests/integration/test_listen.py)."""

from __future__ import annotations

from typing import Unpack

from ari_app.calls.desk import Whom
from ari_app.calls.recognition import RecognitionRequest, RecognitionView
from ari_app.media.asr.port import Transcript, Word
from ari_app.media.asr.recognisers import Recognisers
from ari_app.media.asr.services import HttpForm, HttpService
from ari_app.media.asr.sphinx import PocketSphinx
from tests.dialects.eq.engine_centre import EngineCentre
from tests.dialects.eq.engine_desk import EngineDesk


class EngineRecognition(EngineDesk[RecognitionView]):
    """Recognitions, active at once."""

    def __init__(self, centre: EngineCentre) -> None:
        super().__init__(centre, "recognition", limit=2)
        self._recognisers = Recognisers([PocketSphinx(), HttpService("service", HttpForm(url="http://127.0.0.1:1/"))])

    async def start(self, account: int, request: RecognitionRequest, **whom: Unpack[Whom]) -> str:
        self._recognisers.check(request.wanted, request.engine, partials=request.partials)
        found = self.leg(account, **whom)
        self.require_room()
        now = self.centre.clock.now()
        text = next(iter(request.wanted.phrases or request.wanted.keywords), "yes")
        view = RecognitionView(
            id=self.next_id,
            call=found.call,
            leg=found.unique_id,
            request=request,
            engine=self._recognisers.engine(request.engine).name,
            state="active",
            reason="",
            created_at=now,
            started_at=now,
            ended_at=None,
            pieces=3,
            unmatched=1,
            failed=1,
            missed=0,
            error="pocketsphinx: no answer within 20 s",
            results=[Transcript(text, 0.93, (Word(text, 1500, 1900),), 1480, 1960)],
        )
        return self.begin(account, view)
