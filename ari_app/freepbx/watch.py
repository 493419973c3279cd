"""`import-freepbx --watch`: follows FreePBX, which tells nobody of changes, so its tables are read at an interval.

FreePBX saves a queue by deleting its rows and writing them anew, without a transaction. So a change is believed when a
second reading, a moment later, says the same; and a queue that is not there is never deleted here by watching.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ari_app.errors import Conflict, StoreUnavailable
from ari_app.freepbx import report
from ari_app.freepbx.decisions import Plan
from ari_app.freepbx.errors import PlanChanged, SourceUnreadable
from ari_app.freepbx.run import Import

#: seconds between the reading that finds a change and the one that confirms it
SETTLE = 2.0
#: what may pass by itself: it is said, and tried again
_PASSING = (SourceUnreadable, StoreUnavailable, Conflict, PlanChanged)

Sleep = Callable[[float], Awaitable[None]]


class Watch:
    """One FreePBX that is followed.

    read: reads the source into the import. say: a line for the log. applied: what is to happen after a change.
    """

    def __init__(
        self,
        importing: Import,
        read: Callable[[], Awaitable[None]],
        *,
        interval: float,
        say: Callable[[str], None],
        applied: Callable[[Plan], Awaitable[None]],
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._importing = importing
        self._read = read
        self._interval = interval
        self._say = say
        self._applied = applied
        self._sleep = sleep
        self._trouble = ""

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self._sleep(self._interval)
            await self.once()

    async def once(self) -> None:
        """Look once; what goes wrong is said when it begins, and when it is over."""
        try:
            await self._look()
        except _PASSING as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                self._say(f"not followed: {error}")
            return
        if self._trouble:
            self._trouble = ""
            self._say("followed again")

    async def _look(self) -> None:
        await self._read()
        found = await self._importing.plan()
        if found.empty:
            return
        await self._sleep(SETTLE)
        await self._read()
        plan = await self._importing.plan()
        if plan.changes != found.changes:
            return  # somebody is saving; the next look sees what came of it
        await self._importing.apply(plan)
        for line in report.text(self._importing.source, plan, []):
            self._say(line)
        await self._applied(plan)
