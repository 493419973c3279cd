"""What calls do that belong to a conference: of one who has called its number, and of one who is called to it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ari_app.calls.call import Call
from ari_app.calls.conference_room import MemberState
from ari_app.calls.conferences import Conferences
from ari_app.calls.extension_routing import ExtensionRouting
from ari_app.calls.keys import Keys
from ari_app.calls.leg import LegState
from ari_app.calls.program import State
from ari_app.calls.registry import Registry
from ari_app.calls.transfers import become, leave
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.dial import DialOutcome, Party, dial
from ari_app.calls.verbs.music import music_stop
from ari_app.calls.verbs.play import play
from ari_app.errors import CommandRefused

#: seconds for which a phone rings that is called to a conference
RING_TIME = 30.0
#: how often a PIN may be wrong
TRIES = 3
_GET_PIN, _WRONG_PIN = ["sound:conf-getpin"], ["sound:conf-invalidpin"]
_SORRY = {"locked": ["sound:conf-locked"], "full": ["sound:conf-full"]}


class ConferenceMember:
    """Come in, and stay."""

    name = "conference"

    def __init__(self, conferences: Conferences, kept: MemberState) -> None:
        self._conferences = conferences
        self.kept = kept

    def state(self) -> State:
        state: State = msgspec.to_builtins(self.kept)
        return state

    async def run(self, call: Call) -> None:
        await leave(call.caller)
        if call.caller.state is LegState.UP:
            await music_stop(call.caller)  # he may have been parked, or waited in a queue
        await answer(call.caller)
        if not self.kept.checked and not await self._knows_pin(call):
            return
        try:
            room = self._conferences.enter(call, self.kept)
        except CommandRefused as error:
            await play(call.caller, _SORRY.get(str(error.context["reason"]), []))
            return
        try:
            await self._conferences.bring_in(room, call)
            await call.caller.until(LegState.GONE)
        finally:
            _out(self._conferences, call)

    async def resume(self, call: Call) -> None:
        if not self.kept.joined_at:
            # Whether he came in before the end nobody knows; he comes in anew.
            self._conferences.leave(call)
            await self.run(call)
            return
        try:
            await self._conferences.bring_in(self._conferences.room(call.account, self.kept.number), call)
            await call.caller.until(LegState.GONE)
        finally:
            _out(self._conferences, call)

    async def _knows_pin(self, call: Call) -> bool:
        """Ask for the PIN, where there is one. Who gives none where only admins have one is let in as no admin."""
        settings = self._conferences.settings(call.account, self.kept.number)
        pin, admin_pin = (settings.pin, settings.admin_pin) if settings else (None, None)
        is_pin = self._conferences.is_pin
        if pin is not None or admin_pin is not None:
            with Keys(call.caller).listening() as keys:
                for _ in range(TRIES):
                    given = await keys.number(_GET_PIN, most=10)
                    if given and admin_pin is not None and await is_pin(given, admin_pin):
                        self.kept.admin = True
                    elif pin is not None and not (given and await is_pin(given, pin)):
                        await keys.tell(_WRONG_PIN)
                        continue
                    break
                else:
                    return False
        self.kept.checked = True
        call.save()
        return True


class ConferenceInvite:
    """Call somebody, and take him in when he has answered."""

    name = "conference_invite"

    def __init__(self, conferences: Conferences, kept: MemberState) -> None:
        self._conferences = conferences
        self.kept = kept

    def state(self) -> State:
        state: State = msgspec.to_builtins(self.kept)
        return state

    async def run(self, call: Call) -> None:
        settings = self._conferences.settings(call.account, self.kept.number)
        shown = Party(self.kept.number, settings.name if settings else "")
        try:
            if await dial(call.caller, shown=shown, ring_time=RING_TIME) is DialOutcome.ANSWERED:
                await become(call, ConferenceMember(self._conferences, self.kept))
        finally:
            _out(self._conferences, call)

    async def resume(self, call: Call) -> None:
        try:
            # Whether one that does not ring yet was dialled nobody knows.
            if call.caller.state >= LegState.RINGING and await call.caller.until(LegState.UP) is LegState.UP:
                await become(call, ConferenceMember(self._conferences, self.kept))
        finally:
            _out(self._conferences, call)


def _out(conferences: Conferences, call: Call) -> None:
    if call.detached:
        conferences.stay(call)
    else:
        conferences.leave(call)


class ConferenceCalls:
    """Conferences, as the rest of call control sees them."""

    def __init__(self, registry: Registry, numbers: ExtensionRouting) -> None:
        self._registry = registry
        self._numbers = numbers
        desk = self.desk = Conferences(registry)
        registry.programs[ConferenceMember.name] = lambda state: ConferenceMember(desk, _kept(state))
        registry.programs[ConferenceInvite.name] = lambda state: ConferenceInvite(desk, _kept(state))

    def program(self, call: Call, number: str) -> ConferenceMember | None:
        """What serves a call to a conference's number; None: it is none's."""
        if self.desk.settings(call.account, number) is None:
            return None
        return ConferenceMember(self.desk, MemberState(number=number))

    def restored(self, calls: Iterable[Call]) -> None:
        """Calls have been made again, before any event arrives: let them find their conferences."""
        for call in calls:
            if isinstance(call.program, ConferenceMember) and call.program.kept.member:
                self.desk.again(call, call.program.kept)
        for call in calls:
            if isinstance(call.program, ConferenceInvite):
                self.desk.invite(call, call.program.kept)

    def invite(self, account: int, number: str, destination: str, *, admin: bool = False, muted: bool = False) -> None:
        """Call somebody to a conference. Waits for nothing.

        Raises:
            NotFound: there is no such conference.
            CommandRefused: nobody can be called there (reason "unreachable").
        """
        if self.desk.settings(account, number) is None:
            self.desk.room(account, number)  # one whose number was deleted goes on
        if not self._numbers.can_reach(account, destination):
            raise CommandRefused("Nobody can be called there.", reason="unreachable")
        registry = self._registry
        node = next(iter(registry.nodes.values()))
        kept = MemberState(number=number, admin=admin, muted=muted, checked=True, invited=True)
        program = ConferenceInvite(self.desk, kept)
        call = registry.new_call(node, account=account, number=number, program=program.name, caller_number=destination)
        call.program = program
        self.desk.invite(call, kept)
        call.new_leg("caller", endpoint=self._numbers.reach(destination))
        call.start(program)


def _kept(state: State) -> MemberState:
    return msgspec.convert(state, MemberState)
