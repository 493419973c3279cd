"""What the generated modules stand on: the two kinds of struct, and how a request's parts are written.

Structs are strict (`forbid_unknown_fields`): decoding a message that Asterisk's description covers costs nothing extra,
and one with a field we do not know raises, after which decoding.py takes the slow road: it keeps the unknown field,
counts it, and decodes the rest. So every unknown field is counted, and the usual message pays nothing for that.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

import msgspec

T = TypeVar("T")

#: A parameter that may be given several times; Asterisk reads it separated by commas.
Strings = str | Sequence[str]

_SAFE = re.compile(r"[A-Za-z0-9._~-]+").fullmatch


class Model(msgspec.Struct, kw_only=True, frozen=True, gc=False, forbid_unknown_fields=True):
    """A value as Asterisk sends it. JSON holds no cycles, so the garbage collector need not look at it."""


class Tagged(
    msgspec.Struct, kw_only=True, frozen=True, gc=False, forbid_unknown_fields=True, tag_field="type", tag=str
):
    """A message of the websocket, told apart by `type`.

    The two fields here are ours; on the wire they would have names that Asterisk never uses.
    """

    #: What Asterisk sent in this message and its description does not have: {"channel.newfield": value}.
    unknown: dict[str, Any] | None = msgspec.field(default=None, name="%unknown")

    #: Made by the resync after a reconnect (picture.py), not sent by Asterisk.
    synthetic: bool = msgspec.field(default=False, name="%synthetic")


class Transport(Protocol):
    """What carries a request to Asterisk: http.py does."""

    async def request(self, operation: str, method: str, target: str, body: Mapping[str, Any] | None = None) -> bytes:
        """Send it and return the body of a 2xx answer; raises AriError. `target` is below /ari, encoded."""

    def decode(self, operation: str, data: bytes, type_: type[T]) -> T:
        """The answer as its struct; raises BadReply."""


class Resource:
    """The operations of one resource."""

    __slots__ = ("_transport",)

    def __init__(self, transport: Transport) -> None:
        self._transport = transport


def path_part(value: str) -> str:
    """A value as a part of a path: a slash in it does not start a new part."""
    return value if _SAFE(value) else quote(value, safe="~")


def query_string(*pairs: tuple[str, str | int | float | bool | Sequence[str] | None]) -> str:
    """`?a=1&b=true` of the pairs that are not None, or nothing. A sequence is joined with commas."""
    out: builtins.list[str] = []
    for name, value in pairs:
        if value is None:
            continue
        if value is True or value is False:
            text = "true" if value else "false"
        elif isinstance(value, str):
            text = value if _SAFE(value) else quote(value, safe="~")
        elif isinstance(value, (int, float)):
            text = str(value)
        else:
            text = ",".join(path_part(item) for item in value)
        out.append(f"{name}={text}")
    return "?" + "&".join(out) if out else ""


def config_fields(fields: Mapping[str, str] | Sequence[Any]) -> builtins.list[dict[str, str]]:
    """The body of asterisk.updateObject; an attribute may come more than once, so pairs are taken beside a mapping."""
    if isinstance(fields, Mapping):
        return [{"attribute": name, "value": value} for name, value in fields.items()]
    return [{"attribute": item.attribute, "value": item.value} for item in fields]
