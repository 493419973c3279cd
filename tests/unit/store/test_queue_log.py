"""queue_log: each event with app_queue's own fields, as table and as file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.calls import facts as f
from ari_app.clock import ManualClock
from ari_app.store.acd import AcdRecorder
from ari_app.store.calls import CallRecorder
from ari_app.store.database import Database
from ari_app.store.queue_log import QueueLog
from ari_app.store.queue_log_file import QueueLogFile, line
from ari_app.store.rows import table_of
from ari_app.store.writer import Writer
from models import LiveCall, QueueLogEntry
from tests.unit.acd.scene import Scene

T = 1_700_000_000.5
EPOCH = "1700000000"
LOG = table_of(QueueLogEntry)


async def lines(database: Database, account: int = 1) -> list[str]:
    """The table, as the file has it, without the time."""
    query = select(LOG).where(LOG.c.account_id == account).order_by(LOG.c.id)
    async with database.transaction(write=False) as connection:
        return [line(row).rstrip("\n").partition("|")[2] for row in await connection.execute(query)]


class Centre:
    """The engine, in virtual time, whose facts are recorded; calls are numbered "c1", agents' channels "ch-<agent>"."""

    def __init__(self, log: QueueLog) -> None:
        self.log = log
        self.scene = Scene()
        self.scene.now = T
        self.told = 0
        self.facts: list[c.AnyFact] = []

    def tell(self) -> None:
        for _, item in self.scene.out[self.told :]:
            if isinstance(item, c.Fact):
                self.log.record(1, item)  # type: ignore[arg-type]  # a fact is one of AnyFact
                self.facts.append(item)  # type: ignore[arg-type]
        self.told = len(self.scene.out)

    def apply(self, event: e.AnyEvent) -> None:
        self.scene.apply(event)
        self.log.event(1, self.scene.now, event)
        self.tell()

    def join(self, call: str, number: str = "030", queue: str = "500") -> None:
        self.log.call(
            f.CallStarted(
                at=self.scene.now,
                call=call,
                account=1,
                node="main",
                direction="inbound",
                number=queue,
                caller_number=number,
                caller_name="",
                program="queue",
            )
        )
        self.scene.join(call, queue)
        self.tell()
        for agent in self.scene.ringing().get(call, []):
            self.log.call(
                f.LegStarted(
                    at=self.scene.now,
                    leg=f"ch-{agent}",
                    call=call,
                    account=1,
                    role="agent",
                    endpoint="PJSIP/200",
                    agent=agent,
                )
            )

    def advance(self, seconds: float) -> None:
        self.scene.advance(seconds)
        self.tell()


@pytest.fixture
async def log(writer: Writer) -> QueueLog:
    log = QueueLog(writer)
    await log.load()
    return log


@pytest.fixture
def centre(log: QueueLog) -> Centre:
    return Centre(log)


async def test_a_call_that_is_served(centre: Centre, writer: Writer, database: Database) -> None:
    centre.scene.queue(wrap_up=10.0)
    centre.scene.agent(7)
    centre.join("c1")
    centre.advance(3.5)
    centre.scene.answer("c1")
    centre.advance(61.9)
    centre.scene.end("c1", by="caller")
    centre.tell()
    await writer.flush()
    assert await lines(database) == [
        "MANAGER|500|Agent/7|ADDMEMBER|",
        "c1|500|NONE|ENTERQUEUE||030|1",
        "c1|500|Agent/7|CONNECT|3|ch-7|3",
        "c1|500|Agent/7|COMPLETECALLER|3|61|1",
    ]


async def test_callers_who_are_not(centre: Centre, writer: Writer, database: Database) -> None:
    centre.scene.queue(max_wait=20.0, max_callers=2)
    centre.join("c1", number="+49|30\n1")
    centre.join("c2")
    centre.join("c3", number="040")
    centre.advance(7.2)
    centre.apply(e.CallerLeft(call="c1"))
    centre.join("c4")
    centre.apply(e.CallerLeft(call="c4", reason="stolen"))
    centre.advance(20)
    await writer.flush()
    assert await lines(database) == [
        "c1|500|NONE|ENTERQUEUE||+49_30_1|1",
        "c2|500|NONE|ENTERQUEUE||030|2",
        "c3|500|NONE|FULL||040",
        "c1|500|NONE|ABANDON|1|1|7",
        "c4|500|NONE|ENTERQUEUE||030|2",
        "c4|500|NONE|WITHDRAW|2|2|0|stolen",
        "c2|500|NONE|EXITWITHTIMEOUT|1|2|20",
    ]


