"""What several want at a time is made once."""

from __future__ import annotations

import asyncio

import pytest

from ari_app.made_once import MadeOnce


class Maker:
    """Makes numbers, each when a test lets it."""

    def __init__(self) -> None:
        self.made = 0
        self.go = asyncio.Event()

    async def make(self) -> int:
        self.made += 1
        made = self.made
        await self.go.wait()
        if made == 3:
            raise ValueError("three")
        return made


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.fixture
def once() -> MadeOnce[int]:
    return MadeOnce("make a number")


async def test_who_asks_meanwhile_waits_for_the_same_and_who_asks_later_has_a_new_one(
    once: MadeOnce[int], maker: Maker
) -> None:
    first, second = (asyncio.ensure_future(once.get("one", maker.make)) for _ in range(2))
    impatient = asyncio.ensure_future(once.get("one", maker.make))
    impatient.cancel()
    await asyncio.wait({impatient})
    assert (len(once), "one" in once, "two" in once) == (1, True, False)
    maker.go.set()
    assert (await first, await second, maker.made) == (1, 1, 1)
    assert await once.get("one", maker.make) == 2
    with pytest.raises(ValueError, match="three"):
        await once.get("one", maker.make)
    assert len(once) == 0


async def test_an_end(once: MadeOnce[int], maker: Maker) -> None:
    waits = {name: asyncio.ensure_future(once.get(name, maker.make)) for name in ("of-one", "of-two")}
    over = asyncio.ensure_future(once.over("two"))
    done, _ = await asyncio.wait({over}, timeout=0)
    assert not done
    await once.over("three")  # there is none
    await once.close()
    await over
    assert len(once) == 0
    for wait in waits.values():
        with pytest.raises(asyncio.CancelledError):
            await wait
