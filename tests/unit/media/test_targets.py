"""What users may have audio sent to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.config import networks
from ari_app.media.targets import TargetError, TargetForbidden, parse, resolve


@pytest.mark.parametrize(
    ("text", "host", "port", "shown"),
    [
        ("wss://bot.example/path?token=a", "bot.example", 443, "wss://bot.example:443/path"),
        ("ws://me:secret@bot.example:9000", "bot.example", 9000, "ws://bot.example:9000"),
        ("audiosocket://[2001:db8::1]:9092", "2001:db8::1", 9092, "audiosocket://[2001:db8::1]:9092"),
        ("rtp://192.0.2.1:4000/", "192.0.2.1", 4000, "rtp://192.0.2.1:4000"),
    ],
)
def test_what_is_a_target(text: str, host: str, port: int, shown: str) -> None:
    target = parse(text)
    assert (target.host, target.port, target.shown, target.url) == (host, port, shown, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bot.example",
        "http://bot.example/",
        "file:///etc/passwd",
        "ws://",
        "ws:///path",
        "ws://bot.example:0/",
        "ws://bot.example:65536/",
        "ws://bot.example:port/",
        "ws://[::1/",
        "wss://me:secret@[2001:db8::1]:@]bot",
        "ws://bot.example/#part",
        "ws://bot.example/a b",
        "ws://bot.example/\r\nHost: other",
        "ws://b\N{LATIN SMALL LETTER O WITH DIAERESIS}t.example/",
        "rtp://bot.example",
        "rtp://me@bot.example:4000",
        "audiosocket://bot.example:4000/path",
        "audiosocket://bot.example:4000?query",
        "ws://bot.example/" + "x" * 2000,
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(TargetError):
        parse(text)


@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    for candidate in (text, f"ws://{text}", f"rtp://{text}"):
        try:
            target = parse(candidate)
        except TargetError:
            continue
        assert 0 < target.port < 65536
        assert target.host


async def test_the_address_that_was_looked_at_is_the_one_that_is_used() -> None:
    assert await resolve(parse("rtp://127.0.0.1:4000"), networks("127.0.0.1")) == ("127.0.0.1", 4000)
    with pytest.raises(TargetForbidden):
        await resolve(parse("rtp://127.0.0.1:4000"), ())
    with pytest.raises(TargetForbidden):
        await resolve(parse("ws://2130706433/"), ())  # 127.0.0.1 in another writing
    with pytest.raises(TargetError, match="resolve"):
        await resolve(parse(f"ws://{'a' * 64}.invalid/"), ())
