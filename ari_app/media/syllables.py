"""How many syllables were spoken: the peaks of the level, with a dip between each two.

Milliseconds of voice depend on who speaks: a slow "Hello?" lasts as long as a quick "Leave a message". Syllables tell
them apart.
"""

from __future__ import annotations

import math

#: From a syllable's peak the level falls by so many dB, and rises by as much to the next one.
_DIP = 4.0


class Syllables:
    """Counts those of one voice. Its memory is three numbers."""

    def __init__(self) -> None:
        self._over = 0  # syllables after whose peak the level has fallen
        self._rising = True
        self._turn = -math.inf  # dBFS: the highest level while it rises, the lowest one while it falls

    @property
    def count(self) -> int:
        """Those so far, the one that goes on included; 1 before anything was heard."""
        return self._over + self._rising

    def hear(self, level: float) -> None:
        """The level of a frame of the voice, in dBFS."""
        if self._rising:
            if level < self._turn - _DIP:
                self._over, self._rising, self._turn = self._over + 1, False, level
            else:
                self._turn = max(self._turn, level)
        elif level > self._turn + _DIP:
            self._rising, self._turn = True, level
        else:
            self._turn = min(self._turn, level)
