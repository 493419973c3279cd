"""Keys of phones, pressed on local HTTP servers that speak as each maker's phone does."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_network

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ari_app.config import PHONE_MAKERS, load
from ari_app.errors import AppError
from ari_app.provisioning.contacts import host_of
from ari_app.provisioning.keypress import KeyPresser, KeyUnknown, PhoneRefused
from ari_app.provisioning.vendors import KEYS, VENDORS, Login, vendor_of

LOGIN = Login("admin", "pässword&1 :")
HERE = [ip_network("127.0.0.0/8")]
SUCCESS = {
    "yealink": b"",
    "snom": b"<html>",
    "cisco": b'<CiscoIPPhoneResponse><ResponseItem Status="0" Data="Success" URL="Key:Mute"/></CiscoIPPhoneResponse>',
    "polycom": b"Push Message Displayed Successfully",
    "grandstream": b'{"response":"success", "body": "complete"}',
}
FAILURE = {
    "cisco": b'<CiscoIPPhoneError Number="4" />',
    "polycom": b"Push Message Failed",
    "grandstream": b'{"response":"error", "body": "unknown"}',
}


class FakePhone:
    """What it was asked, and what it answers."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.answer = b""
        self.status = 200
        #: "", "basic" or "digest"
        self.asks_for = ""

    async def handle(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode()
        self.asked.append((request.method, request.raw_path, body, request.content_type))
        self.headers.append(dict(request.headers))
        given = request.headers.get("Authorization", "")
        if self.asks_for == "basic" and given != BASIC:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="phone"'})
        if self.asks_for == "digest" and not _digest_holds(given, request):
            challenge = 'Digest realm="phone", nonce="abc", qop="auth", algorithm=MD5'
            return web.Response(status=401, headers={"WWW-Authenticate": challenge})
        return web.Response(status=self.status, body=self.answer, headers={"Location": "/elsewhere"})


def _digest_holds(given: str, request: web.Request) -> bool:
    """As RFC 2617, 3.2.2 has it."""
    if not given.startswith("Digest "):
        return False
    parts = {
        name.strip(): value.strip('"') for name, _, value in (p.partition("=") for p in given[7:].split(", ")) if value
    }

    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    ha1, ha2 = md5(f"{LOGIN.user}:phone:{LOGIN.password}"), md5(f"{request.method}:{parts['uri']}")
    return parts["response"] == md5(f"{ha1}:abc:{parts['nc']}:{parts['cnonce']}:auth:{ha2}")


@pytest.fixture
async def phone() -> AsyncIterator[FakePhone]:
    made = FakePhone()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    async with TestServer(app) as server:
        made.url = f"http://{{address}}:{server.port}"  # type: ignore[attr-defined]
        yield made


async def press(phone: FakePhone, vendor: str, key: str) -> None:
    logins = dict.fromkeys(VENDORS, LOGIN)
    async with KeyPresser(logins, HERE, phone.url) as presser:  # type: ignore[attr-defined]
        await presser.press(vendor, "127.0.0.1", key)


#: RFC 7617, in UTF-8
BASIC = "Basic " + base64.b64encode("admin:pässword&1 :".encode()).decode()
XML = (
    "XML=%3CCiscoIPPhoneExecute%3E%3CExecuteItem+Priority%3D%220%22+URL%3D%22Key%3AMute%22%2F%3E"
    "%3C%2FCiscoIPPhoneExecute%3E"
)


@pytest.mark.parametrize(
    ("vendor", "key", "method", "path", "body", "kind"),
    [
        ("yealink", "hold", "GET", "/servlet?key=F_HOLD", "", "application/octet-stream"),
        ("yealink", "star", "GET", "/servlet?key=%2A", "", "application/octet-stream"),
        ("snom", "pound", "GET", "/command.htm?key=%23", "", "application/octet-stream"),
        ("snom", "line3", "GET", "/command.htm?key=P3", "", "application/octet-stream"),
        ("cisco", "mute", "POST", "/CGI/Execute", XML, "application/x-www-form-urlencoded"),
        (
            "polycom",
            "soft_key2",
            "POST",
            "/push",
            '<PolycomIPPhone><Data priority="Critical">Key:Softkey2</Data></PolycomIPPhone>',
            "application/x-com-polycom-spipx",
        ),
        (
            "grandstream",
            "pound",
            "GET",
            "/cgi-bin/api-send_key?passcode=p%C3%A4ssword%261+%3A&keys=%23",
            "",
            "application/octet-stream",
        ),
    ],
)
async def test_what_each_maker_is_sent(
    phone: FakePhone, vendor: str, key: str, method: str, path: str, body: str, kind: str
) -> None:
    phone.answer = SUCCESS[vendor]
    await press(phone, vendor, key)
    assert phone.asked == [(method, path, body, kind)]


@pytest.mark.parametrize("scheme", ["basic", "digest"])
@pytest.mark.parametrize("vendor", VENDORS)
async def test_logs_in_only_when_asked_and_as_asked(phone: FakePhone, vendor: str, scheme: str) -> None:
    phone.answer, phone.asks_for = SUCCESS[vendor], scheme
    await press(phone, vendor, "mute" if "mute" in VENDORS[vendor].keys else "hold")
    assert "Authorization" not in phone.headers[0]
    assert phone.headers[-1]["Authorization"].lower().startswith(scheme)
    assert len(set(phone.asked)) == 1


@pytest.mark.parametrize("vendor", FAILURE)
async def test_says_that_it_did_not(phone: FakePhone, vendor: str) -> None:
    phone.answer = FAILURE[vendor]
    with pytest.raises(PhoneRefused, match="did not do it"):
        await press(phone, vendor, "mute")


@pytest.mark.parametrize(("status", "why"), [(401, "login"), (403, "login"), (302, "302"), (500, "500")])
async def test_refuses(phone: FakePhone, status: int, why: str) -> None:
    phone.status = status
    with pytest.raises(PhoneRefused, match=why):
        await press(phone, "yealink", "hold")
    assert [path for _, path, *_ in phone.asked] == ["/servlet?key=F_HOLD"]  # nobody is sent elsewhere


async def refusal(presser: KeyPresser, address: str, vendor: str = "grandstream", key: str = "hold") -> AppError:
    async with presser:
        with pytest.raises(AppError) as error:
            await presser.press(vendor, address, key)
    return error.value


async def test_may_not_be_asked(phone: FakePhone) -> None:
    url = phone.url  # type: ignore[attr-defined]
    logins = {"grandstream": LOGIN}
    private = KeyPresser.of(load())
    for address in ("127.0.0.1", "169.254.169.254", "8.8.8.8", "::1", "localhost", "", "10.0.0.1@evil"):
        error = await refusal(private, address)
        assert "PHONE_NETWORKS" in str(error)
    assert "PHONE_LOGINS" in str(await refusal(KeyPresser({}, HERE, url), "127.0.0.1"))
    assert type(await refusal(KeyPresser(logins, HERE, url), "127.0.0.1", key="dnd")) is KeyUnknown
    assert phone.asked == []


async def test_does_not_answer_and_its_password_is_not_told() -> None:
    async with TestServer(web.Application()) as server:
        port = server.port
    error = await refusal(KeyPresser({"grandstream": LOGIN}, HERE, f"http://{{address}}:{port}"), "127.0.0.1")
    assert type(error) is PhoneRefused
    assert LOGIN.password not in repr(error)
    assert error.__cause__ is None


@pytest.mark.parametrize(
    ("agent", "vendor"),
    [
        ("Yealink SIP-T46U 108.86.0.20", "yealink"),
        ("snomD785/10.1.148.1", "snom"),
        ("Cisco-CP8841/12.8.1", "cisco"),
        ("Cisco/SPA504G-7.6.2", "cisco"),
        ("PolycomVVX-VVX_411-UA/5.9.5", "polycom"),
        ("PolyEdge-Edge_E350-UA/8.0", "polycom"),
        ("Grandstream GXP2170 1.0.11.6", "grandstream"),
        ("baresip v3.1.0", None),
        ("not a Yealink", None),
        ("", None),
    ],
)
def test_the_maker_by_the_user_agent(agent: str, vendor: str | None) -> None:
    assert vendor_of(agent) == vendor


def test_keys() -> None:
    assert tuple(VENDORS) == PHONE_MAKERS
    everywhere = set.intersection(*(set(vendor.keys) for vendor in VENDORS.values()))
    assert everywhere >= {*"0123456789", "star", "pound", "up", "down", "hold", "line1", "soft_key1", "speaker"}
    assert "reboot" not in KEYS


def test_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHONE_LOGINS", '{"yealink": "admin:a:b c", "snom": "u:"}')
    monkeypatch.setenv("PHONE_NETWORKS", "192.168.7.0/24, fd00::/8")
    monkeypatch.setenv("PHONE_URL", "https://{address}:8443")
    settings = load()
    assert "a:b c" not in repr(settings)
    presser: Callable[..., KeyPresser] = KeyPresser.of
    assert presser(settings)._logins == {"yealink": Login("admin", "a:b c"), "snom": Login("u", "")}


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("sip:1001@192.168.1.7:5062;ob", "192.168.1.7"),
        ("sips:1001@[fd00::7]:5061;transport=tls", "fd00::7"),
        ("sip:192.168.1.7", "192.168.1.7"),
        ("tel:+49", ""),
        ("", ""),
    ],
)
def test_host_of_a_contact(uri: str, host: str) -> None:
    assert host_of(uri) == host
