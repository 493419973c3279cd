"""A whole EQ API for a test: real HTTP on loopback, the real store on SQLite, the real engine, a clock of the
test's own.

Two accounts, "default" (1) and "other", with a key each, so that every test can look across the border.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import Middleware
from pydantic import SecretStr
from sqlalchemy import update

from ari_app.acd.events import AgentConfigured, AgentRemoved, QueueConfigured, QueueRemoved
from ari_app.ari.errors import Unreachable
from ari_app.calls import facts
from ari_app.calls.directory import Directory
from ari_app.clock import ManualClock
from ari_app.config import Settings
from ari_app.dialects import eq
from ari_app.dialects.eq.app import SIGN_INS
from ari_app.dialects.feed import Feed
from ari_app.freepbx.service import ImportService
from ari_app.hooks.watch import Watch
from ari_app.media.tts.errors import SynthesisFailed, UnknownVoice
from ari_app.media.tts.synthesiser import Synthesiser
from ari_app.ops.problems import Problem
from ari_app.prompts.book import PromptBook
from ari_app.provisioning.contacts import Contact
from ari_app.provisioning.keypress import KeyPresser
from ari_app.provisioning.phones import PhoneService
from ari_app.provisioning.provisioner import Provisioner
from ari_app.provisioning.service import ExtensionService
from ari_app.recordings.files import LocalFiles
from ari_app.recordings.library import Library
from ari_app.store import migrate
from ari_app.store.accounts import DEFAULT, Accounts
from ari_app.store.acd import AcdRecorder
from ari_app.store.alerts import Alerts
from ari_app.store.audit import AuditTrail
from ari_app.store.bindings import Bindings
from ari_app.store.call_records import CallRecords
from ari_app.store.calls import CallRecorder
from ari_app.store.conferences import ConferenceNumbers
from ari_app.store.database import Database
from ari_app.store.extensions import Extensions
from ari_app.store.hours import OpeningHours
from ari_app.store.keys import Keys
from ari_app.store.logins import Logins
from ari_app.store.overflow import Overflows
from ari_app.store.passwords import Passwords
from ari_app.store.pause_codes import PauseCodes
from ari_app.store.prompts import Prompts
from ari_app.store.queues import Queues
from ari_app.store.recordings import Recordings
from ari_app.store.rows import table_of
from ari_app.store.schedules import Schedules
from ari_app.store.sessions import Sessions
from ari_app.store.skills import Skills
from ari_app.store.statistics import Statistics
from ari_app.store.today import AgentsToday
from ari_app.store.users import Users
from ari_app.store.voicemail import Messages
from ari_app.store.writer import Writer
from ari_app.voicemail.greetings import Greetings
from ari_app.voicemail.lights import Lights
from ari_app.voicemail.service import Mailboxes
from models import VoicemailMessage
from tests.dialects.eq.engine_analysis import EngineAnalysis
from tests.dialects.eq.engine_centre import EngineCentre
from tests.dialects.eq.engine_media import EngineMedia
from tests.dialects.eq.engine_playback import EnginePlayback
from tests.dialects.eq.engine_question import EngineQuestion
from tests.dialects.eq.engine_recognition import EngineRecognition
from tests.dialects.eq.half_written import HalfWritten

#: phones that Asterisk knows, in each account
EXTENSIONS = {str(number) for number in range(100, 120)}


def _phones() -> web.Application:
    async def press(_request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_get("/servlet", press)
    return app


class Beeper:
    """A speech engine that every machine has: a tenth of a second for each character."""

    name, default_voice, remote = "flite", "slt", False

    def check(self, voice: str) -> None:
        if voice != self.default_voice:
            raise UnknownVoice(f"flite: no voice {voice!r}")

    async def speak(self, text: str, voice: str) -> bytes:
        if "unspeakable" in text:
            raise SynthesisFailed("flite: exit status 1")
        return bytes(1600) * len(text)

    async def close(self) -> None:
        pass


class World:
    """What `open_world` makes."""

    def __init__(self, database: Database, clock: ManualClock, folder: Path) -> None:
        self.database = database
        self.clock = clock
        self.accounts = {"default": DEFAULT}
        #: account's name -> plain key
        self.keys: dict[str, str] = {}
        self.centre = EngineCentre(clock)
        self.media = EngineMedia(self.centre)
        self.recognition = EngineRecognition(self.centre)
        self.question = EngineQuestion(self.centre)
        self.analysis = EngineAnalysis(self.centre)
        self.playback = EnginePlayback(self.centre)
        self.today = AgentsToday("UTC")
        self.centre.listeners.append(self.today.tell)
        self.missing = {"sms": "There is no SMS gateway here"}
        self.watch = Watch(self.centre, clock, self.missing)
        self.centre.listeners.append(self.watch.tell)
        self.feed = Feed(clock, most=3)
        self.centre.listeners.append(self.feed.fact)
        self.key_store = Keys(database, clock)
        self.passwords = Passwords(time_cost=1, memory_cost=8, parallelism=1)
        self.audit = AuditTrail(database, clock)
        self.users = Users(database, clock, self.passwords)
        self.queues = Queues(database, clock)
        self.pause_codes = PauseCodes(database, clock)
        self.bindings = Bindings(database)
        store = Extensions(database, clock, self.passwords)
        self.extensions = ExtensionService(store, Directory(), Provisioner(store, {}, clock))
        #: extension -> what is registered
        self.contacts: dict[str, Contact] = {}
        self.files = LocalFiles(folder / "recordings")
        self.prompts = PromptBook(
            Prompts(database, clock), Synthesiser([Beeper()]), folder / "prompts", "http://pbx", clock
        )
        self.library = Library(Recordings(database, clock), self.files, clock)
        messages = Messages(database, clock)
        directory = self.extensions.directory
        self.mailboxes = Mailboxes(messages, self.library, directory, Lights({}, clock), clock, 2.0)
        self.half_written: HalfWritten | None = None
        #: around all requests
        self.middlewares: list[Middleware] = []
        self.client: TestClient[web.Request, web.Application]
        self.app: web.Application

    async def start(self) -> None:
        """Accounts, keys, and the server."""
        self.library.prepare()
        self.accounts["other"] = await Accounts(self.database, self.clock).create("other")
        for name, account in self.accounts.items():
            _, self.keys[name] = await self.key_store.create(account, name)
            self.centre.extensions[account] = set(EXTENSIONS)
        #: phones at 127.0.0.2 answer over HTTP, as makers' own do
        self.phones = TestServer(_phones(), host="127.0.0.2")
        await self.phones.start_server()
        logins = '{"yealink": "admin:secret", "snom": "admin:secret"}'
        url = f"http://{{address}}:{self.phones.port}"
        self.settings = Settings(
            session_timeout=300, phone_logins=SecretStr(logins), phone_networks="127.0.0.0/8", phone_url=url
        )
        await self.serve()

    async def serve(self) -> None:
        """Start the application, as a process does."""
        self.missing["licenseExceeded"] = "" if self.settings.license_max_agents is not None else "There is no cap"
        self.presser = await KeyPresser.of(self.settings).__aenter__()
        await self.prompts.load()
        sessions = Sessions(self.database, self.clock)
        await sessions.load()
        self.sessions = sessions
        self.app = eq.make_app(
            eq.EqServices(
                accounts=Accounts(self.database, self.clock),
                audit=self.audit,
                logins=Logins(self.database, self.passwords, self.clock),
                keys=self.key_store,
                users=self.users,
                queues=self.queues,
                pause_codes=self.pause_codes,
                extensions=self.extensions,
                phones=PhoneService(self._registered, self.presser),
                bindings=self.bindings,
                call_records=CallRecords(self.database),
                conferences=ConferenceNumbers(self.database, self.clock, self.passwords),
                skills=Skills(self.database),
                hours=OpeningHours(self.database),
                today=self.today,
                alerts=Alerts(self.database, self.clock),
                watch=self.watch,
                feed=self.feed,
                schedules=Schedules(self.database),
                overflows=Overflows(self.database),
                library=self.library,
                mailboxes=self.mailboxes,
                greetings=Greetings(self.prompts, self.library, self.extensions.directory),
                prompts=self.prompts,
                statistics=Statistics(self.database),
                sessions=sessions,
                centre=self.centre,
                inspector=self,
                database=self.database,
                taken_up=self._taken_up,
                importer=ImportService(self.database, self.clock, self._taken_up),
                media=self.media,
                recognition=self.recognition,
                question=self.question,
                analysis=self.analysis,
                playback=self.playback,
                clock=self.clock,
                settings=self.settings,
            )
        )
        root = web.Application(middlewares=self.middlewares)
        root.add_subapp(eq.PREFIX, self.app)
        self.client = TestClient(TestServer(root))
        await self.client.start_server()

    async def _registered(self, extensions: Iterable[str]) -> dict[str, Contact]:
        if not self.centre.reachable:
            raise Unreachable("connection refused")
        return {extension: self.contacts[extension] for extension in extensions if extension in self.contacts}

    async def problems(self, extensions: Iterable[str]) -> list[Problem]:
        """What an inspector finds: phones that nobody registered."""
        if not self.centre.reachable:
            return [Problem(code="asterisk_unreachable", severity="error", message="no answer")]
        return [
            Problem(code="extension_unregistered", severity="warning", message=f"no phone at {extension}")
            for extension in extensions
            if extension not in self.contacts
        ]

    async def _taken_up(self, account: int) -> None:
        """As the application does it: the engine is told what is in the store."""
        engine = self.centre.engine(account)
        wanted = {settings.extension: settings for settings in await self.queues.all_settings(account)}
        for settings in wanted.values():
            self.centre.apply(account, QueueConfigured(queue=settings))
        for gone in set(engine.queues()) - set(wanted):
            self.centre.apply(account, QueueRemoved(queue=gone))
        bound: dict[int, dict[str, int]] = {}
        for binding in await self.bindings.of_account(account):
            bound.setdefault(binding.agent, {})[binding.queue] = binding.skill
        living = {agent.id for agent in (await self.users.listing(account, "agent", limit=1000)).rows}
        for agent in sorted(living):
            self.centre.apply(account, AgentConfigured(agent=agent, bindings=bound.get(agent, {})))
        for agent in set(engine.agents()) - living:
            self.centre.apply(account, AgentRemoved(agent=agent))

    async def stop(self) -> None:
        await self._end()
        await self.phones.close()

    async def _end(self) -> None:
        await self.client.close()
        await self.presser.__aexit__(None, None, None)

    async def restart(self) -> None:
        """The process ends and comes back; the engine, which has a journal in real life, stays."""
        await self._end()
        await self.serve()

    async def pass_time(self, seconds: float) -> None:
        """Move the clock, and let what came due be written."""
        self.clock.advance(seconds)
        await self.app[SIGN_INS].idle()

    async def record(self) -> None:
        """Have the record say what happened so far."""
        with tempfile.TemporaryDirectory() as folder:
            writer = Writer(self.database, self.clock, Path(folder))
            await writer.start()
            recorder = AcdRecorder(writer)
            for account, fact in self.centre.facts:
                recorder.record(account, fact)
            await writer.flush()
            await writer.close()

    async def tell(self, *told: facts.AnyCallFact) -> None:
        """Facts of calls come into the record."""
        with tempfile.TemporaryDirectory() as folder:
            writer = Writer(self.database, self.clock, Path(folder))
            await writer.start()
            recorder = CallRecorder(writer)
            for fact in told:
                recorder.record(fact)
            await writer.flush()
            await writer.close()

    async def left(
        self, account: int, name: str, mailbox: str, caller: str, content: str, urgent: bool = False
    ) -> None:
        """A message has come into a mailbox."""
        at, call = self.clock.now(), f"call-{name}"
        begun = facts.MessageBegun(
            at=at,
            call=call,
            account=account,
            recording=name,
            mailbox=mailbox,
            caller_number=caller,
            caller_name=f"Name {caller}",
        )
        await self.tell(begun, facts.MessageMarked(at=at, recording=name, urgent=urgent))
        await self.recorded(account, name, call=call, kind="voicemail", content=content)
        table = table_of(VoicemailMessage)
        async with self.database.transaction() as connection:
            await connection.execute(update(table).where(table.c.recording == name).values(arrived_at=at))

    async def recorded(self, account: int, name: str, *, content: str | bytes = "", **what: Any) -> None:
        """A recording began and, after a minute, ended. content: what is in its file; nothing: it has not been
        fetched."""
        at = self.clock.now()
        outcome = what.pop("outcome", "finished")
        begun = facts.RecordingStarted(at=at, account=account, recording=name, format="wav", node="main", **what)
        if outcome is None:
            self.centre.recorder.live.add((account, name))
            return await self.tell(begun)
        duration = 60.0 if outcome == "finished" else 0.0
        over = facts.RecordingEnded(at=at + 60, call=begun.call, recording=name, duration=duration, outcome=outcome)
        await self.tell(begun, over)
        if content:
            recording = await self.library.recordings.get(account, name)
            await self.library.recordings.stored(recording, await self.files.receive(recording, _blocks(content)))
        return None

    async def ask(
        self,
        method: str,
        path: str,
        *,
        key: str | None = "default",
        query: dict[str, str] | None = None,
        **body: Any,
    ) -> Reply:
        """One request. body: json=, data= (a form or raw bytes), headers=."""
        query = dict(query or {})
        if key is not None:
            query.setdefault("auth_key", self.keys.get(key, key))
        async with self.client.request(method, eq.PREFIX + path, params=query, **body) as response:
            is_json = response.content_type == "application/json"
            return Reply(
                status=response.status,
                json=await response.json() if is_json else await response.text(errors="replace"),
                headers=dict(response.headers),
            )

    async def done(self, method: str, path: str, **request: Any) -> Any:
        """One request that must succeed; its document."""
        reply = await self.ask(method, path, **request)
        assert reply.status == 200, reply
        return reply.json


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int
    json: Any
    headers: dict[str, str]


async def _blocks(content: str | bytes) -> AsyncIterator[bytes]:
    yield content.encode() if isinstance(content, str) else content


async def template_database(folder: Path) -> Path:
    """A migrated database to copy."""
    path = folder / "template.sqlite"
    await migrate.upgrade(f"sqlite+aiosqlite:///{path}")
    return path


async def open_world(template: Path, folder: Path, *, checked: bool = False) -> World:
    """checked: after each request the database is looked at (half_written.py)."""
    path = folder / "test.sqlite"
    shutil.copy(template, path)
    database = Database(f"sqlite+aiosqlite:///{path}")
    await database.start()
    world = World(database, ManualClock(), folder)
    if checked:
        world.half_written = HalfWritten(path)
        world.middlewares.append(world.half_written.check)
    await world.start()
    return world
