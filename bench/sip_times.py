"""Times between SIP messages: from a free agent to his next call, and from a caller to an agent's phone."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.capture import Seen


@dataclass(frozen=True)
class Wire:
    """The messages of one run, sorted by what they mean. Repeated messages count once, when they first came."""

    #: caller's number -> when he dialled
    dialled: dict[str, float]
    #: when an agent's phone was called: (at, agent, caller's number)
    rung: Sequence[tuple[float, str, str]]
    #: when an agent's call ended, by whoever's BYE: (at, agent)
    ended: Sequence[tuple[float, str]]


def read(messages: Iterable[Seen], *, callers: str, agents: str) -> Wire:
    """`callers`, `agents`: the addresses they are at."""
    dialled: dict[str, float] = {}
    rung: dict[str, tuple[float, str, str]] = {}
    ended: dict[str, tuple[float, str]] = {}
    for message in messages:
        if message.what == "INVITE" and message.source == callers:
            dialled.setdefault(message.caller, message.at)
        elif message.what == "INVITE" and message.target == agents:
            rung.setdefault(message.call_id, (message.at, message.called, message.caller))
        elif message.what == "BYE" and agents in (message.source, message.target) and message.call_id in rung:
            ended.setdefault(message.call_id, (message.at, rung[message.call_id][1]))
    return Wire(dialled, sorted(rung.values()), sorted(ended.values()))


def from_caller_to_agent(wire: Wire, *, after: float) -> list[float]:
    """Milliseconds from each caller's INVITE to the first INVITE at an agent for him; the first seconds are left out.

    Raises ValueError when a caller reached no phone.
    """
    reached: dict[str, float] = {}
    for at, _, caller in wire.rung:
        reached.setdefault(caller, at)
    if missing := wire.dialled.keys() - reached.keys():
        raise ValueError(f"{len(missing)} of {len(wire.dialled)} callers reached no agent")
    begin = min(wire.dialled.values()) + after
    return [(reached[caller] - at) * 1000 for caller, at in wire.dialled.items() if at >= begin]


def from_free_to_rung(wire: Wire, *, waiting: int) -> list[float]:
    """Milliseconds from the BYE of an agent's call to the next INVITE at him, each time at least so many waited."""
    arrivals = sorted(wire.dialled.values())
    offers = [at for at, _, _ in wire.rung]
    calls: dict[str, list[float]] = {}
    for at, agent, _ in wire.rung:
        calls.setdefault(agent, []).append(at)
    found = []
    for at, agent in wire.ended:
        if bisect_right(arrivals, at) - bisect_right(offers, at) < waiting:
            continue
        later = calls[agent][bisect_right(calls[agent], at) :]
        if later:
            found.append((later[0] - at) * 1000)
    return found
