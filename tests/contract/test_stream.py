"""The event stream: fences, filters, lost connections in both directions, restarts."""

from __future__ import annotations

import asyncio

import pytest

from ari_app.ari.connection import Backoff, OutboundServer
from ari_app.ari.errors import BadRequest, Gone, Unauthorized, Unprocessable
from ari_app.ari.http import HttpOptions, HttpPool
from ari_app.ari.node import Node, Snapshot
from tests.contract.sides import APP, Ear, Side, fresh, node_for
from tests.contract.test_bridges import bridge, caller
from tests.harness.patience import PATIENCE

QUICK = Backoff(first=0.01, most=0.1)


async def resynced(node: Node, within: float = PATIENCE) -> None:
    async with asyncio.timeout(within):
        await node.wait_resynced()


async def test_user_events_come_back(node: Node, ear: Ear) -> None:
    await node.events.userEvent("hello", application=APP, variables={"a": "b"})
    event = await ear.until("ChannelUserevent")
    assert event.eventname == "hello"
    assert event.userevent["a"] == "b"
    assert event.asterisk_id
    with pytest.raises(Gone, match="Application not found"):
        await node.events.userEvent("hello", application="nobody")
    with pytest.raises(Unprocessable):
        await node.events.userEvent("hello", application=APP, source="channel:nobody")
    with pytest.raises(BadRequest):
        await node.events.userEvent("hello", application=APP, source="nonsense")


async def test_a_fence_comes_after_everything_before_it(asterisk: Side, node: Node, ear: Ear) -> None:
    channel = await caller(asterisk, ear)
    await node.channels.hangup(channel)
    await node._fence()
    assert ear.of(channel)[-1] in ("StasisEnd", "ChannelHangupRequest")
    assert "ChannelUserevent" not in [e.type for e in ear.events]  # fences are not passed on


async def test_event_filter(asterisk: Side, node: Node, ear: Ear) -> None:
    assert {"type": "ChannelVarset"} in (await node.applications.get(APP)).events_disallowed
    channel = await caller(asterisk, ear)
    await node.channels.setChannelVar(channel, variable="A", value="1")
    await ear.silence()  # events are filtered when they are sent, not when they happen
    await node.applications.filter(APP, filter={"disallowed": []})
    await node.channels.setChannelVar(channel, variable="A", value="2")
    assert (await ear.until("ChannelVarset", where=lambda e: e.variable == "A")).value == "2"
    with pytest.raises(BadRequest, match="Invalid format definition"):
        await node.applications.filter(APP, filter={"disallowed": [{"nonsense": 1}]})


async def test_subscriptions(asterisk: Side, node: Node, ear: Ear) -> None:
    with pytest.raises(Unprocessable, match="Event source does not exist"):
        await node.subscribe("channel:nobody")
    with pytest.raises(BadRequest, match="Invalid event source URI scheme"):
        await node.subscribe("nonsense")
    with pytest.raises(Unprocessable):
        await node.unsubscribe("bridge:nobody")
    room = await bridge(node)
    await node.subscribe(f"bridge:{room}")
    assert room in (await node.applications.get(APP)).bridge_ids


async def test_a_second_connection_replaces_the_first(asterisk: Side, node: Node, ear: Ear) -> None:
    other = node_for(asterisk)
    await other.start()
    await resynced(other)
    await ear.until("ApplicationReplaced")
    assert node.replaced
    assert not other.replaced
    theirs = Ear(other)
    channel = await asterisk.incoming()
    await theirs.until("StasisStart", channel)
    assert ear.of(channel) == []
    await other.close()


async def test_wrong_password(asterisk: Side) -> None:
    pool = HttpPool(HttpOptions(base_url=asterisk.url, user=asterisk.user, password="wrong"))
    with pytest.raises(Unauthorized, match="Authentication required"):
        await pool.request("channels.list", "GET", "/channels")
    await pool.close()


async def test_unknown_paths_and_methods(node: Node) -> None:
    for method, path, status in (("GET", "/nonsense", 404), ("PUT", "/channels", 405), ("GET", "/channels/", 404)):
        with pytest.raises(Exception, match=str(status)):
            await node.http.request("test", method, path)
    with pytest.raises(BadRequest, match="Missing parameter"):
        await node.http.request("test", "POST", "/events/user/x")


async def test_inbound_connection_lost_and_found(asterisk: Side) -> None:
    """Events of the gap are lost; the resync makes up for them."""
    node = node_for(asterisk, backoff=QUICK)
    ear = Ear(node)
    await node.start()
    await resynced(node)
    stays, goes = await caller(asterisk, ear), await caller(asterisk, ear)
    room = await bridge(node)
    await node.bridges.addChannel(room, channel=[stays, goes])
    await ear.until("ChannelEnteredBridge", count=2)
    ear.events.clear()
    lost = asyncio.Event()
    node.on_disconnected = lambda reason: lost.set()
    await asterisk.cut(node)
    await asterisk.far_hangup(goes, 17)
    await lost.wait()
    await resynced(node)
    await ear.until("StasisEnd" if "StasisEnd" in ear.of(goes) else "ChannelDestroyed", goes)
    assert set(node.snapshot.channels) == {stays}
    assert node.snapshot.bridge_of == {stays: room}
    assert node.connections == 2
    await node.channels.hangup(stays)
    await ear.until("StasisEnd", stays)
    await node.close()


