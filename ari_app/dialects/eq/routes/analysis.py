"""Analyses of live calls: begun, looked at, ended; and their features."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from pydantic.alias_generators import to_camel

from ari_app.dialects.eq.errors import invalid, not_found
from ari_app.dialects.eq.routes.ask import Ask, Handler
from ari_app.dialects.eq.routes.desk import Whose, desk_handlers, not_an_agents
from ari_app.dialects.eq.wire.analysis import Analysis, AnalysisBody
from ari_app.errors import NotFound


async def create(ask: Ask[None, AnalysisBody]) -> str:
    data = ask.body.data
    whose = Whose(ask, data)
    try:
        request = data.to_request()
    except ValueError as error:
        name, _, what = str(error).partition(": ")
        parameter = to_camel(name.partition(".")[0])
        raise invalid(parameter, f"{parameter}: {what}") from None
    with whose.refusals():
        return await ask.services.analysis.start(ask.account, request, **whose.whom)


async def features(ask: Ask[None, Any]) -> web.Response:
    not_an_agents(ask)
    analysis = ask.path["id"]
    try:
        file = ask.services.analysis.features(ask.account, analysis)
    except NotFound as error:
        what = "The analysis" if error.context.get("parameter") == "id" else "A record of its features"
        raise not_found("id", what) from None
    headers = {
        "Content-Disposition": f'attachment; filename="{analysis}.ndjson.gz"',
        "Cache-Control": "no-store",
    }
    return web.Response(body=file, content_type="application/gzip", headers=headers)


HANDLERS: dict[str, Handler] = {
    **desk_handlers("analysis", "The analysis", lambda services: services.analysis, Analysis.of, create),
    "x.analysis.features": features,
}
