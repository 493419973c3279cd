"""Texts and sounds on live calls, against a fake Asterisk: what is asked of it, and that nothing is left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from ari_app.calls.call import Call
from ari_app.calls.desk import TooMany
from ari_app.calls.playback import (
    ITEMS,
    PER_CALL,
    BargeIn,
    Item,
    PlaybackDesk,
    PlaybackOver,
    PlaybackRequest,
    PlaybackView,
)
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.attach import Side
from ari_app.calls.verbs.external_media import MediaPorts, TransportKind
from ari_app.media.transports.pacing import Ticker
from ari_app.media.tts.errors import SynthesisFailed
from tests.unit.calls.stage import Stage, stay

ACCOUNT = 1


async def answered(call: Call) -> None:
    await answer(call.caller)
    await stay(call)


class Playing:
    """A call, and what is played on it."""

    def __init__(self, stage: Stage, call: Call) -> None:
        self.stage, self.call = stage, call
        ports = MediaPorts(stage.clock, Ticker(stage.clock), TransportKind.RTP)
        self.desk = PlaybackDesk(stage.registry, ports, lambda _account, _extension: None, limit=10)
        self.told: list[str] = []
        self.desk.tell = lambda _account, name, _values: self.told.append(name)

    async def start(self, *items: str, **asked: Any) -> str:
        request = PlaybackRequest(items=tuple(Item(media=item) for item in items), **asked)
        return await self.desk.start(ACCOUNT, request, call=self.call.id)

    async def until(self, playback: str, state: str) -> PlaybackView:
        await self.stage.until(lambda: self.desk.view(ACCOUNT, playback).state == state)
        return self.desk.view(ACCOUNT, playback)

    @property
    def played(self) -> list[str]:
        return [asked["media"][0] for asked in self.stage.asked("channels.playWithId")]

    async def states(self, playback: str) -> list[str]:
        return [item.state for item in (await self.until(playback, "ended")).items]


@pytest.fixture
async def playing(stage: Stage) -> Playing:
    call, _ = await stage.incoming(answered)
    await stage.until(lambda: call.answered_at)
    return Playing(stage, call)


async def test_one_after_the_other_into_a_snoop(playing: Playing) -> None:
    made = await playing.start("sound:one", "sound:two", heard_by=Side.OTHERS)
    assert await playing.states(made) == ["done", "done"]
    assert playing.desk.view(ACCOUNT, made).reason == "done"
    (snoop,) = playing.stage.asked("channels.snoopChannelWithId")
    assert (snoop["spy"], snoop["whisper"]) == ("none", "in")
    asked = playing.stage.asked("channels.playWithId")
    assert [(each["channelId"], each["media"]) for each in asked] == [
        (snoop["snoopId"], ["sound:one"]),
        (snoop["snoopId"], ["sound:two"]),
    ]
    assert playing.told == ["PlaybackStarted", *["PlaybackItem"] * 4, "PlaybackEnded"]
    await playing.stage.until(lambda: list(playing.stage.fake.world.channels) == [playing.call.caller.id])
    assert not playing.stage.registry.helpers
    assert not playing.stage.registry.waiters
    with pytest.raises(PlaybackOver):
        await playing.desk.change(ACCOUNT, made, "pause")


async def test_what_cannot_be_spoken_or_found_is_left_out(playing: Playing) -> None:
    async def speech(text: str, _engine: str, _voice: str | None) -> AsyncIterator[str]:
        yield "sound:first-sentence"
        if text == "fails":
            raise SynthesisFailed("it fails")

    playing.stage.registry.speech = speech
    request = PlaybackRequest(items=(Item(text="fails"), Item(text="works")))
    made = await playing.desk.start(ACCOUNT, request, call=playing.call.id)
    assert await playing.states(made) == ["failed", "done"]
    assert [item.error for item in playing.desk.view(ACCOUNT, made).items] == ["it fails", ""]
    assert playing.played == ["sound:first-sentence"] * 2


async def test_a_pause_holds_what_is_played_and_what_is_next(playing: Playing) -> None:
    playing.stage.fake.world.media_seconds = 1000.0
    made = await playing.start("sound:one", "sound:two")
    await playing.stage.until(lambda: playing.played == ["sound:one"])
    await playing.desk.change(ACCOUNT, made, "pause")
    await playing.desk.change(ACCOUNT, made, "pause")
    assert playing.desk.view(ACCOUNT, made).state == "paused"
    await playing.stage.until(lambda: playing.stage.asked("playbacks.control"))
    await playing.desk.change(ACCOUNT, made, "skip")
    await playing.stage.until(lambda: playing.desk.view(ACCOUNT, made).items[1].state == "playing")
    assert playing.played == ["sound:one"]
    await playing.desk.change(ACCOUNT, made, "resume")
    await playing.stage.until(lambda: playing.played == ["sound:one", "sound:two"])
    assert [each["operation"] for each in playing.stage.asked("playbacks.control")] == ["pause"]
    playing.desk.stop(ACCOUNT, made)
    assert await playing.states(made) == ["stopped", "stopped"]
    assert playing.told[-1] == "PlaybackEnded"
    await playing.stage.until(lambda: not playing.stage.fake.world.playbacks)


async def test_a_key_ends_it_where_it_may(playing: Playing) -> None:
    playing.stage.fake.world.media_seconds = 1000.0
    first = await playing.start("sound:one", barge_in=BargeIn.DIGIT)
    second = await playing.start("sound:one")
    for made in (first, second):
        await playing.until(made, "active")
    playing.stage.fake.dtmf(playing.call.caller.id, "5")
    assert (await playing.until(first, "ended")).reason == "barge-in: digit"
    assert not playing.stage.registry.on_digits
    assert playing.desk.view(ACCOUNT, second).state == "active"
    playing.stage.fake.hangup_from_far_end(playing.call.caller.id)
    assert (await playing.until(second, "ended")).reason == "call: it has ended"
    await playing.stage.nothing_left()


async def test_no_more_than_a_few(playing: Playing) -> None:
    playing.stage.fake.world.media_seconds = 1000.0
    for _ in range(PER_CALL):
        made = await playing.start("sound:one")
    with pytest.raises(TooMany):
        await playing.start("sound:one")
    with pytest.raises(TooMany):
        await playing.desk.change(ACCOUNT, made, "add", [Item(media="sound:one")] * ITEMS)
