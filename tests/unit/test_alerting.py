"""Alerts in the whole application, with a database and without an Asterisk."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from pydantic import SecretStr

from ari_app.acd.alerts import Kind
from ari_app.app import Application
from ari_app.config import Settings
from ari_app.dialects import eq
from ari_app.hooks.sign import HEADER, account_secret, verify
from ari_app.store import migrate
from ari_app.store.accounts import DEFAULT
from ari_app.store.alerts import AlertData
from tests.harness.net import free_port

ALWAYS = {"daysOfWeek": [0, 1, 2, 3, 4, 5, 6], "fromTime": "12:00 AM", "toTime": "12:00 AM"}


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


async def test_a_custom_notification_reaches_its_url_and_its_interval_outlives_the_process(tmp_path: Path) -> None:
    got: list[dict[str, Any]] = []
    arrived = asyncio.Event()

    async def receive(request: web.Request) -> web.Response:
        secret, id = account_secret("s3cret", DEFAULT), request.headers["Idempotency-Key"]
        assert verify(secret, id, await request.read(), request.headers[HEADER], time.time())
        got.append(await request.json())
        arrived.set()
        return web.Response()

    app = web.Application()
    app.router.add_post("/alerts", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    settings = Settings(
        data_dir=tmp_path,
        ari_url=f"http://127.0.0.1:{free_port()}/ari",
        ari_connect="inbound",
        http_listen=f"127.0.0.1:{free_port()}",
        alert_url=f"http://127.0.0.1:{runner.addresses[0][1]}/alerts",
        hook_secret=SecretStr("s3cret"),
        hook_networks="127.0.0.1",
    )
    await migrate.upgrade(settings.database())
    application = Application(settings)
    await application.start()
    try:
        data = AlertData(
            name="Asterisk",
            kind=Kind.PROCESS,
            notification="custom",
            interval=60,
            days=(0, 1, 2, 3, 4, 5, 6),
            from_minute=0,
            to_minute=0,
        )
        id = await application.alerting.alerts.create(DEFAULT, None, data)
        await application.alerting.configure(DEFAULT)
        application.alerting.asterisk(False)
        await asyncio.wait_for(arrived.wait(), 30)
    finally:
        await application.stop()
    assert [(one["event"], one["alert"], one["name"], one["account"]) for one in got] == [
        ("alert.raised", id, "Asterisk", DEFAULT)
    ]
    again = Application(settings)
    heard: list[bool] = []
    await again.start()
    try:
        again.alerting.watch.listeners.append(lambda account, alert, news: heard.append(news.notify))
        again.alerting.asterisk(False)
        assert [alert.id for alert in again.alerting.watch.raised(DEFAULT)] == [id]
    finally:
        await again.stop()
        await runner.cleanup()
    assert heard == []  # it goes on being raised: nobody is told so twice
