"""Skills of agents, and the rules of queues. What changes here is committed first and told to the queues then."""

from __future__ import annotations

from ari_app.acd.events import RoutingConfigured, SkillsConfigured
from ari_app.acd.skills import Routing
from ari_app.dialects.eq.errors import not_found
from ari_app.dialects.eq.routes.ask import Ask, Handler, Services, path_extension, path_id
from ari_app.dialects.eq.wire.skills import AgentSkills, AgentSkillsBody, QueueRouting, RoutingBody
from ari_app.errors import NotFound


async def listing(ask: Ask[None, None]) -> list[AgentSkills]:
    found = await ask.services.skills.of_account(ask.account)
    return [AgentSkills(agent=agent, skills=skills) for agent, skills in found.items()]


async def get(ask: Ask[None, None]) -> AgentSkills:
    agent = path_id(ask, "The agent")
    try:
        return AgentSkills(agent=agent, skills=await ask.services.skills.of_agent(ask.account, agent))
    except NotFound:
        raise not_found("id", "The agent") from None


async def update(ask: Ask[None, AgentSkillsBody]) -> None:
    services, account, agent = ask.services, ask.account, path_id(ask, "The agent")
    async with services.sign_ins.exclusive(account):
        try:
            await services.skills.set_agent(account, agent, ask.body.data.skills)
        except NotFound:
            raise not_found("id", "The agent") from None
        await tell_skills(services, account, agent)


async def get_routing(ask: Ask[None, None]) -> QueueRouting:
    extension = path_extension(ask)
    try:
        routing = await ask.services.skills.routing(ask.account, extension)
    except NotFound:
        raise not_found("extension", "The call queue") from None
    return QueueRouting(queue=extension, rule=routing.rule, wanted_skills=routing.wanted)


async def update_routing(ask: Ask[None, RoutingBody]) -> None:
    services, account, extension = ask.services, ask.account, path_extension(ask)
    async with services.sign_ins.exclusive(account):
        data = ask.body.data
        try:
            await services.skills.set_routing(account, extension, Routing(rule=data.rule, wanted=data.wanted_skills))
        except NotFound:
            raise not_found("extension", "The call queue") from None
        await tell_routing(services, account, extension)


async def tell_skills(services: Services, account: int, agent: int) -> None:
    """Tell the queues what an agent can."""
    skills = await services.skills.of_agent(account, agent)
    services.centre.apply(account, SkillsConfigured(agent=agent, skills=skills))


async def tell_routing(services: Services, account: int, extension: str) -> None:
    """Tell the queues by what one of them chooses."""
    routing = await services.skills.routing(account, extension)
    services.centre.apply(account, RoutingConfigured(queue=extension, rule=routing.rule, wanted=routing.wanted))


HANDLERS: dict[str, Handler] = {
    "x.skills": listing,
    "x.agent_skills.get": get,
    "x.agent_skills.update": update,
    "x.routing.get": get_routing,
    "x.routing.update": update_routing,
}
