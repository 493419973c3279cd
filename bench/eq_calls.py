"""Requests while calls are made: whether a call notices. Real calls, on a real Asterisk, as in bench/queue_calls.py.

80 agents serve a queue, CALLS a second come to it, each is talked to for two seconds; first without requests, then with
those of bench/eq_load.py. The agents who pause and go on by them are signed in to another queue, so that both runs have
the same agents. In both, every call must go as it should to its end.
"""

from __future__ import annotations

import asyncio

from ari_app.dialects import eq
from bench import eq_load, sip_times
from bench.queue_calls import WARM_UP, Load, Run, everything, run
from bench.report import Row, percentile
from bench.systems import EXTENSIONS, OURS_FEW, OURS_MANY, OURS_WAIT, Bench

#: calls a second, and for how many seconds
CALLS, SECONDS, SHORT = 20, 25, 8
#: agents who serve the queue; the others pause and go on
SERVING = 80
#: a call has not noticed: the 99th percentile of its time to an agent's phone is at most this much longer, in ms
NOTICED = 10.0


async def measure(*, short: bool) -> list[Row]:
    """Needs docker, SIPp and root."""
    seconds = SHORT if short else SECONDS
    async with everything() as setup:
        for n in range(SERVING, len(EXTENSIONS)):
            await _act(setup, "signOut", n)
            await _act(setup, "signIn", n, queue=OURS_WAIT)
        load = Load(CALLS, seconds)
        await run(setup, OURS_MANY, Load(10, 2), within=20)  # what is loaded at the first call is no call's
        alone = await run(setup, OURS_MANY, load, within=20)
        beside, requests = await asyncio.gather(
            run(setup, OURS_MANY, load, within=20), eq_load.asked(_requests(setup, seconds))
        )
    return _rows(alone, beside, requests)


async def _act(setup: Bench, action: str, n: int, **options: str) -> None:
    options = {"agent": setup.agents[n], **options}  # type: ignore[dict-item]
    await setup.server.request("POST", "/call_queue_agent_action", action=action, options=options)


def _requests(setup: Bench, seconds: float) -> eq_load.Load:
    return eq_load.Load(
        root=f"http://127.0.0.1:{setup.server.http_port}{eq.PREFIX}",
        key=setup.server.key,
        seconds=seconds,
        agents=setup.agents,
        acting=setup.agents[SERVING:],
        queues=[OURS_MANY, OURS_FEW, OURS_WAIT],
    )


def _rows(alone: Run, beside: Run, requests: list[float]) -> list[Row]:
    without, with_them = (sip_times.from_caller_to_agent(each.wire, after=WARM_UP) for each in (alone, beside))
    load = f"{eq_load.REQUESTS} mixed requests/s during {CALLS} SIP calls/s"
    name = f"{load}: caller's INVITE -> agent's INVITE"
    rows = [Row(f"{load}: {what}", "ms", percentile(requests, percent)) for what, percent in (("p50", 50), ("p99", 99))]
    for what, percent in (("p50", 50), ("p99", 99), ("max", 100)):
        ours, limit = percentile(with_them, percent), percentile(without, percent)
        goal = limit + NOTICED if percent == 99 else None
        rows.append(Row(f"{name}, {what}", "ms", ours, goal=goal, limit=limit))
    cpu = [each.ours_cpu / (each.calls / CALLS) * 100 for each in (beside, alone)]
    rows.append(Row(f"{load}: our process, of one core", "%", cpu[0], limit=cpu[1]))
    return rows
