"""What the operator allows, what is used of it, and what is wrong."""

from __future__ import annotations

import msgspec

from ari_app.ops.problems import Problem


class License(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How many of the account may be signed in at a time. Set by the operator (LICENSE_MAX_AGENTS and so on)."""

    #: "unlimited" or "limited"
    type: str
    #: null: as many as like
    max_agents: int | None
    max_supervisors: int | None
    #: never: null
    expires: int | None = None


class LicenseUsage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How many are signed in."""

    agents: int
    supervisors: int


class ConfigurationCheck(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is wrong with the installation."""

    #: there is no error; there may be warnings
    ok: bool
    problems: list[Problem]
