"""Start and end of talk, and silence: by media time, with loss in between."""

from hypothesis import given
from hypothesis import strategies as st

from ari_app.media.talk import Talk, TalkTracker


def run(tracker: TalkTracker, text: str) -> list[Talk]:
    """A letter a frame: S speech, l lost, t tone, anything else silence."""
    found = []
    for number, letter in enumerate(text):
        found += tracker.hear(20 * number, letter == "S", lost=letter == "l", sound=letter == "t")
    return found


def test_talk_starts_and_stops() -> None:
    tracker = TalkTracker(start_ms=100, stop_ms=500, silence_ms=1000)
    assert run(tracker, "." * 10 + "S" * 20 + "." * 60) == [
        Talk("started", 300, 200),
        Talk("stopped", 1100, 600),
        Talk("silent", 1600, 600),
    ]
    assert (tracker.voice, tracker.quiet, tracker.onset, tracker.end) == (400, 1200, 200, 600)


def test_a_click_is_no_talk_and_short_pauses_are() -> None:
    assert run(TalkTracker(start_ms=100), "S.." + "." * 30 + "SSS" + "." * 30) == []
    tracker = TalkTracker()
    run(tracker, "SSSSS" + "." * 12 + "SSSSS")
    assert tracker.voice == 440
    tracker = TalkTracker()
    run(tracker, "SSSSS" + "." * 13 + "SSSSS")
    assert tracker.voice == 200


def test_pauses_between_phrases_and_sentences_are_counted_when_it_goes_on() -> None:
    tracker = TalkTracker()
    for said, phrases, sentences in (
        ("S" * 9 + "." * 30 + "S", 0, 0),  # a click, before anything was said
        ("S" * 10 + "." * 14 + "S", 0, 0),  # a breath
        ("." * 15 + "S", 1, 0),
        ("." * 24 + "S", 2, 0),
        ("." * 25 + "S", 3, 1),
        ("." * 100, 3, 1),  # nothing follows it yet
    ):
        run(tracker, said)
        assert (tracker.phrases, tracker.sentences) == (phrases, sentences), said
    tracker.forget()
    assert (tracker.phrases, tracker.sentences) == (0, 0)


@given(st.lists(st.sampled_from(["S", ".", "llllllll", "t"]), max_size=300))
def test_loss_and_tones_are_neither(pieces: list[str]) -> None:
    text = "".join(pieces)
    with_them, without = TalkTracker(silence_ms=1000), TalkTracker(silence_ms=1000)
    whats = [talk.what for talk in run(with_them, text)]
    assert whats == [talk.what for talk in run(without, text.replace("l", "").replace("t", ""))]
    assert (with_them.voice, with_them.quiet) == (without.voice, without.quiet)


_RUNS = st.lists(st.tuples(st.sampled_from("S."), st.integers(1, 40)), max_size=6)


@given(_RUNS, st.sampled_from("S."), st.integers(1, 30), st.integers(1, 7), st.integers(1, 30), _RUNS)
def test_a_few_lost_frames_are_what_is_on_both_sides(
    earlier: list[tuple[str, int]], there: str, left: int, gap: int, right: int, later: list[tuple[str, int]]
) -> None:
    before, after = ("".join(letter * count for letter, count in runs) for runs in (earlier, later))
    text = before + there * (left + gap + right) + after
    lossy = before + there * left + "l" * gap + there * right + after
    whole, broken = TalkTracker(silence_ms=1000), TalkTracker(silence_ms=1000)
    assert [talk.what for talk in run(whole, text)] == [talk.what for talk in run(broken, lossy)]
    assert (whole.voice, whole.quiet, whole.end) == (broken.voice, broken.quiet, broken.end)
    assert (whole.phrases, whole.sentences) == (broken.phrases, broken.sentences)


def test_what_is_lost_between_speech_and_silence_is_neither() -> None:
    tracker = TalkTracker()
    run(tracker, "S" * 10 + "lll" + "." * 10)
    assert (tracker.voice, tracker.quiet) == (200, 200)


def test_the_span_has_all_pauses_and_no_tones() -> None:
    talk = TalkTracker()
    at = 0
    for count, speech, sound in ((20, True, False), (30, False, False), (50, False, True), (20, True, False)):
        for _ in range(count):
            talk.hear(at, speech, sound=sound)
            at += 20
    assert (talk.voice, talk.span) == (800, 800 + 600)
    talk.forget()
    assert talk.span == 0
