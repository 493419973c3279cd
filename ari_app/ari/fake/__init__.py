"""FakeAsterisk: an Asterisk for tests, on a loopback port, that does what the real one does.

tests/contract runs the same tests against it and against a real Asterisk. README.md of ari_app/ari says how to use it.
"""

from ari_app.ari.fake.behaviours import (
    Answers,
    Behaviour,
    Busy,
    Declines,
    EntersStasis,
    FailsToRing,
    NeverAnswers,
    Offline,
)
from ari_app.ari.fake.server import FakeAsterisk

__all__ = [
    "Answers",
    "Behaviour",
    "Busy",
    "Declines",
    "EntersStasis",
    "FailsToRing",
    "FakeAsterisk",
    "NeverAnswers",
    "Offline",
]
