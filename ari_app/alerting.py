"""Alerts in the running server: what is watched, where its figures come from, and how people are told."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from ari_app.acd.alerts import Kind, News
from ari_app.acd.centre import Centre
from ari_app.clock import Clock
from ari_app.config import Settings, networks
from ari_app.days import time_zone_of
from ari_app.errors import ConfigError
from ari_app.hooks.events import EVENT, EventHook, event_types
from ari_app.hooks.mail import Mailer
from ari_app.hooks.notify import CUSTOM, EMAIL, SMS, Notifier, document
from ari_app.hooks.sms import SmsGateway
from ari_app.hooks.tell import Sender, Teller, Webhook
from ari_app.hooks.watch import OnNews, Watch
from ari_app.ops.addresses import Guard
from ari_app.ops.disk import DiskWatch
from ari_app.store.accounts import Accounts
from ari_app.store.alerts import Alert, Alerts
from ari_app.store.outbox import Outbox
from ari_app.store.users import Users
from ari_app.store.writer import Writer


def missing(settings: Settings) -> dict[str, str]:
    """How nobody can be notified as it is set, and why."""
    found: dict[str, str] = {}
    if not settings.sms_url:
        found["sms"] = "This server sends no text messages: SMS_URL is not set"
    if settings.license_max_agents is None and settings.license_max_supervisors is None:
        found[Kind.LICENSE.value] = "Nothing can be exceeded: LICENSE_MAX_AGENTS, LICENSE_MAX_SUPERVISORS are not set"
    if not settings.smtp_host or not settings.mail_from:
        found["email"] = "This server sends no e-mail: SMTP_HOST and MAIL_FROM are not set"
    if not settings.alert_url or not settings.hook_secret.get_secret_value():
        found["custom"] = "This server calls no other server: ALERT_URL and HOOK_SECRET are not set"
    return found


def realtime(tell: Callable[[int, str, dict[str, Any]], None]) -> OnNews:
    """Tell of realtime alerts: an account, `AlertRaised` or `AlertCleared`, and what is known of it."""

    def heard(account: int, alert: Alert, news: News) -> None:
        if alert.notification == "realtime" and news.what != "again":
            told = document(account, alert, news)
            del told["event"], told["account"]
            told["alertType"] = told.pop("type")  # of an event, "type" says what it is
            tell(account, f"Alert{news.what.capitalize()}", {**told, "color": alert.color})

    return heard


class Alerting:
    """The alerts of all accounts."""

    def __init__(
        self, settings: Settings, clock: Clock, accounts: Accounts, users: Users, writer: Writer, centre: Centre
    ) -> None:
        self._settings = settings
        self._accounts = accounts
        self.alerts = Alerts(writer.database, clock, writer)
        self.watch = Watch(centre, clock, missing(settings))
        centre.listeners.append(self.watch.tell)
        outbox = self.outbox = Outbox(writer, clock)
        guard = Guard(networks(settings.hook_networks))
        self._webhook = Webhook(guard, clock, settings.hook_secret.get_secret_value())
        #: by kind of message; what else is to be delivered is put here before `start`
        senders = self.senders = dict[str, Sender]()
        if "custom" not in missing(settings):
            senders[CUSTOM] = self._webhook
        if "email" not in missing(settings):
            senders[EMAIL] = Mailer(settings, users, self.time_zone)
        self._sms = SmsGateway(settings, users, guard, self.time_zone)
        if "sms" not in missing(settings):
            senders[SMS] = self._sms
        #: events of live media, for a server of the operator's
        self.event_hook: EventHook | None = None
        if settings.event_url:
            if not settings.hook_secret.get_secret_value():
                raise ConfigError("EVENT_URL needs HOOK_SECRET, with which what is posted is signed")
            types = event_types(settings.event_types)
            self.event_hook = EventHook(outbox, clock, settings.event_url, types, self._webhook)
            senders[EVENT] = self.event_hook.deliver
        self._teller = Teller(outbox, clock, senders) if senders else None
        self.sends_mail = EMAIL in senders
        configured = "" if "custom" in missing(settings) else settings.alert_url
        self.watch.listeners.append(Notifier(outbox, self.alerts, configured).tell)

    def start(self, stack: AsyncExitStack) -> None:
        """Deliver, and look at the disk; until the stack is closed."""
        disk = DiskWatch(self._settings.data_dir, lambda used: self.watch.system(Kind.DISK, used))
        stack.push_async_callback(self._webhook.close)
        stack.push_async_callback(self._sms.close)
        if self._teller is not None:
            self._teller.start()
            stack.push_async_callback(self._teller.close)
        disk.start()
        stack.callback(self.watch.stop)
        stack.push_async_callback(disk.close)

    async def configure(self, account: int) -> None:
        """What is watched is what is in the store now."""
        self.watch.configure(account, await self.alerts.living(account), await self.time_zone(account))

    async def time_zone(self, account: int) -> str:
        """By whose clock an account's days go."""
        return time_zone_of(await self._accounts.get(account), self._settings.time_zone)

    async def configure_all(self) -> None:
        """At the start."""
        for account in await self.alerts.accounts():
            orphans = await self.alerts.orphans(account)
            await self.configure(account)
            self.watch.clear(account, orphans)

    def asterisk(self, there: bool) -> None:
        """Asterisk answers, or does not."""
        self.watch.system(Kind.PROCESS, None if there else 1.0)
