# ruff: noqa: T201  # a program for the terminal
"""Callers and agents for a running demo (`make demo-call`): SIPp registers the agents' phones and rings queue 500.

Shows once a second who waits and what the agents do. Signs the agents in, and out again at the end.
"""

import argparse
import asyncio
import contextlib
import json
import os
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp

from tests.harness import net, sipp

CALLER = "1000"
TALK = (4.0, 6.0, 9.0)
PATIENCE = (5.0, 60.0, 60.0, 60.0)


class DemoError(Exception):
    """The demo cannot be rung; the text says why."""


class Demo:
    """The running demo over its REST interface."""

    def __init__(self, session: aiohttp.ClientSession, base: str, data: dict[str, Any]) -> None:
        self._session = session
        self._base = base
        self._key = data["key"]
        self.queue: str = data["queue"]
        self.extensions: dict[str, str] = data["extensions"]
        self.agents: dict[str, int] = data["agents"]

    @property
    def phones(self) -> dict[str, str]:
        """Extension -> secret, of the agents."""
        return {extension: secret for extension, secret in self.extensions.items() if extension != CALLER}

    async def request(self, method: str, path: str, query: dict[str, Any] | None = None, **form: Any) -> Any:
        """One request of the EQ API. Raises DemoError."""
        parameters = urlencode({"auth_key": self._key, **(query or {})})
        fields = {name: json.dumps(value) if isinstance(value, dict) else str(value) for name, value in form.items()}
        url = f"{self._base}/eq/api/2.0{path}?{parameters}"
        try:
            async with self._session.request(method, url, data=fields or None) as reply:
                body = await reply.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise DemoError(
                f"{self._base} does not answer ({str(error) or 'timed out'}): is `make run` running?"
            ) from None
        if reply.status != 200:
            raise DemoError(f"{method} {path}: {reply.status} {body}")
        return body

    @contextlib.asynccontextmanager
    async def signed_in(self) -> AsyncIterator[None]:
        """The agents at their phones and in the queue."""
        tokens = []
        for extension in self.phones:
            agent = self.agents[extension]
            form = {"user": agent, "extension": extension, "force": 1}
            tokens.append(await self.request("POST", "/agent_session", **form))
            with contextlib.suppress(DemoError):  # they may be in the queue still
                await self.act("signIn", agent, queues=[self.queue])
        try:
            yield
        finally:
            for agent in self.agents.values():
                with contextlib.suppress(DemoError):
                    await self.act("signOut", agent)
            for token in tokens:
                with contextlib.suppress(DemoError):
                    await self.request("DELETE", f"/agent_session/{token}")

    async def act(self, action: str, agent: int, **options: Any) -> None:
        options = {"agent": agent, **options}
        await self.request("POST", "/call_queue_agent_action", action=action, options=options)

    async def line(self) -> str:
        """One line about the queue now."""
        waiting = await self.request("GET", "/queued_calls", {"queue": self.queue})
        statuses = await self.request("GET", "/call_queue_agent_status", {"queue": self.queue})
        agents = "  ".join(f"{row['extension']} {row['status']}" for row in statuses)
        return f"waiting {len(waiting)}   {agents}"


async def ring(demo: Demo, target: str, calls: int, rate: float) -> bool:
    """Rings the queue, shows what happens, and whether every call went as a call should."""
    await demo.line()  # it is there, or says that it is not
    address = net.address_towards(target.partition(":")[0])
    port = net.free_port(address, socket.SOCK_DGRAM)
    # From the port at which the phones will answer, as a phone does.
    async with sipp.registrations(target, demo.phones, address=address, port=port) as registration:
        if await registration.finished(within=20):
            raise DemoError(f"the agents' phones could not register at {target}:\n{registration.printed()}")
    phones = sipp.agents(address, port=port, answer_after=(0.5, 1.0, 2.0), talk=TALK)
    account = (CALLER, demo.extensions[CALLER])
    callers = sipp.callers(
        target, demo.queue, address=address, calls=calls, rate=rate, patience=PATIENCE, account=account
    )
    print(f"{calls} callers, {rate:g} a second; three agents; one caller in four hangs up after {PATIENCE[0]:g} s")
    async with phones, demo.signed_in(), callers:
        ended = asyncio.ensure_future(callers.finished(within=calls / rate + 60 + calls * max(TALK)))
        while not ended.done():
            print(await demo.line(), flush=True)
            await asyncio.wait([ended], timeout=1)
        await ended
    answers = Counter(message.what for message in phones.messages() if message.sent and message.method == "INVITE")
    print(f"callers: {callers.created}, as they should: {callers.successful}, failed: {callers.failed}")
    print(f"answered by an agent: {answers['200']}, left without: {callers.created - answers['200']}")
    if callers.failed:
        print(callers.printed())
    return not callers.failed


async def main() -> int:
    parser = argparse.ArgumentParser(prog="demo-call", description="Ring the demo's queue with real SIP calls.")
    parser.add_argument("--calls", type=int, default=12, help="how many (12)")
    parser.add_argument("--rate", type=float, default=1.0, help="calls a second (1)")
    arguments = parser.parse_args()
    data = json.loads((Path(os.environ["DATA_DIR"]) / "demo.json").read_text())
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        demo = Demo(session, f"http://{os.environ['HTTP_LISTEN']}", data)
        try:
            target = f"{os.environ['SIP_HOST']}:{os.environ['SIP_PORT']}"
            return 0 if await ring(demo, target, arguments.calls, arguments.rate) else 1
        except (DemoError, sipp.SippError, TimeoutError) as error:
            print(f"demo-call: {str(error) or 'SIPp did not end in time'}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
