"""Mixing bridges that a call has left empty, for the next call: making and destroying one is two of nine requests.

Two calls in one bridge would hear each other, so a bridge is kept only while it is certain that nobody is in it: each
channel that was asked into it, as often as it was, has been told to have left; no other has been told to have entered;
nothing but legs was ever in it, and nothing was recorded of it; and no event can have been missed, because the
connection that tells them has not been down. Any doubt, and it is destroyed as ever.

They belong to no call and are not kept over a restart: the next process finds and destroys them (recovery.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from ari_app.ari.node import Node
from ari_app.clock import Clock, Timer

#: seconds a bridge waits for the next call: where that takes longer, what it costs to make one does not matter
IDLE = 0.5
#: of one Asterisk
MOST = 32


class SpareBridges:
    """Those of all nodes."""

    def __init__(self, clock: Clock, destroy: Callable[[Node, str], None]) -> None:
        """destroy: takes a bridge down, beside everything else."""
        self._clock = clock
        self._destroy = destroy
        #: of bridges in use that may be kept: how often each channel was asked in and has not left
        self._inside: dict[tuple[str, str], Counter[str]] = {}
        #: by node, the one used last at the end
        self._spare: dict[str, dict[str, Timer]] = {}

    def of(self, node: Node) -> Iterable[str]:
        """Those that wait."""
        return self._spare.get(node.name, {}).keys()

    def take(self, node: Node) -> str | None:
        """One for another call; None: there is none."""
        waiting = self._spare.get(node.name)
        if not waiting:
            return None
        bridge, timer = waiting.popitem()
        timer.cancel()
        return bridge

    def watch(self, node: Node, bridge: str) -> None:
        """From now on who is in this bridge, which is empty, comes to it through `asked` alone."""
        self._inside[node.name, bridge] = Counter()

    def asked(self, node: Node, bridge: str, channels: Iterable[str]) -> None:
        """Asterisk is about to be asked to let these in."""
        inside = self._inside.get((node.name, bridge))
        if inside is not None:
            inside.update(channels)

    def entered(self, node: Node, bridge: str, channel: str) -> None:
        """Asterisk tells so."""
        inside = self._inside.get((node.name, bridge))
        if inside is not None:
            if not inside[channel]:
                self.doubt(node, bridge)
        elif (timer := self._spare.get(node.name, {}).pop(bridge, None)) is not None:
            timer.cancel()
            self._destroy(node, bridge)

    def left(self, node: Node, bridge: str, channel: str) -> None:
        """Asterisk tells so."""
        inside = self._inside.get((node.name, bridge))
        if inside is not None:
            inside[channel] -= 1

    def doubt(self, node: Node, bridge: str) -> None:
        """It is not to be kept."""
        self._inside.pop((node.name, bridge), None)

    def keep(self, node: Node, bridge: str) -> bool:
        """A call has no more use for it. Says whether it is kept; else it is to be destroyed."""
        inside = self._inside.pop((node.name, bridge), None)
        waiting = self._spare.setdefault(node.name, {})
        if inside is None or any(inside.values()) or len(waiting) >= MOST:
            return False
        waiting[bridge] = self._clock.call_at(self._clock.now() + IDLE, lambda: self._idle(node, bridge))
        return True

    def _idle(self, node: Node, bridge: str) -> None:
        if self._spare.get(node.name, {}).pop(bridge, None) is not None:
            self._destroy(node, bridge)

    def gone(self, node: Node, bridge: str) -> None:
        """Asterisk has none such any more."""
        self.doubt(node, bridge)
        timer = self._spare.get(node.name, {}).pop(bridge, None)
        if timer is not None:
            timer.cancel()

    def disconnected(self, node: Node) -> None:
        """Events may be missed: nothing is certain any more. What is there is found after the reconnect."""
        for timer in self._spare.pop(node.name, {}).values():
            timer.cancel()
        for key in [key for key in self._inside if key[0] == node.name]:
            del self._inside[key]
