"""Brings extensions from the database into every Asterisk.

What is wanted is in SQL; what an Asterisk was given is noted there too, before it is given (so that after a crash in
between it is known to be there perhaps) and after. A change is applied at once. What could not be (Asterisk is away, or
was replaced and has an empty database) is made up for when its event stream is back, and tried again every RETRY s.
An Asterisk that was started anew is given everything again.
An extension whose endpoint is another system's (Wanted.provisioned) is let be, and one that was ours is removed.
Only what is noted is ever removed: endpoints of files, and those that somebody else made, are let be.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping

import msgspec
import structlog

from ari_app.ari.errors import AriError, TimedOut, Unreachable
from ari_app.ari.node import Node
from ari_app.calls import extensions as sip
from ari_app.clock import Clock, Timer
from ari_app.errors import StoreUnavailable
from ari_app.store.extensions import Extensions, Wanted

log = structlog.get_logger(__name__)

#: seconds between attempts at an Asterisk that is connected, and refuses
RETRY = 30.0


def _fingerprint(node: Node, wanted: Wanted) -> str:
    # With the start of Asterisk in it: an Asterisk that crashed has lost what it was given in its last second.
    written = (node.incarnation, sip.sip_objects(wanted.settings, wanted.digest, wanted.mailbox))
    return f"{hashlib.sha256(msgspec.json.encode(written)).hexdigest()}:{_of_secret(wanted)}"


def _of_secret(wanted: Wanted) -> str:
    # Apart, so that it is known when the secret is another one, also of an extension that has not arrived yet.
    return hashlib.sha256(wanted.digest.encode()).hexdigest()[:16]


class Provisioner:
    """Of all nodes."""

    def __init__(self, extensions: Extensions, nodes: Mapping[str, Node], clock: Clock) -> None:
        self._extensions = extensions
        self._nodes = nodes
        self._clock = clock
        self._locks: dict[str, asyncio.Lock] = {}
        self._timers: dict[str, Timer] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def apply(self, extension: str) -> None:
        """One was made, changed or removed: tell every Asterisk. Those that do not take it are told later.

        Raises:
            StoreUnavailable
        """
        await asyncio.gather(*(self._attempt(node, extension) for node in self._nodes.values()))

    def connected(self, node: Node) -> None:
        """An Asterisk can be told again: compare and make up, in the background."""
        self._spawn(node)

    def compare(self) -> None:
        """Many have changed: compare with every Asterisk that is connected; the others are when they are back."""
        for node in self._nodes.values():
            if node.connected:
                self._spawn(node)

    async def idle(self) -> None:
        """Return when nothing is under way."""
        while self._tasks:
            await asyncio.wait(list(self._tasks))

    async def stop(self) -> None:
        """Give up what is under way; the next start goes on with it."""
        for timer in self._timers.values():
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, node: Node) -> None:
        task = asyncio.get_running_loop().create_task(self._reconcile(node))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _later(self, node: Node) -> None:
        before = self._timers.get(node.name)
        if before is not None:
            before.cancel()

        def again() -> None:
            if node.connected:  # else connected() will come
                self._spawn(node)

        self._timers[node.name] = self._clock.call_at(self._clock.now() + RETRY, again)

    def _lock(self, node: Node) -> asyncio.Lock:
        return self._locks.setdefault(node.name, asyncio.Lock())

    async def _attempt(self, node: Node, extension: str) -> None:
        try:
            async with self._lock(node):
                # Read under the lock: of two changes at once the later one is applied last.
                wanted = await self._extensions.wanted_one(extension)
                given = await self._extensions.provisioned_one(node.name, extension)
                if wanted is not None and wanted.provisioned:
                    await self._bring(node, wanted, given or "")
                elif given is not None:
                    await self._remove(node, extension)
        except AriError as error:
            log.warning(
                "= an extension has to wait for Asterisk", node=node.name, extension=extension, error=str(error)
            )
            self._later(node)

    async def _reconcile(self, node: Node) -> None:
        try:
            async with self._lock(node):
                await self._compare(node)
        except (AriError, StoreUnavailable) as error:
            log.warning("= extensions could not be compared with Asterisk", node=node.name, error=str(error))
            self._later(node)

    async def _compare(self, node: Node) -> None:
        wanted = {one.settings.extension: one for one in await self._extensions.wanted() if one.provisioned}
        given = await self._extensions.provisioned(node.name)
        if not wanted and not given:
            return
        there = {endpoint.resource for endpoint in await node.endpoints.listByTech(tech="PJSIP")}
        brought = failed = 0
        for extension, one in wanted.items():
            if extension in there and given.get(extension) == _fingerprint(node, one):
                continue
            try:
                await self._bring(node, one, given.get(extension, ""))
                brought += 1
            except (TimedOut, Unreachable):
                raise
            except AriError as error:
                # One that Asterisk refuses, as when a file has it too, must not keep the others from it.
                failed += 1
                log.warning("= an extension is refused", node=node.name, extension=extension, error=str(error))
        for extension in given.keys() - wanted.keys():
            await self._remove(node, extension)
            brought += 1
        if brought:
            log.info("= extensions brought to Asterisk", node=node.name, count=brought)
        if failed:
            self._later(node)

    async def _bring(self, node: Node, wanted: Wanted, given: str) -> None:
        extension, secret = wanted.settings.extension, given.partition(":")[2]
        await self._extensions.set_provisioned(node.name, wanted.account, extension, f":{secret}" if secret else "")
        objects = sip.sip_objects(wanted.settings, wanted.digest, wanted.mailbox)
        await sip.apply(node, extension, objects)
        if secret not in ("", _of_secret(wanted)):
            # Who has registered with the one before would be rung until that expires.
            await sip.forget_registrations(node, extension, objects)
        await self._extensions.set_provisioned(node.name, wanted.account, extension, _fingerprint(node, wanted))

    async def _remove(self, node: Node, extension: str) -> None:
        await sip.withdraw(node, extension)
        await self._extensions.set_provisioned(node.name, 0, extension, None)
