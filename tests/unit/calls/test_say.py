"""Saying a text: one sentence after the other, against a fake Asterisk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from ari_app.calls.leg import LegGone
from ari_app.calls.verbs.say import AHEAD, say
from ari_app.errors import CommandRefused
from ari_app.media.tts.errors import SynthesisFailed
from tests.unit.calls.stage import Stage


class Speech:
    """Sentences that are made when the test says so; None: the engine fails."""

    def __init__(self, *sentences: str | None) -> None:
        self.sentences = sentences
        self.made = 0
        self.go = asyncio.Semaphore(0)
        self.asked: list[tuple[str, str, str | None]] = []

    async def __call__(self, text: str, engine: str, voice: str | None) -> AsyncIterator[str]:
        self.asked.append((text, engine, voice))
        for sentence in self.sentences:
            await self.go.acquire()
            self.made += 1
            if sentence is None:
                raise SynthesisFailed("it fails")
            yield sentence

    def release(self, count: int = 1) -> None:
        for _ in range(count):
            self.go.release()


def played(stage: Stage) -> list[str]:
    return [asked["media"][0] for asked in stage.asked("channels.playWithId")]


async def test_a_sentence_is_with_asterisk_before_the_next_is_made(stage: Stage) -> None:
    call, _ = await stage.incoming()
    speech = stage.registry.speech = Speech("sound:1", "sound:2")
    task = asyncio.create_task(say(call.caller, "One. Two.", engine="flite", voice="slt"))
    speech.release()
    await stage.until(lambda: played(stage) == ["sound:1"])
    assert not task.done()
    speech.release()
    assert await task is True
    assert played(stage) == ["sound:1", "sound:2"]
    assert speech.asked == [("One. Two.", "flite", "slt")]
    assert not stage.registry.waiters


async def test_no_more_than_one_waits_behind_the_one_that_is_heard(stage: Stage) -> None:
    async def plan(call: object) -> None:
        await asyncio.Event().wait()

    call, _ = await stage.incoming(plan)
    stage.fake.world.media_seconds = 1000.0
    speech = stage.registry.speech = Speech(*(f"sound:{n}" for n in range(5)))
    speech.release(5)
    task = asyncio.create_task(say(call.caller, "Many."))
    await stage.until(lambda: len(played(stage)) == AHEAD)
    await stage.quiet()
    assert (len(played(stage)), speech.made) == (AHEAD, AHEAD + 1)
    # what is not said any more: the last one first, so that none begins
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await stage.until(lambda: len(stage.asked("playbacks.stop")) == AHEAD)
    stopped = [asked["playbackId"] for asked in stage.asked("playbacks.stop")]
    assert stopped == [asked["playbackId"] for asked in reversed(stage.asked("channels.playWithId"))]
    assert not stage.registry.waiters


async def test_an_engine_that_fails_in_the_middle(stage: Stage) -> None:
    call, _ = await stage.incoming()
    speech = stage.registry.speech = Speech("sound:1", None)
    speech.release(2)
    with pytest.raises(SynthesisFailed):
        await say(call.caller, "One. Two.")
    assert played(stage) == ["sound:1"]
    assert stage.asked("playbacks.stop") == []  # it was heard to its end
    assert not stage.registry.waiters


async def test_he_hangs_up_meanwhile(stage: Stage) -> None:
    async def plan(call: object) -> None:
        await asyncio.Event().wait()

    call, channel = await stage.incoming(plan)
    stage.fake.world.media_seconds = 1000.0
    speech = stage.registry.speech = Speech("sound:1", "sound:2")
    speech.release(1)
    task = asyncio.create_task(say(call.caller, "One. Two."))
    await stage.until(lambda: played(stage) == ["sound:1"])
    stage.fake.hangup_from_far_end(channel)
    await stage.until(lambda: not call.caller.alive)
    speech.release(1)
    with pytest.raises(LegGone):
        await task
    assert played(stage) == ["sound:1"]
    assert not stage.registry.waiters


async def test_where_nobody_speaks(stage: Stage) -> None:
    call, _ = await stage.incoming()
    with pytest.raises(CommandRefused, match="nobody to speak"):
        await say(call.caller, "One.")
