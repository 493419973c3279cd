"""Conferences: who hears whom, who is let in, what is recorded, and a process that dies in the middle."""

from __future__ import annotations

from typing import Any

import pytest

from ari_app.ari.fake import Answers, NeverAnswers
from ari_app.ari.fake.state import FakeChannel
from ari_app.calls import facts
from ari_app.calls.call import Call
from ari_app.calls.conference_programs import ConferenceCalls, ConferenceMember
from ari_app.calls.conference_room import ConferenceSettings, MemberState
from ari_app.calls.directory import Directory, ExtensionSettings
from ari_app.calls.extension_routing import ExtensionRouting
from ari_app.calls.leg import LegState
from ari_app.errors import CommandRefused, NotFound
from tests.unit.calls.stage import Stage

NUMBER = "800"


class House:
    """A stage with one conference number."""

    def __init__(self, stage: Stage, **settings: Any) -> None:
        self.stage = stage
        for phone in ("1002", "1004"):
            stage.fake.endpoints.setdefault(f"PJSIP/{phone}", Answers())
        directory = Directory()
        directory.put(2, ExtensionSettings(extension="2001", name="another account's"))
        routing = ExtensionRouting(stage.registry, directory, "PJSIP/{extension}")
        self.calls = ConferenceCalls(stage.registry, routing)
        self.desk = self.calls.desk
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.desk.tell = lambda account, kind, values: self.told.append((kind, values))
        self.desk.put(1, ConferenceSettings(**{"number": NUMBER, "name": "Weekly"} | settings))

        async def is_pin(pin: str, hashed: str) -> bool:
            return hashed == f"hash of {pin}"

        self.desk.is_pin = is_pin
        stage.program = lambda call: ConferenceMember(self.desk, MemberState(number=NUMBER))

    async def come(self, caller: str = "1001") -> tuple[Call, FakeChannel]:
        call, channel = await self.dial(caller)
        await self.stage.until(lambda: self.kept(call).joined_at)
        return call, channel

    async def dial(self, caller: str = "1001") -> tuple[Call, FakeChannel]:
        return await self.stage.incoming(exten=NUMBER, caller=caller)

    async def press(self, channel: FakeChannel, keys: str) -> None:
        """When he is asked for the PIN."""

        def asked() -> bool:
            asks = self.stage.asked("channels.playWithId")
            return any(ask["channelId"] == channel.id and ask["media"] == ["sound:conf-getpin"] for ask in asks)

        await self.stage.until(asked)
        self.stage.fake.dtmf(channel.id, keys)

    @staticmethod
    def kept(call: Call) -> MemberState:
        assert isinstance(call.program, ConferenceMember)
        return call.program.kept

    @property
    def bridge(self) -> Any:
        return self.stage.fake.world.bridges[self.desk.room(1, NUMBER).bridge]

    @property
    def music(self) -> str | None:
        return self.bridge.music  # type: ignore[no-any-return]


async def test_one_has_music_and_three_have_each_other(stage: Stage) -> None:
    house = House(stage, music="jazz")
    first, one = await house.come("1001")
    assert one.state == "Up"
    await stage.until(lambda: house.music == "jazz")
    others = [await house.come("1002"), await house.come("1003")]
    bridge = house.bridge.id
    await stage.until(lambda: house.music is None)
    assert {one.bridge, *(channel.bridge for _, channel in others)} == {bridge}
    (view,) = house.desk.views(1)
    assert [member.caller_number for member in view.members] == ["1001", "1002", "1003"]
    assert house.desk.views(2) == []
    for call, channel in others:
        stage.fake.hangup_from_far_end(channel.id)
        await stage.over(call)
    await stage.until(lambda: house.music == "jazz")
    stage.fake.hangup_from_far_end(one.id)
    await stage.over(first)
    await stage.nothing_left()
    assert house.desk.views(1) == []
    assert not stage.registry.shared_bridges


