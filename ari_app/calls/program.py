"""The port a dialect implements: what does this call do next?

A program is one coroutine per call. It uses the verbs, and returns when the call is over for it; what legs are left
are then hung up. When the caller's leg goes, the coroutine is cancelled, whatever it waits for.

After a restart the program is made again from the state it kept (`state()`, saved with `call.save()`), and `resume`
runs in place of `run`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ari_app.calls.call import Call

State = dict[str, Any]


class Program(Protocol):
    """One call's plan."""

    #: names the program in the record, and finds it again after a restart
    name: str

    def state(self) -> State:
        """Plain data from which the program can go on in another process."""

    async def run(self, call: Call) -> None:
        """From the start."""

    async def resume(self, call: Call) -> None:
        """From the state it was made with. The caller's leg is alive."""


#: makes a program from kept state
ProgramFactory = Callable[[State], Program]
