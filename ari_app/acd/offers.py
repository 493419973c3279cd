"""What happens to offers: a phone rings, is answered, is not, cannot be had."""

from __future__ import annotations

from ari_app.acd import announcements, call_backs, estimate, skills
from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.acd.agent import Agent, Session
from ari_app.acd.callers import end_offer, hang_up, release
from ari_app.acd.floor import EARLY, Floor
from ari_app.acd.queue import Caller, CallerState, OpenOffer
from ari_app.acd.settings import AutoPause

#: seconds for which an agent who did not take a call comes after those of his level who did. Any sign of him (an
#: answer, a pause, signing in or out, the end of a wrap-up) ends it earlier.
MISS_MEMORY = 120.0
#: seconds without offers for an agent whose phone refused one, where the queue has no retry pause: a phone that refuses
#: by itself (do not disturb, not registered) must not be tried hundreds of times a second
COOL_DOWN = 5.0


def ringing(floor: Floor, event: e.OfferRinging) -> None:
    offer = floor.offers.get(event.offer)
    if offer is None or offer.ringing:
        return floor.ignore()
    offer.ringing = True
    return None


def answered(floor: Floor, event: e.OfferAnswered) -> None:
    offer = floor.offers.get(event.offer)
    if offer is None:
        return _answered_late(floor, event.offer)
    caller, agent = floor.callers[offer.call], floor.agents[offer.agent]
    end_offer(floor, offer, "answered")
    for name in list(caller.offers):
        floor.do(c.Withdraw(offer=name, reason="answered_elsewhere"))
        end_offer(floor, floor.offers[name], "answered_elsewhere")
    queue = floor.queues[caller.queue]
    queue.leave(caller)
    announcements.end(floor, caller)
    if caller.call_back is None:
        estimate.learn(queue, caller, max(0.0, floor.now - caller.joined_at))
    floor.moved.add(caller.queue)
    floor.cancel(f"wait:{caller.call}")
    if queue.record.rule:
        floor.cancel(f"relax:{caller.call}")
    if queue.record.overflow:
        floor.cancel(f"over:{caller.call}")
    caller.state = CallerState.TALKING
    caller.agent, caller.offer, caller.answered_at = agent.id, offer.offer, floor.now
    floor.talking[offer.offer] = caller.call
    agent.call = caller.call
    seen(floor, agent)
    floor.do(c.Connect(offer=offer.offer, call=caller.call, queue=caller.queue, agent=agent.id))
    if caller.call_back is not None:  # he is being called now
        caller.call_back.ring = max(0.0, floor.now - offer.since)
        return None
    floor.tell(
        c.CallerServed(
            at=floor.now,
            call=caller.call,
            queue=caller.queue,
            agent=agent.id,
            wait=max(0.0, floor.now - caller.joined_at),
            ring=max(0.0, floor.now - offer.since),
            estimate=caller.estimate,
        )
    )
    return None


def _answered_late(floor: Floor, name: str) -> None:
    """An offer of ours that is over was answered all the same: his leg must not be left hanging. (The offer of a
    conversation that goes on is answered already.)"""
    floor.ignore()
    ours = name.isdecimal() and 0 < int(name) < floor.next_offer
    if ours and name not in floor.talking:
        floor.do(c.Withdraw(offer=name, reason="late"))


def failed(floor: Floor, event: e.OfferFailed) -> None:
    offer = floor.offers.get(event.offer)
    if offer is None:
        return floor.ignore()
    agent, caller = floor.agents[offer.agent], floor.callers[offer.call]
    settings = floor.queues[offer.queue].settings
    end_offer(floor, offer, event.reason)
    _missed(floor, agent, caller)
    _cool(floor, agent, event.reason, settings.retry)
    if event.reason == "noanswer":
        _pause(floor, agent, offer)
    return _next(floor, caller)


