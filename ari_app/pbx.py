"""The connection to Asterisk in the running server: which way it is made, and what is said while there is none."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack

import structlog

from ari_app.ari.connection import OutboundServer
from ari_app.ari.node import Node
from ari_app.clock import Clock
from ari_app.config import Settings, host_port
from ari_app.errors import ConfigError

log = structlog.get_logger(__name__)

#: events that cost and that nobody here looks at
UNWANTED_EVENTS = (
    "ChannelDialplan",
    "ChannelConnectedLine",
    "ChannelCallerId",
    "BridgeVideoSourceChanged",
    "Dial",  # six a call, an agent's come twice; the states and ends of the channel tell the same
)
#: what tells how well a leg was heard (calls/quality.py), among much else; CALL_QUALITY
QUALITY_EVENT = "ChannelVarset"
#: seconds without Asterisk after the start until the log says what to look at
ALONE_AFTER = 5.0


class Pbx:
    """The node of the Asterisk that the settings name, and where that Asterisk connects to if it is the one who does
    (ARI_CONNECT=outbound)."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._server: OutboundServer | None = None
        source = None
        if settings.ari_connect == "outbound":
            self._server = OutboundServer(*host_port(settings.ari_listen, "ARI_LISTEN"))
            password = settings.ari_ws_password.get_secret_value()
            source = self._server.source(settings.ari_node, settings.ari_ws_user, password)
        self.node = Node(
            settings.ari_node,
            url=settings.ari_url,
            user=settings.ari_user,
            password=settings.ari_password.get_secret_value(),
            app=settings.ari_app,
            source=source,
            unwanted_events=UNWANTED_EVENTS if settings.call_quality else (*UNWANTED_EVENTS, QUALITY_EVENT),
            clock=clock,
        )

    async def start(self, stack: AsyncExitStack, alone: Callable[[], None]) -> None:
        """Connect, or wait to be connected to; the stack ends it. alone: called if there is no Asterisk ALONE_AFTER
        seconds later.

        Raises:
            ConfigError: ARI_LISTEN is taken.
        """
        stack.push_async_callback(self.node.close)
        await self.node.start()
        if self._server is not None:
            try:
                await self._server.start()
            except OSError as error:
                listen = self._settings.ari_listen
                raise ConfigError(f"cannot listen for Asterisk on ARI_LISTEN {listen}: {error}") from None
            stack.push_async_callback(self._server.close)

        def say_if_alone() -> None:
            if not self.node.connected:
                alone()
                self._say_what_to_check()

        self._clock.call_at(self._clock.now() + ALONE_AFTER, say_if_alone)

    def _say_what_to_check(self) -> None:
        settings = self._settings
        if settings.ari_connect == "inbound":
            log.warning(
                "= no events from Asterisk: check ARI_URL, ARI_USER, ARI_PASSWORD and ARI_APP",
                asterisk=settings.ari_url,
            )
            return
        log.warning(
            "= no Asterisk has connected to ARI_LISTEN: check its websocket_client.conf (uri, ARI_WS_USER, "
            "ARI_WS_PASSWORD), or set ARI_CONNECT=inbound",
            uri=f"ws://{settings.ari_listen}/ari/{settings.ari_node}",
        )
