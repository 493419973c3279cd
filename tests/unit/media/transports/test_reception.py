"""Statistics of reception: counted against what a sender did, which the test knows."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.media.transports.reception import BPL_PLAIN, Reception, mos_of, r_factor
from ari_app.media.transports.rtp import Packet

FIRST = 65_500  # so that the sequence wraps within every test


def packet(index: int, *, ssrc: int = 7, first: int = FIRST) -> Packet:
    return Packet(0, (first + index) % 65536, (2**32 - 1600 + 160 * index) % 2**32, ssrc, bytes(160))


def test_a_stream_without_fault() -> None:
    reception = Reception()
    for index in range(500):
        assert reception.arrived(packet(index), 1000 + index * 0.02)
    quality = reception.quality()
    assert (quality.received, quality.expected, quality.lost, quality.reordered, quality.duplicates) == (
        500,
        500,
        0,
        0,
        0,
    )
    assert quality.jitter == pytest.approx(0, abs=1e-6)
    assert quality.mos == pytest.approx(4.4, abs=0.02)


@given(st.sets(st.integers(1, 198)), st.randoms(use_true_random=False), st.integers(0, 60))
def test_loss_order_and_duplicates_are_counted(missing: set[int], dice: random.Random, twice: int) -> None:
    """What is lost in the middle is lost, however the rest is shuffled within 60 ms and some of it sent twice."""
    sent = [index for index in range(200) if index not in missing]
    doubles = dice.choices(sent, k=twice)
    arrivals = sorted((index * 0.02 + dice.uniform(0, 0.06), index) for index in [*sent, *doubles])
    reception, seen = Reception(), set()
    for at, index in arrivals:
        assert reception.arrived(packet(index), at) == (index not in seen)
        seen.add(index)
    highest, late = -1, 0
    for index in dict.fromkeys(index for _, index in arrivals):
        late += index < highest
        highest = max(highest, index)
    quality = reception.quality()
    assert quality.received == len(sent)
    assert quality.expected == 200
    assert quality.lost == len(missing)
    assert quality.duplicates == twice
    assert quality.reordered == late
    assert quality.restarts == 0
    assert 1.0 <= quality.mos <= 4.41


def test_jitter_is_that_of_the_sender() -> None:
    """Each packet 5 ms early or late by turns: what lies between two differs by 10 ms, which the jitter tends to."""
    reception = Reception()
    for index in range(1000):
        reception.arrived(packet(index), index * 0.02 + (0.005 if index % 2 else -0.005))
    assert reception.quality().jitter == pytest.approx(0.01, rel=0.01)


@pytest.mark.parametrize(("ssrc", "first"), [(8, FIRST), (7, 20_000)])
def test_a_sender_that_begins_anew_loses_nothing(ssrc: int, first: int) -> None:
    reception = Reception()
    for index in range(50):
        reception.arrived(packet(index), index * 0.02)
    for index in range(50):
        assert reception.arrived(packet(index, ssrc=ssrc, first=first), 60 + index * 0.02)
    quality = reception.quality()
    assert (quality.received, quality.expected, quality.lost, quality.restarts) == (100, 100, 0, 1)
    assert quality.jitter < 0.001


def test_nothing_received() -> None:
    quality = Reception().quality()
    assert (quality.received, quality.expected, quality.lost, quality.loss) == (0, 0, 0, 0.0)


@given(st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 2**32 - 1), st.integers(0, 1)), max_size=60))
def test_any_stream_gives_sound_figures(stream: list[tuple[int, int, int]]) -> None:
    reception = Reception()
    for at, (sequence, timestamp, ssrc) in enumerate(stream):
        reception.arrived(Packet(0, sequence, timestamp, ssrc, b""), at * 0.02)
    quality = reception.quality()
    assert quality.received + quality.duplicates == len(stream)
    assert quality.received + quality.lost >= quality.expected
    assert 0.0 <= quality.loss <= 1.0
    assert 1.0 <= quality.mos <= 4.41
    assert quality.jitter >= 0


def test_opinion_scores_of_the_standard() -> None:
    """ITU-T G.107, table B.1: R to MOS."""
    assert [round(mos_of(r), 2) for r in (90, 80, 70, 60, 50)] == [4.34, 4.02, 3.60, 3.10, 2.58]
    assert mos_of(0) == mos_of(-5) == mos_of(3) == 1.0
    assert mos_of(100) == 4.5


def test_loss_and_delay_cost_what_the_e_model_says() -> None:
    assert r_factor(0, 0) == pytest.approx(93.2)
    assert r_factor(0, 0.1) == pytest.approx(93.2 - 2.4)
    assert r_factor(0, 0.3) == pytest.approx(93.2 - 7.2 - 0.11 * 122.7)
    assert r_factor(0.05, 0) == pytest.approx(93.2 - 95 * 5 / 30.1)
    assert r_factor(0.05, 0, BPL_PLAIN) < r_factor(0.05, 0)
    assert r_factor(1.0, 5.0) == 0
