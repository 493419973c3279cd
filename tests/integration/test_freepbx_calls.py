"""An imported queue on a real Asterisk, side by side with FreePBX' own queue, as docs/freepbx.md says."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.harness import freepbx
from tests.harness.asterisk import Asterisk
from tests.harness.docker import ROOT
from tests.harness.freepbx_files import documents, write_backup, write_conf
from tests.harness.mariadb import MariaDB, unavailable
from tests.harness.phones import Extension, PhoneBox, never_answers
from tests.integration.server import BASE, Server
from tests.integration.waiting import until
from tests.unit.freepbx.sample import FreePBX

CALLER, AGENT = 440, 660
PENALTIES = {"1001": 0, "1003": 1, "1002": 2}

#: what FreePBX' own dialplan has, as far as queues use it
FREEPBX_DIALPLAN = """
[from-trunk](+)
; an incoming route to the Custom Destination
exten => 500,1,Goto(ari-app-queue,500,1)

[ext-queues]
exten => 500,1,Answer()
 same => n,Queue(500,t)
 same => n,Hangup()

[from-queue]
exten => _X.,1,Dial(PJSIP/${EXTEN},15)

[ext-local]
"""


def snippet() -> str:
    """The dialplan of the guide."""
    text = (ROOT / "docs/freepbx.md").read_text()
    found = re.search(r"```\n(.*?)```", text[text.index("takes the dialplan from here") :], re.DOTALL)
    assert found is not None
    return "\n".join(line[3:] for line in found[1].splitlines())


def made() -> FreePBX:
    """A queue whose members have penalties, in another order than their numbers."""
    house = FreePBX()
    for number in PENALTIES:
        house.extension(number, f"Agent {number}")
    members = [f"Local/{number}@from-queue/n,{penalty}" for number, penalty in PENALTIES.items()]
    house.queue("500", *members, config={"descr": "Sales"}, wrapuptime="0", timeout="15", retry="1")
    return house


class House:
    """FreePBX' Asterisk with its queue, FreePBX' database, and ari_app beside it."""

    def __init__(self, pbx: Asterisk, world: PhoneBox, server: Server, mariadb: MariaDB, source: Path) -> None:
        self.pbx, self.world, self.server, self.mariadb, self.source = pbx, world, server, mariadb, source
        self.phones: dict[str, Extension] = {}

    async def phone(self, number: str) -> None:
        await self.pbx.provision(number, "secret", contact=self.world.contact(number))
        self.phones[number] = self.world.extension(number, never_answers())

    async def bring_over(self) -> str:
        """Import, and let the running server take it up."""
        printed = await self.server.command("import-freepbx", str(self.source), "--yes")
        assert self.server.process is not None
        before = self.server.log_path.read_text().count("= reloaded")
        self.server.process.send_signal(1)
        await until(lambda: self.server.log_path.read_text().count("= reloaded") > before)
        return printed

    async def upload(self, file: Path, **query: str) -> dict[str, Any]:
        """Send a backup over REST."""
        url = f"http://127.0.0.1:{self.server.http_port}{BASE}/import/freepbx"
        headers = {"Content-Type": "application/gzip"}
        async with (
            aiohttp.ClientSession() as client,
            client.post(
                url, params={"auth_key": self.server.key, **query}, data=file.read_bytes(), headers=headers
            ) as reply,
        ):
            assert reply.status == 200, await reply.text()
            found: dict[str, Any] = await reply.json()
            return found

    async def sign_in(self, number: str) -> None:
        """To all queues he is bound to, with the skills that were imported."""
        rows = await self.server.request("GET", "/agent", {"search": number})
        (agent,) = (row["id"] for row in rows if row["number"] == number)
        await self.server.request("POST", "/agent_session", user=agent, extension=number)
        await self.server.request("POST", "/call_queue_agent_action", action="signIn", options={"agent": agent})


@pytest.fixture
async def house(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[House]:
    if reason := unavailable():
        pytest.skip(reason)
    files = write_conf(tmp_path / "etc", made())
    hints = "".join(f"exten => {number},hint,PJSIP/{number}\n" for number in PENALTIES)
    server = Server(tmp_path / "data", connect="inbound")
    (tmp_path / "data").mkdir()
    pbx = await start_asterisk(
        "main",
        environment={"TRUNK_MATCH": world.trunk_address},
        extra={
            "queues.conf": (files / "queues_additional.conf").read_text(),
            "extensions.conf": FREEPBX_DIALPLAN + hints + "\n" + snippet() + "\n",
        },
    )
    async with MariaDB() as mariadb:
        await freepbx.make_database(mariadb, made().rows)
        source = freepbx.freepbx_conf(mariadb, tmp_path / "freepbx.conf")
        try:
            await server.install(pbx)
            await server.start()
            found = House(pbx, world, server, mariadb, source)
            for number in PENALTIES:
                await found.phone(number)
            yield found
        finally:
            await server.stop()


async def test_imported_members_are_rung_in_the_imported_order(house: House) -> None:
    printed = await house.bring_over()
    assert 'create  queue 500 "Sales": 3 members' in printed
    for number in sorted(PENALTIES):
        await house.sign_in(number)
    for number in PENALTIES:
        caller = await house.world.call("500", house.pbx, tone=CALLER)
        phone = await house.phones[number].next_call()
        await phone.answer()
        await phone.listen()
        await phone.play_tone(AGENT)
        await asyncio.gather(phone.wait_tones(CALLER), caller.wait_tones(AGENT))
        others = [house.phones[other] for other in PENALTIES if other != number]
        assert len(house.phones[number].calls) == 1
        assert sum(len(other.calls) for other in others) == list(PENALTIES).index(number)
    # what FreePBX changes is taken up by calls that are waiting
    waiting = await house.world.call("500", house.pbx)
    await waiting.answered.wait()
    await house.phone("1004")
    more = FreePBX()
    more.extension("1004", "Agent 1004")
    more.detail("500", "member", "PJSIP/1004,0", "9")
    await freepbx.insert(house.mariadb, more.rows)
    await house.bring_over()
    await house.sign_in("1004")
    phone = await house.phones["1004"].next_call()
    await phone.answer()


async def test_app_queue_takes_over_while_we_are_down(house: House) -> None:
    await house.bring_over()
    await house.sign_in("1001")
    await house.server.stop()
    caller = await house.world.call("500", house.pbx, tone=CALLER)
    phone = await house.phones["1001"].next_call()
    await phone.answer()
    await phone.listen()
    await phone.play_tone(AGENT)
    await asyncio.gather(phone.wait_tones(CALLER), caller.wait_tones(AGENT))
    shown = await house.pbx.cli("queue show 500")
    assert "in call" in shown.lower() or "taken 1" in shown.lower()
    await caller.hang_up()
    await house.pbx.wait_idle()
    # and we take the next one when we are back
    await house.server.start()
    calls = len(house.server.rows("SELECT * FROM queue_calls"))
    assert calls == 0
    caller = await house.world.call("500", house.pbx, tone=CALLER)
    phone = await house.phones["1001"].next_call()
    await phone.answer()
    await phone.listen()
    await phone.wait_tones(CALLER)
    await caller.hang_up()
    await house.pbx.wait_idle()
    await until(lambda: house.server.rows("SELECT * FROM queue_calls WHERE outcome = 'answered'"))


async def test_an_uploaded_backup_is_taken_up_at_once(house: House, tmp_path: Path) -> None:
    """Without SIGHUP: the server that imports it tells its queues."""
    backup = write_backup(tmp_path / "backup.tar.gz", documents(made(), whole=True))
    plan = await house.upload(backup)
    done = await house.upload(backup, apply=plan["plan"])
    assert done["applied"] is True
    await house.sign_in("1001")
    caller = await house.world.call("500", house.pbx, tone=CALLER)
    phone = await house.phones["1001"].next_call()
    await phone.answer()
    await phone.listen()
    await phone.wait_tones(CALLER)
    await caller.hang_up()
    await house.pbx.wait_idle()
    assert (await house.upload(backup))["changes"] is False
