"""Control messages of chan_websocket: whatever comes is one, or it is not."""

import json

from hypothesis import given
from hypothesis import strategies as st

from ari_app.media.transports.chan_websocket import (
    MAX_MESSAGE,
    Command,
    Event,
    order,
    read_command,
    read_event,
    tell,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def test_what_is_told_is_read() -> None:
    assert read_event(tell(Event.START, connection_id="a", ptime=20).encode()) == (
        Event.START,
        {"event": "MEDIA_START", "connection_id": "a", "ptime": 20},
    )
    assert read_command(order(Command.FLUSH).encode()) == (Command.FLUSH, {"command": "FLUSH_MEDIA"})


def test_what_is_not_known_is_passed_over() -> None:
    assert read_event(b'{"event": "OF_NEXT_YEAR", "x": 1}') == (None, {"event": "OF_NEXT_YEAR", "x": 1})


def test_what_is_none() -> None:
    for data in (
        b"",
        b"MEDIA_START",
        b"[]",
        b"3",
        b'{"event": 3}',
        b'{"command": "HANGUP"}',
        b"\xff\xfe",
        b"[" * 60_000,
    ):
        assert read_event(data) is None
    assert read_command(b'{"command": "HANGUP", "x": "' + b"x" * MAX_MESSAGE + b'"}') is None


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    for read in (read_event, read_command):
        found = read(data)
        assert found is None or isinstance(found[1], dict)


@given(JSON)
def test_any_json(value: object) -> None:
    found = read_command(json.dumps(value).encode())
    assert (found is not None) == (isinstance(value, dict) and isinstance(value.get("command"), str))
