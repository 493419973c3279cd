"""Facts become rows; told again, they leave what they left."""

from __future__ import annotations

import pytest

from ari_app.acd import commands as c
from ari_app.calls import facts as f
from ari_app.errors import NotFound
from ari_app.store.acd import AcdRecorder
from ari_app.store.calls import CallRecorder
from ari_app.store.database import Database
from ari_app.store.history import History
from ari_app.store.live_calls import LiveCalls
from ari_app.store.writer import Writer

T = 1_700_000_000.123
EVER = (0.0, 2e9)


def begun(call: str = "call-1", at: float = T, name: str = "Ada") -> list[f.AnyCallFact]:
    return [
        f.CallStarted(
            at=at,
            call=call,
            account=1,
            node="main",
            direction="inbound",
            number="500",
            caller_number="030",
            caller_name=name,
            program="queue",
        ),
        f.LegStarted(at=at, leg=f"{call}-a", call=call, account=1, role="caller", endpoint="PJSIP/x", agent=None),
        f.LegAnswered(at=at + 1, leg=f"{call}-a"),
        f.CallAnswered(at=at + 1, call=call),
        f.LegStarted(at=at + 2, leg=f"{call}-b", call=call, account=1, role="agent", endpoint="PJSIP/200", agent=7),
        f.LegRinging(at=at + 3, leg=f"{call}-b"),
        f.LegAnswered(at=at + 4, leg=f"{call}-b"),
    ]


def ended(call: str = "call-1", at: float = T) -> list[f.AnyCallFact]:
    return [
        f.LegEnded(at=at + 9, leg=f"{call}-b", cause=16),
        f.LegEnded(at=at + 9, leg=f"{call}-a", cause=31),
        f.CallEnded(at=at + 9, call=call, cause=16, ended_by="agent"),
    ]


async def tell(writer: Writer, recorder: CallRecorder, told: list[f.AnyCallFact], batches: str) -> None:
    for fact in told:
        recorder.record(fact)
        if batches == "each":
            await writer.flush()
    await writer.flush()


@pytest.mark.parametrize("batches", ["one", "each"])
@pytest.mark.parametrize("times", [1, 2])
async def test_a_call_and_its_legs(writer: Writer, database: Database, batches: str, times: int) -> None:
    recorder = CallRecorder(writer)
    for _ in range(times):
        await tell(writer, recorder, begun() + ended(), batches)
    history = History(database)
    (call,) = await history.calls(1, *EVER)
    assert call == await history.call(1, "call-1")
    assert (call.started_at, call.answered_at, call.ended_at) == (T, T + 1, T + 9)
    assert (call.cause, call.ended_by, call.caller_name, call.node) == (16, "agent", "Ada", "main")
    caller, agent = await history.legs(1, "call-1")
    assert (caller.role, caller.ringing_at, caller.answered_at, caller.cause) == ("caller", None, T + 1, 31)
    assert (agent.agent_id, agent.ringing_at, agent.answered_at, agent.ended_at) == (7, T + 3, T + 4, T + 9)


async def test_a_call_begun_before_a_restart_and_ended_after_it(writer: Writer, database: Database) -> None:
    await tell(writer, CallRecorder(writer), begun(), "one")
    LiveCalls(writer).save("call-1", 1, "main", lambda: b"{}")
    await writer.flush()
    second = CallRecorder(writer)
    await second.load()
    assert await History(database).count_open(1) == 1
    await tell(writer, second, ended(), "one")
    assert second.unknown == 0
    history = History(database)
    assert [leg.ended_at for leg in await history.legs(1, "call-1")] == [T + 9, T + 9]
    assert await history.count_open(1) == 0
    third = CallRecorder(writer)
    await third.load()
    await tell(writer, third, ended(), "one")
    assert third.unknown == 2
    assert (await history.call(1, "call-1")).ended_at == T + 9


async def test_one_account_does_not_see_the_calls_of_another(writer: Writer, database: Database) -> None:
    await tell(writer, CallRecorder(writer), begun(), "one")
    history = History(database)
    assert await history.calls(2, *EVER) == []
    assert await history.legs(2, "call-1") == []
    with pytest.raises(NotFound):
        await history.call(2, "call-1")


