"""AudioSocket: messages of kind, length and payload over TCP (Asterisk: res_audiosocket.h, AudioSocket.md). Pure.

    1 byte kind | 2 bytes length, big-endian | payload

The side that is called says nothing first: Asterisk names the call by a UUID, and audio follows both ways as signed
16-bit little-endian samples.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple
from uuid import UUID

from ari_app.media.frames import FRAME_BYTES

HEADER = struct.Struct("!BH")
MAX_PAYLOAD = 0xFFFF


class Kind(IntEnum):
    """What a message says."""

    HANGUP = 0x00
    ID = 0x01  # 16 bytes of UUID: the first message of Asterisk
    DTMF = 0x03  # one digit, ASCII
    AUDIO_8K = 0x10
    AUDIO_12K = 0x11
    AUDIO_16K = 0x12
    AUDIO_24K = 0x13
    AUDIO_32K = 0x14
    AUDIO_44K = 0x15
    AUDIO_48K = 0x16
    AUDIO_96K = 0x17
    AUDIO_192K = 0x18
    ERROR = 0xFF


#: of every kind of audio: samples a second
RATES = {
    Kind.AUDIO_8K: 8000,
    Kind.AUDIO_12K: 12000,
    Kind.AUDIO_16K: 16000,
    Kind.AUDIO_24K: 24000,
    Kind.AUDIO_32K: 32000,
    Kind.AUDIO_44K: 44100,
    Kind.AUDIO_48K: 48000,
    Kind.AUDIO_96K: 96000,
    Kind.AUDIO_192K: 192000,
}
AUDIO = {rate: kind for kind, rate in RATES.items()}
#: pieces of FRAME_BYTES that are 20 ms (Attachment) -> the kind of their audio
KIND_OF = {1: Kind.AUDIO_8K, 2: Kind.AUDIO_16K}
_BY_NUMBER = {kind.value: kind for kind in Kind}
_AUDIO = Kind.AUDIO_8K.value
_FRAME_HEAD = HEADER.pack(_AUDIO, FRAME_BYTES)
_FRAME_SIZE = len(_FRAME_HEAD) + FRAME_BYTES


class Message(NamedTuple):
    """One message."""

    kind: Kind
    payload: bytes = b""

    @property
    def uuid(self) -> UUID:
        """Of an ID: which call this is."""
        return UUID(bytes=self.payload)


def build(message: Message) -> bytes:
    """The bytes of a message. Raises ValueError for a payload over 65,535 bytes."""
    if len(message.payload) > MAX_PAYLOAD:
        raise ValueError(f"payload: {len(message.payload)} bytes do not fit into one message")
    return HEADER.pack(message.kind, len(message.payload)) + message.payload


def build_frame(frame: bytes) -> bytes:
    """The bytes of a frame (frames.py)."""
    return _FRAME_HEAD + frame


def build_audio(samples: bytes, pieces: int) -> bytes:
    """The messages, of 20 ms each, that samples become; pieces: a key of KIND_OF. Of the last there may be less."""
    kind, size = KIND_OF[pieces], FRAME_BYTES * pieces
    return b"".join(build(Message(kind, samples[at : at + size])) for at in range(0, len(samples), size))


class Parser:
    """Cuts a stream into messages. Holds less than one message, so at most 65,538 bytes.

    Never raises: a peer that does not speak the protocol ends it, and `broken` says why. A kind that is not known is
    passed over, as newer ones may come. Garbage is recognised by its beginning, which is not an ID, and of the side
    that is called no kind that is known.
    """

    def __init__(self, *, named: bool = False) -> None:
        """named: of the side that is called, which does not name itself."""
        self._rest = bytearray()
        self._needed = 0  # bytes until the message that is held is whole, if that is known
        self._named = named
        self._begun = False  # a message has come
        #: why this is not AudioSocket; empty while it is
        self.broken = ""

    def frame(self, data: bytes) -> bytes:
        """The frame that these bytes are, if they are one of 20 ms and nothing else, and nothing before them is waited
        for; else they are to be fed, and this is empty. Nearly all there are."""
        if len(data) == _FRAME_SIZE and data.startswith(_FRAME_HEAD) and self._named and not self._rest:
            return b"" if self.broken else data[len(_FRAME_HEAD) :]
        return b""

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are complete with these bytes, in order; none once it is broken."""
        messages: list[Message] = []
        if self.broken:
            return messages
        if self._rest:
            self._rest += data
            if len(self._rest) < self._needed:
                return messages
            data = bytes(self._rest)
            self._rest.clear()
        self._needed = 0
        start, size = 0, len(data)
        while size - start >= HEADER.size:
            kind, length = HEADER.unpack_from(data, start)
            # before the wait for a payload that may never come
            self.broken = self._fault(kind, length)
            if self.broken:
                return messages
            end = start + HEADER.size + length
            if end > size:
                self._needed = end - start
                break
            known = _BY_NUMBER.get(kind)
            if known is not None:
                messages.append(Message(known, data[start + HEADER.size : end]))
            self._named = self._begun = True
            start = end
        self._rest += data[start:]
        return messages

    def _fault(self, kind: int, length: int) -> str:
        if kind == _AUDIO and self._named and not length % 2:  # nearly all there are
            return ""
        if not self._named and kind not in (Kind.ID, Kind.HANGUP, Kind.ERROR):
            return f"the first message is of kind {kind:#04x}, not the id of a call"
        if not self._begun and kind not in _BY_NUMBER:
            return f"the first message is of kind {kind:#04x}, which there is not"
        if kind == Kind.ID and (length != 16 or self._named):
            return f"an id of {length} bytes" if length != 16 else "a second id"
        if kind == Kind.DTMF and length != 1:
            return f"a DTMF message of {length} bytes"
        if kind in RATES and length % 2:
            return f"audio of {length} bytes, which is half a sample too much"
        return ""
