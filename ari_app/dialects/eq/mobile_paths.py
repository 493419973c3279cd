"""The part of the path table (paths.py) about mobile numbers of supervisors. Ours."""

from __future__ import annotations

from ari_app.dialects.eq.wire.mobile import Mobile, MobileBody
from ari_app.dialects.http import Endpoint, ErrorRow

_ID = {"id": "User ID of the supervisor"}
_UNKNOWN = ErrorRow(parameter="id", type="nonexistent", description="No such supervisor, or he is deleted (404)")

MOBILES = (
    Endpoint(
        name="x.mobile.get",
        method="GET",
        path="/x/supervisor/{id}/mobile",
        tag="Supervisor",
        summary="The mobile number of a supervisor, to which alerts go as text messages",
        parameters=_ID,
        reply=Mobile,
        errors=(_UNKNOWN,),
    ),
    Endpoint(
        name="x.mobile.update",
        method="PUT",
        path="/x/supervisor/{id}/mobile",
        tag="Supervisor",
        summary="Set the mobile number of a supervisor",
        parameters=_ID,
        body=MobileBody,
        changes=True,
        errors=(
            _UNKNOWN,
            ErrorRow(parameter="mobileNumber", type="invalid", description="Not + and 7 to 15 digits (E.164)"),
        ),
    ),
)
