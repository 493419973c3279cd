"""A day in the life of a contact centre: everything is made and done over REST, or by real SIP phones that register
with the secrets they were given. At its end the record, the figures and the reports are held against what the phones
saw."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from tests.harness import audio
from tests.harness.phones import Phone, PhoneBox, answers
from tests.integration.server import ContactCentre, contact_centre
from tests.integration.test_call_control import parked
from tests.integration.test_phone_transfers import refer, refer_to
from tests.integration.test_queue_call import MUSIC

CALLER, AGENT, DESK, BOSS = 440, 660, 880, 1100
#: extension -> tone of its phone
PHONES = {"1000": BOSS, "1001": AGENT, "1002": AGENT, "1003": DESK}
#: seconds by which what we know and what a phone sees may differ on a busy machine, and by which clocks are rounded
APART, ROUNDED = 4.0, 0.05


def secret(extension: str) -> str:
    return f"secret of {extension}, 7 words"


class Day:
    """The centre, its supervisor, and all that phones have seen."""

    def __init__(self, centre: ContactCentre) -> None:
        self.centre = centre
        self.began = time.time()
        self.token = ""
        self.lunch = 0
        #: extension, or number of a caller -> its phone's calls, in order
        self.seen: dict[str, list[Phone]] = {}
        #: caller's number -> the agent's phone
        self.served: dict[str, Phone] = {}
        #: how long the first agent was paused with the code: at least, at most
        self.paused = [0.0, 0.0]

    async def ask(self, method: str, path: str, query: dict[str, Any] | None = None, **form: Any) -> Any:
        """The supervisor asks."""
        query = {**(query or {}), **({"auth_supervisor_session": self.token} if self.token else {})}
        return await self.centre.server.request(method, path, query, **form)

    async def opens(self) -> None:
        """The supervisor makes all there is; phones register, agents sign in."""
        person = {"username": "boss", "firstName": "Bo", "password": "secret99", "emailAddress": "bo@example.com"}
        boss = await self.ask("POST", "/supervisor", data={**person, "type": "full"})
        for number in PHONES:
            data = {"extension": number, "name": f"Phone {number}", "sip": {"secret": secret(number)}}
            assert await self.ask("POST", "/extension", data={**data, "callWaiting": True}) == number
        self.token = await self.ask("POST", "/supervisor_session", user=boss, extension="1000")
        queue = {"extension": "500", "name": "Sales", "type": 0, "ringStrategy": "leastrecent", "wrapUpTime": 1}
        await self.ask("POST", "/call_queue", data=queue)
        self.lunch = await self.ask("POST", "/pause_code", data={"name": "Lunch"})
        for number, tone in PHONES.items():
            await self.centre.world.line(number, secret(number))
            await self.centre.world.register(number, self.centre.pbx)
            self.centre.phones[number] = self.centre.world.extension(number, answers(tone=tone))
        for skill, number in ((1, "1001"), (2, "1002")):
            bound = [{"queue": "500", "skill": skill}]
            agent = {"number": number, "firstName": "Agent", "lastName": number, "password": "1234"}
            self.centre.agents[number] = await self.ask("POST", "/agent", data={**agent, "boundQueues": bound})
            await self.centre.server.request(
                "POST", "/agent_session", user=self.centre.agents[number], extension=number
            )
            await self.centre.act("signIn", number)
            await self.centre.until_status(number, "available")

    def saw(self, who: str, phone: Phone) -> Phone:
        self.seen.setdefault(who, []).append(phone)
        return phone

    async def rung(self, extension: str) -> Phone:
        return self.saw(extension, await self.centre.phones[extension].next_call())

    async def dials(self, extension: str, number: str) -> Phone:
        phone = await self.centre.world.call(number, self.centre.pbx, line=extension, tone=PHONES[extension])
        return self.saw(extension, phone)

    async def calls(self, caller: str) -> Phone:
        """Somebody calls the queue."""
        phone = await self.centre.world.call("500", self.centre.pbx, caller=caller, tone=CALLER)
        return self.saw(caller, phone)

    async def talks(self, caller: str, extension: str) -> tuple[Phone, Phone]:
        """Somebody calls the queue, and talks to that agent."""
        customer = await self.calls(caller)
        agent = self.served[caller] = await self.rung(extension)
        await asyncio.gather(customer.wait_tones(AGENT), agent.wait_tones(CALLER))
        await self.centre.until_status(extension, "onCall")
        return customer, agent

    async def pause(self, extension: str) -> None:
        await self.centre.until_status(extension, "available")
        before = time.time()
        await self.centre.act("pause", extension, pauseCode=self.lunch)
        status = await self.centre.until_status(extension, "paused")
        assert status["pauseCode"] == self.lunch
        if extension == "1001":
            self.paused = [self.paused[0] - time.time(), self.paused[1] - before]

    async def resume(self, extension: str) -> None:
        before = time.time()
        await self.centre.act("resume", extension)
        await self.centre.until_status(extension, "available")
        if extension == "1001":
            self.paused = [self.paused[0] + before, self.paused[1] + time.time()]

    async def hangs_up(self, phone: Phone, *others: Phone) -> None:
        await phone.hang_up()
        for other in others:
            await other.ended.wait()

    # the scenes

    async def a_blind_transfer(self) -> None:
        caller, agent = await self.talks("0301000001", "1001")
        await refer(agent, f"sip:1003@{self.centre.pbx.sip}")
        desk = await self.rung("1003")
        await asyncio.gather(caller.wait_tones(DESK), desk.wait_tones(CALLER), agent.ended.wait())
        await self.hangs_up(caller, desk)

    async def whispered_barged_and_transferred_attended(self) -> None:
        """While the first agent is at lunch."""
        await self.pause("1001")
        caller, agent = await self.talks("0301000002", "1002")
        await self.monitor("spy")
        boss = await self.rung("1000")
        await boss.wait_tones(CALLER, AGENT)
        await self.monitor("whisper")
        await asyncio.gather(agent.wait_tones(CALLER, BOSS), caller.wait_tones(AGENT, absent=(BOSS,)))
        await self.monitor("bargeIn")
        await asyncio.gather(agent.wait_tones(CALLER, BOSS), caller.wait_tones(AGENT, BOSS))
        await self.hangs_up(boss)
        await caller.wait_tones(AGENT, absent=(BOSS,))
        consult = await self.dials("1002", "1003")
        desk = await self.rung("1003")
        await asyncio.gather(consult.wait_tones(DESK), desk.wait_tones(AGENT))
        await refer_to(self.centre, agent, consult, "1003")
        await asyncio.gather(caller.wait_tones(DESK), desk.wait_tones(CALLER, absent=(AGENT,)))
        await asyncio.gather(agent.ended.wait(), consult.ended.wait())
        await self.hangs_up(desk, caller)
        await self.resume("1001")

    async def monitor(self, action: str) -> None:
        await self.ask("POST", "/call_monitor_action", action=action, targetExtension="1002", monitorExtension="1000")

    async def parked_and_picked_up(self) -> None:
        caller, agent = await self.talks("0301000003", "1001")
        await refer(agent, f"sip:700@{self.centre.pbx.sip}")
        await agent.ended.wait()
        (row,) = await parked(self.centre)
        assert (row["parkingSpace"], row["parkedBy"], row["callerIdNumber"]) == ("701", "1001", "0301000003")
        assert caller.ear is not None
        await caller.ear.wait_for(lambda ear: audio.loudness(ear.recent(0.2).samples) > MUSIC)
        desk = await self.dials("1003", "701")
        await asyncio.gather(caller.wait_tones(DESK), desk.wait_tones(CALLER))
        await self.hangs_up(desk, caller)

    async def stolen_and_abandoned(self) -> None:
        """While nobody is there for them."""
        for number in ("1001", "1002"):
            await self.pause(number)
        caller = await self.calls("0301000004")
        (waiting,) = await self.centre.until_waiting(1)
        await self.ask("POST", "/steal_queued_call", channel=waiting["channel"], destination="1000")
        boss = await self.rung("1000")
        await asyncio.gather(caller.wait_tones(BOSS), boss.wait_tones(CALLER))
        await self.hangs_up(caller, boss)
        lost = await self.calls("0301000005")
        await self.centre.until_waiting(1)
        await self.hangs_up(lost)
        await self.centre.until_waiting(0)
        for number in ("1001", "1002"):
            await self.resume(number)

    async def served_to_the_end(self) -> None:
        caller, agent = await self.talks("0301000006", "1001")
        found = await self.centre.statistics()
        assert (found["agentsOnCall"], found["agentsAvailable"], found["agentsSignedIn"]) == (1, 1, 2)
        await self.hangs_up(caller, agent)

    # what is left of it

    async def closes(self) -> None:
        for number in ("1001", "1002"):
            await self.centre.until_status(number, "available")
        await self.centre.idle()
        await self.centre.server.written()

    def legs_agree(self) -> None:
        """INVITE, 200 and BYE of each phone's calls are in the record, and no other call is."""
        legs = self.centre.server.rows(
            "SELECT legs.*, calls.caller_number FROM legs JOIN calls ON calls.id = call_id ORDER BY created_at"
        )
        trunk = [leg for leg in legs if leg["endpoint"].startswith("PJSIP/trunk-")]
        assert len(trunk) + sum(len(self.legs_of(legs, number)) for number in PHONES) == len(legs)
        for who, phones in self.seen.items():
            found = self.legs_of(legs, who) if who in PHONES else [leg for leg in trunk if leg["caller_number"] == who]
            assert len(found) == len(phones), (who, found)
            for leg, phone in zip(found, phones, strict=True):
                # Of a phone that calls, the harness does not tell when it sent its INVITE.
                moments = {"answered_at": phone.answered.at, "ended_at": phone.ended.at}
                if phone.incoming:
                    moments["created_at"] = phone.started.at
                    assert leg["created_at"] <= (phone.started.at or 0.0) + ROUNDED
                    assert (phone.answered.at or 0.0) <= leg["answered_at"] + ROUNDED
                for column, at in moments.items():
                    assert leg[column] == pytest.approx(at, abs=APART), (who, column)

    @staticmethod
    def legs_of(legs: list[dict[str, Any]], extension: str) -> list[dict[str, Any]]:
        endpoint = f"PJSIP/{extension}"
        return [leg for leg in legs if leg["endpoint"] == endpoint or leg["endpoint"].startswith(f"{endpoint}-")]

    def queue_agrees(self) -> None:
        rows = self.centre.server.rows(
            "SELECT queue_calls.*, caller_number FROM queue_calls JOIN calls ON calls.id = call_id ORDER BY joined_at"
        )
        assert [(row["outcome"], row["ended_by"], row["went_to"]) for row in rows] == [
            ("answered", "transfer", "extension:1003"),
            ("answered", "attended_transfer", "extension:1003"),
            ("answered", "transfer", "parked:701"),
            ("stolen", None, "extension:1000"),
            ("abandoned", None, None),
            ("answered", "caller", None),
        ]
        for row in rows:
            (caller,), agent = self.seen[row["caller_number"]], self.served.get(row["caller_number"])
            assert caller.answered.at
            if agent is None:
                continue
            assert agent.answered.at
            assert agent.ended.at
            assert row["wait"] == pytest.approx(agent.answered.at - caller.answered.at, abs=APART)
            assert row["talk"] == pytest.approx(agent.ended.at - agent.answered.at, abs=APART)
        log = self.centre.server.rows("SELECT callid, event FROM queue_log WHERE queuename = '500' ORDER BY id")
        calls = [[line["event"] for line in log if line["callid"] == row["call_id"]] for row in rows]
        assert calls == [
            ["ENTERQUEUE", "CONNECT", "BLINDTRANSFER"],
            ["ENTERQUEUE", "CONNECT", "ATTENDEDTRANSFER"],
            ["ENTERQUEUE", "CONNECT", "BLINDTRANSFER"],
            ["ENTERQUEUE", "WITHDRAW"],
            ["ENTERQUEUE", "ABANDON"],
            ["ENTERQUEUE", "CONNECT", "COMPLETECALLER"],
        ]

    async def figures_agree(self) -> None:
        found = await self.centre.statistics()
        assert (found["callsAnswered"], found["callsAbandoned"], found["callsWaiting"]) == (4, 1, 0)
        span = {"from": int(self.began) - 1, "to": int(time.time()) + 2}
        (queue,) = await self.ask("GET", "/reports/queues", {**span, "queue": "500"})
        assert [queue[name] for name in ("offered", "answered", "abandoned", "flowedOut", "handled")] == [6, 4, 1, 1, 4]
        talked = {number: 0.0 for number in ("1001", "1002")}
        for caller, phone in self.served.items():
            assert phone.answered.at
            assert phone.ended.at
            talked["1002" if caller.endswith("2") else "1001"] += phone.ended.at - phone.answered.at
        assert queue["talkTime"] == pytest.approx(sum(talked.values()), abs=4 * APART)
        for number, answered in (("1001", 3), ("1002", 1)):
            (row,) = await self.ask("GET", "/reports/agents", {**span, "agent": self.centre.agents[number]})
            assert (row["answered"], row["missed"], row["handled"]) == (answered, 0, answered)
            assert row["talkTime"] == pytest.approx(talked[number], abs=answered * APART)
            (pauses,) = row["pauseTimes"]
            assert pauses["pauseCode"] == self.lunch
            if number == "1001":
                least, most = self.paused
                assert least - 0.2 <= pauses["time"] <= most + 0.2

    async def trail_agrees(self) -> None:
        """What the supervisor did to calls is known to have been his doing."""
        done = [row["action"] for row in await self.ask("GET", "/x/audit") if row["userType"] == "supervisor"]
        assert done.count("call_monitor_action") == 3
        assert done.count("steal_queued_call") == 1
        assert {"call_queue.create", "pause_code.create", "agent.create"} <= set(done)


@pytest.mark.refer
async def test_a_day_in_the_life(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> None:
    async with contact_centre(tmp_path, start_asterisk, world, LOG_LEVEL="debug") as centre:
        day = Day(centre)
        await day.opens()
        await day.a_blind_transfer()
        await day.whispered_barged_and_transferred_attended()
        await day.parked_and_picked_up()
        await day.stolen_and_abandoned()
        await day.served_to_the_end()
        await day.closes()
        day.legs_agree()
        day.queue_agrees()
        await day.figures_agree()
        await day.trail_agrees()
