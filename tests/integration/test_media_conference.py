"""Endpoints that are attached to a whole conference: they hear all, all hear them, and nobody counts them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.phones import PhoneBox
from tests.integration import bad_bots
from tests.integration.server import ContactCentre, contact_centre
from tests.integration.test_call_control import until
from tests.integration.test_conferences import ONE, THREE, TWO, all_hear, going_on, make, members, three
from tests.integration.test_media_attached import FIRST, LOOPBACK, SECOND, Hearing, listening, until_ended


@pytest.fixture
async def centre(
    tmp_path: Path, start_asterisk: Any, world: PhoneBox, request: pytest.FixtureRequest
) -> AsyncIterator[ContactCentre]:
    """The parameter, where there is one: how Asterisk sends audio."""
    settings = {"LOG_LEVEL": "debug", "MEDIA_PRIVATE_NETWORKS": LOOPBACK}
    settings["MEDIA_TRANSPORT"] = getattr(request, "param", "websocket")
    async with contact_centre(tmp_path, start_asterisk, world, **settings) as made:
        yield made


async def attach(centre: ContactCentre, url: str, direction: str) -> str:
    """Attach an endpoint to the conference, and wait until it is."""
    data = {"target": url, "conference": "800", "direction": direction}
    made: str = await centre.server.request("POST", "/x/media", data=data)

    async def active() -> bool:
        row = await centre.server.request("GET", f"/x/media/{made}")
        assert row["state"] != "ended", row
        return bool(row["state"] == "active")

    await until(active)
    return made


async def hears(bot: Hearing, *tones: int, absent: tuple[int, ...] = ()) -> None:
    """What comes from now on."""
    bot.heard = b""
    await bot.hears(*tones, absent=absent)


async def no_members(centre: ContactCentre) -> list[str]:
    """Channels in Asterisk that are no phone's."""
    names = [str(channel["name"]) for channel in await centre.pbx.ari.get("/channels")]
    return [name for name in names if not name.startswith("PJSIP/")]


async def test_it_hears_all_and_all_hear_it(centre: ContactCentre) -> None:
    """Who only listens is not heard. Members go, it stays; with the last of them it ends."""
    await make(centre)
    one, two, called = await three(centre)
    before = await going_on(centre)
    async with (
        listening() as ear,
        bad_bots.websocket(bad_bots.says_tone(FIRST, 120)) as voice,
        bad_bots.websocket(bad_bots.says_tone(SECOND, 120)) as gagged,
    ):
        listens = await attach(centre, ear.url, "listen")
        await hears(ear, ONE, TWO, THREE, absent=(FIRST, SECOND))
        quiet = await attach(centre, gagged, "listen")
        speaks = await attach(centre, voice, "speak")
        await asyncio.gather(
            one.wait_tones(TWO, THREE, FIRST, absent=(ONE, SECOND)),
            two.wait_tones(ONE, THREE, FIRST, absent=(TWO, SECOND)),
            called.wait_tones(ONE, TWO, FIRST, absent=(THREE, SECOND)),
            hears(ear, ONE, TWO, THREE, FIRST, absent=(SECOND,)),
        )
        assert await going_on(centre) == before
        assert len(await no_members(centre)) == 3
        await called.hang_up()
        await members(centre, 2)
        await asyncio.gather(
            hears(ear, ONE, TWO, FIRST, absent=(THREE,)),
            one.wait_tones(TWO, FIRST, absent=(THREE,)),
            two.wait_tones(ONE, FIRST, absent=(THREE,)),
        )
        await centre.server.request("DELETE", f"/x/media/{speaks}")
        await asyncio.gather(one.wait_tones(TWO, absent=(FIRST,)), two.wait_tones(ONE, absent=(FIRST,)))
        assert await until_ended(centre, speaks) == "stopped by request"
        await one.hang_up()
        await members(centre, 1)
        await hears(ear, TWO, absent=(ONE,))
        await two.hang_up()
        for each in (listens, quiet):
            assert await until_ended(centre, each) == "call: the conference has ended"
        await centre.idle()


async def test_it_is_gone_and_the_conference_goes_on(centre: ContactCentre) -> None:
    await make(centre)
    one, two, called = await three(centre)
    async with bad_bots.websocket(bad_bots.says_tone(FIRST, 120)) as voice:
        made = await attach(centre, voice, "both")
        await one.wait_tones(TWO, THREE, FIRST)
    assert (await until_ended(centre, made)).startswith("target: ")
    await all_hear(one, two, called)
    await one.wait_tones(TWO, THREE, absent=(FIRST,))
    assert await no_members(centre) == []
    for each in (one, two, called):
        await each.hang_up()
    await centre.idle()


@pytest.mark.parametrize("centre", ["websocket", "rtp"], indirect=True)
async def test_kill_9_leaves_nothing_of_it(centre: ContactCentre) -> None:
    """The conference goes on. Over RTP the channel stays in it until the server is there again."""
    await make(centre)
    one, two, called = await three(centre)
    async with listening() as ear, bad_bots.websocket(bad_bots.says_tone(FIRST, 120)) as voice:
        await attach(centre, ear.url, "listen")
        await attach(centre, voice, "speak")
        await asyncio.gather(hears(ear, ONE, TWO, THREE), two.wait_tones(ONE, FIRST))
        await centre.server.kill()
        await all_hear(one, two, called)
        await centre.server.start()
        await members(centre, 3)

        async def swept() -> bool:
            return await no_members(centre) == []

        await until(swept)
        assert await centre.server.request("GET", "/x/media") == []
        await all_hear(one, two, called)
        await two.wait_tones(ONE, THREE, absent=(FIRST,))
        await attach(centre, ear.url, "listen")
        await hears(ear, ONE, TWO, THREE)
    for each in (one, two, called):
        await each.hang_up()
    await centre.idle()
