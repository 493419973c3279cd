"""The part of the path table (paths.py) about what the operator allows."""

from __future__ import annotations

from ari_app.dialects.eq.wire.license import License, LicenseUsage
from ari_app.dialects.http import Endpoint

LICENSE = (
    Endpoint(
        name="license",
        method="GET",
        path="/license",
        tag="License",
        summary="How many agents and supervisors may be signed in at a time",
        description="The software is free; the cap is the operator's, for each account. Who is signed in stays so.",
        reply=License,
    ),
    Endpoint(
        name="license_usage",
        method="GET",
        path="/license_usage",
        tag="License",
        summary="How many agents and supervisors are signed in",
        reply=LicenseUsage,
    ),
)
