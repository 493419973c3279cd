"""Reads a sound or its features, and prints what the analysis finds in it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ari_app.errors import AppError
from ari_app.media.cpa import CallProgress, Finding, Parameters
from ari_app.media.feature_file import NotFeatures, dump, is_features, load
from ari_app.media.features import Channel, Features, measure
from ari_app.media.frames import FRAME_BYTES, FRAME_MS, Framer
from ari_app.media.greeting import PROFILES
from ari_app.media.recorded import is_packed, unpack
from ari_app.prompts.sound import BARE, to_samples

#: Seconds of a sound, and bytes of a file, that are read.
_LONGEST = 4 * 3600.0
_LARGEST = 1 << 30
#: The longest time after which an analysis ends.
_WHOLE = 600_000


class CannotListen(AppError):
    """The file, or what was asked of it, cannot be used."""

    slug = "cannot_listen"


def sound_of(path: Path, bare: str | None = None, channel: int | None = None) -> bytes:
    """A file's samples: 8 kHz, 16 bits, one channel. bare: its encoding if it has no header; else by its name.

    Raises:
        CannotListen: it cannot be read.
        NotASound: it is no sound.
    """
    suffix = path.suffix.lower().lstrip(".")
    names = {"ul": "ulaw", "ulw": "ulaw", "mu": "ulaw", "al": "alaw", "slin": "sln", "raw": "sln"}
    wanted = bare or names.get(suffix, suffix)
    return to_samples(_read(path), wanted if wanted in BARE else None, channel=channel, longest=_LONGEST)


def features_of(sound: bytes, silence: int = 0) -> list[Features]:
    """What is measured of these samples, and of so many ms of silence after them."""
    channel = Channel()
    whole = sound + bytes(silence // FRAME_MS * FRAME_BYTES)
    frames = Framer().feed(whole + bytes(-len(whole) % FRAME_BYTES))
    return [features for frame in frames for features in measure([(channel, frame)])]


def run(arguments: argparse.Namespace, tell: Callable[[str], None]) -> int:
    """tell: gets each line that is printed. 0; 1 if one of several files could not be used, told in its place."""
    parameters = _parameters(arguments)
    if arguments.features and len(arguments.files) > 1:
        raise CannotListen("--features: of one sound only")
    failed = 0
    for path in arguments.files:
        try:
            features = _features(path, arguments)
        except AppError as error:
            if len(arguments.files) == 1:
                raise
            failed = 1
            tell(json.dumps({"file": str(path), "error": str(error)}) if arguments.json else str(error))
            continue
        if arguments.features:
            _write(arguments.features, features)
        for line in _lines(path, features, parameters, arguments):
            tell(line)
    return failed


def _parameters(arguments: argparse.Namespace) -> Parameters:
    countries = tuple(filter(None, (arguments.countries or "").split(",")))
    try:
        parameters = Parameters(tones=dict(arguments.tone), countries=countries, profile=PROFILES[arguments.profile])
        if arguments.total_timeout is not None:
            parameters = replace(parameters, total_timeout=arguments.total_timeout)
        CallProgress(parameters)
    except ValueError as error:
        raise CannotListen(str(error)) from None
    return replace(parameters, total_timeout=_WHOLE) if arguments.whole else parameters


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise CannotListen(f"{path}: larger than {_LARGEST >> 20} MB")
        return path.read_bytes()
    except OSError as error:
        raise CannotListen(f"{path}: {error.strerror}") from None


def _write(path: Path, features: list[Features]) -> None:
    try:
        with path.open("w") as file:
            file.writelines(dump(features))
    except OSError as error:
        raise CannotListen(f"{path}: {error.strerror}") from None


def _features(path: Path, arguments: argparse.Namespace) -> list[Features]:
    data = _read(path)
    if is_packed(data):
        try:
            data = unpack(data).encode()
        except NotFeatures as error:
            raise CannotListen(f"{path}: {error}") from None
    if not is_features(data[:100].decode("latin-1")):
        try:
            return features_of(sound_of(path, arguments.format, arguments.channel), arguments.silence)
        except AppError as error:
            raise CannotListen(f"{path}: {error}") from None
    try:
        return list(load(data.decode("utf-8", "replace").splitlines()))
    except NotFeatures as error:
        raise CannotListen(f"{path}: {error}") from None


def _lines(
    path: Path, features: list[Features], parameters: Parameters, arguments: argparse.Namespace
) -> Iterator[str]:
    progress = CallProgress(parameters)
    found = [finding for frame in features for finding in progress.hear(frame)]
    if arguments.json:
        about = {"file": str(path), "ms": len(features) * FRAME_MS, "answer": progress.answer}
        yield json.dumps({**about, "findings": [_as_json(finding) for finding in found]})
        return
    if len(arguments.files) > 1:
        yield str(path)
    for finding in found:
        facts = " ".join(f"{name}={value}" for name, value in finding.facts.items())
        times = f"{finding.at / 1000:8.2f} s  {finding.code:<10} since {finding.since / 1000:.2f} s"
        yield f"{times}: {finding.reason}{f'  ({facts})' if facts else ''}"
    ended = "" if progress.done else f" (heard to its end, {len(features) * FRAME_MS / 1000:.2f} s)"
    yield f"answer: {progress.answer or 'nobody was recognised'}{ended}"


def _as_json(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "at": finding.at,
        "since": finding.since,
        "reason": finding.reason,
        "facts": dict(finding.facts),
    }
