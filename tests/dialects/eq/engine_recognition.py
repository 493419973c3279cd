"""Speech recognition for tests of the EQ API: recognitions on calls that a test says there are, in which always the
same is heard. That the real ones hear is shown with phones (tests/integration/test_listen.py)."""

from __future__ import annotations

import msgspec

from ari_app.calls.recognition import RecognitionRequest, RecognitionView, TooManyRecognitions
from ari_app.errors import NotFound
from ari_app.media.asr.port import Transcript, Word
from ari_app.media.asr.recognisers import Recognisers
from ari_app.media.asr.sphinx import PocketSphinx
from tests.dialects.eq.engine_centre import EngineCentre

LIMIT = 2


class EngineRecognition:
    """Recognitions, active at once."""

    def __init__(self, centre: EngineCentre) -> None:
        self._centre = centre
        self._recognisers = Recognisers([PocketSphinx()])
        self._views: list[tuple[int, RecognitionView]] = []

    async def start(
        self, account: int, request: RecognitionRequest, *, call: str | None = None, extension: str | None = None
    ) -> str:
        self._recognisers.check(request.wanted, request.engine)
        found = [
            info
            for info in self._centre.calls.all_of(account)
            if info.state == "up" and (info.call == call if extension is None else info.extension == extension)
        ]
        if not found:
            raise NotFound("is not on a call")
        if len([view for _, view in self._views if view.state != "ended"]) >= LIMIT:
            raise TooManyRecognitions(f"there are {LIMIT} recognitions already")
        now = self._centre.clock.now()
        text = next(iter(request.wanted.phrases or request.wanted.keywords), "yes")
        view = RecognitionView(
            id=f"recognition-{len(self._views) + 1}",
            call=found[0].call,
            leg=found[0].unique_id,
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
        self._views.append((account, view))
        return view.id

    def _index(self, account: int, recognition: str) -> int:
        for index, (owner, view) in enumerate(self._views):
            if (owner, view.id) == (account, recognition):
                return index
        raise NotFound

    def view(self, account: int, recognition: str) -> RecognitionView:
        return self._views[self._index(account, recognition)][1]

    def views(self, account: int) -> list[RecognitionView]:
        return [view for owner, view in self._views if owner == account]

    def stop(self, account: int, recognition: str) -> None:
        index = self._index(account, recognition)
        owner, view = self._views[index]
        if view.state != "ended":
            now = self._centre.clock.now()
            over = msgspec.structs.replace(view, state="ended", reason="stopped by request", ended_at=now)
            self._views[index] = (owner, over)
