"""Nothing secret goes into the audit trail."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ari_app.dialects.eq.auditing import HIDDEN, masked

SECRET = "Sesame-4711"
SECRET_NAMES = st.sampled_from(
    ["password", "secret", "auth_key", "auth_agent_session", "token", "apiToken", "Authorization", "headers", "pin"]
)
HARMLESS = st.sampled_from(["name", "number", "data", "sip", "voicemail", "extension"])
TREES = st.recursive(
    st.none() | st.integers() | st.just("x") | st.just(f"https://user:{SECRET}@host/path?key={SECRET}"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(HARMLESS, inner, max_size=3)
        | st.dictionaries(SECRET_NAMES, st.just(SECRET) | st.just({"x": SECRET}) | st.just([SECRET]), max_size=3)
    ),
    max_leaves=10,
)


@given(TREES)
def test_no_secret_is_kept(tree: Any) -> None:
    assert SECRET not in json.dumps(masked(tree))


def test_what_is_no_secret_is_kept() -> None:
    given = {"number": "101", "password": "1234", "skills": [{"queue": "500"}], "url": "wss://bot.example/a?k=1"}
    assert masked(given) == {
        "number": "101",
        "password": HIDDEN,
        "skills": [{"queue": "500"}],
        "url": "wss://bot.example/a",
    }


def test_that_a_secret_was_taken_away_is_seen() -> None:
    assert masked({"secret": None}) == {"secret": None}


def test_what_no_database_takes_is_left_out() -> None:
    assert masked({"na\0me": "a\0b\ud800"}) == {"name": "ab"}


def test_what_is_nested_without_end_is_hidden() -> None:
    tree: Any = "x"
    for _ in range(100):
        tree = [tree]
    assert HIDDEN in json.dumps(masked(tree))
