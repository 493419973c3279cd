"""Bridges left empty by one call and taken by the next: only when it is certain that nobody is in them."""

from __future__ import annotations

from functools import partial
from typing import cast

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule

from ari_app.ari.node import Node
from ari_app.calls import recovery
from ari_app.calls.bridge import Bridge
from ari_app.calls.call import Call
from ari_app.calls.spare_bridges import IDLE, MOST, SpareBridges
from ari_app.calls.verbs.record import Recording
from ari_app.clock import ManualClock
from tests.unit.calls import test_bridge
from tests.unit.calls.stage import Stage

talking = partial(test_bridge.talking, spare=True)


async def end(stage: Stage, *calls: Call, but: Call | None = None) -> None:
    for call in calls:
        stage.fake.hangup_from_far_end(stage.fake.channel(call.caller.id))
    if but is None:
        await stage.nothing_left()
    else:
        await stage.until(lambda: list(stage.registry.calls.values()) == [but])


def made(stage: Stage) -> int:
    return stage.node.http.requests["bridges.createWithId"]


async def test_the_next_call_takes_it(stage: Stage) -> None:
    first, _, bridge = await talking(stage)
    await end(stage, first)
    assert list(stage.registry.spares.of(stage.node)) == [bridge.id]
    second, _, again = await talking(stage)
    assert again.id == bridge.id
    assert second.bridges == {bridge.id}
    assert stage.fake.world.bridges[bridge.id].channels == list(second.legs)
    assert not list(stage.registry.spares.of(stage.node))
    await end(stage, second)
    assert made(stage) == 1


async def test_two_calls_at_once_have_one_each(stage: Stage) -> None:
    first, _, one = await talking(stage)
    second, _, other = await talking(stage)
    assert one.id != other.id
    await end(stage, first, second)
    assert set(stage.registry.spares.of(stage.node)) == {one.id, other.id}


async def test_what_nobody_takes_is_destroyed(stage: Stage) -> None:
    call, _, _ = await talking(stage)
    await end(stage, call)
    stage.clock.advance(IDLE - 0.01)
    await stage.quiet()
    assert stage.fake.world.bridges
    stage.clock.advance(0.01)
    await stage.until(lambda: not stage.fake.world.bridges)
    assert not list(stage.registry.spares.of(stage.node))


async def test_somebody_is_left_in_it(stage: Stage) -> None:
    """Destroyed, as ever: those who are still in it are set free, and are not heard by the next."""
    call, callee, bridge = await talking(stage)
    await bridge.destroy()
    assert not stage.fake.world.bridges
    assert call.caller.alive
    assert callee.alive
    await end(stage, call)


async def test_a_recorded_one_is_not_kept(stage: Stage) -> None:
    call, _, bridge = await talking(stage)
    await Recording(call, "talk").start(bridge)
    await end(stage, call)
    assert not stage.fake.world.bridges


async def test_one_that_was_made_for_more_than_legs_is_not_kept(stage: Stage) -> None:
    call, _ = await stage.incoming()
    await Bridge(call).create()
    await end(stage, call)
    assert not stage.fake.world.bridges


async def test_after_a_lost_connection_nothing_is_certain(stage: Stage) -> None:
    stage.node.on_resynced = lambda snapshot: recovery.reconcile(
        stage.registry, stage.node, snapshot.channels, snapshot.bridges
    )
    call, _, bridge = await talking(stage)
    other, _, spare = await talking(stage)
    await end(stage, other, but=call)
    assert list(stage.registry.spares.of(stage.node)) == [spare.id]
    stage.fake.drop_socket()
    await stage.until(lambda: not list(stage.registry.spares.of(stage.node)))
    await stage.until(lambda: list(stage.fake.world.bridges) == [bridge.id])
    await end(stage, call)
    assert not stage.fake.world.bridges


async def test_asterisk_destroys_a_spare_one(stage: Stage) -> None:
    call, _, bridge = await talking(stage)
    await end(stage, call)
    await stage.node.bridges.destroy(bridgeId=bridge.id)
    await stage.until(lambda: not list(stage.registry.spares.of(stage.node)))
    call, _, another = await talking(stage)
    assert another.id != bridge.id
    await end(stage, call)


