"""Special information tones: E.180's and North America's, broken by loss; and three tones that are none."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ari_app.media.features import Features
from ari_app.media.special_information import SpecialInformation, Tones
from tests.unit.media.signals import Samples, features, noise, silence, sine


def heard(found: list[Features]) -> list[Tones]:
    tones = SpecialInformation()
    return [told for frame in found if (told := tones.hear(frame)) is not None]


def three(*parts: tuple[float, float], gap: float = 0, snr: float = 30) -> Samples:
    sound = [piece for hz, ms in parts for piece in (sine(hz, ms), silence(gap))]
    said = np.concatenate([silence(400), *sound, silence(600)])
    return said + noise(len(said) / 8, -18 - snr)


NORTH_AMERICA = [
    tuple(zip(hertz, lengths, strict=True))
    for hertz in itertools.product((913.8, 985.2), (1370.6, 1428.5), (1776.7,))
    for lengths in ((274, 274, 380), (380, 274, 380), (274, 380, 380), (380, 380, 380))
]


@pytest.mark.parametrize("parts", NORTH_AMERICA)
def test_north_americas(parts: tuple[tuple[float, float], ...]) -> None:
    (told,) = heard(features(three(*parts)))
    assert told.hertz == pytest.approx([hz for hz, _ in parts], abs=5)
    assert told.since == pytest.approx(400, abs=20)


@pytest.mark.parametrize("off", [-50, 0, 50])
def test_e_180s_with_its_tolerance(off: float) -> None:
    assert len(heard(features(three((950 + off, 330), (1400 + off, 330), (1800 + off, 330), gap=20)))) == 1


@pytest.mark.parametrize("first", range(0, 60, 3))
def test_up_to_five_frames_that_are_lost_change_nothing(first: int) -> None:
    found = features(three((950, 330), (1400, 330), (1800, 330)), lose=frozenset(range(first, first + 5)))
    assert len(heard(found)) == 1


@pytest.mark.parametrize(
    "parts",
    [
        ((950, 330), (1800, 330), (1400, 330)),
        ((1800, 330), (1400, 330), (950, 330)),
        ((950, 330), (1400, 330)),
        ((950, 900), (1400, 330), (1800, 330)),
        ((950, 80), (1400, 80), (1800, 330)),
        ((750, 330), (1400, 330), (1800, 330)),
    ],
    ids=["order", "falling", "two", "long", "short", "pitch"],
)
def test_what_is_none(parts: tuple[tuple[float, float], ...]) -> None:
    assert heard(features(three(*parts))) == []


def test_pauses_between_them_are_short() -> None:
    assert heard(features(three((950, 330), (1400, 330), (1800, 330), gap=400))) == []


def test_told_once_and_again_when_they_come_again() -> None:
    once = three((950, 330), (1400, 330), (1800, 330))
    assert len(heard(features(once, once))) == 2


@pytest.mark.parametrize("snr", [40, 20])
@pytest.mark.parametrize("tones", [((950, 330), (1400, 330), (1800, 330)), *NORTH_AMERICA])
@pytest.mark.parametrize("cut", [60, 150, 260, 330, 400, 480])
def test_a_first_tone_that_is_cut_off_or_missing(cut: int, tones: tuple[tuple[float, float], ...], snr: float) -> None:
    """What is heard begins in the tones: nothing but them is before the second."""
    sound = np.concatenate([sine(hz, ms) for hz, ms in tones])[cut * 8 :]
    said = np.concatenate([sound, silence(1500)])
    (told,) = heard(features(said + noise(len(said) / 8, -18 - snr)))
    assert told.hertz[-2:] == pytest.approx([hz for hz, _ in tones[1:]], abs=8)
    assert told.since <= 40


def test_two_tones_later_in_a_call_are_none() -> None:
    assert heard(features(np.concatenate([noise(200, -30), silence(300), sine(1400, 330), sine(1800, 330)]))) == []
    assert heard(features(np.concatenate([sine(1400, 700), sine(1800, 330), silence(300)]))) == []
    assert heard(features(np.concatenate([sine(1400, 330), sine(1800, 200), silence(300)]))) == []
