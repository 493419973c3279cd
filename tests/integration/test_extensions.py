"""Extensions made over REST, on a real Asterisk, with a real phone that registers."""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.harness import docker, net
from tests.harness.patience import PATIENCE
from tests.harness.phones import PhoneBox, answers, never_answers
from tests.integration.server import ContactCentre, contact_centre
from tests.integration.waiting import until

SECRET = "Correct horse, 9 batteries"


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    async with contact_centre(tmp_path, start_asterisk, world) as made:
        yield made


async def make(centre: ContactCentre, number: str, name: str, **more: Any) -> None:
    data = {"extension": number, "name": name, "sip": {"secret": SECRET}, **more}
    assert await centre.server.request("POST", "/extension", data=data) == number


async def on_line(centre: ContactCentre, number: str, secret: str = SECRET) -> None:
    """A phone with this account registers."""
    await centre.world.line(number, secret)
    await centre.world.register(number, centre.pbx)


def given(centre: ContactCentre) -> dict[str, str]:
    """What Asterisk is known to have: extension -> fingerprint."""
    rows = centre.server.rows("SELECT extension, fingerprint FROM provisioned_extensions")
    return {row["extension"]: row["fingerprint"] for row in rows}


async def test_a_phone_registers_rings_and_is_gone(centre: ContactCentre) -> None:
    await make(centre, "1001", "Ann Lee", cidMasquerade="5000")
    await make(centre, "1002", "Bo")
    await on_line(centre, "1001")
    await on_line(centre, "1002")
    phone = centre.world.extension("1002", answers(after=0.1, tone=660))
    caller = await centre.world.call("1002", centre.pbx, line="1001", tone=440)
    rung = await phone.next_call()
    assert rung.caller_number == "5000"
    await rung.wait_tones(440)
    await caller.wait_tones(660)
    # without call waiting nobody else comes through
    await centre.world.line("1003", SECRET)
    await make(centre, "1003", "Cy")
    third = await centre.world.call("1002", centre.pbx, line="1003", listen=False)
    await third.ended.wait()
    assert third.cause == 17
    # what is removed cannot be called, and a call that goes on goes on
    await centre.server.request("DELETE", "/extension/1002")
    after = await centre.world.call("1002", centre.pbx, line="1003", listen=False)
    await after.ended.wait()
    assert after.cause == 1
    assert not caller.ended
    await caller.hang_up()
    await rung.ended.wait()
    # made again it has another secret, and nobody who knew the old one is rung
    await centre.server.request(
        "POST", "/extension", data={"extension": "1002", "name": "Bo", "sip": {"secret": "another"}}
    )
    again = await centre.world.call("1002", centre.pbx, line="1003", listen=False)
    await again.ended.wait()
    assert again.cause == 19  # 480 Temporarily Unavailable: nobody is registered
    assert len(phone.calls) == 1
    await centre.world.ari.delete("/asterisk/config/dynamic/res_pjsip/registration/line-1002")
    await on_line(centre, "1002", "another")
    last = await centre.world.call("1002", centre.pbx, line="1003", listen=False)
    await (await phone.next_call()).answered.wait()
    await last.hang_up()
    await centre.idle()


