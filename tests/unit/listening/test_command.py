"""`python -m ari_app cpa`: what it prints of sounds in the formats that come, and of features of them."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ari_app import cli
from ari_app.listening.arguments import BARE, PROFILES
from ari_app.media import cpa
from ari_app.media.detection import Wanted
from ari_app.media.recorded import FeatureRecord
from ari_app.prompts import sound
from tests.unit.media.calls import HUMAN, MACHINE
from tests.unit.media.signals import features


def write(path: Path, samples: np.ndarray, rate: int = 8000, **how: str) -> str:
    soundfile.write(path, samples / 32768, rate, **how)
    return str(path)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert cli.main(["cpa", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def test_what_the_command_line_offers_is_what_there_is() -> None:
    assert sorted(PROFILES) == sorted(cpa.PROFILES)
    assert sorted(BARE) == sorted(sound.BARE)


def test_each_finding_has_its_time_and_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, write(tmp_path / "call.wav", MACHINE))
    assert [line.split()[2] for line in lines[:-1]] == ["AM", "BP", "SL"]
    assert "since 1.0" in lines[0]
    assert "voice of 4600 ms and more, pauses counted: 1  (voice=" in lines[0]
    assert lines[-1] == "answer: AM"


@pytest.mark.parametrize("name", ["call.ulaw", "call.al", "call.gsm", "call.sln", "call.vox"])
def test_sound_without_a_header(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    subtype = {"ulaw": "ULAW", "al": "ALAW", "gsm": "GSM610", "sln": "PCM_16", "vox": "VOX_ADPCM"}[name[5:]]
    path = write(tmp_path / name, HUMAN, format="RAW", subtype=subtype)
    assert said(capsys, path)[-1] == "answer: LV"


def test_other_rates_and_a_channel_of_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import soxr

    wide = soxr.resample(HUMAN, 8000, 44100)
    path = write(tmp_path / "call.flac", np.stack([np.zeros(len(wide)), wide], axis=1), 44100)
    assert said(capsys, path, "--channel", "2")[-1] == "answer: LV"
    assert said(capsys, path, "--channel", "1")[-1] == "answer: nobody was recognised"
    assert cli.main(["cpa", path, "--channel", "3"]) == 1
    assert "no channel 3" in capsys.readouterr().err


def test_a_sound_that_ends_too_soon_is_silent_after_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "cut.wav", HUMAN[: 8 * 1650])
    assert said(capsys, path)[-1] == "answer: LV (heard to its end, 3.66 s)"
    assert said(capsys, path, "--silence", "0")[-1].startswith("answer: nobody was recognised (heard to its end")


def test_features_say_the_same_and_other_profiles_something_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call, kept = write(tmp_path / "call.wav", MACHINE), str(tmp_path / "call.features")
    lines = said(capsys, call, "--features", kept)
    assert said(capsys, kept) == lines
    assert "voice of 3000 ms" in said(capsys, kept, "--profile", "fast")[0]


def test_json_has_a_line_a_file_and_errors_in_their_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call, none = write(tmp_path / "call.wav", MACHINE), tmp_path / "text.wav"
    none.write_text("no sound at all")
    assert cli.main(["cpa", str(none), call, str(tmp_path / "nothing"), "--json"]) == 1
    bad, good, gone = map(json.loads, capsys.readouterr().out.splitlines())
    assert "cannot be read" in bad["error"]
    assert "No such file" in gone["error"]
    assert (good["answer"], [found["code"] for found in good["findings"]]) == ("AM", ["AM", "BP", "SL"])
    assert good["findings"][0]["facts"]["pauses"] == 1


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--tone", "BP=50|1"], "tones.BP"),
        (["--countries", "us,xx"], "country: xx"),
        (["--total-timeout", "5"], "total_timeout"),
        (["--features", "/nowhere/x"], "/nowhere/x"),
    ],
)
def test_what_cannot_be_used_is_one_line(
    arguments: list[str], what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["cpa", write(tmp_path / "call.wav", HUMAN), *arguments]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert what in printed.err
    assert printed.err.count("\n") == 1


def test_features_that_are_cut_short(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "call.features"
    said(capsys, write(tmp_path / "call.wav", HUMAN), "--features", str(kept))
    kept.write_text(kept.read_text()[:-20])
    assert cli.main(["cpa", str(kept)]) == 1
    assert "no JSON" in capsys.readouterr().err


def test_features_of_a_live_call_as_the_server_gives_them_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = FeatureRecord(Wanted())
    for frame in features(MACHINE):
        record.add(frame)
    path = tmp_path / "analysis-1.ndjson.gz"
    path.write_bytes(record.file())
    assert [line.split()[2] for line in said(capsys, str(path))[:-1]] == ["AM", "BP", "SL"]
    path.write_bytes(record.file()[:-9])
    assert cli.main(["cpa", str(path)]) == 1
    assert "cut off" in capsys.readouterr().err
