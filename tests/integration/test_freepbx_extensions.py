"""Extensions of a FreePBX on an Asterisk of our own: the phones register with the secrets they have."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import freepbx
from tests.harness.mariadb import MariaDB, unavailable
from tests.harness.phones import PhoneBox, answers
from tests.integration.server import ContactCentre, contact_centre
from tests.integration.waiting import until
from tests.unit.freepbx.sample import FreePBX

SECRET = 'FreePBX\'s own, 1 "secret"'
CALLER, CALLEE = 440, 660


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    if reason := unavailable():
        pytest.skip(reason)
    async with contact_centre(tmp_path, start_asterisk, world) as made:
        yield made


def made() -> FreePBX:
    house = FreePBX()
    for number, name in (("1001", "Ann Lee"), ("1002", "Bo")):
        house.extension(number, name)
    for row in house.rows["pjsip"]:
        if row["keyword"] == "secret":
            row["data"] = SECRET
    house.astdb |= {"/AMPUSER/1001/cidnum": "5000", "/CW/1001": "ENABLED"}
    return house


async def test_phones_register_with_the_secrets_they_have(centre: ContactCentre, tmp_path: Path) -> None:
    server = centre.server

    async def bring_over(*arguments: str) -> None:
        before = server.log_path.read_text().count("= reloaded")
        await server.command("import-freepbx", str(source), "--astdb", str(astdb), "--yes", *arguments)
        assert server.process is not None
        server.process.send_signal(1)
        await until(lambda: server.log_path.read_text().count("= reloaded") > before)

    def given() -> set[str]:
        rows = server.rows("SELECT extension FROM provisioned_extensions WHERE fingerprint != ''")
        return {row["extension"] for row in rows}

    async with MariaDB() as mariadb:
        await freepbx.make_database(mariadb, made().rows)
        source = freepbx.freepbx_conf(mariadb, tmp_path / "freepbx.conf")
        astdb = freepbx.write_astdb(tmp_path / "astdb.sqlite3", made().astdb)
        await bring_over()
        assert given() == set()
        assert "1001" not in await centre.pbx.cli("pjsip show endpoints"), "FreePBX' own would be in its way"
        await bring_over("--provision")
        await until(lambda: given() == {"1001", "1002"})
        for number in ("1001", "1002"):
            await centre.world.line(number, SECRET)
            await centre.world.register(number, centre.pbx)
        phone = centre.world.extension("1002", answers(after=0.1, tone=CALLEE))
        caller = await centre.world.call("1002", centre.pbx, line="1001", tone=CALLER)
        rung = await phone.next_call()
        assert rung.caller_number == "5000"
        await rung.wait_tones(CALLER)
        await caller.wait_tones(CALLEE)
        await caller.hang_up()
        await centre.idle()
        # and back to FreePBX
        await bring_over("--no-provision")
        await until(lambda: given() == set())
        assert "1001" not in await centre.pbx.cli("pjsip show endpoints")
