"""set_cpa_params, row by row, and the events of a call."""

from __future__ import annotations

from typing import Any

import pytest

from ari_app.media.cpa import Parameters
from ari_app.media.faces.dialer import BadParameter, CpaEvent, DialerAnalysis, read
from ari_app.media.features import Features
from ari_app.media.greeting import PROFILES
from tests.unit.media.calls import FAX, HUMAN, MACHINE, RINGBACK
from tests.unit.media.signals import features


def events(found: list[Features], **body: Any) -> list[CpaEvent]:
    analysis = DialerAnalysis(read({"analysis": "amd", **body}).parameters)
    return [event for frame in found for event in analysis.hear(frame)]


def told(found: list[Features], **body: Any) -> list[tuple[str, str]]:
    return [(event.event, event.event_data) for event in events(found, **body)]


def test_defaults() -> None:
    config = read({})
    assert config.parameters == Parameters()
    assert (config.log_voice, config.log_rtp_history) == (False, False)


def test_everything() -> None:
    config = read(
        {
            "request_name": "set_cpa_params", "tenant_id": "acme", "api_version": "1.1", "config_name": "my_setup",
            "analysis": "amd", "min_ambient_energy": 1, "initial_silence_ignore": "5000", "log_rtp_history": "yes",
            "tones": {"FX": "2100|5", "MD": "1662|5", "BP": "1000|10"}, "log_voice": "yes",
            "break_events": "FX, MD,AM", "total_timeout": 20000, "silence_detect_limit": 3000,
            "beep_to_silence_gap": 1500, "beep_is_am": "no", "detect_dtmf": False, "profile": "fast",
        }
    )  # fmt: skip
    assert config.log_voice
    assert config.log_rtp_history
    assert config.parameters == Parameters(
        min_ambient_energy=1,
        initial_silence_ignore=5000,
        tones={"FX": "2100|5", "MD": "1662|5", "BP": "1000|10"},
        break_events=frozenset({"FX", "MD", "AM"}),
        total_timeout=20000,
        silence_detect_limit=3000,
        beep_to_silence_gap=1500,
        beep_is_am=False,
        detect_dtmf=False,
        profile=PROFILES["fast"],
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("analysis", "fft"),
        ("min_ambient_energy", -1), ("min_ambient_energy", True), ("min_ambient_energy", "loud"),
        ("initial_silence_ignore", 5001),
        ("total_timeout", 999), ("total_timeout", 600_001),
        ("silence_detect_limit", 999), ("silence_detect_limit", 10_001),
        ("beep_to_silence_gap", 10_001),
        ("tones", []), ("tones", {"BP": 1000}), ("tones", {"BP": "1000"}), ("tones", {"BP": "100|5"}),
        ("break_events", ["AM"]), ("break_events", "AM,XX"), ("break_events", "SIT"),
        ("beep_is_am", "maybe"), ("detect_dtmf", 1), ("log_voice", "ja"),
        ("profile", "quick"), ("profile", []),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named(name: str, value: object) -> None:
    with pytest.raises(BadParameter) as caught:
        read({name: value})
    assert caught.value.name.partition(".")[0] == name


def test_a_human() -> None:
    assert told(features(HUMAN)) == [
        ("cpa_setup", ""), ("cpa_detection", "LV"), ("cpa_detection", "SL"), ("cpa_done", "LV"),
    ]  # fmt: skip


def test_a_machine_until_the_beep() -> None:
    found = events(features(MACHINE), break_events="BP", detect_dtmf="yes")
    assert [event.event_data for event in found] == ["", "AM", "BP", "AM"]
    assert found[-1].event == "cpa_done"
    assert found[-1].at == found[-2].at
    assert found[1].reason == "voice of 4600 ms and more, pauses counted: 1"


def test_a_fax_ends_it_when_it_is_to() -> None:
    assert told(features(FAX), break_events="FX") == [("cpa_setup", ""), ("cpa_detection", "FX"), ("cpa_done", "FX")]


def test_a_tone_by_its_own_name_ends_it() -> None:
    found = told(features(MACHINE), tones={"LAST": "1000|10"}, break_events="LAST")
    assert found[-2:] == [("cpa_detection", "LAST"), ("cpa_done", "AM")]


def test_what_has_no_name_there_is_not_told() -> None:
    assert told(features(RINGBACK), break_events="LV") == [
        ("cpa_setup", ""), ("cpa_detection", "LV"), ("cpa_done", "LV"),
    ]  # fmt: skip


def test_nothing_after_the_end() -> None:
    analysis = DialerAnalysis(Parameters(total_timeout=1000))
    found = [event for frame in features(HUMAN) for event in analysis.hear(frame)]
    assert [(event.event, event.event_data, event.at) for event in found] == [
        ("cpa_setup", "", 0), ("cpa_detection", "DT", 1000), ("cpa_done", "", 1000),
    ]  # fmt: skip
    assert analysis.done
