"""What agents' phones do apart from our own offers: on a private call, ringing for one, or not registered.

Asterisk tells it of an endpoint that we are subscribed to, with EndpointStateChange: its state, and the ids of all its
channels, whoever made them and whatever they do (ringing, talking, dialling out). So there is one subscription for each
extension at which an agent has a session, made when he signs in; a call costs no request. Not used, and why:

* `endpoint:` (all at once) brings no EndpointStateChange, only registrations: no channels.
* device states do not say whose call it is, and taking their subscription back can lock Asterisk's ARI up.

An endpoint that ARI does not know (Local, or a dial string with more than a name) has no such state: such a phone is
idle as far as anybody can tell, and a call that it refuses is what tells the queue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog

from ari_app.ari.errors import AriError, Gone, Unprocessable
from ari_app.ari.models import Endpoint
from ari_app.ari.node import Node
from ari_app.ari.picture import endpoint_name
from ari_app.clock import Clock, pause

log = structlog.get_logger(__name__)

#: ids of the channels on which queues offer callers begin so (calls/call.py: a leg's id begins with its role); also
#: those of a life before this one, and those whose end we have seen and the endpoint has not told yet
OFFERED = "agent-"
#: seconds until Asterisk is asked again after it did not answer
ASK_AGAIN = 1.0


def phone_state(endpoint: Endpoint, forwarded: int = 0) -> str:
    """ "unavailable": nothing is registered there, or what is does not answer (qualify). "busy": it has a channel that
    is none of our offers, in whatever state. Else "idle".

    forwarded: offers of ours that reach it by the dialplan, which gives the phone's channel an id of its own.
    """
    if endpoint.state == "offline":
        return "unavailable"
    others = sum(not channel.startswith(OFFERED) for channel in endpoint.channel_ids)
    return "busy" if others > forwarded else "idle"


class Phones:
    """Follows the endpoints of those extensions at which agents have sessions, on one node."""

    def __init__(
        self,
        node: Callable[[], Node],
        clock: Clock,
        endpoint: Callable[[str], str],
        staffed: Callable[[str], bool],
        tell: Callable[[str, str], None],
        forwarded: Callable[[str], int] = lambda _extension: 0,
    ) -> None:
        """forwarded: how many offers of ours reach an extension by the dialplan now."""
        self._forwarded = forwarded
        self._node = node
        self._clock = clock
        self._endpoint = endpoint
        #: whether an agent has a session at an extension
        self._staffed = staffed
        #: an extension's phone is in this state; told again and again
        self._tell = tell
        #: endpoint -> extension; those that we are subscribed to, or will be with the next connect
        self._followed: dict[str, str] = {}
        #: endpoints that are being subscribed to, or let go
        self._settling: set[str] = set()

    def restored(self, extensions: Iterable[str]) -> None:
        """Before the first connect of a process: sessions there are from the life before."""
        for extension in extensions:
            endpoint = self._endpoint(extension)
            self._followed[endpoint] = extension
            self._node().subscriptions.wanted.add(f"endpoint:{endpoint}")

    def recovered(self) -> None:
        """After the first resync, which has told how all the endpoints are that there are: the others are not known."""
        for endpoint, extension in self._followed.items():
            if endpoint not in self._node().snapshot.endpoints:
                self._tell(extension, "idle")

    def look(self, extension: str) -> None:
        """An agent's session at this extension has begun or ended."""
        endpoint = self._endpoint(extension)
        known = self._node().snapshot.endpoints.get(endpoint)
        if self._staffed(extension) and endpoint in self._followed and known is not None:
            self._tell(extension, phone_state(known, self._forwarded(extension)))
        if self._unsettled(endpoint, extension) and endpoint not in self._settling:
            self._settling.add(endpoint)
            self._node().background(self._settle(endpoint, extension))

    def changed(self, node: Node, endpoint: Endpoint) -> None:
        """An endpoint is like this now."""
        extension = self._followed.get(endpoint_name(endpoint))
        if extension is not None and node is self._node():
            self._tell(extension, phone_state(endpoint, self._forwarded(extension)))
            self.look(extension)

    def _unsettled(self, endpoint: str, extension: str) -> bool:
        if endpoint not in self._followed:
            return self._staffed(extension)
        # The ends of its channels are still to be told: the node's picture has them.
        known = self._node().snapshot.endpoints.get(endpoint)
        return not self._staffed(extension) and (known is None or not known.channel_ids)

    async def _settle(self, endpoint: str, extension: str) -> None:
        try:
            while self._unsettled(endpoint, extension):
                if endpoint in self._followed:
                    await self._let_go(endpoint, extension)
                else:
                    await self._follow(endpoint, extension)
        finally:
            self._settling.discard(endpoint)

    async def _follow(self, endpoint: str, extension: str) -> None:
        node = self._node()
        technology, _, resource = endpoint.partition("/")
        self._followed[endpoint] = extension
        try:
            await node.subscribe(f"endpoint:{endpoint}")
            found = await node.endpoints.get(tech=technology, resource=resource)
        except (Gone, Unprocessable):
            log.debug("= no endpoint to follow", endpoint=endpoint)
        except AriError as error:
            log.info("= endpoint not followed yet", endpoint=endpoint, error=str(error))
            if node.connected:
                del self._followed[endpoint]
                await pause(self._clock, ASK_AGAIN)
            else:
                node.subscriptions.wanted.add(f"endpoint:{endpoint}")  # the next connect does it
        else:
            if node.snapshot.endpoints.setdefault(endpoint, found) is found:  # else an event was faster
                self._tell(extension, phone_state(found, self._forwarded(extension)))

    async def _let_go(self, endpoint: str, extension: str) -> None:
        node = self._node()
        del self._followed[endpoint]
        try:
            await node.unsubscribe(f"endpoint:{endpoint}")
        except AriError as error:
            log.info("= endpoint still followed", endpoint=endpoint, error=str(error))  # until the next connect
        node.snapshot.endpoints.pop(endpoint, None)
        self._tell(extension, "idle")
