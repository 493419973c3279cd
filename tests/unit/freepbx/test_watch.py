"""Following FreePBX: what is believed, when, and what is said."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from ari_app.calls.extensions import sip_digest
from ari_app.clock import ManualClock
from ari_app.freepbx.decisions import Options, Plan
from ari_app.freepbx.errors import SourceUnreadable
from ari_app.freepbx.run import SOURCE, Import
from ari_app.freepbx.tables import describe
from ari_app.freepbx.watch import SETTLE, Watch
from ari_app.store import migrate
from ari_app.store.accounts import DEFAULT
from ari_app.store.database import Database
from ari_app.store.imports import Imports
from tests.unit.freepbx.sample import FreePBX, small


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path}/store.sqlite"
    await migrate.upgrade(url)
    database = Database(url)
    await database.start()
    yield database
    await database.close()
    shutil.rmtree(tmp_path)


class House:
    """A FreePBX that is followed. `meanwhile` happens while a change is left to settle."""

    def __init__(self, database: Database) -> None:
        self.freepbx: FreePBX | None = small()
        self.imports = Imports(database, ManualClock(), SOURCE)
        self.importing = Import(self.imports, DEFAULT, Options())
        self.said: list[str] = []
        self.applied: list[Plan] = []
        self.slept: list[float] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self.watch = Watch(
            self.importing,
            self.read,
            interval=60,
            say=self.said.append,
            applied=self._applied,
            sleep=self._sleep,
        )

    async def read(self) -> None:
        if self.freepbx is None:
            raise SourceUnreadable("gone")
        self.importing.take(describe(self.freepbx.tables()))

    async def _applied(self, plan: Plan) -> None:
        self.applied.append(plan)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.meanwhile()
        self.meanwhile = lambda: None

    async def names(self) -> list[str]:
        return sorted(queue.name for queue in (await self.imports.held(DEFAULT)).queues.values())

    def rename(self, name: str) -> None:
        assert self.freepbx is not None
        self.freepbx.rows["queues_config"][0]["descr"] = name


@pytest.fixture
def house(database: Database) -> House:
    return House(database)


async def test_a_change_is_taken_over_once_it_has_settled(house: House) -> None:
    await house.watch.once()
    assert house.slept == [SETTLE]
    assert await house.names() == ["Sales", "Support"]
    await house.watch.once()
    assert (house.slept, len(house.applied)) == ([SETTLE], 1)
    house.rename("Sales West")
    await house.watch.once()
    assert await house.names() == ["Sales West", "Support"]
    assert any("name" in line and "Sales West" in line for line in house.said)
    assert len(house.applied) == 2


async def test_a_queue_that_is_being_saved_is_left_until_it_is_whole(house: House) -> None:
    await house.watch.once()
    assert house.freepbx is not None
    details = house.freepbx.rows["queues_details"]
    house.freepbx.rows["queues_details"] = [row for row in details if row["keyword"] != "member"]
    house.meanwhile = lambda: house.freepbx.rows.update(queues_details=details)  # type: ignore[union-attr]
    await house.watch.once()
    assert len(house.applied) == 1
    assert (await house.imports.held(DEFAULT)).members["500"] == {"1001": 1, "1002": 3}


async def test_extensions_are_followed_too(house: House) -> None:
    await house.watch.once()
    assert house.freepbx is not None
    for row in house.freepbx.rows["pjsip"]:
        if (row["id"], row["keyword"]) == ("1001", "secret"):
            row["data"] = "a new one"
    house.freepbx.extension("1009", "Dana")
    house.freepbx.rows["users"] = [row for row in house.freepbx.rows["users"] if row["extension"] != "1003"]
    await house.watch.once()
    held = (await house.imports.held(DEFAULT)).extensions
    assert held["1001"].digest == sip_digest("1001", "a new one")
    assert list(held) == ["1001", "1002", "1003", "1009"], "and none is deleted by watching"
    assert not any(one.provisioned for one in held.values())
    assert "a new one" not in "\n".join(house.said)


async def test_a_queue_that_is_gone_stays(house: House) -> None:
    await house.watch.once()
    assert house.freepbx is not None
    del house.freepbx.rows["queues_config"][0]
    await house.watch.once()
    assert await house.names() == ["Sales", "Support"]


async def test_trouble_is_said_when_it_begins_and_ends(house: House) -> None:
    whole, house.freepbx = house.freepbx, None
    await house.watch.once()
    await house.watch.once()
    assert house.said == ["not followed: gone"]
    house.freepbx = whole
    await house.watch.once()
    assert house.said[-1] == "followed again"
    assert await house.names() == ["Sales", "Support"]


async def test_it_looks_at_its_interval_until_it_is_ended(house: House) -> None:
    class EndedError(Exception):
        pass

    looks = 0

    async def sleep(seconds: float) -> None:
        nonlocal looks
        looks += seconds == 60
        if looks == 3:
            raise EndedError

    house.watch = Watch(
        house.importing, house.read, interval=60, say=house.said.append, applied=house._applied, sleep=sleep
    )
    with pytest.raises(EndedError):
        await house.watch.run()
    assert len(house.applied) == 1
