"""Who speaks, by how much is said and how it pauses: a human answers and waits, a machine recites."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

#: Pauses count for no more than so many times the voice: a human says hello, and hello again, when he hears nothing.
_MOST_PAUSED = 2


@dataclass(frozen=True, slots=True)
class Profile:
    """How long to listen, in ms. A longer greeting is a machine's; a shorter one with silence after it a human's.

    A human who says as much as some machines do says it in one breath, a machine in sentences: so each pause counts
    as so much voice."""

    machine_voice: int
    pause: int  # what a pause between phrases (talk.PHRASE_MS) counts for; 0: nothing
    long_pause: int  # what one between sentences (talk.SENTENCE_MS) counts for beside that
    short_voice: int
    short_silence: int
    long_silence: int
    #: Voice, pauses counted, that few humans have and many machines: silence after it must be longer. 0: none
    doubtful_voice: int = 0
    doubtful_silence: int = 0
    #: Voice of more syllables is not short, however few ms it lasts. 0: any number may be
    short_syllables: int = 0
    #: Voice of fewer syllables is that of somebody who speaks slowly or pauses, and a machine's only when it is longer.
    #: 0: none is
    few_syllables: int = 0
    slow_machine_voice: int = 0

    def needed(self, syllables: int) -> int:
        """Voice of so many syllables, pauses counted, that makes a machine."""
        return self.slow_machine_voice if syllables < self.few_syllables else self.machine_voice


#: fast: machines are known sooner, and talkative humans taken for them. safe-for-humans: the other way round.
PROFILES: Mapping[str, Profile] = {
    "fast": Profile(3000, 500, 500, short_voice=900, short_silence=700, long_silence=1000),
    "balanced": Profile(
        4600,
        500,
        2000,
        short_voice=1100,
        short_silence=880,
        long_silence=1260,
        doubtful_voice=4000,
        doubtful_silence=1700,
        short_syllables=4,
        few_syllables=17,
        slow_machine_voice=5200,
    ),
    "safe-for-humans": Profile(6000, 500, 500, short_voice=1200, short_silence=900, long_silence=1400),
}


class Greeting(NamedTuple):
    """What a classifier decides on. Times in ms."""

    voice: int  # of speech so far, short pauses included
    silence: int  # since the last speech
    onset: int  # media time at which the first speech began
    phrases: int = 0  # pauses between phrases, after which it went on
    sentences: int = 0  # those of them that are as long as between sentences
    syllables: int = 1  # so far


#: Says who speaks: LV or AM and why, or None as long as it cannot be known.
Classifier = Callable[[Greeting, Profile], tuple[str, str] | None]


def by_length(greeting: Greeting, profile: Profile) -> tuple[str, str] | None:
    """Humans say little and wait for an answer; machines say a sentence or more."""
    paused = greeting.phrases * profile.pause + greeting.sentences * profile.long_pause
    counted = greeting.voice + min(paused, _MOST_PAUSED * greeting.voice)
    needed = profile.needed(greeting.syllables)
    if counted >= needed:
        pauses = f", pauses counted: {greeting.phrases}" if counted > greeting.voice else ""
        return "AM", f"voice of {needed} ms and more{pauses}"
    short = greeting.voice <= profile.short_voice and not 0 < profile.short_syllables < greeting.syllables
    if short and greeting.silence >= profile.short_silence:
        return "LV", f"short voice, then silence of {profile.short_silence} ms"
    doubtful = 0 < profile.doubtful_voice <= counted
    silence = profile.doubtful_silence if doubtful else profile.long_silence
    if greeting.silence >= silence:
        return "LV", f"voice, then silence of {silence} ms"
    return None
