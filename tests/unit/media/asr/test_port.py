"""What is listened for, and what of a text is that."""

from __future__ import annotations

import pytest

from ari_app.media.asr.errors import BadGrammar
from ari_app.media.asr.port import Transcript, Wanted, Word, chosen, plain


def test_words_are_compared_without_the_signs_of_sentences() -> None:
    assert plain("  Yes, I'd like THAT!\n") == "yes i'd like that"
    assert plain("Größe — well-known ’n’ so_on") == "grösse well-known n so on"
    assert plain("?!") == ""


def test_phrases_are_said_alone_and_keywords_among_others() -> None:
    phrases = Wanted(phrases=("Sales", "Technical support"))
    assert chosen(Transcript("technical support.", 0.7), phrases) == Transcript("Technical support", 0.7)
    assert chosen(Transcript("technical support please", 0.7), phrases) == Transcript("")
    keywords = Wanted(keywords=("bill", "cancel my contract"))
    assert chosen(Transcript("I want to cancel my contract, the bill ..."), keywords).text == "cancel my contract, bill"
    assert chosen(Transcript("Billing."), keywords).text == ""
    assert chosen(Transcript("As it was said."), Wanted()).text == "As it was said."


def test_words_are_told_in_the_time_of_the_call() -> None:
    heard = Transcript("no", 0.9, (Word("no", 300, 600),)).at(5300, 5600, 5000)
    assert (heard.start, heard.end, heard.words) == (5300, 5600, (Word("no", 5300, 5600),))


@pytest.mark.parametrize(
    "wrong",
    [
        {"phrases": ("a",), "keywords": ("b",)},
        {"phrases": ("...",)},
        {"keywords": ("x" * 101,)},
        {"phrases": ("a",) * 501},
        {"grammar": "x" * 20_001},
        {"language": "en/../US"},
    ],
    ids=str,
)
def test_what_nobody_can_listen_for_is_refused(wrong: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(BadGrammar):
        Wanted(**wrong)  # type: ignore[arg-type]
