"""The part of the path table (paths.py) about extensions and their phones."""

from __future__ import annotations

from ari_app.dialects.eq.wire.common import ListQuery, UpdateQuery
from ari_app.dialects.eq.wire.extension import Extension, ExtensionBody
from ari_app.dialects.eq.wire.phone import Phone, PhoneCommandBody, PhoneQuery
from ari_app.dialects.http import Endpoint, error

_TAG = "Extension"
_ONE = "/extension/{extension}"
_NUMBER = {"extension": "Extension"}
_NAME_IN_USE = error("name", "in_use", "An extension with the specified name already exists")
_CREATED = (
    "It is in Asterisk at once: a phone can register with the secret (digest authentication, user name: the extension)"
    " and be called. If Asterisk cannot be reached, it is there when it can be again. Without a secret no phone can"
    " register. The secret and the mailbox' password are never answered."
)

EXTENSIONS = (
    Endpoint(
        name="extension.list",
        method="GET",
        path="/extension",
        tag=_TAG,
        summary="List: extension",
        query=ListQuery,
        reply=list[Extension],
        reply_headers={"X-Total-Count": "How many rows there are without limit and offset"},
    ),
    Endpoint(
        name="extension.create",
        method="POST",
        path="/extension",
        tag=_TAG,
        summary="Create: extension",
        description=_CREATED,
        body=ExtensionBody,
        reply=str,
        errors=(
            error("extension", "in_use", "An extension with the specified extension already exists (or a call queue)"),
            _NAME_IN_USE,
        ),
        changes=True,
    ),
    Endpoint(
        name="extension.get",
        method="GET",
        path=_ONE,
        tag=_TAG,
        summary="Get: extension",
        parameters=_NUMBER,
        reply=Extension,
    ),
    Endpoint(
        name="extension.update",
        method="PUT",
        path=_ONE,
        tag=_TAG,
        summary="Update: extension",
        description="The secret and the mailbox' password stay when they are blank. There is no undelete.",
        parameters=_NUMBER,
        query=UpdateQuery,
        body=ExtensionBody,
        errors=(
            error("extension", "invalid", "The extension cannot be changed"),
            _NAME_IN_USE,
            error("undelete", "invalid", "There is no undelete"),
        ),
        changes=True,
    ),
    Endpoint(
        name="extension.delete",
        method="DELETE",
        path=_ONE,
        tag=_TAG,
        summary="Delete: extension, from Asterisk too; its calls go on",
        parameters=_NUMBER,
        changes=True,
    ),
)

_NO_EXTENSION = error("extension", "nonexistent", "Extension does not exist")

PHONES = (
    Endpoint(
        name="phone",
        method="GET",
        path="/phone",
        tag="Phone",
        summary="The phone that is registered for an extension",
        query=PhoneQuery,
        reply=Phone,
        errors=(
            error("extension", "blank", "Extension not specified"),
            _NO_EXTENSION,
            error("phone", "nonexistent", "No phone is registered for the extension"),
        ),
    ),
    Endpoint(
        name="x.phones",
        method="GET",
        path="/x/phones",
        tag="Phone",
        summary="Extensions with their phones; null where none is registered",
        query=ListQuery,
        reply=list[Phone],
        reply_headers={"X-Total-Count": "How many rows there are without limit and offset"},
    ),
    Endpoint(
        name="phone_command",
        method="POST",
        path="/phone_command",
        tag="Phone",
        summary="Press a key of a phone",
        description=(
            "By the phone's own HTTP interface, which must be switched on in the phone and let this server in; its"
            " login is in PHONE_LOGINS, its address must be in PHONE_NETWORKS. A key that the maker does not document"
            " is not valid."
        ),
        body=PhoneCommandBody,
        errors=(
            error("phone", "blank", "Neither phone nor extension specified"),
            error("key", "blank", "Key not specified"),
            _NO_EXTENSION,
            error("phone", "nonexistent", "Phone does not exist (extension not registered or phone type undetectable)"),
            error("phone", "invalid", "The phone does not answer, refuses, or may not be asked"),
            error("key", "invalid", "Key is not valid for phone"),
        ),
        changes=True,
    ),
)
