"""Ringback, busy and congestion of every country, by its own frequencies where they differ."""

import numpy as np
import pytest

from ari_app.media.cadence import COUNTRIES, CadenceDetector, Heard
from tests.unit.media.signals import Samples, cadence, features, noise, silence, sine, voice

RING_HERTZ = {"us": (440, 480), "tw": (440, 480), "uk": (400, 450), "nz": (400, 450), "au": (413, 438), "cn": (450,)}


def heard(sound: Samples, *countries: str) -> list[Heard]:
    detector = CadenceDetector(countries)
    found = features(sound + noise(len(sound) / 8, -45))
    return [tone for frame in found if (tone := detector.hear(frame, speech=False))]


@pytest.mark.parametrize("name", COUNTRIES)
def test_each_countrys_tones(name: str) -> None:
    country = COUNTRIES[name]
    single = (480, 620) if country.dual else (425,)
    (ring,) = heard(cadence(list(country.ring) * 2, *RING_HERTZ.get(name, (425,))), name)
    assert ring.kind == "ring"
    kinds = {tone.kind for tone in heard(cadence(list(country.busy) * 4, *single), name)}
    assert kinds == {"busy"} or country.busy == country.congestion
    kinds = {tone.kind for tone in heard(cadence(list(country.congestion) * 4, *single), name)}
    assert "congestion" in kinds or country.busy == country.congestion


def test_busy_is_known_within_two_cycles_and_a_half() -> None:
    (busy,) = heard(cadence([500, 500] * 4, 480, 620), "us")
    assert busy.at <= 1700
    assert busy.countries == ("us",)


def test_one_beep_is_no_cadence() -> None:
    assert heard(cadence([500, 3000], 440)) == []


def test_speech_begins_anew() -> None:
    detector = CadenceDetector()
    found = features(np.concatenate([cadence([500, 500, 500], 425), voice(600), cadence([400, 400], 425)]))
    assert not [t for i, frame in enumerate(found) if (t := detector.hear(frame, speech=75 <= i < 105))]


def test_the_beginning_of_a_tone_that_passes_for_speech_changes_nothing() -> None:
    """A codec's echo before the second tone of a double ring: the window is not yet full of the tone."""
    detector = CadenceDetector(["uk"])
    found = features(cadence([400, 200, 400, 2000], 400, 450) + noise(3000, -45))
    told = [t for i, frame in enumerate(found) if (t := detector.hear(frame, speech=28 <= i < 33))]
    assert [tone.kind for tone in told] == ["ring"]
    assert abs(told[0].level - -15) < 2


def test_other_cadences_are_none() -> None:
    assert heard(cadence([100, 900] * 4, 425)) == []
    assert heard(sine(425, 5000)) == []


def test_a_country_must_be_known() -> None:
    with pytest.raises(ValueError, match="country: xx"):
        CadenceDetector(["xx"])


def test_what_is_too_short_to_be_a_part_changes_nothing() -> None:
    """Music in a pause, and packets lost in a tone."""
    ring = cadence([400, 200, 400, 900], 400, 450)
    blip = np.concatenate([cadence([60], 425, level=-20), silence(1600)])
    assert [tone.kind for tone in heard(np.concatenate([ring, blip]), "uk")] == ["ring"]
    gap = np.concatenate([sine(425, 500), silence(40), sine(425, 460), silence(2000)])
    assert [tone.kind for tone in heard(gap, "de")] == ["ring"]
