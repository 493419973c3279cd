"""Where callers go whom queues do not serve. What changes here is committed first and told to the queues then."""

from __future__ import annotations

from ari_app.acd.destination import Kind
from ari_app.acd.events import OverflowConfigured
from ari_app.dialects.eq.errors import nonexistent, not_found
from ari_app.dialects.eq.routes.ask import Ask, Handler, Services, path_extension
from ari_app.dialects.eq.wire.overflow import OverflowBody, QueueOverflow
from ari_app.errors import NotFound


async def get(ask: Ask[None, None]) -> QueueOverflow:
    extension = path_extension(ask)
    try:
        return QueueOverflow.of(extension, await ask.services.overflows.get(ask.account, extension))
    except NotFound:
        raise not_found("extension", "The call queue") from None


async def update(ask: Ask[None, OverflowBody]) -> None:
    services, account, extension = ask.services, ask.account, path_extension(ask)
    rules = ask.body.data.to_rules()
    async with services.sign_ins.exclusive(account):
        for queue in {rule.destination.to for rule in rules if rule.destination.kind is Kind.QUEUE}:
            if await services.queues.find(account, queue) is None:
                raise nonexistent("destination", "The call queue")
        try:
            await services.overflows.set(account, extension, rules)
        except NotFound:
            raise not_found("extension", "The call queue") from None
        await tell_overflow(services, account, extension)


async def tell_overflow(services: Services, account: int, extension: str) -> None:
    """Tell the queues where the callers of one of them go."""
    rules = await services.overflows.get(account, extension)
    services.centre.apply(account, OverflowConfigured(queue=extension, rules=rules))


HANDLERS: dict[str, Handler] = {"x.overflow.get": get, "x.overflow.update": update}
