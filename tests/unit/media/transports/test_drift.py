"""By how much a sender's clock is faster."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.media.transports.drift import ENOUGH, WHILE, Drift
from ari_app.media.transports.rtp import Packet


def packet(index: int, *, ssrc: int = 7, first: int = 2**32 - 16000) -> Packet:
    return Packet(0, index % 65536, (first + 160 * index) % 2**32, ssrc, bytes(160))


@given(st.floats(-0.02, 0.02), st.floats(0, 0.06), st.integers(0, 2**32))
def test_it_is_found_through_jitter_loss_and_the_wrap(faster: float, jitter: float, seed: int) -> None:
    """30 s of it; what is left of the jitter is what the quickest of a while is late by."""
    drift, dice = Drift(8000), random.Random(seed)
    sent = [(index * 0.02 / (1 + faster), index) for index in range(1500) if dice.random() < 0.9]
    for at, index in sorted((at + dice.uniform(0, jitter), index) for at, index in sent):
        drift.arrived(packet(index), 1000 + at)
    assert drift.value == pytest.approx(faster, abs=0.0005 + jitter / 40)


def test_nothing_is_said_too_early() -> None:
    drift = Drift(8000)
    for index in range(int((ENOUGH + WHILE) / 0.02)):
        drift.arrived(packet(index), index * 0.02)
        assert drift.value is None
    begun = int((ENOUGH + WHILE) / 0.02)
    for index in range(begun, begun + int(2 * WHILE / 0.02)):
        drift.arrived(packet(index), index * 0.02)
    assert drift.value == pytest.approx(0, abs=1e-6)


def test_silence_that_is_not_sent_changes_nothing_and_another_stream_begins_anew() -> None:
    drift = Drift(8000)
    for index in [*range(500), *range(1000, 1500)]:
        drift.arrived(packet(index), index * 0.02 / 1.01)
    assert drift.value == pytest.approx(0.01, abs=0.0005)
    drift.arrived(packet(1500, ssrc=8), 30.0)
    assert drift.value is None
    for index in range(1501, 3000):
        drift.arrived(packet(index, ssrc=8), 30.0 + (index - 1500) * 0.02 / 0.99)
    assert drift.value == pytest.approx(-0.01, abs=0.0005)
    drift.arrived(packet(3000, ssrc=8, first=1_000_000), 60.5)  # its timestamps jump
    assert drift.value is None
