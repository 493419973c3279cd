"""The EQ API as an aiohttp application, made from the table in paths.py."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web

from ari_app.acd.alerts import Kind as AlertKind
from ari_app.clock import Clock
from ari_app.config import Settings
from ari_app.dialects.eq import auditing, auth, roles
from ari_app.dialects.eq.auth import Authenticator, Caller
from ari_app.dialects.eq.errors import ApiError, render, render_unexpected
from ari_app.dialects.eq.guessing import Guesses
from ari_app.dialects.eq.openapi import openapi_document
from ari_app.dialects.eq.paths import DOCUMENT, ENDPOINTS, TOTAL_HEADER
from ari_app.dialects.eq.ports import Analyses, Centre, Importer, Inspector, Media, Playbacks, Questions, Recognition
from ari_app.dialects.eq.routes import HANDLERS
from ari_app.dialects.eq.routes.ask import Ask, Encoded, Handler, Listed, Services, Text
from ari_app.dialects.eq.routes.passwords import account_named
from ari_app.dialects.eq.sessions import SignIns
from ari_app.dialects.eq.status_board import StatusBoard
from ari_app.dialects.eq.wire.fields import is_blank
from ari_app.dialects.feed import Feed
from ari_app.dialects.http import (
    BodyMalformed,
    Endpoint,
    encoded_response,
    guard,
    json_response,
    query_parameters,
    read_body,
    read_parameters,
)
from ari_app.dialects.listening import Listening, serve
from ari_app.dialects.streaming import Streamed, stream
from ari_app.hooks.watch import Watch
from ari_app.ops.metrics import HttpMetrics
from ari_app.prompts.book import PromptBook
from ari_app.provisioning.phones import PhoneService
from ari_app.provisioning.service import ExtensionService
from ari_app.recordings.library import Library
from ari_app.store import riding
from ari_app.store.accounts import Accounts
from ari_app.store.alerts import Alerts
from ari_app.store.audit import AuditTrail
from ari_app.store.bindings import Bindings
from ari_app.store.call_records import CallRecords
from ari_app.store.conferences import ConferenceNumbers
from ari_app.store.database import Database
from ari_app.store.hours import OpeningHours
from ari_app.store.keys import Keys
from ari_app.store.logins import Logins
from ari_app.store.overflow import Overflows
from ari_app.store.pause_codes import PauseCodes
from ari_app.store.queues import Queues
from ari_app.store.schedules import Schedules
from ari_app.store.sessions import Sessions
from ari_app.store.skills import Skills
from ari_app.store.statistics import Statistics
from ari_app.store.today import AgentsToday
from ari_app.store.users import Users
from ari_app.store.values import ApiKey, UserSession
from ari_app.voicemail.greetings import Greetings
from ari_app.voicemail.service import Mailboxes

log = structlog.get_logger("eq")

SIGN_INS = web.AppKey("sign_ins", SignIns)

#: bytes of a file that is sent
UPLOAD_LIMIT = 8 * 1024 * 1024

#: changes that a supervisor of type monitorOnly may make
_FOR_MONITORS = frozenset({"call_monitor_action", "x.sign_in", "x.password.update"})
_SIGN_OUT = {"supervisor_session.delete"}


@dataclass(frozen=True, kw_only=True)
class EqServices:
    """What the API works on. `sessions` must have been loaded."""

    accounts: Accounts
    audit: AuditTrail
    logins: Logins
    alerts: Alerts
    watch: Watch
    feed: Feed
    keys: Keys
    users: Users
    queues: Queues
    pause_codes: PauseCodes
    extensions: ExtensionService
    phones: PhoneService
    bindings: Bindings
    conferences: ConferenceNumbers
    call_records: CallRecords
    skills: Skills
    hours: OpeningHours
    today: AgentsToday
    schedules: Schedules
    overflows: Overflows
    library: Library
    mailboxes: Mailboxes
    greetings: Greetings
    prompts: PromptBook
    statistics: Statistics
    sessions: Sessions
    centre: Centre
    importer: Importer
    inspector: Inspector
    media: Media
    recognition: Recognition
    question: Questions
    analysis: Analyses
    playback: Playbacks
    database: Database
    #: makes the queues of an account what they are in the store
    taken_up: Callable[[int], Awaitable[None]]
    clock: Clock
    settings: Settings
    metrics: HttpMetrics | None = None


def make_app(eq: EqServices) -> web.Application:
    """The API; mount it with `root.add_subapp(PREFIX, app)`. At its start it takes up the sessions that are in the
    store, and lets the centre, which must have its queues and agents by then, agree with them."""
    sign_ins = SignIns(
        accounts=eq.accounts,
        sessions=eq.sessions,
        users=eq.users,
        centre=eq.centre,
        clock=eq.clock,
        timeout=eq.settings.session_timeout,
        caps={"agent": eq.settings.license_max_agents, "supervisor": eq.settings.license_max_supervisors},
        on_full=lambda account, full: eq.watch.of_account(account, AlertKind.LICENSE, 1.0 if full else None),
    )
    services = Services(
        users=eq.users,
        queues=eq.queues,
        pause_codes=eq.pause_codes,
        extensions=eq.extensions,
        phones=eq.phones,
        bindings=eq.bindings,
        conferences=eq.conferences,
        call_records=eq.call_records,
        skills=eq.skills,
        hours=eq.hours,
        today=eq.today,
        schedules=eq.schedules,
        overflows=eq.overflows,
        library=eq.library,
        mailboxes=eq.mailboxes,
        greetings=eq.greetings,
        prompts=eq.prompts,
        accounts=eq.accounts,
        audit=eq.audit,
        logins=eq.logins,
        guesses=Guesses(eq.clock),
        alerts=eq.alerts,
        watch=eq.watch,
        feed=eq.feed,
        statistics=eq.statistics,
        sign_ins=sign_ins,
        centre=eq.centre,
        board=StatusBoard(eq.centre),
        importer=eq.importer,
        inspector=eq.inspector,
        media=eq.media,
        recognition=eq.recognition,
        question=eq.question,
        analysis=eq.analysis,
        playback=eq.playback,
        database=eq.database,
        taken_up=eq.taken_up,
        clock=eq.clock,
        time_zone=eq.settings.time_zone,
    )
    authenticator = Authenticator(keys=eq.keys, sign_ins=sign_ins, clock=eq.clock, rate=eq.settings.rate_limit)
    clock, metrics = eq.clock, eq.metrics
    if metrics is not None:
        metrics.refused("eq", authenticator.limits.refused)
    app = web.Application(
        middlewares=[guard("eq", render=render, unexpected=render_unexpected, clock=clock, metrics=metrics)]
    )
    app[SIGN_INS] = sign_ins
    for endpoint in ENDPOINTS:
        route = _Route(endpoint, HANDLERS[endpoint.name], services, authenticator)
        app.router.add_route(endpoint.method, endpoint.path, route.handle)
    document = openapi_document()

    async def described(_request: web.Request) -> web.Response:
        return json_response(document)

    async def start(_app: web.Application) -> None:
        await sign_ins.start()

    async def hang_up(_app: web.Application) -> None:
        eq.feed.close()

    async def close(_app: web.Application) -> None:
        await sign_ins.close()

    app.router.add_route("GET", DOCUMENT, described)
    app.on_startup.append(start)
    app.on_shutdown.append(hang_up)
    app.on_cleanup.append(close)
    return app


class _Route:
    """One endpoint: reads the request, finds out who asks, calls the handler, writes the answer."""

    def __init__(self, endpoint: Endpoint, handler: Handler, services: Services, authenticator: Authenticator) -> None:
        self._endpoint = endpoint
        self._handler = handler
        self._services = services
        self._authenticator = authenticator

    async def handle(self, request: web.Request) -> web.StreamResponse:
        query = query_parameters(request)
        body: Mapping[str, Any] = {}
        malformed: BodyMalformed | None = None
        if request.method != "GET" and not self._endpoint.upload:
            try:
                body = await read_parameters(request)
            except BodyMalformed as error:
                malformed = error  # the key comes first: without one, nobody learns anything else
        given = {**body, **{name: value for name, value in query.items() if not is_blank(value)}}
        caller, opener = await self._caller(request.remote, given, malformed)
        path = request.match_info
        await self._check_allowed(caller, path)
        row = self._endpoint
        upload = (request.content_type, await read_body(request, UPLOAD_LIMIT)) if row.upload else ("", b"")
        ask: Ask[Any, Any] = Ask(
            services=self._services,
            caller=caller,
            path=path,
            query=(row.query, query),
            body=(row.body, body),
            upload=upload,
        )
        if isinstance(opener, UserSession):
            roles.check(row.name, ask, opener)
        answer = await (self._changed(ask, given) if row.changes else self._handler(ask))
        if row.changes:
            # What was changed in SQL is committed; what the queues made of it must be too, before anybody is told.
            await self._services.centre.recorded()
            self._log(caller, path)
        if isinstance(answer, Streamed):
            return await stream(request, answer)
        if isinstance(answer, Listening):
            return await serve(request, answer, lambda: self._still_allowed(given))
        return _response(answer)

    async def _caller(
        self, remote: str | None, given: Mapping[str, Any], malformed: BodyMalformed | None
    ) -> tuple[Caller, ApiKey | UserSession | None]:
        """Who asks, and what opens the account to him; None: a password will. Raises ApiError, BodyMalformed."""
        authenticator = self._authenticator
        if self._endpoint.keyless and is_blank(given.get(auth.KEY)):
            if malformed is not None:
                raise malformed
            account = await account_named(self._services.accounts, given.get("account"))
            return Caller(account=account, key=None, address=remote), None
        opener = await authenticator.opener(remote or "local", given)
        authenticator.count(opener)
        authenticator.permit(opener, self._endpoint.needs)
        if malformed is not None:
            raise malformed
        session = await authenticator.session(opener.account, given)
        key = opener if isinstance(opener, ApiKey) else None
        return Caller(account=opener.account, key=key, session=session, address=remote), opener

    async def _changed(self, ask: Ask[Any, Any], given: Mapping[str, Any]) -> object:
        """Do what changes something, with an entry in the audit trail."""
        trail = self._services.audit
        change = auditing.change_of(trail, self._endpoint, ask, given)
        if change.live:
            await change.begun()
        with riding.taking_along(change):
            answer = await self._handler(ask)
        if change.live:
            change.made(answer)
        # An import that was only planned has changed nothing.
        if not self._endpoint.upload:
            await trail.done(change)
        return answer

    async def _still_allowed(self, given: Mapping[str, Any]) -> bool:
        """Whether the key and the session hold; who listens is there, so his session does not time out."""
        opener = await self._authenticator.holds(given)
        try:
            if opener is None:
                return False
            self._authenticator.permit(opener, self._endpoint.needs)
            await self._authenticator.session(opener.account, given)
        except ApiError:
            return False
        return True

    async def _check_allowed(self, caller: Caller, path: Mapping[str, str]) -> None:
        """Supervisors of type monitorOnly change nothing but what they listen to, and may sign out."""
        session, name = caller.session, self._endpoint.name
        if session is None or session.kind != "supervisor" or not self._endpoint.changes or name in _FOR_MONITORS:
            return
        user = await self._services.users.get(caller.account, "supervisor", session.user)
        if user.type != "monitorOnly":
            return
        if name in _SIGN_OUT and self._services.sign_ins.owner(caller.account, "supervisor", path["token"]) == user.id:
            return
        raise ApiError(403, auth.SESSIONS[0][0], "forbidden", "The supervisor may only monitor")

    def _log(self, caller: Caller, path: Mapping[str, str]) -> None:
        """Who changed what; a session's token is an id in a path too, and is left out."""
        session = caller.session
        log.info(
            self._endpoint.name,
            account=caller.account,
            key=None if caller.key is None else caller.key.id,
            by=f"{session.kind} {session.user}" if session is not None else None,
            id=path.get("id") or path.get("extension"),
        )


def _response(answer: object) -> web.StreamResponse:
    if isinstance(answer, web.StreamResponse):
        return answer
    if isinstance(answer, Encoded):
        return encoded_response(answer.body)
    if isinstance(answer, Listed):
        return json_response(answer.rows, headers={TOTAL_HEADER: str(answer.total)})
    if isinstance(answer, Text):
        headers = {"Cache-Control": "no-store"}
        return web.Response(text=answer.text, content_type=answer.content_type, headers=headers)
    return json_response(answer)
