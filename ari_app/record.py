"""The one place where what calls and queues tell is handed to the store."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ari_app.acd.commands import AnyFact
from ari_app.acd.engine import Engine
from ari_app.acd.events import AnyEvent
from ari_app.calls.call import Call, CallRecord
from ari_app.calls.facts import AnyCallFact, LegMeasured, RecordingEnded
from ari_app.store.acd import AcdRecorder
from ari_app.store.calls import CallRecorder
from ari_app.store.journal import AccountJournal, Journal
from ari_app.store.live_calls import LiveCalls
from ari_app.store.queue_log import QueueLog
from ari_app.store.writer import Writer

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(CallRecord).decode


class Record:
    """Implements the stores that `calls` and `acd` ask for."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._journal = Journal(writer)
        self._live = LiveCalls(writer)
        self._calls = CallRecorder(writer)
        self._acd = AcdRecorder(writer)
        self.queue_log = QueueLog(writer)
        #: the end of a recording was told, or is not waited for any more
        self.on_recorded: Callable[[str], None] = lambda recording: None
        #: how well the audio of a leg came through is known
        self.on_measured: Callable[[LegMeasured], None] = lambda fact: None

    async def load(self) -> tuple[list[Engine], list[CallRecord]]:
        """What was kept: the queues of each account, as they were, and live calls."""
        engines = [_replayed(journal) for journal in await self._journal.load()]
        calls = [_decode(row.state) for row in await self._live.load()]
        await self._calls.load()
        await self._acd.load()
        await self.queue_log.load()
        for engine in engines:
            self.queue_log.members(engine.account, engine.agent_status())
        return engines, calls

    def tell(self, fact: AnyCallFact) -> None:
        """A fact of a call or a leg."""
        self._calls.record(fact)
        self.queue_log.call(fact)
        if isinstance(fact, RecordingEnded):
            self.on_recorded(fact.recording)
        elif isinstance(fact, LegMeasured):
            self.on_measured(fact)

    def save(self, call: Call) -> None:
        """What a live call is, from now to the end of the batch."""
        self._live.save(call.id, call.account, call.node.name, lambda: _encode(call.record()))

    def remove(self, call: Call) -> None:
        """A call has ended."""
        self._live.remove(call.id)

    def event(self, account: int, at: float, event: AnyEvent) -> None:
        """An event of an account's queues."""
        self._journal.event(account, at, event)
        self.queue_log.event(account, at, event)

    def fact(self, account: int, fact: AnyFact) -> None:
        """A fact of an account's queues."""
        self._acd.record(account, fact)
        self.queue_log.record(account, fact)

    def snapshot(self, account: int, at: float, state: bytes) -> None:
        """The queues as they are now, in place of the journal up to here."""
        self._journal.snapshot(account, at, state)

    async def committed(self) -> None:
        """Return when all that was given so far is on disk."""
        await self._writer.committed()


def _replayed(journal: AccountJournal) -> Engine:
    engine = Engine.restore(journal.snapshot) if journal.snapshot else Engine(journal.account)
    for at, event in journal.events:
        engine.replay(event, at)
    return engine
