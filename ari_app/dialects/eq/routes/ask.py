"""What a handler gets, and what it may give."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Protocol, TypedDict, TypeVar, cast

from pydantic import BaseModel

from ari_app.clock import Clock
from ari_app.dialects.eq.auth import Caller
from ari_app.dialects.eq.errors import invalid, not_found, refused
from ari_app.dialects.eq.guessing import Guesses
from ari_app.dialects.eq.ports import Analyses, Centre, Importer, Inspector, Media, Playbacks, Questions, Recognition
from ari_app.dialects.eq.sessions import SignIns
from ari_app.dialects.eq.status_board import StatusBoard
from ari_app.dialects.eq.wire.common import PageQuery
from ari_app.dialects.eq.wire.fields import INT_MAX
from ari_app.dialects.feed import Feed
from ari_app.errors import Conflict, NotFound
from ari_app.hooks.watch import Watch
from ari_app.prompts.book import PromptBook
from ari_app.provisioning.phones import PhoneService
from ari_app.provisioning.service import ExtensionService
from ari_app.recordings.library import Library
from ari_app.store.accounts import Accounts
from ari_app.store.alerts import Alerts
from ari_app.store.audit import AuditTrail
from ari_app.store.bindings import Bindings
from ari_app.store.call_records import CallRecords
from ari_app.store.conferences import ConferenceNumbers
from ari_app.store.database import Database
from ari_app.store.hours import OpeningHours
from ari_app.store.logins import Logins
from ari_app.store.overflow import Overflows
from ari_app.store.pause_codes import PauseCodes
from ari_app.store.queues import Queues
from ari_app.store.schedules import Schedules
from ari_app.store.skills import Skills
from ari_app.store.statistics import Statistics
from ari_app.store.today import AgentsToday
from ari_app.store.users import Users
from ari_app.voicemail.greetings import Greetings
from ari_app.voicemail.service import Mailboxes

Q = TypeVar("Q")
B = TypeVar("B")


@dataclass(frozen=True, kw_only=True)
class Services:
    """What the endpoints work on."""

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
    accounts: Accounts
    audit: AuditTrail
    logins: Logins
    guesses: Guesses
    library: Library
    mailboxes: Mailboxes
    greetings: Greetings
    alerts: Alerts
    watch: Watch
    feed: Feed
    prompts: PromptBook
    statistics: Statistics
    sign_ins: SignIns
    centre: Centre
    board: StatusBoard
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
    #: of accounts that have none of their own
    time_zone: str


class Ask(Generic[Q, B]):
    """One request, after its key and session. Q: the query's model, B: the body's, None where there is none."""

    def __init__(
        self,
        *,
        services: Services,
        caller: Caller,
        path: Mapping[str, str],
        query: tuple[type[BaseModel] | None, Mapping[str, Any]],
        body: tuple[type[BaseModel] | None, Mapping[str, Any]],
        upload: tuple[str, bytes] = ("", b""),
    ) -> None:
        self.services = services
        self.caller = caller
        self.path = path
        #: a file that was sent: its media type, and what is in it
        self.upload = upload
        self._query = query
        self._body = body

    @property
    def account(self) -> int:
        """The account of the key, or of who needs none: the only one this request can see."""
        return self.caller.account

    @cached_property
    def query(self) -> Q:
        """The query string's parameters. Raises: ValidationError, which is answered with 400."""
        return cast(Q, _validated(*self._query))

    @cached_property
    def body(self) -> B:
        """The body's parameters. Raises: ValidationError, which is answered with 400."""
        return cast(B, _validated(*self._body))


def _validated(model: type[BaseModel] | None, values: Mapping[str, Any]) -> Any:
    return model.model_validate(dict(values)) if model is not None else None


#: gives what is answered as JSON, or Listed, or Text, or a response
Handler = Callable[[Ask[Any, Any]], Awaitable[object]]


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A page of a list, and how many rows there are altogether."""

    rows: list[Any]
    total: int


@dataclass(frozen=True, kw_only=True)
class Text:
    """An answer that is not JSON."""

    text: str
    content_type: str


@dataclass(frozen=True)
class Encoded:
    """An answer that is JSON already."""

    body: bytes


class Paging(TypedDict):
    """The store's arguments for a page."""

    deleted: bool | None
    search: str
    order: str
    descending: bool
    limit: int
    offset: int


def paging(query: PageQuery, columns: Mapping[str, str]) -> Paging:
    """What a list is asked for.

    Args:
        columns: attribute -> the store's column, the default first.

    Raises:
        ApiError: 400: it cannot be sorted by that.
    """
    sort = query.sort or next(iter(columns))
    descending, attribute = sort.startswith("-"), sort.removeprefix("-")
    if attribute not in columns:
        raise invalid("sort", f"sort must be one of {', '.join(columns)}")
    return Paging(
        deleted=query.deleted_filter,
        search=query.search or "",
        order=columns[attribute],
        descending=descending,
        limit=query.limit,
        offset=query.offset,
    )


_ID = re.compile(r"[1-9][0-9]{0,9}\Z")
_EXTENSION = re.compile(r"[1-9][0-9]{0,19}\Z")


def path_id(ask: Ask[Any, Any], noun: str) -> int:
    """The id in the path.

    Raises:
        ApiError: 404: it cannot be one.
    """
    text = ask.path["id"]
    if not _ID.match(text) or int(text) > INT_MAX:
        raise not_found("id", noun)
    return int(text)


def path_extension(ask: Ask[Any, Any]) -> str:
    """The extension of a queue in the path.

    Raises:
        ApiError: 404: it cannot be one.
    """
    extension = ask.path["extension"]
    if not _EXTENSION.match(extension):
        raise not_found("extension", "The call queue")
    return extension


class Deletable(Protocol):
    """What the store flags rather than removes."""

    @property
    def deleted(self) -> bool: ...


def living(found: Deletable) -> None:
    """To delete what is deleted is to delete what does not exist.

    Raises:
        NotFound
    """
    if found.deleted:
        raise NotFound


#: parameter -> how descriptions name it
_WORDS = {"emailAddress": "email address"}


@contextmanager
def entity(noun: str, key: str) -> Iterator[None]:
    """The store's errors about the entity in the path, in the words of the reference.

    Args:
        noun: with its article, "An agent".
        key: the path's parameter.
    """
    try:
        yield
    except NotFound:
        raise not_found(key, f"The {noun.split(maxsplit=1)[1]}") from None
    except Conflict as error:
        parameter = str(error.context.get("parameter", key))
        words = _WORDS.get(parameter, parameter)
        raise refused(parameter, "in_use", f"{noun} with the specified {words} already exists") from None