def rang_too_long(floor: Floor, name: str) -> None:
    """The timer "ring:<offer>". Phones that began to ring for him together stop together, so that the next caller of a
    ringall queue gets all of them."""
    caller = floor.callers[floor.offers[name].call]
    due = [o for o in caller.offers if o == name or floor.timers.get(f"ring:{o}", floor.now + 1) <= floor.now + EARLY]
    for offer in [floor.offers[o] for o in due]:
        agent = floor.agents[offer.agent]
        floor.do(c.Withdraw(offer=offer.offer, reason="noanswer"))
        end_offer(floor, offer, "noanswer")
        _missed(floor, agent, caller)
        _pause(floor, agent, offer)
    _next(floor, caller)


def connect_failed(floor: Floor, event: e.ConnectFailed) -> None:
    call = floor.talking.pop(event.offer, None)
    if call is None:
        return floor.ignore()
    caller = floor.callers[call]
    if caller.call_back is not None:
        floor.talking[event.offer] = call
        if caller.call_back.reached:  # it was joined before the customer answered; its legs tell how it ends
            return floor.ignore()
        return call_backs.not_reached(floor, caller, "lost")
    assert caller.agent is not None
    agent = floor.agents[caller.agent]
    hang_up(floor, agent)
    floor.tell(c.CallerUnserved(at=floor.now, call=call, queue=caller.queue, agent=agent.id, estimate=caller.estimate))
    caller.agent, caller.offer, caller.answered_at = None, None, 0.0
    queue = floor.queues.get(caller.queue)
    if queue is None:  # deleted in between
        return release(floor, caller, "queue_removed")
    floor.do(c.Wait(call=call, queue=caller.queue))
    floor.start_or_cancel(f"wait:{call}", caller.joined_at, queue.settings.max_wait)
    skills.watch(floor, queue, caller)
    floor.moved.add(caller.queue)
    if queue.settings.retry is not None:  # others first; him again after the pause
        caller.missed[agent.id], caller.missed_at = floor.now, floor.now
    elif agent.session is Session.ACTIVE:
        _cool(floor, agent, "error", None)
    return floor.want(caller)


def withdraw(floor: Floor, agent: Agent, reason: str = "agent_left") -> None:
    """His phone must not ring any longer, for a reason of his own; the caller goes on to the next at once."""
    if agent.offer is not None:
        offer = floor.offers[agent.offer]
        floor.do(c.Withdraw(offer=offer.offer, reason=reason))
        end_offer(floor, offer, reason)
        _next(floor, floor.callers[offer.call])


def seen(floor: Floor, agent: Agent) -> None:
    """A sign that an agent is at his desk."""
    if agent.missed:
        agent.missed = False
        floor.cancel(f"miss:{agent.id}")
    floor.changed(agent)


def _missed(floor: Floor, agent: Agent, caller: Caller) -> None:
    caller.missed[agent.id] = floor.now
    caller.missed_at = floor.now
    agent.missed = True
    floor.start(f"miss:{agent.id}", floor.now + MISS_MEMORY)


def _cool(floor: Floor, agent: Agent, reason: str, seconds: float | None) -> None:
    agent.cooling = reason
    floor.changed(agent)
    floor.start(f"cool:{agent.id}", floor.now + (seconds or COOL_DOWN))


def _next(floor: Floor, caller: Caller) -> None:
    if not caller.offers:
        floor.want(caller)


def _pause(floor: Floor, agent: Agent, offer: OpenOffer) -> None:
    """As the queue is set, for an agent who did not answer. A pause of his own is not touched."""
    settings = floor.queues[offer.queue].settings
    if settings.auto_pause is AutoPause.NO:
        return
    for extension, membership in agent.memberships.items():
        if membership.paused_at is None and (settings.auto_pause is AutoPause.ALL or extension == offer.queue):
            membership.paused_at, membership.pause_reason = floor.now, "noanswer"
            floor.start_or_cancel(f"resume:{agent.id}:{extension}", floor.now, settings.system_resume)
