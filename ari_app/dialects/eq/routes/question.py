"""Questions on live calls: asked, looked at, ended."""

from __future__ import annotations

from ari_app.dialects.eq.routes.ask import Ask
from ari_app.dialects.eq.routes.desk import Whose, desk_handlers
from ari_app.dialects.eq.routes.playback import check_items
from ari_app.dialects.eq.routes.recognition import unrecognised
from ari_app.dialects.eq.wire.question import Question, QuestionBody


async def create(ask: Ask[None, QuestionBody]) -> str:
    data = ask.body.data
    whose, request = Whose(ask, data), data.to_request()
    check_items(ask, request.prompt)
    with whose.refusals(), unrecognised():
        return await ask.services.question.start(ask.account, request, **whose.whom)


HANDLERS = desk_handlers("question", "The question", lambda services: services.question, Question.of, create)
