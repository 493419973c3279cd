"""The part of the path table (paths.py) about what the operator allows."""

from __future__ import annotations

from ari_app.dialects.eq.wire.license import ConfigurationCheck, License, LicenseUsage
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
    Endpoint(
        name="configuration_check",
        method="GET",
        path="/configuration_check",
        tag="License",
        summary="What is wrong with the configuration, looked at now",
        description=(
            "Database, Asterisk, its modules, sounds and clock, our application there, the phones of the account's"
            " signed-in agents, disks, certificates. Takes as long as Asterisk and the database take to answer."
        ),
        reply=ConfigurationCheck,
    ),
)
