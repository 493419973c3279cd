"""Waiting for a fact about another process: it is asked for until it is so."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from tests.harness.patience import PATIENCE

if TYPE_CHECKING:
    from tests.integration.server import Server

T = TypeVar("T")

#: seconds between two questions
PACE = 0.02


async def until(
    ask: Callable[[], Awaitable[T] | T], holds: Callable[[T], object] = bool, *, within: float = PATIENCE
) -> T:
    """Ask until the answer holds (is true, where nothing else is said); the answer.

    Raises:
        TimeoutError: with the last answer.
    """
    end = time.monotonic() + within
    while True:
        answer = ask()
        found = await answer if inspect.isawaitable(answer) else answer
        if holds(found):
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"not so after {within} s: {found!r}")
        await asyncio.sleep(PACE)


async def until_it_is(server: Server, path: str, *, within: float = PATIENCE, **wanted: Any) -> dict[str, Any]:
    """Wait until what the EQ API has at that path has these values; it. One whose state is to be another fails as soon
    as it has ended.

    Raises:
        TimeoutError: with what it is.
    """

    def holds(row: dict[str, Any]) -> bool:
        if all(row[name] == value for name, value in wanted.items()):
            return True
        assert "state" not in wanted or row["state"] != "ended", f"{row}, not {wanted}"
        return False

    return await until(lambda: server.request("GET", path), holds, within=within)