async def test_an_empty_queue(log: QueueLog, writer: Writer, database: Database) -> None:
    log.record(1, c.CallerRefused(at=T, call="c1", queue="500", reason="empty"))
    log.record(1, c.CallerRefused(at=T, call="c1", queue="999", reason="nonexistent"))
    log.record(1, c.CallerEntered(at=T, call="c2", queue="500", position=2, priority=0))
    log.record(1, c.CallerExited(at=T, call="c2", queue="500", outcome="leave_empty", wait=9.9, position=1))
    await writer.flush()
    assert await lines(database) == [
        "c1|500|NONE|JOINEMPTY||",
        "c2|500|NONE|ENTERQUEUE|||2",
        "c2|500|NONE|EXITEMPTY|1|2|9",
    ]


async def test_offers(centre: Centre, writer: Writer, database: Database) -> None:
    centre.scene.queue(agent_timeout=15.0, auto_pause="yes")
    centre.scene.agent(7)
    centre.scene.agent(8)
    centre.tell()
    centre.join("c1")
    centre.advance(15)
    centre.advance(2.5)
    centre.scene.fail("c1", "busy")
    centre.tell()
    centre.advance(5.25)
    centre.apply(e.CallerLeft(call="c1"))
    await writer.flush()
    assert (await lines(database))[3:] == [
        "c1|500|Agent/7|RINGNOANSWER|15000",
        "NONE|500|Agent/7|PAUSE|Auto-Pause",
        "c1|500|Agent/8|RINGNOANSWER|2000",
        "c1|500|Agent/8|RINGCANCELED|250",
        "c1|500|NONE|ABANDON|1|1|22",
    ]


async def test_a_join_that_fails(centre: Centre, writer: Writer, database: Database) -> None:
    centre.scene.queue()
    centre.scene.agent(7)
    centre.join("c1")
    offer = centre.scene.offer("c1")
    centre.scene.answer("c1")
    centre.apply(e.ConnectFailed(offer=offer))
    await writer.flush()
    assert (await lines(database))[2:] == ["c1|500|Agent/7|CONNECT|0|ch-7|0", "c1|500|Agent/7|AGENTDUMP|"]


async def test_pauses(centre: Centre, writer: Writer, database: Database) -> None:
    centre.scene.queue()
    centre.scene.queue("501")
    centre.scene.agent(7, "500", "501")
    centre.tell()
    centre.apply(e.Paused(agent=7, code=3))
    centre.apply(e.Resumed(agent=7, queue="500"))
    centre.apply(e.Paused(agent=7, queue="501", code=4))
    centre.apply(e.Resumed(agent=7))
    centre.apply(e.QueueSignedOut(agent=7, queue="500"))
    centre.apply(e.QueueSignedIn(agent=7, queues=("500",), paused=True))
    centre.apply(e.AgentSignedOut(agent=7))
    await writer.flush()
    assert await lines(database) == [
        "MANAGER|500|Agent/7|ADDMEMBER|",
        "MANAGER|501|Agent/7|ADDMEMBER|",
        "NONE|NONE|Agent/7|PAUSEALL|",
        "NONE|500|Agent/7|PAUSE|3",
        "NONE|501|Agent/7|PAUSE|3",
        "NONE|500|Agent/7|UNPAUSE|3",
        "NONE|501|Agent/7|PAUSE|4",
        "NONE|NONE|Agent/7|UNPAUSEALL|",
        "NONE|501|Agent/7|UNPAUSE|4",
        "MANAGER|500|Agent/7|REMOVEMEMBER|",
        "MANAGER|500|Agent/7|ADDMEMBER|PAUSED",
        "MANAGER|501|Agent/7|REMOVEMEMBER|",
        "MANAGER|500|Agent/7|REMOVEMEMBER|",
    ]


