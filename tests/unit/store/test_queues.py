"""Queues, pause codes, and who is bound to what."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from ari_app.acd.settings import AutoPause, QueueSettings, Strategy
from ari_app.clock import ManualClock
from ari_app.errors import Conflict, NotFound
from ari_app.store.accounts import DEFAULT, Accounts
from ari_app.store.bindings import Bindings
from ari_app.store.database import Database
from ari_app.store.passwords import Passwords
from ari_app.store.pause_codes import PauseCodes
from ari_app.store.queues import Queues
from ari_app.store.users import Users
from ari_app.store.values import Binding, PauseCode, QueueData, UserData

PLAIN = QueueData(extension="500", name="Sales")
#: every attribute other than its default
FULL = QueueData(
    extension="501",
    name="Everything",
    type=1,
    auto_answer_acd=True,
    sys_resume=30,
    wrap_up_time=0,
    wrap_up_all_queues=True,
    cid_name_prefix="S: ",
    agent_restrictions=2,
    ring_strategy="rrmemory",
    weight=3,
    moh_class="none",
    ringing_moh=True,
    recording_format="wav",
    recording_mode="includeholdtime",
    max_wait_time=300,
    agent_timeout=20,
    agent_retry_time=0,
    max_callers=50,
    join_empty="strict",
    leave_empty="loose",
    announce_frequency=60,
    announce_position="yes",
    announce_hold_time="once",
    auto_pause="all",
    call_back_key="1",
    call_back_attempts=5,
    call_back_retry=60,
    call_back_ring=20,
    keep_place=120,
    service_level=12.5,
)


@pytest.fixture
def queues(database: Database, clock: ManualClock) -> Queues:
    return Queues(database, clock)


async def conflict(queues: Queues, data: QueueData) -> object:
    with pytest.raises(Conflict) as caught:
        await queues.create(DEFAULT, data)
    return caught.value.context["parameter"]


async def test_every_attribute_is_kept(queues: Queues) -> None:
    assert all(
        getattr(FULL, name) != getattr(QueueData(extension="", name=""), name) for name in QueueData.__struct_fields__
    )
    for data in (PLAIN, FULL):
        assert await queues.create(DEFAULT, data) == data.extension
        queue = await queues.get(DEFAULT, data.extension)
        assert {name: getattr(queue, name) for name in QueueData.__struct_fields__} == msgspec.structs.asdict(data)
        assert queue.deleted is False
        assert await queues.find(DEFAULT, data.extension) == queue


async def test_what_the_engine_is_told(queues: Queues, database: Database, clock: ManualClock) -> None:
    await queues.create(DEFAULT, FULL)
    await queues.create(DEFAULT, replace(PLAIN, moh_class="inherit", recording_format=""))
    plain, full = await queues.all_settings(DEFAULT)
    told = {
        "extension": "501",
        "name": "Everything",
        "strategy": Strategy.RRMEMORY,
        "weight": 3,
        "max_wait": 300,
        "agent_timeout": 20,
        "retry": 0,
        "max_callers": 50,
        "wrap_up": 0,
        "wrap_up_all_queues": True,
        "auto_pause": AutoPause.ALL,
        "system_resume": 30,
        "service_level": 12.5,
        "music_class": "none",
        "ringing": True,
        "cid_name_prefix": "S: ",
        "recording_format": "wav",
        "recording_mode": "includeholdtime",
        "call_back_key": "1",
        "call_back_attempts": 5,
        "call_back_retry": 60,
        "call_back_ring": 20,
        "keep_place": 120,
    }
    assert {name: getattr(full, name) for name in told} == told
    assert plain == QueueSettings(extension="500", name="Sales", agent_timeout=None, retry=None)
    assert await queues.accounts() == [DEFAULT]
    await queues.set_deleted(DEFAULT, "501", True)
    assert await queues.all_settings(DEFAULT) == [plain]
    await queues.set_deleted(DEFAULT, "500", True)
    assert await queues.accounts() == []


async def test_what_is_unique(queues: Queues, database: Database, clock: ManualClock) -> None:
    await queues.create(DEFAULT, PLAIN)
    assert await conflict(queues, replace(PLAIN, name="Other")) == "extension"
    assert await conflict(queues, replace(PLAIN, extension="501")) == "name"
    other = await Accounts(database, clock).create("other")
    await queues.create(other, PLAIN)
    await queues.create(DEFAULT, replace(PLAIN, extension="502", name="Third"))
    with pytest.raises(Conflict) as caught:
        await queues.update(DEFAULT, "502", PLAIN)
    assert caught.value.context["parameter"] == "name"


async def test_update_keeps_the_extension(queues: Queues) -> None:
    await queues.create(DEFAULT, PLAIN)
    await queues.update(DEFAULT, "500", replace(FULL, extension="999"))
    queue = await queues.get(DEFAULT, "500")
    assert (queue.extension, queue.name, queue.weight) == ("500", "Everything", 3)
    await queues.update(DEFAULT, "500", queue)
    assert await queues.get(DEFAULT, "500") == queue
    with pytest.raises(NotFound):
        await queues.update(DEFAULT, "999", PLAIN)


async def test_deleted_queues_are_kept_and_give_way(queues: Queues) -> None:
    await queues.create(DEFAULT, PLAIN)
    await queues.set_deleted(DEFAULT, "500", True)
    assert (await queues.get(DEFAULT, "500")).deleted
    assert await queues.find(DEFAULT, "500") is None
    with pytest.raises(NotFound):
        await queues.update(DEFAULT, "500", PLAIN)
    first = (await queues.get(DEFAULT, "500")).id
    await queues.create(DEFAULT, PLAIN)
    living = await queues.get(DEFAULT, "500")
    assert not living.deleted
    assert living.id != first
    await queues.set_deleted(DEFAULT, "500", True)
    await queues.set_deleted(DEFAULT, "500", False)
    assert (await queues.get(DEFAULT, "500")).id == living.id
    with pytest.raises(NotFound):
        await queues.set_deleted(DEFAULT, "404", True)
    assert await queues.find(DEFAULT, "404\0") is None


async def test_listing(queues: Queues) -> None:
    for extension in ("503", "501", "502"):
        await queues.create(DEFAULT, QueueData(extension=extension, name=f"Queue {extension}"))
    await queues.set_deleted(DEFAULT, "502", True)
    assert [queue.extension for queue in (await queues.listing(DEFAULT)).rows] == ["501", "503"]
    assert (await queues.listing(DEFAULT, search="queue 503")).total == 1
    assert (await queues.listing(2)).total == 0


async def test_pause_codes(database: Database, clock: ManualClock) -> None:
    codes = PauseCodes(database, clock)
    lunch = await codes.create(DEFAULT, "Lunch")
    assert await codes.get(DEFAULT, lunch) == PauseCode(id=lunch, account=DEFAULT, name="Lunch", deleted=False)
    with pytest.raises(Conflict) as caught:
        await codes.create(DEFAULT, "Lunch")
    assert caught.value.context["parameter"] == "name"
    await codes.update(DEFAULT, lunch, "Break")
    again = await codes.create(DEFAULT, "Lunch")
    await codes.set_deleted(DEFAULT, lunch, True)
    assert (await codes.get(DEFAULT, lunch)).deleted
    assert await codes.find(DEFAULT, lunch) is None
    assert await codes.find(DEFAULT, again) is not None
    with pytest.raises(NotFound):
        await codes.update(DEFAULT, lunch, "Break")
    await codes.create(DEFAULT, "Break")
    with pytest.raises(Conflict):
        await codes.set_deleted(DEFAULT, lunch, False)
    for id in (99, 2**31, -1):
        assert await codes.find(DEFAULT, id) is None
        with pytest.raises(NotFound):
            await codes.set_deleted(DEFAULT, id, True)
    with pytest.raises(NotFound):
        await codes.get(2, again)
    assert [code.name for code in (await codes.listing(DEFAULT, order="name")).rows] == ["Break", "Lunch"]


async def test_bindings(database: Database, clock: ManualClock, passwords: Passwords, queues: Queues) -> None:
    users, bindings = Users(database, clock, passwords), Bindings(database)
    one, two = [await users.create(DEFAULT, "agent", UserData(number=n, first_name="x")) for n in ("1", "2")]
    boss = await users.create(DEFAULT, "supervisor", UserData(username="boss", first_name="x"))
    for extension in ("500", "501"):
        await queues.create(DEFAULT, QueueData(extension=extension, name=extension))
    await bindings.bind(DEFAULT, "500", one)
    await bindings.bind(DEFAULT, "500", one, 1)
    await bindings.bind(DEFAULT, "501", one, 5)
    await bindings.bind(DEFAULT, "500", two)
    assert await bindings.of_agent(DEFAULT, one) == {"500": 1, "501": 5}
    assert await bindings.of_queue(DEFAULT, "500") == {one: 1, two: 3}
    assert await bindings.of_account(DEFAULT) == [
        Binding(queue="500", agent=one, skill=1),
        Binding(queue="500", agent=two, skill=3),
        Binding(queue="501", agent=one, skill=5),
    ]
    for queue, agent, parameter in (("404", one, "queue"), ("500", 99, "agent"), ("500", boss, "agent")):
        with pytest.raises(NotFound) as caught:
            await bindings.bind(DEFAULT, queue, agent)
        assert caught.value.context["parameter"] == parameter
    await bindings.unbind(DEFAULT, "500", one)
    await bindings.unbind(DEFAULT, "500", one)
    await queues.set_deleted(DEFAULT, "501", True)
    await users.set_deleted(DEFAULT, "agent", two, True)
    assert await bindings.of_account(DEFAULT) == []
    await queues.set_deleted(DEFAULT, "501", False)
    assert await bindings.of_agent(DEFAULT, one) == {"501": 5}
    assert await bindings.of_account(2) == []
