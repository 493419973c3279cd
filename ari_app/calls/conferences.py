"""Conferences: people who talk to each other in one bridge, each with a call of his own.

There is no list of who is in one to be kept: what a member's program keeps (`MemberState`) says which conference and
which bridge it is, and from that of all live calls the conferences are made again after a restart. The bridge belongs
to no call; it is the conference's, and taken down when the last one is out and nobody is being called to it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import structlog

from ari_app.ari.errors import AriError, Conflict
from ari_app.ari.node import Node
from ari_app.calls import facts
from ari_app.calls.bridge import Bridge
from ari_app.calls.call import Call
from ari_app.calls.conference_room import ConferenceSettings, ConferenceView, Guest, MemberState, Room
from ari_app.calls.leg import Leg
from ari_app.calls.registry import Registry
from ari_app.calls.verbs.hangup import release
from ari_app.errors import CommandRefused, NotFound

log = structlog.get_logger(__name__)

#: what is played to all when one comes, and when one goes
JOINED, LEFT = "sound:confbridge-join", "sound:confbridge-leave"


async def _no_pin(pin: str, hashed: str) -> bool:
    return False


class Conferences:
    """Those of all accounts: the numbers that lead to them, and who is in them."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        #: whether a PIN is the one of which this is the hash
        self.is_pin: Callable[[str, str], Awaitable[bool]] = _no_pin
        #: told what happens, for those who watch: account, type, values
        self.tell: Callable[[int, str, dict[str, Any]], None] = lambda account, kind, values: None
        self._settings: dict[tuple[int, str], ConferenceSettings] = {}
        self._rooms: dict[tuple[int, str], Room] = {}
        #: call -> where it is, or is called to
        self._room_of: dict[str, Room] = {}
        registry.on_ended.append(self.leave)

    # numbers

    def put(self, account: int, settings: ConferenceSettings) -> None:
        """A number is new, or its settings have changed. They hold for whoever comes from now on."""
        self._settings[account, settings.number] = settings

    def remove(self, account: int, number: str) -> None:
        """A number is no more. Who is in the conference talks on."""
        self._settings.pop((account, number), None)

    def settings(self, account: int, number: str) -> ConferenceSettings | None:
        """What a number leads to; None: to no conference."""
        return self._settings.get((account, number))

    # what there is

    def views(self, account: int) -> list[ConferenceView]:
        """The conferences that go on, by number."""
        return [self._rooms[key].view() for key in sorted(self._rooms) if key[0] == account]

    def room(self, account: int, number: str) -> Room:
        """One that goes on. Raises NotFound."""
        try:
            return self._rooms[account, number]
        except KeyError:
            raise NotFound("Nobody is in the conference.", number=number) from None

    # coming and going

    def enter(self, call: Call, kept: MemberState) -> Room:
        """A caller is about to come in: from now on he counts.

        Raises:
            CommandRefused: it is locked, full, or on another Asterisk; the reason is "locked", "full", "elsewhere".
        """
        room = self._open(call.account, kept.number, call.node)
        settings = self.settings(*room.key)
        if call.node is not room.node:
            raise CommandRefused("The conference is on another Asterisk.", reason="elsewhere")
        if room.locked and not kept.admin and not kept.invited:
            raise CommandRefused("The conference is locked.", reason="locked")
        most = settings.max_members if settings else None
        if most is not None and len(room.guests) >= most and not kept.admin:
            raise CommandRefused("The conference is full.", reason="full")
        kept.muted = kept.muted or (settings is not None and settings.join_muted and not kept.admin)
        kept.member = self.registry.ids.new("member")
        kept.conference, kept.bridge, kept.since, kept.locked = room.id, room.bridge, room.since, room.locked
        room.guests[call.id] = Guest(call, kept)
        self._room_of[call.id] = room
        room.invited.pop(call.id, None)
        call.save()
        return room

    def _open(self, account: int, number: str, node: Node) -> Room:
        room = self._rooms.get((account, number))
        if room is None:
            ids = self.registry.ids
            now = self.registry.clock.now()
            room = self._add(
                Room(self.registry, (account, number), ids.new("conference"), ids.new("bridge"), node, now)
            )
        return room

    def _add(self, room: Room) -> Room:
        self._rooms[room.key] = room
        self.registry.shared_bridges.add(room.bridge)
        return room

    def again(self, call: Call, kept: MemberState) -> None:
        """After a restart: a member's call has been made again."""
        room = self._rooms.get((call.account, kept.number))
        if room is None or room.id != kept.conference:
            key = (call.account, kept.number)
            room = self._add(Room(self.registry, key, kept.conference, kept.bridge, call.node, kept.since))
            room.music = None
        room.locked = kept.locked
        room.guests[call.id] = Guest(call, kept)
        self._room_of[call.id] = room
        room.guests = dict(sorted(room.guests.items(), key=lambda item: item[1].kept.joined_at))

    async def bring_in(self, room: Room, call: Call) -> None:
        """Put one who has entered into the bridge; harmless if he is in it. Carried out to its end once begun.

        Raises:
            LegGone, AriError
        """
        await call.complete(self._bring_in(room, room.guests[call.id]))

    async def _bring_in(self, room: Room, guest: Guest) -> None:
        call, kept = guest.call, guest.kept
        async with room.lock:
            leg = call.caller
            leg.require_alive()
            await room.make()
            if kept.muted or call.restored:
                await _mute(leg, kept.muted)
            if leg.bridge != room.bridge:
                await Bridge(call, room.bridge).add(leg)
            await self._settle(room, 1 if not kept.joined_at else 0)
            if not kept.joined_at:
                self._joined(room, guest, leg)
                if len(room.guests) > 1:
                    await self._announce(room, JOINED)

    def _joined(self, room: Room, guest: Guest, leg: Leg) -> None:
        call, kept = guest.call, guest.kept
        kept.joined_at = self.registry.clock.now()
        call.save()
        self.registry.tell(
            facts.ConferenceJoined(
                at=kept.joined_at,
                member=kept.member,
                account=call.account,
                conference=room.id,
                number=kept.number,
                call=call.id,
                leg=leg.id,
                caller_number=call.caller_number,
                caller_name=call.caller_name,
                admin=kept.admin,
            )
        )
        self._say("ConferenceJoined", room, guest, kept.joined_at, admin=kept.admin, muted=kept.muted)

    async def _settle(self, room: Room, coming: int = 0) -> None:
        """Music for one who is alone, and for nobody else."""
        inside = coming + sum(bool(guest.kept.joined_at) for guest in room.guests.values())
        alone = inside == 1
        if room.music is alone or not room.made:
            return
        settings = self.settings(*room.key)
        try:
            if alone:
                await room.node.bridges.startMoh(
                    bridgeId=room.bridge, mohClass=settings.music if settings else "default"
                )
            else:
                with suppress(Conflict):  # there is none
                    await room.node.bridges.stopMoh(bridgeId=room.bridge)
            room.music = alone
        except AriError as error:
            log.warning("> music of a conference not changed", number=room.key[1], error=str(error))

    async def _announce(self, room: Room, sound: str) -> None:
        settings = self.settings(*room.key)
        if settings is None or not settings.announce:
            return
        try:
            await room.node.bridges.playWithId(
                bridgeId=room.bridge, playbackId=self.registry.ids.new("play"), media=[sound]
            )
        except AriError as error:
            log.warning("> conference not told", number=room.key[1], error=str(error))

    def leave(self, call: Call) -> None:
        """A caller is out, or was called and did not come; nothing if he was neither."""
        room = self._room_of.pop(call.id, None)
        if room is None:
            return
        guest = room.guests.pop(call.id, None)
        room.invited.pop(call.id, None)
        if guest is not None and guest.kept.joined_at:
            self._left(room, guest)
        if not room.guests and not room.invited and self._rooms.get(room.key) is room:
            del self._rooms[room.key]
            room.end()
        room.node.background(self._after(room, announce=guest is not None))

    def stay(self, call: Call) -> None:
        """The process ends, and a caller stays in."""
        room = self._room_of.get(call.id)
        if room is not None:
            room.detach()

    def _left(self, room: Room, guest: Guest) -> None:
        call, kept = guest.call, guest.kept
        now = self.registry.clock.now()
        at = min(now, max(kept.joined_at, call.ended_at or now))
        self.registry.tell(facts.ConferenceLeft(at=at, member=kept.member, outcome=kept.outcome))
        self._say("ConferenceLeft", room, guest, at, outcome=kept.outcome)

    async def _after(self, room: Room, *, announce: bool) -> None:
        async with room.lock:
            if self._rooms.get(room.key) is not room:
                if room.made or room.music is None:
                    await self.registry.release_bridge(room.node, room.bridge)
                self.registry.shared_bridges.discard(room.bridge)
                return
            await self._settle(room)
            if announce and room.guests:
                await self._announce(room, LEFT)

    # what is done

    def invite(self, call: Call, kept: MemberState) -> None:
        """Somebody is being called to it; it begins with that at the latest."""
        room = self._room_of[call.id] = self._open(call.account, kept.number, call.node)
        room.invited[call.id] = call

    def member(self, account: int, number: str, channel: str) -> Guest:
        """One who is in a conference, by the name or the id of his channel. Raises NotFound."""
        for guest in self._present(self.room(account, number)):
            leg = guest.call.origin
            if leg is not None and leg.alive and channel in (leg.name, leg.id):
                return guest
        raise NotFound("There is no such member.", channel=channel)

    def _present(self, room: Room) -> Iterator[Guest]:
        return (guest for guest in room.guests.values() if guest.kept.joined_at)

    async def mute(self, account: int, number: str, channel: str, muted: bool) -> None:
        """Let one be heard or not; he hears on. Raises NotFound, LegGone, AriError."""
        guest = self.member(account, number, channel)
        await _mute(guest.call.caller, muted)
        guest.kept.muted = muted
        guest.call.save()
        self._say("ConferenceMuted", self.room(account, number), guest, self.registry.clock.now(), muted=muted)

    def kick(self, account: int, number: str, channel: str) -> None:
        """Hang one up. Raises NotFound."""
        _put_out(self.member(account, number, channel), "kicked")

    def lock(self, account: int, number: str, locked: bool) -> None:
        """Let nobody in any more but admins, and who is called; or anybody again. It holds until the conference is
        over. Raises NotFound: nobody is in it."""
        room = self.room(account, number)
        room.locked = locked
        for guest in room.guests.values():
            guest.kept.locked = locked
            guest.call.save()
        values = {"at": self.registry.clock.now(), "conference": room.id, "number": number, "locked": locked}
        self.tell(account, "ConferenceLocked", values)

    def end(self, account: int, number: str) -> None:
        """Hang all up who are in it or are called to it. Raises NotFound: nobody is."""
        room = self.room(account, number)
        for guest in list(room.guests.values()):
            _put_out(guest, "ended")
        for call in list(room.invited.values()):
            if call.origin is not None:
                call.spawn(release(call.origin), "nobody is wanted any more")

    def _say(self, kind: str, room: Room, guest: Guest, at: float, **values: object) -> None:
        call, leg = guest.call, guest.call.origin
        told = {
            "at": at,
            "conference": room.id,
            "number": room.key[1],
            "call": call.id,
            "channel": leg.name if leg else "",
            "callerNumber": call.caller_number,
            "callerName": call.caller_name,
        }
        self.tell(call.account, kind, told | values)


def _put_out(guest: Guest, outcome: str) -> None:
    call, leg = guest.call, guest.call.origin
    if leg is None or not leg.alive:
        return
    guest.kept.outcome = outcome
    call.ended_by = call.ended_by or "system"
    call.save()
    call.spawn(release(leg), f"conference: {outcome}")


async def _mute(leg: Leg, muted: bool) -> None:
    leg.require_alive()
    change = leg.node.channels.mute if muted else leg.node.channels.unmute
    await change(channelId=leg.id, direction="in")
