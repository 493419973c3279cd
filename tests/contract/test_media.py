"""Playbacks, recordings and snoops; and what a playback holds up."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from ari_app.ari.errors import BadRequest, Conflict, Gone, ServerFault, TimedOut, Unprocessable
from ari_app.ari.http import HttpOptions
from ari_app.ari.node import Node
from tests.contract.sides import APP, Ear, Side, fresh, node_for
from tests.contract.test_bridges import bridge, caller
from tests.harness.patience import PATIENCE


async def test_a_sound(asterisk: Side, node: Node, ear: Ear) -> None:
    channel, playback = await caller(asterisk, ear), fresh("play")
    answer = await node.channels.playWithId(channel, playback, media="sound:beep")
    assert (answer.id, answer.target_uri) == (playback, f"channel:{channel}")
    assert answer.state in ("queued", "playing")
    started = await ear.until("PlaybackStarted")
    assert (started.playback.id, started.playback.media_uri) == (playback, "sound:beep")
    finished = await ear.until("PlaybackFinished")
    assert (finished.playback.id, finished.playback.state) == (playback, "done")
    assert node.snapshot.playbacks == {}


async def test_several_sounds_in_one_playback(asterisk: Side, node: Node, ear: Ear) -> None:
    channel, playback = await caller(asterisk, ear), fresh("play")
    await node.channels.playWithId(channel, playback, media=["sound:no-such-sound", "sound:beep"])
    await ear.until("PlaybackFinished")
    told = [(e.type, e.playback.media_uri) for e in ear.events if e.type.startswith("Playback")]
    assert told == [
        ("PlaybackStarted", "sound:no-such-sound"),
        ("PlaybackContinuing", "sound:no-such-sound"),
        ("PlaybackStarted", "sound:beep"),
        ("PlaybackFinished", "sound:beep"),
    ]


async def test_a_missing_sound_is_accepted_and_fails(asterisk: Side, node: Node, ear: Ear) -> None:
    channel = await caller(asterisk, ear)
    await node.channels.playWithId(channel, fresh("play"), media="sound:no-such-sound")
    assert (await ear.until("PlaybackFinished")).playback.state == "failed"


async def test_an_unknown_kind_of_media_is_accepted_and_never_finished(asterisk: Side, node: Node, ear: Ear) -> None:
    channel = await caller(asterisk, ear)
    await node.channels.playWithId(channel, "odd", media="nonsense:x")
    await node.channels.playWithId(channel, "after", media="sound:beep")
    assert (await ear.until("PlaybackFinished")).playback.id == "after"


async def test_playbacks_wait_for_each_other(asterisk: Side, node: Node, ear: Ear) -> None:
    channel = await caller(asterisk, ear)
    first, second = fresh("play"), fresh("play")
    await node.channels.playWithId(channel, first, media="sound:beep")
    await node.channels.playWithId(channel, second, media="sound:beep")
    await ear.until("PlaybackFinished", count=2)
    told = [(e.type, e.playback.id) for e in ear.events if e.type.startswith("Playback")]
    assert told == [
        ("PlaybackStarted", first),
        ("PlaybackFinished", first),
        ("PlaybackStarted", second),
        ("PlaybackFinished", second),
    ]


async def test_stop(asterisk: Side, node: Node, ear: Ear) -> None:
    channel, playback = await caller(asterisk, ear), fresh("play")
    await node.channels.playWithId(channel, playback, media="tone:ring")
    await ear.until("PlaybackStarted")
    assert (await node.playbacks.get(playback)).state == "playing"
    with pytest.raises(BadRequest, match="Invalid operation nonsense"):
        await node.playbacks.control(playback, operation="nonsense")
    await node.playbacks.stop(playback)
    assert (await ear.until("PlaybackFinished")).playback.state == "done"
    await ear.silence()
    await gone(node, playback)


async def gone(node: Node, playback: str) -> None:
    """Wait until it is not there any more: it is told of a moment before it is forgotten."""
    async with asyncio.timeout(PATIENCE):
        with suppress(Gone):
            while (await node.playbacks.get(playback)).state == "done":
                await asyncio.sleep(0.02)


async def test_a_hang_up_fails_the_playback_first(asterisk: Side, node: Node, ear: Ear) -> None:
    channel = await caller(asterisk, ear)
    await node.channels.playWithId(channel, fresh("play"), media="tone:ring")
    await ear.until("PlaybackStarted")
    await node.channels.hangup(channel)
    await ear.until("StasisEnd", channel)
    assert (await ear.until("PlaybackFinished")).playback.state == "failed"
    ending = [e.type for e in ear.events][-3:]
    assert ending == ["ChannelHangupRequest", "PlaybackFinished", "StasisEnd"]


async def test_synchronous_commands_wait_behind_a_playback(asterisk: Side, node: Node, ear: Ear) -> None:
    channel, room, playback = await caller(asterisk, ear), await bridge(node), fresh("play")
    await node.channels.playWithId(channel, playback, media="tone:ring")
    await ear.until("PlaybackStarted")
    options = HttpOptions(base_url=asterisk.url, user=asterisk.user, password=asterisk.password, timeout=2)
    hasty = node_for(asterisk, http=options)
    with pytest.raises(TimedOut):
        await hasty.bridges.addChannel(room, channel=channel)
    assert "ChannelEnteredBridge" not in ear.of(channel)
    await node.playbacks.stop(playback)
    # nobody waits for the answer any more, and yet it is carried out
    await ear.until("ChannelEnteredBridge", channel)
    await hasty.close()


async def test_a_bridge_plays_to_those_who_hear_of_it(asterisk: Side, node: Node, ear: Ear) -> None:
    channel, room, playback = await caller(asterisk, ear), await bridge(node), fresh("play")
    await node.bridges.addChannel(room, channel=channel)
    answer = await node.bridges.playWithId(room, playback, media="sound:beep")
    assert answer.target_uri == f"bridge:{room}"
    assert (await ear.until("PlaybackStarted")).playback.id == playback
    assert (await ear.until("PlaybackFinished")).playback.state == "done"


async def test_record_and_stop(asterisk: Side, node: Node, ear: Ear) -> None:
    channel, name = await caller(asterisk, ear), fresh("rec")
    answer = await node.channels.record(channel, name=name, format="wav")
    assert (answer.name, answer.target_uri) == (name, f"channel:{channel}")
    await ear.until("RecordingStarted")
    assert (await node.recordings.getLive(name)).state == "recording"
    with pytest.raises(Conflict, match="already exists and can not be overwritten"):
        await node.channels.record(channel, name=name, format="wav")
    with pytest.raises(Conflict, match="currently recording"):
        await node.bridges.addChannel(await bridge(node), channel=channel)
    await node.recordings.stop(name)
    finished = await ear.until("RecordingFinished")
    assert (finished.recording.state, finished.recording.duration) == ("done", 0)
    assert (await node.recordings.getStored(name)).format == "wav"
    assert (await node.recordings.getStoredFile(name)).startswith(b"RIFF")
    with pytest.raises(Gone):
        await node.recordings.stop(name)
    with pytest.raises(Conflict, match="already exists"):
        await node.channels.record(channel, name=name, format="wav")
    await node.recordings.copyStored(name, destinationRecordingName=f"{name}-copy")
    await node.recordings.deleteStored(name)
    with pytest.raises(Gone, match="Recording not found"):
        await node.recordings.getStoredFile(name)
    assert [r.name for r in await node.recordings.listStored()] == [f"{name}-copy"]
    assert node.snapshot.recordings == {}


async def test_recording_into_a_folder_and_cancel(asterisk: Side, node: Node, ear: Ear) -> None:
    channel = await caller(asterisk, ear)
    for _ in range(10):
        name = "year/month/" + fresh("rec")
        await node.channels.record(channel, name=name, format="wav")
        await ear.until("RecordingStarted", where=lambda e, name=name: e.recording.name == name)
        try:
            await node.recordings.cancel(name)
        except (ServerFault, Gone):  # now and then one ends by itself as soon as it has begun (Asterisk 22.10.1)
            continue
        break
    await ear.until("RecordingFinished", where=lambda e: e.recording.name == name)
    with pytest.raises(Gone):
        await node.recordings.getStored(name)


async def test_what_recording_refuses(asterisk: Side, node: Node, ear: Ear) -> None:
    channel = await caller(asterisk, ear)
    with pytest.raises(Unprocessable, match="format is unknown"):
        await node.channels.record(channel, name="x", format="nonsense")
    with pytest.raises(BadRequest, match="terminateOn invalid"):
        await node.channels.record(channel, name="x", format="wav", terminateOn="nonsense")
    with pytest.raises(BadRequest, match="ifExists invalid"):
        await node.channels.record(channel, name="x", format="wav", ifExists="nonsense")
    with pytest.raises(ServerFault):
        await node.channels.record(channel, name="../x", format="wav")


async def test_a_bridge_is_recorded_until_the_last_channel_leaves(asterisk: Side, node: Node, ear: Ear) -> None:
    first, second = await caller(asterisk, ear), await caller(asterisk, ear)
    room, name = await bridge(node), fresh("rec")
    await node.bridges.addChannel(room, channel=[first, second])
    await node.bridges.record(room, name=name, format="wav")
    await ear.until("RecordingStarted")
    await node.bridges.removeChannel(room, channel=first)
    assert (await node.recordings.getLive(name)).state == "recording"
    await node.bridges.removeChannel(room, channel=second)
    await ear.until("ChannelLeftBridge", second)
    await stored(node, name)  # RecordingFinished may come or not: the application is being unsubscribed from the bridge


async def stored(node: Node, name: str) -> None:
    """Wait until there is a recording of that name."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(Gone):
                assert (await node.recordings.getStored(name)).name == name
                return
            await asyncio.sleep(0.02)


