"""A text message reaches a gateway, whatever way the gateway is asked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from ari_app.config import Settings, load, networks
from ari_app.errors import ConfigError, NotFound
from ari_app.hooks.sms import TEXT_MAX, SmsGateway, _in_form, _in_json, filled
from ari_app.hooks.tell import NotTaken
from ari_app.ops.addresses import Forbidden, Guard
from ari_app.store.outbox import Message
from ari_app.store.values import User

NEWS = {
    "event": "alert.raised",
    "at": 1_700_000_000.0,
    "account": 1,
    "alert": 7,
    "user": 3,
    "name": 'Sales "full" & {text}',
    "type": "callQueueCallsHigh",
    "callQueue": "500",
    "threshold": 10,
    "figure": 12.0,
}


class Users:
    """Supervisor 3 of account 1."""

    def __init__(
        self, number: str | None = "+4915112345678", deleted: bool = False, language: str | None = None
    ) -> None:
        self.number, self.deleted, self.language = number, deleted, language

    async def get(self, account: int, kind: str, id: int) -> User:
        if (account, kind, id) != (1, "supervisor", 3):
            raise NotFound
        known = {"id": 3, "account": 1, "kind": kind, "username": "boss", "number": None, "first_name": "B"}
        rest = {"last_name": None, "email": None, "type": "full", "created_at": 0.0}
        return msgspec.convert({**known, **rest, "language": self.language, "deleted": self.deleted}, User)

    async def mobile(self, account: int, id: int) -> str | None:
        return self.number


class Gateway:
    """A gateway; what it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.asked: list[tuple[str, str, dict[str, str], str, str]] = []

    async def take(self, request: web.Request) -> web.Response:
        headers = {name: request.headers.get(name, "") for name in ("Authorization", "Idempotency-Key")}
        query = dict(request.query)
        self.asked.append((request.method, request.content_type, headers, await request.text(), json.dumps(query)))
        return web.Response(status=self.status, headers={"Location": "/elsewhere"} if self.status == 302 else {})


@pytest.fixture
async def gateway() -> AsyncIterator[tuple[Gateway, str]]:
    taken = Gateway()
    app = web.Application()
    app.router.add_route("*", "/send", taken.take)
    server = TestServer(app)
    await server.start_server()
    yield taken, f"http://127.0.0.1:{server.port}/send"
    await server.close()


async def _utc(_account: int) -> str:
    return "UTC"


async def send(settings: Settings, users: Users | None = None, target: str = "3", allowed: str = "127.0.0.1") -> None:
    body = msgspec.json.encode(NEWS).decode()
    message = Message(id="out-1", account=1, kind="alert.sms", target=target, body=body, created_at=0.0, attempts=0)
    sms = SmsGateway(settings, users or Users(), Guard(networks(allowed)), _utc)  # type: ignore[arg-type]
    try:
        await sms(message)
    finally:
        await sms.close()


async def test_as_json(gateway: tuple[Gateway, str]) -> None:
    taken, url = gateway
    await send(Settings(sms_url=url, sms_authorization=SecretStr("Bearer 7f3a")))
    ((method, kind, headers, body, _),) = taken.asked
    assert (method, kind) == ("POST", "application/json")
    assert headers == {"Authorization": "Bearer 7f3a", "Idempotency-Key": "out-1"}
    sent = json.loads(body)
    assert sent["to"] == "+4915112345678"
    assert sent["text"] == 'Alert: Sales "full" & {text}, Calls waiting: 12 (threshold 10), 22:13'


async def test_as_a_form_and_in_the_url(gateway: tuple[Gateway, str]) -> None:
    taken, url = gateway
    form = "application/x-www-form-urlencoded"
    await send(Settings(sms_url=url, sms_body="from=A&to={to}&message={text}", sms_content_type=form))
    await send(Settings(sms_url=url + "?to={to}&text={text}&ref={id}", sms_method="GET"))
    posted, got = taken.asked
    assert dict(parse_qsl(posted[3]))["to"] == "+4915112345678"
    assert dict(parse_qsl(posted[3]))["message"].startswith('Alert: Sales "full" & {text}')
    assert (got[0], got[3]) == ("GET", "")
    assert json.loads(got[4])["ref"] == "out-1"
    assert json.loads(got[4])["text"].startswith('Alert: Sales "full" & {text}')


@pytest.mark.parametrize(("language", "word"), [("es", "Alerta"), ("he", "התראה")])
async def test_in_the_language_of_whom_it_is_for(gateway: tuple[Gateway, str], language: str, word: str) -> None:
    taken, url = gateway
    await send(Settings(sms_url=url), Users(language=language))
    assert word in json.loads(taken.asked[0][3])["text"]


@pytest.mark.parametrize("status", [302, 400, 500])
async def test_what_is_not_taken_is_a_failure(gateway: tuple[Gateway, str], status: int) -> None:
    taken, url = gateway
    taken.status = status
    with pytest.raises(NotTaken):
        await send(Settings(sms_url=url))
    assert len(taken.asked) == 1


async def test_there_is_nobody_to_tell(gateway: tuple[Gateway, str]) -> None:
    taken, url = gateway
    for users in (Users(number=None), Users(deleted=True)):
        await send(Settings(sms_url=url), users)
    await send(Settings(sms_url=url), target="4")
    assert taken.asked == []


async def test_a_gateway_in_a_private_network_must_be_named(gateway: tuple[Gateway, str]) -> None:
    taken, url = gateway
    with pytest.raises(Forbidden):
        await send(Settings(sms_url=url), allowed="")
    assert taken.asked == []


@pytest.mark.parametrize(
    "settings",
    [
        {"sms_url": "https://sms.example.org", "sms_body": '{"to": "{to}"}'},
        {"sms_url": "https://sms.example.org?to={to}", "sms_method": "get"},
        {"sms_url": "sms.example.org"},
    ],
)
def test_settings_that_cannot_be_used(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="SMS_"):
        load(**settings)


@given(text=st.text(), to=st.text())
def test_whatever_is_filled_in_comes_out_of_it(text: str, to: str) -> None:
    values = {"to": to, "text": text, "id": "1"}
    assert json.loads(filled('{"a": "{to}", "b": ["{text}"]}', values, _in_json)) == {"a": to, "b": [text]}
    pairs = parse_qsl(filled("a={to}&b={text}", values, _in_form), keep_blank_values=True)
    assert pairs == [("a", to), ("b", text)]


def test_it_is_no_longer_than_three() -> None:
    assert TEXT_MAX == 3 * 153
