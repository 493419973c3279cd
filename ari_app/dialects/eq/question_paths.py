"""The part of the path table (extras.py) about questions on live calls."""

from __future__ import annotations

from ari_app.dialects.eq.desk_paths import desk_rows
from ari_app.dialects.eq.playback_paths import SPOKEN
from ari_app.dialects.eq.recognition_paths import ENGINES
from ari_app.dialects.eq.wire.question import Question, QuestionBody
from ari_app.dialects.http import error

_START = (
    "A prompt is said on a live call, and the first thing that is said or pressed is the answer (docs/speech.md). The"
    " call goes on below it, and is neither answered nor moved. This returns the question's id at once."
)

QUESTION = desk_rows(
    "question",
    tag="Speech recognition",
    words=("question", "questions"),
    begin=("Ask something on a live call, to be answered by voice or with keys", _START),
    look="One question: its state, and what was answered",
    body=QuestionBody,
    reply=Question,
    errors=(
        error("prompt", "invalid", "Not one of text and sound, or too many; the description says which"),
        *SPOKEN,
        *ENGINES,
        error("digits", "invalid", "Not 0 to 64, or 0 without speech"),
    ),
)
