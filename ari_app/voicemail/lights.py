"""Message-waiting lights: Asterisk is told how many messages a mailbox has, and tells the phones (RFC 3842).

Over ARI's mailboxes where Asterisk has them (res_mwi_external, res_stasis_mailbox and res_ari_mailboxes, which many
packages leave out as they exclude app_voicemail), else by a channel that runs MinivmMWI in the dialplan and is gone
(asterisk-conf: message-waiting).

Asterisk forgets the counts when it stops: it is told all of them when it is connected again. What it does not take is
told again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import structlog

from ari_app.ari.errors import AriError, Gone
from ari_app.ari.node import Node
from ari_app.clock import Clock, Timer
from ari_app.store.voicemail import Counts

log = structlog.get_logger(__name__)

#: seconds until an Asterisk that refused is told again
RETRY = 30.0
#: the dialplan's context, for Asterisk without ARI's mailboxes
CONTEXT = "message-waiting"


class Lights:
    """Of all mailboxes, by Asterisk's names of them (1001@default), on all nodes."""

    def __init__(self, nodes: Mapping[str, Node], clock: Clock) -> None:
        self._nodes = nodes
        self._clock = clock
        self._wanted: dict[str, Counts] = {}
        #: node and mailbox of what is still to be told
        self._untold: set[tuple[str, str]] = set()
        #: nodes that have no mailboxes in ARI
        self._plain: set[str] = set()
        self._wake = asyncio.Event()
        self._timer: Timer | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to tell."""
        self._task = asyncio.create_task(self._work(), name="message-waiting lights")

    async def close(self) -> None:
        """Stop; all is told at the next start."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def set(self, mailbox: str, counts: Counts) -> None:
        """So much is in a mailbox now."""
        if self._wanted.get(mailbox) != counts:
            self._wanted[mailbox] = counts
            self._tell(mailbox)

    def known(self) -> Iterable[str]:
        """Mailboxes of which counts were given."""
        return list(self._wanted)

    def connected(self, node: Node) -> None:
        """An Asterisk can be told again; it may be another one."""
        self._plain.discard(node.name)
        self._untold |= {(node.name, mailbox) for mailbox in self._wanted}
        self._wake.set()

    def _tell(self, mailbox: str) -> None:
        self._untold |= {(name, mailbox) for name in self._nodes}
        self._wake.set()

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            for name, mailbox in sorted(self._untold):
                self._untold.discard((name, mailbox))
                node = self._nodes[name]
                if not node.connected:
                    continue  # `connected` comes
                try:
                    await self._put(node, mailbox, self._wanted[mailbox])
                except AriError as error:
                    log.warning("= light not set yet", node=name, mailbox=mailbox, error=str(error))
                    self._untold.add((name, mailbox))
                    self._later()

    def _later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.call_at(self._clock.now() + RETRY, self._wake.set)

    async def _put(self, node: Node, mailbox: str, counts: Counts) -> None:
        if node.name not in self._plain:
            try:
                await node.mailboxes.update(mailboxName=mailbox, oldMessages=counts.old, newMessages=counts.new)
                return
            except Gone:
                self._plain.add(node.name)
                log.info("= Asterisk has no mailboxes in ARI: lights are set through the dialplan", node=node.name)
        extension = "*".join([*mailbox.split("@"), str(counts.new), str(counts.old)])
        await node.channels.originate(
            endpoint=f"Local/{extension}@{CONTEXT}/n", extension="done", context=CONTEXT, priority=1, timeout=5
        )
