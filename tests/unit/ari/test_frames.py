"""Frames cut here and frames parsed by the library: the same messages, however they are cut up on the way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, SERVER, Protocol

from ari_app.ari.frames import FrameCutter, Other

LIMIT = 70_000

sizes = st.one_of(st.integers(0, 300), st.sampled_from([125, 126, 127, 65_535, 65_536, LIMIT]))


@st.composite
def whole(draw: st.DrawFn) -> Frame:
    opcode = draw(st.sampled_from([Opcode.TEXT, Opcode.BINARY]))
    return Frame(opcode, bytes([draw(st.integers(32, 126))]) * draw(sizes))


@st.composite
def control(draw: st.DrawFn) -> Frame:
    return Frame(draw(st.sampled_from([Opcode.PING, Opcode.PONG])), draw(st.binary(max_size=125)))


UNUSUAL = [
    [Frame(Opcode.TEXT, b"one ", fin=False), Frame(Opcode.PING, b"!"), Frame(Opcode.CONT, b"two")],
    [Frame(Opcode.TEXT, b"", fin=False), Frame(Opcode.CONT, b"", fin=False), Frame(Opcode.CONT, b"end")],
    [Frame(Opcode.CLOSE, b"\x03\xe8bye"), Frame(Opcode.TEXT, b"too late")],
    [Frame(Opcode.TEXT, b"x" * (LIMIT + 1))],
    [Frame(Opcode.CONT, b"of nothing")],
]
frames = st.lists(st.one_of(whole(), whole(), control()), max_size=8)


def seen(protocol: Protocol) -> list[tuple[Opcode, bool, bytes]]:
    """What it parsed; text and binary are one to us."""
    return [
        (Opcode.TEXT if event.opcode is Opcode.BINARY else event.opcode, event.fin, bytes(event.data))
        for event in protocol.events_received()
        if isinstance(event, Frame)
    ]


def library() -> Protocol:
    return Protocol(SERVER, state=OPEN, max_size=LIMIT)


def wire(sent: list[Frame]) -> bytes:
    return b"".join(frame.serialize(mask=True) for frame in sent)


@given(frames, st.one_of(st.just([]), st.sampled_from(UNUSUAL)), frames, st.lists(st.integers(1, 5000)))
def test_what_comes_out_is_what_the_library_sees(
    before: list[Frame], unusual: list[Frame], after: list[Frame], pieces: list[int]
) -> None:
    data = wire([*before, *unusual, *after])
    alone = library()
    alone.receive_data(data)

    cutter: FrameCutter | None = FrameCutter(LIMIT)
    rest, found = library(), []
    while data:
        size = pieces.pop() if pieces else len(data)
        piece, data = data[:size], data[size:]
        if cutter is None:
            rest.receive_data(piece)
            found += seen(rest)
            continue
        for each in cutter.feed(piece):
            if isinstance(each, Other):
                rest.receive_data(each.data)
                found += seen(rest)
                if each.rest:
                    cutter = None
            else:
                found.append((Opcode.TEXT, True, bytes(each)))

    assert found == seen(alone)
    assert rest.close_sent == alone.close_sent
    assert bool(unusual) == (cutter is None)


@given(whole())
def test_unmasked_frames_of_a_client_are_the_librarys_to_refuse(frame: Frame) -> None:
    data = frame.serialize(mask=False)
    assert FrameCutter(LIMIT).feed(data) == [Other(data, rest=True)]


def test_a_frame_that_claims_to_be_huge_is_not_waited_for() -> None:
    head = bytes((0x81, 0xFF)) + (1 << 62).to_bytes(8, "big") + b"mask"
    assert FrameCutter(LIMIT).feed(head) == [Other(head, rest=True)]
    ping = bytes((0x89, 0xFE)) + (60_000).to_bytes(2, "big") + b"mask"
    assert FrameCutter(LIMIT).feed(ping) == [Other(ping, rest=True)]
