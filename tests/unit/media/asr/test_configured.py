"""The setting RECOGNITION_ENGINES: what it makes, and what is wrong with it said without its secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ari_app.media.asr.configured import described, recognisers, secrets_of
from ari_app.media.asr.services import HttpService
from ari_app.media.asr.sockets import Vosk, WebsocketService
from ari_app.media.asr.sphinx import PocketSphinx
from ari_app.media.asr.vosk import VoskHere

ALL: dict[str, dict[str, Any]] = {
    "vosk": {"kind": "vosk", "url": "ws://10.0.0.5:2700", "rate": 16000},
    "whisper": {
        "kind": "http",
        "url": "https://asr.example/v1/audio/transcriptions",
        "body": "form",
        "fields": {"model": "small", "token": "0123456789abcdef0"},
        "headers": {"Authorization": "Bearer very-secret"},
    },
    "other": {"kind": "websocket", "url": "wss://asr.example/?language=en", "end": {"type": "done"}},
    "here": {"kind": "vosk", "model": "/srv/vosk-model-small-de", "language": "de"},
    "german": {"kind": "pocketsphinx", "language": "de", "model": "/srv/de", "dictionary": "/srv/de.dict"},
}


def test_each_kind() -> None:
    made = {engine.name: engine for engine in recognisers(json.dumps(ALL))}
    assert list(made) == ["pocketsphinx", "vosk", "whisper", "other", "here", "german"]
    kinds = (PocketSphinx, Vosk, HttpService, WebsocketService, VoskHere, PocketSphinx)
    assert all(isinstance(engine, kind) for engine, kind in zip(made.values(), kinds, strict=True))
    assert [engine.name for engine in recognisers("")] == ["pocketsphinx"]
    assert isinstance(recognisers('{"pocketsphinx": {"kind": "vosk", "url": "ws://x"}}')[0], Vosk)


def test_what_must_not_be_in_a_log() -> None:
    assert secrets_of(json.dumps(ALL)) == ["Bearer very-secret", "very-secret", "0123456789abcdef0"]
    assert secrets_of("{") == []


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("{", "is not as"),
        ('{"a": {"kind": "telepathy"}}', "is not as"),
        ('{"a": {"kind": "vosk"}}', "url"),
        ('{"a": {"kind": "vosk", "url": "ws://x", "model": "/x"}}', "or model"),
        ('{"a": {"kind": "vosk", "model": "/x", "language": "English"}}', "like en"),
        ('{"a": {"kind": "vosk", "url": "ws://x", "secret": "s3cret"}}', "is not as"),
        ('{"a": {"kind": "vosk", "url": "http://s3cret"}}', "a: url must be wss"),
        ('{"a": {"kind": "http", "url": "https://user:s3cret@host/"}}', "a: url must be https"),
        ('{"a": {"kind": "http", "url": "https://h", "rate": 44100}}', "is not as"),
        ('{"a": {"kind": "http", "url": "https://h", "headers": {"X": "s3cret\\r\\nY: z"}}}', "headers"),
        ('{"A b": {"kind": "vosk", "url": "ws://x"}}', "names of engines"),
        ('{"a": {"kind": "pocketsphinx", "model": "/x"}}', "belong together"),
        ('{"a": {"kind": "pocketsphinx", "language": "English"}}', "like en"),
    ],
)
def test_what_is_wrong_is_named(wrong: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        described(wrong)
    assert "s3cret" not in str(caught.value)
