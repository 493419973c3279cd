"""What desktops and wallboards ask of the EQ API, and how long it takes: from the request to the last byte.

python -m bench.eq_load LOAD        a process of its own: LOAD is JSON, and so is what it prints
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence

import aiohttp
import msgspec
import uvloop

#: mixed requests a second
REQUESTS = 200


class Load(msgspec.Struct, kw_only=True):
    """REQUESTS a second for so many seconds."""

    root: str
    key: str
    seconds: float
    #: user ids: those who are looked up, and those who pause and go on
    agents: Sequence[int]
    acting: Sequence[int]
    queues: Sequence[str]


class Client:
    """Asks one server."""

    def __init__(self, http: aiohttp.ClientSession, root: str, key: str) -> None:
        self._http = http
        self._root = root
        self._key = key

    async def ask(self, method: str, path: str, **given: str) -> tuple[float, bytes]:
        """Milliseconds, and the answer. Raises RuntimeError: it is none."""
        sent, reads = {"auth_key": self._key, **given}, method == "GET"
        params, data = (sent, None) if reads else (None, sent)
        begun = time.perf_counter()
        async with self._http.request(method, self._root + path, params=params, data=data) as response:
            body = await response.read()
        taken = (time.perf_counter() - begun) * 1000
        if response.status != 200:
            raise RuntimeError(f"{method} {path}: {response.status} {body[:200]!r}")
        return taken, body


async def mixed(client: Client, load: Load) -> list[float]:
    """Each is begun at its time, whether or not those before it are answered. A fifth are actions."""
    rng, taken = random.Random(1), list[float]()
    loop = asyncio.get_running_loop()
    begun, tasks = loop.time(), list[asyncio.Task[None]]()

    async def one(number: int) -> None:
        match number % 10:
            case 0 | 1:
                agent = load.acting[(number // 10) % len(load.acting)]
                action = "pause" if number % 10 == 0 else "resume"
                options = json.dumps({"agent": agent})
                found = await client.ask("POST", "/call_queue_agent_action", action=action, options=options)
            case 2 | 3:
                found = await client.ask("GET", "/call_queue_agent_status", queue=rng.choice(load.queues))
            case 4:
                found = await client.ask("GET", "/call_queue_agent_status")
            case 5 | 6:
                found = await client.ask("GET", "/call_queue_statistics", queue=rng.choice(load.queues))
            case 7 | 8:
                found = await client.ask("GET", f"/agent/{rng.choice(load.agents)}")
            case _:
                found = await client.ask("GET", "/queued_calls")
        taken.append(found[0])

    for number in range(int(REQUESTS * load.seconds)):
        await asyncio.sleep(max(0.0, begun + number / REQUESTS - loop.time()))
        tasks.append(asyncio.create_task(one(number)))
    await asyncio.gather(*tasks)
    return taken


async def asked(load: Load) -> list[float]:
    """The same in a process of its own. Raises RuntimeError: one was not answered as it should."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.eq_load", msgspec.json.encode(load).decode(), stdout=asyncio.subprocess.PIPE
    )
    try:
        out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode != 0:
        raise RuntimeError("the requests failed")
    return msgspec.json.decode(out, type=list[float])


async def main(load: Load) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=50)) as http:
        print(json.dumps(await mixed(Client(http, load.root, load.key), load)))


if __name__ == "__main__":
    uvloop.run(main(msgspec.json.decode(sys.argv[1], type=Load)))
