"""`python -m ari_app simulate` from its arguments to what it prints and writes."""

from __future__ import annotations

import csv
import io
import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ari_app.acd.stats import SERVICE_LEVELS
from ari_app.cli import main

EXAMPLE = str(Path(__file__).parents[3] / "docs" / "examples" / "day.toml")
PNG = b"\x89PNG\r\n\x1a\n"

SMALL = """
interval = 15
[[queue]]
extension = "500"
service_level = 10
arrivals = { interval = 15, start = "08:00", calls = [10, 20] }
handling = { distribution = "exponential", mean = 60 }
patience = 30
[[agents]]
name = "all"
count = 2
queues = ["500"]
"""


@pytest.fixture
def small(tmp_path: Path) -> str:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return str(path)


def test_a_table(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", small]) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert lines[0] == "small"
    assert lines[1].split()[:3] == ["from", "offered", "answered"]
    body = lines[2 : lines.index("")]
    assert len({len(line) for line in body}) == 1, "aligned"
    assert body[-1].split()[0] == "day"
    assert "service level cisco_negative, T = 10 s. One day." in out
    assert all(f"service level {name}" in out for name in SERVICE_LEVELS)


def test_all_forms_say_the_same(small: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = {form: tmp_path / f"out.{form}" for form in ("csv", "json", "svg", "png")}
    written = ["--csv", str(paths["csv"]), "--json", str(paths["json"]), "--chart", str(paths["svg"])]
    assert main(["simulate", EXAMPLE, *written, "--days", "2", "--by-queue", "--service-level", "amazon"]) == 0
    out = capsys.readouterr().out
    document = json.loads(paths["json"].read_text())
    rows = list(csv.DictReader(io.StringIO(paths["csv"].read_text())))
    assert [s["name"] for s in document["scenarios"]] == ["as it is", "two more from 09:30"]
    for scenario in document["scenarios"]:
        mine = [r for r in rows if r["scenario"] == scenario["name"]]
        (total,) = [r for r in mine if r["queue"] == "" and r["from"] == ""]
        for name, value in scenario["day"].items():
            assert total[name] == ("" if value is None else f"{value:.6g}")
        lines = [r for r in mine if r["queue"] == "" and r["from"]]
        assert [r["from"] for r in lines] == [i["from"] for i in scenario["intervals"]]
        assert sum(float(r["offered"]) for r in lines) == pytest.approx(scenario["day"]["offered"])
        by_queue = [q["day"]["answered"] for q in scenario["queues"].values()]
        assert sum(by_queue) == pytest.approx(scenario["day"]["answered"])
        assert f"{scenario['day']['answered']:.1f}" in out
    assert "as it is, queue 501" in out
    text = "".join(ET.parse(paths["svg"]).getroot().itertext())
    for word in ("as it is", "two more from 09:30", "answered", "abandoned", "occupancy", "amazon", "calls offered"):
        assert word in text
    assert main(["simulate", small, small, "--chart", str(paths["png"])]) == 0
    assert paths["png"].read_bytes().startswith(PNG)


def test_the_same_seed_gives_the_same_bytes(small: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = []
    for seed, name in (("1", "a"), ("1", "b"), ("2", "c")):
        assert main(["simulate", small, "--seed", seed, "--chart", str(tmp_path / f"{name}.svg")]) == 0
        outputs.append((capsys.readouterr().out, (tmp_path / f"{name}.svg").read_bytes()))
    assert outputs[0] == outputs[1]
    assert outputs[0] != outputs[2]


def test_a_recorded_day(small: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was recorded of a day comes out again: nobody waited, one gave up at once."""
    calls = tmp_path / "calls.csv"
    calls.write_text(
        "queue,joined_at,outcome,wait,talk\n"
        "500,2026-03-02T09:00:00,answered,0,100\n"
        "500,2026-03-02T09:00:10,answered,0,200\n"
        "500,2026-03-02T09:01:00,abandoned,5,\n"
        "500,2026-03-03T09:01:00,answered,0,60\n"
    )
    assert main(["simulate", small, "--recorded", str(calls), "--json", str(tmp_path / "o.json")]) == 0
    (scenario,) = json.loads((tmp_path / "o.json").read_text())["scenarios"]
    assert scenario["days"] == 2
    day = scenario["day"]
    assert (day["offered"], day["answered"], day["abandoned"], day["average_talk"]) == (2, 1.5, 0.5, 120)
    assert day["average_abandon_time"] == 5


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--chart", "out.pdf"], "must end in .svg or .png"),
        (["--csv", "nowhere/out.csv"], "there is no directory nowhere"),
        (["--service-level", "best"], "there is no 'best'; there is asterisk, asterisk_2"),
        (["--recorded", "x.csv", "--days", "2"], "not with --recorded"),
        (["--recorded", "x.csv"], "x.csv: cannot be read: No such file"),
        ([EXAMPLE], "interval: must be the same"),
    ],
)
def test_errors_are_one_line(small: str, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", small, *arguments]) == 1
    assert told in capsys.readouterr().err


def test_arrivals_are_needed_without_a_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "small.toml"
    path.write_text("\n".join(line for line in SMALL.splitlines() if not line.startswith("arrivals")))
    assert main(["simulate", str(path)]) == 1
    assert "queue[500].arrivals: is needed where nothing is --recorded" in capsys.readouterr().err


def test_a_chart_without_matplotlib(
    small: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["simulate", small, "--chart", "out.svg"]) == 1
    assert "pip install 'ari-app[simulate]'" in capsys.readouterr().err
    assert main(["simulate", small]) == 0


def test_a_day_on_which_nobody_works_or_nobody_calls(
    small: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "idle.toml"
    path.write_text(
        SMALL.replace("[10, 20]", "[0, 0]")
        + "[[scenario]]\nname = 'nobody'\nagents = [{ name = 'all', count = 0 }]\n"
        + "[[scenario]]\nname = 'alone'\nagents = []\nqueue = [{ extension = '500', arrivals = { calls = [50] } }]\n"
    )
    written = ["--chart", str(tmp_path / "o.svg"), "--json", str(tmp_path / "o.json"), "--csv", str(tmp_path / "o.csv")]
    assert main(["simulate", str(path), *written]) == 0
    idle, nobody, alone = (s["day"] for s in json.loads((tmp_path / "o.json").read_text())["scenarios"])
    assert (idle["offered"], idle["occupancy"], idle["service_level_genesys"]) == (0, 0, None)
    assert (nobody["offered"], nobody["occupancy"], nobody["agent_hours"]) == (0, None, 0)
    assert alone["offered"] > 30
    assert main(["simulate", str(path), "--service-level", "genesys"]) == 0
    assert "0.0 %" in capsys.readouterr().out


def test_help_shows_a_day(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["simulate", "--help"])
    out = capsys.readouterr().out
    assert "[[queue]]" in out
    assert "--recorded CSV" in out


def test_days_are_counted_from_one(small: str) -> None:
    with pytest.raises(SystemExit):
        main(["simulate", small, "--days", "0"])
