"""The part of the path table (paths.py) about imports from other systems. Ours."""

from __future__ import annotations

from ari_app.dialects.eq.wire.freepbx import FreePbxImport, FreePbxImportQuery
from ari_app.dialects.http import Endpoint, ErrorRow

IMPORTS = (
    Endpoint(
        name="import.freepbx",
        method="POST",
        path="/import/freepbx",
        tag="Import",
        summary="Import queues of a FreePBX from its backup or a CSV: plan it, then send it again to do it",
        description="Needs a key with the scope `import`. docs/freepbx.md says what becomes of what.",
        query=FreePbxImportQuery,
        upload=("application/gzip", "text/csv"),
        scope="import",
        reply=FreePbxImport,
        changes=True,
        errors=(
            ErrorRow(parameter="file", type="invalid", description="Cannot be read"),
            ErrorRow(parameter="apply", type="changed", description="Another plan by now"),
        ),
    ),
)
