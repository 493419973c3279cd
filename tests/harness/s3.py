"""A storage that speaks S3, in a process of its own: moto's server."""

from __future__ import annotations

import asyncio
import os
import sys

import aiohttp

from tests.harness import net

BUCKET = "recordings"
ACCESS_KEY, SECRET_KEY = "an-access-key", "a-secret-key"  # of a server that lives for one test
#: seconds until it has not started
_START_LIMIT = 60.0


class S3Server:
    """With one bucket, empty. Stopped, it forgets everything."""

    def __init__(self) -> None:
        self.port = net.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The settings of an application that uses it."""
        keys = {"S3_ACCESS_KEY": ACCESS_KEY, "S3_SECRET_KEY": SECRET_KEY}
        return {"S3_URL": self.url, "S3_BUCKET": BUCKET, "S3_PREFIX": "centre", **keys}

    async def start(self) -> None:
        """Start it, with its bucket."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-W",
            "ignore",
            "-c",
            "import sys; from moto.server import main; main(sys.argv[1:])",
            "-H",
            "127.0.0.1",
            "-p",
            str(self.port),
            env=os.environ,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(_START_LIMIT), aiohttp.ClientSession() as session:
            while True:
                assert self._process.returncode is None, "moto's server ended"
                try:
                    async with session.put(f"{self.url}/{BUCKET}") as reply:
                        assert reply.status == 200, await reply.text()
                        return
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """End it."""
        if self._process is not None:
            if self._process.returncode is None:
                self._process.kill()
            await self._process.wait()
            self._process = None

    async def __aenter__(self) -> S3Server:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