async def test_another_secret_ends_the_registration(centre: ContactCentre) -> None:
    """Who has registered with the one before is not rung any more, and cannot register or call with it; his call goes
    on. A change of anything else leaves the registration."""
    await make(centre, "1001", "Ann")
    await make(centre, "1002", "Bo")
    await on_line(centre, "1002")
    await centre.world.line("1001", SECRET)
    phone = centre.world.extension("1002", answers(tone=660))
    talk = await centre.world.call("1002", centre.pbx, line="1001", tone=440)
    await asyncio.gather(talk.wait_tones(660), (await phone.next_call()).wait_tones(440))
    bob = {"extension": "1002", "name": "Bob", "callWaiting": True}
    await centre.server.request("PUT", "/extension/1002", data={**bob, "sip": {}})
    second = await centre.world.call("1002", centre.pbx, line="1001", listen=False)
    await (await phone.next_call()).answered.wait()
    await second.hang_up()
    await centre.server.request("PUT", "/extension/1002", data={**bob, "sip": {"secret": "Another one, 8 horses"}})
    third = await centre.world.call("1002", centre.pbx, line="1001", listen=False)
    await third.ended.wait()
    assert third.cause == 19  # 480 Temporarily Unavailable: nobody is registered
    assert len(phone.calls) == 2
    refused = await centre.world.call("1001", centre.pbx, line="1002", listen=False)
    await refused.ended.wait()
    assert not refused.answered
    assert not talk.ended
    await talk.wait_tones(660)
    await centre.world.ari.delete("/asterisk/config/dynamic/res_pjsip/registration/line-1002")
    await on_line(centre, "1002", "Another one, 8 horses")
    last = await centre.world.call("1002", centre.pbx, line="1001", listen=False)
    await (await phone.next_call()).answered.wait()
    await last.hang_up()
    await talk.hang_up()
    await centre.idle()


async def test_who_does_not_know_the_secret(centre: ContactCentre) -> None:
    await make(centre, "1001", "Ann")
    await make(centre, "1002", "Bo", sip={})
    await centre.world.line("1001", "a guess")
    refused = await centre.world.call("100", centre.pbx, line="1001", listen=False)
    await refused.ended.wait()
    assert not refused.answered
    await centre.world.line("1002", "another guess")
    refused = await centre.world.call("100", centre.pbx, line="1002", listen=False)  # one without a secret
    await refused.ended.wait()
    assert not refused.answered
    await centre.world.line("1001", SECRET)
    good = await centre.world.call("100", centre.pbx, line="1001", listen=False)
    await good.answered.wait()


async def test_killed_before_asterisk_was_told(centre: ContactCentre) -> None:
    server, pbx = centre.server, centre.pbx
    await make(centre, "1002", "Bo")
    await pbx.pause()
    telling = [
        asyncio.create_task(make(centre, "1001", "Ann")),
        asyncio.create_task(server.request("DELETE", "/extension/1002")),
    ]
    await until(lambda: [row["extension"] for row in server.rows("SELECT extension FROM extensions")] == ["1001"])
    await server.kill(at_once=True)
    await asyncio.gather(*telling, return_exceptions=True)
    await pbx.unpause()
    await server.start()
    await until(lambda: given(centre).keys() == {"1001"} and bool(given(centre)["1001"]))
    await on_line(centre, "1001")
    phone = centre.world.extension("1001", never_answers())
    await centre.pbx.cli("channel originate PJSIP/1001 application Wait 60")
    await phone.next_call()
    shown = await pbx.cli("pjsip show endpoints")
    assert "1002" not in shown


async def test_asterisk_is_another_one(centre: ContactCentre) -> None:
    """Its disk was replaced: all it had is gone."""
    await make(centre, "1001", "Ann")
    before = given(centre)
    await centre.pbx.cli("database deltree ps_endpoints")
    await centre.pbx.cli("database deltree ps_auths")
    await centre.pbx.cli("database deltree ps_aors")
    await docker.docker("restart", centre.pbx.container)  # in good order, so that this is on its disk
    await centre.pbx.ready()
    await until(lambda: given(centre) != before and bool(given(centre)["1001"]))
    await on_line(centre, "1001")


def answer_to(challenge: str, number: str, uri: str) -> str:
    """Authorization of a REGISTER: RFC 2617, 3.2.2."""
    realm, nonce = (re.findall(f'{name}="([^"]*)"', challenge)[0] for name in ("realm", "nonce"))

    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    ha1, ha2 = md5(f"{number}:{realm}:{SECRET}"), md5(f"REGISTER:{uri}")
    response = md5(f"{ha1}:{nonce}:00000001:0a4f113b:auth:{ha2}")
    return (
        f'Digest username="{number}", realm="{realm}", nonce="{nonce}", uri="{uri}", response="{response}",'
        ' algorithm=MD5, cnonce="0a4f113b", qop=auth, nc=00000001'
    )


