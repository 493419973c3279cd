"""`python -m ari_app cpa`: what may be said on the command line. Imports little: every command's start pays."""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "who has answered, by the sound of a call in a file: each finding with its time, its reason and its numbers"

#: of media/cpa.py; named here so that --help imports no numpy
PROFILES = ("balanced", "fast", "safe-for-humans")
#: encodings of a file without a header, at 8 kHz with one channel
BARE = ("alaw", "gsm", "sln", "ulaw", "vox")

EPILOG = """\
a FILE is what was heard from the answer on: WAV, MP3, Ogg, FLAC, AU at any rate, or without a header ulaw, alaw, sln
(16 bits), gsm, vox, by the end of its name or by --format. What was written by --features is read as well: the same
findings again, or those of other parameters, without the sound.

  python -m ari_app cpa call.wav
  python -m ari_app cpa call.ulaw --profile safe-for-humans --tone BP=1000\\|10
  python -m ari_app cpa call.wav --features call.features && python -m ari_app cpa call.features --profile fast
  python -m ari_app cpa *.wav --json                     # a line a file

Findings, parameters, profiles: docs/cpa.md.
"""


def _tone(text: str) -> tuple[str, str]:
    name, _, tone = text.partition("=")
    if name and tone:
        return name, tone
    raise argparse.ArgumentTypeError(f'{text!r} is not "NAME=Hz|tolerance"')


def _ms(text: str) -> int:
    if text.isdecimal() and int(text) <= 600_000:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not 0 to 600000 ms")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a sound, or features of one")
    parser.add_argument("--profile", choices=PROFILES, default="balanced", help="how long to listen (%(default)s)")
    parser.add_argument("--json", action="store_true", help="a line of JSON a file")
    parser.add_argument("--features", type=Path, metavar="OUT", help="write what was measured of the (one) sound")
    parser.add_argument("--format", choices=BARE, help="of a sound without a header; else by the end of its name")
    parser.add_argument("--channel", type=int, metavar="N", help="of a file with several, from 1; else they are mixed")
    parser.add_argument(
        "--tone", type=_tone, action="append", default=[], metavar="NAME=HZ|TOLERANCE", help="a tone to tell by name"
    )
    parser.add_argument("--countries", metavar="us,uk", help="whose ringback, busy and congestion tones; else all")
    parser.add_argument("--total-timeout", type=int, metavar="MS", help="when the analysis ends; else after 15 s")
    parser.add_argument(
        "--silence",
        type=_ms,
        default=2000,
        metavar="MS",
        help="that is heard after the sound's end, as of a phone that sends nothing (%(default)s)",
    )
    parser.add_argument("--whole", action="store_true", help="listen to the end of the sound, however long")
