"""What can be seen."""

from __future__ import annotations

import msgspec
import pytest

from ari_app.acd import events as e
from ari_app.acd.engine import Engine
from ari_app.acd.views import AgentQueueStatus, Conversation, OfferView, QueuedCall, QueueStatistics
from ari_app.errors import NotFound
from tests.unit.acd.scene import START, Scene


@pytest.fixture
def scene() -> Scene:
    """1 talks, 2's phone rings, 3 pauses, 4 wraps up, 5's session has timed out; one more waits."""
    made = Scene()
    made.queue(wrap_up=60.0, service_level=5.0)
    made.queue("501")
    for number in (1, 2, 3, 4, 5):
        made.agent(number, "500", "501")
    made.apply(e.AgentTimedOut(agent=5))
    made.apply(e.Paused(agent=1))
    made.apply(e.Paused(agent=2))
    made.apply(e.Paused(agent=3, code=4))
    made.join("done")
    made.advance(8)
    made.answer("done")
    made.advance(2)
    made.end("done")
    made.apply(e.Resumed(agent=1))
    made.apply(e.Resumed(agent=2))
    for call in ("talks", "rings", "waits"):
        made.join(call)
    made.advance(3)
    made.answer("talks")
    made.advance(4)
    return made


def test_queued_calls(scene: Scene) -> None:
    now = START + 17
    rings = QueuedCall(
        call="rings", queue="500", position=1, priority=0, joined_at=START + 10, wait=7.0, offered=True, estimate=0.0
    )
    waits = QueuedCall(
        call="waits", queue="500", position=2, priority=0, joined_at=START + 10, wait=7.0, offered=False, estimate=None
    )
    assert scene.engine.queued_calls("500", now) == [rings, waits]
    assert scene.engine.queued_calls("501", now) == []
    assert scene.engine.queued_calls(None, now) == scene.engine.waiting(now) == [rings, waits]
    assert scene.engine.queued_call("waits", now) == waits
    assert scene.engine.queued_call("talks", now) is None
    assert scene.engine.queued_call("x", now) is None


def test_offers_and_conversations(scene: Scene) -> None:
    assert scene.engine.open_offers() == [
        OfferView(offer="3", call="rings", queue="500", agent=2, extension="202", since=START + 10)
    ]
    assert scene.engine.conversations() == [
        Conversation(call="talks", queue="500", agent=1, offer="2", joined_at=START + 10, answered_at=START + 13)
    ]
    assert sorted(scene.engine.known_calls()) == ["rings", "talks", "waits"]
    assert scene.engine.knows("waits")
    assert not scene.engine.knows("done")


def test_agents_of_a_queue(scene: Scene) -> None:
    rows = {x.agent: x for x in scene.engine.agent_status("500")}
    assert {n: (x.status, x.since) for n, x in rows.items()} == {
        1: ("onCall", START + 13),
        2: ("ringing", START + 10),
        3: ("paused", START),
        4: ("wrapUp", START + 10),
        5: ("unavailable", START),
    }
    assert rows[1].call == "talks"
    assert rows[2].call == "rings"
    assert (rows[4].calls_taken, rows[4].last_call_at) == (1, START + 10)
    assert (rows[3].paused, rows[3].pause_code, rows[3].skill, rows[3].signed_in_at) == (True, 4, 3, START)


def test_agents_without_a_queue_named_have_a_row_for_each(scene: Scene) -> None:
    rows = [(x.agent, x.queue) for x in scene.engine.agent_status()]
    assert rows == [(n, q) for n in (1, 2, 3, 4, 5) for q in ("500", "501")]
    assert [(x.agent, x.queue) for x in scene.engine.agent_status("501", 4)] == [(4, "501")]
    assert scene.status(4, "501") == "available"


def test_agents_altogether(scene: Scene) -> None:
    rows = scene.engine.agent_status(combined=True)
    assert [(x.agent, x.status) for x in rows] == [
        (1, "onCall"),
        (2, "ringing"),
        (3, "paused"),
        (4, "available"),
        (5, "unavailable"),
    ]
    assert rows[3] == AgentQueueStatus(
        agent=4,
        queue=None,
        extension="204",
        status="available",
        since=START + 10,
        signed_in_at=START,
        calls_taken=1,
        last_call_at=START + 10,
        queues=("500", "501"),
    )
    assert (rows[2].paused, rows[2].pause_code) == (True, 4)


def test_those_who_are_bound_but_not_there_are_signed_out(scene: Scene) -> None:
    scene.apply(e.AgentConfigured(agent=6, bindings={"501": 2}))
    (row,) = scene.engine.agent_status(agent=6)
    assert row == AgentQueueStatus(agent=6, queue="501", extension="", status="signedOut", skill=2)
    assert scene.status(6, None) == "signedOut"


def test_statistics(scene: Scene) -> None:
    assert scene.engine.statistics("500", START + 20) == [
        QueueStatistics(
            queue="500",
            calls_waiting=2,
            longest_wait=10.0,
            average_wait=5.5,
            answered=2,
            abandoned=0,
            open=True,
            closed=0,
            estimated_wait=None,
            estimate_bias=None,
            estimate_error=None,
            service_level=0.0,
            service_level_threshold=5.0,
            agents_signed_in=4,
            agents_available=0,
            agents_on_call=1,
            agents_wrap_up=1,
            agents_paused=1,
        )
    ]
    assert [x.queue for x in scene.engine.statistics(None, START)] == ["500", "501"]


def test_what_is_not_there(scene: Scene) -> None:
    for ask in (
        lambda: scene.engine.queued_calls("999", START),
        lambda: scene.engine.agent_status("999"),
        lambda: scene.engine.agent_status(agent=99),
        lambda: scene.engine.statistics("999", START),
        lambda: scene.engine.counts("999"),
    ):
        with pytest.raises(NotFound):
            ask()


def test_a_view_is_not_changed_by_what_comes_after(scene: Scene) -> None:
    before = (scene.engine.queued_calls(None, START), scene.engine.agent_status(), scene.engine.timers())
    copy = msgspec.json.encode(before)
    scene.apply(e.CallerLeft(call="rings"))
    scene.apply(e.AgentSignedOut(agent=1))
    assert msgspec.json.encode(before) == copy


def test_an_engine_restored_shows_the_same(scene: Scene) -> None:
    other = Engine.restore(scene.engine.snapshot())
    assert other.account == 1
    assert other.timers() == scene.engine.timers()
    assert other.agent_status() == scene.engine.agent_status()
    assert other.statistics(None, START) == scene.engine.statistics(None, START)
    assert other.waiting(START) == scene.engine.waiting(START)
    assert other.open_offers() == scene.engine.open_offers()
    assert other.conversations() == scene.engine.conversations()


def test_what_is_no_snapshot_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        Engine.restore(b'{"account": "one"}')
    with pytest.raises(msgspec.DecodeError):
        Engine.restore(b"")


def test_replay_takes_refusals_in_its_stride(scene: Scene) -> None:
    before = scene.engine.snapshot()
    scene.engine.replay(e.QueueSignedIn(agent=1, queues=("500",)), START + 30)
    assert scene.engine.snapshot() == before
