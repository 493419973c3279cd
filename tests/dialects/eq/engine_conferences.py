"""Conferences for tests of the EQ API: members are those that a test says there are. That the real ones are so is shown
with phones (tests/integration/test_conferences.py)."""

from __future__ import annotations

from typing import Any

import msgspec

from ari_app.calls.conference_room import ConferenceSettings, ConferenceView, MemberView
from ari_app.clock import ManualClock
from ari_app.errors import CommandRefused, NotFound


class EngineConferences:
    """The numbers, and who is in."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._numbers: dict[tuple[int, str], ConferenceSettings] = {}
        self._going_on: dict[tuple[int, str], ConferenceView] = {}

    @property
    def desk(self) -> EngineConferences:
        return self

    def join(self, account: int, number: str, caller: str) -> None:
        """Somebody is in."""
        view, now = self._begun(account, number), self._clock.now()
        made = f"{len(view.members) + 1}"
        member = MemberView(
            call=f"call-{made}",
            unique_id=f"unique-{made}",
            channel=f"PJSIP/{caller}-{made}",
            caller_number=caller,
            caller_name="",
            joined_at=now,
            muted=False,
            admin=False,
        )
        view.members.append(member)

    def _begun(self, account: int, number: str) -> ConferenceView:
        new = ConferenceView(
            id="conference-1", number=number, since=self._clock.now(), locked=False, members=[], invited=[]
        )
        return self._going_on.setdefault((account, number), new)

    def put(self, account: int, settings: ConferenceSettings) -> None:
        self._numbers[account, settings.number] = settings

    def remove(self, account: int, number: str) -> None:
        self._numbers.pop((account, number))

    def views(self, account: int) -> list[ConferenceView]:
        return [self._going_on[key] for key in sorted(self._going_on) if key[0] == account]

    def invite(self, account: int, number: str, destination: str, **_: Any) -> None:
        if (account, number) not in self._numbers:
            raise NotFound(number=number)
        if len(destination) > 10:
            raise CommandRefused(reason="unreachable")
        self._begun(account, number).invited.append(destination)

    async def mute(self, account: int, number: str, channel: str, muted: bool) -> None:
        view, place = self._place(account, number, channel)
        view.members[place] = msgspec.structs.replace(view.members[place], muted=muted)

    def kick(self, account: int, number: str, channel: str) -> None:
        view, place = self._place(account, number, channel)
        del view.members[place]

    def lock(self, account: int, number: str, locked: bool) -> None:
        view = self._view(account, number)
        self._going_on[account, number] = msgspec.structs.replace(view, locked=locked)

    def end(self, account: int, number: str) -> None:
        self._view(account, number)
        del self._going_on[account, number]

    def _view(self, account: int, number: str) -> ConferenceView:
        if (account, number) not in self._going_on:
            raise NotFound(number=number)
        return self._going_on[account, number]

    def _place(self, account: int, number: str, channel: str) -> tuple[ConferenceView, int]:
        view = self._view(account, number)
        for place, member in enumerate(view.members):
            if channel in (member.channel, member.unique_id):
                return view, place
        raise NotFound(channel=channel)
