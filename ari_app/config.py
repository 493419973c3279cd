"""Settings, read once from the environment. Nothing else looks at os.environ."""

from __future__ import annotations

import json
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from string import Formatter
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ari_app.errors import ConfigError

#: what the events of EVENT_TYPES may be of: the first part of their names
EVENT_KINDS = ("Attachment", "Analysis", "Recognition", "Question", "Playback")
#: makers of phones whose keys can be pressed
PHONE_MAKERS = ("yealink", "snom", "cisco", "polycom", "grandstream")

#: requests a second of a key, at most
RATE_MAX = 1_000_000.0

Network = IPv4Network | IPv6Network


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a URL such as http://127.0.0.1:8088/ari")
    return value.rstrip("/")


def _spaces(value: str) -> str:
    found = re.fullmatch(r"([1-9][0-9]{0,8})-([1-9][0-9]{0,8})", value, re.ASCII)
    if found is None or int(found[1]) > int(found[2]):
        raise ValueError("must be the first and the last number, such as 701-720")
    return value


def _fields(template: str) -> set[str]:
    try:
        return {name for _, name, _, _ in Formatter().parse(template) if name is not None}
    except ValueError:
        return set()


def _dial_template(value: str) -> str:
    if _fields(value) != {"extension"}:
        raise ValueError("must be like PJSIP/{extension}, with {extension} and nothing else in braces")
    return value


def _forward_template(value: str) -> str:
    return _dial_template(value) if value else value


def _trunk_template(value: str) -> str:
    if value and _fields(value) != {"number"}:
        raise ValueError("must be like PJSIP/{number}@trunk, with {number} and nothing else in braces")
    return value


def _plain_url(value: str) -> str:
    place = urlsplit(value)
    if value and (place.scheme not in ("http", "https") or not place.netloc or place.path.strip("/")):
        raise ValueError("must be like https://s3.example.com, without a path")
    return value.rstrip("/")


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"must be a regular expression: {error}") from None
    return value


