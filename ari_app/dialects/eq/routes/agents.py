"""Agents. What changes here is committed first and told to the queues then."""

from __future__ import annotations

from ari_app.acd.events import AgentConfigured, AgentRemoved
from ari_app.dialects.eq.errors import nonexistent
from ari_app.dialects.eq.routes.ask import Ask, Handler, Listed, Services, entity, living, paging, path_id
from ari_app.dialects.eq.routes.skills import tell_skills
from ari_app.dialects.eq.wire.agent import Agent, AgentCreateBody, AgentUpdateBody
from ari_app.dialects.eq.wire.common import ListQuery, UpdateQuery

_NOUN = "An agent"
_KIND = "agent"
#: attribute -> column
_SORTS = {"id": "id", "number": "number", "firstName": "first_name", "lastName": "last_name"}


async def listing(ask: Ask[ListQuery, None]) -> Listed:
    page = await ask.services.users.listing(ask.account, _KIND, **paging(ask.query, _SORTS))
    bound: dict[int, dict[str, int]] = {}
    for binding in await ask.services.bindings.of_account(ask.account):
        bound.setdefault(binding.agent, {})[binding.queue] = binding.skill
    return Listed(rows=[Agent.of(user, bound.get(user.id, {})) for user in page.rows], total=page.total)


async def create(ask: Ask[None, AgentCreateBody]) -> int:
    services, account, agent = ask.services, ask.account, ask.body.data
    async with services.sign_ins.exclusive(account):
        bindings = agent.bindings() or {}
        await _check_queues(services, account, bindings)
        with entity(_NOUN, "id"):
            user = await services.users.create(account, _KIND, agent.to_data())
        await _bind(services, account, user, bindings)
        await tell(services, account, user)
    return user


async def get(ask: Ask[None, None]) -> Agent:
    with entity(_NOUN, "id"):
        user = await ask.services.users.get(ask.account, _KIND, path_id(ask, "The agent"))
    return Agent.of(user, await ask.services.bindings.of_agent(ask.account, user.id))


async def update(ask: Ask[UpdateQuery, AgentUpdateBody]) -> None:
    services, account, user = ask.services, ask.account, path_id(ask, "The agent")
    async with services.sign_ins.exclusive(account):
        with entity(_NOUN, "id"):
            if ask.query.undelete:
                await services.users.set_deleted(account, _KIND, user, False)
            else:
                await _update(services, account, user, ask.body)
        await tell(services, account, user)
        if ask.query.undelete:
            await tell_skills(services, account, user)


async def _update(services: Services, account: int, user: int, body: AgentUpdateBody) -> None:
    bindings = body.data.bindings()
    if bindings is not None:
        await _check_queues(services, account, bindings)
    await services.users.update(account, _KIND, user, body.data.to_data())
    if bindings is not None:
        await _bind(services, account, user, bindings)


async def delete(ask: Ask[None, None]) -> None:
    services, account, user = ask.services, ask.account, path_id(ask, "The agent")
    async with services.sign_ins.exclusive(account):
        with entity(_NOUN, "id"):
            living(await services.users.get(account, _KIND, user))
            await services.users.set_deleted(account, _KIND, user, True)
        await services.sign_ins.remove(account, user)
        services.centre.apply(account, AgentRemoved(agent=user))


async def _check_queues(services: Services, account: int, bindings: dict[str, int]) -> None:
    for queue in bindings:
        if await services.queues.find(account, queue) is None:
            raise nonexistent("boundQueues", f"The queue {queue}")


async def _bind(services: Services, account: int, user: int, wanted: dict[str, int]) -> None:
    bound = await services.bindings.of_agent(account, user)
    for queue, skill in wanted.items():
        if bound.get(queue) != skill:
            await services.bindings.bind(account, queue, user, skill)
    for queue in bound.keys() - wanted.keys():
        await services.bindings.unbind(account, queue, user)


async def tell(services: Services, account: int, user: int) -> None:
    """Tell the queues whom they may ring for what."""
    bindings = await services.bindings.of_agent(account, user)
    services.centre.apply(account, AgentConfigured(agent=user, bindings=bindings))


HANDLERS: dict[str, Handler] = {
    "agent.list": listing,
    "agent.create": create,
    "agent.get": get,
    "agent.update": update,
    "agent.delete": delete,
}
