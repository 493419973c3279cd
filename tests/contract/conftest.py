"""Every contract test runs twice: against FakeAsterisk, and against a real Asterisk in a container."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ari_app.ari.connection import OutboundServer
from ari_app.ari.node import Node
from tests.contract.sides import APP, DIALPLAN, Ear, FakeSide, RealSide, Side, node_for
from tests.harness import docker
from tests.harness.asterisk import Asterisk
from tests.harness.patience import PATIENCE

BOTH = [pytest.param("fake"), pytest.param("real", marks=pytest.mark.integration)]
EXTRA = {"extensions.conf": DIALPLAN}


def _need_docker() -> None:
    if reason := docker.unavailable():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_asterisk() -> Iterator[Asterisk]:
    """One container for all contract tests that need none of their own. Not bound to an event loop."""
    _need_docker()
    docker.remove_orphans()
    pbx = Asterisk("contract", app=APP, extra=EXTRA)

    async def start() -> None:
        await pbx.start()
        await pbx.ari.close()

    # In a thread: the fixture may be asked for while the event loop of a test runs in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(start())).result()
        yield pbx
        thread.submit(lambda: asyncio.run(pbx.stop())).result()


@pytest.fixture(params=BOTH)
async def asterisk(request: pytest.FixtureRequest) -> AsyncIterator[Side]:
    """The other side: a fake, or a real one."""
    if request.param == "fake":
        side: Side = FakeSide()
    else:
        side = RealSide(request.getfixturevalue("shared_asterisk"))
    await side.start()
    yield side
    await side.stop()


@pytest.fixture
async def node(asterisk: Side) -> AsyncIterator[Node]:
    """A node connected to it, by the websocket that we open."""
    node = node_for(asterisk)
    await node.start()
    async with asyncio.timeout(PATIENCE):
        await node.wait_resynced()
    yield node
    await node.close()


@pytest.fixture
def ear(node: Node) -> Ear:
    """What the node hears."""
    return Ear(node)


@pytest.fixture
async def server() -> AsyncIterator[OutboundServer]:
    """Where Asterisk connects to."""
    server = OutboundServer("127.0.0.1", 0)
    await server.start()
    yield server
    await server.close()


@pytest.fixture(params=BOTH)
async def caller_side(request: pytest.FixtureRequest, server: OutboundServer) -> AsyncIterator[Side]:
    """An Asterisk that connects to `server`, and that the test may restart."""
    if request.param == "fake":
        fake = FakeSide()
        await fake.start()
        await fake.connect_outbound(server.port)
        yield fake
        await fake.stop()
        return
    _need_docker()
    uri = f"ws://127.0.0.1:{server.port}/ari/pbx"
    async with Asterisk(
        "outbound", app=APP, app_uri=uri, app_user="ws-user", app_password="ws-password", extra=EXTRA
    ) as pbx:
        side = RealSide(pbx)
        await side.start()
        yield side
        await side.stop()
