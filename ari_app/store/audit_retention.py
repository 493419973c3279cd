"""Forgets entries of the audit trail that have been kept long enough: at the start, and once a day."""

from __future__ import annotations

import asyncio

import structlog

from ari_app.clock import Clock, Timer
from ari_app.errors import StoreUnavailable
from ari_app.store.audit import AuditTrail

log = structlog.get_logger(__name__)

DAY = 86_400.0


class AuditRetention:
    """Keeps the trail for `days`; 0: for ever."""

    def __init__(self, trail: AuditTrail, clock: Clock, days: int) -> None:
        self._trail = trail
        self._clock = clock
        self._days = days
        self._timer: Timer | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Forget now, and from now on."""
        if self._days:
            self._due()

    async def close(self) -> None:
        """Stop; what is being forgotten is finished."""
        self._days = 0
        if self._timer is not None:
            self._timer.cancel()
        await self.idle()

    async def idle(self) -> None:
        """Return when nothing is being forgotten."""
        if self._task is not None:
            await self._task

    def _due(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._forget())

    async def _forget(self) -> None:
        now = self._clock.now()
        try:
            count = await self._trail.forget(now - self._days * DAY)
        except StoreUnavailable as error:
            log.warning("audit trail: nothing forgotten today", reason=str(error))
        else:
            if count:
                log.info("audit trail: forgotten", entries=count, days=self._days)
        if self._days:
            self._timer = self._clock.call_at(now + DAY, self._due)
