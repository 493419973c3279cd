"""Call queues. What changes here is committed first and told to the engine then."""

from __future__ import annotations

from ari_app.acd.events import QueueConfigured, QueueRemoved
from ari_app.dialects.eq.errors import invalid, refused
from ari_app.dialects.eq.routes import agents
from ari_app.dialects.eq.routes.alerts import tell_alerts
from ari_app.dialects.eq.routes.ask import Ask, Handler, Listed, Services, entity, living, paging, path_extension
from ari_app.dialects.eq.routes.hours import tell_hours
from ari_app.dialects.eq.routes.overflow import tell_overflow
from ari_app.dialects.eq.routes.skills import tell_routing
from ari_app.dialects.eq.wire.call_queue import CallQueue, CallQueueCreateBody, CallQueueUpdate, CallQueueUpdateBody
from ari_app.dialects.eq.wire.common import ListQuery, UpdateQuery

_NOUN = "A call queue"
_KEY = "extension"
#: attribute -> column
_SORTS = {"extension": "extension", "name": "name", "weight": "weight"}


async def listing(ask: Ask[ListQuery, None]) -> Listed:
    page = await ask.services.queues.listing(ask.account, **paging(ask.query, _SORTS))
    return Listed(rows=[CallQueue.of(queue) for queue in page.rows], total=page.total)


async def create(ask: Ask[None, CallQueueCreateBody]) -> str:
    services, account, queue = ask.services, ask.account, ask.body.data
    async with services.sign_ins.exclusive(account):
        with entity(_NOUN, _KEY):
            extension = await services.queues.create(account, queue.to_data(queue.extension))
        await _tell(services, account, extension)
    return extension


async def get(ask: Ask[None, None]) -> CallQueue:
    with entity(_NOUN, _KEY):
        return CallQueue.of(await ask.services.queues.get(ask.account, path_extension(ask)))


async def update(ask: Ask[UpdateQuery, CallQueueUpdateBody]) -> None:
    services, account, extension = ask.services, ask.account, path_extension(ask)
    async with services.sign_ins.exclusive(account):
        with entity(_NOUN, _KEY):
            if ask.query.undelete:
                await services.queues.set_deleted(account, extension, False)
            else:
                await _update(services, account, extension, ask.body.data)
        await _tell(services, account, extension)
        if ask.query.undelete:
            await tell_routing(services, account, extension)
            await tell_hours(services, account)
            await tell_overflow(services, account, extension)
            await _rebind(services, account, await _bound(services, account, extension))
            await tell_alerts(services, account)


async def _update(services: Services, account: int, extension: str, queue: CallQueueUpdate) -> None:
    await _check_same(services, account, extension, queue.extension)
    await services.queues.update(account, extension, queue.to_data(extension))


async def _check_same(services: Services, account: int, extension: str, given: str | None) -> None:
    """The reference has no extension among the attributes of an update, but an error for one in use."""
    if given is None or given == extension or await services.queues.find(account, extension) is None:
        return
    if await services.queues.find(account, given) is not None:
        raise refused(_KEY, "in_use", "A call queue with the specified extension already exists")
    raise invalid(_KEY, "The extension of a call queue cannot be changed")


async def delete(ask: Ask[None, None]) -> None:
    services, account, extension = ask.services, ask.account, path_extension(ask)
    async with services.sign_ins.exclusive(account):
        with entity(_NOUN, _KEY):
            living(await services.queues.get(account, extension))
            bound = await _bound(services, account, extension)
            await services.queues.set_deleted(account, extension, True)
        services.centre.apply(account, QueueRemoved(queue=extension))
        # Or they would be bound to a new queue of the same extension.
        await _rebind(services, account, bound)
        await tell_alerts(services, account)


async def _tell(services: Services, account: int, extension: str) -> None:
    queue = await services.queues.get(account, extension)
    services.centre.apply(account, QueueConfigured(queue=queue.to_settings()))


async def _bound(services: Services, account: int, extension: str) -> list[int]:
    return [b.agent for b in await services.bindings.of_account(account) if b.queue == extension]


async def _rebind(services: Services, account: int, bound: list[int]) -> None:
    for agent in bound:
        await agents.tell(services, account, agent)


HANDLERS: dict[str, Handler] = {
    "call_queue.list": listing,
    "call_queue.create": create,
    "call_queue.get": get,
    "call_queue.update": update,
    "call_queue.delete": delete,
}
