"""Frames become events; what does not fit is kept, counted, and never fatal."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.ari import events as ev
from ari_app.ari.protocol import FrameDecoder, UnknownEvent, event_time, timestamp_of

CHANNEL = {
    "id": "leg-1",
    "name": "PJSIP/1001-00000001",
    "state": "Up",
    "protocol_id": "x@host",
    "caller": {"name": "Bob", "number": "1001"},
    "connected": {"name": "", "number": ""},
    "accountcode": "",
    "dialplan": {"context": "default", "exten": "s", "priority": 1, "app_name": "Stasis", "app_data": "app,leg"},
    "creationtime": "2026-11-21T01:47:03.462+0000",
    "language": "en",
}
START = {
    "type": "StasisStart",
    "timestamp": "2026-11-21T01:47:03.463+0000",
    "args": ["leg"],
    "channel": CHANNEL,
    "asterisk_id": "02:56:9f:7a:09:00",
    "application": "app",
}


def decode(frame: Any) -> tuple[Any, FrameDecoder]:
    decoder = FrameDecoder()
    return decoder.decode(frame if isinstance(frame, (str, bytes)) else json.dumps(frame)), decoder


def test_an_event() -> None:
    event, decoder = decode(START)
    assert isinstance(event, ev.StasisStart)
    assert (event.type, event.args, event.channel.caller.number) == ("StasisStart", ["leg"], "1001")
    assert (event.unknown, event.synthetic) == (None, False)
    assert not decoder.unknowns.counts
    assert not decoder.unknown_events


def test_bytes_as_well() -> None:
    assert isinstance(decode(json.dumps(START).encode())[0], ev.StasisStart)


def test_unknown_fields_are_kept_and_counted_at_any_depth() -> None:
    frame = {
        **START,
        "mood": "good",
        "channel": {**CHANNEL, "colour": {"r": 1}, "caller": {**CHANNEL["caller"], "age": 7}},
    }  # type: ignore[dict-item]
    event, decoder = decode(frame)
    assert isinstance(event, ev.StasisStart)
    assert event.unknown == {"mood": "good", "channel.colour": {"r": 1}, "channel.caller.age": 7}
    assert event.channel.caller.number == "1001"
    decoder.decode(json.dumps(frame))
    assert decoder.unknowns.counts == {"StasisStart.mood": 2, "Channel.colour": 2, "CallerID.age": 2}
    assert decoder.unknowns.values["CallerID.age"] == 7


def test_an_unknown_type() -> None:
    event, decoder = decode({"type": "ChannelLevitated", "height": 3})
    assert event == UnknownEvent("ChannelLevitated", {"type": "ChannelLevitated", "height": 3}, "unknown type")
    assert decoder.unknown_events == {"ChannelLevitated": 1}


def test_a_missing_field() -> None:
    event, decoder = decode({k: v for k, v in START.items() if k != "args"})
    assert isinstance(event, UnknownEvent)
    assert event.type == "StasisStart"
    assert event.raw["channel"]["id"] == "leg-1"
    assert "args" in event.reason
    assert decoder.unknown_events == {"StasisStart": 1}


def test_a_type_that_does_not_fit() -> None:
    event, _ = decode({**START, "args": "leg"})
    assert isinstance(event, UnknownEvent)
    assert event.reason.startswith("invalid: Expected `array`")


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ('{"error": "InvalidMessage"}', "unknown type"),  # of developer builds, in place of an event
        ('{"type": 5}', "unknown type"),
        ('{"type": null}', "unknown type"),
        ("[]", "not an object"),
        ("null", "not an object"),
        ("", "not JSON"),
        ("{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"type": "\xff"}', "not JSON"),
    ],
)
def test_what_is_no_event(frame: str | bytes, reason: str) -> None:
    event, decoder = decode(frame)
    assert isinstance(event, UnknownEvent)
    assert event.reason == reason
    assert decoder.unknown_events == {"": 1}


@given(st.one_of(st.text(), st.binary()))
def test_no_frame_is_fatal(frame: str | bytes) -> None:
    FrameDecoder().decode(frame)


@given(
    st.dictionaries(
        st.sampled_from([*START, *CHANNEL, "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from([*CHANNEL, "x"]), inner, max_size=3)
            ),
            max_leaves=6,
        ),
    ),
    st.sampled_from(sorted(ev.MESSAGES)),
)
def test_no_object_is_fatal(fields: dict[str, Any], type_: str) -> None:
    event, _ = decode({**fields, "type": type_})
    assert event.type == type_


@pytest.mark.parametrize("name", sorted(ev.MESSAGES))
def test_every_type_of_event_can_be_decoded(name: str) -> None:
    event, _ = decode({**_example(ev.MESSAGES[name]), "type": name})
    assert type(event) is ev.MESSAGES[name]


def _example(type_: Any) -> Any:
    """A value of the type, with its required fields only."""
    import msgspec

    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        return {f.encode_name: _example(f.type) for f in msgspec.structs.fields(type_) if f.required}
    simple: dict[Any, Any] = {str: "x", int: 1, float: 1.5, bool: True}
    return simple[type_] if type_ in simple else ({} if getattr(type_, "__origin__", None) is dict else [])


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("2026-01-01T00:00:00.000+0000", datetime(2026, 1, 1, tzinfo=UTC).timestamp()),
        ("2026-11-21T01:47:03.462+0000", datetime(2026, 11, 21, 1, 47, 3, 462000, UTC).timestamp()),
        ("2026-11-21T02:47:03.462+0100", datetime(2026, 11, 21, 1, 47, 3, 462000, UTC).timestamp()),
        ("2026-02-28T23:59:59.999-0530", datetime(2026, 3, 1, 5, 29, 59, 999000, UTC).timestamp()),
    ],
)
def test_event_time(text: str, when: float) -> None:
    for _ in range(2):  # the second time the day is known
        assert event_time(text) == pytest.approx(when, abs=1e-4)


@pytest.mark.parametrize(
    "text", ["", "now", "2026-13-01T00:00:00.000+0000", "2026-01-01 00:00", "2026-01-01T0a:00:00.000+0000"]
)
def test_a_time_that_cannot_be_read_is_zero(text: str) -> None:
    assert event_time(text) == 0.0


@given(st.integers(min_value=0, max_value=4_000_000_000_000))
def test_times_there_and_back(milliseconds: int) -> None:
    text = timestamp_of(milliseconds / 1000)
    assert event_time(text) == pytest.approx(milliseconds / 1000, abs=0.0011)
