"""Websocket frames (RFC 6455, section 5.2) cut out of what comes from the wire: whole messages are read here, pings and
pongs are left for the library as they came, and from anything else on the library has the stream to itself.

Why: an event of Asterisk is one unfragmented text frame. A parser that can do everything costs as much for it as
decoding its JSON and applying it to a call.
"""

from __future__ import annotations

from dataclasses import dataclass

try:
    from websockets.speedups import apply_mask
except ImportError:  # a wheel without C
    from websockets.utils import apply_mask
#: FIN and the opcode text or binary, no extension
_WHOLE = (0x81, 0x82)
_PING_PONG = (0x89, 0x8A)
_MASKED = 0x80


@dataclass(frozen=True, slots=True)
class Other:
    """For the library to parse: one frame, or the beginning of the rest of the stream."""

    data: bytes
    rest: bool = False


class FrameCutter:
    """Bytes of a masked stream (client to server) in, messages and other frames out, in order."""

    def __init__(self, limit: int) -> None:
        """`limit` in bytes: of a longer message and all that follows the library judges."""
        self._limit = limit
        self._kept = b""

    def feed(self, data: bytes) -> list[bytes | Other]:
        """What is complete by now. After an Other that is the `rest` this must not be called again."""
        if self._kept:
            data = self._kept + data
        found: list[bytes | Other] = []
        at, size = 0, len(data)
        while size - at >= 2:
            first, length = data[at], data[at + 1] & 0x7F
            start = at + 2
            if length >= 126:
                wide = 2 if length == 126 else 8
                if size - start < wide:
                    break
                length = int.from_bytes(data[start : start + wide], "big")
                start += wide
            masked = bool(data[at + 1] & _MASKED)
            whole = masked and first in _WHOLE and length <= self._limit
            if not whole and not (masked and first in _PING_PONG and length < 126):
                found.append(Other(data[at:], rest=True))
                at = size
                break
            end = start + 4 + length
            if end > size:
                break
            mask = data[start : start + 4]
            found.append(apply_mask(data[start + 4 : end], mask) if whole else Other(data[at:end]))
            at = end
        self._kept = data[at:]
        return found
