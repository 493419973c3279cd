"""The part of the path table (extras.py) about analyses of live calls."""

from __future__ import annotations

from ari_app.dialects.eq.desk_paths import desk_rows
from ari_app.dialects.eq.wire.analysis import Analysis, AnalysisBody
from ari_app.dialects.http import Endpoint, error

_START = (
    "The sound of a live call is listened to, and what is asked for is told as it is found: who has answered, tones,"
    " digits, talk, silence (docs/cpa.md). Each finding is an event of the stream (docs/events.md). The call is neither"
    " answered nor moved. This returns the analysis's id at once."
)

ANALYSIS = (
    *desk_rows(
        "analysis",
        tag="Analysis",
        words=("analysis", "analyses"),
        begin=("Begin to listen for answers, tones, digits, talk or silence on a live call", _START),
        look="One analysis: its state, and what was found",
        body=AnalysisBody,
        reply=Analysis,
        errors=(
            error("tell", "invalid", "Not what can be told, or nothing is to be told"),
            error("tones", "invalid", "No frequency and tolerance, or the name of something else"),
            error("breakEvents", "invalid", "Not a code or a tone that is told"),
            error("totalTimeout", "invalid", "Out of range: with answer 1000 to 600000"),
            error("silenceDetectLimit", "invalid", "0, or 1000 to 10000"),
            error("countries", "invalid", "Of one of them no tones are known"),
            error("keepFeatures", "invalid", "Only of an analysis that ends within ten minutes"),
        ),
    ),
    Endpoint(
        name="x.analysis.features",
        method="GET",
        path="/x/analysis/{id}/features",
        tag="Analysis",
        summary="The features that an analysis stands on, so far",
        description=(
            "If keepFeatures was asked for. A gzip of lines of JSON: what was asked for, then 50 rows a second, from"
            " which the same findings are found again (docs/cpa.md). Nothing that was said can be heard from them."
        ),
        parameters={"id": "ID of the analysis"},
        download=("application/gzip",),
        errors=(error("id", "nonexistent", "There is no such analysis, or its features were not kept (404)"),),
        scope="media",
    ),
)
