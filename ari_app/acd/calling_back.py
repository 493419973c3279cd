"""Call-backs on live calls: an agent's phone rings, then the customer's (the rules: call_backs.py)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from ari_app.acd import events
from ari_app.acd.conversation import Conversation
from ari_app.acd.queue import CallBack
from ari_app.acd.settings import QueueSettings
from ari_app.calls.bridge import Bridge
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg, LegState
from ari_app.calls.program import State
from ari_app.calls.verbs.dial import DialOutcome, Party, dial, outcome_of
from ari_app.calls.verbs.ring import ring, ring_stop
from ari_app.errors import CommandRefused, NotFound

if TYPE_CHECKING:
    from ari_app.acd.dispatcher import Dispatcher

log = structlog.get_logger(__name__)

#: what can be called back; it becomes part of a dial string
NUMBER = re.compile(r"\+?[0-9]{2,20}")


class CalledBack(Conversation):
    """One who is called back: until he has answered, nobody hears what is played to callers."""

    def __init__(self, call: Call, queue: str, shown: str = "") -> None:
        super().__init__(call, queue)
        self._shown = shown

    def entertain(self, settings: QueueSettings | None) -> None:
        """Nobody is there."""

    def announce(self, media: list[str], settings: QueueSettings | None) -> None:
        """Nobody is there."""

    async def resume_waiting(self, settings: QueueSettings | None) -> None:
        """Nobody is there."""

    async def connect(self, agent: Leg, settings: QueueSettings | None) -> None:
        """The agent has answered: call the customer, and let the agent hear how it goes.

        Raises:
            LegGone, AriError: one of them is gone, or Asterisk refused.
        """
        bridge = Bridge(self.call)
        await bridge.take()
        await bridge.add(agent)
        # What the far end plays before it answers goes through the bridge and takes the place of this tone; Asterisk
        # does not pass on that it only rings.
        await ring(agent)
        name = settings.name if settings is not None else ""
        ring_time = settings.call_back_ring if settings is not None else 30.0
        outcome = await dial(
            self.call.caller, shown=Party(self._shown or self.queue, name), ring_time=ring_time, early_media=bridge
        )
        if outcome is not DialOutcome.ANSWERED:
            return
        await ring_stop(agent)
        if settings is not None:
            self._record_all(settings)
            await self._record_talk(settings, bridge, agent)


class CallBackProgram:
    """The program of a call that we make for an entry of a queue."""

    name = "call_back"

    def __init__(self, dispatcher: Callable[[int], Dispatcher], queue: str) -> None:
        self._dispatcher = dispatcher
        self.queue = queue

    def state(self) -> State:
        return {"queue": self.queue}

    async def run(self, call: Call) -> None:
        conversation = self._dispatcher(call.account).conversation(call.id)
        if conversation is not None:
            await conversation.released

    async def resume(self, call: Call) -> None:
        await self.run(call)


class CallingBack:
    """The part of a dispatcher that calls people back."""

    def __init__(self, dispatcher: Dispatcher, reach: Callable[[str], str]) -> None:
        """reach: a number's dial string."""
        self._dispatcher = dispatcher
        self._reach = reach

    def asked_for(self, leg: Leg, digit: str) -> None:
        """A waiting caller has pressed a key."""
        dispatcher, call = self._dispatcher, leg.call
        conversation = dispatcher.conversation(call.id)
        if conversation is None or conversation.agent is not None or conversation.joining is not None:
            return
        settings = dispatcher.engine.settings(conversation.queue)
        if settings is None or not settings.call_back_key or digit != settings.call_back_key:
            return
        if not NUMBER.fullmatch(call.caller_number):
            log.info("= no number to call back", call=call.id)
            return
        request = events.CallBackRequested(
            entry=dispatcher.registry.ids.new("callback"),
            queue=conversation.queue,
            number=call.caller_number,
            name=call.caller_name,
            shown=call.number,
            call=call.id,
        )
        try:
            dispatcher.apply(request)
        except (CommandRefused, NotFound) as error:
            log.info("= not called back", call=call.id, error=str(error))

    def begin(self, entry: str, queue: str, back: CallBack) -> tuple[Call, Conversation]:
        """The call of an entry, made when the first agent's phone is to ring for it. The customer's leg is its first,
        so that the call ends with it, and is asked of Asterisk when an agent has answered."""
        dispatcher, registry = self._dispatcher, self._dispatcher.registry
        node = next(iter(registry.nodes.values()))
        program = CallBackProgram(lambda _: dispatcher, queue)
        call = registry.new_call(
            node, account=dispatcher.engine.account, number=back.number, program=program.name, id=entry
        )
        call.caller_number, call.caller_name = back.number, back.name
        call.new_leg("customer", endpoint=self._reach(back.number))
        conversation = self.attach(call, queue, back)
        call.start(program)
        return call, conversation

    def attach(self, call: Call, queue: str, back: CallBack | None) -> Conversation:
        """Let the events of its legs find the engine."""
        conversation = CalledBack(call, queue, back.shown if back is not None else "")
        if call.origin is not None:
            call.origin.on_state = self._customer_moved
        return self._dispatcher.hold(conversation)

    def _customer_moved(self, leg: Leg, at: float) -> None:
        dispatcher, entry = self._dispatcher, leg.call.id
        back = dispatcher.engine.call_back(entry)
        if back is None:
            return
        conversation = dispatcher.conversation(entry)
        if leg.state is LegState.UP:
            if conversation is not None and conversation.joining is not None:
                conversation.joined(conversation.joining)
            dispatcher.apply(events.CallBackReached(entry=entry), at)
        elif leg.state is LegState.GONE and back.reached:
            dispatcher.apply(events.CallerLeft(call=entry), at)
        elif leg.state is LegState.GONE:
            reason = "lost" if leg.restored else outcome_of(leg.cause).value
            dispatcher.apply(events.CallBackFailed(entry=entry, reason=reason), at)

    def recover(self, entry: str, back: CallBack) -> None:
        """After a restart: what is under way is settled. An attempt that nobody could see through is none."""
        dispatcher = self._dispatcher
        call = dispatcher.registry.calls.get(entry)
        if call is not None and not call.restored:
            return  # begun since, in place of one that was lost
        customer = call.origin if call is not None else None
        up = customer is not None and customer.state is LegState.UP
        if back.reached:
            if not up:
                dispatcher.apply(events.CallerLeft(call=entry))
        elif customer is not None and up and self._joined(entry, customer):
            dispatcher.apply(events.CallBackReached(entry=entry), customer.answered_at)
        elif call is not None or dispatcher.engine.under_way(entry):
            dispatcher.apply(events.CallBackFailed(entry=entry, reason="lost"))

    def _joined(self, entry: str, customer: Leg) -> bool:
        """He and an agent who has answered hear each other."""
        talks = {talk.call for talk in self._dispatcher.engine.conversations()}
        legs = customer.call.legs.values()
        return entry in talks and any(
            leg.offer is not None and leg.state is LegState.UP and leg.bridge and leg.bridge == customer.bridge
            for leg in legs
        )
