"""Import from FreePBX: a file is sent to be planned, and sent again with the plan's name to be imported."""

from __future__ import annotations

from typing import Any

from ari_app.dialects.eq import auth
from ari_app.dialects.eq.errors import ApiError, invalid, refused
from ari_app.dialects.eq.routes.ask import Ask, Handler
from ari_app.dialects.eq.wire.freepbx import FreePbxImport, FreePbxImportQuery
from ari_app.errors import AppError, Conflict

CSV = "text/csv"


async def freepbx(ask: Ask[FreePbxImportQuery, None]) -> FreePbxImport:
    _check_who(ask)
    query, (kind, data) = ask.query, ask.upload
    if not data:
        raise refused("file", "blank", "A backup archive or a CSV must be sent as the body")
    services, account = ask.services, ask.account
    try:
        upload = await services.importer.read(
            account,
            data,
            csv=kind == CSV,
            force=bool(query.force),
            prune=bool(query.prune),
            provision=query.provisioned(),
            skills=query.skills,
        )
        if query.apply is None:
            return FreePbxImport(**await upload.plan())
        async with services.sign_ins.exclusive(account):
            return FreePbxImport(**await upload.apply(query.apply))
    except Conflict as error:
        raise refused(None, "in_use", str(error)) from None
    except AppError as error:
        raise _said(error) from None


def _said(error: AppError) -> AppError:
    if error.slug == "source_unreadable":
        return invalid("file", str(error))
    if error.slug == "plan_changed":
        return refused("apply", "changed", "The plan is another one by now; look at it and apply that")
    return error


def _check_who(ask: Ask[Any, Any]) -> None:
    session = ask.caller.session
    if session is not None and session.kind != "supervisor":
        raise ApiError(403, auth.SESSIONS[1][0], "forbidden", "Only a supervisor may import")


HANDLERS: dict[str, Handler] = {"import.freepbx": freepbx}
