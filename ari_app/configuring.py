"""Tells the engines what is configured in the database: at the start, after an import, and on SIGHUP."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import structlog

from ari_app.acd import events
from ari_app.acd.centre import Centre
from ari_app.acd.engine import Engine
from ari_app.days import time_zone_of
from ari_app.dialects.eq.sessions import SignIns
from ari_app.errors import StoreUnavailable
from ari_app.provisioning.service import ExtensionService
from ari_app.store.accounts import Accounts
from ari_app.store.bindings import Bindings
from ari_app.store.hours import OpeningHours
from ari_app.store.overflow import Overflows
from ari_app.store.queues import Queues
from ari_app.store.skills import Skills
from ari_app.store.users import Users

log = structlog.get_logger(__name__)

#: rows read at a time where all are wanted
_PAGE = 1000


@dataclass(kw_only=True)
class Configuring:
    """What people have configured, and those who must know it."""

    accounts: Accounts
    queues: Queues
    users: Users
    bindings: Bindings
    skills: Skills
    hours: OpeningHours
    overflows: Overflows
    extensions: ExtensionService
    centre: Centre
    #: the name of the time zone of accounts that have none
    time_zone: str
    #: None: REST is not there yet
    sign_ins: SignIns | None = None
    _reloading: asyncio.Task[None] | None = field(default=None, init=False)

    async def all_accounts(self) -> None:
        """At the first start, and what never reached the journal."""
        for account in await self.queues.accounts():
            await self.account(account)

    async def account(self, account: int) -> None:
        """Queues, agents, skills, overflow and hours of one account. Raises StoreUnavailable."""
        engine = self.centre.dispatcher(account).engine
        wanted = {queue.extension: queue for queue in await self.queues.all_settings(account)}
        for settings in wanted.values():
            if engine.settings(settings.extension) != settings:
                self.centre.apply(account, events.QueueConfigured(queue=settings))
        for gone in set(engine.queues()) - set(wanted):
            self.centre.apply(account, events.QueueRemoved(queue=gone))
        await self._agents(account, engine)
        skills, routings = await self.skills.of_account(account), await self.skills.routings(account)
        self.centre.configure_skills(account, skills, routings)
        self.centre.configure_overflow(account, await self.overflows.of_account(account))
        time_zone = time_zone_of(await self.accounts.get(account), self.time_zone)
        for _ in self.centre.opening.configure_all(account, await self.hours.of_account(account), time_zone):
            await asyncio.sleep(0)  # calls go on, when it is done again

    async def _agents(self, account: int, engine: Engine) -> None:
        bindings: dict[int, dict[str, int]] = {}
        for binding in await self.bindings.of_account(account):
            bindings.setdefault(binding.agent, {})[binding.queue] = binding.skill
        living: set[int] = set()
        while True:
            page = await self.users.listing(account, "agent", limit=_PAGE, offset=len(living))
            living.update(agent.id for agent in page.rows)
            if len(living) >= page.total or not page.rows:
                break
        for agent in sorted(living):
            wanted = bindings.get(agent, {})
            if engine.bindings(agent) != wanted:
                self.centre.apply(account, events.AgentConfigured(agent=agent, bindings=wanted))
        for gone in set(engine.agents()) - living:
            self.centre.apply(account, events.AgentRemoved(agent=gone))

    async def imported(self, account: int) -> None:
        """Queues, agents and extensions came in from elsewhere. Raises StoreUnavailable."""
        await self.account(account)
        await self.extensions.reload()

    def reload(self) -> None:
        """Queues, agents and extensions may have been changed in the database by an import."""
        if self.sign_ins is None:
            return  # it is still starting, and reads them anyhow
        before, sign_ins = self._reloading, self.sign_ins

        async def reload() -> None:
            if before is not None:
                await asyncio.wait([before])
            try:
                await self._again(sign_ins)
                log.info("= reloaded")
            except StoreUnavailable as error:
                log.error("= not reloaded", error=str(error))

        self._reloading = asyncio.get_running_loop().create_task(reload())

    async def _again(self, sign_ins: SignIns) -> None:
        for account in await self.queues.accounts():
            # What is changed over REST in the meantime must not be put back.
            async with sign_ins.exclusive(account):
                await self.account(account)
        await self.extensions.reload()
        await self.centre.recorded()

    async def done(self) -> None:
        """Until a reload that goes on is over."""
        if self._reloading is not None:
            await asyncio.wait([self._reloading])
