"""What the endpoints of all that users begin on live calls have in common (desk_paths.py): looked at, listed, ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from ari_app.calls.desk import TooMany, Whom
from ari_app.calls.leg import LegGone
from ari_app.dialects.eq.auth import KEY
from ari_app.dialects.eq.errors import ApiError, invalid, not_found, refused
from ari_app.dialects.eq.ports import Desk
from ari_app.dialects.eq.routes.ask import Ask, Handler, Services
from ari_app.dialects.eq.wire.media import OfCall
from ari_app.errors import NotFound

V = TypeVar("V")

#: what names a leg (OfCall)
SELECTORS = ("call", "leg", "extension", "agent")


def not_an_agents(ask: Ask[Any, Any]) -> None:
    """Who hears and speaks on calls is the back office's matter."""
    session = ask.caller.session
    if session is not None and session.kind == "agent":
        raise ApiError(403, KEY, "forbidden", "An agent's session may not attach to calls")


class Whose:
    """Which leg is meant: `whom`, as the desks take it."""

    def __init__(self, ask: Ask[Any, Any], data: OfCall, also: tuple[str, ...] = ()) -> None:
        """also: what may name it beside SELECTORS.

        Raises:
            ApiError: nothing that names one is given, or several, or the agent is on no call.
        """
        names = (*SELECTORS, *also)
        listed = f"{', '.join(names[:-1])} and {names[-1]}"
        given = {name: value for name in names if (value := getattr(data, name)) is not None}
        if not given:
            raise refused("call", "blank", f"One of {listed} must be given")
        if len(given) > 1:
            raise invalid("call", f"Only one of {listed} may be given")
        (self._named,) = given
        self.whom: Whom = {"extension": _extension_of(ask, data.agent)} if data.agent is not None else cast(Whom, given)

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """What a desk says that begins something, in the words of the API."""
        try:
            yield
        except (NotFound, LegGone):
            of_room = self._named == "conference"
            why = "Nobody is in the conference" if of_room else f"{self._named} is not on a call"
            raise refused(self._named, "nonexistent", why) from None
        except TooMany as error:
            raise refused(None, "limit", str(error)) from None


def _extension_of(ask: Ask[Any, Any], agent: int) -> str:
    try:
        rows = ask.services.centre.agent_status(ask.account, None, agent, True)
    except NotFound:
        rows = []
    extension = next((row.extension for row in rows if row.extension), None)
    if extension is None:
        raise refused("agent", "nonexistent", "agent is not on a call")
    return extension


def desk_handlers(
    path: str,
    noun: str,
    desk: Callable[[Services], Desk[V]],
    of: Callable[[V], object],
    create: Handler,
) -> dict[str, Handler]:
    """The four of `desk_rows`. noun: with its article, "The attachment". of: what is answered of a view."""

    async def listing(ask: Ask[None, Any]) -> object:
        not_an_agents(ask)
        return [of(view) for view in desk(ask.services).views(ask.account)]

    async def begin(ask: Ask[None, Any]) -> object:
        not_an_agents(ask)
        return await create(ask)

    async def get(ask: Ask[None, Any]) -> object:
        not_an_agents(ask)
        try:
            return of(desk(ask.services).view(ask.account, ask.path["id"]))
        except NotFound:
            raise not_found("id", noun) from None

    async def delete(ask: Ask[None, Any]) -> None:
        not_an_agents(ask)
        try:
            desk(ask.services).stop(ask.account, ask.path["id"])
        except NotFound:
            raise not_found("id", noun) from None

    return {
        f"x.{path}.list": listing,
        f"x.{path}.create": begin,
        f"x.{path}.get": get,
        f"x.{path}.delete": delete,
    }
