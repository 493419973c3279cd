"""Alerts: each rule of theirs, and all of them at once against a model that looks at every second."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_app.acd.alerts import CLEAR_AFTER, Alerts, Figures, Kind, News, Rule
from ari_app.acd.hours import HoursError

#: a Monday, 12:00 UTC
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()
UTC_ZONE = ZoneInfo("UTC")


def queue(calls: int = 0, oldest: float | None = None, agents: int = 5, available: int = 5) -> Figures:
    return Figures(calls=calls, oldest=oldest, agents=agents, available=available)


def told(news: list[News]) -> list[tuple[str, float]]:
    return [(one.what, one.at - NOON) for one in news]


def let_pass(alerts: Alerts, until: float) -> list[News]:
    """What time does, with a timer that is exact."""
    news: list[News] = []
    while (at := alerts.due()) is not None and at <= until:
        news += alerts.wake(at)
    return news


def with_rule(kind: Kind = Kind.CALLS, **rule: object) -> Alerts:
    alerts = Alerts(UTC_ZONE)
    alerts.put(Rule(id=1, kind=kind, **{"queue": "500", "threshold": 3, **rule}), NOON)  # type: ignore[arg-type]
    return alerts


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Kind.CALLS, queue(calls=2), queue(calls=3)),
        (Kind.WAIT, queue(calls=1, oldest=NOON - 2.9), queue(calls=1, oldest=NOON - 3)),
        (Kind.AGENTS, queue(agents=4), queue(agents=3)),
        (Kind.AVAILABLE, queue(available=4), queue(available=3)),
    ],
)
def test_high_is_at_the_threshold_or_above_and_low_at_it_or_below(kind: Kind, good: Figures, bad: Figures) -> None:
    alerts = with_rule(kind)
    assert alerts.figures("500", good, NOON) == []
    assert told(alerts.figures("500", bad, NOON)) == [("raised", 0)]
    assert alerts.raised() == [1]


def test_another_queue_raises_nothing() -> None:
    alerts = with_rule()
    assert alerts.figures("501", queue(calls=9), NOON) == []
    assert alerts.watches("500")
    assert not alerts.watches("501")


def test_the_longest_wait_is_raised_by_time_alone() -> None:
    alerts = with_rule(Kind.WAIT, threshold=30)
    assert alerts.figures("500", queue(calls=1, oldest=NOON - 10), NOON) == []
    news = let_pass(alerts, NOON + 60)
    assert told(news) == [("raised", 20)]
    assert news[0].figure == 30


def test_it_is_cleared_when_the_figure_has_been_good_for_a_while() -> None:
    alerts = with_rule()
    alerts.figures("500", queue(calls=3), NOON)
    assert alerts.figures("500", queue(calls=2), NOON + 1) == []
    assert alerts.figures("500", queue(calls=3), NOON + 5) == []
    assert alerts.figures("500", queue(calls=2), NOON + 6) == []
    assert told(let_pass(alerts, NOON + 60)) == [("cleared", 6 + CLEAR_AFTER)]


def test_a_queue_that_is_gone_is_good() -> None:
    alerts = with_rule(Kind.AGENTS)
    alerts.figures("500", queue(agents=0), NOON)
    alerts.figures("500", None, NOON + 1)
    assert [one.what for one in let_pass(alerts, NOON + 60)] == ["cleared"]


def test_somebody_is_notified_again_after_the_interval_and_never_within_it() -> None:
    alerts = with_rule(interval=60.0)
    first = alerts.figures("500", queue(calls=3), NOON)
    alerts.figures("500", queue(calls=2), NOON + 10)
    cleared = let_pass(alerts, NOON + 30)
    second = alerts.figures("500", queue(calls=4), NOON + 30)
    later = let_pass(alerts, NOON + 130)
    news = [*first, *cleared, *second, *later]
    assert told(news) == [("raised", 0), ("cleared", 20), ("raised", 30), ("again", 60), ("again", 120)]
    assert [one.notify for one in news] == [True, True, False, True, True]


def test_who_was_not_told_that_it_was_raised_is_not_told_that_it_is_cleared() -> None:
    alerts = Alerts(UTC_ZONE)
    alerts.put(Rule(id=1, kind=Kind.CALLS, queue="500", threshold=3, interval=600.0), NOON, told_at=NOON - 1)
    assert [one.notify for one in alerts.figures("500", queue(calls=3), NOON)] == [False]
    alerts.figures("500", queue(), NOON + 1)
    assert [(one.what, one.notify) for one in let_pass(alerts, NOON + 60)] == [("cleared", False)]


@pytest.mark.parametrize(("calls", "wanted"), [(3, [("again", 60), ("again", 120)]), (0, [("cleared", 10)])])
def test_what_was_told_before_a_restart_is_gone_on_with(calls: int, wanted: list[tuple[str, float]]) -> None:
    """Not raised twice; and what is over by now is cleared, for those who were told are waiting for it."""
    alerts = Alerts(UTC_ZONE)
    rule = Rule(id=1, kind=Kind.CALLS, queue="500", threshold=3, interval=60.0)
    assert alerts.put(rule, NOON, told_at=NOON, known=True) == []
    assert alerts.raised() == [1]
    news = [*alerts.figures("500", queue(calls=calls), NOON + 1), *let_pass(alerts, NOON + 130)]
    assert told(news) == wanted
    assert all(one.notify for one in news)


def test_outside_of_its_hours_it_is_not_raised_and_their_end_clears_it() -> None:
    alerts = with_rule(hours="12:01-12:02")
    assert alerts.figures("500", queue(calls=3), NOON) == []
    assert told(let_pass(alerts, NOON + 600)) == [("raised", 60), ("cleared", 120)]


def test_hours_past_midnight_belong_to_the_day_on_which_they_begin() -> None:
    midnight = datetime(2026, 3, 3, tzinfo=UTC).timestamp()
    alerts = with_rule(days=(1,), hours="22:00-02:00")
    assert [one.what for one in alerts.figures("500", queue(calls=3), midnight + 3600)] == ["raised"]
    assert with_rule(days=(2,), hours="22:00-02:00").figures("500", queue(calls=3), midnight + 3600) == []


def test_hours_are_those_of_the_zone() -> None:
    alerts = Alerts(ZoneInfo("Asia/Jerusalem"))
    alerts.put(Rule(id=1, kind=Kind.CALLS, queue="500", threshold=1, hours="14:00-15:00"), NOON)
    assert told(alerts.figures("500", queue(calls=1), NOON)) == [("raised", 0)]


def test_hours_that_cannot_be_are_refused_and_the_old_rule_stays() -> None:
    alerts = with_rule()
    with pytest.raises(HoursError):
        alerts.put(Rule(id=1, kind=Kind.CALLS, queue="500", hours="09:00-09:00"), NOON)
    assert alerts.rules()[0].hours == "00:00-24:00"


def test_a_rule_that_is_removed_or_changed_is_cleared() -> None:
    alerts = with_rule()
    alerts.figures("500", queue(calls=3), NOON)
    changed = alerts.put(Rule(id=1, kind=Kind.CALLS, queue="500", threshold=2), NOON + 1)
    assert told(changed) == [("cleared", 1)]
    alerts.figures("500", queue(calls=3), NOON + 2)
    assert told(alerts.remove(1, NOON + 3)) == [("cleared", 3)]
    assert alerts.remove(1, NOON + 4) == []
    assert alerts.queues() == []
    assert let_pass(alerts, NOON + 600) == []


def test_alerts_of_the_system() -> None:
    alerts = Alerts(UTC_ZONE)
    alerts.put(Rule(id=1, kind=Kind.DISK, threshold=90), NOON)
    alerts.put(Rule(id=2, kind=Kind.PROCESS), NOON)
    alerts.put(Rule(id=3, kind=Kind.LICENSE), NOON)
    assert alerts.system(Kind.DISK, 89.9, NOON) == []
    assert [one.rule.id for one in alerts.system(Kind.DISK, 90, NOON)] == [1]
    assert [one.rule.id for one in alerts.system(Kind.PROCESS, 1, NOON)] == [2]
    assert alerts.system(Kind.LICENSE, None, NOON) == []
    assert [one.rule.id for one in alerts.system(Kind.LICENSE, 1, NOON)] == [3]


def test_figures_that_change_often_do_not_fill_memory() -> None:
    alerts = with_rule(Kind.WAIT, threshold=10_000)
    for n in range(5000):
        alerts.figures("500", queue(calls=1, oldest=NOON + n), NOON + n)
    assert len(alerts._due) < 100


# all of it at once


@dataclass
class Model:
    """The same rules, written down as what holds at each second."""

    rule: Rule
    told_at: float | None = None
    raised: bool = False
    known: bool = False
    good_since: float = float("-inf")
    was_bad: bool = False
    news: list[tuple[str, float, bool]] = field(default_factory=list)

    def second(self, now: float, figures: Figures) -> None:
        rule = self.rule
        values = {Kind.CALLS: figures.calls, Kind.AGENTS: figures.agents, Kind.AVAILABLE: figures.available}
        if rule.kind is Kind.WAIT:
            bad = figures.oldest is not None and now - figures.oldest >= rule.threshold
        elif rule.kind is Kind.CALLS:
            bad = values[rule.kind] >= rule.threshold
        else:
            bad = values[rule.kind] <= rule.threshold
        if self.was_bad and not bad:
            self.good_since = now
        self.was_bad = bad
        at = datetime.fromtimestamp(now, UTC)
        begin, end = (int(part[:2]) * 60 + int(part[3:]) for part in rule.hours.split("-"))
        within = begin <= at.hour * 60 + at.minute < end and (at.weekday() + 1) % 7 in rule.days
        free = self.told_at is None or now >= self.told_at + rule.interval
        if self.raised and (not within or (not bad and now - self.good_since >= CLEAR_AFTER)):
            self.raised = False
            self.news.append(("cleared", now, self.known))
        elif bad and within and not self.raised:
            self.raised = True
            self._tell(now, "raised", free)
        elif self.raised and bad and rule.interval and free:
            self._tell(now, "again", True)

    def _tell(self, now: float, what: str, notify: bool) -> None:
        self.known = notify
        if notify:
            self.told_at = now
        self.news.append((what, now, notify))


_RULES = st.builds(
    Rule,
    id=st.integers(1, 5),
    kind=st.sampled_from([Kind.CALLS, Kind.WAIT, Kind.AGENTS, Kind.AVAILABLE]),
    queue=st.just("500"),
    threshold=st.integers(0, 20),
    interval=st.sampled_from([0.0, 17.0, 60.0]),
    days=st.sampled_from([(1,), (0, 1, 2), (2,), ()]),
    hours=st.sampled_from(["00:00-24:00", "12:01-12:03", "12:00-12:02", "08:00-12:00"]),
)
_STEPS = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.builds(
            Figures,
            calls=st.integers(0, 20),
            oldest=st.none() | st.integers(-30, 200).map(lambda second: NOON + second),
            agents=st.integers(0, 20),
            available=st.integers(0, 20),
        ),
    ),
    max_size=12,
)


@settings(max_examples=300)
@given(st.lists(_RULES, max_size=4, unique_by=lambda rule: rule.id), _STEPS)
def test_whatever_happens_news_are_those_of_a_model_that_looks_every_second(
    rules: list[Rule], steps: list[tuple[int, Figures]]
) -> None:
    alerts = Alerts(UTC_ZONE)
    models = {rule.id: Model(rule) for rule in rules}
    for rule in rules:
        alerts.put(rule, NOON)
    news: list[News] = []
    now, figures = NOON, queue(calls=-1, agents=99, available=99)
    for seconds, following in [*steps, (200, queue())]:
        for second in range(1, seconds + 1):
            # the model looks at each second; the alerts at those that they asked for
            for model in models.values():
                model.second(now + second, figures)
        news += let_pass(alerts, now + seconds)
        now, figures = now + seconds, following
        for model in models.values():
            model.second(now, figures)
        news += alerts.figures("500", figures, now)
    for id, model in models.items():
        found = [(one.what, one.at, one.notify) for one in news if one.rule.id == id]
        assert found == model.news
