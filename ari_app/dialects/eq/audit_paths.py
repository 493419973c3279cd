"""The part of the path table (paths.py) about who changed what. Ours."""

from __future__ import annotations

from ari_app.dialects.eq.wire.audit import AuditEntry, AuditQuery
from ari_app.dialects.http import Endpoint, ErrorRow

AUDIT = (
    Endpoint(
        name="x.audit",
        method="GET",
        path="/x/audit",
        tag="Audit",
        summary="Who changed what, when and from where, and what it was before; the newest first",
        description=(
            "Every request that changed something, and every import and change of keys on the command line. An entry"
            " is committed with the change it speaks of. Kept for AUDIT_DAYS. Not for agents."
        ),
        query=AuditQuery,
        reply=list[AuditEntry],
        reply_headers={"X-Total-Count": "How many rows there are without limit and offset"},
        errors=(
            ErrorRow(parameter="sort", type="invalid", description="Neither time nor -time"),
            ErrorRow(parameter="from", type="invalid", description="Not UNIX seconds"),
            ErrorRow(parameter="auth_agent_session", type="forbidden", description="Agents may not see it (403)"),
        ),
    ),
)
