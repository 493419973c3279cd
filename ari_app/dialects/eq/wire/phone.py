"""Phones."""

from __future__ import annotations

from typing import Annotated

import msgspec
from pydantic import Field, StrictStr

from ari_app.dialects.eq.wire.fields import Blankable, Given, IntegerAsDigits, JsonObject, Parameters, Wire
from ari_app.provisioning.phones import Phone as Found

_Extension = Annotated[StrictStr, IntegerAsDigits]


class PhoneQuery(Parameters):
    """Of which extension."""

    extension: Annotated[_Extension, Given]


class PhoneFields(Wire):
    """A phone, as /phone answered it; type and userAgent are looked up again."""

    extension: Annotated[_Extension, Given]
    ip_address: Annotated[StrictStr | None, Blankable] = None


class PhoneCommandBody(Parameters):
    """POST /phone_command"""

    phone: Annotated[PhoneFields | None, JsonObject, Blankable] = None
    extension: Annotated[_Extension | None, Field(description="In place of phone"), Blankable] = None
    key: Annotated[
        StrictStr,
        Field(
            max_length=20,
            description="line1 ..., soft_key1 ..., up, down, left, right, enter, cancel, volume_up, volume_down,"
            " headset, speaker, mute, menu, messages, applications, directory, dnd, conference, transfer, redial, hold,"
            " 0 to 9, star, pound",
        ),
        IntegerAsDigits,
        Given,
    ]


class Phone(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A phone."""

    extension: str
    #: yealink, snom, cisco, polycom or grandstream; null: another, or none is registered
    type: str | None
    #: where Asterisk reaches it; null: none is registered
    ip_address: str | None
    #: what it calls itself; null: none is registered
    user_agent: str | None

    @classmethod
    def of(cls, extension: str, found: Found | None) -> Phone:
        if found is None:
            return cls(extension=extension, type=None, ip_address=None, user_agent=None)
        return cls(extension=extension, type=found.vendor, ip_address=found.address, user_agent=found.user_agent)
