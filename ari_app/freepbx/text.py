"""Text as FreePBX left it in tables: UTF-8, Windows-1252, or UTF-8 that was taken for Windows-1252 once too often."""

from __future__ import annotations

import re

#: without a sign before them, at most nine digits: no larger number means anything here
_NUMBER = re.compile(r"[0-9]{1,9}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def decode(raw: bytes) -> str:
    """Bytes of a column. What is not UTF-8 is Windows-1252, which MySQL calls latin1."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(_cp1252(byte) for byte in raw)


def _cp1252(byte: int) -> str:
    try:
        return bytes((byte,)).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)  # MySQL's latin1 has control characters where Windows-1252 has none


def repaired(text: str) -> str:
    """Text that was encoded twice ("MÃ¼ller"), made whole; other text as it is.

    FreePBX wrote UTF-8 over a connection that was set to latin1, so that a utf8mb3 table has each byte as a character.
    No correct name is changed: bytes that are valid UTF-8 are no sensible Windows-1252 text.
    """
    if text.isascii():
        return text
    try:
        raw = b"".join(_byte(character) for character in text)
        return raw.decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text


def _byte(character: str) -> bytes:
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:
        return character.encode("latin-1")


def printable(text: str) -> str:
    """Without control characters, and without spaces at the ends."""
    return _CONTROL.sub("", text).strip()


def whole(text: str) -> int | None:
    """A number from 0, or None. FreePBX' columns are text: "" is no number, "08" is 8."""
    text = text.strip()
    return int(text) if _NUMBER.match(text) else None


def flag(text: str) -> bool:
    """A boolean as FreePBX and Asterisk write them."""
    return text.strip().lower() in ("1", "yes", "true", "on", "y", "t", "enabled")
