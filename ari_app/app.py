"""The composition root: builds everything, starts it in order, and stops it in the reverse order."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack

import structlog
from aiohttp import web

from ari_app.acd import events
from ari_app.acd.centre import Centre
from ari_app.acd.engine import Engine
from ari_app.ari.connection import OutboundServer
from ari_app.ari.node import Node, Snapshot
from ari_app.calls import recovery
from ari_app.calls.call import Call
from ari_app.calls.registry import Registry
from ari_app.clock import Clock, SystemClock
from ari_app.config import Settings, host_port
from ari_app.dialects.eq.app import EqServices, make_app
from ari_app.errors import ConfigError
from ari_app.ids import IdSource
from ari_app.ops.health import Health, health_routes
from ari_app.ops.logging import configure as configure_logging
from ari_app.record import Record
from ari_app.store import migrate
from ari_app.store.bindings import Bindings
from ari_app.store.database import Database
from ari_app.store.journal import AccountJournal
from ari_app.store.keys import Keys
from ari_app.store.pause_codes import PauseCodes
from ari_app.store.queues import Queues
from ari_app.store.sessions import Sessions
from ari_app.store.users import Users
from ari_app.store.writer import Writer

log = structlog.get_logger(__name__)

#: events that cost and that nobody here looks at
UNWANTED_EVENTS = ("ChannelVarset", "ChannelDialplan", "ChannelConnectedLine", "ChannelCallerId", "BridgeVideoSourceChanged")


class Application:
    """A running server."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self._stack = AsyncExitStack()
        self._restored: list[Call] = []
        self._resumed = False

    async def start(self) -> None:
        """Build and start everything.

        Raises:
            ConfigError: a setting is missing.
            StoreUnavailable: the database does not answer.
        """
        settings = self.settings
        if not settings.ari_password.get_secret_value():
            raise ConfigError("ARI_PASSWORD is not set: the password of ARI_USER in Asterisk's ari.conf")
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        await self._start_store()
        await self._start_calls()
        await self._start_http()
        await self._start_node()

    async def _start_store(self) -> None:
        database = self.database = Database(self.settings.database())
        await database.start()
        self._stack.push_async_callback(database.close)
        if not await migrate.is_current(self.settings.database()):
            raise ConfigError("the database is not up to date: run `python -m ari_app migrate`")
        writer = self.writer = Writer(database, self.clock, self.settings.data_dir)
        await writer.start()
        self._stack.push_async_callback(writer.close)
        self.keys = Keys(database, self.clock, writer)
        self.users = Users(database, self.clock)
        self.queues = Queues(database, self.clock)
        self.pause_codes = PauseCodes(database, self.clock)
        self.bindings = Bindings(database)
        self.sessions = Sessions(database, self.clock, writer)
        await self.sessions.load()

    async def _start_calls(self) -> None:
        record = Record(self.writer)
        journals, calls = await record.load()
        self.registry = Registry(self.clock, IdSource(self.clock), record)
        self.centre = Centre(self.registry, record, self.clock, self.settings.dial_template)
        self.registry.route = self.centre.route
        self._stack.callback(self.centre.stop)
        for journal in journals:
            self.centre.add(_replayed(journal))
        self._make_node()
        self._restored = recovery.restore(self.registry, calls, self.registry.nodes)
        self.centre.restored(self._restored)
        await self._configure_queues()
        log.info("= restored", accounts=len(journals), calls=len(self._restored))

    async def _configure_queues(self) -> None:
        """What was configured while we were away, or never reached the journal."""
        for account in await self.queues.accounts():
            engine = self.centre.dispatcher(account).engine
            for settings in (await self.queues.all_settings(account)):
                if engine.settings(settings.extension) != settings:
                    self.centre.apply(account, events.QueueConfigured(queue=settings))

    def _make_node(self) -> None:
        settings = self.settings
        self.node = Node(
            settings.ari_node,
            url=settings.ari_url,
            user=settings.ari_user,
            password=settings.ari_password.get_secret_value(),
            app=settings.ari_app,
            unwanted_events=UNWANTED_EVENTS,
        )
        self.registry.nodes[self.node.name] = self.node
        self.node.on_event = lambda event: self.registry.on_event(self.node, event)
        self.node.on_resynced = self._resynced

    async def _start_node(self) -> None:
        raise NotImplementedError

    def _resynced(self, snapshot: Snapshot) -> None:
        recovery.reconcile(self.registry, self.node, snapshot.channels, snapshot.bridges)
        if not self._resumed:
            self._resumed = True
            self.centre.recover()
            recovery.resume(self._restored)
            self._restored = []

    async def stop(self) -> None:
        """Stop. Live calls stay as they are in Asterisk, to be taken up by the next start."""
        for call in list(self.registry.calls.values()):
            call.detach()
        await self._stack.aclose()


def _replayed(journal: AccountJournal) -> Engine:
    engine = Engine.restore(journal.snapshot) if journal.snapshot else Engine(journal.account)
    for at, event in journal.events:
        engine.replay(event, at)
    return engine
