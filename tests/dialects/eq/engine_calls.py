"""Live calls for tests of the EQ API: those that a test says there are. That the real ones are so is shown with phones
(tests/integration/test_call_control.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ari_app.acd.events import CallerSent, CallerStolen
from ari_app.dialects.eq.ports import ActiveCallInfo, ParkedCallInfo
from ari_app.errors import CommandRefused, NotFound

if TYPE_CHECKING:
    from tests.dialects.eq.engine_centre import EngineCentre


class EngineCalls:
    """Channels of extensions, and what was asked of them."""

    def __init__(self, centre: EngineCentre) -> None:
        self._centre = centre
        self._active: list[tuple[int, ActiveCallInfo]] = []
        self._parked: list[tuple[int, ParkedCallInfo, ActiveCallInfo]] = []
        self.dialled: list[tuple[str, str]] = []

    def add(self, account: int, info: dict[str, Any]) -> None:
        """An extension has a channel."""
        made = {
            "call": "call-1",
            "unique_id": f"unique-{len(self._active) + 1}",
            "channel": f"PJSIP/{info['extension']}-0000000{len(self._active) + 1}",
            "direction": "inbound",
            "state": "up",
            "caller_number": "5551000",
            "caller_name": "",
            "connected_number": "5551000",
            "connected_name": "",
            "queue": None,
            "started_at": self._centre.clock.now(),
            "answered_at": None,
            "recording": False,
        }
        self._active.append((account, msgspec.convert(made | info, ActiveCallInfo)))

    def active_calls(self, account: int, extension: str) -> list[ActiveCallInfo]:
        return [info for owner, info in self._active if (owner, info.extension) == (account, extension)]

    def all_of(self, account: int) -> list[ActiveCallInfo]:
        return [info for owner, info in self._active if owner == account]

    def steal(self, account: int, channel: str, destination: str) -> None:
        engine = self._centre.engine(account)
        for info in self._centre.queued_calls(account, None):
            if channel in (info.channel, info.unique_id):
                is_queue = engine.settings(destination) is not None
                event = CallerSent(call=info.call, queue=destination)
                self._centre.apply(account, event if is_queue else CallerStolen(call=info.call, to=destination))
                return
        raise NotFound(channel=channel)

    def dial(self, account: int, extension: str, destination: str) -> None:
        self.dialled.append((extension, destination))

    def _pass_on(self, account: int, extension: str, channel: str | None) -> ActiveCallInfo:
        info = self._channel(account, extension, channel)
        if info.state != "up":
            raise CommandRefused(reason="not_connected")
        return info

    def blind_transfer(self, account: int, extension: str, channel: str | None, destination: str) -> None:
        self._active.remove((account, self._pass_on(account, extension, channel)))
        self.add(account, {"extension": destination, "state": "ringing"})

    def park(self, account: int, extension: str, channel: str | None) -> None:
        info = self._pass_on(account, extension, channel)
        space = 701 + sum(owner == account for owner, _, _ in self._parked)
        if space > 702:
            raise CommandRefused(reason="no_space")
        self._active.remove((account, info))
        kept = ParkedCallInfo(
            channel=f"PJSIP/trunk-{info.call}",
            space=space,
            caller_number=info.caller_number,
            caller_name=info.caller_name,
            since=self._centre.clock.now(),
            timeout=45.0,
            parked_by=extension,
        )
        self._parked.append((account, kept, info))

    def parked_calls(self, account: int) -> list[ParkedCallInfo]:
        return [kept for owner, kept, _ in self._parked if owner == account]

    def pick_up(self, account: int, channel: str, destination: str) -> None:
        for row in self._parked:
            if row[0] == account and row[1].channel == channel:
                self._parked.remove(row)
                self.add(account, {"extension": destination, "call": row[2].call})
                return
        raise NotFound(channel=channel)

    def hang_up(self, account: int, extension: str, channel: str | None) -> None:
        self._active.remove((account, self._channel(account, extension, channel)))

    def _channel(self, account: int, extension: str, channel: str | None) -> ActiveCallInfo:
        for info in self.active_calls(account, extension):
            if channel is None or channel in (info.channel, info.unique_id):
                return info
        raise NotFound(channel=channel)
