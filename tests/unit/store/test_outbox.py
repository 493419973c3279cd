"""The outbox."""

from __future__ import annotations

import random

import msgspec
import pytest

from ari_app.clock import ManualClock
from ari_app.errors import StoreUnavailable
from ari_app.store.outbox import ATTEMPTS, Outbox
from ari_app.store.writer import Writer
from tests.unit.store.conftest import MakeWriter
from tests.unit.store.faults import Faults
from tests.unit.store.test_writer_faults import until


@pytest.fixture
def outbox(writer: Writer, clock: ManualClock) -> Outbox:
    return Outbox(writer, clock, random.Random(1))


async def test_a_message_is_due_until_it_is_delivered(outbox: Outbox, writer: Writer, clock: ManualClock) -> None:
    first = outbox.add(1, "webhook", "https://example.org/a", '{"n": 1}')
    clock.advance(0.01)
    outbox.add(2, "webhook", "https://example.org/b", "{}")
    (message,) = await outbox.due(limit=1)
    assert (message.id, message.account, message.kind, message.body) == (first, 1, "webhook", '{"n": 1}')
    (other,) = await outbox.due()
    assert other.account == 2
    assert await outbox.due() == []
    outbox.delivered(message)
    assert outbox.failed(other, "503") is not None
    assert await outbox.due() == []
    clock.advance(10)
    (again,) = await outbox.due()
    assert (again.id, again.attempts) == (other.id, 1)
    # a process that ends before it reports leaves the message to the next
    (same,) = await Outbox(writer, clock).due()
    assert same == again


async def test_what_is_over_is_forgotten(outbox: Outbox, writer: Writer, clock: ManualClock) -> None:
    for n in range(3):
        outbox.add(1, "webhook", f"x{n}", "{}")
    one, two, _ = await outbox.due()
    outbox.delivered(one)
    outbox.failed(msgspec.structs.replace(two, attempts=ATTEMPTS), "no")
    await writer.flush()
    assert await outbox.forget(clock.now()) == 0
    assert await outbox.forget(clock.now() + 1) == 2
    assert len(await Outbox(writer, clock).due()) == 1


async def test_attempts_grow_rarer_and_end(outbox: Outbox, clock: ManualClock) -> None:
    outbox.add(1, "webhook", "x", "{}")
    waits = []
    while found := await outbox.due():
        at = outbox.failed(found[0], "no \0 luck")
        waits.append(None if at is None else at - clock.now())
        clock.advance(4501)
    assert len(waits) == ATTEMPTS
    assert waits[-1] is None
    assert 3.7 < waits[0] < 6.3  # type: ignore[operator]
    assert 2700 <= waits[-2] <= 4500  # type: ignore[operator]


async def test_without_a_database_it_says_so(make_writer: MakeWriter, clock: ManualClock) -> None:
    faults = Faults()
    writer = await make_writer(connect=faults.connect)
    outbox = Outbox(writer, clock)
    faults.down = True
    outbox.add(1, "webhook", "x", "{}")
    clock.advance(0.05)
    await until(lambda: not writer.healthy)
    with pytest.raises(StoreUnavailable):
        await outbox.due()
    faults.down = False
    clock.advance(60)
    await writer.committed()
    assert len(await outbox.due()) == 1


async def test_one_target_gets_its_messages_in_order_and_holds_up_no_other(
    outbox: Outbox, writer: Writer, clock: ManualClock
) -> None:
    for n in range(20):
        outbox.add(1, "webhook", "dead", str(n))
    outbox.add(1, "webhook", "alive", "a")
    outbox.add(2, "webhook", "dead", "b")
    outbox.add(1, "mail", "dead", "c")
    found = await outbox.due()
    assert [message.body for message in found] == ["0", "a", "b", "c"]
    assert await outbox.due() == []
    assert await outbox.next_at() is None
    for message in found[1:]:
        outbox.delivered(message)
    again = outbox.failed(found[0], "503")
    assert await outbox.due() == []
    assert await outbox.next_at() == again
    clock.advance(7)
    order = []
    while found := await outbox.due():
        order += [message.body for message in found]
        outbox.delivered(found[0])
    assert order == [str(n) for n in range(20)]


async def test_what_is_given_up_lets_the_next_through(outbox: Outbox) -> None:
    outbox.add(1, "webhook", "x", "1")
    outbox.add(1, "webhook", "x", "2")
    (message,) = await outbox.due()
    assert outbox.failed(msgspec.structs.replace(message, attempts=ATTEMPTS), "gone") is None
    assert [message.body for message in await outbox.due()] == ["2"]


async def test_who_delivers_is_told_of_a_message(outbox: Outbox) -> None:
    told: list[int] = []
    outbox.on_added = lambda: told.append(1)
    outbox.add(1, "webhook", "x", "{}")
    assert told == [1]
