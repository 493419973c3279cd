"""How frames are cut out of the stream before the library, which is asked what is right."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from ari_app.media.transports.websocket import Cutter, Masks

LIMIT = 70_000


def serialised(payloads: list[bytes], *, mask: bool) -> list[bytes]:
    return [Frame(Opcode.BINARY, payload).serialize(mask=mask) for payload in payloads]


def chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(places)]


payloads = st.lists(st.sampled_from([0, 1, 125, 126, 320, 0xFFFF, 0x10000]).map(bytes), max_size=6)


@given(payloads, st.booleans(), st.lists(st.integers(0, 200_000), max_size=30))
def test_however_a_stream_is_broken_its_frames_are_found(sent: list[bytes], mask: bool, cuts: list[int]) -> None:
    frames, cutter, found = serialised(sent, mask=mask), Cutter(LIMIT), []
    for chunk in chunks(b"".join(frames), cuts):
        data, places, well = cutter.cut(chunk)
        assert well
        for start, at, end in places:
            found.append(data[start:end])
            assert end - at == len(sent[len(found) - 1])
    assert found == frames


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=10))
def test_garbage_is_cut_into_pieces_and_nothing_of_it_is_lost(garbage: bytes, cuts: list[int]) -> None:
    cutter, seen = Cutter(100), b""
    for chunk in chunks(garbage, cuts):
        data, places, well = cutter.cut(chunk)
        after = 0
        for start, _, end in places:
            assert start == after
            seen += data[start:end]
            after = end
        if not well:
            seen += data[after:]
            break
    assert garbage.startswith(seen)
    assert len(garbage) - len(seen) < 114 or not well  # less than a frame is held


def test_a_frame_over_the_limit_is_not_waited_for() -> None:
    small, large = serialised([b"ab", bytes(LIMIT + 1)], mask=False)
    data, places, well = Cutter(LIMIT).cut(small + large[:20])
    assert [data[start:end] for start, _, end in places] == [small]
    assert not well


def test_keys_are_not_used_twice() -> None:
    masks = Masks(together=3)
    assert len({masks.next() for _ in range(100)}) > 95
