"""Bridges: who enters and leaves, who is told, what is refused."""

from __future__ import annotations

import pytest

from ari_app.ari.errors import BadRequest, Conflict, Gone, NotInStasis, ServerFault, Unprocessable
from ari_app.ari.node import Node
from tests.contract.sides import APP, Ear, Side, fresh, out_of_reach

TYPE = "mixing,dtmf_events,proxy_media"


async def caller(side: Side, ear: Ear) -> str:
    """An answered channel that came in."""
    channel = await side.incoming()
    await ear.until("StasisStart", channel)
    await ear.node.channels.answer(channel)
    await ear.until("ChannelStateChange", channel)
    return channel


async def bridge(node: Node, type_: str = TYPE) -> str:
    name = fresh("bridge")
    await node.bridges.createWithId(name, type=type_)
    return name


async def test_two_channels_are_joined_and_parted(asterisk: Side, node: Node, ear: Ear) -> None:
    first, second = await caller(asterisk, ear), await caller(asterisk, ear)
    room = await bridge(node)
    await node.bridges.addChannel(room, channel=[first, second])
    entered = await ear.until("ChannelEnteredBridge", second)
    assert sorted(entered.bridge.channels) == sorted([first, second])
    assert node.snapshot.bridge_of == {first: room, second: room}
    assert sorted((await node.bridges.get(room)).channels) == sorted([first, second])
    assert room in (await node.applications.get(APP)).bridge_ids
    await node.bridges.removeChannel(room, channel=first)
    left = await ear.until("ChannelLeftBridge", first)
    assert left.bridge.channels == [second]
    assert node.snapshot.bridge_of == {second: room}
    # a channel in a bridge stays in Stasis: its snapshot says so (the resync relies on it)
    assert (await node.channels.get(second)).dialplan.app_name == "Stasis"


async def test_a_created_bridge_is_announced_to_nobody(node: Node, ear: Ear) -> None:
    room = await bridge(node)
    await node.bridges.destroy(room)
    await ear.silence()
    assert ear.events == []


async def test_adding_again_takes_it_out_and_puts_it_in(asterisk: Side, node: Node, ear: Ear) -> None:
    channel, room = await caller(asterisk, ear), await bridge(node)
    await node.bridges.addChannel(room, channel=channel)
    await node.bridges.addChannel(room, channel=channel)
    await ear.until("ChannelEnteredBridge", channel, count=2)
    about = [t for t in ear.of(channel) if "Bridge" in t]
    assert about == ["ChannelEnteredBridge", "ChannelLeftBridge", "ChannelEnteredBridge"]


async def test_adding_to_another_bridge_moves_it(asterisk: Side, node: Node, ear: Ear) -> None:
    channel, first, second = await caller(asterisk, ear), await bridge(node), await bridge(node)
    await node.bridges.addChannel(first, channel=channel)
    await node.bridges.addChannel(second, channel=channel)
    await ear.until("ChannelEnteredBridge", channel, count=2)
    assert (await node.bridges.get(first)).channels == []
    assert node.snapshot.bridge_of == {channel: second}
    assert first not in node.snapshot.bridges


async def test_a_hang_up_leaves_the_bridge_first(asterisk: Side, node: Node, ear: Ear) -> None:
    channel, room = await caller(asterisk, ear), await bridge(node)
    await node.bridges.addChannel(room, channel=channel)
    await asterisk.far_hangup(channel, 16)
    await ear.until("StasisEnd", channel)
    assert ear.of(channel)[-3:] == ["ChannelHangupRequest", "ChannelLeftBridge", "StasisEnd"]
    assert node.snapshot.bridge_of == {}


async def test_destroying_a_bridge_leaves_the_channels_in_the_application(asterisk: Side, node: Node, ear: Ear) -> None:
    channel, room = await caller(asterisk, ear), await bridge(node)
    await node.bridges.addChannel(room, channel=channel)
    await node.bridges.destroy(room)
    await ear.until("ChannelLeftBridge", channel)
    await ear.silence()
    # the application was subscribed through its channel, and that has left: nobody tells it of the end
    assert "BridgeDestroyed" not in [e.type for e in ear.events]
    assert channel in node.snapshot.in_app
    assert node.snapshot.bridges == {}
    await node.channels.startMoh(channel)


async def test_a_subscribed_bridge_tells_of_its_end(node: Node, ear: Ear) -> None:
    room = await bridge(node)
    await node.subscribe(f"bridge:{room}")
    await node.bridges.destroy(room)
    assert (await ear.until("BridgeDestroyed")).bridge.id == room


async def test_ids_are_taken_once(node: Node) -> None:
    room = await bridge(node)
    with pytest.raises(Conflict, match="already exists"):
        await node.bridges.createWithId(room, type=TYPE)
    with pytest.raises(Conflict, match="already exists"):
        await node.bridges.create(bridgeId=room, type="holding")


async def test_what_is_refused(asterisk: Side, node: Node, ear: Ear) -> None:
    channel, room = await caller(asterisk, ear), await bridge(node)
    for request in (node.bridges.addChannel("nobody", channel=channel), node.bridges.get("nobody")):
        with pytest.raises(Gone, match="Bridge not found"):
            await request
    with pytest.raises(Gone):
        await node.bridges.destroy("nobody")
    with pytest.raises(BadRequest, match="Channel not found"):
        await node.bridges.addChannel(room, channel="nobody")
    with pytest.raises(BadRequest, match="Missing parameter channel"):
        await node.bridges.addChannel(room, channel=[])
    with pytest.raises(Unprocessable, match="Channel not in this bridge"):
        await node.bridges.removeChannel(room, channel=channel)
    with pytest.raises(ServerFault):
        await node.bridges.create(type="nonsense")
    with pytest.raises(Conflict, match="isn't playing music"):
        await node.bridges.stopMoh(room)


async def test_a_channel_outside_the_application_cannot_be_added(asterisk: Side, node: Node, ear: Ear) -> None:
    channel, room = await caller(asterisk, ear), await bridge(node)
    await node.channels.continueInDialplan(channel, context="contract", extension="answer", priority=1)
    await ear.until("StasisEnd", channel)
    await out_of_reach(node, channel)
    with pytest.raises(NotInStasis) as refused:
        await node.bridges.addChannel(room, channel=channel)
    assert refused.value.status == 422


async def test_music_and_variables(asterisk: Side, node: Node, ear: Ear) -> None:
    channel, room = await caller(asterisk, ear), await bridge(node, "holding")
    await node.bridges.addChannel(room, channel=channel)
    await node.bridges.startMoh(room)
    await node.bridges.stopMoh(room)
    assert (await node.bridges.get(room)).bridge_type == "holding"
    await node.bridges.setBridgeVar(room, variable="A", value="1")
    assert (await node.bridges.getBridgeVar(room, variable="A")).value == "1"
    with pytest.raises(Gone):
        await node.bridges.getBridgeVar(room, variable="B")
