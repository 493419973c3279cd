"""Extensions made over REST, on a real Asterisk, with a real phone that registers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness import docker
from tests.harness.phones import PhoneBox, answers, never_answers
from tests.integration.server import ContactCentre, contact_centre

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


async def until(holds: Callable[[], bool], within: float = 20) -> None:
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end, f"not within {within} s"
        await asyncio.sleep(0.02)


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
    await server.kill()
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
