"""From packets to frames: order is restored, loss is marked where it was, silence is silence."""

import random
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.media import g711
from ari_app.media.frames import FRAME_BYTES, MAX_GAP_SAMPLES, Frame, Framer
from ari_app.media.transports.reception import Reception
from ari_app.media.transports.rtp import G722, L16_16K, PCMA, PCMU, Packet, parse
from ari_app.media.transports.rtp_codecs import CodecMissing, require_g722
from ari_app.media.transports.rtp_frames import DECODERS, ENCODERS, Depacketiser, Order, Packetiser

FIRST = 65_500


def packet(index: int, *, at: int | None = None, ssrc: int = 7, kind: int = PCMU) -> Packet:
    """The packet of an index, whose sound tells the index."""
    at = index if at is None else at
    return Packet(kind, (FIRST + index) % 65536, (2**32 - 1600 + 160 * at) % 2**32, ssrc, bytes([index % 127]) * 160)


def frame(index: int) -> bytes:
    return g711.ulaw_decode(bytes([index % 127]) * 160)


@given(st.sets(st.integers(1, 95)), st.randoms(use_true_random=False))
def test_loss_is_where_it_was_and_the_rest_in_order(missing: set[int], dice: random.Random) -> None:
    """Every packet up to 60 ms late, some lost: each frame is its own or None, none is moved."""
    sent = [index for index in range(100) if index not in missing]
    # the first is not late: what comes before the first that came is not known to be of the stream
    arrivals = sorted((index * 0.02 + (dice.uniform(0, 0.06) if index else 0), index) for index in sent)
    depacketiser, frames = Depacketiser(), []
    for _, index in arrivals:
        frames += depacketiser.push(packet(index))
    frames += depacketiser.flush()
    assert frames == [None if index in missing else frame(index) for index in range(100)]
    assert depacketiser.late == 0


def test_a_stream_in_order_is_not_delayed() -> None:
    depacketiser = Depacketiser()
    for index in range(100):
        assert depacketiser.push(packet(index)) == [frame(index)]


@pytest.mark.parametrize("pace", [0.99, 1.01])
def test_a_clock_that_runs_one_percent_fast_or_slow_costs_nothing(pace: float) -> None:
    """Ten minutes: every packet is a frame at once, none is lost, and the jitter is that of the drift."""
    depacketiser, reception = Depacketiser(), Reception()
    for index in range(30_000):
        assert reception.arrived(packet(index), index * 0.02 / pace)
        assert depacketiser.push(packet(index)) == [frame(index)]
    quality = reception.quality()
    assert (quality.lost, quality.restarts, quality.reordered, depacketiser.late) == (0, 0, 0, 0)
    assert quality.jitter == pytest.approx(0.0002, rel=0.05)


def test_one_that_comes_too_late_is_dropped() -> None:
    depacketiser, frames = Depacketiser(), []
    for index in (0, 2, 3, 4, 5, 1, 5, 6):
        frames += depacketiser.push(packet(index))
    assert frames == [frame(0), None, *(frame(index) for index in (2, 3, 4, 5, 6))]
    assert depacketiser.late == 2


def test_what_was_not_sent_is_silence() -> None:
    depacketiser = Depacketiser()
    depacketiser.push(packet(0))
    assert depacketiser.push(packet(1, at=4)) == [bytes(FRAME_BYTES)] * 3 + [frame(1)]


def test_another_stream_loses_nothing() -> None:
    depacketiser = Depacketiser()
    depacketiser.push(packet(0))
    depacketiser.push(packet(2))
    assert depacketiser.push(packet(9, ssrc=8)) == [None, frame(2), frame(9)]


def test_a_jump_of_the_timestamp_makes_seconds() -> None:
    depacketiser = Depacketiser()
    depacketiser.push(packet(0))
    assert len(depacketiser.push(packet(1, at=1_000_000))) == MAX_GAP_SAMPLES // 160 + 1


def test_comfort_noise_takes_its_time_and_no_sound() -> None:
    depacketiser = Depacketiser()
    frames = depacketiser.push(packet(0))
    frames += depacketiser.push(packet(1, kind=13))
    frames += depacketiser.push(packet(2, at=2))
    assert frames == [frame(0), bytes(FRAME_BYTES), frame(2)]
    assert depacketiser.foreign == 1


@given(st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 2**32 - 1), st.integers(0, 1)), max_size=60))
def test_whatever_comes_little_is_held(stream: list[tuple[int, int, int]]) -> None:
    order, out = Order(), 0
    for count, (sequence, timestamp, ssrc) in enumerate(stream, 1):
        out += len(order.push(Packet(0, sequence, timestamp, ssrc, b"")))
        assert count - out - order.late < 4
    out += len(order.flush())
    assert out + order.late == len(stream)


@pytest.mark.parametrize("kind", [PCMU, PCMA])
def test_what_is_encoded_is_decoded(kind: int) -> None:
    samples = DECODERS[kind](bytes(range(256)))
    assert DECODERS[kind](ENCODERS[kind](samples)) == samples


