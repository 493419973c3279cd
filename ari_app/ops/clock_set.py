"""Tells that the machine's wall clock was set, or that the machine was suspended meanwhile.

Timers run on a clock that nobody sets, so what is to happen at a time of day (opening hours) would come late or early
after such a step. Linux tells of one by a timer on the wall clock that is cancelled when the clock is set (timerfd,
TFD_TIMER_CANCEL_ON_SET): nothing is polled. Elsewhere nobody is told.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

_REALTIME, _ABSOLUTE, _CANCEL_ON_SET = 0, 1, 2
#: seconds since the epoch: when the timer would be due, which nobody will see (the year 4147)
_NEVER = 1 << 36


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Timer(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class ClockSet:
    """Watches the clock from `start` to `close`."""

    def __init__(self, told: Callable[[], None]) -> None:
        self._told = told
        self._descriptor: int | None = None

    def start(self) -> bool:
        """False: this system does not tell."""
        try:
            library = ctypes.CDLL(None, use_errno=True)
            descriptor = library.timerfd_create(_REALTIME, os.O_NONBLOCK | os.O_CLOEXEC)
        except (AttributeError, OSError):
            return False
        if descriptor < 0:
            return False
        self._set = library.timerfd_settime
        self._descriptor = descriptor
        if not self._arm(descriptor):
            self.close()
            return False
        asyncio.get_running_loop().add_reader(descriptor, self._ready, descriptor)
        return True

    def close(self) -> None:
        """Watch no more; harmless when it does not."""
        if self._descriptor is not None:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None

    def _arm(self, descriptor: int) -> bool:
        timer = _Timer(value=_Timespec(seconds=_NEVER))
        return bool(self._set(descriptor, _ABSOLUTE | _CANCEL_ON_SET, ctypes.byref(timer), None) == 0)

    def _ready(self, descriptor: int) -> None:
        try:
            os.read(descriptor, 8)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ECANCELED:
                raise
        # Armed first: what is set while they are told, is told again.
        self._arm(descriptor)
        log.warning("= the clock was set")
        self._told()