async def test_what_a_caller_sends_cannot_spoil_a_row(writer: Writer, database: Database) -> None:
    await tell(writer, CallRecorder(writer), begun(name="A\0d\ud800a"), "one")
    assert (await History(database).call(1, "call-1")).caller_name == "Ada"
    assert writer.stats.rejected == 0


def entered(at: float = T, call: str = "call-1", queue: str = "500") -> c.CallerEntered:
    return c.CallerEntered(at=at, call=call, queue=queue, position=2, priority=5)


def served(at: float = T + 10, joined: float = T) -> c.CallerServed:
    return c.CallerServed(at=at, call="call-1", queue="500", agent=7, wait=at - joined, ring=3.0)


def completed(at: float = T + 70, answered: float = T + 10, joined: float = T) -> c.CallCompleted:
    wait = answered - joined
    return c.CallCompleted(at=at, call="call-1", queue="500", agent=7, talk=at - answered, wait=wait, by="caller")


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("restart_before", [None, 0, 1, 2])
async def test_a_call_in_a_queue_is_one_row(
    writer: Writer, database: Database, times: int, restart_before: int | None
) -> None:
    LiveCalls(writer).save("call-1", 1, "main", lambda: b"{}")
    recorder = AcdRecorder(writer)
    for n, fact in enumerate((entered(), served(), completed())):
        if n == restart_before:
            await writer.flush()
            recorder = AcdRecorder(writer)
            await recorder.load()
        for _ in range(times):
            recorder.record(1, fact)
            await writer.flush()
    (row,) = await History(database).queue_calls(1, *EVER)
    assert (row.joined_at, row.position, row.priority, row.outcome) == (T, 2, 5, "answered")
    assert (row.answered_at, row.agent_id, row.wait, row.ring) == (T + 10, 7, 10.0, 3.0)
    assert (row.talk, row.ended_at, row.ended_by) == (60.0, T + 70, "caller")


async def test_the_end_of_a_call_whose_beginning_is_unknown_finds_its_row(writer: Writer, database: Database) -> None:
    """The call is not live any more and the process has been started again: the row is found by reckoning."""
    for fact in (entered(), served(), completed()):
        recorder = AcdRecorder(writer)
        recorder.record(1, fact)
        await writer.flush()
    (row,) = await History(database).queue_calls(1, *EVER)
    assert (row.position, row.priority, row.wait, row.talk) == (2, 5, 10.0, 60.0)


async def test_a_failed_join_takes_the_answer_back(writer: Writer, database: Database) -> None:
    recorder = AcdRecorder(writer)
    recorder.record(1, entered())
    recorder.record(1, served())
    await writer.flush()
    recorder.record(1, c.CallerUnserved(at=T + 11, call="call-1", queue="500", agent=7))
    recorder.record(1, c.CallerUnserved(at=T + 11, call="call-9", queue="500", agent=7))
    await writer.flush()
    (row,) = await History(database).queue_calls_of(1, "call-1")
    assert (row.outcome, row.answered_at, row.agent_id, row.wait, row.ring) == (None, None, None, None, None)
    recorder.record(
        1, c.CallerExited(at=T + 20, call="call-1", queue="500", outcome="abandoned", wait=20.0, position=1)
    )
    await writer.flush()
    (row,) = await History(database).queue_calls_of(1, "call-1")
    assert (row.outcome, row.wait, row.ended_at, row.exit_position) == ("abandoned", 20.0, T + 20, 1)


