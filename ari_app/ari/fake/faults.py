"""Faults that a test orders: errors, late and lost answers, events out of their usual order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

#: Decides whether a fault applies to a request, by its parameters.
Matcher = Callable[[dict[str, Any]], bool]


def _any(_: dict[str, Any]) -> bool:
    return True


@dataclass(eq=False)
class Fault:
    """One ordered fault; `times` requests of the operation are hit, then it is used up."""

    operation: str
    status: int = 0
    message: str = ""
    delay: float = 0.0
    lost: bool = False
    carried_out: bool = True
    times: int = 1
    matches: Matcher = _any


@dataclass(eq=False)
class Hold:
    """Events that are kept back until release(); all others go on."""

    matches: Callable[[dict[str, Any]], bool]
    release: Callable[[], None] = lambda: None
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


class Faults:
    """What shall go wrong."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self.holds: list[Hold] = []
        #: Seconds every answer is late: events overtake it.
        self.answer_delay = 0.0
        #: Seconds every event is late: answers overtake it.
        self.event_delay = 0.0
        #: Seconds until a created or snooping channel is in the application; until then it is refused as NotInStasis.
        self.enter_delay = 0.0

    def refuse(
        self, operation: str, status: int, message: str = "", *, times: int = 1, matches: Matcher = _any
    ) -> None:
        """Answer `channels.answer` and the like with an error, and do nothing."""
        self._faults.append(Fault(operation, status=status, message=message, times=times, matches=matches))

    def delay(self, operation: str, seconds: float, *, times: int = 1, matches: Matcher = _any) -> None:
        """Do it at once, and answer late."""
        self._faults.append(Fault(operation, delay=seconds, times=times, matches=matches))

    def lose(self, operation: str, *, carried_out: bool = True, times: int = 1, matches: Matcher = _any) -> None:
        """Do it or not, and close the connection without an answer."""
        self._faults.append(Fault(operation, lost=True, carried_out=carried_out, times=times, matches=matches))

    def take(self, operation: str, arguments: dict[str, Any]) -> Fault | None:
        """The fault for this request, one time of it used up."""
        for fault in self._faults:
            if fault.operation == operation and fault.matches(arguments):
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """Nothing goes wrong any more; held events stay held until released."""
        self._faults.clear()
        self.answer_delay = self.event_delay = self.enter_delay = 0.0
