"""Many datagrams in one system call."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.media.transports import datagrams
from ari_app.media.transports.datagrams import SIZE, TOGETHER, Receiver, Sender, address_of, key_of

HOST = "127.0.0.1"

pytestmark = pytest.mark.skipif(not datagrams.AVAILABLE, reason="no recvmmsg here")


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    made = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for each in made:
        each.bind((HOST, 0))
        each.setblocking(False)
    datagrams.note_arrivals(made[0])
    yield made[0], made[1]
    for each in made:
        each.close()


@given(st.ip_addresses(v=4), st.integers(0, 65_535))
def test_an_address_is_a_number(host: object, port: int) -> None:
    assert address_of(key_of((str(host), port))) == (str(host), port)


def test_what_is_sent_together_is_read_together(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    sender, to = Sender(), key_of(here.getsockname())
    sent = [bytes([number]) * (number * 30) for number in range(TOGETHER)]
    before = time.time()
    for data in sent:
        assert not sender.full
        sender.put(to, data)
    assert sender.full
    with pytest.raises(ValueError, match="datagrams"):
        sender.put(to, b"")
    assert sender.send(there) == 0
    got = list(Receiver().drain(here))
    assert [arrived.data for arrived in got] == sent
    assert {address_of(arrived.source) for arrived in got} == {there.getsockname()}
    # the clock of the machine, which may be set while the test runs
    assert all(before - 60 < arrived.at < time.time() + 60 for arrived in got)
    assert list(Receiver().drain(here)) == []


def test_what_is_too_long_is_cut(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    there.sendto(bytes(SIZE + 100), here.getsockname())
    there.sendto(b"next", here.getsockname())
    assert [len(arrived.data) for arrived in Receiver().drain(here)] == [SIZE, 4]


def test_what_cannot_be_sent_is_no_reason_for_those_behind(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    sender = Sender()
    sender.put(key_of(here.getsockname()), b"one")
    sender.put(key_of((HOST, 0)), b"two")  # there is no port 0
    sender.put(key_of(here.getsockname()), b"three")
    assert sender.send(there) == 1
    assert [arrived.data for arrived in Receiver().drain(here)] == [b"one", b"three"]
    assert sender.send(there) == 0
