"""The least that a queue over ARI can be: answer, music, originate, bridge. No SQL, no settings, no statistics.

It shows what the language and ARI allow, and so the limit that our system can come close to. First come, first served;
the agent who has been free longest is rung; an agent who does not answer is not thought of.

    python -m bench.peers.bare_loop ARI_URL USER PASSWORD APP 1001 1002 ...
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import sys
from collections import deque
from urllib.parse import urlencode, urlsplit

import aiohttp
import msgspec
import uvloop
from websockets.asyncio.client import connect


class BareLoop:
    def __init__(self, http: aiohttp.ClientSession, url: str, app: str, agents: list[str]) -> None:
        self.http = http
        self.url = url
        self.app = app
        self.free = deque(agents)
        self.waiting: deque[tuple[str, str]] = deque()
        #: an agent's channel -> (agent, the caller's channel), and the other way round
        self.offers: dict[str, tuple[str, str]] = {}
        self.served: dict[str, str] = {}
        self.bridges: dict[str, str] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.numbers = itertools.count(1)

    async def call(self, method: str, path: str, **query: str) -> None:
        """One request; that something is gone already is nothing to worry about here."""
        target = f"{self.url}{path}?{urlencode(query)}"
        async with self.http.request(method, target) as reply:
            await reply.read()

    def spawn(self, *requests: tuple[str, str, dict[str, str]]) -> None:
        async def run() -> None:
            for method, path, query in requests:
                await self.call(method, path, **query)

        task = asyncio.create_task(run())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def on_event(self, event: dict[str, object]) -> None:
        channel = event.get("channel")
        if not isinstance(channel, dict):
            return
        name = channel["id"]
        match event["type"]:
            case "StasisStart" if name in self.offers:
                _, caller = self.offers[name]
                bridge = self.bridges[caller] = f"bridge-{name}"
                self.spawn(
                    ("POST", f"/bridges/{bridge}", {"type": "mixing"}),
                    ("POST", f"/bridges/{bridge}/addChannel", {"channel": f"{caller},{name}"}),
                )
            case "StasisStart":
                self.waiting.append((name, channel["caller"]["number"]))
                self.match()
                self.spawn(("POST", f"/channels/{name}/answer", {}), ("POST", f"/channels/{name}/moh", {}))
            case "ChannelHangupRequest" | "StasisEnd" | "ChannelDestroyed" if name in self.offers:
                agent, caller = self.offers.pop(name)
                self.free.append(agent)
                self.match()
                self.end(caller)
            case "ChannelHangupRequest" | "StasisEnd" if name in self.served:
                self.end(name)
            case "StasisEnd":
                self.waiting = deque(waiting for waiting in self.waiting if waiting[0] != name)

    def match(self) -> None:
        while self.free and self.waiting:
            agent, (caller, number) = self.free.popleft(), self.waiting.popleft()
            leg = f"bare-{next(self.numbers)}"
            self.offers[leg] = (agent, caller)
            self.served[caller] = leg
            query = {"endpoint": f"PJSIP/{agent}", "app": self.app, "callerId": number}
            self.spawn(("POST", f"/channels/{leg}", query))

    def end(self, caller: str) -> None:
        leg, bridge = self.served.pop(caller, None), self.bridges.pop(caller, None)
        for path in (f"/channels/{caller}", leg and f"/channels/{leg}", bridge and f"/bridges/{bridge}"):
            if path:
                self.spawn(("DELETE", path, {}))


async def main(url: str, user: str, password: str, app: str, *agents: str) -> None:
    authorization = {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}
    async with aiohttp.ClientSession(headers=authorization, connector=aiohttp.TCPConnector(limit=40)) as http:
        loop = BareLoop(http, url, app, list(agents))
        place = urlsplit(url)
        events = f"ws://{place.netloc}{place.path}/events?app={app}"
        async with connect(events, additional_headers=authorization, proxy=None, compression=None) as socket:
            print("connected", flush=True)
            async for frame in socket:
                loop.on_event(msgspec.json.decode(frame))


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