async def test_a_pause_that_was_asked_for_during_a_call_is_one_pause(
    centre: Centre, writer: Writer, database: Database
) -> None:
    centre.scene.queue(wrap_up=10.0)
    centre.scene.agent(7)
    centre.join("c1")
    centre.scene.answer("c1")
    centre.apply(e.Paused(agent=7, queue="500", code=3))
    centre.apply(e.ConversationEnded(call="c1"))
    centre.advance(20)
    centre.apply(e.Resumed(agent=7, queue="500"))
    await writer.flush()
    found = [text.split("|", 3)[3] for text in await lines(database) if "PAUSE" in text]
    assert found == ["PAUSE|3", "UNPAUSE|3"]


async def test_it_goes_on_after_a_restart(centre: Centre, writer: Writer, database: Database) -> None:
    centre.scene.queue()
    centre.scene.agent(7)
    centre.apply(e.Paused(agent=7, queue="500", code=3))
    writer.upsert(LiveCall, {"call_id": "c1", "account_id": 1, "node": "main", "state": "{}"})
    CallRecorder(writer).record(
        f.CallStarted(
            at=T,
            call="c1",
            account=1,
            node="main",
            direction="inbound",
            number="500",
            caller_number="030",
            caller_name="",
            program="queue",
        )
    )
    centre.join("c1")
    entered = next(fact for fact in centre.facts if isinstance(fact, c.CallerEntered))
    AcdRecorder(writer).record(1, entered)
    await writer.flush()
    again = QueueLog(writer)
    await again.load()
    again.members(1, centre.scene.engine.agent_status())
    centre.log = again
    centre.advance(4)
    centre.apply(e.Resumed(agent=7, queue="500"))
    centre.apply(e.CallerLeft(call="c1"))
    await writer.flush()
    assert (await lines(database))[3:] == [
        "NONE|500|Agent/7|UNPAUSE|3",
        "c1|500|Agent/7|RINGCANCELED|0",
        "c1|500|NONE|ABANDON|1|1|4",
    ]


def awk(text: str) -> dict[str, float]:
    """A parser such as reporting tools have: split by |, look at the fifth field."""
    events: Counter[str] = Counter()
    waits, talks = 0, 0
    for record in text.splitlines():
        _, _, _, _, event, *data = record.split("|")
        events[event] += 1
        if event.startswith("COMPLETE"):
            waits, talks = waits + int(data[0]), talks + int(data[1])
    done = events["COMPLETEAGENT"] + events["COMPLETECALLER"]
    return {"entered": events["ENTERQUEUE"], "abandoned": events["ABANDON"], "done": done, "hold": waits, "talk": talks}


async def test_a_days_log_gives_the_figures_of_the_statistics(
    centre: Centre, writer: Writer, clock: ManualClock, tmp_path: Path
) -> None:
    path = tmp_path / "logs" / "queue_log"
    file = QueueLogFile(writer, clock, path, tmp_path / "cursor", 1)
    centre.scene.queue(wrap_up=20.0)
    for agent in (1, 2, 3):
        centre.scene.agent(agent)
    for number in range(200):
        call = f"c{number}"
        centre.join(call)
        centre.advance(37 + number % 40)
        if call in centre.scene.ringing() and number % 7:
            centre.scene.answer(call)
            centre.advance(100 + number % 60)
            centre.scene.end(call, by="caller" if number % 2 else "agent")
        elif centre.scene.engine.knows(call) and call not in centre.scene.talking():
            centre.apply(e.CallerLeft(call=call))
        centre.tell()
        if number % 50 == 49:
            await writer.flush()
            await file.catch_up()
    text = path.read_text()
    assert text.startswith(f"{EPOCH}|MANAGER|500|Agent/1|ADDMEMBER|\n")
    counts = centre.scene.engine.counts("500")
    figures = awk(text)
    assert counts.completed > 50
    assert counts.abandoned > 20
    assert figures == {
        "entered": counts.entered,
        "abandoned": counts.abandoned,
        "done": counts.completed,
        "hold": sum(int(fact.wait) for fact in centre.facts if isinstance(fact, c.CallCompleted)),
        "talk": counts.talk,
    }
    times = [int(record.partition("|")[0]) for record in text.splitlines()]
    assert times == sorted(times)
