"""Many datagrams in one system call."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.media.transports import datagrams
from ari_app.media.transports.datagrams import ROWS, SIZE, TOGETHER, Receiver, Sender, address_of, key_of

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


def waiting(receiver: Receiver, sock: socket.socket) -> list[bytes]:
    """What waits in a socket, up to TOGETHER datagrams."""
    receiver.clear()
    count = receiver.receive(sock)
    assert count == receiver.count == len(receiver.lengths)
    found = [receiver.data(row) for row in range(count)]
    assert [len(data) for data in found] == receiver.lengths.tolist()
    return found


def filled(to: list[tuple[str, int]]) -> Sender:
    """A datagram of 40 bytes to each of these, which is the number of its row."""
    sender = Sender(40)
    sender.room(1)
    sender.data[0] = 0
    sender.address(0, key_of(to[0]))
    sender.room(len(to))  # what was there stays
    for row in range(1, len(to)):
        sender.data[row] = row
        sender.address(row, key_of(to[row]))
    sender.choose(np.arange(len(to)))
    return sender


def test_what_is_sent_together_is_read_together(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    sender, receiver = filled([here.getsockname()] * TOGETHER), Receiver()
    before = time.time()
    assert sender.send(there, 0, TOGETHER) == 0
    assert waiting(receiver, here) == [bytes([row]) * 40 for row in range(TOGETHER)]
    assert {address_of(source) for source in receiver.sources.tolist()} == {there.getsockname()}
    # the clock of the machine, which may be set while the test runs
    assert all(before - 60 < at < time.time() + 60 for at in receiver.arrivals(0.0).tolist())
    assert waiting(receiver, here) == []
    assert sender.send(there, 3, 5) == 0
    assert waiting(receiver, here) == [bytes([3]) * 40, bytes([4]) * 40]


def test_several_sockets_are_read_before_anything_is_looked_at(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    receiver, sent = Receiver(), [bytes([turn]) * (turn * 30) for turn in range(ROWS // TOGETHER)]
    for data in sent:
        assert not receiver.full
        for _ in range(TOGETHER):
            there.sendto(data, here.getsockname())
        assert receiver.receive(here) == TOGETHER
    assert receiver.full
    assert [receiver.data(row) for row in range(0, ROWS, TOGETHER)] == sent


def test_who_is_not_told_when_it_came_says_so(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    receiver = Receiver()
    there_too = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with there_too:
        there_too.bind((HOST, 0))  # no note_arrivals
        there.sendto(b"one", there_too.getsockname())
        here.sendto(b"two", there.getsockname())
        assert (receiver.receive(there_too), receiver.receive(there)) == (1, 1)
    assert receiver.arrivals(12.5).tolist() == [12.5, 12.5]


def test_what_is_too_long_is_cut(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    long = bytes(number % 251 for number in range(SIZE + 100))
    for data in (long, b"next", b"", long[:172], long[:173]):
        there.sendto(data, here.getsockname())
    assert waiting(Receiver(), here) == [long[:SIZE], b"next", b"", long[:172], long[:173]]


def test_what_cannot_be_sent_is_no_reason_for_those_behind(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    sender = filled([here.getsockname(), (HOST, 0), here.getsockname()])  # there is no port 0
    assert sender.send(there, 0, 3) == 1
    assert waiting(Receiver(), here) == [bytes(40), bytes([2]) * 40]
