"""What can go wrong when speech is to be recognised: an error of that speech, never of the call.

AppError
└── RecognitionError
    ├── RecogniserMissing
    ├── BadGrammar
    │   └── NoPartials
    └── RecognitionFailed
"""

from __future__ import annotations

from ari_app.errors import AppError


class RecognitionError(AppError):
    """Speech could not be recognised."""

    slug = "recognition"


class RecogniserMissing(RecognitionError):
    """The engine is not installed on this machine, or no engine has that name."""

    slug = "recogniser_missing"


class BadGrammar(RecognitionError):
    """The engine cannot listen for what is asked for."""

    slug = "bad_grammar"


class NoPartials(BadGrammar):
    """The engine says nothing before a piece of speech has ended."""

    slug = "no_partials"


class RecognitionFailed(RecognitionError):
    """The engine gave no answer."""

    slug = "recognition_failed"