async def test_a_bridge_recording_is_stopped(asterisk: Side, node: Node, ear: Ear) -> None:
    channel, room, name = await caller(asterisk, ear), await bridge(node), fresh("rec")
    await node.bridges.addChannel(room, channel=channel)
    await node.bridges.record(room, name=name, format="wav")
    await ear.until("RecordingStarted")
    await node.recordings.stop(name)
    assert (await ear.until("RecordingFinished")).recording.state == "done"


async def test_a_recording_ends_with_its_bridge_and_perhaps_nobody_tells(asterisk: Side, node: Node, ear: Ear) -> None:
    channel, room, name = await caller(asterisk, ear), await bridge(node), fresh("rec")
    await node.bridges.addChannel(room, channel=channel)
    await node.bridges.record(room, name=name, format="wav")
    await ear.until("RecordingStarted")
    await node.bridges.destroy(room)
    await ear.until("ChannelLeftBridge", channel)
    await ear.silence()
    await stored(node, name)
    assert node.snapshot.recordings == {}


async def test_a_channel_in_a_bridge_cannot_be_recorded(asterisk: Side, node: Node, ear: Ear) -> None:
    channel, room = await caller(asterisk, ear), await bridge(node)
    await node.bridges.addChannel(room, channel=channel)
    await node.channels.record(channel, name=fresh("rec"), format="wav")
    assert "in bridge" in (await ear.until("RecordingFailed")).recording.cause


