"""Sentences: nothing of a text is lost, none is too long, abbreviations do not end one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.media.tts.sentences import LONGEST, sentences


@given(st.text(max_size=2000))
def test_nothing_is_lost_and_none_is_long(text: str) -> None:
    found = sentences(text)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(0 < len(sentence) <= LONGEST for sentence in found)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("One sentence without a stop", 1),
        ("Welcome to Brown and Sons. All our agents are busy. Please hold the line!", 3),
        ("Please ask for Dr. Miller or J. Smith at the desk.", 1),
        ("Your balance is 3.50 dollars today.", 1),
        ("Yes. No. Maybe this is long enough.", 1),
        ("A title of some length\n\nand the text that follows it", 2),
        ("word " * 200, 4),
    ],
)
def test_where_sentences_end(text: str, count: int) -> None:
    assert len(sentences(text)) == count
