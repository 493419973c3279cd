"""Calls as they are heard from the answer on: a second of line noise, who answers, line noise to the end."""

from __future__ import annotations

import numpy as np

from tests.unit.media.signals import Samples, answer_tone, cadence, noise, silence, sine, voice


def call(*parts: Samples, level: float = -62, seconds: float = 16) -> Samples:
    """The parts after a second of line noise of this level in dBFS, which goes on to the end."""
    sound = np.concatenate([silence(1000), *parts])
    sound = np.concatenate([sound, silence(max(0.0, 1000 * seconds - len(sound) / 8))])
    return sound + noise(len(sound) / 8, level)


HUMAN = call(voice(600))
MACHINE = call(voice(2400), silence(400), voice(1900, seed=2), silence(700), sine(1000, 400))
SILENT_MACHINE = call(voice(2400), silence(400), voice(1900, seed=2))
SHORT_MACHINE = call(voice(700), silence(1500), sine(1400, 300))
FAX = call(answer_tone(3000))
MODEM = call(answer_tone(3300, reversals=True, swings=True))
RINGBACK = call(cadence([2000, 4000], 440, 480), voice(600))
NOBODY = call()