def test_no_depth_is_refused() -> None:
    with pytest.raises(ValueError, match="depth"):
        Order(0)


@given(
    st.lists(st.sampled_from([0, 1, 80, 159, 160, 160, 160, 160, 161, 240, 480]), max_size=60),
    st.integers(0, 65_535),
    st.integers(0, 2**32 - 1),
    st.sampled_from([PCMU, PCMA]),
)
def test_packets_of_any_size_give_the_same_frames(
    sizes: list[int], sequence: int, timestamp: int, payload_type: int
) -> None:
    """Those of 20 ms go another way than the rest."""
    sound = bytes(number * 7 % 256 for number in range(sum(sizes)))
    depacketiser, heard, at = Depacketiser(), list[Frame](), 0
    for number, size in enumerate(sizes):
        payload = sound[at : at + size]
        when = (timestamp + at) % 2**32
        heard += depacketiser.push(Packet(payload_type, (sequence + number) % 65_536, when, 5, payload))
        at += size
    assert heard == Framer().feed(DECODERS[payload_type](sound))


def wide(index: int, samples: int = 320, *, kind: int = L16_16K) -> Packet:
    """20 ms of L16 at 16 kHz; its sound tells the index."""
    return Packet(kind, (FIRST + index) % 65536, (2**32 - 3200 + 320 * index) % 2**32, 7, bytes([1, index]) * samples)


def wide_piece(index: int) -> bytes:
    """10 ms of it, as we have it: the low byte first."""
    return bytes([index, 1]) * 160


@given(st.sets(st.integers(1, 95)), st.randoms(use_true_random=False))
def test_sixteen_kilohertz_in_two_pieces_for_each_frame(missing: set[int], dice: random.Random) -> None:
    sent = [index for index in range(100) if index not in missing]
    arrivals = sorted((index * 0.02 + (dice.uniform(0, 0.06) if index else 0), index) for index in sent)
    depacketiser, reception, frames = Depacketiser(payload_type=L16_16K), Reception(16000), list[Frame]()
    for at, index in arrivals:
        assert reception.arrived(wide(index), at)
        frames += depacketiser.push(wide(index))
    frames += depacketiser.flush()
    pieces = [None if index in missing else wide_piece(index) for index in range(100) for _ in "ab"]
    assert frames == pieces
    assert depacketiser.late == 0
    assert reception.quality().jitter < 0.06


def test_of_two_rates_only_the_own_is_heard() -> None:
    narrow, both = Depacketiser(), Depacketiser(payload_type=L16_16K)
    assert narrow.push(wide(0)) == []
    assert both.push(packet(0)) == []
    assert (narrow.foreign, both.foreign) == (1, 1)


def test_half_a_sample_is_left_out() -> None:
    depacketiser = Depacketiser(payload_type=L16_16K)
    first = wide(0)._replace(payload=wide(0).payload + b"\1")
    assert depacketiser.push(first) == [wide_piece(0)] * 2
    assert depacketiser.push(wide(1)) == [wide_piece(1)] * 2


def test_packets_of_sixteen_kilohertz() -> None:
    packetiser, packets = Packetiser(L16_16K), []
    for said in (wide_piece(1) * 2, wide_piece(2), b"", wide_piece(3) * 2):
        packets.append(parse(packetiser.packet(said)))
    first, second, pause, third = packets
    assert first is not None
    assert second is not None
    assert third is not None
    assert pause is None
    assert (first.payload_type, first.payload) == (L16_16K, bytes([1, 1]) * 320)
    assert second.payload == bytes([1, 2]) * 160 + bytes(320)
    assert [(each.timestamp - first.timestamp) % 2**32 for each in (second, third)] == [320, 960]
    assert [each.marker for each in (first, second, third)] == [True, False, True]


def test_g722_there_and_back_with_a_packet_lost() -> None:
    """Its timestamps count 8 kHz, and its samples are of 16."""
    packetiser, depacketiser, frames = Packetiser(G722), Depacketiser(payload_type=G722), list[Frame]()
    sound = (8000 * np.sin(np.arange(16000) * 2 * np.pi * 6000 / 16000)).astype("<i2").tobytes()
    sent = [parse(packetiser.packet(sound[at : at + 640])) for at in range(0, len(sound), 640)]
    for index, each in enumerate(sent):
        assert each is not None
        assert len(each.payload) == 160
        assert (each.timestamp - sent[0].timestamp) % 2**32 == 160 * index
        if index != 20:
            frames += depacketiser.push(each)
    assert [index for index, each in enumerate(frames) if each is None] == [40, 41]
    assert len(frames) == 100
    heard = np.frombuffer(b"".join(filter(None, frames[60:])), "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    assert np.argmax(spectrum) * 16000 / len(heard) == pytest.approx(6000, abs=5)
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(8000 / np.sqrt(2), rel=0.1)


def test_a_library_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "G722", None)
    with pytest.raises(CodecMissing, match="wideband"):
        require_g722()
    with pytest.raises(CodecMissing):
        Packetiser(G722)
