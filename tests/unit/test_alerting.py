"""Alerts in the whole application, with a database and without an Asterisk."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from ari_app.acd.alerts import Kind
from ari_app.app import Application
from ari_app.config import Settings
from ari_app.dialects import eq
from ari_app.errors import ConfigError
from ari_app.hooks.sign import HEADER, account_secret, verify
from ari_app.store import migrate
from ari_app.store.accounts import DEFAULT
from ari_app.store.alerts import AlertData
from ari_app.store.values import QueueData
from tests.harness.net import free_port

ALWAYS = {"daysOfWeek": [0, 1, 2, 3, 4, 5, 6], "fromTime": "12:00 AM", "toTime": "12:00 AM"}


async def test_events_are_not_posted_without_a_signature(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        database_url=f"sqlite+aiosqlite:///{tmp_path}/test.sqlite",
        ari_url=f"http://127.0.0.1:{free_port()}/ari",
        ari_connect="inbound",
        http_listen=f"127.0.0.1:{free_port()}",
        event_url="https://example.org/events",
    )
    await migrate.upgrade(settings.database())
    app = Application(settings)
    with pytest.raises(ConfigError, match="EVENT_URL needs HOOK_SECRET"):
        await app.start()
    await app.stop()


async def test_alerts_are_kept_over_a_restart_and_know_the_disk_and_asterisk(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        database_url=f"sqlite+aiosqlite:///{tmp_path}/test.sqlite",
        ari_url=f"http://127.0.0.1:{free_port()}/ari",
        ari_connect="inbound",
        http_listen=f"127.0.0.1:{free_port()}",
    )
    await migrate.upgrade(settings.database())
    raised: list[str] = []
    told = asyncio.Event()

    async def run(create: bool) -> None:
        raised.clear()
        told.clear()
        application = Application(settings)
        await application.start()
        try:
            listeners = application.alerting.watch.listeners
            listeners.append(lambda account, alert, news: (raised.append(f"{alert.name} {news.what}"), told.set()))
            if create:
                _, key = await application.keys.create(DEFAULT, "test")
                await _create(settings, key)
            application.alerting.asterisk(False)
            application.alerting.watch.system(Kind.DISK, 99.0)
            await asyncio.wait_for(told.wait(), 30)
        finally:
            await application.stop()

    await run(create=True)
    assert raised == ["Asterisk raised", "Disk raised"]
    await run(create=False)
    assert raised == ["Asterisk raised", "Disk raised"]


async def _create(settings: Settings, key: str) -> None:
    base = f"http://{settings.http_listen}{eq.PREFIX}"
    async with aiohttp.ClientSession() as http:

        async def post(path: str, data: dict[str, Any]) -> None:
            async with http.post(base + path, params={"auth_key": key}, json={"data": data}) as response:
                assert response.status == 200, await response.text()

        boss = {"username": "boss", "firstName": "B", "password": "secret", "emailAddress": "b@c.de", "type": "full"}
        await post("/supervisor", boss)
        common = {"user": 1, "notificationType": "realtime", "color": "#FF0000", **ALWAYS}
        await post("/alert", {"name": "Asterisk", "type": "processStopped", **common})
        await post("/alert", {"name": "Disk", "type": "diskUsageHigh", "threshold": 99, **common})


class Receiver:
    """Somebody's web server, whose posts are signed."""

    def __init__(self, directory: Path) -> None:
        self.got: list[dict[str, Any]] = []
        self._arrived = asyncio.Condition()
        self._directory = directory
        app = web.Application()
        app.router.add_post("/alerts", self._receive)
        self._runner = web.AppRunner(app)

    async def __aenter__(self) -> Receiver:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.settings = Settings(
            data_dir=self._directory,
            ari_url=f"http://127.0.0.1:{free_port()}/ari",
            ari_connect="inbound",
            http_listen=f"127.0.0.1:{free_port()}",
            alert_url=f"http://127.0.0.1:{self._runner.addresses[0][1]}/alerts",
            hook_secret=SecretStr("s3cret"),
            hook_networks="127.0.0.1",
        )
        await migrate.upgrade(self.settings.database())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def until(self, count: int) -> None:
        """Wait for so many. Raises TimeoutError."""
        async with asyncio.timeout(30), self._arrived:
            await self._arrived.wait_for(lambda: len(self.got) >= count)

    async def _receive(self, request: web.Request) -> web.Response:
        secret, id = account_secret("s3cret", DEFAULT), request.headers["Idempotency-Key"]
        assert verify(secret, id, await request.read(), request.headers[HEADER], time.time())
        self.got.append(await request.json())
        async with self._arrived:
            self._arrived.notify_all()
        return web.Response()


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Application]:
    application = Application(settings)
    await application.start()
    try:
        yield application
    finally:
        await application.stop()


def custom(name: str, kind: Kind, **more: Any) -> AlertData:
    days = (0, 1, 2, 3, 4, 5, 6)
    return AlertData(name=name, kind=kind, notification="custom", days=days, from_minute=0, to_minute=0, **more)


async def test_a_custom_notification_reaches_its_url_and_its_interval_outlives_the_process(tmp_path: Path) -> None:
    heard: list[bool] = []
    async with Receiver(tmp_path) as receiver:
        async with running(receiver.settings) as application:
            data = custom("Asterisk", Kind.PROCESS, interval=60)
            id = await application.alerting.alerts.create(DEFAULT, None, data)
            await application.alerting.configure(DEFAULT)
            application.alerting.asterisk(False)
            await receiver.until(1)
        assert [(one["event"], one["alert"], one["name"], one["account"]) for one in receiver.got] == [
            ("alert.raised", id, "Asterisk", DEFAULT)
        ]
        async with running(receiver.settings) as again:
            again.alerting.watch.listeners.append(lambda account, alert, news: heard.append(news.notify))
            again.alerting.asterisk(False)
            assert [alert.id for alert in again.alerting.watch.raised(DEFAULT)] == [id]
    assert heard == []  # it goes on being raised: nobody is told so twice


async def test_an_alert_of_a_queue_that_was_deleted_meanwhile_is_cleared_once(tmp_path: Path) -> None:
    """By another process, or by one that was killed before it could tell."""
    async with Receiver(tmp_path) as receiver:
        async with running(receiver.settings) as application:
            alerts = application.alerting.alerts
            await application.queues.create(DEFAULT, QueueData(extension="500", name="Sales"))
            id = await alerts.create(DEFAULT, None, custom("No agents", Kind.AGENTS, queue="500", threshold=0))
            await alerts.create(DEFAULT, None, custom("Not raised", Kind.CALLS, queue="500", threshold=9))
            await application.configuring.all_accounts()
            await application.alerting.configure(DEFAULT)
            await receiver.until(1)
        with contextlib.closing(sqlite3.connect(tmp_path / "ari_app.sqlite")) as database, database:
            database.execute("UPDATE queues SET deleted = 1")
        async with running(receiver.settings):
            await receiver.until(2)
        async with running(receiver.settings) as application:
            data = custom("Asterisk", Kind.PROCESS)
            last = await application.alerting.alerts.create(DEFAULT, None, data)
            await application.alerting.configure(DEFAULT)
            application.alerting.asterisk(False)
            await receiver.until(3)
    assert [(one["event"], one["alert"]) for one in receiver.got] == [
        ("alert.raised", id),
        ("alert.cleared", id),
        ("alert.raised", last),
    ]
