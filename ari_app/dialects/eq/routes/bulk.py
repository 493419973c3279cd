"""Many changes in one transaction.

Each change is done by the handler that does it alone, on services that keep what is not SQL for later: the queues, the
sessions of who is deleted, and Asterisk are told when all is committed, once.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, cast

from pydantic import ValidationError

from ari_app.dialects.eq import auth
from ari_app.dialects.eq.errors import ApiError, rows_of
from ari_app.dialects.eq.ports import Centre
from ari_app.dialects.eq.routes.alerts import tell_alerts
from ari_app.dialects.eq.routes.ask import Ask, Handler, Services
from ari_app.dialects.eq.sessions import SignIns
from ari_app.dialects.eq.wire.bulk import BulkBody, Operation
from ari_app.dialects.eq.wire.error import ErrorOut
from ari_app.dialects.http import Endpoint
from ari_app.errors import CommandRefused, Conflict, NotFound
from ari_app.hooks.watch import Watch
from ari_app.provisioning.service import ExtensionService
from ari_app.store import riding

#: what may be done in bulk: the nouns of the path table
NOUNS = ("supervisor", "agent", "call_queue", "pause_code", "extension", "x.agent_skills", "x.routing", "x.overflow")

#: what an operation may be refused with
_REFUSED = (ApiError, ValidationError, Conflict, NotFound, CommandRefused)


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """An operation."""

    #: of the path table
    row: Endpoint
    handler: Handler
    ask: Ask[Any, Any]
    #: its parameters
    given: dict[str, Any]


class _Refused(Exception):
    """Not all could be done, so nothing is."""


async def bulk(ask: Ask[None, BulkBody]) -> list[Any]:
    session, services = ask.caller.session, ask.services
    if session is not None and session.kind != "supervisor":
        raise ApiError(403, auth.SESSIONS[1][0], "forbidden", "Only a supervisor may do this")
    later, errors = _Later(services), list[ErrorOut]()
    wanted: list[_Wanted] = []
    for index, operation in enumerate(ask.body.operations):
        one = _wanted(ask, later.services, operation)
        errors += _unfit(index, one)
        wanted += [one] if one is not None else []
    if errors:
        raise _error(errors)
    results: list[Any] = []
    async with services.sign_ins.exclusive(ask.account), services.logins.passwords.prepared(_passwords(ask.body)):
        try:
            async with services.database.together():
                for index, one in enumerate(wanted):
                    results.append(await _do(index, one, errors))
                if errors:
                    raise _Refused
        except _Refused:
            raise _error(errors) from None
        await later.tell(ask.account)
    return results


async def _do(index: int, wanted: _Wanted, errors: list[ErrorOut]) -> object:
    """One operation, which has an entry of its own in the audit trail."""
    from ari_app.dialects.eq import auditing  # it knows all handlers

    ask, services = wanted.ask, wanted.ask.services
    change = auditing.change_of(services.audit, wanted.row, ask, wanted.given)
    try:
        # What an operation did before it was refused is undone at once: those behind it are looked at too.
        with riding.taking_along(change):
            async with services.database.transaction():
                return await wanted.handler(ask)
    except _REFUSED as error:
        errors += _named(index, error)
        return None


def _wanted(ask: Ask[None, BulkBody], services: Services, operation: Operation) -> _Wanted | None:
    """What an operation asks for; None: nothing that may be done in bulk."""
    from ari_app.dialects.eq.paths import ENDPOINTS
    from ari_app.dialects.eq.routes import HANDLERS

    query: dict[str, Any] = {"undelete": operation.undelete} if operation.undelete else {}
    body = {} if operation.data is None else {"data": operation.data}
    for row in ENDPOINTS:
        if row.method != operation.method or row.name.rpartition(".")[0] not in NOUNS:
            continue
        path = _match(row, operation.path)
        if path is not None:
            one: Ask[Any, Any] = Ask(
                services=services, caller=ask.caller, path=path, query=(row.query, query), body=(row.body, body)
            )
            return _Wanted(row=row, handler=HANDLERS[row.name], ask=one, given={**query, **body})
    return None


def _match(row: Endpoint, path: str) -> Mapping[str, str] | None:
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", row.path)
    found = re.fullmatch(pattern, path)
    return None if found is None else found.groupdict()


def _unfit(index: int, wanted: _Wanted | None) -> list[ErrorOut]:
    """What is wrong with an operation, whatever there is."""
    if wanted is None:
        parameter = f"operations[{index}].path"
        return [ErrorOut(parameter=parameter, type="invalid", description="Nothing that may be done in bulk")]
    try:
        if not getattr(wanted.ask.query, "undelete", 0):
            _ = wanted.ask.body
    except ValidationError as error:
        return _named(index, error)
    return []


def _named(index: int, error: ApiError | ValidationError | Conflict | NotFound | CommandRefused) -> list[ErrorOut]:
    return [
        ErrorOut(
            parameter=f"operations[{index}]" + (f".{row.parameter}" if row.parameter else ""),
            type=row.type,
            description=row.description,
        )
        for row in rows_of(error)
    ]


def _error(rows: list[ErrorOut]) -> ApiError:
    first, *more = rows
    return ApiError(400, first.parameter, first.type, first.description, more=more)


def _passwords(body: BulkBody) -> list[str]:
    """Those that will be set: they are hashed before the transaction, which others would wait for."""
    found: list[object] = []
    for operation in body.operations:
        if isinstance(operation.data, dict):
            found.append(operation.data.get("password"))
            mailbox = operation.data.get("voicemail")
            found.append(mailbox.get("password") if isinstance(mailbox, dict) else None)
    return [str(one) for one in found if isinstance(one, str | int) and one]


class _Later:
    """Services on which handlers do what is SQL at once; the rest is done by `tell`."""

    def __init__(self, services: Services) -> None:
        self._real = services
        self._extensions = _Extensions(services.extensions)
        self._sign_ins = _SignIns()
        self.services = dataclasses.replace(
            services,
            centre=cast(Centre, _Centre()),
            watch=cast(Watch, _Watch()),
            sign_ins=cast(SignIns, self._sign_ins),
            extensions=self._extensions,
        )

    async def tell(self, account: int) -> None:
        """All is committed; the account is held."""
        real = self._real
        await real.taken_up(account)
        for user in self._sign_ins.gone:
            await real.sign_ins.remove(account, user)
        await tell_alerts(real, account)
        for extension in self._extensions.waiting:
            await real.extensions.changed(account, extension)


class _Extensions(ExtensionService):
    """Tells nobody."""

    def __init__(self, real: ExtensionService) -> None:
        super().__init__(real.store, real.directory, real.provisioner)
        self.waiting: dict[str, None] = {}

    async def changed(self, account: int, extension: str) -> None:
        self.waiting[extension] = None


class _SignIns:
    """The account is held already, and whose session ends is seen to later."""

    def __init__(self) -> None:
        self.gone: dict[int, None] = {}

    def exclusive(self, _account: int) -> nullcontext[None]:
        return nullcontext()

    async def remove(self, _account: int, user: int) -> None:
        self.gone[user] = None


class _Centre:
    """Hears nothing: what is in the store is taken up as a whole."""

    @property
    def opening(self) -> _Centre:
        return self

    def apply(self, *_: object) -> None:
        pass

    def configure_all(self, *_: object) -> Iterator[None]:
        return iter(())


class _Watch:
    def configure(self, *_: object) -> None:
        pass


HANDLERS: dict[str, Handler] = {"x.bulk": bulk}