def _hook_url(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError("must be a URL such as https://example.org/alerts")
    return value


def _event_types(value: str) -> str:
    names = [name.strip() for name in value.split(",") if name.strip()]
    if any(not (name.isascii() and name.isalpha() and name.startswith(EVENT_KINDS)) for name in names):
        raise ValueError(f"must be types of events of {', '.join(EVENT_KINDS)}, with commas")
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError("must be a time zone such as Europe/Berlin") from None
    return value


def _phone_logins(value: SecretStr) -> SecretStr:
    try:
        logins = json.loads(value.get_secret_value() or "{}")
        fits = all(vendor in PHONE_MAKERS and ":" in login for vendor, login in logins.items())
    except (ValueError, AttributeError, TypeError):
        fits = False
    if not fits:
        raise ValueError(f'must be JSON such as {{"yealink": "user:password"}}; makers: {", ".join(PHONE_MAKERS)}')
    return value


def _phone_url(value: str) -> str:
    if not re.fullmatch(r"https?://\{address\}(:[0-9]{1,5})?", value):
        raise ValueError("must be http://{address} or https://{address}, with or without :port")
    return value


def networks(text: str) -> tuple[Network, ...]:
    """What a setting of networks names: "10.0.0.0/8, fd00::/8", a single address too. Raises ValueError."""
    return tuple(ip_network(part) for part in map(str.strip, text.split(",")) if part)


def _networks(value: str) -> str:
    try:
        networks(value)
    except ValueError:
        raise ValueError("must be networks such as 10.0.0.0/8, with commas between them") from None
    return value


def _none_if_empty(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


_Cap = Annotated[int, Field(ge=0)]
#: goes into URLs, keys and the arguments of Stasis()
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")]


#: what a text message's gateway must be told
_SMS_FIELDS = ("{to}", "{text}")


class Settings(BaseSettings):
    """What an operator sets. Every name is an environment variable, written in capitals."""

    model_config = SettingsConfigDict(env_file=None, extra="ignore", frozen=True)

    #: Asterisk's ARI, up to and with /ari
    ari_url: Annotated[str, AfterValidator(_http_url)] = "http://127.0.0.1:8088/ari"
    ari_user: str = "ari_app"
    ari_password: SecretStr = SecretStr("")
    #: name of our Stasis application
    ari_app: _Name = "ari_app"
    #: name of the Asterisk node: part of every key
    ari_node: _Name = "main"
    #: outbound: Asterisk connects to us and queues events while we restart; inbound: we connect to it
    ari_connect: Literal["outbound", "inbound"] = "outbound"
    #: where Asterisk reaches our websocket server (outbound only), host:port
    ari_listen: str = "127.0.0.1:8099"
    ari_ws_user: str = "asterisk"
    ari_ws_password: SecretStr = SecretStr("")
    #: REST, host:port
    http_listen: str = "127.0.0.1:8080"
    database_url: str = ""
    data_dir: Path = Path("var")
    #: Asterisk's queue_log as a file, of the default account (each account's is in the table); a relative path is one
    #: in DATA_DIR, empty: no file
    queue_log_file: str = "queue_log"
    #: how Asterisk reaches our HTTP server, to fetch prompts; empty: at HTTP_LISTEN
    sounds_url: Annotated[str, AfterValidator(_plain_url)] = ""
    #: speech engines beside flite, espeak-ng and festival: JSON, docs/speech.md
    speech_engines: SecretStr = SecretStr("")
    #: recognisers beside pocketsphinx: JSON, docs/speech.md
    recognition_engines: SecretStr = SecretStr("")
    #: recognitions on live calls at a time, and questions
    recognitions: int = Field(default=20, ge=0, le=10_000)
    #: what tells speech in analyses over REST: webrtc, or silero (docs/cpa.md)
    analysis_vad: Literal["webrtc", "silero"] = "webrtc"
    #: of silero, silero_vad.onnx; empty: that of the package silero-vad
    silero_model: Path | None = None
    #: analyses of live calls at a time
    analyses: int = Field(default=100, ge=0, le=10_000)
    #: texts and sounds on live calls at a time
    playbacks: int = Field(default=100, ge=0, le=10_000)
    #: directories, with commas, whose files may be played: file:name; every account may name them
    prompt_dirs: str = ""
    #: networks that are not public and that sounds may be fetched from, with commas: 10.0.0.0/8, 127.0.0.1
    prompt_networks: Annotated[str, AfterValidator(_networks)] = ""
    #: where the files of recordings are kept; empty: recordings in DATA_DIR
    recordings_dir: Path | None = None
    #: recordings older than so many days are deleted; 0: none
    recordings_days: int = Field(default=0, ge=0)
    #: megabytes of recordings: of more, the oldest are deleted; 0: no limit
    recordings_max_mb: int = Field(default=0, ge=0)
    #: megabytes of their disk that recordings leave free; below, files stay in Asterisk until there is room again
    recordings_min_free_mb: int = Field(default=200, ge=0)
    #: megabytes of recordings that were asked for in another format; of more, what was not used for longest goes
    recordings_converted_mb: int = Field(default=1000, ge=0)
    #: a storage that speaks S3, to which recordings are moved, such as https://s3.example.com; empty: none
    s3_url: Annotated[str, AfterValidator(_plain_url)] = ""
    s3_bucket: str = ""
    s3_region: str = "us-east-1"
    s3_access_key: str = ""
    s3_secret_key: SecretStr = SecretStr("")
    #: what the names of its objects begin with
    s3_prefix: str = ""
    #: what a phone dials to listen to its messages; with an extension behind it, to those of that one; empty: nothing
    voicemail_number: Annotated[str, Field(pattern=r"^[0-9*]{0,20}$")] = "*97"
    #: seconds for which a phone rings before its mailbox answers
    voicemail_ring_time: float = Field(default=20.0, ge=1, le=300)
    #: seconds of a message; what is shorter is not kept
    voicemail_min_seconds: float = Field(default=2.0, ge=0, le=60)
    voicemail_max_seconds: int = Field(default=300, ge=5, le=3600)
    #: seconds of silence that end a message
    voicemail_silence: int = Field(default=10, ge=2, le=60)
    #: how an extension is dialled
    dial_template: Annotated[str, AfterValidator(_dial_template)] = "PJSIP/{extension}"
    #: how an extension is dialled whose follow-me and call forward hold, such as Local/{extension}@forwarding; empty:
    #: no agent's are followed
    forward_template: Annotated[str, AfterValidator(_forward_template)] = ""
    #: how numbers outside are called, such as PJSIP/{number}@trunk; empty: not at all
    trunk_template: Annotated[str, AfterValidator(_trunk_template)] = ""
    #: a regular expression: how a number begins that goes to the trunk; every other one is an extension
    outside_numbers: Annotated[str, AfterValidator(_pattern)] = r"\+|0|[0-9]{7}"
    #: a regular expression: numbers that go to the trunk with the caller's emergency number shown
    emergency_numbers: Annotated[str, AfterValidator(_pattern)] = "112|911"
    #: login of phones' own HTTP interfaces, by maker: {"yealink": "admin:password", ...}
    phone_logins: Annotated[SecretStr, AfterValidator(_phone_logins)] = SecretStr("")
    #: networks in which phones are: no other address is ever asked
    phone_networks: Annotated[str, AfterValidator(_networks)] = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7"
    #: scheme (and port) of phones' HTTP interfaces
    phone_url: Annotated[str, AfterValidator(_phone_url)] = "http://{address}"
    #: how many agents and supervisors of an account may be signed in at a time; empty: as many as like
    license_max_agents: Annotated[_Cap | None, BeforeValidator(_none_if_empty)] = None
    license_max_supervisors: Annotated[_Cap | None, BeforeValidator(_none_if_empty)] = None
    #: days for which it is kept who changed what; 0: for ever
    audit_days: int = Field(default=730, ge=0, le=36_500)
    #: requests a second of a key that has no limit of its own, twice as many at once; 0: as many as like
    rate_limit: float = Field(default=0.0, ge=0, le=RATE_MAX, allow_inf_nan=False)
    #: who may listen to an account's stream of events at a time
    event_listeners: int = Field(default=500, ge=1, le=100_000)
    #: the parking spaces of each account, first-last
    parking_spaces: Annotated[str, AfterValidator(_spaces)] = "701-720"
    #: number that parks who dials it, or is transferred to it; spaces can be dialled then; empty: neither
    parking_number: str = Field(default="700", pattern=r"^([1-9][0-9]{0,8})?$")
    #: seconds until the one who parked a call is called
    parking_timeout: float = Field(default=45.0, gt=0, le=86_400)
    #: a user session without a sign of life is deactivated after this many seconds
    session_timeout: float = Field(default=300.0, gt=0, allow_inf_nan=False)
    #: keep how well the audio of each leg came through (docs/operating.md)
    call_quality: bool = False
    #: whose clock reports and opening hours go by, where neither they nor the account name one
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    #: how the audio of a call comes to us and goes back (docs/media-bots.md)
    media_transport: Literal["websocket", "rtp", "audiosocket"] = "websocket"
    #: websocket: host:port at which Asterisk connects to us; empty: we connect to Asterisk
    media_listen: str = ""
    #: the address of ours that Asterisk sends audio to (rtp, audiosocket)
    media_host: str = "127.0.0.1"
    #: networks that are not public and that users may have audio sent to, with commas: 10.0.0.0/8, 127.0.0.1
    media_private_networks: Annotated[str, AfterValidator(_networks)] = ""
    #: processes that carry the audio of attachments, one a core; 0: the server's own process does
    media_workers: int = Field(default=1, ge=0, le=64)
    #: attachments of users at a time
    media_attachments: int = Field(default=100, ge=0, le=10_000)
    #: where custom notifications of alerts go; empty: there are none
    alert_url: Annotated[str, AfterValidator(_hook_url)] = ""
    #: where events of live media are posted (hooks/events.py); empty: nowhere
    event_url: Annotated[str, AfterValidator(_hook_url)] = ""
    #: which of them, with commas: RecognitionResult, Playback; empty: all
    event_types: Annotated[str, AfterValidator(_event_types)] = ""
    #: signatures of what we send to others are made with it
    hook_secret: SecretStr = SecretStr("")
    #: private networks that we may send to, such as "10.1.0.0/16, 192.168.7.3"; public ones always
    hook_networks: Annotated[str, AfterValidator(_networks)] = ""
    #: mail server for alerts; empty: no mails
    smtp_host: str = ""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Annotated[Literal["starttls", "tls", "none"], BeforeValidator(_lower)] = "starttls"
    #: empty: without signing in
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    #: of mails to those who have no language of their own
    mail_language: Literal["en", "es", "he"] = "en"
    #: whom mails are from
    mail_from: str = ""
    #: the HTTP interface of a gateway of text messages, with {to}, {text} and {id}; empty: there is none
    sms_url: Annotated[str, AfterValidator(_hook_url)] = ""
    sms_method: Annotated[Literal["POST", "GET"], BeforeValidator(_upper)] = "POST"
    #: what is posted, with {to}, {text} and {id}
    sms_body: str = '{"to": "{to}", "text": "{text}"}'
    sms_content_type: Literal["application/json", "application/x-www-form-urlencoded"] = "application/json"
    #: the header Authorization, such as "Bearer ..." or "Basic ..."; empty: none
    sms_authorization: SecretStr = SecretStr("")
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = "info"
    log_format: Literal["json", "text"] = "text"

    @model_validator(mode="after")
    def _sms_is_whole(self) -> Self:
        told = self.sms_url + (self.sms_body if self.sms_method == "POST" else "")
        if self.sms_url and not all(field in told for field in _SMS_FIELDS):
            raise ValueError("SMS_URL and SMS_BODY must have {to} and {text} in them")
        return self

    def database(self) -> str:
        """The database URL for SQLAlchemy's async drivers; SQLite in the data directory when none is set."""
        url = self.database_url
        if not url:
            return f"sqlite+aiosqlite:///{self.data_dir / 'ari_app.sqlite'}"
        for plain, driver in (("postgresql://", "postgresql+asyncpg://"), ("postgres://", "postgresql+asyncpg://")):
            if url.startswith(plain):
                return driver + url.removeprefix(plain)
        if url.startswith("sqlite://"):
            return "sqlite+aiosqlite://" + url.removeprefix("sqlite://")
        return url

    def sounds(self) -> str:
        """Where Asterisk fetches prompts, without a slash at the end."""
        if self.sounds_url:
            return self.sounds_url
        host, port = host_port(self.http_listen, "HTTP_LISTEN")
        local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        return f"http://[{local}]:{port}" if ":" in local else f"http://{local}:{port}"


def load(**overrides: object) -> Settings:
    """Read the environment.

    Raises:
        ConfigError: a setting has a value that cannot be used; names the variable, never its value.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # pydantic checks what is passed
    except ValidationError as error:
        names = ", ".join(
            f"{'.'.join(str(p) for p in e['loc']).upper()}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors()
        )
        raise ConfigError(f"cannot use the setting {names}") from None


def host_port(value: str, variable: str) -> tuple[str, int]:
    """Split host:port.

    Raises:
        ConfigError: it is not one.
    """
    host, colon, port = value.rpartition(":")
    if not colon or not host or not _is_port(port):
        raise ConfigError(f"{variable} must be host:port, such as 127.0.0.1:8080")
    return host.strip("[]"), int(port)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65535
