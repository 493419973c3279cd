"""An agent who gets free where callers wait is given the first of them without being put among the free: a short cut,
which gives what the long way gives, to the byte."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from random import Random
from typing import Any

import pytest

from ari_app.acd import matching
from ari_app.acd.engine import Engine
from ari_app.acd.floor import Floor
from ari_app.errors import CommandRefused, NotFound
from tests.unit.acd.history import History, Pick
from tests.unit.acd.test_properties import CONFIGURATION, PEOPLE, TRAFFIC, TROUBLE

_at_once = matching._serve_at_once


def test_the_short_cut_gives_what_the_long_way_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: Counter[bool] = Counter()

    def counted(floor: Floor) -> bool:
        served = _at_once(floor)
        taken[served] += 1
        return served

    for seed in range(6):
        history = _history(Random(seed))
        monkeypatch.setattr(matching, "_serve_at_once", counted)
        short = _told(history)
        monkeypatch.setattr(matching, "_serve_at_once", lambda _floor: False)
        assert short == _told(history)
        monkeypatch.undo()
    assert taken[True] > 20


def _history(chance: Random) -> History:
    """Rather many callers."""
    pick = Pick(chance.choice)
    history = History()
    history.open(pick)
    steps = TRAFFIC * 8 + (History.join,) * 12 + TROUBLE + PEOPLE + CONFIGURATION[:-1] + (History.staff,)
    for _ in range(600):
        chance.choice(steps)(history, pick)
    return history


def _told(history: History) -> list[Any]:
    """All that comes out of a history, and what is left."""
    engine = Engine.restore(history.states[0])
    out: list[Any] = []
    for event, at in history.journal:
        with suppress(CommandRefused, NotFound):
            out.append((type(event), engine.apply(event, at)))
    return [*out, engine.snapshot()]
