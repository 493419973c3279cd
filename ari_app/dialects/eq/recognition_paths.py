"""The part of the path table (extras.py) about speech recognition."""

from __future__ import annotations

from ari_app.dialects.eq.wire.recognition import Recognition, RecognitionBody
from ari_app.dialects.http import Endpoint, ErrorRow


def _error(parameter: str | None, kind: str, description: str) -> ErrorRow:
    return ErrorRow(parameter=parameter, type=kind, description=description)


_START = (
    "What is said on a live call is cut into pieces of speech and given to a recogniser; docs/speech.md says what which"
    " can do. The call is neither answered nor moved. This returns the recognition's id at once."
)

RECOGNITION = (
    Endpoint(
        name="x.recognition.list",
        method="GET",
        path="/x/recognition",
        tag="Speech recognition",
        summary="Recognitions on live calls, and the last hundred that are over",
        reply=list[Recognition],
        scope="media",
    ),
    Endpoint(
        name="x.recognition.create",
        method="POST",
        path="/x/recognition",
        tag="Speech recognition",
        summary="Begin to understand what is said on a live call",
        description=_START,
        body=RecognitionBody,
        reply=str,
        errors=(
            _error("engine", "nonexistent", "There is no such engine, or it is not installed"),
            _error("engine", "invalid", "The engine cannot listen for what is asked; the description says why"),
            _error("call", "blank", "None of call, extension and agent is given"),
            _error("call", "invalid", "More than one of call, extension and agent is given"),
            _error("call", "nonexistent", "There is no such call"),
            _error("extension", "nonexistent", "The extension is not on a call"),
            _error("agent", "nonexistent", "The agent is not on a call"),
            _error(None, "limit", "There are as many recognitions as may be"),
        ),
        scope="media",
        changes=True,
    ),
    Endpoint(
        name="x.recognition.get",
        method="GET",
        path="/x/recognition/{id}",
        tag="Speech recognition",
        summary="One recognition: its state, and what was understood",
        parameters={"id": "ID of the recognition"},
        reply=Recognition,
        scope="media",
    ),
    Endpoint(
        name="x.recognition.delete",
        method="DELETE",
        path="/x/recognition/{id}",
        tag="Speech recognition",
        summary="End a recognition; the call goes on. Nothing happens to one that is over",
        parameters={"id": "ID of the recognition"},
        scope="media",
        changes=True,
    ),
)
