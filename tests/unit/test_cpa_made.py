"""What the CPA evaluation makes its calls and its music of: the parts share nothing, and truth goes with the sound."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cpa import faults, music, texts, voices
from bench.cpa.calls import Exchange, coded, silence, tone
from bench.cpa.music import STYLES, compose, midi


def test_the_parts_share_no_voice_text_style_or_instrument_of_a_melody() -> None:
    tuning, test = (
        {
            *voices.ENGINES[part],
            *voices.RECORDED[part],
            *voices.ABROAD[part].values(),
            *(
                text
                for said in (texts.HUMAN, texts.MORE_HUMAN, texts.MACHINE, texts.SHORT_MACHINE)
                for text in said[part]
            ),
            *(text for language in voices.ABROAD[part] for text in texts.ABROAD[language]),
            *STYLES[part],
            *(f"program {program}" for style in STYLES[part].values() for program in style.melody),
            music.FONTS[part],
        }
        for part in ("tuning", "test")
    )
    assert tuning & test <= {"Hallo?"}  # which is said in three languages


@pytest.mark.parametrize("name", STYLES["tuning"])
def test_a_piece_is_the_same_for_the_same_seed_and_is_a_midi_file(name: str) -> None:
    style = STYLES["tuning"][name]
    first, again, other = (midi(*compose(random.Random(seed), style, 30)) for seed in (1, 1, 2))
    assert first == again != other
    assert first[:4] == b"MThd"
    assert first[14:18] == b"MTrk"
    assert int.from_bytes(first[18:22], "big") == len(first) - 22
    assert first.endswith(b"\x00\xff\x2f\x00")


@given(st.integers(0, 2**28 - 1))
def test_lengths_in_a_midi_file(value: int) -> None:
    written = music._variable(value)
    assert all(byte & 0x80 for byte in written[:-1])
    assert not written[-1] & 0x80
    read = 0
    for byte in written:
        read = read << 7 | byte & 0x7F
    assert read == value


@pytest.mark.parametrize("fault", faults.BEGINNINGS)
@pytest.mark.parametrize("seed", range(5))
def test_what_was_said_is_found_where_the_truth_says(fault: str, seed: int) -> None:
    call = np.concatenate([silence(0.5), tone(1, 300), silence(1)])  # until 1500 ms
    changed, later = faults.begun(random.Random(seed), fault, call, -20, 1500)
    assert len(changed) * 1000 // 8000 == pytest.approx(2500 + later, abs=1)
    end = int(np.flatnonzero(np.abs(changed) > 1e-3)[-1]) / 8
    assert end == pytest.approx(1500 + later, abs=2)
    assert (later < 0) == (fault == "begins late")


@pytest.mark.parametrize("fault", faults.FAULTS)
def test_a_fault_keeps_the_length(fault: str) -> None:
    call = np.concatenate([silence(0.5), tone(1, 300), silence(1)])
    changed = faults.disturbed(random.Random(1), fault, call, call, -20)
    assert len(changed) == len(call)
    assert np.isfinite(changed).all()


def test_suppressed_silence_is_silent_and_the_speech_is_not() -> None:
    clean = np.concatenate([silence(0.5), tone(1, 300), silence(1)])
    noisy = clean + 0.01
    changed = faults.disturbed(random.Random(1), "silence suppressed", noisy, clean, -20)
    assert not changed[:3900].any()
    assert (changed[4010:12000] == noisy[4010:12000]).all()
    assert not changed[14000:].any()


def test_a_lost_frame_is_the_one_before_again() -> None:
    sound = tone(0.1, 1000)
    heard = faults.concealed(sound, frozenset({0, 2, 3}))
    assert (heard[:320] == sound[:320]).all()
    assert heard[320:480] == pytest.approx(0.7 * sound[160:320])
    assert heard[480:640] == pytest.approx(0.49 * sound[160:320])


@pytest.mark.parametrize("codec", ["ulaw", "alaw", "gsm", "g726"])
def test_each_codec_keeps_length_and_most_of_the_sound(codec: str) -> None:
    sound = 0.3 * tone(1, 440)
    heard = coded(sound, codec)
    assert len(heard) == len(sound)
    assert np.corrcoef(heard[800:], sound[800:])[0, 1] > 0.9 or codec == "gsm"


def test_only_hard_lines_have_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Exchange, "_noise", lambda _, sort, count, draw: np.ones(count))  # music need not be installed
    found = {
        hard: {Exchange("tuning", 1, hard=hard).call(number, "sit").strata["line"] for number in range(30)}
        for hard in (False, True)
    }
    assert found[False] == {"none"}
    assert len(found[True] - {"none"}) > 2
