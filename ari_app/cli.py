"""The command line: `python -m ari_app --help`."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from ari_app import __version__
from ari_app.config import RATE_MAX, Settings, load
from ari_app.errors import AppError
from ari_app.freepbx import arguments as freepbx_arguments
from ari_app.listening import arguments as listening_arguments
from ari_app.simulate import arguments as simulate_arguments

#: dialects that have an OpenAPI document
DIALECTS = ("eq",)

_ENVIRONMENT = """\
settings, from the environment:
  ARI_URL            Asterisk's ARI (http://127.0.0.1:8088/ari)
  ARI_USER, ARI_PASSWORD
  ARI_APP            name of the Stasis application (ari_app)
  ARI_NODE           name of the Asterisk node, part of every key (main)
  ARI_CONNECT        outbound: Asterisk connects to us and keeps events while we restart (default); inbound: we connect
  ARI_LISTEN         host:port where Asterisk finds our websocket server (127.0.0.1:8099), path /ari/<ARI_NODE>
  ARI_WS_USER, ARI_WS_PASSWORD   what Asterisk has to show there
  HTTP_LISTEN        host:port of the REST interfaces (127.0.0.1:8080)
  DATABASE_URL       postgresql://user:password@host/name; without it SQLite in DATA_DIR
  DATA_DIR           where files are kept (var)
  QUEUE_LOG_FILE     file in Asterisk's queue_log format (queue_log in DATA_DIR); empty: none
  SOUNDS_URL         how Asterisk reaches our HTTP server, to fetch prompts; empty: at HTTP_LISTEN
  SPEECH_ENGINES     speech engines beside flite, espeak-ng and festival: JSON, docs/speech.md
  RECOGNITION_ENGINES
                     recognisers of speech beside pocketsphinx: JSON, docs/speech.md
  RECOGNITIONS       how many recognitions on live calls there may be at a time (20), and questions
  ANALYSIS_VAD       what tells speech in analyses of live calls: webrtc (default) or silero
  SILERO_MODEL       silero_vad.onnx, for silero; empty: that of the package silero-vad
  ANALYSES           how many analyses of live calls there may be at a time (100)
  PLAYBACKS          how many playbacks of texts and sounds on live calls there may be at a time (100)
  PROMPT_DIRS        directories, with commas, whose files may be played (file:name)
  PROMPT_NETWORKS    networks that are not public and that sounds may be fetched from (http://..), with commas
  RECORDINGS_DIR     where the files of recordings are kept (recordings in DATA_DIR)
  RECORDINGS_DAYS    recordings that are older are deleted (0: never)
  RECORDINGS_MAX_MB  of more megabytes of recordings the oldest are deleted (0: no limit)
  RECORDINGS_MIN_FREE_MB
                     megabytes of their disk that recordings leave free (200)
  RECORDINGS_CONVERTED_MB
                     megabytes of recordings in another format that are kept for the next who asks (1000)
  S3_URL             a storage that speaks S3, to which recordings are moved, such as https://s3.example.com;
                     with S3_BUCKET, S3_REGION (us-east-1), S3_ACCESS_KEY, S3_SECRET_KEY, S3_PREFIX
  VOICEMAIL_NUMBER   what a phone dials to listen to its messages (*97); with an extension behind it, to those of that
                     one; empty: nothing
  VOICEMAIL_RING_TIME
                     seconds for which a phone rings before its mailbox answers (20)
  VOICEMAIL_MIN_SECONDS, VOICEMAIL_MAX_SECONDS, VOICEMAIL_SILENCE
                     of a message: what is shorter is not kept (2), the longest (300), silence that ends it (10)
  DIAL_TEMPLATE      how an extension is dialled (PJSIP/{extension})
  FORWARD_TEMPLATE   how agents are dialled by queues that let follow-me and call forward of their phones hold, such as
                     Local/{extension}@forwarding; empty: as DIAL_TEMPLATE says
  TRUNK_TEMPLATE     how a number outside is called (PJSIP/{number}@trunk); empty: not at all
  OUTSIDE_NUMBERS    how numbers outside begin, a regular expression (\\+|0|[0-9]{7})
  EMERGENCY_NUMBERS  numbers outside to call for help, a regular expression (112|911)
  PHONE_LOGINS       of phones' own HTTP interfaces, by maker: {"yealink": "user:password"}; for pressing keys
  PHONE_NETWORKS     networks of phones whose keys may be pressed (the private ones)
  PHONE_URL          scheme and port of phones' HTTP interfaces (http://{address})
  LICENSE_MAX_AGENTS, LICENSE_MAX_SUPERVISORS
                     how many of an account may be signed in at a time; empty: as many as like
  AUDIT_DAYS         for how many days it is kept who changed what (730; 0: for ever)
  RATE_LIMIT         requests a second of an API key that has no limit of its own (0: as many as like)
  EVENT_LISTENERS    how many may listen to an account's stream of events at a time (500)
  PARKING_SPACES     numbers of the first and the last parking space (701-720)
  PARKING_NUMBER     what phones dial, or transfer to, to park; they dial a space to pick up (700; empty: neither)
  PARKING_TIMEOUT    seconds until the one who parked a call is called (45)
  SESSION_TIMEOUT    seconds without a sign of life after which a user's session is deactivated (300)
  CALL_QUALITY       1: keep how well the audio of each leg came through: loss, jitter, MOS (0); costs 2 ms a hang-up
  TIME_ZONE          whose clock reports and opening hours go by, by default (UTC)
  MEDIA_TRANSPORT    how the audio of calls comes here and goes back: websocket, rtp or audiosocket (websocket)
  MEDIA_LISTEN       host:port at which Asterisk connects to us for websocket, as ARI_WS_USER; empty: we connect
  MEDIA_HOST         our address that Asterisk sends audio to, for rtp and audiosocket (127.0.0.1)
  MEDIA_PRIVATE_NETWORKS  networks that are not public and that users may have audio sent to: 10.0.0.0/8, 127.0.0.1
  MEDIA_WORKERS      processes that carry the audio of attachments; 0: the server's own does (1)
  MEDIA_ATTACHMENTS  how many attachments of users there may be at a time (100)
  ALERT_URL          where custom notifications of alerts are posted, signed with HOOK_SECRET; empty: there are none
  EVENT_URL          where events of attachments, analyses, recognitions, questions and playbacks are posted, signed
                     with HOOK_SECRET; empty: nowhere
  EVENT_TYPES        which of them, with commas: RecognitionResult, Playback; empty: all
  HOOK_SECRET        what signatures are made with
  HOOK_NETWORKS      networks that are not public and that we may post to: 10.1.0.0/16, 192.168.7.3
  MAIL_LANGUAGE      of mails to those who have no language of their own: en, es or he (en)
  SMTP_HOST, SMTP_PORT (587), SMTP_SECURITY (starttls, tls or none), SMTP_USER, SMTP_PASSWORD
                     the mail server, for alerts as mails; MAIL_FROM is whom they are from
  SMS_URL            the HTTP interface of a gateway of text messages, for alerts as sms; with {to}, {text} and {id}
  SMS_METHOD, SMS_BODY, SMS_CONTENT_TYPE, SMS_AUTHORIZATION
                     how it is asked: POST or GET (POST), what is posted ({"to": "{to}", "text": "{text}"}), its type
                     (application/json, or application/x-www-form-urlencoded), the header Authorization
  LOG_LEVEL          debug, info, warning, error (info)
  LOG_FORMAT         text or json (text)
"""


async def _serve(settings: Settings, arguments: argparse.Namespace) -> int:
    from ari_app.serve import serve

    await serve(settings)
    return 0


async def _migrate(settings: Settings, arguments: argparse.Namespace) -> int:
    from ari_app.store import migrate

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    await migrate.upgrade(settings.database())
    print("the database is up to date")
    return 0


async def _demo(settings: Settings, arguments: argparse.Namespace) -> int:
    from ari_app.demo import load_demo

    for line in await load_demo(settings):
        print(line)
    return 0


async def _check(settings: Settings, arguments: argparse.Namespace) -> int:
    from ari_app.check import check

    problems = await check(settings)
    for problem in problems:
        print(f"{problem.severity}: {problem.message}")
    print(f"{len(problems)} problem(s)" if problems else "all is well")
    return 1 if any(problem.severity == "error" for problem in problems) else 0


async def _keys(settings: Settings, arguments: argparse.Namespace) -> int:
    from ari_app.keys import create, limit, listing, revoke, rotate

    if arguments.action == "create":
        print(await create(settings, arguments.name, arguments.scope, arguments.rate_limit))
    elif arguments.action == "rotate":
        print(await rotate(settings, arguments.id))
    elif arguments.action == "limit":
        await limit(settings, arguments.id, arguments.rate)
        print("set")
    elif arguments.action == "revoke":
        await revoke(settings, arguments.id)
        print("revoked")
    else:
        for line in await listing(settings):
            print(line)
    return 0


async def _openapi(settings: Settings, arguments: argparse.Namespace) -> int:
    from ari_app.dialects.eq.openapi import openapi_document

    json.dump(openapi_document(), sys.stdout, indent=2)
    print()
    return 0


async def _simulate(settings: Settings, arguments: argparse.Namespace) -> int:
    from ari_app.simulate.command import run

    print(run(arguments), end="")
    return 0


async def _cpa(settings: Settings, arguments: argparse.Namespace) -> int:
    from ari_app.listening.command import run

    return await asyncio.to_thread(run, arguments, print)


async def _import_freepbx(settings: Settings, arguments: argparse.Namespace) -> int:
    from ari_app.freepbx.command import run

    return await run(settings, arguments)


Command = Callable[[Settings, argparse.Namespace], Coroutine[Any, Any, int]]


def _rate(text: str) -> float:
    value = float(text)
    if not 0 <= value <= RATE_MAX:
        raise ValueError
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ari_app",
        description="Contact-centre and call-control server on Asterisk.",
        epilog=_ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, run: Command, summary: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=summary, description=summary)
        command.set_defaults(run=run)
        return command

    add("serve", _serve, "run the server until SIGTERM or Ctrl-C; live calls go on in Asterisk and are taken up again")
    add("migrate", _migrate, "bring the database up to date, keeping what is in it")
    add("demo", _demo, "make a demo: queue 500, three agents, a supervisor, an API key, SIP extensions; once")
    add("check", _check, "look for problems: settings, database, Asterisk, its modules, our application")
    keys = add("keys", _keys, "API keys")
    actions = keys.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a key; it is shown this once")
    create.add_argument("name", help="what it is for")
    create.add_argument(
        "--scope",
        action="append",
        default=[],
        choices=("*", "read", "write", "import", "media"),
        help="what it may do, one or more: read (look), write (do and change), import, media (hear and speak on calls);"
        " default *, everything",
    )
    create.add_argument(
        "--rate-limit", type=_rate, metavar="N", help="requests a second; 0: as many as like (default: RATE_LIMIT)"
    )
    actions.add_parser("list", help="all keys, without the secret part")
    revoke = actions.add_parser("revoke", help="make a key useless, at once")
    revoke.add_argument("id", type=int)
    rotate = actions.add_parser("rotate", help="put a new key in the place of one; it is shown this once")
    rotate.add_argument("id", type=int)
    limit = actions.add_parser("limit", help="say how many requests a second a key may make")
    limit.add_argument("id", type=int)
    limit.add_argument(
        "rate", type=_rate, nargs="?", help="requests a second; 0: as many as like; left out: as RATE_LIMIT says"
    )
    openapi = add("openapi", _openapi, "print a dialect's OpenAPI document")
    openapi.add_argument("dialect", choices=DIALECTS)
    freepbx_arguments.add_arguments(add("import-freepbx", _import_freepbx, freepbx_arguments.SUMMARY))
    simulate_arguments.add_arguments(add("simulate", _simulate, simulate_arguments.SUMMARY))
    listening_arguments.add_arguments(add("cpa", _cpa, listening_arguments.SUMMARY))
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code. What an operator can mend is one line on standard error, not a traceback."""
    parsed = _parser().parse_args(arguments)
    if hasattr(parsed, "check"):
        parsed.check(parsed)
    try:
        settings = load()
        run: Command = parsed.run
        if parsed.command == "serve":
            import uvloop

            return uvloop.run(run(settings, parsed))
        return asyncio.run(run(settings, parsed))
    except AppError as error:
        print(f"ari_app: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
