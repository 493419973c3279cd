"""Carries the engine's commands out on calls, and feeds what comes of them back as events. One per account.

Every event goes to the journal with its time, so that the engine can be brought back to where it was. Offers are
carried out before anything else an event brought: the time from a free agent to his ringing phone is what callers wait.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import structlog

from ari_app.acd import commands, events
from ari_app.acd.calling_back import CallingBack
from ari_app.acd.commands import AnyCommand, AnyFact, Fact
from ari_app.acd.conversation import Conversation, Departure, prompts
from ari_app.acd.engine import Engine
from ari_app.acd.ports import AcdStore
from ari_app.acd.settings import AgentRestrictions, QueueSettings
from ari_app.acd.timers import EngineTimers
from ari_app.ari.errors import AriError
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg, LegGone, LegState
from ari_app.calls.program import Program
from ari_app.calls.programs import ExtensionCall
from ari_app.calls.registry import Registry
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.dial import dial_start, outcome_of
from ari_app.calls.verbs.hangup import ANSWERED_ELSEWHERE, NORMAL, release
from ari_app.calls.wait import until_one_is_gone
from ari_app.clock import Clock
from ari_app.errors import CommandRefused

log = structlog.get_logger(__name__)

#: Asterisk's own ring time-out, should we not be there to stop it: so many seconds after the queue's
RING_MARGIN = 10.0
#: seconds to wait for the event that says why two legs could not be joined
SETTLE = 1.0
#: Q.850 causes of withdrawals: a phone that knows that another one took the call does not show it as missed
_WITHDRAWN = {"answered_elsewhere": ANSWERED_ELSEWHERE}
#: events after which the journal is replaced by a snapshot
SNAPSHOT_EVERY = 5000


class Dispatcher:
    """The queues of one account on live calls."""

    def __init__(
        self,
        engine: Engine,
        registry: Registry,
        store: AcdStore,
        clock: Clock,
        endpoint: Callable[[str], str],
        reach: Callable[[str], str] | None = None,
    ) -> None:
        """reach: the dial string of any number; those of extensions only, if it is not given."""
        self.engine = engine
        self.registry = registry
        self.store = store
        self.clock = clock
        #: an extension's dial string
        self.endpoint = endpoint
        #: any number's
        self.reach = reach or endpoint
        #: what serves a number that a caller is sent to
        self.ring: Callable[[Call, str], Program] = lambda call, number: ExtensionCall(self.reach(number))
        self.calling_back = CallingBack(self, self.reach)
        #: an extension's dial string where its follow-me and call forward hold; empty: they never do
        self.forward_template = ""
        #: is told of which queue somebody is about to enter
        self.before_joining: Callable[[str], None] = lambda _queue: None
        self.listeners: list[Callable[[int, AnyFact], None]] = []
        self.timers = EngineTimers(clock, lambda timer, at: self.apply(events.TimerFired(timer=timer), at))
        self._offers: dict[str, Leg] = {}
        self._conversations: dict[str, Conversation] = {}
        self._since_snapshot = 0
        registry.on_ended.append(self._call_ended)

    @property
    def conversations(self) -> int:
        """Callers who wait or talk."""
        return len(self._conversations)

    # events in

    def apply(self, event: events.AnyEvent, at: float | None = None) -> None:
        """Tell the engine, and carry out what it decides.

        Raises:
            CommandRefused, NotFound: a person's command that the state does not allow; nothing has changed.
        """
        now = self.clock.now() if at is None else at
        self.timers.reckon(now)
        decided = self.engine.apply(event, now)
        self.store.event(self.engine.account, now, event)
        orders: list[AnyCommand] = []
        for item in decided:
            if isinstance(item, commands.Offer):
                self._offer(item)
            elif isinstance(item, Fact):
                self._tell(item)
            else:
                orders.append(item)
        for order in orders:
            self._carry_out(order)
        self._since_snapshot += 1
        if self._since_snapshot >= SNAPSHOT_EVERY:
            self.snapshot()

    def snapshot(self) -> None:
        """Replace the journal by the engine's state."""
        self._since_snapshot = 0
        self.store.snapshot(self.engine.account, self.clock.now(), self.engine.snapshot())

    def _tell(self, fact: AnyFact) -> None:
        self.store.fact(self.engine.account, fact)
        for listener in self.listeners:
            try:
                listener(self.engine.account, fact)
            except Exception:
                # what was decided is carried out, whoever looks on
                log.exception("= what listens to queues failed", fact=type(fact).__name__)

    # commands out

    def _carry_out(self, order: AnyCommand) -> None:
        match order:
            case commands.Wait() | commands.Reject() | commands.Release() | commands.Announce():
                if conversation := self._conversations.get(order.call):
                    self._tell_caller(conversation, order)
            case commands.Withdraw(offer=offer, reason=reason):
                if leg := self._offers.pop(offer, None):
                    leg.leaving = True  # from now on, also if it is not hung up at once
                    leg.call.spawn(release(leg, _WITHDRAWN.get(reason, NORMAL)), "withdraw")
            case commands.Connect():
                self._connect(order)
            case commands.StartTimer(timer=timer, at=due):
                self.timers.start(timer, due)
            case commands.CancelTimer(timer=timer):
                self.timers.cancel(timer)

    def _tell_caller(
        self,
        conversation: Conversation,
        order: commands.Wait | commands.Reject | commands.Release | commands.Announce,
    ) -> None:
        match order:
            case commands.Wait(queue=queue):
                conversation.entertain(self.engine.settings(queue))
            case commands.Announce(queue=queue, position=position, minutes=minutes):
                said = prompts(position, minutes, conversation.call.caller.language)
                conversation.announce(said, self.engine.settings(queue))
            case commands.Reject(reason=reason, to=to) | commands.Release(reason=reason, to=to):
                conversation.release(reason, to)

    def _offer(self, order: commands.Offer) -> None:
        call = self.registry.calls.get(order.call)
        conversation = self._conversations.get(order.call)
        if call is None and (back := self.engine.call_back(order.call)) is not None:
            call, conversation = self.calling_back.begin(order.call, order.queue, back)
        if call is None or call.closing or conversation is None:
            # the caller went in this very moment: his CallerLeft is on its way
            return
        leg = call.new_leg("agent", endpoint=self.endpoint(order.extension), agent=order.agent, offer=order.offer)
        leg.on_state = self._agent_leg_moved
        self._offers[order.offer] = leg
        call.spawn(self._ring(order, call, leg, conversation), "offer")

    async def _ring(self, order: commands.Offer, call: Call, leg: Leg, conversation: Conversation) -> None:
        settings = self.engine.settings(order.queue)
        timeout = None if settings is None else settings.agent_timeout
        try:
            await dial_start(
                leg,
                shown=conversation.shown(settings),
                ring_time=None if timeout is None else timeout + RING_MARGIN,
                auto_answer=settings is not None and settings.auto_answer,
                via=self._via(order.extension, settings),
            )
            return
        except LegGone:
            return  # withdrawn, or gone by itself: both have been told already
        except AriError as error:
            log.info("= offer failed", call=call.id, agent=order.agent, error=str(error))
        except Exception:
            log.exception("= offer failed", call=call.id, agent=order.agent)
        if self._offers.pop(order.offer, None) is not None:
            self.apply(events.OfferFailed(offer=order.offer, reason="error"))
        await release(leg)

    def _via(self, extension: str, settings: QueueSettings | None) -> str | None:
        """What is dialled instead of the agent's own phone; None: nothing."""
        if not self.forward_template or settings is None:
            return None
        restricted = settings.agent_restrictions is not AgentRestrictions.AS_DIALLED
        return None if restricted else self.forward_template.format(extension=extension)

    def _agent_leg_moved(self, leg: Leg, at: float) -> None:
        offer = leg.offer
        if offer is None:
            return
        if leg.state is LegState.RINGING:
            self.apply(events.OfferRinging(offer=offer), at)
        elif leg.state is LegState.UP:
            self.apply(events.OfferAnswered(offer=offer), at)
        elif leg.state is LegState.GONE:
            self._agent_leg_gone(leg, offer, at)

    def _agent_leg_gone(self, leg: Leg, offer: str, at: float) -> None:
        if self._offers.pop(offer, None) is None:
            return  # withdrawn by us
        conversation = self._conversations.get(leg.call.id)
        if leg.answered_at is None:
            self.apply(events.OfferFailed(offer=offer, reason=outcome_of(leg.cause).value), at)
        elif conversation is not None and conversation.agent is leg:
            conversation.parted()
            self.apply(events.ConversationEnded(call=leg.call.id, by="agent"), at)
        else:
            self.apply(events.ConnectFailed(offer=offer), at)

    def _connect(self, order: commands.Connect) -> None:
        leg = self._offers.get(order.offer)
        conversation = self._conversations.get(order.call)
        if conversation is None:
            return  # the caller went in this very moment
        if leg is None:
            self.registry.calls[order.call].spawn(self._failed(order.offer), "connect failed")
            return
        conversation.joining = leg
        conversation.hush()
        leg.call.spawn(self._join(order, conversation, leg), "connect")

    async def _failed(self, offer: str) -> None:
        self.apply(events.ConnectFailed(offer=offer))

    async def _join(self, order: commands.Connect, conversation: Conversation, leg: Leg) -> None:
        try:
            await conversation.connect(leg, self.engine.settings(order.queue))
            return
        except (LegGone, AriError) as error:
            log.info("= not connected", call=order.call, agent=order.agent, error=str(error))
        # Which of the two is gone? Asterisk's refusal may come before the event that says so.
        caller = conversation.call.caller
        await until_one_is_gone(self.clock, (caller, leg), SETTLE)
        if caller.state is LegState.GONE:
            return  # he left while he was being joined: that is told, and the agent's leg ends with the call
        if self._offers.pop(order.offer, None) is not None:
            self.apply(events.ConnectFailed(offer=order.offer))
        await release(leg)

    # callers

    async def serve(self, call: Call, joined: events.CallerJoined) -> Departure:
        """Put a caller into a queue and wait until it lets him go: why (as Reject and Release say it), and where to.
        Cancelled when he hangs up.
        """
        conversation = self._attach(call, joined.queue)
        self.before_joining(joined.queue)
        self.apply(joined, self.clock.now())
        return await conversation.released

    async def part(self, call: Call) -> None:
        """A caller whom a queue has let go goes somewhere else. Raises LegGone."""
        conversation = self._conversations.pop(call.id, None)
        call.caller.on_state = call.caller.on_digit = None
        if conversation is not None and call.caller.bridge is None:  # else he is there already, after a restart
            await conversation.part()

    def pass_on(self, agent: Leg, to: str, by: str = "transfer") -> None:
        """An agent passes his caller on: the queue is done with both. by, to: as in ConversationEnded. Raises
        CommandRefused: they do not talk."""
        call, offer = agent.call, agent.offer
        conversation = self._conversations.get(call.id)
        if conversation is None or offer is None or conversation.agent is not agent:
            raise CommandRefused("The agent does not talk to a caller.", reason="not_connected")
        del self._conversations[call.id]
        self._offers.pop(offer, None)
        agent.on_state = agent.offer = None
        call.caller.on_state = call.caller.on_digit = None
        self.apply(events.ConversationEnded(call=call.id, by=by, to=to))
        call.spawn(conversation.part(), "part")

    async def farewell(self, call: Call, media: list[str]) -> None:
        """The last that a caller hears who has been let go, or could not enter. Raises LegGone, AriError."""
        conversation = self._conversations.get(call.id)
        if conversation is None or not media:
            return
        with suppress(AriError):  # he may hear it even so
            await answer(call.caller)
        await conversation.say(media)

    def _call_ended(self, call: Call) -> None:
        self._conversations.pop(call.id, None)

    def _attach(self, call: Call, queue: str) -> Conversation:
        call.caller.on_state = self._caller_leg_moved
        call.caller.on_digit = self.calling_back.asked_for
        return self.hold(Conversation(call, queue))

    def hold(self, conversation: Conversation) -> Conversation:
        """Serve a call of a queue."""
        self._conversations[conversation.call.id] = conversation
        return conversation

    def conversation(self, call: str) -> Conversation | None:
        """What goes on with a call of a queue."""
        return self._conversations.get(call)

    def _caller_leg_moved(self, leg: Leg, at: float) -> None:
        if leg.state is LegState.GONE:
            self.apply(events.CallerLeft(call=leg.call.id, reason="hangup"), at)

    # after a restart

    def reattach(self, call: Call, queue: str) -> None:
        """A call of ours has been made again: let its events find the engine, before any arrives."""
        if call.program is not None and call.program.name == "call_back":
            conversation = self.calling_back.attach(call, queue, self.engine.call_back(call.id))
        elif call.origin is not None:
            conversation = self._attach(call, queue)
            conversation.music = True
        if call.origin is None:
            return
        for leg in call.legs.values():
            if leg.offer is None:
                continue
            leg.on_state = self._agent_leg_moved
            self._offers[leg.offer] = leg
            if leg.bridge is not None and leg.bridge == call.caller.bridge:
                conversation.joined(leg)
        conversation.reattach_recordings(self.engine.settings(queue))

    async def resume(self, call: Call, joined: events.CallerJoined) -> Departure:
        """Go on serving a call after a restart."""
        queue = joined.queue
        conversation = self._conversations.get(call.id) or self._attach(call, queue)
        if self.engine.knows(call.id):
            call.spawn(conversation.resume_recording(self.engine.settings(queue)), "record")
            call.spawn(conversation.resume_waiting(self.engine.settings(queue)), "wait")
        elif not conversation.released.done():  # else he had his turn while nobody looked
            self.before_joining(queue)
            self.apply(joined, self.clock.now())  # its joining had not been kept
        return await conversation.released

    def recover(self) -> None:
        """All calls are made again and compared with Asterisk: settle what the engine waits for in vain."""
        self._recover_callers()
        self._recover_offers()
        self._recover_conversations()
        self._withdraw_what_is_over()
        self.timers.restore(self.engine.timers())

    def _recover_callers(self) -> None:
        for call_id in self.engine.known_calls():
            if (back := self.engine.call_back(call_id)) is not None:
                self.calling_back.recover(call_id, back)
                continue
            call = self.registry.calls.get(call_id)
            if call is None or call.origin is None:
                self.apply(events.CallerLeft(call=call_id, reason="hangup"))

    def _recover_offers(self) -> None:
        for offer in self.engine.open_offers():
            leg = self._offers.get(offer.offer)
            if leg is None:
                self.apply(events.OfferFailed(offer=offer.offer, reason="error"))
            elif leg.state is LegState.UP:
                self.apply(events.OfferAnswered(offer=offer.offer), leg.answered_at)
            elif leg.restored and leg.state < LegState.RINGING:
                # Whether it was dialled nobody knows: end it, and let the caller be offered anew.
                self.registry.hang_up_orphan(leg.node, leg.id)
                self.registry.leg_gone(leg, 0, self.clock.now())

    def _recover_conversations(self) -> None:
        for talk in self.engine.conversations():
            conversation = self._conversations.get(talk.call)
            if conversation is None or conversation.agent is not None or conversation.joining:
                continue
            answered = self._offers.get(talk.offer)
            if answered is not None and answered.bridge and answered.bridge == conversation.call.caller.bridge:
                conversation.joined(answered)  # Asterisk had done it, and we had not kept it yet
            elif answered is not None and answered.alive:
                self._connect(commands.Connect(offer=talk.offer, call=talk.call, queue=talk.queue, agent=talk.agent))
            else:
                self.apply(events.ConversationEnded(call=talk.call, by="agent"))

    def _withdraw_what_is_over(self) -> None:
        """Offers and conversations whose end was kept, and whose leg was not hung up any more."""
        known = {offer.offer for offer in self.engine.open_offers()}
        known |= {talk.offer for talk in self.engine.conversations()}
        for offer in set(self._offers) - known:
            self._carry_out(commands.Withdraw(offer=offer, reason="late"))

    def stop(self) -> None:
        """The process ends: no timer fires any more."""
        self.timers.stop()
