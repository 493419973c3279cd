"""How the parts of a request are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
import pytest

from ari_app.ari.base import config_fields, path_part, query_string
from ari_app.ari.models import Application, ConfigTuple
from ari_app.ari.operations import Operations

T = TypeVar("T")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("leg-01h.x_y~", "leg-01h.x_y~"),
        ("a/b", "a%2Fb"),
        ("ü &?#", "%C3%BC%20%26%3F%23"),
        ("x;2", "x%3B2"),
        ("a+b", "a%2Bb"),
    ],
)
def test_path_part(value: str, written: str) -> None:
    assert path_part(value) == written


def test_query_string() -> None:
    assert query_string() == ""
    assert query_string(("a", None)) == ""
    assert query_string(("a", "1"), ("b", None), ("c", "x y")) == "?a=1&c=x%20y"
    assert query_string(("mute", True), ("absorb", False)) == "?mute=true&absorb=false"
    assert query_string(("timeout", -1), ("load", 0.5), ("zero", 0)) == "?timeout=-1&load=0.5&zero=0"
    assert query_string(("channel", ["a", "b/c"])) == "?channel=a,b%2Fc"
    assert query_string(("empty", ""), ("none", [])) == "?empty=&none="


def test_config_fields() -> None:
    assert config_fields({"a": "1"}) == [{"attribute": "a", "value": "1"}]
    twice = [ConfigTuple(attribute="set_var", value="A=1"), ConfigTuple(attribute="set_var", value="B=2")]
    assert config_fields(twice) == [{"attribute": "set_var", "value": "A=1"}, {"attribute": "set_var", "value": "B=2"}]


class Recorder:
    """A transport that notes what is sent and answers with what it was given."""

    def __init__(self, answer: bytes = b"") -> None:
        self.answer = answer
        self.sent: list[tuple[str, str, str, Any]] = []
        self.types: list[Any] = []

    async def request(self, operation: str, method: str, target: str, body: Mapping[str, Any] | None = None) -> bytes:
        self.sent.append((operation, method, target, body))
        return self.answer

    def decode(self, operation: str, data: bytes, type_: type[T]) -> T:
        self.types.append(type_)
        return msgspec.json.decode(data, type=type_ if data.strip() != b"null" else Any)


async def test_a_request_in_all_its_parts() -> None:
    recorder = Recorder(b"null")
    ari = Operations(recorder)
    await ari.bridges.addChannel("b/1", channel=["x", "y"], mute=True)
    await ari.channels.hangup("c1", reason_code="17")
    await ari.channels.setChannelVars("c1", variables={"A": {"value": "1", "report_events": True}})
    await ari.applications.filter("app", filter={"disallowed": [{"type": "Dial"}]})
    recorder.answer = b'[{"attribute": "a", "value": "1"}]'
    found = await ari.asterisk.updateObject("res_pjsip", "endpoint", "1001", fields={"aors": "1001"})
    await ari.events.userEvent("e", application="app")
    await ari.endpoints.sendMessage(to="pjsip:1001", from_="sip:a@b", body="hello")
    assert recorder.sent == [
        ("bridges.addChannel", "POST", "/bridges/b%2F1/addChannel?channel=x,y&mute=true", None),
        ("channels.hangup", "DELETE", "/channels/c1?reason_code=17", None),
        (
            "channels.setChannelVars",
            "POST",
            "/channels/c1/variables",
            {"variables": {"A": {"value": "1", "report_events": True}}},
        ),
        ("applications.filter", "PUT", "/applications/app/eventFilter", {"disallowed": [{"type": "Dial"}]}),
        (
            "asterisk.updateObject",
            "PUT",
            "/asterisk/config/dynamic/res_pjsip/endpoint/1001",
            {"fields": [{"attribute": "aors", "value": "1001"}]},
        ),
        ("events.userEvent", "POST", "/events/user/e?application=app", None),
        ("endpoints.sendMessage", "PUT", "/endpoints/sendMessage?to=pjsip%3A1001&from=sip%3Aa%40b&body=hello", None),
    ]
    assert recorder.types == [Application, list[ConfigTuple]]
    assert found == [ConfigTuple(attribute="a", value="1")]


async def test_answers_by_kind() -> None:
    assert await Operations(Recorder(b"RIFF")).recordings.getStoredFile("a/b") == b"RIFF"
    assert await Operations(Recorder(b"")).channels.answer("c") is None  # type: ignore[func-returns-value]
    assert (await Operations(Recorder(b'{"value": "x"}')).asterisk.getGlobalVar(variable="V")).value == "x"
    assert await Operations(Recorder(b"[]")).channels.list() == []


def test_the_websocket_operation_gives_its_address() -> None:
    assert Operations(Recorder()).events.eventWebsocket(app=["a", "b"]) == "/events?app=a,b"
