"""The part of the path table (extras.py) about speech recognition."""

from __future__ import annotations

from ari_app.dialects.eq.desk_paths import desk_rows
from ari_app.dialects.eq.wire.recognition import Recognition, RecognitionBody
from ari_app.dialects.http import error

_START = (
    "What is said on a live call is cut into pieces of speech and given to a recogniser; docs/speech.md says what which"
    " can do. The call is neither answered nor moved. This returns the recognition's id at once."
)

#: as routes/recognition.py refuses
ENGINES = (
    error("engine", "nonexistent", "There is no such engine, or it is not installed"),
    error("engine", "invalid", "The engine cannot listen for what is asked; the description says why"),
)

RECOGNITION = desk_rows(
    "recognition",
    tag="Speech recognition",
    words=("recognition", "recognitions"),
    begin=("Begin to understand what is said on a live call", _START),
    look="One recognition: its state, and what was understood",
    body=RecognitionBody,
    reply=Recognition,
    errors=(*ENGINES, error("partials", "invalid", "The engine says nothing before a piece of speech has ended")),
)
