"""AudioSocket: any chunking gives the same messages; a peer that speaks something else ends in a state."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.media.transports.audiosocket import AUDIO, MAX_PAYLOAD, RATES, Kind, Message, Parser, build

CALL = UUID("40325ec2-5efd-4bd3-805f-53576e581d13")
FIRST = Message(Kind.ID, CALL.bytes)
MESSAGES = st.one_of(
    st.builds(
        Message,
        st.sampled_from(sorted(RATES)),
        st.binary(max_size=700).map(lambda data: data[: len(data) // 2 * 2]),
    ),
    st.builds(Message, st.just(Kind.DTMF), st.sampled_from([b"1", b"#", b"*"])),
    st.builds(Message, st.just(Kind.ERROR), st.binary(max_size=2)),
    st.just(Message(Kind.HANGUP)),
)


@given(st.lists(MESSAGES, max_size=10), st.lists(st.integers(0, 4000), max_size=20))
def test_any_chunking_gives_the_same_messages(messages: list[Message], cuts: list[int]) -> None:
    sent = [FIRST, *messages]
    data = b"".join(map(build, sent))
    parser, found, at = Parser(), [], 0
    for cut in [*sorted(cuts), len(data)]:
        found += parser.feed(data[at:cut])
        at = max(at, cut)
    assert found == sent
    assert not parser.broken
    assert found[0].uuid == CALL


@given(st.lists(st.binary(max_size=300), max_size=10))
def test_garbage_ends_in_a_state(chunks: list[bytes]) -> None:
    parser = Parser()
    for chunk in chunks:
        was_broken = parser.broken
        messages = parser.feed(chunk)
        assert not (was_broken and messages)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"GET / HTTP/1.1\r\n", "first message"),
        (build(Message(Kind.AUDIO_8K, bytes(320))), "first message"),
        (build(Message(Kind.ID, b"short")), "5 bytes"),
        (build(FIRST) + build(FIRST), "second id"),
        (build(FIRST) + build(Message(Kind.DTMF, b"12")), "DTMF"),
        (build(FIRST) + build(Message(Kind.AUDIO_8K, b"odd")), "half a sample"),
        (build(FIRST) + b"\x10\xff\xff", "half a sample"),  # known from its head
    ],
)
def test_what_is_not_audiosocket(data: bytes, why: str) -> None:
    parser = Parser()
    parser.feed(data)
    assert why in parser.broken
    assert parser.feed(build(Message(Kind.HANGUP))) == []


def test_an_unknown_kind_is_passed_over() -> None:
    parser = Parser()
    after = Message(Kind.AUDIO_8K, bytes(320))
    assert parser.feed(build(FIRST) + b"\x7f\x00\x02xy" + build(after)) == [FIRST, after]
    assert not parser.broken


def test_a_payload_that_does_not_fit() -> None:
    with pytest.raises(ValueError, match="payload"):
        build(Message(Kind.AUDIO_8K, bytes(MAX_PAYLOAD + 1)))


def test_every_rate_has_its_kind() -> None:
    assert AUDIO[8000] is Kind.AUDIO_8K
    assert AUDIO[16000] is Kind.AUDIO_16K
    assert len(AUDIO) == len(RATES) == 9