async def test_killed_before_it_was_written_who_has_it(stage: Stage) -> None:
    """What was kept says a bridge is a call's which had left it: it is that call's whose legs are in it."""
    first, _, bridge = await talking(stage)
    kept = stage.store.live[first.id]
    await end(stage, first)
    second, _, again = await talking(stage)
    assert again.id == bridge.id
    second.bridges.clear()
    second.save()
    stage.store.live[first.id] = kept
    await stage.crash()
    async with stage.next_process() as (after, calls):
        late, alive = (next(call for call in calls if call.id == one.id) for one in (first, second))
        assert not late.bridges
        assert alive.bridges == {bridge.id}
        recovery.resume([late])
        await after.over(late)
        assert stage.fake.world.bridges[bridge.id].channels == list(alive.legs)
        recovery.resume([alive])
        await after.over(alive)
        assert not stage.fake.world.bridges


class Named:
    """All that they look at of a node."""

    name = "pbx"


NODE = cast(Node, Named())
CHANNELS = st.sampled_from(["c1", "c2", "c3"])


class Bridges(RuleBasedStateMachine):
    """Bridges with who is truly in them. What is told of that comes late, in order, or is lost with the connection."""

    held = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.spares = SpareBridges(self.clock, lambda node, bridge: None)
        self.inside: dict[str, set[str]] = {}
        self.untold: list[tuple[str, str, str]] = []
        self.in_use: set[str] = set()

    @rule(target=held)
    def take(self) -> str:
        bridge = self.spares.take(NODE) or f"b{len(self.inside)}"
        assert bridge not in self.in_use
        # A stranger whose coming is not told yet may be there: nobody comes into an empty bridge but on our word.
        assert not self.inside.setdefault(bridge, set()) - {"stranger"}
        self.spares.watch(NODE, bridge)
        self.in_use.add(bridge)
        return bridge

    @rule(bridge=held, channel=CHANNELS, done=st.booleans())
    def ask(self, bridge: str, channel: str, done: bool) -> None:
        if bridge in self.in_use:
            self.spares.asked(NODE, bridge, [channel])
            if done:
                self._enter(bridge, channel)

    @rule(bridge=held)
    def intrude(self, bridge: str) -> None:
        self._enter(bridge, "stranger")

    def _enter(self, bridge: str, channel: str) -> None:
        if channel not in self.inside[bridge]:
            self.inside[bridge].add(channel)
            self.untold.append(("entered", bridge, channel))

    @rule(bridge=held, channel=CHANNELS | st.just("stranger"))
    def leave(self, bridge: str, channel: str) -> None:
        if channel in self.inside[bridge]:
            self.inside[bridge].discard(channel)
            self.untold.append(("left", bridge, channel))

    @rule(count=st.integers(1, 5))
    def tell(self, count: int) -> None:
        for what, bridge, channel in self.untold[:count]:
            getattr(self.spares, what)(NODE, bridge, channel)
        del self.untold[:count]

    @rule()
    def disconnect(self) -> None:
        self.spares.disconnected(NODE)
        self.untold.clear()

    @rule(bridge=held)
    def keep(self, bridge: str) -> None:
        if bridge in self.in_use:
            self.in_use.discard(bridge)
            self.spares.keep(NODE, bridge)
            assert len(list(self.spares.of(NODE))) <= MOST

    @rule(seconds=st.sampled_from([IDLE / 2, IDLE]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)


test_nobody_is_in_what_is_taken = Bridges.TestCase


@pytest.mark.parametrize("told", [["entered"], ["entered", "left"], ["left"]])
def test_one_who_was_not_asked(told: list[str]) -> None:
    spares = SpareBridges(ManualClock(), lambda node, bridge: None)
    spares.watch(NODE, "b")
    for what in told:
        getattr(spares, what)(NODE, "b", "stranger")
    assert not spares.keep(NODE, "b")


def test_one_who_comes_into_a_spare_one() -> None:
    destroyed: list[str] = []
    spares = SpareBridges(ManualClock(), lambda node, bridge: destroyed.append(bridge))
    spares.watch(NODE, "b")
    assert spares.keep(NODE, "b")
    spares.entered(NODE, "b", "stranger")
    assert destroyed == ["b"]
    assert spares.take(NODE) is None
