"""The day file: what it may say, and what its author is told when it may not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ari_app.acd.settings import QueueSettings, Strategy
from ari_app.errors import ConfigError
from ari_app.simulate import dayfile
from ari_app.simulate.scenario import QueueDay

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "day.toml"

DAY = """
[[queue]]
extension = "500"
strategy = "linear"
max_wait = "none"
arrivals = { interval = 30, start = "08:00", calls = [10, 20] }
handling = { distribution = "exponential", mean = 180 }
patience = "none"

[[agents]]
name = "early"
count = 2
queues = ["500"]
shifts = [{ from = "08:00", to = 12:00:00 }]
"""


def written(tmp_path: Path, text: str, name: str = "monday.toml") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        dayfile.load(written(tmp_path, text))
    return str(caught.value)


def test_a_day_is_named_after_its_file_and_has_the_settings_of_a_queue(tmp_path: Path) -> None:
    (scenario,) = dayfile.load(written(tmp_path, DAY))
    (queue,) = scenario.queue
    assert scenario.name == "monday"
    assert queue.settings() == QueueSettings(extension="500", strategy=Strategy.LINEAR)
    assert queue.arrivals is not None
    assert queue.arrivals.rates() == [(28800, 30600, 10), (30600, 32400, 20)]
    assert (scenario.agents[0].shifts[0].start, scenario.agents[0].shifts[0].end) == (28800, 43200)


def test_queue_settings_are_named_and_default_as_the_engine_has_them() -> None:
    described = QueueDay.model_validate({"extension": "500", "handling": 1, "patience": "none"})
    assert described.settings() == QueueSettings(extension="500")


def test_json_says_the_same(tmp_path: Path) -> None:
    queue = {
        "extension": "500",
        "arrivals": {"calls": {"08:00": 5, "09:15": 7}, "interval": 15},
        "handling": 120,
        "patience": {"distribution": "empirical", "seconds": [10, 20]},
    }
    agents = [{"name": "a", "queues": {"500": 2}}]
    path = written(tmp_path, json.dumps({"queue": [queue], "agents": agents}), "day.json")
    (scenario,) = dayfile.load(path)
    arrivals = scenario.queue[0].arrivals
    assert arrivals is not None
    assert arrivals.rates() == [(28800, 29700, 5), (33300, 34200, 7)]


def test_scenarios_change_what_they_name_and_nothing_else(tmp_path: Path) -> None:
    more = """
[[scenario]]
name = "more"
agents = [{ name = "early", count = 5 }, { name = "late", queues = ["500"] }]
queue = [{ extension = "500", strategy = "ringall", arrivals = { calls = [1] } }]
[[scenario]]
no_answer = 0.5
"""
    base, second, third = dayfile.load(written(tmp_path, DAY + more))
    assert [g.count for g in base.agents] == [2]
    assert [(g.name, g.count) for g in second.agents] == [("early", 5), ("late", 1)]
    assert second.agents[0].shifts == base.agents[0].shifts
    assert second.queue[0].strategy is Strategy.RINGALL
    assert second.queue[0].arrivals is not None
    assert second.queue[0].arrivals.rates() == [(28800, 30600, 1)]
    assert (third.name, third.no_answer, third.agents) == ("scenario 2", 0.5, base.agents)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"linear"', '"fastest"', "queue[500].strategy: Input should be 'ringall', 'leastrecent'"),
        ("max_wait", "maxwait", "queue[500].maxwait: there is no such field; there is agent_timeout, arrivals"),
        ("mean = 180", "mean = -1", "queue[500].handling.mean: Input should be greater than 0"),
        ('"exponential"', '"gamma"', "queue[500].handling: Input tag 'gamma'"),
        ("[10, 20]", "[10, -20]", "queue[500].arrivals.calls[2]: Input should be greater than or equal to 0"),
        ('start = "08:00"', 'start = "23:30"', "queue[500].arrivals: the last interval ends after midnight"),
        ('from = "08:00"', 'from = "8 am"', "agents[early].shifts[1].from: '8 am' is not a time of day; write HH:MM"),
        ('from = "08:00"', 'from = "13:00"', "agents[early].shifts[1]: `to` must be later than `from`"),
        ('["500"]', '["501"]', "agents[early].queues: there is no queue 501; there is 500"),
        ("count = 2", 'count = "two"', "agents[early].count: Input should be a valid integer"),
        ('max_wait = "none"', "wrap_up = 0", "queue[500]: wrap_up = 0 lasts until the agent ends it"),
        ('max_wait = "none"', 'agent_timeout = "none"', None),
        ("count = 2", 'breaks = [{ from = "11:30", to = "12:30" }]', "agents[early]: a break must lie within a shift"),
    ],
)
def test_errors_name_file_field_and_what_is_allowed(tmp_path: Path, old: str, new: str, told: str | None) -> None:
    assert old in DAY
    text = DAY.replace(old, new)
    if told is None:
        dayfile.load(written(tmp_path, text))
        return
    message = refused(tmp_path, text)
    assert "monday.toml, scenario 'monday':" in message
    assert told in message


def test_what_does_not_fit_together(tmp_path: Path) -> None:
    endless = DAY.replace('max_wait = "none"', 'agent_timeout = "none"')
    assert "would ring for ever" in refused(tmp_path, "no_answer = 0.1\n" + endless)
    assert "agents: early is there twice" in refused(tmp_path, DAY + DAY[DAY.index("[[agents]]") :])
    assert "is not a time zone" in refused(tmp_path, 'time_zone = "Mars/Olympus"\n' + DAY)
    assert "monday.toml: Expected" in refused(tmp_path, "what is this")
    with pytest.raises(ConfigError, match="No such file"):
        dayfile.load(tmp_path / "nothing.toml")


def test_the_example_is_right() -> None:
    assert [s.name for s in dayfile.load(EXAMPLE)] == ["as it is", "two more from 09:30"]