async def register(centre: ContactCentre, number: str, agent: str, address: str) -> None:
    """What a phone of this make sends to register; at this address."""
    host, _, port = centre.pbx.sip.partition(":")
    loop, uri = asyncio.get_running_loop(), f"sip:{centre.pbx.sip}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.setblocking(False)
        phone.bind((address, 0))
        me = f"{address}:{phone.getsockname()[1]}"
        authorization = ""
        for sequence in (1, 2):
            text = (
                f"REGISTER {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bK{number}{sequence};rport\r\n"
                f"From: <sip:{number}@{host}>;tag=1\r\nTo: <sip:{number}@{host}>\r\nCall-ID: {number}@{me}\r\n"
                f"CSeq: {sequence} REGISTER\r\nContact: <sip:{number}@{me};ob>\r\nMax-Forwards: 70\r\n"
                f"User-Agent: {agent}\r\nExpires: 60\r\n{authorization}Content-Length: 0\r\n\r\n"
            )
            await loop.sock_sendto(phone, text.encode(), (host, int(port)))
            reply = ""
            async with asyncio.timeout(PATIENCE):
                while not reply.startswith("SIP/2.0"):  # it is asked whether it is there (OPTIONS), too
                    reply = (await loop.sock_recv(phone, 4096)).decode()
            if sequence == 1:
                assert reply.startswith("SIP/2.0 401"), reply
                authorization = f"Authorization: {answer_to(reply, number, uri)}\r\n"
        assert reply.startswith("SIP/2.0 200"), reply


async def test_phones_are_found_and_their_keys_pressed(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> None:
    """By what they registered with."""
    pressed: list[str] = []

    async def press(request: web.Request) -> web.Response:
        pressed.append(request.query["key"])
        return web.Response()

    app = web.Application()
    app.router.add_get("/servlet", press)
    address = net.free_address()
    async with TestServer(app, host=address) as phones:
        settings = {
            "phone_logins": '{"yealink": "admin:secret"}',
            "phone_networks": f"{address}/32",
            "phone_url": f"http://{{address}}:{phones.port}",
        }
        settings = {name.upper(): value for name, value in settings.items()}
        async with contact_centre(tmp_path, start_asterisk, world, **settings) as centre:
            server = centre.server
            await make(centre, "1001", "Ann")
            await make(centre, "1002", "Bo")
            status, answer = await server.attempt("GET", "/phone", {"extension": "1001"})
            assert (status, answer["errors"][0]["parameter"]) == (400, "phone")
            agent = "Yealink SIP-T46U 108.86.0.20"
            await register(centre, "1001", agent, address)
            phone = {"extension": "1001", "type": "yealink", "ipAddress": address, "userAgent": agent}
            assert await server.request("GET", "/phone", {"extension": "1001"}) == phone
            none = {"extension": "1002", "type": None, "ipAddress": None, "userAgent": None}
            assert await server.request("GET", "/x/phones") == [phone, none]
            await server.request("POST", "/phone_command", phone=phone, key="hold")
            await server.request("POST", "/phone_command", extension="1001", key="7")
            assert pressed == ["F_HOLD", "7"]
            # made again, the extension has no phone until one registers
            await server.request("DELETE", "/extension/1001")
            await make(centre, "1001", "Ann")
            status, answer = await server.attempt("GET", "/phone", {"extension": "1001"})
            assert (status, answer["errors"][0]["parameter"]) == (400, "phone")
            # the channels that were asked on are gone, and nobody took them for calls
            await centre.idle()
            assert "orphan" not in server.log_path.read_text()
