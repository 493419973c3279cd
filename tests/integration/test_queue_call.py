"""A caller reaches an agent: heard in the audio at both ends, and agreed on by all records."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import audio
from tests.harness.phones import PhoneBox, answers, is_busy, never_answers
from tests.integration.server import ContactCentre, contact_centre

CALLER, AGENT, SUPERVISOR = 440, 660, 880
#: seconds by which something may be late on a busy machine, and by which it may seem early where its beginning was late
LATE, EARLY = 4.0, 1.4
#: seconds by which two Asterisks may differ in when a thing was, if the machine stands still between them
APART = 2.5
#: dBFS; a silent line is below -60
MUSIC = -45


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    async with contact_centre(tmp_path, start_asterisk, world) as made:
        yield made


@pytest.mark.parametrize("by", ["agent", "caller"])
async def test_a_caller_talks_to_an_agent(centre: ContactCentre, by: str) -> None:
    await centre.queue(wrapUpTime=2, ringStrategy="leastrecent")
    await centre.agent("1001", never_answers())
    caller = await centre.world.call("500", centre.pbx, tone=CALLER)
    phone = await centre.phones["1001"].next_call()
    await caller.answered.wait()
    assert phone.caller_number == "0301234567"
    await centre.until_status("1001", "ringing")
    assert (await centre.waiting())[0]["callerIdNumber"] == "0301234567"
    await phone.answer()
    await phone.listen()
    await phone.play_tone(AGENT)
    # each hears the other, and not itself
    await asyncio.gather(
        phone.wait_tones(CALLER, absent=(AGENT,)),
        caller.wait_tones(AGENT, absent=(CALLER,)),
    )
    assert (await centre.status("1001"))["status"] == "onCall"
    await (phone if by == "agent" else caller).hang_up()
    ended = await (caller if by == "agent" else phone).ended.wait()
    available = await centre.until_status("1001", "available")
    await centre.idle()

    assert phone.answered.at
    assert caller.answered.at
    waited, talked = phone.answered.at - caller.answered.at, ended - phone.answered.at
    statistics = await centre.statistics()
    assert (statistics["callsAnswered"], statistics["callsAbandoned"], statistics["callsWaiting"]) == (1, 0, 0)
    (row,) = centre.server.rows("SELECT * FROM queue_calls")
    assert row["outcome"] == "answered"
    assert row["wait"] == pytest.approx(waited, abs=APART)
    assert row["talk"] == pytest.approx(talked, abs=APART)
    assert row["ended_by"] == by
    (call,) = centre.server.rows("SELECT * FROM calls")
    assert call["ended_at"] - call["started_at"] == pytest.approx(waited + talked, abs=APART)
    assert call["caller_number"] == "0301234567"
    legs = centre.server.rows("SELECT * FROM legs ORDER BY created_at")
    assert [leg["role"] for leg in legs] == ["caller", "agent"]
    history = [row["state"] for row in centre.server.rows("SELECT * FROM agent_states WHERE queue = '' ORDER BY at, n")]
    assert history[-4:] == ["ringing", "on_call", "wrap_up", "available"]
    assert 2 - 1.1 < available["statusSince"] - ended < 2 + LATE  # the API speaks whole seconds


async def test_the_caller_hears_music_while_he_waits(centre: ContactCentre) -> None:
    await centre.queue()
    caller = await centre.world.call("500", centre.pbx)
    await caller.answered.wait()
    await centre.until_waiting(1)
    assert caller.ear is not None
    await caller.ear.wait_for(lambda ear: audio.loudness(ear.recent(0.2).samples) > MUSIC)


async def test_who_does_not_answer_comes_after_the_others(centre: ContactCentre) -> None:
    await centre.queue(agentTimeout=2, agentRetryTime=20, ringStrategy="leastrecent", autoPause="yes", sysResume=5)
    await centre.agent("1001", never_answers())
    await centre.agent("1002", answers(tone=AGENT))
    # the first to be rung is whoever signed in first; make sure by a skill
    await centre.act("signOut", "1002", queue="500")
    await centre.act("signIn", "1002", queues=["500"], skills=[4])
    caller = await centre.world.call("500", centre.pbx, tone=CALLER)
    first = await centre.phones["1001"].next_call()
    second = await centre.phones["1002"].next_call()
    paused = await centre.until_status("1001", "paused")
    await caller.wait_tones(AGENT)
    assert first.cancelled_at is not None
    assert first.ringing.at is not None
    assert 2 - EARLY < first.cancelled_at - first.ringing.at < 2 + LATE
    assert second.started.at is not None
    assert second.started.at - first.cancelled_at < LATE  # at once, and not after the 20 s of agentRetryTime
    assert paused["paused"] is True
    # resumed by the system after sysResume
    await centre.until_status("1001", "available")


async def test_a_busy_agent_is_not_punished_and_the_next_is_rung(centre: ContactCentre) -> None:
    await centre.queue(ringStrategy="leastrecent", autoPause="yes")
    await centre.agent("1001", is_busy(), skill=1)
    await centre.agent("1002", answers(tone=AGENT), skill=2)
    caller = await centre.world.call("500", centre.pbx, tone=CALLER)
    await caller.wait_tones(AGENT)
    assert (await centre.status("1001"))["paused"] is False
    outcomes = {row["agent_id"]: row["outcome"] for row in centre.server.rows("SELECT * FROM offers")}
    assert outcomes[centre.agents["1001"]] == "busy"


@pytest.mark.alone
async def test_an_abandoned_call_stops_ringing_and_blames_nobody(centre: ContactCentre) -> None:
    await centre.queue(agentTimeout=15, autoPause="yes")
    await centre.agent("1001", never_answers())
    late = []
    for _ in range(5):
        caller = await centre.world.call("500", centre.pbx)
        phone = await centre.phones["1001"].next_call()
        await phone.ringing.wait()
        await centre.until_status("1001", "ringing")
        await caller.hang_up()
        gone, stopped = await caller.ended.wait(), await phone.ended.wait()
        assert phone.cancelled_at is not None
        late.append(stopped - gone)
        status = await centre.until_status("1001", "available")
        assert status["paused"] is False
        await centre.idle()
    assert sorted(late)[2] <= 0.2, late  # the median: once or twice the machine may have been busy with something else
    assert (await centre.statistics())["callsAbandoned"] == len(late)
    rows = centre.server.rows("SELECT * FROM queue_calls")
    assert [row["outcome"] for row in rows] == ["abandoned"] * len(late)


async def test_ringall_rings_all_and_the_first_to_answer_gets_the_call(centre: ContactCentre) -> None:
    await centre.queue(ringStrategy="ringall")
    for extension in ("1001", "1002", "1003"):
        await centre.agent(extension, never_answers())
    caller = await centre.world.call("500", centre.pbx, tone=CALLER)
    phones = [await centre.phones[extension].next_call() for extension in ("1001", "1002", "1003")]
    await phones[1].answer()
    await phones[1].listen()
    await phones[1].wait_tones(CALLER)
    for loser in (phones[0], phones[2]):
        await loser.ended.wait()
        assert loser.cancelled_at is not None
    await caller.hang_up()
    await centre.idle()
    rows = centre.server.rows("SELECT outcome FROM offers ORDER BY outcome")
    assert [row["outcome"] for row in rows] == ["answered", "answered_elsewhere", "answered_elsewhere"]


async def test_full_queue_and_longest_wait(centre: ContactCentre) -> None:
    await centre.queue(maxCallers=1, maxWaitTime=6)
    first = await centre.world.call("500", centre.pbx)
    await centre.until_waiting(1)
    second = await centre.world.call("500", centre.pbx)
    await second.ended.wait()
    assert second.cause == 17
    answered, ended = await first.answered.wait(), await first.ended.wait()
    assert 6 - EARLY < ended - answered < 6 + LATE
    await centre.idle()
    outcomes = [row["outcome"] for row in centre.server.rows("SELECT outcome FROM queue_calls ORDER BY joined_at")]
    assert outcomes == ["timeout", "full"]


async def test_the_supervisor_spies_whispers_and_barges_on_one_call(centre: ContactCentre) -> None:
    await centre.queue()
    await centre.agent("1001", answers(tone=AGENT))
    await centre.pbx.provision("1000", "secret", contact=centre.world.contact("1000"))
    desk = centre.world.extension("1000", answers(tone=SUPERVISOR))
    caller = await centre.world.call("500", centre.pbx, tone=CALLER)
    agent = await centre.phones["1001"].next_call()
    await caller.wait_tones(AGENT)

    async def monitor(action: str) -> None:
        await centre.server.request(
            "POST", "/call_monitor_action", action=action, targetExtension="1001", monitorExtension="1000"
        )

    await monitor("spy")
    supervisor = await desk.next_call()
    both_sides = (CALLER, AGENT)
    await supervisor.wait_tones(*both_sides, absent=(SUPERVISOR,))
    listening_since = supervisor.heard.ended_at
    await asyncio.gather(agent.wait_tones(CALLER, absent=(SUPERVISOR,)), caller.wait_tones(AGENT, absent=(SUPERVISOR,)))
    await monitor("whisper")
    await agent.wait_tones(CALLER, SUPERVISOR)
    await caller.wait_tones(AGENT, absent=(SUPERVISOR,))
    await monitor("bargeIn")
    await asyncio.gather(agent.wait_tones(CALLER, SUPERVISOR), caller.wait_tones(AGENT, SUPERVISOR))
    await monitor("spy")
    await asyncio.gather(agent.wait_tones(CALLER, absent=(SUPERVISOR,)), caller.wait_tones(AGENT, absent=(SUPERVISOR,)))
    await supervisor.wait_tones(*both_sides, absent=(SUPERVISOR,))
    # through all of it the supervisor heard both, without a gap
    for tone in both_sides:
        assert supervisor.gaps(tone, listening_since) == []
    await caller.hang_up()
    await supervisor.ended.wait()
    await centre.idle()
