"""A recorded day."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from ari_app.errors import ConfigError
from ari_app.simulate import callers, recorded
from ari_app.simulate.scenario import Scenario
from models.queue_call import QueueCall

HEAD = "call_id,queue,joined_at,outcome,wait,talk\n"
ROWS = (
    "a,500,2026-03-02T09:00:00+01:00,answered,12.5,100\n"
    "b,500,1772439060.5,abandoned,30,\n"  # 2026-03-02 08:11:00.5 UTC
    "c,500,2026-03-03 10:00:00,timeout,60,\n"
)


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "calls.csv"
    path.write_text(text)
    return path


def test_days_and_times_are_those_of_the_zone(tmp_path: Path) -> None:
    days = recorded.read(write(tmp_path, HEAD + ROWS), "Europe/Berlin")
    assert list(days) == [datetime.date(2026, 3, 2), datetime.date(2026, 3, 3)]
    first, second = days[datetime.date(2026, 3, 2)]
    assert (first.at, first.gave_up, first.waited, first.talk) == (9 * 3600, None, 12.5, 100)
    assert (second.at, second.gave_up, second.talk) == (9 * 3600 + 11 * 60 + 0.5, 30, None)
    (third,) = days[datetime.date(2026, 3, 3)]
    assert (third.at, third.gave_up, third.waited) == (10 * 3600, None, 60)


def test_an_export_of_the_record_will_do() -> None:
    assert set(recorded.COLUMNS) <= set(QueueCall.__table__.columns.keys())


def test_what_was_not_seen_is_drawn(tmp_path: Path) -> None:
    queue = {"extension": "500", "handling": 77, "patience": {"distribution": "exponential", "mean": 20}}
    scenario = Scenario.model_validate({"queue": [queue], "agents": []})
    days = recorded.read(write(tmp_path, HEAD + ROWS), "UTC")
    first, second = callers.recorded(scenario, days[datetime.date(2026, 3, 2)], 1, 0)
    assert first.handling == 100
    assert first.patience > 12.5
    assert (second.patience, second.handling) == (30, 77)
    (third,) = callers.recorded(scenario, days[datetime.date(2026, 3, 3)], 1, 0)
    assert third.patience > 60
    assert third.handling == 77


def test_a_queue_that_is_not_described(tmp_path: Path) -> None:
    scenario = Scenario.model_validate(
        {"queue": [{"extension": "600", "handling": 77, "patience": "none"}], "agents": []}
    )
    days = recorded.read(write(tmp_path, HEAD + ROWS), "UTC")
    with pytest.raises(ConfigError, match="the recording has 500, which is not described"):
        callers.recorded(scenario, days[datetime.date(2026, 3, 2)], 1, 0)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("queue,joined_at,wait\n", "column outcome, talk is missing"),
        (HEAD, "there are no calls"),
        (HEAD + "a,500,yesterday,answered,1,2\n", "line 2, joined_at: 'yesterday' is neither"),
        (HEAD + ROWS + "d,500,0,answered,-1,2\n", "line 5, wait: '-1' is not a number of seconds"),
        (HEAD + "a,500,0,abandoned,,\n", "line 2, wait: an abandoned call needs the time"),
    ],
)
def test_errors_name_line_and_column(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=r"calls\.csv") as caught:
        recorded.read(write(tmp_path, text), "UTC")
    assert told in str(caught.value)
