"""How far ahead of what it plays Asterisk is sent audio."""

from __future__ import annotations

from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from ari_app.clock import ManualClock
from ari_app.media.frames import FRAME_BYTES
from ari_app.media.transports.asterisk_socket import LEAD, MESSAGE, AsteriskSocket
from ari_app.media.transports.pacing import PERIOD, Ticker
from ari_app.media.transports.websocket import Line, MediaConnection
from tests.unit.media.transports.ears import Listener


class Connection:
    """Takes all."""

    full = False

    def __init__(self) -> None:
        self.audio = b""

    def take(self, line: Line, reader: object = None) -> None:
        pass

    def write_binary(self, data: bytes) -> None:
        self.audio += data


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60))
def test_asterisk_has_something_to_play_and_never_much(said: list[int]) -> None:
    """Whatever is said when: what Asterisk has not played is bounded, and it runs dry only if nothing waits."""
    clock = ManualClock()
    attachment, connection = AsteriskSocket(Listener(), ticker=Ticker(clock)), Connection()
    attachment.joined(cast(MediaConnection, connection))
    held = 0
    for frames in said:
        attachment.say(bytes(frames * FRAME_BYTES))
        before = len(connection.audio)
        clock.advance(PERIOD)
        held = max(0, held - 1) + (len(connection.audio) - before) // FRAME_BYTES
        assert held <= LEAD + MESSAGE
        assert held >= min(LEAD, held + attachment.waiting)
