"""The part of the path table (paths.py) about many changes at once. Ours."""

from __future__ import annotations

from typing import Any

from ari_app.dialects.eq.wire.bulk import OPERATIONS_MAX, BulkBody
from ari_app.dialects.http import Endpoint, ErrorRow

BULK = (
    Endpoint(
        name="x.bulk",
        method="POST",
        path="/x/bulk",
        tag="Bulk",
        summary="Change many things in one transaction: all of them, or none; returns what each would return",
        description=(
            f"At most {OPERATIONS_MAX} operations, done in order: POST, PUT and DELETE of supervisors, agents (with"
            " their boundQueues), call queues, pause codes and extensions, PUT of skills, routing and overflow. All"
            " that is wrong is answered at once; parameter says where: operations[3].number. The queues are told when"
            " all is committed. Not with an agent's session."
        ),
        body=BulkBody,
        reply=list[Any],
        changes=True,
        errors=(
            ErrorRow(parameter="operations", type="blank", description="Not given"),
            ErrorRow(parameter="operations", type="invalid", description="None, or too many"),
            ErrorRow(parameter="operations[0].path", type="invalid", description="Nothing that may be done in bulk"),
            ErrorRow(parameter="operations[0].id", type="nonexistent", description="There is no such thing there"),
            ErrorRow(parameter="operations[1].number", type="in_use", description="As of the change by itself"),
            ErrorRow(parameter="auth_agent_session", type="forbidden", description="Agents may not do this (403)"),
        ),
    ),
)
