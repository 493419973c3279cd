"""Delivers what is in the outbox: at least once, in order to each target, and none waits for another's receiver.

A message is delivered when its sender says so, and committed as delivered after that: a process that is killed between
the two sends it again, under the same id. One that fails is tried again later (store/outbox.py says when), and given up
after ATTEMPTS; it stays there with its last error. Woken by a new message, by a delivery that ended and by the time of
the next attempt; nothing is polled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from ari_app.clock import Clock, Timer
from ari_app.errors import StoreUnavailable
from ari_app.hooks.sign import HEADER, account_secret, sign
from ari_app.ops.addresses import Guard
from ari_app.store.outbox import Message, Outbox

#: deliveries at a time
AT_ONCE = 64
#: seconds that a receiver has for all of it: to be found, to take the request, to answer
TIMEOUT = 10.0
#: seconds until the database is asked again that did not answer
STORE_RETRY = 5.0
#: seconds that a message is kept after it was delivered, or given up; and from one look for such to the next
KEPT, DAY = 7 * 86400.0, 86400.0
#: characters of an error that are kept
_ERROR_MAX = 300

log = structlog.get_logger(__name__)

#: delivers one message; raises whatever it likes if it cannot
Sender = Callable[[Message], Awaitable[None]]


class NotTaken(Exception):
    """The receiver answered, and does not say that it has it."""


class Teller:
    """Takes messages out of the outbox and has them delivered, each kind by its sender."""

    def __init__(
        self,
        outbox: Outbox,
        clock: Clock,
        senders: Mapping[str, Sender],
        *,
        at_once: int = AT_ONCE,
        timeout: float = TIMEOUT,
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._senders = senders
        self._at_once = at_once
        self._timeout = timeout
        self._wake = asyncio.Event()
        self._timer: Timer | None = None
        #: when messages that are over are to be removed next
        self._forgets_at = float("-inf")
        self._tasks: set[asyncio.Task[None]] = set()
        self._runner: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Deliver until `close`; first what an earlier process left."""
        self._outbox.on_added = self._wake.set
        self._runner = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop. What is under way is broken off, and sent again by the next process."""
        tasks = [task for task in (self._runner, *self._tasks) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._timer is not None:
            self._timer.cancel()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._forget()
                at = await self._hand_out()
                at = self._forgets_at if at is None else min(at, self._forgets_at)
            except StoreUnavailable:
                at = self._clock.now() + STORE_RETRY
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None
            if at <= self._clock.now():
                continue
            self._timer = self._clock.call_at(at, self._wake.set)
            await self._wake.wait()

    async def _forget(self) -> None:
        now = self._clock.now()
        if now >= self._forgets_at:
            await self._outbox.forget(now - KEPT)
            self._forgets_at = now + DAY

    async def _hand_out(self) -> float | None:
        """When to look again, if nothing happens before that."""
        free = self._at_once - len(self._tasks)
        if free <= 0:
            return None
        for message in await self._outbox.due(free):
            task = asyncio.get_running_loop().create_task(self._deliver(message))
            self._tasks.add(task)
            task.add_done_callback(self._over)
        return None if len(self._tasks) >= self._at_once else await self._outbox.next_at()

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._wake.set()

    async def _deliver(self, message: Message) -> None:
        sender = self._senders.get(message.kind)
        try:
            if sender is None:
                raise NotTaken(f"nothing here delivers {message.kind}")
            async with asyncio.timeout(self._timeout):
                await sender(message)
        except Exception as error:
            # Whatever a sender raises is a reason to try again, and must not end the deliveries of others.
            said = f"{type(error).__name__}: {error}"[:_ERROR_MAX]
            if self._outbox.failed(message, said) is None:
                log.error("= message given up", message=message.id, kind=message.kind, error=said)
            else:
                log.warning("= message not delivered", message=message.id, attempts=message.attempts + 1, error=said)
        else:
            self._outbox.delivered(message)


class Webhook:
    """Posts messages to URLs, signed. Redirects are not followed: the URL is where the operator wants it to go."""

    def __init__(self, guard: Guard, clock: Clock, hook_secret: str) -> None:
        self._guard = guard
        self._clock = clock
        self._hook_secret = hook_secret
        self._http = guard.client()

    async def __call__(self, message: Message) -> None:
        """Raises NotTaken, Forbidden, TimeoutError, aiohttp.ClientError."""
        self._guard.check_url(message.target)
        body = message.body.encode()
        secret = account_secret(self._hook_secret, message.account)
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": message.id,
            HEADER: sign(secret, message.id, body, self._clock.now()),
        }
        request = self._http.session().post(message.target, data=body, headers=headers, allow_redirects=False)
        async with request as response:
            if not 200 <= response.status < 300:
                raise NotTaken(f"answered {response.status}")

    async def close(self) -> None:
        await self._http.close()
