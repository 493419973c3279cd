"""What agents can, and by what queues choose."""

from __future__ import annotations

import pytest

from ari_app.acd.skills import Routing
from ari_app.clock import ManualClock
from ari_app.errors import NotFound
from ari_app.store.accounts import DEFAULT, Accounts
from ari_app.store.database import Database
from ari_app.store.passwords import Passwords
from ari_app.store.queues import Queues
from ari_app.store.skills import Skills
from ari_app.store.users import Users
from ari_app.store.values import QueueData, UserData

ANN = UserData(first_name="Ann", number="101", password="1234")


async def test_skills_of_agents(database: Database, clock: ManualClock) -> None:
    users, skills = Users(database, clock, Passwords(time_cost=1, memory_cost=8, parallelism=1)), Skills(database)
    agent = await users.create(DEFAULT, "agent", ANN)
    other = await Accounts(database, clock).create("other")
    await skills.set_agent(DEFAULT, agent, {"sales": 1, "english": 80})
    await skills.set_agent(DEFAULT, agent, {"french": 0, "english": 90})
    assert await skills.of_agent(DEFAULT, agent) == {"english": 90, "french": 0}
    assert await skills.of_account(DEFAULT) == {agent: {"english": 90, "french": 0}}
    assert await skills.of_account(other) == {}
    with pytest.raises(NotFound):
        await skills.of_agent(other, agent)
    with pytest.raises(NotFound):
        await skills.set_agent(other, agent, {})
    await users.set_deleted(DEFAULT, "agent", agent, True)
    assert await skills.of_account(DEFAULT) == {}
    with pytest.raises(NotFound):
        await skills.of_agent(DEFAULT, agent)


async def test_routing_of_queues(database: Database, clock: ManualClock) -> None:
    queues, skills = Queues(database, clock), Skills(database)
    await queues.create(DEFAULT, QueueData(extension="500", name="Sales"))
    assert await skills.routing(DEFAULT, "500") == Routing()
    assert await skills.routings(DEFAULT) == {}
    routing = Routing(rule="english >= 3", wanted={"sales": 1})
    await skills.set_routing(DEFAULT, "500", Routing(rule="english"))
    await skills.set_routing(DEFAULT, "500", routing)
    assert await skills.routing(DEFAULT, "500") == routing
    assert await skills.routings(DEFAULT) == {"500": routing}
    with pytest.raises(NotFound):
        await skills.set_routing(DEFAULT, "501", routing)
    await queues.set_deleted(DEFAULT, "500", True)
    assert await skills.routings(DEFAULT) == {}
    await queues.create(DEFAULT, QueueData(extension="500", name="New"))
    assert await skills.routing(DEFAULT, "500") == Routing(), "a new queue at the old extension begins without"
