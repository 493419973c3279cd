"""A text in sentences, so that a long one begins to be heard with its first."""

from __future__ import annotations

import re

#: What ends a sentence, with the quotes and brackets that close after it, before a space; or an empty line.
_END = re.compile(r"(?<=[.!?;:…。！？])[\"'”’)\]]*\s+|\s*\n\s*\n\s*|(?<=[。！？])")
#: Abbreviations after which a sentence goes on.
_GOES_ON = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|No|Nr|vs|etc|e\.g|i\.e|z\.B|approx)|\b[A-Z])\.$")
#: No sentence is longer: a text without stops begins to be heard too.
LONGEST = 300
#: A shorter one is spoken with the next: engines make a pause after each.
_SHORTEST = 20


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order, none empty, none longer than LONGEST characters.

    Joined by spaces they are the text, but for its white space.
    """
    found: list[str] = []
    for piece in _pieces(text):
        for part in _bounded(" ".join(piece.split())):
            short = found and (len(found[-1]) < _SHORTEST or _GOES_ON.search(found[-1]))
            if short and len(found[-1]) + 1 + len(part) <= LONGEST:
                found[-1] += " " + part
            else:
                found.append(part)
    return found


def _pieces(text: str) -> list[str]:
    pieces, start = [], 0
    for match in _END.finditer(text):
        pieces.append(text[start : match.end()])
        start = match.end()
    return [*pieces, text[start:]]


def _bounded(piece: str) -> list[str]:
    parts = []
    while len(piece) > LONGEST:
        cut = max(piece.rfind(", ", 0, LONGEST) + 1, 0) or piece.rfind(" ", 0, LONGEST)
        cut = cut if cut > 0 else LONGEST
        parts.append(piece[:cut].strip())
        piece = piece[cut:].strip()
    return [part for part in [*parts, piece] if part]
