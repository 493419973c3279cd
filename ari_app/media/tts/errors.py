"""What can go wrong when a text is spoken: an error of that text, never of the call.

AppError
└── SpeechError
    ├── EngineMissing
    ├── UnknownVoice
    ├── BadText
    └── SynthesisFailed
"""

from __future__ import annotations

from ari_app.errors import AppError


class SpeechError(AppError):
    """A text could not be spoken."""

    slug = "speech"


class EngineMissing(SpeechError):
    """The speech engine is not installed on this machine, or no engine has that name."""

    slug = "engine_missing"


class UnknownVoice(SpeechError):
    """The engine has no such voice."""

    slug = "unknown_voice"


class BadText(SpeechError):
    """The text is empty or too long to be spoken."""

    slug = "bad_text"


class SynthesisFailed(SpeechError):
    """The engine did not make speech of the text."""

    slug = "synthesis_failed"
