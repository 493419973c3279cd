"""Asterisk's configuration syntax, as main/config.c reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.freepbx.asterisk_conf import fields, parse


def said(text: str, files: dict[str, str] | None = None) -> tuple[dict[str, list[tuple[str, str]]], list[str]]:
    items: list[str] = []
    found = parse(text, (files or {}).get, lambda item, reason: items.append(item))
    return {section.name: section.settings for section in found}, items


def test_sections_and_settings() -> None:
    text = "; comment\n[500]\nmaxlen=0 ; none\nStrategy => ringall\n\n[501]\nmember=a\nmember=b\n"
    assert said(text) == (
        {"500": [("maxlen", "0"), ("strategy", "ringall")], "501": [("member", "a"), ("member", "b")]},
        [],
    )


def test_templates_and_additions() -> None:
    text = "[t](!)\nweight=1\n[u](!,t)\ntimeout=5\n[500](u)\nweight=2\n[500](+)\nmaxlen=3\n[501](t,u)\n"
    found, items = said(text)
    assert found["500"] == [("weight", "1"), ("timeout", "5"), ("weight", "2"), ("maxlen", "3")]
    assert found["501"] == [("weight", "1"), ("weight", "1"), ("timeout", "5")]
    assert set(found) == {"500", "501"}
    assert items == []
    assert said("[9](+)\na=1\n[8](x)\n")[1] == ["[9](+)", "[8](x)"]


def test_a_value_is_lengthened() -> None:
    assert said("[5]\na=one\na+=,two\n")[0]["5"] == [("a", "one"), ("a", "one,two")]


def test_comments() -> None:
    text = "[5]\na=1 ;-- all\nof=this\n--; b\n;--- not a block\nb=x\\;y ; z\nc=1;2\n"
    found, items = said(text)
    assert found["5"] == [("a", "1"), ("b", "x;y"), ("c", "1")]
    assert items == ["line 'b'"]


def test_includes() -> None:
    files = {"more.conf": "maxlen=7\n#tryinclude none.conf\n", "round.conf": '#include "round.conf"\n'}
    found, items = said('[5]\n#include more.conf\n#include "lost.conf"\n#exec /bin/sh\n#include round.conf\n', files)
    assert found["5"] == [("maxlen", "7")]
    assert items == ["#include lost.conf", "#exec", "#include round.conf"]


def test_what_is_nothing_is_said() -> None:
    assert said("a=1\n[5]\nnonsense\n")[1] == ["line 'a=1'", "line 'nonsense'"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            'Local/1001@from-queue/n,0,"Adams, Alice",hint:1001@ext-local',
            ["Local/1001@from-queue/n", "0", "Adams, Alice", "hint:1001@ext-local"],
        ),
        ("PJSIP/1001,0", ["PJSIP/1001", "0"]),
        ("PJSIP/1001", ["PJSIP/1001"]),
        ("a,,b", ["a", "", "b"]),
        ('a,"open', ["a", "open"]),
    ],
)
def test_fields(value: str, expected: list[str]) -> None:
    assert fields(value) == expected


@given(st.text(alphabet='[](){}!+=>;-\\#include "\n50a,', max_size=200))
def test_any_text_is_read(text: str) -> None:
    parse(text, lambda name: text if len(text) < 50 else None)
