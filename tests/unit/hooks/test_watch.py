"""Alerts on the figures of the real engine: every fact that changes one is noticed, and nothing else is looked at."""

from __future__ import annotations

import msgspec
import pytest

from ari_app.acd import events as e
from ari_app.acd.alerts import CLEAR_AFTER, Kind, News
from ari_app.acd.settings import QueueSettings
from ari_app.clock import ManualClock
from ari_app.hooks.watch import SETTLE, Watch
from ari_app.store.alerts import Alert
from tests.dialects.eq.engine_centre import EngineCentre


class Hall:
    """Two queues, an agent in both, and what is told of alerts."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.centre = EngineCentre(self.clock)
        self.watch = Watch(self.centre, self.clock)
        self.centre.listeners.append(self.watch.tell)
        self.news: list[tuple[str, str]] = []
        self.watch.listeners.append(self._heard)
        for queue in ("500", "501"):
            self.happen(e.QueueConfigured(queue=QueueSettings(extension=queue, name=queue)))
        self.happen(
            e.AgentConfigured(agent=7, bindings={"500": 1}),
            e.AgentSignedIn(agent=7, extension="100"),
            e.QueueSignedIn(agent=7),
        )

    def _heard(self, account: int, alert: Alert, news: News) -> None:
        assert account == 1
        assert news.rule.id == alert.id
        self.news.append((alert.name, news.what))

    def happen(self, *happened: e.AnyEvent) -> None:
        for event in happened:
            self.centre.apply(1, event)

    def alert(self, *alerts: Alert) -> None:
        self.watch.configure(1, alerts, "UTC")


def alert(kind: Kind, threshold: int, id: int = 1, queue: str | None = "500") -> Alert:
    return Alert(
        id=id,
        user=None,
        told_at=None,
        known=False,
        name=kind.value,
        kind=kind,
        queue=queue,
        threshold=threshold,
        notification="realtime",
        days=(0, 1, 2, 3, 4, 5, 6),
        from_minute=0,
        to_minute=0,
    )


@pytest.fixture
def hall() -> Hall:
    return Hall()


def test_callers_who_wait(hall: Hall) -> None:
    hall.alert(alert(Kind.CALLS, 2))
    hall.happen(e.CallerJoined(call="a", queue="500"), e.CallerJoined(call="b", queue="500"))
    assert hall.news == []
    hall.clock.advance(SETTLE)
    assert hall.news == [("callQueueCallsHigh", "raised")]
    hall.happen(e.CallerLeft(call="a"))
    hall.clock.advance(SETTLE + CLEAR_AFTER)
    assert hall.news[1:] == [("callQueueCallsHigh", "cleared")]


def test_the_longest_wait_to_the_second(hall: Hall) -> None:
    hall.alert(alert(Kind.WAIT, 20, queue="501"))
    hall.happen(e.CallerJoined(call="a", queue="501"))
    hall.clock.advance(19.5)
    assert hall.news == []
    hall.clock.advance(1)
    assert hall.news == [("callQueueWaitTimeHigh", "raised")]


@pytest.mark.parametrize(
    "gone",
    [
        e.PhoneStateChanged(extension="100", state="unavailable"),
        e.AgentTimedOut(agent=7),
        e.QueueSignedOut(agent=7),
        e.AgentSignedOut(agent=7),
        e.Paused(agent=7),
        e.CallerJoined(call="a", queue="500"),
    ],
    ids=lambda event: type(event).__name__,
)
def test_no_agent_is_available_whatever_the_reason(hall: Hall, gone: e.AnyEvent) -> None:
    hall.alert(alert(Kind.AVAILABLE, 0))
    assert hall.news == []
    hall.happen(gone)
    hall.clock.advance(SETTLE)
    assert hall.news == [("callQueueAgentsAvailableLow", "raised")]


@pytest.mark.parametrize(
    "gone", [e.AgentTimedOut(agent=7), e.QueueSignedOut(agent=7), e.AgentSignedOut(agent=7), e.AgentRemoved(agent=7)]
)
def test_no_agent_is_signed_in(hall: Hall, gone: e.AnyEvent) -> None:
    hall.alert(alert(Kind.AGENTS, 0))
    hall.happen(gone)
    hall.clock.advance(SETTLE)
    assert hall.news == [("callQueueAgentsLow", "raised")]


def test_an_alert_that_is_made_while_it_is_bad_is_raised_at_once(hall: Hall) -> None:
    hall.happen(e.CallerJoined(call="a", queue="501"))
    hall.alert(alert(Kind.CALLS, 1, queue="501"))
    assert [one.id for one in hall.watch.raised(1)] == [1]
    hall.alert(alert(Kind.CALLS, 1, queue="501"))  # the same again
    assert hall.news == [("callQueueCallsHigh", "raised")]
    hall.alert()
    assert hall.news[1:] == [("callQueueCallsHigh", "cleared")]


def test_queues_without_alerts_are_not_asked_for(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    hall.alert(alert(Kind.CALLS, 1))
    asked: list[str | None] = []
    statistics = hall.centre.statistics
    monkeypatch.setattr(
        hall.centre, "statistics", lambda account, queue: asked.append(queue) or statistics(account, queue)
    )
    for n in range(50):
        hall.happen(e.CallerJoined(call=f"x{n}", queue="501"))
    hall.clock.advance(1)
    assert asked == []
    for n in range(50):
        hall.happen(e.CallerJoined(call=f"y{n}", queue="500"))
    hall.clock.advance(1)
    assert asked == ["500"]


def test_the_zone_of_an_account_changes(hall: Hall) -> None:
    hall.happen(e.CallerJoined(call="a", queue="501"))
    hall.alert(alert(Kind.CALLS, 1, queue="501"))
    hall.watch.configure(1, [alert(Kind.CALLS, 1, queue="501")], "Asia/Jerusalem")
    assert [what for _, what in hall.news] == ["raised", "cleared", "raised"]


def test_alerts_of_the_system_know_what_was_told_before_them(hall: Hall) -> None:
    hall.watch.system(Kind.DISK, 95.0)
    hall.watch.system(Kind.PROCESS, None)
    hall.alert(alert(Kind.DISK, 90, queue=None), alert(Kind.PROCESS, 0, id=2, queue=None))
    hall.watch.system(Kind.PROCESS, 1.0)
    assert hall.news == [("diskUsageHigh", "raised"), ("processStopped", "raised")]


def test_what_was_told_by_an_earlier_process_is_cleared_once(hall: Hall) -> None:
    known = msgspec.structs.replace(alert(Kind.CALLS, 2), known=True)
    hall.alert(known)
    assert hall.news == []
    hall.alert(msgspec.structs.replace(known, threshold=3))  # the store may not have it yet that it is over
    assert hall.news == [("callQueueCallsHigh", "cleared")]
    hall.clock.advance(SETTLE + CLEAR_AFTER)
    assert hall.news == [("callQueueCallsHigh", "cleared")]


def test_after_its_end_nothing_is_told(hall: Hall) -> None:
    hall.alert(alert(Kind.CALLS, 1, queue="501"))
    hall.happen(e.CallerJoined(call="a", queue="501"))
    hall.watch.stop()
    hall.clock.advance(60)
    assert hall.news == []
