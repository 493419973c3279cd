"""Supervisors."""

from __future__ import annotations

from ari_app.dialects.eq.routes.alerts import tell_alerts
from ari_app.dialects.eq.routes.ask import Ask, Handler, Listed, entity, living, paging, path_id
from ari_app.dialects.eq.wire.common import ListQuery, UpdateQuery
from ari_app.dialects.eq.wire.supervisor import Supervisor, SupervisorCreateBody, SupervisorUpdateBody

_NOUN = "A supervisor"
_KIND = "supervisor"
#: attribute -> column
_SORTS = {"id": "id", "username": "login_key", "firstName": "first_name", "lastName": "last_name"}


async def listing(ask: Ask[ListQuery, None]) -> Listed:
    page = await ask.services.users.listing(ask.account, _KIND, **paging(ask.query, _SORTS))
    return Listed(rows=[Supervisor.of(user) for user in page.rows], total=page.total)


async def create(ask: Ask[None, SupervisorCreateBody]) -> int:
    data = ask.body.data.to_data()
    with entity(_NOUN, "id"):
        return await ask.services.users.create(ask.account, _KIND, data)


async def get(ask: Ask[None, None]) -> Supervisor:
    with entity(_NOUN, "id"):
        return Supervisor.of(await ask.services.users.get(ask.account, _KIND, path_id(ask, "The supervisor")))


async def update(ask: Ask[UpdateQuery, SupervisorUpdateBody]) -> None:
    user = path_id(ask, "The supervisor")
    with entity(_NOUN, "id"):
        if ask.query.undelete:
            async with ask.services.sign_ins.exclusive(ask.account):
                await ask.services.users.set_deleted(ask.account, _KIND, user, False)
                await tell_alerts(ask.services, ask.account)
        else:
            await ask.services.users.update(ask.account, _KIND, user, ask.body.data.to_data())


async def delete(ask: Ask[None, None]) -> None:
    user = path_id(ask, "The supervisor")
    async with ask.services.sign_ins.exclusive(ask.account):
        with entity(_NOUN, "id"):
            living(await ask.services.users.get(ask.account, _KIND, user))
            await ask.services.users.set_deleted(ask.account, _KIND, user, True)
        await ask.services.sign_ins.remove(ask.account, user)
        await tell_alerts(ask.services, ask.account)


HANDLERS: dict[str, Handler] = {
    "supervisor.list": listing,
    "supervisor.create": create,
    "supervisor.get": get,
    "supervisor.update": update,
    "supervisor.delete": delete,
}
