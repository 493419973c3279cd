"""A feed over HTTP: server-sent events (WHATWG HTML, 9.2), or a websocket where the request asks for one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from aiohttp import web

from ari_app.dialects.feed import Feed, Listener, Overtaken, Told

#: seconds of silence after which a sign of life is sent
HEARTBEAT = 15.0
#: seconds that a listener may leave its connection full
SLOW = 10.0

#: sends some events, or with none a sign of life
Send = Callable[[list[Told]], Awaitable[None]]

log = structlog.get_logger("feed")


@dataclass(frozen=True, kw_only=True)
class Listening:
    """An answer that goes on."""

    feed: Feed
    account: int
    #: id of the last event seen; a Last-Event-ID header counts before it
    after: str | None = None
    #: what of the feed is told beside what all are told
    scopes: tuple[str, ...] = ()


async def serve(request: web.Request, answer: Listening, allowed: Callable[[], Awaitable[bool]]) -> web.StreamResponse:
    """Tell until the client goes, is too slow, may no longer listen, or the server stops.

    allowed: is asked with every sign of life and, when there is no silence, as often.
    """
    after = request.headers.get("Last-Event-ID") or answer.after
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT, timeout=SLOW)
    with answer.feed.listen(answer.account, after, answer.scopes) as listener:
        if socket.can_prepare(request).ok:
            await socket.prepare(request)
            await _over_socket(request, socket, listener, allowed)
            return socket
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        await response.prepare(request)

        async def send(events: list[Told]) -> None:
            await response.write(b"".join(map(_frame, events)) or b":\n\n")

        await _tell(request, listener, send, allowed)
        return response


async def _over_socket(
    request: web.Request, socket: web.WebSocketResponse, listener: Listener, allowed: Callable[[], Awaitable[bool]]
) -> None:
    async def send(events: list[Told]) -> None:
        for event in events:
            await socket.send_str(event.data.decode())

    async def tell() -> None:
        await _tell(request, listener, send, allowed)
        await socket.close()

    telling = asyncio.create_task(tell())
    try:
        async for _ in socket:
            pass  # nothing is expected; reading answers pings, and ends when the client goes or we close
    finally:
        telling.cancel()
        await asyncio.wait([telling])


async def _tell(request: web.Request, listener: Listener, send: Send, allowed: Callable[[], Awaitable[bool]]) -> None:
    loop = asyncio.get_running_loop()
    events, due = [listener.first], loop.time() + HEARTBEAT
    try:
        while True:
            async with asyncio.timeout(SLOW):
                await send(events)
            try:
                async with asyncio.timeout_at(due):
                    events = await listener.next()
                if not events:
                    return
            except TimeoutError:
                events = []
            if loop.time() >= due:
                due = loop.time() + HEARTBEAT
                if not await allowed():
                    return
    except (TimeoutError, Overtaken):
        log.warning("a listener is too slow, and is dropped", remote=request.remote)
        if request.transport is not None:
            request.transport.abort()
    except ConnectionError:
        pass  # the client has gone


def _frame(event: Told) -> bytes:
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (event.id.encode(), event.type.encode(), event.data)
