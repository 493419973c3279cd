"""The days of accounts: by whose clock they go, and the figures of today."""

from __future__ import annotations

import structlog

from ari_app.acd.hours import HoursError, zone
from ari_app.clock import Clock
from ari_app.store.accounts import Accounts
from ari_app.store.statistics import Statistics
from ari_app.store.today import AgentsToday
from ari_app.store.values import Account

log = structlog.get_logger(__name__)

#: seconds
DAY = 86400.0


def time_zone_of(account: Account, default: str) -> str:
    """By whose clock an account's days go: IANA's name."""
    try:
        zone(account.time_zone or default)
    except HoursError:
        log.error("= there is no such time zone any more", account=account.id, time_zone=account.time_zone)
        return default
    return account.time_zone or default


async def agents_today(accounts: Accounts, statistics: Statistics, clock: Clock, default: str) -> AgentsToday:
    """Agents' figures of today, which go on from what the record says. Raises StoreUnavailable."""
    found, now = AgentsToday(default), clock.now()
    for account in await accounts.listing():
        since, _ = found.begin(account.id, time_zone_of(account, default), now)
        # What has happened is in the record, also if the clock was set back since.
        found.load(account.id, await statistics.day(account.id, since, now + DAY))
    return found
