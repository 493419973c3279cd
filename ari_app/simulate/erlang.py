"""Erlang C and Erlang A: exact results where their assumptions hold. The simulator is checked against them.

Both: Poisson arrivals at a constant rate, exponential handling times, `agents` alike, first come first served, in the
long run. Erlang C (A. K. Erlang 1917): callers wait for ever. Erlang A (C. Palm 1946; Garnett, Mandelbaum and Reiman,
"Designing a Call Center with Impatient Customers", M&SOM 4, 2002): each caller's patience is exponential.

Rates are per second, times in seconds, probabilities 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf


@dataclass(frozen=True)
class Result:
    """What a caller meets."""

    #: that he has to wait at all
    waiting: float
    #: that he gives up
    abandonment: float
    #: seconds, over all callers: those who do not wait, and those who give up, included
    mean_wait: float
    #: that he is answered within T (of all callers: "cisco_negative" in acd.stats)
    service_level: float
    #: share of the agents' time that they talk
    occupancy: float


def erlang_b(agents: int, load: float) -> float:
    """The probability that all are busy where nobody waits, by the recursion B(n) = aB(n-1) / (n + aB(n-1))."""
    blocked = 1.0
    for n in range(1, agents + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


def erlang_c(agents: int, rate: float, handling: float, threshold: float) -> Result:
    """M/M/n. Raises ValueError where the queue would grow for ever (load >= agents)."""
    load = rate * handling
    if load >= agents:
        raise ValueError(f"{agents} agents cannot carry a load of {load:.3g} erlang")
    blocked = erlang_b(agents, load)
    waiting = agents * blocked / (agents - load * (1 - blocked))
    drain = (agents - load) / handling
    return Result(
        waiting=waiting,
        abandonment=0.0,
        mean_wait=waiting / drain,
        service_level=1 - waiting * exp(-drain * threshold),
        occupancy=load / agents,
    )


def erlang_a(agents: int, rate: float, handling: float, patience: float, threshold: float) -> Result:
    """M/M/n+M, by the steady state of its birth-death chain.

    Who finds k others waiting is served after k+1 departures, at rates n*mu + i*theta (i = 0..k), unless his patience
    ends first; that he is served within T has a closed form, since such a sum is -ln(Beta)/theta.
    """
    if patience == inf:
        return erlang_c(agents, rate, handling, threshold)
    leave, serve = 1 / patience, agents / handling
    weights = [1.0]
    while len(weights) <= agents or weights[-1] > 1e-15 * max(weights):
        n = len(weights)
        weights.append(weights[-1] * rate / (min(n, agents) / handling + max(0, n - agents) * leave))
        if weights[-1] > 1e200:  # only their ratios matter
            weights = [w * 1e-200 for w in weights]
    whole = sum(weights)
    states = [w / whole for w in weights]
    waiting = sum(states[agents:])
    queue = sum(k * p for k, p in enumerate(states[agents:]))
    busy = sum(min(n, agents) * p for n, p in enumerate(states))
    within = 1 - waiting
    x, a = exp(-leave * threshold), serve / leave + 1
    term, series = x**a, 0.0
    for k, p in enumerate(states[agents:]):
        series += term
        term *= (a + k) / (k + 1) * (1 - x)
        within += p * serve / (serve + (k + 1) * leave) * (1 - series)
    return Result(
        waiting=waiting,
        abandonment=queue * leave / rate,
        mean_wait=queue / rate,
        service_level=within,
        occupancy=busy / agents,
    )
