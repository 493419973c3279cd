"""An import is written in one transaction, and read back as it was written; on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from ari_app.calls.directory import ExtensionSettings
from ari_app.calls.extensions import sip_digest
from ari_app.clock import ManualClock
from ari_app.errors import Conflict
from ari_app.store.accounts import DEFAULT, Accounts
from ari_app.store.bindings import Bindings
from ari_app.store.database import Database
from ari_app.store.extensions import Extensions, Mailbox
from ari_app.store.imported_extensions import ExtensionRow, hash_passwords
from ari_app.store.imports import MAILBOX_HASH, Changes, Held, ImportedItem, Imports
from ari_app.store.passwords import Passwords
from ari_app.store.queues import Queues
from ari_app.store.users import Users
from ari_app.store.values import QueueData, UserData

FIRST = Changes(
    new_queues=[QueueData(extension="500", name="Sales"), QueueData(extension="501", name="Support", weight=2)],
    new_agents=[
        UserData(number="1001", first_name="Alice", last_name="Adams", email="Alice@example.org"),
        UserData(number="1002", first_name="Bob"),
    ],
    bind=[("500", "1001", 1), ("500", "1002", 2), ("501", "1002", 5)],
    new_pause_codes=["Lunch"],
    items=[
        ImportedItem(kind="queue", key="500", written={"settings": {"weight": 0}}, attributes={"dest": "x", "n": [1]}),
        ImportedItem(kind="queue", key="501", written={"settings": {"service_level": 60.0}}, attributes={}),
    ],
)


@pytest.fixture
def imports(database: Database, clock: ManualClock) -> Imports:
    return Imports(database, clock, "freepbx")


async def test_what_is_written_is_read_back(imports: Imports, database: Database, clock: ManualClock) -> None:
    seen: list[Held] = []
    steps: list[tuple[int, int]] = []
    await imports.apply(
        DEFAULT, lambda held: seen.append(held) or FIRST, lambda done, total: steps.append((done, total))
    )
    assert seen == [Held(queues={}, agents={}, members={}, pause_codes=frozenset(), items={})]
    assert steps[-1] == (10, 10)
    held = await imports.held(DEFAULT)
    assert held == Held(
        queues={queue.extension: queue for queue in FIRST.new_queues},
        agents={agent.number or "": agent for agent in FIRST.new_agents},
        members={"500": {"1001": 1, "1002": 2}, "501": {"1002": 5}},
        pause_codes=frozenset(["Lunch"]),
        items={(item.kind, item.key): item for item in FIRST.items},
    )
    # as the rest of the application sees it
    assert (await Queues(database, clock).get(DEFAULT, "501")).weight == 2
    agent = await Users(database, clock).find_login(DEFAULT, "agent", "1001")
    assert agent is not None
    assert (agent.first_name, agent.email) == ("Alice", "Alice@example.org")
    assert await Bindings(database).of_agent(DEFAULT, agent.id) == {"500": 1}


async def test_changes(imports: Imports, database: Database, clock: ManualClock) -> None:
    await imports.apply(DEFAULT, lambda held: FIRST)
    agent = await Users(database, clock).find_login(DEFAULT, "agent", "1002")
    assert agent is not None
    await Users(database, clock).update(
        DEFAULT, "agent", agent.id, UserData(number="1002", first_name="Bob", password="1234")
    )
    # names are exchanged, which no order of single updates could do
    second = Changes(
        queues=[QueueData(extension="500", name="Support", weight=1), QueueData(extension="501", name="Sales")],
        agents=[UserData(number="1002", first_name="Robert", email="bob@example.org")],
        rebind=[("500", "1002", 4)],
        unbind=[("501", "1002")],
        bind=[("501", "1001", 3)],
        items=[ImportedItem(kind="queue", key="500", written={"settings": {"weight": 1}}, attributes={})],
        forget=[("queue", "501")],
    )
    await imports.apply(DEFAULT, lambda held: second)
    held = await imports.held(DEFAULT)
    assert {queue.name: queue.weight for queue in held.queues.values()} == {"Support": 1, "Sales": 0}
    assert held.members == {"500": {"1001": 1, "1002": 4}, "501": {"1001": 3}}
    assert held.agents["1002"].first_name == "Robert"
    assert list(held.items.values()) == second.items
    assert await Users(database, clock).check_password(DEFAULT, "agent", "1002", "1234") is not None


async def test_a_queue_that_goes_is_flagged(imports: Imports, database: Database, clock: ManualClock) -> None:
    await imports.apply(DEFAULT, lambda held: FIRST)
    await imports.apply(DEFAULT, lambda held: Changes(gone_queues=["500"]))
    assert (await Queues(database, clock).get(DEFAULT, "500")).deleted
    # and its number is free
    await imports.apply(DEFAULT, lambda held: Changes(new_queues=[QueueData(extension="500", name="Sales")]))
    assert set((await imports.held(DEFAULT)).queues) == {"500", "501"}


@pytest.mark.parametrize(
    "clash",
    [
        Changes(new_queues=[QueueData(extension="777", name="Sales")]),
        Changes(new_queues=[QueueData(extension="500", name="Other")]),
        Changes(new_agents=[UserData(number="1001", first_name="Other")]),
        Changes(new_agents=[UserData(number="7", first_name="Other", email="alice@EXAMPLE.org")]),
        Changes(new_pause_codes=["Lunch"]),
    ],
)
async def test_half_an_import_is_none(imports: Imports, clash: Changes) -> None:
    await imports.apply(DEFAULT, lambda held: FIRST)
    before = await imports.held(DEFAULT)
    good = Changes(
        new_queues=[QueueData(extension="600", name="New"), *clash.new_queues],
        new_agents=[*clash.new_agents],
        queues=[QueueData(extension="501", name="Renamed")],
        new_pause_codes=clash.new_pause_codes,
        items=[ImportedItem(kind="queue", key="600", written={}, attributes={})],
    )
    with pytest.raises(Conflict):
        await imports.apply(DEFAULT, lambda held: good)
    assert await imports.held(DEFAULT) == before


async def test_who_decides_may_refuse(imports: Imports) -> None:
    def refuse(held: Held) -> Changes:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await imports.apply(DEFAULT, refuse)
    assert not (await imports.held(DEFAULT)).queues


async def test_accounts_and_sources_are_apart(imports: Imports, database: Database, clock: ManualClock) -> None:
    other = await Accounts(database, clock).create("other")
    await imports.apply(DEFAULT, lambda held: FIRST)
    await imports.apply(other, lambda held: FIRST)
    await imports.apply(other, lambda held: Changes(unbind=[("500", "1001")], forget=[("queue", "500")]))
    assert ("queue", "500") in (await imports.held(DEFAULT)).items
    assert "1001" in (await imports.held(DEFAULT)).members["500"]
    assert (await Imports(database, clock, "elsewhere").held(DEFAULT)).items == {}


def extension(number: str, name: str, **more: Any) -> ExtensionRow:
    return ExtensionRow(settings=ExtensionSettings(extension=number, name=name), **more)


async def apply(imports: Imports, changes: Changes) -> None:
    hashes = await hash_passwords((*changes.new_extensions, *changes.extensions))
    await imports.apply(DEFAULT, lambda held: changes, hashes=hashes)


async def test_extensions(imports: Imports, database: Database, clock: ManualClock) -> None:
    box = Mailbox(email="a@example.org", options={"attach": "yes"})
    digest = sip_digest("1001", "secret")
    first = Changes(
        new_extensions=[
            extension("1001", "Alice", digest=digest, mailbox=box, mailbox_password="04321"),
            extension("1002", "Bob", provisioned=True),
        ],
        items=[ImportedItem(kind="extension", key="1001", written={"secret": digest}, attributes={})],
    )
    await apply(imports, first)
    held = await imports.held(DEFAULT)
    alice, bob = held.extensions["1001"], held.extensions["1002"]
    assert (alice.settings.name, alice.digest, alice.provisioned, alice.mailbox) == ("Alice", digest, False, box)
    assert await Passwords().check("04321", alice.mailbox_hash)
    assert held.items["extension", "1001"].written == {"secret": digest, MAILBOX_HASH: alice.mailbox_hash}
    assert (bob.provisioned, bob.mailbox, len(bob.digest)) == (True, None, 32)
    # as the rest of the application sees it
    store = Extensions(database, clock)
    assert [(one.settings.extension, one.provisioned) for one in await store.wanted()] == [
        ("1001", False),
        ("1002", True),
    ]
    # names are exchanged; secrets and passwords that are not given stay
    await apply(
        imports,
        Changes(extensions=[extension("1001", "Bob", mailbox=box, provisioned=True), extension("1002", "Alice")]),
    )
    held = await imports.held(DEFAULT)
    after = held.extensions["1001"]
    assert (after.settings.name, after.provisioned) == ("Bob", True)
    assert (after.digest, after.mailbox_hash) == (alice.digest, alice.mailbox_hash)
    assert held.extensions["1002"].digest == bob.digest
    await apply(imports, Changes(gone_extensions=["1001"]))
    assert list((await imports.held(DEFAULT)).extensions) == ["1002"]


async def test_extensions_of_other_accounts_are_seen_and_let_be(
    imports: Imports, database: Database, clock: ManualClock
) -> None:
    other = await Accounts(database, clock).create("other")
    await Imports(database, clock, "freepbx").apply(other, lambda held: Changes(new_extensions=[extension("1", "X")]))
    held = await imports.held(DEFAULT)
    assert (held.extensions, held.others_extensions) == ({}, frozenset(["1"]))
    await apply(imports, Changes(gone_extensions=["1"], extensions=[]))
    with pytest.raises(Conflict):
        await apply(imports, Changes(new_extensions=[extension("2", "Y"), extension("1", "Z")]))
    assert (await imports.held(DEFAULT)).extensions == {}
    assert list((await imports.held(other)).extensions) == ["1"]
