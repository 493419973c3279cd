"""A network between Asterisk and us that loses packets and delays them, each by another time; and knows what it did."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any, cast

from ari_app.media.transports.reception import Reception
from ari_app.media.transports.rtp import Packet, parse

HOST = "127.0.0.1"


class BadNetwork(asyncio.DatagramProtocol):
    """Takes what Asterisk sends, and passes on to the target what it does not lose; back goes all of it."""

    def __init__(self, *, loss: float, jitter: float, seed: int) -> None:
        """loss: the part that is lost. jitter: seconds by which a packet is delayed at most, evenly spread."""
        self._loss, self._jitter = loss, jitter
        self._chance = random.Random(seed)
        self._transport: asyncio.DatagramTransport | None = None
        self._target = ("", 0)
        self._asterisk: tuple[str, int] | None = None
        #: bad from now on; and: broken, so that everything is lost
        self.bad = self.broken = False
        self.passed = 0
        self.lost: list[int] = []
        #: of what was passed on, when it was
        self.reception = Reception()

    async def open(self, target: str) -> str:
        """Stand before `target` (host:port). Returns where Asterisk is to send to."""
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=(HOST, 0))
        assert self._transport is not None
        at, number = self._transport.get_extra_info("sockname")[:2]
        return f"{at}:{number}"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        source = (addr[0], addr[1])
        assert self._transport is not None
        if source == self._target:
            if self._asterisk is not None:
                self._transport.sendto(data, self._asterisk)
            return
        self._asterisk = source
        packet = parse(data)
        if packet is None:
            return
        if self.broken:
            self.lost.append(packet.sequence)
        elif not self.bad:
            self._pass(data, packet)
        elif self._chance.random() < self._loss:
            self.lost.append(packet.sequence)
        else:
            loop = asyncio.get_running_loop()
            loop.call_later(self._chance.uniform(0, self._jitter), self._pass, data, packet)

    def _pass(self, data: bytes, packet: Packet) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.sendto(data, self._target)
        self.passed += 1
        self.reception.arrived(packet, time.monotonic())

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
