"""Alerts. What changes here is committed first and told to who watches the figures then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ari_app.dialects.eq.errors import invalid, nonexistent, refused
from ari_app.dialects.eq.routes.ask import Ask, Handler, Listed, Services, entity, paging, path_id
from ari_app.dialects.eq.wire.alert import ActiveAlert, Alert, AlertCreateBody, AlertQuery, AlertUpdateBody
from ari_app.errors import Conflict, NotFound
from ari_app.store.alerts import AlertData

_NOUN = "An alert"
#: attribute -> column
_SORTS = {"id": "id", "name": "name"}


async def listing(ask: Ask[AlertQuery, None]) -> Listed:
    wanted = paging(ask.query, _SORTS)
    page = await ask.services.alerts.listing(
        ask.account,
        user=ask.query.user,
        search=wanted["search"],
        order=wanted["order"],
        descending=wanted["descending"],
        limit=wanted["limit"],
        offset=wanted["offset"],
    )
    return Listed(rows=[Alert.of(alert) for alert in page.rows], total=page.total)


async def create(ask: Ask[None, AlertCreateBody]) -> int:
    user, data = ask.body.data.user, ask.body.data.to_data()
    if user is None and data.notification != "custom":
        raise refused("user", "blank", "user must be given: only a custom notification is for nobody in particular")
    _check_configured(ask.services, data)
    async with ask.services.sign_ins.exclusive(ask.account):
        with _words():
            id = await ask.services.alerts.create(ask.account, user, data)
        await tell_alerts(ask.services, ask.account)
    return id


async def get(ask: Ask[None, None]) -> Alert:
    with entity(_NOUN, "id"):
        return Alert.of(await ask.services.alerts.get(ask.account, path_id(ask, "The alert")))


async def update(ask: Ask[None, AlertUpdateBody]) -> None:
    id, services = path_id(ask, "The alert"), ask.services
    async with services.sign_ins.exclusive(ask.account):
        with entity(_NOUN, "id"):
            alert = await services.alerts.get(ask.account, id)
        data = ask.body.data.to_data()
        if alert.user is None and data.notification != "custom":
            raise invalid("notificationType", "The alert is nobody's in particular: it can only be custom")
        _check_configured(services, data)
        with _words():
            await services.alerts.update(ask.account, id, data)
        await tell_alerts(services, ask.account)


async def delete(ask: Ask[None, None]) -> None:
    id = path_id(ask, "The alert")
    async with ask.services.sign_ins.exclusive(ask.account):
        with entity(_NOUN, "id"):
            await ask.services.alerts.delete(ask.account, id)
        await tell_alerts(ask.services, ask.account)


async def active(ask: Ask[None, None]) -> list[ActiveAlert]:
    return [
        ActiveAlert(
            alert=alert.id,
            user=alert.user,
            name=alert.name,
            type=alert.kind.value,
            call_queue=alert.queue,
            threshold=alert.threshold,
            color=alert.color,
        )
        for alert in ask.services.watch.raised(ask.account)
    ]


async def tell_alerts(services: Services, account: int) -> None:
    """What is watched is what is in the store now. The account must be held (`sign_ins.exclusive`)."""
    name = (await services.accounts.get(account)).time_zone or services.time_zone
    services.watch.configure(account, await services.alerts.living(account), name)


def _check_configured(services: Services, data: AlertData) -> None:
    if missing := services.watch.missing(data.notification):
        raise refused("notificationType", "not_configured", missing)
    if missing := services.watch.missing(data.kind):
        raise refused("type", "not_configured", missing)


@contextmanager
def _words() -> Iterator[None]:
    try:
        yield
    except Conflict:
        raise refused("name", "in_use", "An alert with the specified name already exists for the user") from None
    except NotFound as error:
        if "user" in error.context:
            raise nonexistent("user", "The supervisor") from None
        if "extension" in error.context:
            raise nonexistent("callQueue", "The call queue") from None
        raise


HANDLERS: dict[str, Handler] = {
    "alert.list": listing,
    "alert.create": create,
    "alert.get": get,
    "alert.update": update,
    "alert.delete": delete,
    "x.active_alerts": active,
}
