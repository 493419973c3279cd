"""The pool: statuses, lost connections, timeouts, counters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ari_app.ari.decoding import Unknowns
from ari_app.ari.errors import BadReply, Conflict, Gone, ServerFault, TimedOut, Unreachable
from ari_app.ari.fake import Answers, FakeAsterisk
from ari_app.ari.http import HttpOptions, HttpPool
from ari_app.ari.models import AsteriskPing, Channel
from ari_app.ari.operations import Operations


@pytest.fixture
async def fake() -> AsyncIterator[FakeAsterisk]:
    async with FakeAsterisk() as fake:
        yield fake


@pytest.fixture
async def pool(fake: FakeAsterisk) -> AsyncIterator[HttpPool]:
    pool = HttpPool(HttpOptions(base_url=fake.url, user=fake.user, password=fake.password))
    yield pool
    await pool.close()


async def test_a_request(fake: FakeAsterisk, pool: HttpPool) -> None:
    ari = Operations(pool)
    assert (await ari.asterisk.ping()).ping == "pong"
    assert pool.requests == {"asterisk.ping": 1}
    assert pool.failures == {}


async def test_an_error_is_counted_and_says_what_was_asked(fake: FakeAsterisk, pool: HttpPool) -> None:
    with pytest.raises(Gone) as caught:
        await Operations(pool).channels.setChannelVar("nobody", variable="PIN", value="1234")
    assert str(caught.value) == "channels.setChannelVar (POST /channels/nobody/variable): 404 Channel not found"
    assert "1234" not in repr(caught.value)
    assert pool.failures == {("channels.setChannelVar", "gone"): 1}


@pytest.mark.parametrize("status", [404, 409, 412, 422, 500, 503])
async def test_ordered_errors(fake: FakeAsterisk, pool: HttpPool, status: int) -> None:
    fake.faults.refuse("asterisk.ping", status, "ordered")
    with pytest.raises(Exception, match=f"{status} ordered"):
        await Operations(pool).asterisk.ping()
    await Operations(pool).asterisk.ping()


async def test_a_get_is_repeated_once_when_its_connection_is_lost(fake: FakeAsterisk, pool: HttpPool) -> None:
    fake.faults.lose("channels.list")
    assert await Operations(pool).channels.list() == []
    assert fake.requests["channels.list"] >= 2
    # lost every time, also those times that the HTTP library repeats by itself
    fake.faults.lose("channels.list", times=10)
    with pytest.raises(Unreachable):
        await Operations(pool).channels.list()


async def test_a_post_is_not_repeated(fake: FakeAsterisk, pool: HttpPool) -> None:
    fake.endpoints["PJSIP/1001"] = Answers()
    ari = Operations(pool)
    await ari.asterisk.ping()  # so that a kept connection is used
    fake.faults.lose("channels.create")
    with pytest.raises(Unreachable) as caught:
        await ari.channels.create(endpoint="PJSIP/1001", app="ari_app", channelId="leg-1")
    assert (caught.value.slug, caught.value.status) == ("unreachable", 0)
    assert fake.requests["channels.create"] == 1
    # the id is ours: asked again, it turns out that it was done
    fake.world.app("ari_app").persistent = True
    await ari.channels.create(endpoint="PJSIP/1001", app="ari_app", channelId="leg-2")
    with pytest.raises(Conflict):
        await ari.channels.create(endpoint="PJSIP/1001", app="ari_app", channelId="leg-2")


async def test_no_answer_in_time(fake: FakeAsterisk) -> None:
    options = HttpOptions(base_url=fake.url, user=fake.user, password=fake.password)
    pool = HttpPool(options)
    await Operations(pool).asterisk.ping()  # a connection is there: the next request is sent, however slow we are
    pool.options = replace(options, timeout=0.05)
    fake.faults.delay("asterisk.ping", 60)
    with pytest.raises(TimedOut, match=r"no answer in 0\.05 s"):
        await Operations(pool).asterisk.ping()
    pool.options = replace(options, timeout=30)
    await Operations(pool).asterisk.ping()
    assert pool.failures == {("asterisk.ping", "timed_out"): 1}
    await pool.close()


async def test_nobody_there() -> None:
    pool = HttpPool(HttpOptions(base_url="http://127.0.0.1:1/ari", user="u", password="p"))
    with pytest.raises(Unreachable):
        await Operations(pool).asterisk.ping()
    assert pool.requests == {"asterisk.ping": 2}
    await pool.close()


async def test_connections_are_kept_and_bounded(fake: FakeAsterisk) -> None:
    pool = HttpPool(HttpOptions(base_url=fake.url, user=fake.user, password=fake.password, connections=3))
    ari = Operations(pool)
    await asyncio.gather(*(ari.asterisk.ping() for _ in range(30)))
    assert fake.requests["asterisk.ping"] == 30
    assert 1 <= pool.connections <= 3
    await ari.asterisk.ping()
    assert pool.connections <= 3
    await pool.close()
    assert pool.connections == 0


async def test_closed_and_used_again(fake: FakeAsterisk, pool: HttpPool) -> None:
    await Operations(pool).asterisk.ping()
    await pool.close()
    await pool.close()
    await Operations(pool).asterisk.ping()


def test_unknown_fields_of_an_answer_are_counted() -> None:
    unknowns = Unknowns()
    pool = HttpPool(HttpOptions(base_url="http://127.0.0.1/ari", user="u", password="p"), unknowns)
    answer = b'{"ping": "pong", "asterisk_id": "x", "timestamp": "t", "mood": [1]}'
    assert pool.decode("asterisk.ping", answer, AsteriskPing).ping == "pong"
    assert unknowns.counts == {"AsteriskPing.mood": 1}
    assert unknowns.values == {"AsteriskPing.mood": [1]}
    listed = pool.decode("x", b"[" + answer + b"]", list[AsteriskPing])
    assert listed[0].ping == "pong"
    assert unknowns.counts == {"AsteriskPing.mood": 2}


@pytest.mark.parametrize("answer", [b"", b"<html>", b"{}", b"[]", b'{"id": 5}'])
def test_an_answer_of_another_shape(answer: bytes) -> None:
    pool = HttpPool(HttpOptions(base_url="http://127.0.0.1/ari", user="u", password="p"))
    with pytest.raises(BadReply):
        pool.decode("channels.get", answer, Channel)
    assert pool.failures == {("channels.get", "bad_reply"): 1}


async def test_an_error_page_that_is_no_json(fake: FakeAsterisk, pool: HttpPool) -> None:
    fake.faults.refuse("asterisk.ping", 503, "")
    with pytest.raises(ServerFault, match="503 Asterisk could not do it"):
        await Operations(pool).asterisk.ping()


def test_a_password_is_not_shown() -> None:
    options = HttpOptions(base_url="http://127.0.0.1/ari", user="u", password="swordfish")
    assert "swordfish" not in repr(options)
    assert options.authorization == "Basic dTpzd29yZGZpc2g="
