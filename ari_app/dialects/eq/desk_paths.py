"""The rows of the path table (extras.py) about what users begin on live calls (calls/desk.py): attachments,
recognitions. All kinds have the same four."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ari_app.dialects.eq.wire.fields import Parameters
from ari_app.dialects.http import Endpoint, ErrorRow, error

#: as routes/desk.py and the desks refuse
WHOSE = (
    error("call", "blank", "None of call, leg, extension and agent is given"),
    error("call", "invalid", "More than one of call, leg, extension and agent is given"),
    error("call", "nonexistent", "There is no such call"),
    error("leg", "nonexistent", "There is no such leg"),
    error("extension", "nonexistent", "The extension is not on a call"),
    error("agent", "nonexistent", "The agent is not on a call"),
)


def desk_rows(
    path: str,
    *,
    tag: str,
    words: tuple[str, str],
    begin: tuple[str, str],
    look: str,
    body: type[Parameters],
    reply: type,
    errors: Iterable[ErrorRow],
) -> tuple[Endpoint, ...]:
    """List, begin, look at one, end one: x.{path}.list, .create, .get and .delete.

    Args:
        path: after /x/: "recognition".
        words: what one is called, and several, in the middle of a sentence.
        begin: summary and description of what begins one.
        look: summary of what looks at one.
        errors: of what begins one, beside those about the call that is meant.
    """
    one, many = words
    row_of_one: dict[str, Any] = {
        "path": f"/x/{path}/{{id}}",
        "tag": tag,
        "parameters": {"id": f"ID of the {one}"},
        "scope": "media",
    }
    return (
        Endpoint(
            name=f"x.{path}.list",
            method="GET",
            path=f"/x/{path}",
            tag=tag,
            summary=f"{many.capitalize()} on live calls, and the last hundred that are over",
            reply=list[reply],  # type: ignore[valid-type]  # for the document
            scope="media",
        ),
        Endpoint(
            name=f"x.{path}.create",
            method="POST",
            path=f"/x/{path}",
            tag=tag,
            summary=begin[0],
            description=begin[1],
            body=body,
            reply=str,
            errors=(*errors, *WHOSE, error(None, "limit", f"There are as many {many} as may be")),
            scope="media",
            changes=True,
        ),
        Endpoint(name=f"x.{path}.get", method="GET", summary=look, reply=reply, **row_of_one),
        Endpoint(
            name=f"x.{path}.delete",
            method="DELETE",
            summary=f"End the {one}; the call goes on. Nothing happens to one that is over",
            changes=True,
            **row_of_one,
        ),
    )
