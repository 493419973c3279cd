"""Playing: until it has been heard, or the leg is gone, or the one who plays is cancelled."""

from __future__ import annotations

import asyncio

import pytest

from ari_app.calls.call import Call
from ari_app.calls.leg import LegGone
from ari_app.calls.verbs import play as verb
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.play import BadMedia, play, uri_of
from ari_app.errors import AppError
from tests.unit.calls.stage import Stage


async def test_played_to_the_end(stage: Stage) -> None:
    call, channel = await stage.incoming()
    await answer(call.caller)
    assert await play(call.caller, ["sound:hello-world", "digits:123"], language="de") is True
    (asked,) = stage.asked("channels.playWithId")
    assert (asked["media"], asked["lang"]) == (["sound:hello-world", "digits:123"], "de")
    assert asked["playbackId"].startswith("play-")
    stage.fake.hangup_from_far_end(channel)
    await stage.nothing_left()


async def test_the_end_comes_before_the_answer(stage: Stage) -> None:
    stage.fake.world.media_seconds = 0.0
    stage.fake.faults.delay("channels.playWithId", 0.1)
    call, _ = await stage.incoming()
    assert await play(call.caller, ["sound:beep"]) is True


async def test_what_cannot_be_played(stage: Stage) -> None:
    """Asterisk takes the order, and says so at the end."""
    stage.fake.world.missing_media.add("sound:no-such-sound")
    call, _ = await stage.incoming()
    assert await play(call.caller, ["sound:no-such-sound"]) is False


@pytest.mark.parametrize("uri", ["beep", "ftp://x/y", "HTTP://x/y", ""])
async def test_media_of_another_kind(stage: Stage, uri: str) -> None:
    """Asterisk would take it and never tell its end."""
    call, _ = await stage.incoming()
    with pytest.raises(BadMedia):
        await play(call.caller, ["sound:beep", uri])
    assert "channels.playWithId" not in stage.asked()
    assert not stage.registry.waiters


async def test_the_caller_goes_while_he_listens(stage: Stage) -> None:
    stage.fake.world.media_seconds = 1000.0
    call, channel = await stage.incoming()
    playing = asyncio.create_task(play(call.caller, ["sound:long"]))
    await stage.until(lambda: stage.fake.world.playbacks)
    lost = stage.fake.hold("PlaybackFinished")
    stage.fake.hangup_from_far_end(channel)
    with pytest.raises(LegGone):
        await playing
    lost.events.clear()
    await stage.nothing_left()


async def test_cancelled_it_falls_silent(stage: Stage) -> None:
    stage.fake.world.media_seconds = 1000.0
    call, channel = await stage.incoming()
    playing = asyncio.create_task(play(call.caller, ["tone:ring"]))
    await stage.until(lambda: stage.fake.world.playbacks)
    playing.cancel()
    await stage.until(lambda: not stage.fake.world.playbacks)
    assert not channel.ended
    assert not stage.registry.waiters


async def test_several_at_once_have_each_its_end(stage: Stage) -> None:
    call, _ = await stage.incoming()
    assert await asyncio.gather(*(play(call.caller, [f"digits:{n}"]) for n in range(3))) == [True, True, True]
    assert not stage.registry.waiters
    await stage.until(lambda: not call.caller.waiters)


async def test_the_end_is_found_out_after_the_events_were_cut(stage: Stage) -> None:
    stage.fake.world.media_seconds = 1000.0
    call, _ = await stage.incoming()
    playing = asyncio.create_task(play(call.caller, ["sound:beep"]))
    await stage.until(lambda: stage.node.snapshot.playbacks)
    stage.fake.drop_socket()
    (playback,) = stage.fake.world.playbacks.values()
    playback.job.end(False)
    assert await playing is True


async def test_a_process_that_ends_lets_it_play_on(stage: Stage) -> None:
    stage.fake.world.media_seconds = 1000.0

    async def plan(call: Call) -> None:
        await play(call.caller, ["sound:long"])

    call, _ = await stage.incoming(plan)
    await stage.until(lambda: stage.fake.world.playbacks)
    call.detach()
    await stage.until(lambda: call._main is not None and call._main.done())
    await stage.quiet()
    assert stage.fake.world.playbacks


class Sounds:
    """What the application finds for a URI, or not."""

    def __init__(self, found: dict[str, str]) -> None:
        self.found = found
        self.asked: list[tuple[int, str, str]] = []

    async def __call__(self, account: int, uri: str, language: str) -> str:
        self.asked.append((account, uri, language))
        if uri.endswith("/never"):
            await asyncio.Event().wait()
        if uri not in self.found:
            raise AppError("answered 404")
        return self.found[uri]


async def test_what_is_found_elsewhere_is_played(stage: Stage) -> None:
    call, _ = await stage.incoming()
    sounds = stage.registry.sound = Sounds({"https://example.org/a.mp3": "sound:http://us/a", "sound:b": "sound:b"})
    assert await play(call.caller, ["https://example.org/a.mp3", "sound:b"], language="de") is True
    (asked,) = stage.asked("channels.playWithId")
    assert asked["media"] == ["sound:http://us/a", "sound:b"]
    assert sounds.asked[0] == (call.account, "https://example.org/a.mp3", "de")


async def test_what_cannot_be_had_is_left_out(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verb, "FIND_LIMIT", 0.05)
    call, _ = await stage.incoming()
    stage.registry.sound = Sounds({"sound:b": "sound:b"})
    assert await play(call.caller, ["https://example.org/gone", "sound:b", "http://example.org/never"]) is False
    (asked,) = stage.asked("channels.playWithId")
    assert asked["media"] == ["sound:b"]
    stage.registry.sound = Sounds({"file:a": "file:a"})  # Asterisk would never tell its end
    assert await play(call.caller, ["file:gone", "file:a"]) is False
    assert len(stage.asked("channels.playWithId")) == 1


async def test_who_hangs_up_while_a_sound_is_fetched_is_gone(stage: Stage) -> None:
    call, channel = await stage.incoming()
    fetching = asyncio.Event()

    async def slow(account: int, uri: str, language: str) -> str:
        stage.fake.hangup_from_far_end(channel)
        await stage.until(lambda: not call.caller.alive)
        fetching.set()
        return "sound:a"

    stage.registry.sound = slow
    with pytest.raises(LegGone):
        await play(call.caller, ["http://example.org/a"])
    assert fetching.is_set()
    assert stage.asked("channels.playWithId") == []


def test_what_settings_name() -> None:
    names = ("vm-goodbye", "https://example.org/a.mp3", "file:a.ogg")
    assert [uri_of(name) for name in names] == ["sound:vm-goodbye", *names[1:]]
