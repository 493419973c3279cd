"""Recognisers as the setting RECOGNITION_ENGINES describes them, beside `pocketsphinx`.

{"vosk":    {"kind": "vosk", "url": "ws://10.0.0.5:2700"},
 "whisper": {"kind": "http", "url": "http://10.0.0.6:8000/v1/audio/transcriptions", "body": "form",
             "fields": {"model": "small"}, "headers": {"Authorization": "Bearer .."}},
 "german":  {"kind": "pocketsphinx", "language": "de", "model": "/srv/de", "dictionary": "/srv/de.dict"}}
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from ari_app.media.asr.port import Recogniser
from ari_app.media.asr.services import Body, HttpForm, HttpService
from ari_app.media.asr.sockets import SocketForm, Vosk, WebsocketService
from ari_app.media.asr.sphinx import PocketSphinx
from ari_app.media.asr.vosk import VoskHere
from ari_app.media.engines import described as engines_of

_HTTP = re.compile(r"https?://[^\s/?#@]+(/[^\s#]*)?\Z")
_WEBSOCKET = re.compile(r"wss?://[^\s/?#@]+(/[^\s#]*)?\Z")
_LANGUAGE = re.compile(r"[a-z]{2,3}\Z")
_FIELD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
Rate = Literal[8000, 16000]


class HttpEngine(msgspec.Struct, tag_field="kind", tag="http", forbid_unknown_fields=True, kw_only=True):
    url: str
    headers: dict[str, str] = {}
    body: Body = "wav"
    rate: Rate = 8000
    file: str = "file"
    fields: dict[str, str] = {}
    text: str = "text"
    confidence: str = ""


class WebsocketEngine(msgspec.Struct, tag_field="kind", tag="websocket", forbid_unknown_fields=True, kw_only=True):
    url: str
    headers: dict[str, str] = {}
    rate: Rate = 8000
    start: dict[str, Any] | None = None
    end: dict[str, Any] | None = None
    text: str = "text"
    confidence: str = ""
    final: str = ""
    partial: str = ""


class VoskEngine(msgspec.Struct, tag_field="kind", tag="vosk", forbid_unknown_fields=True, kw_only=True):
    url: str = ""
    rate: Rate = 8000
    model: str = ""
    language: str = "en"


class SphinxEngine(msgspec.Struct, tag_field="kind", tag="pocketsphinx", forbid_unknown_fields=True, kw_only=True):
    language: str = "en"
    model: str = ""
    dictionary: str = ""


_Described = HttpEngine | WebsocketEngine | VoskEngine | SphinxEngine


def described(text: str) -> dict[str, _Described]:
    """What is in the setting. Raises ValueError, which never repeats it: there are secrets in it."""
    return engines_of(text, _Described, _problem)


def _problem(one: _Described) -> str:
    if isinstance(one, VoskEngine) and bool(one.url) == bool(one.model):
        return "url (of a vosk-server) or model (a directory) must be given"
    if isinstance(one, VoskEngine) and one.model:
        return "" if _LANGUAGE.match(one.language) else "language must be like en"
    if isinstance(one, SphinxEngine):
        if not _LANGUAGE.match(one.language):
            return "language must be like en"
        return "" if bool(one.model) == bool(one.dictionary) else "model and dictionary belong together"
    if isinstance(one, HttpEngine) and not _HTTP.match(one.url):
        return "url must be https://host/path"
    if not isinstance(one, HttpEngine) and not _WEBSOCKET.match(one.url):
        return "url must be wss://host/path"
    headers = {} if isinstance(one, VoskEngine) else one.headers
    if any(not _FIELD.match(name) or not value.isprintable() for name, value in headers.items()):
        return "headers must be such as HTTP has"
    return ""


def secrets_of(text: str) -> list[str]:
    """What of the setting must not be in a log."""
    try:
        found = described(text).values()
    except ValueError:
        return []
    headers = [
        value for one in found if isinstance(one, HttpEngine | WebsocketEngine) for value in one.headers.values()
    ]
    # "Bearer abc": also the part that is the secret
    parts = [part for value in headers for part in (value, *value.split()) if len(part) >= 8]
    fields = [value for one in found if isinstance(one, HttpEngine) for value in one.fields.values()]
    return [*parts, *(value for value in fields if len(value) >= 16)]


def recognisers(text: str) -> Sequence[Recogniser]:
    """PocketSphinx, and those of the setting, in place of one so named."""
    made: dict[str, Recogniser] = {"pocketsphinx": PocketSphinx()}
    for name, one in described(text).items():
        match one:
            case HttpEngine():
                made[name] = HttpService(name, HttpForm(**msgspec.structs.asdict(one)))
            case WebsocketEngine():
                made[name] = WebsocketService(name, SocketForm(**msgspec.structs.asdict(one)))
            case VoskEngine() if one.model:
                made[name] = VoskHere(name, one.model, language=one.language)
            case VoskEngine():
                made[name] = Vosk(name, one.url, rate=one.rate)
            case SphinxEngine():
                made[name] = PocketSphinx(name, model=one.model, dictionary=one.dictionary, language=one.language)
    return list(made.values())