async def test_the_record_says_who_was_in_from_when_to_when(stage: Stage) -> None:
    house = House(stage)
    call, channel = await house.come()
    began = stage.clock.now()
    stage.clock.advance(30.0)
    stage.fake.hangup_from_far_end(channel.id)
    await stage.nothing_left()
    (joined,) = stage.store.of(facts.ConferenceJoined)
    (left,) = stage.store.of(facts.ConferenceLeft)
    assert (joined.call, joined.leg, joined.number, joined.caller_number) == (call.id, channel.id, NUMBER, "1001")
    assert joined.at <= began
    assert left.member == joined.member
    assert left.at >= joined.at
    assert left.outcome == "left"
    assert [kind for kind, _ in house.told] == ["ConferenceJoined", "ConferenceLeft"]


async def test_mute_and_unmute(stage: Stage) -> None:
    house = House(stage)
    call, channel = await house.come()
    await house.come("1002")
    await house.desk.mute(1, NUMBER, channel.name, True)
    assert channel.muted == "in"  # he hears on
    assert house.kept(call).muted
    await house.desk.mute(1, NUMBER, channel.id, False)
    assert channel.muted is None
    assert [values["muted"] for kind, values in house.told if kind == "ConferenceMuted"] == [True, False]


async def test_kick(stage: Stage) -> None:
    house = House(stage)
    first, channel = await house.come()
    second, _ = await house.come("1002")
    house.desk.kick(1, NUMBER, channel.name)
    await stage.over(first)
    assert channel.cause == 16
    (left,) = stage.store.of(facts.ConferenceLeft)
    assert left.outcome == "kicked"
    assert second.id in stage.registry.calls
    with pytest.raises(NotFound):
        house.desk.kick(1, NUMBER, channel.name)


async def test_locked_only_admins_and_the_invited_come_in(stage: Stage) -> None:
    house = House(stage, admin_pin="hash of 99")
    with pytest.raises(NotFound):
        house.desk.lock(1, NUMBER, True)
    first, one = await house.dial()
    await house.press(one, "#")
    await stage.until(lambda: house.kept(first).joined_at)
    house.desk.lock(1, NUMBER, True)
    late, channel = await house.dial("1002")
    await house.press(channel, "#")
    await stage.over(late)
    assert ["sound:conf-locked"] in [asked["media"] for asked in stage.asked("channels.playWithId")]
    admin, chief = await house.dial("1003")
    await house.press(chief, "99#")
    await stage.until(lambda: house.kept(admin).joined_at)
    assert [member.admin for member in house.desk.views(1)[0].members] == [False, True]
    house.calls.invite(1, NUMBER, "1004")
    await stage.until(lambda: len(house.desk.views(1)[0].members) == 3)
    house.desk.lock(1, NUMBER, False)
    assert not house.desk.views(1)[0].locked


async def test_full(stage: Stage) -> None:
    house = House(stage, max_members=1)
    await house.come()
    late, channel = await house.dial("1002")
    await stage.over(late)
    assert ["sound:conf-full"] in [asked["media"] for asked in stage.asked("channels.playWithId")]
    assert channel.bridge is None
    assert len(house.desk.views(1)[0].members) == 1


async def test_a_wrong_pin_three_times(stage: Stage) -> None:
    house = House(stage, pin="hash of 12")
    call, channel = await house.dial()
    await house.press(channel, "3#" * 3)
    await stage.over(call)
    assert house.desk.views(1) == []
    assert not stage.store.of(facts.ConferenceJoined)
    await stage.nothing_left()


async def test_invite(stage: Stage) -> None:
    house = House(stage)
    house.calls.invite(1, NUMBER, "1002", muted=True)
    (call,) = stage.registry.calls.values()
    assert house.desk.views(1)[0].invited == ["1002"]
    await stage.until(lambda: house.desk.views(1)[0].members)
    (member,) = house.desk.views(1)[0].members
    assert (member.caller_number, member.muted) == ("1002", True)
    assert stage.asked("channels.create")[0]["variables"]["CONNECTEDLINE(num,i)"] == NUMBER
    house.desk.end(1, NUMBER)
    await stage.over(call)
    await stage.nothing_left()
    assert [fact.outcome for fact in stage.store.of(facts.ConferenceLeft)] == ["ended"]


