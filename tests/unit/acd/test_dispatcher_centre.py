"""What dialects ask of the centre: who is routed where, who waits, who talks, who listens to whom."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ari_app.acd.conversation import Departure
from ari_app.acd.destination import Destination, Kind
from ari_app.acd.queue_program import QueueProgram
from ari_app.ari.errors import ServerFault
from ari_app.ari.fake import Answers
from ari_app.calls.monitoring import MonitorProgram
from ari_app.calls.originating import ClickToDial
from ari_app.calls.parking import DEFAULT_PARKING, ParkingLot
from ari_app.calls.programs import Announcement, ExtensionCall, Unallocated
from ari_app.calls.transfers import Join, Transfer
from ari_app.errors import NotFound
from tests.unit.calls.hall import Hall, a_hall

ELSEWHERE = Destination(kind=Kind.MESSAGE, to="vm-goodbye")


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    async with a_hall() as made:
        made.queue("500")
        made.queue("600")
        yield made


@pytest.mark.parametrize(
    ("number", "context", "program"),
    [
        ("500", "from-trunk", QueueProgram),
        ("500", "from-internal", QueueProgram),
        ("100", "from-trunk", Announcement),
        ("1001", "from-internal", ExtensionCall),
        ("1001", "from-trunk", Unallocated),  # the world does not dial phones
        ("alice", "from-internal", Unallocated),
        ("٣", "from-internal", Unallocated),
        ("²", "from-internal", Unallocated),
    ],
)
async def test_who_is_routed_where(hall: Hall, number: str, context: str, program: type) -> None:
    call, channel = await hall.stage.incoming()
    call.number = number
    assert type(hall.centre.route(call, context)) is program
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()


@pytest.mark.parametrize(
    ("said", "wanted"),
    [(("english=3&sales",), {"english": 3, "sales": 1}), ((), None), (("",), None), (("english=lots",), None)],
)
async def test_the_dialplan_says_which_skills_a_caller_wants(
    hall: Hall, said: tuple[str, ...], wanted: dict[str, int] | None
) -> None:
    call, channel = await hall.stage.incoming(args=("in", "500", "from-trunk", *said))
    program = hall.centre.route(call, "from-trunk")
    assert isinstance(program, QueueProgram)
    assert program.wanted == wanted
    assert program.joining(call).wanted == wanted
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()


async def test_every_program_is_found_again_by_its_name(hall: Hall) -> None:
    call, channel = await hall.stage.incoming()
    made = [
        QueueProgram(hall.centre.dispatcher, "500", 1.0, 2, departure=Departure("completed")),
        QueueProgram(hall.centre.dispatcher, "500", 1.0, visited=("501",), departure=Departure("full", ELSEWHERE)),
        QueueProgram(hall.centre.dispatcher, "500", 1.0, wanted={"english": 3}),
        Announcement(["sound:x"]),
        Unallocated(),
        ExtensionCall("PJSIP/1001", 12.0),
        MonitorProgram(hall.stage.registry, "leg-1", "whisper"),
        ClickToDial(hall.centre.dialled, "1002"),
        Transfer(hall.centre.dialled, "1002"),
        Join("leg-2"),
        ParkingLot(hall.stage.registry, DEFAULT_PARKING).space(1, "1001", "PJSIP/1001"),
    ]
    for program in made:
        again = hall.stage.registry.programs[program.name](program.state())
        assert type(again) is type(program)
        assert again.state() == program.state()
    # as an older version kept it
    old = {"queue": "500", "joined_at": 1.0, "priority": 0}
    assert hall.stage.registry.programs["queue"](old).state()["left"] == ""
    hall.fake.hangup_from_far_end(channel)
    await hall.stage.over(call)


async def test_who_waits(hall: Hall) -> None:
    first, one = await hall.call(caller="0301")
    second, two = await hall.call("600", caller="0302")
    await hall.stage.until(lambda: one.music and two.music)
    hall.clock.advance(5.0)
    rows = {row.queue: row for row in hall.centre.queued_calls(1, None)}
    row = rows["500"]
    assert (row.call, row.unique_id, row.channel) == (first.id, one.id, one.name)
    assert (row.position, row.caller_number, row.wait) == (1, "0301", 5.0)
    assert [row.call for row in hall.centre.queued_calls(1, "600")] == [second.id]
    assert hall.centre.queued_calls(2, None) == []  # another account
    with pytest.raises(NotFound):
        hall.centre.queued_calls(1, "700")
    assert hall.centre.conversations() == 2
    assert {row.queue for row in hall.centre.statistics(1, None)} == {"500", "600"}
    for channel in (one, two):
        hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()


async def test_who_talks(hall: Hall) -> None:
    hall.agent(1)
    assert hall.centre.talking_leg(1, "1001") is None
    _, channel = await hall.call()
    leg = await hall.ringing(1)
    assert hall.centre.talking_leg(1, "1001") is None  # it only rings
    hall.fake.answer(leg.id)
    await hall.joined(channel, leg)
    assert hall.centre.talking_leg(1, "1001") is leg
    assert hall.centre.talking_leg(2, "1001") is None
    assert hall.centre.talking_leg(1, "100") is None
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()


async def test_an_extension_that_called_by_itself(hall: Hall) -> None:
    """It is found by the name of its channel: PJSIP/1007-0000002a."""
    call, channel = await hall.stage.incoming(exten="100", context="from-internal", technology="PJSIP/1007")
    await hall.stage.until(lambda: call.caller.answered_at)
    assert hall.centre.talking_leg(1, "1007") is call.caller
    assert hall.centre.talking_leg(1, "100") is None
    hall.fake.hangup_from_far_end(channel)
    await hall.stage.over(call)


async def test_a_supervisor_listens(hall: Hall) -> None:
    hall.fake.endpoints["PJSIP/1000"] = Answers()
    hall.agent(1)
    _, channel = await hall.call()
    await hall.talk(1, channel)
    await hall.centre.monitor(1, "spy", "1001", "1000")
    await hall.stage.until(lambda: [c for c in hall.fake.world.channels.values() if c.spied and c.bridge])
    for action, target, supervisor, parameter in (
        ("spy", "1999", "1000", "targetExtension"),
        ("spy", "1001", "1999", "monitorExtension"),
        ("spy", "1000", "1000", "targetExtension"),  # he is on no call: he listens
    ):
        with pytest.raises(NotFound) as error:
            await hall.centre.monitor(1, action, target, supervisor)
        assert error.value.context["parameter"] == parameter
    hall.fake.hangup_from_far_end(channel)
    await hall.nothing_left()


async def test_asterisk_does_not_say_whether_there_is_such_an_extension(hall: Hall) -> None:
    hall.fake.faults.refuse("endpoints.get", 500)
    with pytest.raises(ServerFault):
        await hall.centre.monitor(1, "spy", "1001", "1000")
    assert hall.centre.node is hall.stage.node


async def test_what_is_applied_is_committed(hall: Hall) -> None:
    await hall.centre.recorded()
    hall.centre.stop()
    assert hall.store.snapshots == len({1})
    hall.replays()
