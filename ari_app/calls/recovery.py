"""After a restart of ours, or a reconnect: what Asterisk has, against what we knew.

A restarted process first makes its calls again from what was kept (`restore`), then lets the events in that Asterisk
queued meanwhile, then compares with what Asterisk has now (`reconcile`), and only then lets the programs go on
(`resume`). What of a call went while nobody looked is closed with the time of its event where Asterisk kept that, and
with cause 0 where it did not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import structlog

from ari_app.ari.errors import Gone
from ari_app.ari.models import Bridge, Channel
from ari_app.ari.node import Node
from ari_app.ari.picture import stasis_args
from ari_app.calls.call import Call, CallRecord
from ari_app.calls.leg import Leg, LegState
from ari_app.calls.program import Program
from ari_app.calls.registry import Registry
from ari_app.calls.transfers import TRANSFEROR
from ari_app.calls.verbs.hangup import hangup, release

log = structlog.get_logger(__name__)

#: our bridges are named so (`ids.new("bridge")`)
BRIDGE_PREFIX = "bridge-"


def restore(registry: Registry, records: Iterable[CallRecord], nodes: Mapping[str, Node]) -> list[Call]:
    """Make calls and legs again. Their events find them from now on; their programs do not run yet."""
    calls = []
    for record in records:
        node = nodes.get(record.node)
        if node is None:
            log.warning("= call of a node that is not configured is left alone", call=record.id, node=record.node)
            continue
        call = Call(
            registry,
            record.id,
            node,
            account=record.account,
            direction=record.direction,
            number=record.number,
            caller_number=record.caller_number,
            caller_name=record.caller_name,
            at=record.started_at,
        )
        call.restored = True
        call.answered_at = record.answered_at
        call.bridges = set(record.bridges)
        call.on_demand = dict(record.on_demand)
        call.not_recorded = list(record.not_recorded)
        registry.calls[call.id] = call
        for kept in record.legs:
            leg = Leg(
                call,
                node,
                kept.id,
                kept.role,
                endpoint=kept.endpoint,
                agent=kept.agent,
                offer=kept.offer,
                at=kept.started_at,
            )
            leg.state = LegState(kept.state)
            leg.answered_at = kept.answered_at
            leg.bridge = kept.bridge
            leg.created = leg.state is not LegState.NEW
            leg.restored = True
            inbound = record.direction == "inbound" and leg.id == record.caller
            leg.came_in = inbound if kept.came_in is None else kept.came_in
            call.adopt(leg)
            if leg.id == record.caller:
                call.origin = leg
        call.program = _program(registry, record)
        calls.append(call)
    return calls


def _program(registry: Registry, record: CallRecord) -> Program | None:
    factory = registry.programs.get(record.program)
    if factory is not None:
        try:
            return factory(record.program_state)
        except Exception:
            log.exception("= state of a program cannot be read", call=record.id, program=record.program)
    return None


def reconcile(registry: Registry, node: Node, channels: Iterable[Channel], bridges: Iterable[Bridge]) -> None:
    """Feed the differences in as if they had been events. Harmless when there are none."""
    present = {channel.id: channel for channel in channels}
    for leg in [leg for leg in registry.legs.values() if leg.node is node]:
        _reconcile_leg(registry, leg, present.get(leg.id))
    for channel in present.values():
        key = (node.name, channel.id)
        if stasis_args(channel, node.app) is not None and key not in registry.legs and key not in registry.helpers:
            log.info("= orphan channel hung up", channel=channel.id, name=channel.name)
            registry.hang_up_orphan(node, channel.id)
    ours: set[str] = {*registry.spares.of(node), *registry.shared_bridges}
    for call in registry.calls.values():
        ours |= call.bridges
    for bridge in bridges:
        _settle_owner(registry, node, bridge)
        if bridge.id in ours:
            for leg_id in bridge.channels:
                member = registry.legs.get((node.name, leg_id))
                if member is not None:
                    member.bridge = bridge.id
        elif bridge.id.startswith(BRIDGE_PREFIX):
            log.info("= orphan bridge destroyed", bridge=bridge.id)
            node.background(registry.release_bridge(node, bridge.id))


def _settle_owner(registry: Registry, node: Node, bridge: Bridge) -> None:
    """A bridge is that call's whose legs are in it. Another of which was kept that it has this one had left it to a
    later call (spare_bridges.py), and we were killed before that was written."""
    inside = {leg.call for id in bridge.channels if (leg := registry.legs.get((node.name, id))) is not None}
    if not inside:
        return
    others = [call for call in registry.calls.values() if bridge.id in call.bridges and call not in inside]
    for call in others:
        call.bridges.discard(bridge.id)
        for owner in inside:
            owner.bridges.add(bridge.id)


def _reconcile_leg(registry: Registry, leg: Leg, channel: Channel | None) -> None:
    now = registry.clock.now()
    if channel is None:
        # One that this process made is the node's matter: it was in its picture, or its creation is on its way.
        if leg.restored:
            registry.leg_gone(leg, 0, now)
        elif leg.created and leg.state is LegState.NEW:
            # Made, and lost before its first event reached us? Or made after the list was: Asterisk is asked.
            leg.call.spawn(_verify(registry, leg), "is it there")
        return
    leg.name, leg.language = channel.name, channel.language
    leg.created = True
    if channel.state == "Up":
        registry.leg_state(leg, LegState.UP, now)
    elif channel.state == "Ringing":
        registry.leg_state(leg, LegState.RINGING, now)
    if leg.leaving:
        leg.call.spawn(hangup(leg), "hang up again")


async def _verify(registry: Registry, leg: Leg) -> None:
    try:
        await leg.node.channels.get(channelId=leg.id)
    except Gone:
        registry.leg_gone(leg, 0, registry.clock.now())


def resume(calls: Iterable[Call]) -> None:
    """Let the programs of restored calls go on; close those whose caller is gone."""
    for call in calls:
        if call.running:
            continue
        for leg in call.legs.values():
            if leg.role == TRANSFEROR and leg.alive:
                call.spawn(release(leg), "hang up who transferred")
        if call.program is None or call.closing or call.origin is None:
            call.finish()
        else:
            call.start(call.program, resume=True)