async def test_who_cannot_be_invited(stage: Stage) -> None:
    house = House(stage)
    for nobody in ("2001", "*97", ""):
        with pytest.raises(CommandRefused):
            house.calls.invite(1, NUMBER, nobody)
    with pytest.raises(NotFound):
        house.calls.invite(1, "801", "1002")
    assert not stage.registry.calls


async def test_the_end_withdraws_invitations(stage: Stage) -> None:
    stage.fake.endpoints["PJSIP/1002"] = NeverAnswers()
    house = House(stage)
    house.calls.invite(1, NUMBER, "1002")
    (call,) = stage.registry.calls.values()
    await call.caller.until(LegState.RINGING)
    house.desk.end(1, NUMBER)
    await stage.nothing_left()
    assert house.desk.views(1) == []


async def test_coming_and_going_is_announced(stage: Stage) -> None:
    house = House(stage, announce=True)
    await house.come()
    assert not stage.asked("bridges.playWithId")  # to nobody
    second, channel = await house.come("1002")
    await stage.until(lambda: stage.asked("bridges.playWithId"))
    stage.fake.hangup_from_far_end(channel.id)
    await stage.over(second)
    await stage.until(lambda: len(stage.asked("bridges.playWithId")) == 2)
    assert [asked["media"] for asked in stage.asked("bridges.playWithId")] == [
        ["sound:confbridge-join"],
        ["sound:confbridge-leave"],
    ]


async def test_a_number_that_is_deleted_ends_nothing(stage: Stage) -> None:
    house = House(stage)
    call, _ = await house.come()
    house.desk.remove(1, NUMBER)
    assert house.calls.program(call, NUMBER) is None
    assert len(house.desk.views(1)[0].members) == 1
    house.calls.invite(1, NUMBER, "1002")
    await stage.until(lambda: len(house.desk.views(1)[0].members) == 2)


async def test_kill_9_the_conference_goes_on(stage: Stage) -> None:
    house = House(stage)
    first, one = await house.come()
    second, two = await house.come("1002")
    third, three = await house.come("1003")
    await stage.until(lambda: house.music is None)
    await house.desk.mute(1, NUMBER, two.id, True)
    house.desk.lock(1, NUMBER, True)
    before = house.desk.views(1)
    await stage.crash()
    stage.fake.hangup_from_far_end(three.id)
    houses: list[House] = []

    def know(new: Stage, calls: list[Call]) -> None:
        houses.append(House(new))
        for call, record in zip(calls, new.store.records(), strict=True):
            call.program = new.registry.programs[record.program](record.program_state)
        houses[0].calls.restored(calls)

    from ari_app.calls import recovery

    async with stage.next_process(before=know) as (new, calls):
        house = houses[0]
        recovery.resume(calls)
        await new.until(lambda: len(house.desk.views(1)[0].members) == 2)
        await new.over(next(call for call in calls if call.id == third.id))
        (view,) = house.desk.views(1)
        assert (view.id, view.since, view.locked) == (before[0].id, before[0].since, True)
        assert view.members == before[0].members[:2]
        await new.until(lambda: two.muted == "in" and one.muted is None)
        assert one.bridge == two.bridge == house.desk.room(1, NUMBER).bridge
        left = stage.store.of(facts.ConferenceLeft)
        assert [fact.outcome for fact in left] == ["left"]
        assert len(stage.store.of(facts.ConferenceJoined)) == 3
        for channel, call in ((one, first), (two, second)):
            new.fake.hangup_from_far_end(channel.id)
            await new.until(lambda call=call: call.id not in new.registry.calls)
        await new.nothing_left()


async def test_kill_9_with_nobody_left(stage: Stage) -> None:
    house = House(stage)
    _, one = await house.come()
    bridge = house.bridge.id
    await stage.crash()
    stage.fake.hangup_from_far_end(one.id)

    def know(new: Stage, calls: list[Call]) -> None:
        made = House(new)
        for call, record in zip(calls, new.store.records(), strict=True):
            call.program = new.registry.programs[record.program](record.program_state)
        made.calls.restored(calls)

    from ari_app.calls import recovery

    async with stage.next_process(before=know) as (new, calls):
        recovery.resume(calls)
        await new.nothing_left()
        assert bridge not in new.fake.world.bridges
        assert len(stage.store.of(facts.ConferenceLeft)) == 1