async def test_a_dialled_channel_cannot_be_recorded(node: Node, ear: Ear) -> None:
    """Asterisk keeps it in a bridge of its own after the dial (issue 2044 of Asterisk), also when it is answered."""
    channel = fresh("leg")
    await node.channels.create(endpoint="Local/answer@contract", app=APP, channelId=channel)
    await ear.until("StasisStart", channel)
    await node.channels.dial(channel)
    await ear.until("ChannelStateChange", channel, where=lambda e: e.channel.state == "Up")
    await node.channels.record(channel, name=fresh("rec"), format="wav")
    assert (await ear.until("RecordingFailed")).recording.state == "failed"


async def test_snoop(asterisk: Side, node: Node, ear: Ear) -> None:
    channel, spy = await caller(asterisk, ear), fresh("spy")
    made = await node.channels.snoopChannelWithId(channel, spy, app=APP, appArgs="spy,1", spy="both", whisper="out")
    assert made.name.startswith("Snoop/")
    start = await ear.until("StasisStart", spy)
    assert (start.args, start.channel.state) == (["spy", "1"], "Up")
    with pytest.raises(ServerFault, match="Snoop channel could not be created"):
        await node.channels.snoopChannelWithId(channel, spy, app=APP, spy="both")
    await node.channels.hangup(spy)
    await ear.until("StasisEnd", spy)
    await ear.silence()
    assert ear.of(spy) == ["StasisStart", "ChannelHangupRequest", "StasisEnd"]
    assert spy not in node.snapshot.channels


async def test_a_snoop_ends_with_its_channel_and_only_says_stasis_end(asterisk: Side, node: Node, ear: Ear) -> None:
    channel, spy, name = await caller(asterisk, ear), fresh("spy"), fresh("rec")
    await node.channels.snoopChannelWithId(channel, spy, app=APP, spy="both")
    await ear.until("StasisStart", spy)
    await node.channels.record(spy, name=name, format="wav")
    await ear.until("RecordingStarted")
    await asterisk.far_hangup(channel, 16)
    await ear.until("StasisEnd", spy)
    await ear.silence()
    assert ear.of(spy) == ["StasisStart", "StasisEnd"]
    assert (await node.recordings.getStored(name)).name == name


async def test_what_snooping_refuses(asterisk: Side, node: Node, ear: Ear) -> None:
    channel = await caller(asterisk, ear)
    with pytest.raises(BadRequest, match="Invalid direction specified for spy"):
        await node.channels.snoopChannel(channel, app=APP, spy="sideways")
    with pytest.raises(BadRequest, match="Direction must be specified"):
        await node.channels.snoopChannel(channel, app=APP)


async def test_several_snoops_at_once(asterisk: Side, node: Node, ear: Ear) -> None:
    channel = await caller(asterisk, ear)
    spies = [fresh("spy") for _ in range(3)]
    await asyncio.gather(*(node.channels.snoopChannelWithId(channel, s, app=APP, spy="in") for s in spies))
    for spy in spies:
        await ear.until("StasisStart", spy)
    await node.channels.hangup(channel)
    for spy in spies:
        await ear.until("StasisEnd", spy)
