"""A corpus of others: directories and tables of labels, and what is wrong in them."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bench.cpa import __main__ as evaluation
from bench.cpa import corpus
from bench.cpa.corpus import BadCorpus, Labelled, labelled
from tests.unit.media.calls import FAX, HUMAN, MACHINE
from tests.unit.media.signals import silence, sine, voice


def write(path: Path, samples: np.ndarray, rate: int = 8000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples / 32768, rate)


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    write(tmp_path / "human" / "one.wav", HUMAN)
    write(tmp_path / "Machine" / "deeper" / "two.flac", MACHINE)
    write(tmp_path / "fax" / "three.wav", FAX)
    write(tmp_path / "music" / "four.wav", np.concatenate([silence(500), sine(1000, 400), silence(1000)]))
    write(tmp_path / "speech" / "five.wav", voice(2000))
    (tmp_path / "human" / "readme.txt").write_text("no sound")
    return tmp_path


def test_a_directory_a_label(calls: Path) -> None:
    kinds = {one.path.name: (one.kind, one.stratum) for one in labelled(calls)}
    assert kinds == {
        "one.wav": ("live", "human"),
        "two.flac": ("machine", "Machine"),
        "three.wav": ("fax", "fax"),
        "four.wav": ("music", "music"),
        "five.wav": ("speech", "speech"),
    }


def test_a_table_tells_times_too(calls: Path) -> None:
    text = (
        "\ufefffile,label,greeting_end_ms,beep_ms\nhuman/one.wav,LV,1600,\nMachine/deeper/two.flac,Voicemail,,6200.4\n"
    )
    (calls / "labels.csv").write_text(text)
    found = labelled(calls)
    assert found == [
        Labelled(calls / "human" / "one.wav", "live", "human", 1600),
        Labelled(calls / "Machine" / "deeper" / "two.flac", "machine", "deeper", 0, 6200),
    ]
    live, machine = corpus.calls(found)
    assert (live.kind, live.greeting_end, live.beep) == ("live", 1600, None)
    assert (machine.kind, machine.beep) == ("machine", 6200)
    assert len(live.sound) % 160 == 0


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("name,label\n", "the first line names the columns"),
        ("file,label\nhuman/one.wav,alien\n", 'line 2: the label "alien"'),
        ("file,label\nhuman/gone.wav,human\n", "line 2: there is no file human/gone.wav"),
        ("file,label\n../../etc/passwd,human\n", "line 2: there is no file"),
        ("file,label,beep_ms\nhuman/one.wav,human,soon\n", "line 2: beep_ms: milliseconds, not soon"),
        ("file,label,greeting_end_ms\nhuman/one.wav,human,-1\n", "greeting_end_ms: milliseconds from 0"),
        ("file,label,greeting_end_ms\nhuman/one.wav,human,inf\n", "greeting_end_ms: milliseconds, not inf"),
        ("file,label\n", "neither labels.csv nor"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, what: str, calls: Path) -> None:
    (calls / "labels.csv").write_text(text)
    with pytest.raises(BadCorpus, match=what):
        labelled(calls)


def test_no_corpus(tmp_path: Path) -> None:
    for path in (tmp_path / "gone", tmp_path):
        with pytest.raises(BadCorpus):
            labelled(path)
    (tmp_path / "aliens").mkdir()
    with pytest.raises(BadCorpus, match="aliens"):
        labelled(tmp_path)


def test_a_sound_that_is_none(calls: Path) -> None:
    (calls / "human" / "bad.wav").write_text("no sound")
    with pytest.raises(BadCorpus, match=r"bad\.wav"):
        corpus.calls(labelled(calls))


def test_the_evaluation_of_one(
    calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(evaluation, "CACHE", tmp_path / "out")
    arguments = ["bench.cpa", "--corpus", str(calls), "--no-baseline", "--errors", "--write"]
    monkeypatch.setattr(sys, "argv", arguments)
    assert evaluation.main() == 0
    told = capsys.readouterr().out
    assert "four.wav: 0.52 s, {'hertz1': 1000.0}, beep" in told  # one beep, in 2 s of what is said to be music
    written = json.loads((tmp_path / "out" / "corpus.json").read_text())
    shares = {row["name"]: (row["hits"], row["count"]) for row in written["shares"]}
    assert shares["first decision right"] == (2, 2)
    assert shares["fax"] == (1, 1)
    rates = {row["name"].split(" on ")[0]: row["value"] for row in written["false alarms"][:1]}
    assert rates == {"false beeps": 0}


def test_a_corpus_that_is_none_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench.cpa", "--corpus", str(tmp_path / "gone")])
    assert evaluation.main() == 1
    assert "gone: no directory" in capsys.readouterr().err
