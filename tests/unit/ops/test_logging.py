from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from ari_app.ops.logging import MASK, SecretMask, configure

SECRET = "S3cr3t-Sesame"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:], root.level = before, level
    structlog.reset_defaults()


@pytest.mark.parametrize(
    "text",
    [
        f"GET /eq/api/2.0/agent?auth_key={SECRET}&limit=1",
        f"auth_supervisor_session={SECRET}",
        f"AUTH_AGENT_SESSION={SECRET} x",
        f'{{"auth_key":"{SECRET}","a":1}}',
        f'{{"a":1,"password" : "{SECRET}"}}',
        f"{{'sip_secret': '{SECRET}'}}",
        json.dumps(json.dumps({"password": SECRET})),
        f"data=%7B%22password%22%3A%22{SECRET}%22%7D",
        f"data=%7B%22password%22%3A+%22{SECRET}%22%7D",
        f"Authorization: Basic {SECRET}",
        f"{{'Authorization': 'Digest {SECRET}'}}",
        f"sent Bearer {SECRET} to it",
        f"Set-Cookie: session={SECRET}; Path=/",
        f"postgresql://eq:{SECRET}@db/eq",
        f"DELETE /eq/api/2.0/agent_session/{SECRET}",
        f"DELETE /supervisor_session/{SECRET}?x=1",
        f"api_key={SECRET}",
    ],
)
def test_text(text: str) -> None:
    masked = SecretMask().text(text)
    assert SECRET not in masked
    assert MASK in masked


@pytest.mark.parametrize(
    "text",
    ["500 waits", "5 sessions, 3 keys", "http://127.0.0.1:8088/ari", "call-01hf3k2m9q", "keyboard", "a basic thing"],
)
def test_harmless_text_stays(text: str) -> None:
    assert SecretMask().text(text) == text


def test_digits_as_a_json_password() -> None:
    assert SecretMask().text('{"password": 739215, "number": 101}') == '{"password": ***, "number": 101}'


def test_known_values_wherever_they_are() -> None:
    mask = SecretMask([SECRET, "abc", ""])
    assert mask.text(f"refused by {SECRET}!") == f"refused by {MASK}!"
    assert mask.text("abc") == "abc"


def test_fields_by_name_at_any_depth() -> None:
    event: dict[str, Any] = {
        "event": "x",
        "token": SECRET,
        "user": {"password": 739215, "names": [{"secret": SECRET}], "n": 5},
        "raw": SECRET.encode(),
        "none": None,
        "password": None,
        "cookie_set": True,
        "body": f"password={SECRET}".encode(),
    }
    masked = SecretMask([SECRET])(None, "info", event)
    assert masked["token"] == MASK
    assert masked["user"] == {"password": MASK, "names": [{"secret": MASK}], "n": 5}
    assert masked["raw"] == MASK
    assert masked["body"] == f"password={MASK}"
    assert (masked["none"], masked["password"], masked["cookie_set"]) == (None, None, True)


@pytest.mark.parametrize("form", ["json", "text"])
def test_every_logger_goes_through_the_mask(stream: io.StringIO, form: Any) -> None:
    configure(level="debug", form=form, stream=stream, secrets=[SECRET])
    ours, theirs = structlog.get_logger("ours"), logging.getLogger("theirs")
    ours.info("hello", call="call-1", auth_key=SECRET)
    theirs.warning("GET %s", f"/x?auth_key={SECRET}", extra={"token": SECRET})
    for log in (ours, theirs):
        try:
            raise ValueError(f"with {SECRET} and password={SECRET}")
        except ValueError:
            log.exception("failed")
    text = stream.getvalue()
    assert "call-1" in text
    assert text.count("ValueError: with ***") == 2
    assert SECRET not in text


def test_json_is_one_object_a_line(stream: io.StringIO) -> None:
    configure(level="info", form="json", stream=stream)
    log = structlog.get_logger("eq")
    log.info("hello", call="call-1", n=5)
    log.debug("too fine")
    [line] = stream.getvalue().splitlines()
    entry = json.loads(line)
    assert (entry["event"], entry["call"], entry["n"], entry["level"]) == ("hello", "call-1", 5, "info")
    assert entry["timestamp"].endswith("Z")


def test_access_log_of_the_library_is_off(stream: io.StringIO) -> None:
    configure(level="debug", stream=stream)
    logging.getLogger("aiohttp.access").info("GET /?auth_key=x")
    assert stream.getvalue() == ""
