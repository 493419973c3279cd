"""SIPp's callers and agents prove themselves on an Asterisk with a plain dialplan."""

from collections import Counter

import pytest

from tests.harness import net, sipp
from tests.harness.asterisk import Asterisk
from tests.integration.conftest import AsteriskFactory

DIALPLAN = """
[plain]
exten => _1XXX,1,Dial(PJSIP/${EXTEN},30)
"""


@pytest.fixture
def phones() -> str:
    """Address of the agents' phones."""
    return net.free_address()


@pytest.fixture
async def pbx(start_asterisk: AsteriskFactory, phones: str) -> Asterisk:
    pbx = await start_asterisk("pbx", extra={"extensions.conf": DIALPLAN})
    await pbx.provision("1000", "secret1000", context="plain")
    await pbx.provision("1001", "secret1001", contact=sipp.contact("1001", phones), context="plain")
    return pbx


def callers(pbx: Asterisk, **options) -> sipp.Sipp:
    address = net.free_address()
    return sipp.callers(pbx.sip, "1001", address=address, rate=20, account=("1000", "secret1000"), **options)


def first_of_each_call(run: sipp.Sipp, what: str) -> list[float]:
    """When it was sent or came first, in order; what was sent once more is left out."""
    moments: dict[str, float] = {}
    for message in run.messages():
        if message.what == what:
            moments.setdefault(message.call_id, message.at)
    return sorted(moments.values())


async def test_calls_end_from_either_side(pbx: Asterisk, phones: str) -> None:
    async with sipp.agents(phones, answer_after=[0.0, 0.1], talk=[0.5, 30.0]) as agents:
        async with callers(pbx, calls=30, patience=[0.3, 1.0]) as run:
            assert await run.finished(within=60) == 0, run.printed()
        assert await agents.drain(within=60) == 0, agents.printed()
    assert (run.created, run.successful, run.failed) == (30, 30, 0)
    assert (agents.created, agents.successful, agents.failed) == (30, 30, 0)

    # by call: on a busy machine a message is sent once more
    challenged = {message.call_id for message in run.messages() if message.what == "401"}
    got = {message.call_id for message in agents.messages() if message.what == "INVITE" and not message.sent}
    byes = Counter(message.sent for message in run.messages() if message.what == "BYE")
    assert len(challenged) == len(got) == 30
    assert byes[True] > 0 < byes[False], byes
    assert {message.called for message in agents.messages() if message.what == "INVITE"} == {"1001"}
    await pbx.wait_idle()


async def test_callers_give_up_and_phones_never_answer(pbx: Asterisk, phones: str) -> None:
    async with sipp.agents(phones, no_answer=1.0) as agents:
        async with callers(pbx, calls=5, ring_limit=3.0) as run:
            assert await run.finished(within=60) == 0, run.printed()
        assert await agents.drain(within=60) == 0, agents.printed()
    cancels = first_of_each_call(run, "CANCEL")
    arrived = first_of_each_call(agents, "CANCEL")
    assert len(cancels) == len(arrived) == 5
    # SIPp notes when its loop last looked at the clock: on a busy machine the two seem to be in the other order
    assert all(-1 < there - here < 5 for here, there in zip(cancels, arrived, strict=True))


async def test_a_share_of_phones_is_busy(pbx: Asterisk, phones: str) -> None:
    async with sipp.agents(phones, busy=0.5) as agents:
        async with callers(pbx, calls=40, patience=[0.1]) as run:
            await run.finished(within=60)
        assert await agents.drain(within=60) == 0, agents.printed()
    refused = len(first_of_each_call(agents, "486"))
    assert 5 <= refused <= 35
    assert run.failed == refused
    assert run.successful == 40 - refused


async def test_phones_register(pbx: Asterisk, phones: str) -> None:
    async with sipp.registrations(pbx.sip, {"1000": "secret1000"}, address=phones) as run:
        assert await run.finished(within=60) == 0
    [endpoint] = [e for e in await pbx.ari.get("/endpoints/PJSIP") if e["resource"] == "1000"]
    assert endpoint["state"] == "online"


async def test_a_wrong_secret_does_not_register(pbx: Asterisk, phones: str) -> None:
    async with sipp.registrations(pbx.sip, {"1000": "wrong"}, address=phones) as run:
        assert await run.finished(within=60) == 1
