"""The composition root: builds everything, starts it in order, and stops it in the reverse order.

Order of a start, and why: the store first (nothing may happen that is not kept); then calls and queues as they were;
then REST; and the websocket of Asterisk last, because with it come the events of what happened meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry

from ari_app import gauges
from ari_app.acd.centre import Centre
from ari_app.alerting import Alerting, realtime
from ari_app.ari.node import Snapshot
from ari_app.call_quality import CallQuality
from ari_app.calls import recovery
from ari_app.calls.call import Call
from ari_app.calls.desk import Tell
from ari_app.calls.parking import Parking
from ari_app.calls.registry import Registry
from ari_app.check import Inspector
from ari_app.clock import Clock, SystemClock
from ari_app.config import Settings, host_port
from ari_app.configuring import Configuring
from ari_app.days import agents_today
from ari_app.dialects.eq.app import SIGN_INS, EqServices, make_app
from ari_app.dialects.eq.paths import PREFIX
from ari_app.dialects.feed import Feed
from ari_app.errors import ConfigError
from ari_app.freepbx.service import ImportService
from ari_app.ids import IdSource
from ari_app.media_plane import MediaPlane
from ari_app.ops.clock_set import ClockSet
from ari_app.ops.health import Health, health_routes
from ari_app.ops.metrics import HttpMetrics
from ari_app.pbx import Pbx
from ari_app.prompts.book import PATH as SOUNDS
from ari_app.prompts.book import prompt_book
from ari_app.provisioning.contacts import Contacts
from ari_app.provisioning.keypress import KeyPresser
from ari_app.provisioning.phones import PhoneService
from ari_app.provisioning.provisioner import Provisioner
from ari_app.provisioning.service import ExtensionService
from ari_app.record import Record
from ari_app.recordings.service import RecordingService, damage_told
from ari_app.store import migrate
from ari_app.store.accounts import DEFAULT, Accounts
from ari_app.store.audit import AuditTrail
from ari_app.store.audit_retention import AuditRetention
from ari_app.store.bindings import Bindings
from ari_app.store.call_records import CallRecords
from ari_app.store.conferences import ConferenceNumbers
from ari_app.store.database import Database
from ari_app.store.extensions import Extensions
from ari_app.store.hours import OpeningHours
from ari_app.store.keys import MEDIA, Keys
from ari_app.store.logins import Logins
from ari_app.store.overflow import Overflows
from ari_app.store.passwords import shared_passwords
from ari_app.store.pause_codes import PauseCodes
from ari_app.store.queue_log_file import QueueLogFile
from ari_app.store.queues import Queues
from ari_app.store.schedules import Schedules
from ari_app.store.sessions import Sessions
from ari_app.store.skills import Skills
from ari_app.store.statistics import Statistics
from ari_app.store.users import Users
from ari_app.store.writer import Writer
from ari_app.voicemail.desk import VoicemailService
from ari_app.voicemail.sounds import PATH as MESSAGES

log = structlog.get_logger(__name__)


class Application:
    """A running server."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.metrics = CollectorRegistry()
        #: files of ours may have been moved (log rotation)
        self.reopen_logs: Callable[[], None] = lambda: None
        self._stack = AsyncExitStack()
        self._restored: list[Call] = []
        self._resumed = False
        #: None: it is still starting
        self.configuring: Configuring | None = None

    async def start(self) -> None:
        """Build and start everything.

        Raises:
            ConfigError: a setting is missing or an address is taken.
            StoreUnavailable: the database does not answer.
        """
        try:
            await self._start_store()
            await self._start_calls()
            await self._start_http()
            await self._start_node()
        except BaseException:
            await self.stop()
            raise

    async def _start_store(self) -> None:
        self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        database = self.database = Database(self.settings.database())
        await database.start()
        self._stack.push_async_callback(database.close)
        if not await migrate.is_current(self.settings.database()):
            raise ConfigError("the database is not up to date: run `python -m ari_app migrate`")
        writer = self.writer = Writer(database, self.clock, self.settings.data_dir)
        await writer.start()
        self._stack.push_async_callback(writer.close)
        self.accounts = Accounts(database, self.clock)
        self.keys = Keys(database, self.clock, writer)
        self.audit = AuditTrail(database, self.clock, writer)
        retention = AuditRetention(self.audit, self.clock, self.settings.audit_days)
        retention.start()
        self._stack.push_async_callback(retention.close)
        self.users = Users(database, self.clock)
        self.queues = Queues(database, self.clock)
        self.pause_codes = PauseCodes(database, self.clock)
        self.bindings = Bindings(database)
        self.skills = Skills(database)
        self.hours = OpeningHours(database)
        self.overflows = Overflows(database)
        self.sessions = Sessions(database, self.clock, writer)
        await self.sessions.load()

    async def _start_calls(self) -> None:
        record = Record(self.writer)
        engines, calls = await record.load()
        await self._follow_queue_log(record)
        self.registry = Registry(self.clock, IdSource(self.clock), record)
        settings = self.settings
        self.centre = Centre(
            self.registry,
            record,
            self.clock,
            settings.dial_template,
            trunk_template=settings.trunk_template,
            outside=settings.outside_numbers,
            emergency=settings.emergency_numbers,
            parking=_parking(settings),
            forward_template=settings.forward_template,
        )
        self.statistics = Statistics(self.writer.database)
        self.today = await agents_today(self.accounts, self.statistics, self.clock, settings.time_zone)
        self.centre.listeners.append(self.today.tell)
        self._start_telling()
        record.on_measured = CallQuality(self.metrics, self.feed.tell)
        self.registry.route = self.centre.route
        self._stack.callback(self.centre.stop)
        clock_set = ClockSet(self.centre.opening.clock_was_set)
        clock_set.start()
        self._stack.callback(clock_set.close)
        for engine in engines:
            self.centre.add(engine)
        self._make_node()
        store = Extensions(self.writer.database, self.clock)
        provisioner = self.provisioner = Provisioner(store, self.registry.nodes, self.clock)
        self._stack.push_async_callback(provisioner.stop)
        self.extensions = ExtensionService(store, self.centre.directory, provisioner)
        await self.extensions.load()
        self.configuring = Configuring(
            accounts=self.accounts,
            queues=self.queues,
            users=self.users,
            bindings=self.bindings,
            skills=self.skills,
            hours=self.hours,
            overflows=self.overflows,
            extensions=self.extensions,
            centre=self.centre,
            time_zone=settings.time_zone,
        )
        self.prompts = prompt_book(settings, self.writer.database, self.clock)
        await self.prompts.load()
        self._stack.push_async_callback(self.prompts.close)
        self.registry.sound = self.prompts.sound
        self.registry.speech = self.prompts.speech
        await self._start_conferences()
        await self._start_recordings(record)
        self.media = MediaPlane(settings, self.clock, self.registry, self.centre, self._media_events())
        await self.media.start(self._stack)
        self._restored = recovery.restore(self.registry, calls, self.registry.nodes)
        self.centre.restored(self._restored)
        await self.configuring.all_accounts()
        await self.alerting.configure_all()
        self.centre.follow_phones()
        log.info("= restored", accounts=len(engines), calls=len(self._restored))

    async def _start_conferences(self) -> None:
        self.conferences = ConferenceNumbers(self.writer.database, self.clock)
        desk = self.centre.conferences.desk
        desk.is_pin, desk.tell = self.conferences.is_pin, self.feed.tell
        for account, settings in await self.conferences.all():
            desk.put(account, settings)

    async def _start_recordings(self, record: Record) -> None:
        recordings = self.recordings = RecordingService(
            self.settings, self.writer, self.registry, self.node, self.clock
        )
        record.on_recorded = recordings.collector.look
        recordings.library.on_damaged = damage_told(self.feed.tell, self.clock)
        voicemail = self.voicemail = VoicemailService(
            self.settings,
            self.writer,
            self.centre,
            recordings,
            self.prompts,
            self.extensions.store,
            self.registry,
            self.alerting.time_zone,
        )
        if self.alerting.sends_mail:
            voicemail.mail(self.alerting.outbox, self.alerting.senders)
        self.alerting.start(self._stack)
        self.extensions.on_changed = voicemail.changed
        await recordings.start()
        self._stack.push_async_callback(recordings.close)
        voicemail.mailboxes.start()
        self._stack.push_async_callback(voicemail.mailboxes.close)

    def _start_telling(self) -> None:
        self.alerting = Alerting(self.settings, self.clock, self.accounts, self.users, self.writer, self.centre)
        self.feed = Feed(self.clock, most=self.settings.event_listeners)
        self.centre.listeners.append(self.feed.fact)
        self.alerting.watch.listeners.append(realtime(self.feed.tell))

    def _media_events(self) -> list[Tell]:
        """Who is told what happens to attachments, analyses, recognitions, questions and playbacks."""
        hook = self.alerting.event_hook
        return [partial(self.feed.tell, scope=MEDIA), *([hook.tell] if hook is not None else [])]

    async def _follow_queue_log(self, record: Record) -> None:
        folder, name = self.settings.data_dir, self.settings.queue_log_file
        if not name:
            return
        file = QueueLogFile(self.writer, self.clock, folder / name, folder / "queue_log.cursor", DEFAULT)
        record.queue_log.on_rows, self.reopen_logs = file.follow, file.wake
        await file.start()
        self._stack.push_async_callback(file.close)

    def _make_node(self) -> None:
        self._pbx = Pbx(self.settings, self.clock)
        node = self.node = self._pbx.node
        self.registry.nodes[node.name] = node
        node.on_event = lambda event: self.registry.on_event(node, event)
        node.on_resynced = self._resynced
        node.on_disconnected = self._disconnected

    def _disconnected(self, _why: str) -> None:
        self.registry.disconnected(self.node)
        self.alerting.asterisk(False)

    async def _start_node(self) -> None:
        await self._pbx.start(self._stack, partial(self.alerting.asterisk, False))

    def _resynced(self, snapshot: Snapshot) -> None:
        recovery.reconcile(self.registry, self.node, snapshot.channels, snapshot.bridges)
        self.recordings.collector.sweep()
        self.alerting.asterisk(True)
        if not self._resumed:
            self._resumed = True
            self.centre.recover()
            recovery.resume(self._restored)
            self._restored = []
        self.provisioner.connected(self.node)
        self.voicemail.lights.connected(self.node)

    # REST

    async def _start_http(self) -> None:
        configuring = self.configuring
        assert configuring is not None
        presser = await self._stack.enter_async_context(KeyPresser.of(self.settings))
        contacts = Contacts(self.registry, self.node)
        root = web.Application()
        gauges.show(
            self.metrics,
            registry=self.registry,
            node=self.node,
            centre=self.centre,
            media=self.media,
            recordings=self.recordings,
            writer=self.writer,
        )
        root.router.add_get(f"{SOUNDS}{{token}}", self.prompts.serve)
        root.router.add_get(f"{MESSAGES}{{token}}", self.voicemail.sounds.serve)
        root.add_routes(health_routes(self._health(), self.metrics))
        eq = EqServices(
            accounts=self.accounts,
            audit=self.audit,
            logins=Logins(self.writer.database, shared_passwords(), self.clock),
            keys=self.keys,
            users=self.users,
            queues=self.queues,
            pause_codes=self.pause_codes,
            extensions=self.extensions,
            phones=PhoneService(contacts.read, presser),
            bindings=self.bindings,
            conferences=self.conferences,
            call_records=CallRecords(self.writer.database),
            skills=self.skills,
            hours=self.hours,
            overflows=self.overflows,
            library=self.recordings.library,
            mailboxes=self.voicemail.mailboxes,
            greetings=self.voicemail.greetings,
            alerts=self.alerting.alerts,
            watch=self.alerting.watch,
            feed=self.feed,
            prompts=self.prompts,
            schedules=Schedules(self.writer.database),
            statistics=self.statistics,
            today=self.today,
            sessions=self.sessions,
            centre=self.centre,
            inspector=Inspector(self.settings, lambda: self.node, self.centre.numbers.endpoint),
            database=self.writer.database,
            taken_up=configuring.account,
            importer=ImportService(self.writer.database, self.clock, configuring.imported),
            media=self.media.attachments,
            recognition=self.media.recognition,
            question=self.media.question,
            analysis=self.media.analysis,
            playback=self.media.playback,
            clock=self.clock,
            settings=self.settings,
            metrics=HttpMetrics(self.metrics),
        )
        dialect = make_app(eq)
        configuring.sign_ins = dialect[SIGN_INS]
        root.add_subapp(PREFIX, dialect)
        runner = web.AppRunner(root, access_log=None)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        host, port = host_port(self.settings.http_listen, "HTTP_LISTEN")
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise ConfigError(f"cannot listen on HTTP_LISTEN {self.settings.http_listen}: {error}") from None

    def _health(self) -> Health:
        health = Health()

        async def database() -> str | None:
            return None if self.writer.healthy else "the database does not answer; what happens is kept in a file"

        async def asterisk() -> str | None:
            if self.node.connected and self._resumed:
                return None
            return f"no events from Asterisk {self.node.name}; callers get the dialplan's fallback"

        health.add("recordings", self.recordings.health, needed=False)
        health.add("database", database)
        health.add("asterisk", asterisk)
        return health

    def reload(self) -> None:
        """SIGHUP: files of ours may have been moved, and what is configured may be other than it was."""
        self.reopen_logs()
        if self.configuring is not None:
            self.configuring.reload()

    async def stop(self) -> None:
        """Stop. Live calls stay as they are in Asterisk, to be taken up by the next start."""
        if self.configuring is not None:
            await self.configuring.done()
        if hasattr(self, "registry"):
            for call in list(self.registry.calls.values()):
                call.detach()
        await self._stack.aclose()


def _parking(settings: Settings) -> Parking:
    first, last = settings.parking_spaces.split("-")
    return Parking(first=int(first), last=int(last), timeout=settings.parking_timeout, number=settings.parking_number)
