"""Speech engines as the setting SPEECH_ENGINES describes them: commands of this machine, and services.

{"piper":  {"kind": "command", "command": ["piper", "--model", "/models/{voice}.onnx", "--output_file", "{sound}"],
            "stdin": true, "voice": "en_US-lessac-medium"},
 "polly":  {"kind": "polly", "region": "eu-west-1", "access_key": "..", "secret_key": "..", "voice": "Joanna"},
 "watson": {"kind": "watson", "url": "https://..", "key": "..", "voice": "en-US_AllisonV3Voice"}}
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import Formatter

import msgspec

from ari_app.media.engines import described as engines_of
from ari_app.media.tts.engine import PROGRAMS, Engine, Program
from ari_app.media.tts.services import Polly, Watson, WatsonKey
from ari_app.media.tts.sigv4 import Credentials

_URL = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?\Z")
_FIELDS = {"text", "sound", "voice", "words"}


class CommandEngine(msgspec.Struct, tag_field="kind", tag="command", forbid_unknown_fields=True, kw_only=True):
    """Any program. {text}: a file to read; {words}: the text itself; {sound}: the file to write; {voice}."""

    command: list[str]
    voice: str
    #: a regular expression that voices match from beginning to end
    voices: str = r"[A-Za-z0-9][A-Za-z0-9_-]*"
    #: it reads the text from its standard input
    stdin: bool = False


class PollyEngine(msgspec.Struct, tag_field="kind", tag="polly", forbid_unknown_fields=True, kw_only=True):
    region: str
    access_key: str
    secret_key: str
    voice: str = "Joanna"
    engine: str = "neural"
    url: str = ""


class WatsonEngine(msgspec.Struct, tag_field="kind", tag="watson", forbid_unknown_fields=True, kw_only=True):
    url: str
    key: str
    voice: str = "en-US_AllisonV3Voice"


_Described = CommandEngine | PollyEngine | WatsonEngine


def described(text: str) -> dict[str, _Described]:
    """What is in the setting. Raises ValueError, which never repeats it: there are secrets in it."""
    return engines_of(text, _Described, _problem)


def _problem(one: _Described) -> str:
    if isinstance(one, CommandEngine):
        try:
            used = {field for part in one.command for _, field, _, _ in Formatter().parse(part) if field is not None}
            re.compile(one.voices)
        except (ValueError, re.error):
            return "command or voices cannot be read"
        if not one.command or "sound" not in used or used - _FIELDS:
            return "command must have {sound}, and nothing but {text}, {words}, {voice} beside it"
        if not one.stdin and not used & {"text", "words"}:
            return "command must have {text} or {words}, or stdin must be true"
        return ""
    if one.url and not _URL.match(one.url):
        return "url must be https://host/path"
    if isinstance(one, PollyEngine) and not (one.region and one.access_key and one.secret_key):
        return "region, access_key and secret_key must be given"
    return ""


def secrets_of(text: str) -> list[str]:
    """What of the setting must not be in a log."""
    try:
        found = described(text).values()
    except ValueError:
        return []
    keys = [one.secret_key for one in found if isinstance(one, PollyEngine)]
    return keys + [one.key for one in found if isinstance(one, WatsonEngine)]


def engines(text: str) -> Sequence[Engine]:
    """Those that need nothing but a package of the distribution, and those of the setting, in place of one so named."""
    made: dict[str, Engine] = {engine.name: engine for engine in PROGRAMS}
    for name, one in described(text).items():
        match one:
            case CommandEngine():
                made[name] = Program(name, tuple(one.command), one.voice, one.voices, stdin=one.stdin)
            case PollyEngine():
                credentials = Credentials(one.access_key, one.secret_key, one.region, "polly")
                made[name] = Polly(name, credentials, voice=one.voice, url=one.url, engine=one.engine)
            case WatsonEngine():
                made[name] = Watson(name, one.url, WatsonKey(one.key), voice=one.voice)
    return list(made.values())