async def test_a_call_that_comes_back_has_another_row(writer: Writer, database: Database) -> None:
    recorder = AcdRecorder(writer)
    for at in (T, T + 100):
        recorder.record(1, entered(at))
        recorder.record(
            1, c.CallerExited(at=at + 20, call="call-1", queue="500", outcome="timeout", wait=20.0, position=1)
        )
    recorder.record(1, entered(T + 120, queue="501"))
    recorder.record(1, c.CallerRefused(at=T + 200, call="call-2", queue="500", reason="full"))
    recorder.record(2, entered(T, call="call-3"))
    await writer.flush()
    history = History(database)
    rows = await history.queue_calls(1, *EVER, queue="500")
    assert [(row.joined_at, row.outcome) for row in rows] == [
        (T, "timeout"),
        (T + 100, "timeout"),
        (T + 200, "full"),
    ]
    assert [row.joined_at for row in await history.queue_calls(1, T + 100, T + 120)] == [T + 100]
    assert len(await history.queue_calls(1, *EVER, queue="501")) == 1


async def test_offers(writer: Writer, database: Database) -> None:
    recorder = AcdRecorder(writer)
    told = c.OfferEnded(at=T + 15, offer="offer-1", call="call-1", queue="500", agent=7, outcome="noanswer", ring=15.0)
    recorder.record(1, told)
    recorder.record(1, told)
    await writer.flush()
    history = History(database)
    (row,) = await history.offers(1, *EVER, agent=7)
    assert (row.offered_at, row.ended_at, row.outcome, row.ring) == (T, T + 15, "noanswer", 15.0)
    assert await history.offers(1, *EVER, agent=8) == []


async def test_the_states_of_an_agent_keep_their_order_within_an_instant(writer: Writer, database: Database) -> None:
    recorder = AcdRecorder(writer)

    def state(at: float, state: str, queue: str | None = "500", **more: object) -> c.AgentStateChanged:
        return c.AgentStateChanged(at=at, agent=7, queue=queue, state=state, **more)  # type: ignore[arg-type]

    told = [
        state(T, "wrap_up"),
        state(T + 5, "available"),
        state(T + 5, "ringing", call="call-1"),
        state(T + 5, "ringing", None, call="call-1"),
        state(T + 9, "paused", pause_code=3, reason="noanswer"),
    ]
    for fact in told + told:
        recorder.record(1, fact)
        await writer.flush()
    history = History(database)
    rows = await history.agent_states(1, 7, *EVER)
    assert [(row.at, row.queue, row.state) for row in rows] == [
        (T, "500", "wrap_up"),
        (T + 5, "500", "available"),
        (T + 5, "500", "ringing"),
        (T + 5, "", "ringing"),
        (T + 9, "500", "paused"),
    ]
    assert (rows[-1].pause_code_id, rows[-1].reason, rows[2].call_id) == (3, "noanswer", "call-1")
    assert [(row.queue, row.state) for row in await history.agent_states_at(1, 7, T + 6)] == [
        ("", "ringing"),
        ("500", "ringing"),
    ]
    assert await history.agent_states(1, 8, *EVER) == []


async def test_there_and_back_within_an_instant(writer: Writer, database: Database) -> None:
    """What counts is what he is in the end; and of two pauses, the later."""
    recorder = AcdRecorder(writer)

    def state(at: float, state: str, code: int | None = None, call: str | None = None) -> c.AgentStateChanged:
        return c.AgentStateChanged(at=at, agent=7, queue=None, state=state, pause_code=code, call=call)

    told = [
        state(T, "available"),
        state(T + 5, "ringing", call="call-1"),
        state(T + 5, "available"),
        state(T + 5, "ringing", call="call-2"),
        state(T + 9, "available"),
        state(T + 9, "paused", 3),
        state(T + 9, "available"),
        state(T + 12, "paused", 3),
        state(T + 12, "paused", 4),
    ]
    history = History(database)
    for fact in told:
        recorder.record(1, fact)
    await writer.flush()
    found = {}
    for at in (T + 4, T + 5, T + 9, T + 12):
        (row,) = await history.agent_states_at(1, 7, at)
        found[at - T] = (row.state, row.pause_code_id, row.call_id)
    assert found == {
        4: ("available", None, None),
        5: ("ringing", None, "call-2"),
        9: ("available", None, None),
        12: ("paused", 4, None),
    }
    rows = await history.agent_states(1, 7, *EVER)
    assert [row.state for row in rows] == ["available", "available", "ringing", "paused", "available", "paused"]
