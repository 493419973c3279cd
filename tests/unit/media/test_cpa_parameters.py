"""Each row of the table in docs/cpa.md: what the parameter does, on the calls in calls.py."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from ari_app.media.cpa import CODES, Finding, Parameters, replay
from ari_app.media.features import Features
from ari_app.media.greeting import PROFILES
from tests.unit.media.calls import FAX, HUMAN, MACHINE, SHORT_MACHINE, call
from tests.unit.media.signals import cadence, features, silence, sine, voice

DOCUMENT = (Path(__file__).parents[3] / "docs" / "cpa.md").read_text()


@pytest.fixture(scope="module")
def human() -> list[Features]:
    return features(HUMAN)


@pytest.fixture(scope="module")
def machine() -> list[Features]:
    return features(MACHINE)


def findings(found: list[Features], **parameters: object) -> list[Finding]:
    return replay(found, Parameters(**parameters))  # type: ignore[arg-type]


def codes(found: list[Features], **parameters: object) -> list[str]:
    return [finding.code for finding in findings(found, **parameters)]


def at(code: str, found: list[Finding]) -> int:
    return next(finding.at for finding in found if finding.code == code)


def test_min_ambient_energy_and_initial_silence_ignore(human: list[Features]) -> None:
    """What is quieter than that, for so long from the answer on, is not analysed; one louder frame ends it."""
    assert codes(human, min_ambient_energy=20_000, initial_silence_ignore=5000) == ["DT"]
    assert codes(human, min_ambient_energy=20_000, initial_silence_ignore=500)[0] == "LV"
    assert codes(human, min_ambient_energy=2, initial_silence_ignore=5000)[0] == "LV"


def test_tones() -> None:
    """A tone of that frequency, give or take, has that name. With one for BP, no other is a beep."""
    sound = features(MACHINE)
    assert codes(sound, tones={"OURS": "1003|5"}) == ["AM", "OURS", "BP", "SL"]
    assert codes(sound, tones={"OURS": "1010|5"}) == ["AM", "BP", "SL"]
    assert codes(sound, tones={"BP": "1000|10"}) == ["AM", "BP", "SL"]
    assert codes(sound, tones={"BP": "1400|10"}) == ["AM", "SL"]
    modem = features(call(sine(1662, 900)))
    assert codes(modem, tones={"MD": "1662|5"})[0] == "MD"
    assert codes(features(FAX), tones={"FX": "2100|5"})[0] == "FX"


@pytest.mark.parametrize("name", ["AM", "BP", "SL"])
def test_break_events(machine: list[Features], name: str) -> None:
    assert codes(machine, break_events=frozenset({name}))[-1] == name
    assert codes(machine, break_events=frozenset({"LV", "FX"})) == codes(machine)


def test_total_timeout(human: list[Features], machine: list[Features]) -> None:
    """The analysis ends then. Nobody recognised: DT. Decided: no more is told."""
    assert findings(human, total_timeout=1200)[-1].at == 1200
    assert codes(human, total_timeout=1200) == ["DT"]
    assert codes(machine, total_timeout=6000) == ["AM"]
    assert codes(machine, total_timeout=15_000) == ["AM", "BP", "SL"]


@pytest.mark.parametrize("limit", [1000, 2000, 3000])
def test_silence_detect_limit(human: list[Features], limit: int) -> None:
    """Counted from the last sound, told once, after LV or AM."""
    found = findings(human, silence_detect_limit=limit)
    assert [finding.code for finding in found] == ["LV", "SL"]
    assert at("SL", found) - at("LV", found) == limit


def test_no_silence_detect_limit(human: list[Features], machine: list[Features]) -> None:
    assert codes(human, silence_detect_limit=0) == ["LV"]
    assert codes(machine, silence_detect_limit=0) == ["AM", "BP"]


def test_beep_to_silence_gap(machine: list[Features]) -> None:
    assert "BPSL" not in codes(machine)
    found = findings(machine, beep_to_silence_gap=1500)
    assert at("BPSL", found) == pytest.approx(1000 + 4700 + 700 + 400 + 1500, abs=80)
    talks_on = features(call(voice(4000), silence(400), sine(1000, 400), *[silence(500), voice(900, seed=3)] * 7))
    assert "BPSL" not in codes(talks_on, beep_to_silence_gap=1500)


def test_beep_is_am() -> None:
    before = features(call(voice(900), silence(300), sine(1400, 300)))
    assert codes(before)[:2] == ["AM", "BP"]
    assert codes(before, beep_is_am=False)[:2] == ["BP", "LV"]
    after = features(SHORT_MACHINE)
    assert codes(after) == ["LV", "AM", "BP", "SL"]
    assert codes(after, beep_is_am=False) == ["LV", "BP", "SL"]


def test_detect_dtmf() -> None:
    found = features(call(voice(600), silence(1500), sine(770, 120, -21) + sine(1336, 120, -19)))
    (digit,) = [finding for finding in findings(found) if finding.code == "DTMF"]
    assert digit.facts["digit"] == "5"
    assert "DTMF" not in codes(found, detect_dtmf=False)


def test_countries() -> None:
    """Britain's busy is 375 ms on and off; Finland's 300 ms."""
    busy = features(call(cadence([375, 375] * 6, 400)))
    assert "BUSY" in codes(busy, countries=("uk",))
    assert "BUSY" not in codes(busy, countries=("mx",))
    with pytest.raises(ValueError, match="country: xx"):
        findings(busy, countries=("xx",))


def spoken(ms: int) -> list[Features]:
    """A call on which somebody speaks so long, with a breath in between where it is long."""
    breath = [voice(ms // 2), silence(200), voice(ms - ms // 2 - 200, seed=2)]
    return features(call(*(breath if ms > 2000 else [voice(ms)])))


@pytest.mark.parametrize("name", PROFILES)
def test_a_greeting_of_sentences_is_a_machine_sooner(name: str) -> None:
    """Phrases with more than half a second between them: less voice than machine_voice."""
    profile = PROFILES[name]
    phrases = features(call(*[part for seed in range(9) for part in (voice(600, seed=seed), silence(600))]))
    (machine, *_) = findings(phrases, profile=profile)
    assert machine.code == "AM"
    assert "pauses counted" in machine.reason
    assert float(machine.facts["voice"]) < profile.machine_voice
    without = replace(profile, pause=0, long_pause=0)
    assert findings(phrases, profile=without)[0].reason != machine.reason


@pytest.mark.parametrize("name", PROFILES)
def test_profiles(name: str) -> None:
    """Voice of machine_voice is a machine; less, with silence after it, a human."""
    profile = PROFILES[name]
    assert codes(spoken(profile.machine_voice + 400), profile=profile)[0] == "AM"
    assert codes(spoken(profile.machine_voice - 400), profile=profile)[0] == "LV"
    short, long = spoken(600), spoken(profile.short_voice + 300)
    assert profile.short_voice > 600
    assert findings(short, profile=profile)[0].facts["silence"] == profile.short_silence
    assert findings(long, profile=profile)[0].facts["silence"] == profile.long_silence


def test_the_document_has_each_parameter_code_and_profile() -> None:
    for parameter in fields(Parameters):
        assert f"| `{parameter.name}` |" in DOCUMENT, parameter.name
    for code in CODES:
        assert f"| `{code}` |" in DOCUMENT, code
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| ((?:\d+ \| )+)", DOCUMENT, re.MULTILINE))
    for name, profile in PROFILES.items():
        written = [int(number) for number in re.findall(r"\d+", rows[name])]
        assert written == [getattr(profile, field.name) for field in fields(profile)]
