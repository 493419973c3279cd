"""TCP of many calls, read at a tick: what costs most of a call's audio over TCP is that the loop is woken for each of
its messages, so all connections with something to read are read together, by an epoll of our own.

A connection stays its transport's: it is written, closed and looked after there, and only its reading is stopped. When
there is nothing more to read than its end, that is left to the transport again. What comes waits for the tick, 10 ms at
most, and then is measured in one step with what else came; in a connection whose reader is slow, or held, it waits in
the system's buffer, and so does its sender. One whose stream is TLS's is read by its transport.
"""

from __future__ import annotations

import asyncio
import logging
import os
import select
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, cast

from ari_app.clock import Clock
from ari_app.media.transports.pacing import Ticker

log = logging.getLogger(__name__)

#: Seconds between two times at which all connections are read.
READ_EVERY = 0.010
#: Bytes of one connection that are read at a tick: more than six times what audio of 8 kHz brings.
RECEIVE = 4096


class Reader(Protocol):
    """Whose connection it is; an asyncio.Protocol."""

    def data_received(self, data: bytes) -> None:
        """These came."""


class Reading:
    """That a connection is read at a tick."""

    def __init__(self, readings: TcpReader, transport: asyncio.Transport, number: int, reader: Reader) -> None:
        self.transport = transport
        self.number = number
        self.take = reader.data_received
        self.is_closing = transport.is_closing
        self._readings = readings
        self._held = False
        self.over = False
        #: why nothing more could be read; the transport does not hear of it
        self.error: OSError | None = None

    def hold(self, held: bool) -> None:
        """Read no more for now, or again."""
        if held is not self._held and not self.over:
            self._held = held
            self._readings.hold(self, held)

    def write(self, data: bytes) -> bytes:
        """Write at once, where nothing waits to be written before it. Returns what the system did not take, for the
        transport: it waits there, or the transport finds out why."""
        if self.over or self.transport.get_write_buffer_size():
            return data
        try:
            return data[os.write(self.number, data) :]
        except OSError:
            return data

    def fail(self, error: OSError) -> None:
        """It cannot be read."""
        self.stop()
        self.error = error
        self.transport.abort()

    def stop(self) -> None:
        """The connection is over, and its number may become another's; nothing if this was said."""
        if not self.over:
            self.over = True
            self._readings.forget(self)


class TcpReader:
    """The connections of a process that are read at a tick. Rests while there are none."""

    def __init__(self, clock: Clock) -> None:
        self._ticker = Ticker(clock, READ_EVERY)
        self._readings: dict[int, Reading] = {}
        self._epoll: select.epoll | None = None
        self._stop: Callable[[], None] = lambda: None
        #: called after the connections have been read: what came can be worked on together
        self.after_reading: Callable[[], None] = lambda: None

    @staticmethod
    def available() -> bool:
        """Whether this machine has epoll (Linux)."""
        return hasattr(select, "epoll")

    def __len__(self) -> int:
        """Connections."""
        return len(self._readings)

    def add(self, transport: asyncio.Transport, reader: Reader) -> Reading | None:
        """From now on read this connection, for its protocol; not before it is read (`connection_made` is too early on
        uvloop). None: it cannot be, and its transport goes on reading."""
        sock = transport.get_extra_info("socket")
        if sock is None or transport.get_extra_info("sslcontext") is not None or not transport.is_reading():
            return None
        reading = Reading(self, transport, sock.fileno(), reader)
        if not self._readings:
            try:
                self._epoll = select.epoll()
            except OSError:
                return None  # the process has as many files open as it may
            self._stop = self._ticker.add(lambda _periods: self.read())
        self._readings[reading.number] = reading
        if not self._watch(reading):
            reading.stop()
            return None
        transport.pause_reading()
        return reading

    def read(self) -> None:
        """Read all connections that have something."""
        if self._epoll is not None:
            read, readings = os.read, self._readings
            for number, _ in self._epoll.poll(0, len(readings) or 1):
                if number not in readings:
                    continue  # ended by what another one read
                reading = readings[number]
                if reading.is_closing():
                    reading.stop()
                    continue
                try:
                    data = read(number, RECEIVE)
                except BlockingIOError:
                    continue
                except OSError as error:
                    reading.fail(error)
                    continue
                if data:
                    try:
                        reading.take(data)
                    except Exception:
                        log.exception("a connection failed, and ends")
                        reading.transport.abort()
                else:
                    reading.stop()
                    reading.transport.resume_reading()  # it finds the end too, and does what is to be done then
        self.after_reading()

    def hold(self, reading: Reading, held: bool) -> None:
        """As in Reading."""
        if held:
            self._let_be(reading)
        elif not self._watch(reading):
            reading.transport.abort()  # nobody would ever read it

    def _watch(self, reading: Reading) -> bool:
        """False: the system has no room for it."""
        try:
            cast(select.epoll, self._epoll).register(reading.number, select.EPOLLIN)
        except OSError:
            return False
        return True

    def _let_be(self, reading: Reading) -> None:
        with suppress(OSError):  # it is closed
            cast(select.epoll, self._epoll).unregister(reading.number)

    def forget(self, reading: Reading) -> None:
        """It is over."""
        self._let_be(reading)
        del self._readings[reading.number]
        if not self._readings:
            self._stop()
            cast(select.epoll, self._epoll).close()
            self._epoll = None
