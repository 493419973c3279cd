"""Questions for tests of the EQ API: on calls that a test says there are, the first of which is answered at once. That
phones hear and answer them is shown with phones (tests/integration/test_question.py)."""

from __future__ import annotations

from typing import Unpack

from ari_app.calls.desk import Whom
from ari_app.calls.playback import ItemView
from ari_app.calls.question import QuestionRequest, QuestionView
from ari_app.calls.verbs.listen import Answer, Outcome
from ari_app.media.asr.port import Transcript, Word
from ari_app.media.asr.recognisers import Recognisers
from ari_app.media.asr.sphinx import PocketSphinx
from tests.dialects.eq.engine_centre import EngineCentre
from tests.dialects.eq.engine_desk import EngineDesk


class EngineQuestion(EngineDesk[QuestionView]):
    """The first is answered by voice, or with keys where only they are an answer; the others wait for theirs."""

    def __init__(self, centre: EngineCentre) -> None:
        super().__init__(centre, "question", limit=2)
        self._recognisers = Recognisers([PocketSphinx()])

    async def start(self, account: int, request: QuestionRequest, **whom: Unpack[Whom]) -> str:
        if request.wanted is not None:
            self._recognisers.check(request.wanted, request.engine)
        found = self.leg(account, **whom)
        self.require_room()
        now, answered = self.centre.clock.now(), self.number == 1 or request.wanted is None
        view = QuestionView(
            id=self.next_id,
            call=found.call,
            leg=found.unique_id,
            request=request,
            engine="" if request.wanted is None else self._recognisers.engine(request.engine).name,
            state="ended" if answered else "active",
            reason="answered" if answered else "",
            created_at=now,
            started_at=now,
            ended_at=now if answered else None,
            items=[ItemView(item=item, state="done", error="") for item in request.prompt],
            answer=_answer(request) if answered else None,
        )
        return self.begin(account, view)


def _answer(request: QuestionRequest) -> Answer:
    if request.wanted is None:
        return Answer(Outcome.DIGITS, digits="4711"[: request.manner.digits])
    text = next(iter(request.wanted.phrases), "yes")
    return Answer(Outcome.MATCH, Transcript(text, 0.93, (Word(text, 1500, 1900),), 1480, 1960))
