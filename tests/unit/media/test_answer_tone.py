"""The answer tone: plain, reversed, swinging; through loss, noise and a mobile network's codec."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
import soundfile

from ari_app.media.answer_tone import Answer, AnswerTone
from ari_app.media.features import Features
from tests.unit.media.signals import Samples, answer_tone, features, noise, silence, sine


def heard(found: list[Features]) -> list[Answer]:
    tone = AnswerTone()
    return [answer for frame in found if (answer := tone.hear(frame)) is not None]


def line(tone: Samples, snr: float = 35) -> Samples:
    sound = np.concatenate([silence(500), tone, silence(600)])
    return sound + noise(len(sound) / 8, -18 - snr)


def gsm(sound: Samples) -> Samples:
    """Through GSM 06.10 and back."""
    with io.BytesIO() as file:
        soundfile.write(file, sound / 32768, 8000, format="WAV", subtype="GSM610")
        file.seek(0)
        return np.asarray(soundfile.read(file, dtype="float64")[0]) * 32768


def reversed_at(period: float, hz: float = 2100) -> Samples:
    time = np.arange(3.3 * 8000) / 8000
    return np.asarray(4000 * np.sin(2 * np.pi * hz * time + np.pi * (time // period)))


def losing(share: float, burst: int, seed: int) -> frozenset[int]:
    draw = random.Random(seed)
    starts = [frame for frame in range(250) if draw.random() < share / burst]
    return frozenset(frame + more for frame in starts for more in range(burst))


@pytest.mark.parametrize("hz", [2085, 2100, 2115])
def test_a_plain_one_is_a_fax_after_a_second(hz: float) -> None:
    (answer,) = heard(features(line(sine(hz, 3000))))
    assert (answer.name, answer.reason) == ("FX", "plain answer tone of 2100 Hz")
    assert answer.since == pytest.approx(500, abs=20)
    assert answer.hertz == pytest.approx(hz, abs=0.2)
    assert answer.level == pytest.approx(-18, abs=1)  # 0 is a sine of full scale


@pytest.mark.parametrize("period", [0.425, 0.45, 0.475])
def test_reversals_are_a_modem(period: float) -> None:
    (answer,) = heard(features(line(reversed_at(period))))
    assert (answer.name, answer.reason) == ("MD", "phase reversals of 2100 Hz")


@pytest.mark.parametrize("period", [0.2, 0.3, 0.6])
def test_other_reversals_are_not(period: float) -> None:
    assert "phase reversals of 2100 Hz" not in [answer.reason for answer in heard(features(line(reversed_at(period))))]


def test_a_swing_is_a_modem() -> None:
    (answer,) = heard(features(line(answer_tone(3300, swings=True))))
    assert (answer.name, answer.reason) == ("MD", "15 Hz in the level of 2100 Hz")


@pytest.mark.parametrize("burst", [1, 3, 6])
@pytest.mark.parametrize("seed", range(4))
def test_loss_makes_neither_of_the_other(burst: int, seed: int) -> None:
    """8 % lost; lost frames keep their time, so a reversal in one is still seen by the phase on its sides."""
    lose = losing(0.08, burst, seed)
    assert [a.name for a in heard(features(line(sine(2100, 3000)), lose=lose))] == ["FX"]
    assert [a.name for a in heard(features(line(reversed_at(0.45)), lose=lose))] == ["MD"]
    assert [a.name for a in heard(features(line(answer_tone(3300, swings=True)), lose=lose))] == ["MD"]


@pytest.mark.parametrize("hz", [2095, 2103, 2110])
def test_the_flutter_of_a_codec_is_no_modem_and_hides_no_reversal(hz: float) -> None:
    assert [a.name for a in heard(features(gsm(line(sine(hz, 3000)))))] == ["FX"]
    assert [a.name for a in heard(features(gsm(line(reversed_at(0.45, hz)))))] == ["MD"]


def test_a_short_one_is_told_at_its_end() -> None:
    (answer,) = heard(features(line(sine(2100, 800))))
    assert (answer.name, answer.reason) == ("FX", "answer tone of 2100 Hz that ended")
    assert heard(features(line(sine(2100, 400)))) == []


def test_two_are_told_one_after_the_other() -> None:
    sound = line(np.concatenate([sine(2100, 1500), silence(1000), reversed_at(0.45)]))
    assert [answer.name for answer in heard(features(sound))] == ["FX", "MD"]


@pytest.mark.parametrize("sound", [noise(4000, -20), sine(2000, 3000), sine(2200, 3000)], ids=["noise", "2000", "2200"])
def test_nothing_else_is_one(sound: Samples) -> None:
    assert heard(features(sound)) == []
