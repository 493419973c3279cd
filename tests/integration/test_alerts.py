"""Alerts on a real Asterisk: a caller waits, and a webhook and a mail tell of it, whatever happens in between."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from ari_app.hooks.sign import HEADER, account_secret
from tests.harness import net, smtp
from tests.harness.patience import PATIENCE
from tests.harness.phones import PhoneBox
from tests.integration.server import contact_centre

#: of a loopback address that lives for one test
SECRET = "hook-secret"
ALWAYS = {"daysOfWeek": [0, 1, 2, 3, 4, 5, 6], "fromTime": "12:00 AM", "toTime": "12:00 AM"}

#: the server cannot know that there is TLS already where there is from the beginning
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")


class Receiver:
    """Somebody's web server, which does not answer before it is `awake`."""

    def __init__(self) -> None:
        self.url = ""
        self.awake = asyncio.Event()
        self.requests: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()
        app = web.Application()
        app.router.add_post("/alerts", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)

    async def __aenter__(self) -> Receiver:
        await self._runner.setup()
        port = net.free_port()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{port}/alerts"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.awake.set()
        await self._runner.cleanup()

    async def next(self) -> tuple[dict[str, str], bytes]:
        return await asyncio.wait_for(self.requests.get(), PATIENCE)

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        await self.requests.put((dict(request.headers), body))
        await self.awake.wait()
        return web.Response()


def openssl_signature(account: int, text: bytes) -> str:
    """As a receiver would check it, with other people's code."""
    command = ["openssl", "dgst", "-sha256", "-hmac", account_secret(SECRET, account)]
    done = subprocess.run(command, input=text, check=True, capture_output=True)
    return done.stdout.decode().split()[-1]


async def test_a_waiting_caller_is_told_of_through_a_crash(
    tmp_path: Path, start_asterisk: Any, world: PhoneBox
) -> None:
    """The receiver hangs, the process is killed; the notification comes again under the same id, the mail does not."""
    files = smtp.certificate(tmp_path)
    with smtp.mail_server(files) as mails:
        async with (
            Receiver() as receiver,
            contact_centre(
                tmp_path,
                start_asterisk,
                world,
                ALERT_URL=receiver.url,
                HOOK_SECRET=SECRET,
                HOOK_NETWORKS="127.0.0.0/8",
                SMTP_HOST=mails.host,
                SMTP_PORT=str(mails.port),
                SMTP_USER=smtp.USER,
                SMTP_PASSWORD=smtp.PASSWORD,
                MAIL_FROM="pbx@example.org",
                SSL_CERT_FILE=str(files[0]),
            ) as centre,
        ):
            await centre.queue()
            user = await centre.server.request(
                "POST",
                "/supervisor",
                data={
                    "username": "boss",
                    "firstName": "B",
                    "password": "secret",
                    "emailAddress": "boss@example.org",
                    "type": "full",
                    "language": "es",
                },
            )
            alert = {"type": "callQueueCallsHigh", "callQueue": "500", "threshold": 1, "interval": 60, **ALWAYS}
            for notification in ("realtime", "custom", "email"):
                await centre.server.request(
                    "POST",
                    "/alert",
                    data={
                        "user": user,
                        "name": notification,
                        "notificationType": notification,
                        "color": "#FF0000",
                        **alert,
                    },
                )
            caller = await world.call("500", centre.pbx)
            first, body = await receiver.next()
            assert [a["name"] for a in await centre.server.request("GET", "/x/active_alerts")] == [
                "realtime",
                "custom",
                "email",
            ]
            async with asyncio.timeout(PATIENCE):
                while not mails.mails:
                    await asyncio.sleep(0.05)
                # that it was sent is on disk, else it would be sent again
                while not centre.server.rows("SELECT 1 FROM outbox WHERE delivered_at IS NOT NULL"):
                    await asyncio.sleep(0.05)
            await centre.server.kill()
            receiver.awake.set()
            await centre.server.start()
            again, same = await receiver.next()
            assert (again["Idempotency-Key"], same) == (first["Idempotency-Key"], body)
            seconds, signature = again[HEADER].removeprefix("t=").split(",v1=")
            assert signature == openssl_signature(1, f"{seconds}.{again['Idempotency-Key']}.".encode() + body)
            told = json.loads(body)
            assert (told["event"], told["callQueue"], told["figure"]) == ("alert.raised", "500", 1.0)
            await caller.hang_up()
            await centre.idle()
            key = first["Idempotency-Key"]
            # nothing else came before it; on a machine that is too slow the first was tried once more before the crash
            while (notification := await receiver.next())[0]["Idempotency-Key"] == key:
                pass
            cleared = json.loads(notification[1])
            assert (cleared["event"], cleared["alert"]) == ("alert.cleared", told["alert"])
        assert mails.recipients == ["boss@example.org"]
        assert mails.mails[0]["Subject"].startswith("Alerta")
        assert SECRET not in centre.server.log_path.read_text()
        assert smtp.PASSWORD not in centre.server.log_path.read_text()
