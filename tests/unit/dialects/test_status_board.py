"""What is kept of agents' status is what would be made anew, whatever has happened, and each account gets its own."""

from __future__ import annotations

from random import Random
from typing import Any, cast

import msgspec
import pytest

from ari_app.acd import events
from ari_app.acd.changes import Changes
from ari_app.acd.engine import Engine
from ari_app.acd.settings import QueueSettings
from ari_app.acd.views import AgentQueueStatus
from ari_app.dialects.eq.ports import Centre
from ari_app.dialects.eq.status_board import StatusBoard
from ari_app.dialects.eq.wire.live import CallQueueAgentStatus
from tests.unit.acd.history import History, Pick
from tests.unit.acd.test_properties import CONFIGURATION, PEOPLE, TRAFFIC, TROUBLE


class Engines:
    """As much of a centre as a board asks for."""

    def __init__(self) -> None:
        self.engines: dict[int, Engine] = {}
        #: agents whose rows were made
        self.asked: list[int | None] = []

    def agent_changes(self, account: int) -> Changes:
        return self.engines[account].changes

    def agent_status(
        self, account: int, queue: str | None, agent: int | None, combined: bool
    ) -> list[AgentQueueStatus]:
        self.asked.append(agent)
        return self.engines[account].agent_status(queue, agent, combined)

    def board(self) -> StatusBoard:
        return StatusBoard(cast(Centre, self))


def anew(engine: Engine, combined: bool) -> bytes:
    return msgspec.json.encode([CallQueueAgentStatus.of(row) for row in engine.agent_status(combined=combined)])


class Watched(History):
    """A history of account 1 that is looked at through a board now and then."""

    def __init__(self, chance: Random) -> None:
        super().__init__()
        self.chance = chance
        self.centre = Engines()
        self.board = self.centre.board()
        self.seen = 0

    def tell(self, event: Any) -> None:
        super().tell(event)
        self.centre.engines[1] = self.scene.engine
        if self.chance.random() < 0.5:  # several events between two looks, too
            combined = self.chance.random() < 0.5
            assert self.board.encoded(1, combined) == anew(self.scene.engine, combined)
            self.seen += 1


@pytest.mark.parametrize("seed", range(4))
def test_what_is_kept_is_what_would_be_made_anew(seed: int) -> None:
    chance = Random(seed)
    pick = Pick(chance.choice)
    history = Watched(chance)
    history.open(pick)
    steps = TRAFFIC * 2 + TROUBLE * 2 + PEOPLE * 2 + CONFIGURATION + (History.restart, History.staff)
    for _ in range(250):
        chance.choice(steps)(history, pick)
    assert history.seen > 50


def staffed(account: int, *agents: int) -> Engine:
    engine = Engine(account)
    for agent in agents:
        engine.apply(events.AgentConfigured(agent=agent), 1.0)
    return engine


def test_each_account_gets_its_own() -> None:
    centre = Engines()
    centre.engines = {1: staffed(1, 10), 2: staffed(2, 20)}
    board = centre.board()
    for _ in range(2):
        for account, agent in ((1, 10), (2, 20)):
            assert [row["agent"] for row in msgspec.json.decode(board.encoded(account, True))] == [agent]
            assert msgspec.json.decode(board.encoded(account, False)) == []


def test_only_who_has_changed_is_made_anew() -> None:
    centre = Engines()
    centre.engines = {1: staffed(1, 10, 11, 12)}
    board = centre.board()
    board.encoded(1, True)
    centre.asked.clear()
    board.encoded(1, True)
    assert centre.asked == []
    centre.engines[1].apply(events.AgentSignedIn(agent=11, extension="201"), 2.0)
    assert board.encoded(1, True) == anew(centre.engines[1], True)
    assert centre.asked == [11]


def test_another_engine_of_the_same_account_is_looked_at_anew() -> None:
    centre = Engines()
    centre.engines = {1: staffed(1, 10, 11)}
    board = centre.board()
    board.encoded(1, True)
    centre.engines[1] = staffed(1, 11, 10)  # as many changes
    assert board.encoded(1, True) == anew(centre.engines[1], True)


def test_who_gets_his_first_row_stands_where_he_belongs() -> None:
    engine = staffed(1, 10, 11)
    centre = Engines()
    centre.engines = {1: engine}
    board = centre.board()
    engine.apply(events.AgentConfigured(agent=11, bindings={"500": 1}), 2.0)
    engine.apply(events.QueueConfigured(queue=QueueSettings(extension="500")), 2.0)
    board.encoded(1, False)
    engine.apply(events.AgentSignedIn(agent=10, extension="201"), 3.0)
    assert board.encoded(1, False) == anew(engine, False)
    engine.apply(events.QueueSignedIn(agent=10, queues=("500",)), 4.0)
    assert [row["agent"] for row in msgspec.json.decode(board.encoded(1, False))] == [10, 11]