async def test_a_new_process_finds_what_is_there(asterisk: Side, node: Node, ear: Ear) -> None:
    """After a kill -9 of ours: another node, which knows nothing, learns all of it as synthetic events."""
    inside, room = await caller(asterisk, ear), await bridge(node)
    await node.bridges.addChannel(room, channel=inside)
    made = fresh("leg")
    await node.channels.create(endpoint="Local/ring@contract", app=APP, appArgs="leg,7", channelId=made)
    await ear.until("StasisStart", made)
    ringing = fresh("leg")
    await node.channels.originate(endpoint="Local/ring@contract", app=APP, channelId=ringing)
    await ear.until("ChannelStateChange", ringing)
    await node.close()
    after = node_for(asterisk)
    theirs = Ear(after)
    await after.start()
    await resynced(after)
    starts = {e.channel.id: (e.args, e.synthetic) for e in theirs.events if e.type == "StasisStart"}
    assert starts == {inside: (["in", "500"], True), made: (["leg", "7"], True)}
    created = [e.channel.id for e in theirs.events if e.type == "ChannelCreated"]
    assert ringing in created  # a Local channel has another half, of which the real one also tells
    assert after.snapshot.bridge_of == {inside: room}
    await after.channels.hangup(made)
    await theirs.until("ChannelDestroyed", made)
    await after.close()


async def test_outbound_connection_keeps_events(caller_side: Side, server: OutboundServer) -> None:
    """Asterisk connects to us. While we are away it takes calls, and tells of them in order when we are back."""
    first = node_for(caller_side, server)
    ear = Ear(first)
    await first.start()
    await resynced(first)
    early = await caller(caller_side, ear)
    await first.close()
    during = [await caller_side.incoming() for _ in range(3)]
    await caller_side.far_hangup(during[0], 17)
    second = node_for(caller_side, server)
    theirs = Ear(second)
    snapshots: list[Snapshot] = []
    second.on_resynced = snapshots.append
    await second.start()
    await resynced(second)
    starts = [(e.channel.id, e.synthetic) for e in theirs.events if e.type == "StasisStart"]
    assert starts == [(during[0], False), (during[1], False), (during[2], False), (early, True)]
    await theirs.until("StasisEnd", during[0])
    assert set(second.snapshot.channels) == {early, during[1], during[2]}
    assert not snapshots[0].restarted
    await second.close()


async def test_outbound_connection_cut(caller_side: Side, server: OutboundServer) -> None:
    node = node_for(caller_side, server)
    ear = Ear(node)
    await node.start()
    await resynced(node)
    goes, stays = await caller(caller_side, ear), await caller(caller_side, ear)
    lost = asyncio.Event()
    node.on_disconnected = lambda reason: lost.set()
    await caller_side.cut(node)
    await lost.wait()
    await caller_side.far_hangup(goes, 17)
    comes = await caller_side.incoming()
    await resynced(node)
    await ear.until("StasisStart", comes)
    assert set(node.snapshot.channels) == {stays, comes}
    await node.close()


async def test_restart_of_asterisk(caller_side: Side, server: OutboundServer) -> None:
    node = node_for(caller_side, server, backoff=QUICK)
    ear = Ear(node)
    snapshots: list[Snapshot] = []
    node.on_resynced = snapshots.append
    await node.start()
    await resynced(node)
    channel, room = await caller(caller_side, ear), await bridge(node)
    await node.bridges.addChannel(room, channel=channel)
    await ear.until("ChannelEnteredBridge", channel)
    ear.events.clear()
    await caller_side.restart()
    gone = await ear.until("ChannelDestroyed", channel, within=60)
    assert (gone.cause, gone.synthetic) == (0, True)
    assert ear.of(channel) == ["ChannelLeftBridge", "ChannelDestroyed"]
    assert (await ear.until("BridgeDestroyed")).bridge.channels == []
    await resynced(node)
    assert snapshots[-1].restarted
    assert node.snapshot.channels == {}
    assert {"type": "ChannelVarset"} in (await node.applications.get(APP)).events_disallowed
    await node.close()


async def test_outbound_handshake_is_checked(caller_side: Side, server: OutboundServer) -> None:
    """A node of that name with another password: Asterisk is turned away, and let in as soon as it is right."""
    wrong = Node(
        "pbx",
        url=caller_side.url,
        user=caller_side.user,
        password=caller_side.password,
        app=APP,
        source=server.source("pbx", "ws-user", "another"),
    )
    await wrong.start()
    before = server.refused
    async with asyncio.timeout(PATIENCE):
        while server.refused == before:
            await asyncio.sleep(0.01)
    assert not wrong.connected
    right = node_for(caller_side, server)
    await right.start()
    await resynced(right)
    await right.close()
    await wrong.close()
