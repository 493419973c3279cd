"""What tones mean: beeps, fax, modem, special information tones, digits, and the tones that a user names.

Sources: CNG and CED of ITU-T T.30 and V.25, ANSam and phase reversals of V.8 and V.25, V.21 channel 2 of T.30's flags,
special information tones of E.180 (950, 1400, 1800 Hz) and of North America, DTMF of Q.23 and Q.24.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from ari_app.media import answer_tone
from ari_app.media.answer_tone import AnswerTone
from ari_app.media.features import NOTHING, Features
from ari_app.media.frames import FRAME_MS
from ari_app.media.melody import Melody, Timbre
from ari_app.media.proof import Proof
from ari_app.media.special_information import BANDS, SpecialInformation
from ari_app.media.tones import Tone

#: A tone of this length, in ms, is a beep or the tone that a user named. A voice may hold a low tone for as long.
BEEP_MS, _LOW_BEEP_MS, _LOW_HZ = 120, 140, 600
#: A fax or modem tone by the user's own frequency must be longer: a beep may have that frequency too.
_NAMED_ANSWER_MS = 400
#: Of a beep whose beginning was lost so many frames count as heard, at most.
_UNHEARD = 2
_FAX_MODEM = frozenset({"FX", "MD"})
_CALLING_HZ, _CALLING_TOLERANCE, _CALLING_MS = 1100, 40, (350, 650)
_BELL_103_HZ, _BELL_103_MS = 2225, 500
_SIT_MS = (200, 460)
_FSK_SHARE, _FSK_FRAMES = 0.85, 20
_LOW_GROUP, _HIGH_GROUP = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
_DIGITS = ("123A", "456B", "789C", "*0#D")
_DIGIT_TOLERANCE = 0.02  # Q.24: 1.5 % must be taken; the rest is for the measurement of a short one
#: Telephones are this exact. What is less so and as long as a beep may be a beep of two tones.
_DIGIT_EXACT = 0.008
_MUSIC_FRAMES = 100
_MUSIC_SHARE, _HALF_MUSIC_SHARE, _SOME_MUSIC_SHARE = 0.6, 0.4, 0.2
#: Frames of silence that prove a beep; that do it where none is expected, or one is but after another pitch; after
#: another pitch; and of what sounds like a note.
_PROOF_FRAMES, _SURE_FRAMES, _OTHER_FRAMES, _NOTE_FRAMES = 15, 21, 60, 100
#: Longer, in ms, what may be a note is one.
_LONGEST_DOUBTFUL = 1500
#: A machine beeps within so many ms of its greeting. What begins later needs a proof, and no other pitch before it.
_LATE_MS = 4000
#: And so soon, if none is expected: who was left with music has heard nothing for a while before it.
_LATE_UNEXPECTED_MS = 1800
#: After tones at so many other pitches a tone is a note.
_TUNE = 2
#: A beep stands out of what is before it, as after a word or two there is silence; a note follows on another.
_BEFORE_FRAMES, _OVER_BEFORE, _QUIETEST_BEFORE = 6, 8.0, -60.0  # dB, dBFS
_BEEP_HZ, _HIGHEST_OF_TWO = (350, 2600), 3400


@dataclass(frozen=True, slots=True)
class Signal:
    """A tone with a meaning. Times are media time in ms."""

    name: str  # FX, MD, SIT, BP, DTMF, or the user's name for it
    at: int  # when it was known
    since: int  # when it began
    reason: str
    hertz: tuple[float, ...] = ()
    digit: str = ""
    level: float = 0.0  # dBFS


@dataclass(frozen=True, slots=True)
class NamedTone:
    """A frequency that a user wants to be told of. Raises ValueError outside 300 to 3400 Hz, 0 to 500 Hz tolerance."""

    name: str
    hz: float
    tolerance: float

    def __post_init__(self) -> None:
        if not 300 <= self.hz <= 3400:
            raise ValueError(f"tones.{self.name}: a frequency of 300 to 3400 Hz, not {self.hz}")
        if not 0 <= self.tolerance <= 500:
            raise ValueError(f"tones.{self.name}: a tolerance of 0 to 500 Hz, not {self.tolerance}")


def named_tones(tones: Mapping[str, str]) -> tuple[NamedTone, ...]:
    """{"BP": "1000|10"} as tones. Raises ValueError with the name of the tone."""
    found = []
    for name, text in tones.items():
        hz, _, tolerance = text.partition("|")
        try:
            numbers = float(hz), float(tolerance)
        except ValueError:
            raise ValueError(f'tones.{name}: "frequency|tolerance" in Hz, not "{text}"') from None
        found.append(NamedTone(name, *numbers))
    return tuple(found)


def digit(tone: Tone, tolerance: float = _DIGIT_TOLERANCE) -> str:
    """The DTMF digit that a tone is, its frequencies off by this share at most; empty if it is none."""
    if tone.second is None:
        return ""
    for row, low in enumerate(_LOW_GROUP):
        for column, high in enumerate(_HIGH_GROUP):
            if abs(tone.first - low) <= tolerance * low and abs(tone.second - high) <= tolerance * high:
                return _DIGITS[row][column]
    return ""


def _beep_ms(tone: Tone) -> int:
    """How long it must be to be a beep."""
    return BEEP_MS if tone.first >= _LOW_HZ else _LOW_BEEP_MS


class SignalDetector:
    """The meaning of one call's tones, as they are heard."""

    def __init__(self, named: tuple[NamedTone, ...] = ()) -> None:
        self._named = named
        self._told: set[str] = set()  # what was said of the tone that goes on
        self._start = -1  # of the tone that goes on
        self._answer = AnswerTone()
        self._information = SpecialInformation()
        self._informed = -_SIT_MS[1]  # when special information tones were told
        self._past: Tone | None = None
        self._fsk = 0  # frames of V.21 so far
        self._flags_told = False
        self._last: Features | None = None
        self._stable: deque[bool] = deque([False] * _MUSIC_FRAMES, maxlen=_MUSIC_FRAMES)
        self._levels: deque[float] = deque(maxlen=_BEFORE_FRAMES)
        self._before = NOTHING  # dBFS: what was heard before the tone that goes on
        self._heard = 0  # frames, up to _MUSIC_FRAMES
        self._may_be_music = self._half_music = False
        self._doubtful = False  # a note may be what the tone that goes on is
        self._in_music = False  # and music was before it
        self._melody = Melody()
        self._timbre = Timbre()
        self._proof = Proof()  # of a beep that may be a note
        self._accompanied = False  # the tone that goes on is not alone
        self._gap, self._gap_end = 0, -1  # frames that were lost together, and when the last of them ended
        self._unheard = 0  # ms that the tone that goes on may have been there before it was heard
        self._late = False  # it began long after the voice
        self._expected: bool | None = None  # whether a beep is
        self._brief = False  # whether the voice has said little

    def hear(
        self,
        frame: Features,
        tone: Tone | None,
        ended: Tone | None,
        *,
        spoken: bool,
        faint: bool = False,
        voice_end: int | None = None,
        expected: bool | None = None,
        brief: bool = False,
    ) -> list[Signal]:
        """What is known with this frame. tone, ended: the tracker's; spoken: a voice was heard before; faint: the tone
        is much fainter than that voice; voice_end: when that voice was heard last, ms of media time, if it is known;
        expected: a machine was told by its voice, and a beep follows; False: a human was told, which a beep would take
        back, or a beep was; None: neither yet; brief: that voice has said a word or two, as humans do."""
        now = frame.at + FRAME_MS
        self._expected, self._brief = expected, brief
        if frame.lost:
            self._gap = self._gap + 1 if self._gap_end == frame.at else 1
            self._gap_end = now
        found: list[Signal] = []
        if (answer := self._answer.hear(frame)) is not None and not self._is_note(answer.hertz, answer.since, now):
            hertz = (round(answer.hertz, 1),)
            found.append(Signal(answer.name, now, answer.since, answer.reason, hertz, "", answer.level))
        if (tones := self._information.hear(frame)) is not None:
            self._informed = now
            self._proof.drop()
            reason = "special information tone"
            found.append(Signal("SIT", now, tones.since, reason, tones.hertz, "", tones.level))
        found += self._end(ended, now, spoken) if ended else []
        if ended is not None and not digit(ended):
            self._melody.hear(ended, spoken=spoken)
        if tone is not None:
            if tone.start != self._start:
                self._begin(tone)
            late = _LATE_UNEXPECTED_MS if expected is False else _LATE_MS
            self._late = voice_end is not None and tone.start - voice_end > late
            self._accompanied = self._timbre.hear(frame, tone) and tone.second is None
            self._doubtful |= faint or (self._may_be_music and tone.level < self._before + _OVER_BEFORE)
            found += self._go_on(frame, tone, now, spoken)
        found += self._flags(frame, now)
        if self._proof.tone is not None:
            found += self._prove(frame, now)
        self._stable.append(self._is_stable(frame))
        if not frame.lost:
            self._heard = min(self._heard + 1, _MUSIC_FRAMES)
            self._levels.append(max(frame.level, _QUIETEST_BEFORE))
        self._last = frame
        return found

    def _is_note(self, hertz: float, since: int, now: int) -> bool:
        """Whether what may be an answer tone is one of a tune."""
        return self._melody.others(Tone(since, now, hertz, None, _QUIETEST_BEFORE, 1, 1)) >= _TUNE

    def _is_stable(self, frame: Features) -> bool:
        """Whether a strong peak of the frame before is still there: notes stand still, voices glide."""
        before = self._last
        if before is None or frame.lost or frame.level < -50:
            return False
        first, second, one, other = frame.first, frame.second, before.first, before.second
        return (
            -4 <= first - one <= 4 or -4 <= first - other <= 4 or -4 <= second - one <= 4 or -4 <= second - other <= 4
        )

    def _begin(self, tone: Tone) -> None:
        self._start = tone.start
        self._told = set()
        after = tone.start - self._gap_end
        self._unheard = min(self._gap, _UNHEARD) * FRAME_MS if after <= FRAME_MS else 0
        stable = sum(self._stable)
        self._doubtful = False
        self._in_music = stable >= _MUSIC_SHARE * _MUSIC_FRAMES
        # Of noise nothing stands still, and a beep may be hardly above it.
        self._half_music = stable >= _HALF_MUSIC_SHARE * _MUSIC_FRAMES
        self._may_be_music = stable >= _SOME_MUSIC_SHARE * _MUSIC_FRAMES or self._heard < _MUSIC_FRAMES
        # The frame before the first may hold the tone's beginning.
        before = list(self._levels)[:-1]
        self._before = sum(before) / len(before) if before else NOTHING

    def _tell(self, name: str, now: int, tone: Tone, reason: str, digit: str = "") -> list[Signal]:
        if name in self._told:
            return []
        self._told.add(name)
        hertz = (tone.first,) if tone.second is None else (tone.first, tone.second)
        return [Signal(name, now, tone.start, reason, tuple(round(hz, 1) for hz in hertz), digit, tone.level)]

    def _go_on(self, frame: Features, tone: Tone, now: int, spoken: bool) -> list[Signal]:
        if tone.second is not None and tone.frames >= 2 and (key := digit(tone)):
            found = self._tell("DTMF", now, tone, f"DTMF {key}", key)
            return found if digit(tone, _DIGIT_EXACT) else found + self._beep(tone, now, spoken)
        found = self._by_name(tone, now)
        if tone.matches(answer_tone.HERTZ, answer_tone.TOLERANCE):
            return found
        if tone.matches(_BELL_103_HZ, 15):
            known = tone.duration >= _BELL_103_MS and self._melody.others(tone) < _TUNE
            return found + (self._tell("MD", now, tone, "answer tone of 2225 Hz") if known else [])
        if not self._may_be_more(tone, spoken):
            found += self._beep(tone, now, spoken)
        return found

    def _end(self, tone: Tone, now: int, spoken: bool) -> list[Signal]:
        found: list[Signal] = []
        if tone.matches(answer_tone.HERTZ, answer_tone.TOLERANCE):
            pass
        elif tone.matches(_CALLING_HZ, _CALLING_TOLERANCE) and not spoken:
            low, high = _CALLING_MS
            if low <= tone.duration <= high and tone.is_steady and self._melody.others(tone) < _TUNE:
                found = self._tell("FX", now, tone, "calling tone of 1100 Hz")
        elif self._may_be_more(tone, spoken) and not self._is_part_of_sit(tone):
            found = self._beep(tone, now, spoken)
        self._past = tone
        return found

    def _by_name(self, tone: Tone, now: int) -> list[Signal]:
        found: list[Signal] = []
        for named in self._named:
            wanted = _NAMED_ANSWER_MS if named.name in _FAX_MODEM else _beep_ms(tone)
            if tone.duration >= wanted and tone.is_steady and tone.matches(named.hz, max(named.tolerance, 1)):
                found += self._tell(named.name, now, tone, f"{named.hz:g} Hz, give or take {named.tolerance:g}")
        return found

    def _is_part_of_sit(self, tone: Tone) -> bool:
        """Whether a special information tone may have begun with it, or goes on with it."""
        if not _SIT_MS[0] <= tone.duration <= _SIT_MS[1]:
            return False
        first, second, _ = BANDS
        if first[0] <= tone.first <= first[1]:
            return True
        before = self._past
        return bool(before and first[0] <= before.first <= first[1] and second[0] <= tone.first <= second[1])

    def _may_be_more(self, tone: Tone, spoken: bool) -> bool:
        """Whether to wait for the end of a tone: before anybody spoke it may be a fax's or the network's."""
        if spoken:
            return False
        if any(low <= tone.first <= high for low, high in BANDS):
            return tone.duration <= _SIT_MS[1]
        return tone.matches(_CALLING_HZ, _CALLING_TOLERANCE) and tone.duration <= _CALLING_MS[1]

    def _beep(self, tone: Tone, now: int, spoken: bool) -> list[Signal]:
        low, high = _BEEP_HZ
        ringing = tone.first <= 515 and (tone.second is None or tone.second <= 640)
        if tone.duration + self._unheard < _beep_ms(tone) or not tone.is_steady or not low <= tone.first <= high:
            return []
        if tone.second is not None and tone.second > _HIGHEST_OF_TWO:
            return []
        if tone.start < self._informed or (ringing and not spoken) or self._is_named(tone) or self._is_harmonic(tone):
            return []
        others = self._melody.others(tone)
        if self._is_a_note(others):
            return []
        frames = self._silence_wanted(tone, others)
        if frames and tone.duration > _LONGEST_DOUBTFUL:
            self._proof.drop()
            return []
        if frames or not spoken:
            self._proof.want(tone, frames or _PROOF_FRAMES)
            return []
        return self._tell("BP", now, tone, "beep")

    def _is_a_note(self, others: int) -> bool:
        """Whether a tone is none of a machine's, whatever follows it. others: pitches before it."""
        if self._expected is False:
            moves = self._accompanied or not self._timbre.is_level
            return others > 0 or (self._late and moves)
        return others >= _TUNE or (others > 0 and self._late)

    def _silence_wanted(self, tone: Tone, others: int) -> int:
        """Frames of silence that must follow what may be a note; 0: it is a beep."""
        timbre = self._timbre
        if self._expected is False:
            return self._silence_after_a_human(tone)
        # Music beneath it would move its level.
        doubtful = self._doubtful or (self._in_music and not timbre.is_flat)
        notable = doubtful or self._accompanied or self._late or timbre.is_struck
        if self._expected is None and (notable or timbre.is_steep) and not timbre.is_level:
            return _NOTE_FRAMES
        if others and not self._expected:
            return _OTHER_FRAMES
        if others and (doubtful or not timbre.is_flat):
            return _SURE_FRAMES  # else the other was a vowel of the machine's
        return _PROOF_FRAMES if notable else 0

    def _silence_after_a_human(self, tone: Tone) -> int:
        """The same where a beep would take a human back."""
        timbre = self._timbre
        going_on = self._melody.is_going_on(tone)
        if timbre.is_struck or self._accompanied or going_on or (self._late and not timbre.is_flat):
            self._doubtful = True  # even if the rest of it is steadier
            return _NOTE_FRAMES
        self._doubtful |= self._in_music or timbre.slopes or (self._half_music and not timbre.is_flat)
        self._doubtful |= self._brief and (timbre.glides or not timbre.is_level)
        return _SURE_FRAMES if self._doubtful or self._late else 0

    @staticmethod
    def _is_harmonic(tone: Tone) -> bool:
        """Whether it is a sound with an octave or a twelfth over it, as instruments have."""
        return tone.second is not None and any(abs(tone.second / tone.first - n) < 0.02 for n in (2, 3))

    def _is_named(self, tone: Tone) -> bool:
        """Whether a user has said what this tone is, or which tones alone are beeps."""
        return any(
            named.name == "BP" or (named.name in _FAX_MODEM and tone.matches(named.hz, named.tolerance + 1))
            for named in self._named
        )

    def _prove(self, frame: Features, now: int) -> list[Signal]:
        """What may be a note is a beep only if silence follows it."""
        tone = self._proof.hear(frame, now)
        return self._tell("BP", now, tone, "beep, and silence after it") if tone else []

    def _flags(self, frame: Features, now: int) -> list[Signal]:
        """V.21's flags, with which a fax begins that sends no answer tone: power about 1650 and 1850 Hz."""
        if frame.lost:
            return []
        there = frame.level > -50 and frame.fsk >= _FSK_SHARE and frame.purity < 0.97
        self._fsk = self._fsk + 1 if there else max(0, self._fsk - 3)
        if self._fsk < _FSK_FRAMES or self._flags_told:
            return []
        self._flags_told = True
        return [Signal("FX", now, now - _FSK_FRAMES * FRAME_MS, "flags of V.21", (1650.0, 1850.0), "", frame.level)]
