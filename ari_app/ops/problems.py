"""Something that is wrong with an installation, and what to do about it."""

from __future__ import annotations

import msgspec


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A finding of a check."""

    #: what is wrong, for machines: "asterisk_module_missing"
    code: str
    #: "error": calls or the record suffer; "warning": something does not work, or soon will not
    severity: str
    #: what is wrong, and what to do
    message: str
