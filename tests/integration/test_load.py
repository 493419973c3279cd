"""A thousand calls, many of them abandoned or not answered: nothing is left over, and everybody counts the same."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.harness import net, sipp
from tests.harness.patience import PATIENCE
from tests.harness.phones import PhoneBox
from tests.integration.server import ContactCentre, contact_centre

CALLS, RATE, AGENTS = 1000, 10, 15


@pytest.mark.slow
@pytest.mark.alone
async def test_a_thousand_calls_leave_nothing_behind(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> None:
    async with contact_centre(tmp_path, start_asterisk, world) as centre:
        phones = net.free_address()
        await centre.queue(ringStrategy="leastrecent", agentTimeout=2, agentRetryTime=1, maxWaitTime=30)
        for index in range(AGENTS):
            await staff(centre, f"{2000 + index}", phones)
        tasks_before = await centre.tasks()
        async with (
            sipp.agents(phones, answer_after=[0.1, 0.5, 1.0], talk=[0.5, 1.0, 2.0], no_answer=0.1, busy=0.05) as agents,
            sipp.callers(
                centre.pbx.sip,
                "500",
                address=world.trunk_address,
                calls=CALLS,
                rate=RATE,
                patience=[0.5, 1.0, 2.0, 5.0, 10.0, 40.0],
            ) as callers,
        ):
            await callers.finished(within=CALLS / RATE + 300)
            await centre.idle(within=60)
        assert callers.created == CALLS
        assert callers.failed == 0
        async with asyncio.timeout(PATIENCE):
            while await centre.tasks() > tasks_before:  # one of the process's own may be at its work just now
                await asyncio.sleep(0.1)

        rows = centre.server.rows("SELECT * FROM calls")
        assert len(rows) == CALLS
        assert [row for row in rows if row["ended_at"] is None] == []
        entries = centre.server.rows("SELECT * FROM queue_calls")
        assert len(entries) == CALLS
        outcomes = [row["outcome"] for row in entries]
        answered, abandoned = outcomes.count("answered"), outcomes.count("abandoned")
        assert answered + abandoned + outcomes.count("timeout") == CALLS
        # all kinds of ends really happened
        assert min(answered, abandoned) > CALLS * 0.05
        statistics = await centre.statistics()
        assert (statistics["callsAnswered"], statistics["callsAbandoned"]) == (answered, abandoned)
        # what the agents' phones saw: one INVITE an offer; one 200 an answer, and those that crossed our CANCEL
        messages = agents.messages()
        invites = {m.call_id for m in messages if m.what == "INVITE"}
        accepted = {m.call_id for m in messages if m.what == "200" and m.method == "INVITE" and m.sent}
        offers = centre.server.rows("SELECT * FROM offers")
        ended = [row["outcome"] for row in offers]
        crossed = ended.count("caller_left") + ended.count("noanswer")
        assert len(invites) <= len(offers)  # an offer withdrawn before its channel was made rings nowhere
        assert answered <= len(accepted) <= answered + crossed
        assert ended.count("noanswer") > 0
        assert ended.count("busy") > 0
        assert sorted(ended).count("answered") >= answered
        # Asterisk took each caller once, and each agent's leg
        processed = await centre.pbx.cli("core show channels count")
        assert "0 active channels" in processed
        assert centre.server.rows("SELECT * FROM live_calls") == []


async def staff(centre: ContactCentre, extension: str, address: str) -> None:
    """An agent whose phone is one of SIPp's."""
    await centre.pbx.provision(extension, "secret", contact=sipp.contact(extension, address))
    agent = await centre.server.request(
        "POST", "/agent", data={"number": extension, "firstName": "Load", "password": "1234"}
    )
    centre.agents[extension] = agent
    await centre.server.request("POST", "/agent_session", user=agent, extension=extension)
    await centre.act("signIn", extension, queue="500")
