"""A bot that says back what it hears: `python echo_bot.py --port 9000`, then attach ws://<its machine>:9000/ to a call.

It needs the package websockets, and is written for chan_websocket of Asterisk as much as for ari_app: both speak the
same protocol. docs/media-bots.md describes it.
"""

from __future__ import annotations

import argparse
import asyncio
import json

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol


async def echo(connection: ServerConnection) -> None:
    """One attachment, until the call or the bot ends it."""
    may_send = True
    try:
        async for message in connection:
            if isinstance(message, bytes):
                if may_send:
                    await connection.send(message)
                continue
            event = json.loads(message)
            match event.get("event"):
                case "MEDIA_START":
                    print(f"{event['connection_id']}: begins, {event['format']}", flush=True)
                case "MEDIA_XOFF":
                    may_send = False
                case "MEDIA_XON":
                    may_send = True
    except ConnectionClosed:
        pass
    print("it has ended", flush=True)


async def main(host: str, port: int) -> None:
    async with serve(echo, host, port, subprotocols=[Subprotocol("media")], compression=None) as server:
        for socket in server.sockets:
            print("listening on {}:{}".format(*socket.getsockname()[:2]), flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000, help="0: any that is free")
    given = parser.parse_args()
    asyncio.run(main(given.host, given.port))
