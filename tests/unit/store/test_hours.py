"""When queues are open, and the calendars they share."""

from __future__ import annotations

import msgspec
import pytest

from ari_app.acd.hours import Hours, Special
from ari_app.clock import ManualClock
from ari_app.errors import Conflict, NotFound
from ari_app.store.accounts import DEFAULT, Accounts
from ari_app.store.database import Database
from ari_app.store.hours import KeptHours, OpeningHours
from ari_app.store.queues import Queues
from ari_app.store.values import QueueData

EVE = Special(since="2026-12-24", until="2026-12-24", yearly=True, intervals=("09:00-12:00",), name="Eve")
DAY = Special(since="2026-12-25", until="2026-12-26")
OWN = Hours(
    time_zone="Europe/Berlin",
    weekly={"monday": ("09:00-12:00", "22:00-02:00")},
    exceptions=(EVE,),
    message="x",
    leave=True,
)


async def test_hours_of_queues(database: Database, clock: ManualClock) -> None:
    queues, hours = Queues(database, clock), OpeningHours(database)
    other = await Accounts(database, clock).create("other")
    await queues.create(DEFAULT, QueueData(extension="500", name="Sales"))
    assert await hours.get(DEFAULT, "500") is None
    await hours.set(DEFAULT, "500", KeptHours(own=Hours()))
    await hours.set(DEFAULT, "500", KeptHours(own=OWN))
    assert await hours.get(DEFAULT, "500") == KeptHours(own=OWN)
    assert await hours.of_account(DEFAULT) == {"500": OWN}
    assert await hours.of_account(other) == {}
    with pytest.raises(NotFound):
        await hours.get(other, "500")
    with pytest.raises(NotFound):
        await hours.set(other, "500", None)
    await queues.set_deleted(DEFAULT, "500", True)
    assert await hours.of_account(DEFAULT) == {}
    await queues.set_deleted(DEFAULT, "500", False)
    assert await hours.of_account(DEFAULT) == {"500": OWN}
    await hours.set(DEFAULT, "500", None)
    assert await hours.get(DEFAULT, "500") is None


async def test_calendars(database: Database, clock: ManualClock) -> None:
    queues, hours = Queues(database, clock), OpeningHours(database)
    other = await Accounts(database, clock).create("other")
    await queues.create(DEFAULT, QueueData(extension="500", name="Sales"))
    with pytest.raises(NotFound) as caught:
        await hours.set(DEFAULT, "500", KeptHours(own=OWN, calendars=("de",)))
    assert caught.value.context["calendar"] == "de"
    await hours.set_calendar(DEFAULT, "de", [])
    await hours.set(DEFAULT, "500", KeptHours(own=OWN, calendars=("de",)))
    await hours.set_calendar(DEFAULT, "de", [DAY])
    assert await hours.calendars(DEFAULT) == {"de": [DAY]}
    assert await hours.calendars(other) == {}
    assert await hours.of_account(DEFAULT) == {"500": msgspec.structs.replace(OWN, exceptions=(EVE, DAY))}
    with pytest.raises(Conflict, match="500"):
        await hours.delete_calendar(DEFAULT, "de")
    assert await hours.calendars(DEFAULT) == {"de": [DAY]}
    # nobody sees that a deleted queue would miss it
    await queues.set_deleted(DEFAULT, "500", True)
    await hours.delete_calendar(DEFAULT, "de")
    with pytest.raises(NotFound):
        await hours.delete_calendar(DEFAULT, "de")
    await queues.set_deleted(DEFAULT, "500", False)
    assert await hours.of_account(DEFAULT) == {"500": OWN}


async def test_time_zones_of_accounts(database: Database, clock: ManualClock) -> None:
    accounts = Accounts(database, clock)
    other = await accounts.create("other")
    await accounts.set_time_zone(other, "Europe/Berlin")
    assert (await accounts.get(other)).time_zone == "Europe/Berlin"
    assert (await accounts.get(DEFAULT)).time_zone == ""
    with pytest.raises(NotFound):
        await accounts.set_time_zone(99, "UTC")
