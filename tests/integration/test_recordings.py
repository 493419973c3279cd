"""Recordings of a real Asterisk as files of ours: whatever dies in between, what was said is heard in the end."""

from __future__ import annotations

import asyncio
import hashlib
import io
import subprocess
import wave
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.harness import audio
from tests.harness.patience import PATIENCE
from tests.harness.phones import Phone, PhoneBox, never_answers
from tests.harness.s3 import S3Server
from tests.integration.server import ContactCentre, contact_centre
from tests.integration.waiting import until

CALLER, AGENT, SECRET = 440, 660, 1000


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    async with contact_centre(tmp_path, start_asterisk, world, LOG_LEVEL="debug") as made:
        yield made


async def talking(centre: ContactCentre) -> tuple[Phone, Phone]:
    """A caller and an agent who hear each other, and are recorded."""
    await centre.queue(recordingFormat="wav", recordingMode="afteranswered")
    await centre.agent("1001", never_answers())
    caller = await centre.world.call("500", centre.pbx, tone=CALLER)
    phone = await centre.phones["1001"].next_call()
    await phone.ringing.wait()
    await phone.answer()
    await phone.listen()
    await phone.play_tone(AGENT)
    await asyncio.gather(phone.wait_tones(CALLER), caller.wait_tones(AGENT))
    await centre.server.logged("RecordingStarted")
    await asyncio.sleep(1.5)  # of conversation
    return caller, phone


async def heard(centre: ContactCentre, recording: dict[str, Any]) -> audio.Samples:
    """The file of a recording, as REST gives it, and as the record describes it."""
    status, file = await centre.server.download(f"/x/recording/{recording['id']}/file")
    assert status == 200
    assert (len(file), hashlib.sha256(file).hexdigest()) == (recording["size"], recording["checksum"])
    assert Path(recording["path"]).read_bytes() == file
    with wave.open(io.BytesIO(file)) as opened:
        assert (opened.getframerate(), opened.getnchannels()) == (audio.RATE, 1)
        assert opened.getnframes() / audio.RATE == pytest.approx(recording["duration"], abs=0.001)
        return audio.from_pcm(opened.readframes(opened.getnframes()))


def both_speak(samples: audio.Samples) -> None:
    """More than a second, and at its end both are heard."""
    assert len(samples) > audio.RATE
    assert audio.together(samples[-2 * audio.RATE :], CALLER, AGENT)


async def stored_in_asterisk(centre: ContactCentre) -> list[str]:
    return [str(one["name"]) for one in await centre.pbx.ari.get("/recordings/stored")]


async def test_a_conversation_is_fetched_given_out_and_deleted(centre: ContactCentre) -> None:
    caller, _ = await talking(centre)
    going_on = await centre.server.until_recording("recording")
    assert (await centre.server.download(f"/x/recording/{going_on['id']}/file"))[0] == 404
    await caller.hang_up()
    recording = await centre.server.until_recording("stored")
    both_speak(await heard(centre, recording))
    (call,) = centre.server.rows("SELECT * FROM calls")
    legs = {row["role"]: row["id"] for row in centre.server.rows("SELECT * FROM legs")}
    about = [recording[name] for name in ("call", "uniqueId", "kind", "queue", "agent", "format")]
    assert about == [call["id"], legs["agent"], "queue", "500", centre.agents["1001"], "wav"]
    for query in ({"call": call["id"]}, {"call_unique_id": legs["caller"]}):
        assert await centre.server.request("GET", "/call_recordings", query) == [recording["path"]]
    path = f"/x/recording/{recording['id']}"
    assert await centre.server.download(f"{path}/file", Range="bytes=0-3") == (206, b"RIFF")
    # what is safe here is not kept there
    await until(lambda: stored_in_asterisk(centre), lambda stored: not stored)
    assert await centre.server.request("DELETE", path) is None
    gone = await centre.server.until_recording("deleted")
    assert gone["deletedBy"].startswith("key ")
    assert not Path(recording["path"]).exists()
    assert (await centre.server.download(f"{path}/file"))[0] == 404


async def test_what_ended_while_we_were_dead_is_found_at_the_start(centre: ContactCentre) -> None:
    caller, phone = await talking(centre)
    await centre.server.kill()
    await asyncio.gather(caller.hang_up(), phone.hang_up())
    await asyncio.gather(caller.ended.wait(), phone.ended.wait())
    await centre.server.start()
    recording = await centre.server.until_recording("stored")
    both_speak(await heard(centre, recording))
    assert recording["endTime"] is not None
    await centre.idle()


async def test_what_asterisk_did_not_close_is_mended(centre: ContactCentre) -> None:
    await talking(centre)
    await asyncio.sleep(4)  # Asterisk writes 32 KiB at a time, which is two seconds
    await centre.pbx.kill()
    await centre.pbx.start_again()
    recording = await centre.server.until_recording("stored", within=60)
    samples = await heard(centre, recording)
    assert len(samples) > audio.RATE
    assert audio.together(samples, CALLER, AGENT)


async def test_where_there_is_no_room_files_wait_in_asterisk(centre: ContactCentre) -> None:
    await centre.server.stop()
    centre.server.environment["RECORDINGS_MIN_FREE_MB"] = str(2**40)
    await centre.server.start()
    caller, _ = await talking(centre)
    await caller.hang_up()
    await centre.server.logged("recording not fetched yet")
    waiting = await centre.server.until_recording("ended")
    assert "bytes are free" in waiting["error"]
    assert (await stored_in_asterisk(centre)) == [waiting["id"]]
    status, health = await centre.server.get_json("/health")
    assert (status, health["status"]) == (200, "degraded")
    assert "recordings stay in Asterisk" in health["checks"]["recordings"]
    await centre.server.stop()
    centre.server.environment["RECORDINGS_MIN_FREE_MB"] = "0"
    await centre.server.start()
    recording = await centre.server.until_recording("stored")
    assert recording["error"] is None
    both_speak(await heard(centre, recording))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of 64 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], check=False).returncode:
        pytest.skip("no disk can be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


async def test_a_disk_that_is_full_in_the_middle_of_a_file(centre: ContactCentre, small_disk: Path) -> None:
    server = centre.server
    await server.stop()
    server.environment |= {"RECORDINGS_DIR": str(small_disk), "RECORDINGS_MIN_FREE_MB": "0"}
    await server.start()
    caller, phone = await talking(centre)
    await asyncio.sleep(4)  # of conversation: 16 KB a second
    await phone.hang_up()
    await server.logged("recording not fetched yet")
    await caller.ended.wait()
    waiting = await server.until_recording("ended")
    assert "No space left" in waiting["error"]
    assert await stored_in_asterisk(centre) == [waiting["id"]]
    assert (await server.get_json("/health"))[1]["status"] == "degraded"
    assert (await server.live())["recordings_delayed"] == 1
    assert [path for path in small_disk.rglob("*") if path.is_file()] == []
    again = await centre.world.call("500", centre.pbx, tone=CALLER)  # meanwhile calls are as ever
    phone = await centre.phones["1001"].next_call()
    await phone.ringing.wait()
    await again.hang_up()
    subprocess.run(["mount", "-o", "remount,size=8m", small_disk], check=True)
    recording = await server.until_recording("stored", within=60)
    both_speak(await heard(centre, recording))
    await until(server.live, lambda live: not live["recordings_delayed"])
    await until(lambda: stored_in_asterisk(centre), lambda stored: not stored)


async def test_a_person_records_stops_and_throws_away(centre: ContactCentre) -> None:
    server = centre.server

    async def act(action: str) -> int:
        return (await server.attempt("POST", "/call_recording_action", extension="1001", action=action))[0]

    await centre.queue()
    await centre.agent("1001", never_answers())
    assert await act("start") == 400  # he is on no call
    caller = await centre.world.call("500", centre.pbx, tone=CALLER)
    phone = await centre.phones["1001"].next_call()
    await phone.ringing.wait()
    await phone.answer()
    await phone.listen()
    await phone.play_tone(AGENT)
    await asyncio.gather(phone.wait_tones(CALLER), caller.wait_tones(AGENT))
    assert [await act(action) for action in ("stop", "start", "start")] == [400, 200, 200]
    await asyncio.sleep(1)
    await server.kill()
    await server.start()
    await asyncio.sleep(0.5)
    assert [await act(action) for action in ("stop", "stop")] == [200, 400]
    recording = await server.until_recording("stored")
    both_speak(await heard(centre, recording))
    assert (recording["kind"], recording["agent"]) == ("on_demand", centre.agents["1001"])
    assert [await act(action) for action in ("start", "cancel")] == [200, 200]
    (cancelled,) = await server.request("GET", "/x/recordings", {"state": "cancelled"})
    assert (cancelled["path"], cancelled["size"]) == (None, None)
    await asyncio.gather(phone.wait_tones(CALLER), caller.wait_tones(AGENT))  # nobody was disturbed by it
    await caller.hang_up()
    await centre.idle()
    assert await stored_in_asterisk(centre) == []


async def of_sound(centre: ContactCentre, recording: dict[str, Any], query: str) -> audio.Samples:
    """A recording as REST converts it: frames and channels."""
    status, file = await centre.server.download(f"/x/recording/{recording['id']}/file?{query}")
    assert status == 200
    samples, rate = soundfile.read(io.BytesIO(file), always_2d=True)
    assert rate == audio.RATE
    return np.asarray(samples)


async def stored(centre: ContactCentre, kind: str, number: int) -> dict[str, dict[str, Any]]:
    """How its name begins -> a recording that is stored, when there are so many."""
    found = await until(
        lambda: centre.server.request("GET", "/x/recordings", {"kind": kind, "state": "stored"}),
        lambda found: len(found) == number,
    )
    return {one["id"].partition("-")[0]: one for one in found}


async def test_both_sides_are_left_and_right_and_what_is_paused_is_left_out(centre: ContactCentre) -> None:
    async def act(action: str, **more: str) -> None:
        await centre.server.request("POST", "/call_recording_action", extension="1001", action=action, **more)

    caller, phone = await talking(centre)
    await act("start", sides="separate")
    await asyncio.sleep(2)
    await act("stop")
    sides = await stored(centre, "on_demand", 2)
    samples = await of_sound(centre, sides["says"], f"format=mp3&right={sides['hears']['id']}")
    assert len(samples) > audio.RATE
    for channel, tone, other in ((0, AGENT, CALLER), (1, CALLER, AGENT)):
        assert audio.together(samples[:, channel], tone)
        assert audio.mean_level(samples[:, channel], other) < audio.HEARD

    await act("start")
    await asyncio.sleep(1)
    await act("pause")
    await caller.play_tone(SECRET)
    await phone.wait_tones(SECRET)
    await caller.play_tone(CALLER)
    await phone.wait_tones(CALLER, absent=(SECRET,))
    await asyncio.sleep(1.5)  # of what Asterisk has still to record
    await act("resume")
    await asyncio.sleep(1)
    await caller.hang_up()
    by_a_person, by_the_queue = await stored(centre, "on_demand", 3), await stored(centre, "queue", 1)
    for recording in (by_a_person["demand"], by_the_queue["rec"]):
        heard = (await of_sound(centre, recording, "format=wav"))[:, 0]
        assert audio.together(heard[-2 * audio.RATE :], CALLER)
        assert all(audio.level(hop, SECRET) < audio.NOT_HEARD for hop in audio.hops(heard, 0.2, 0.1))
    await centre.idle()


async def test_one_recording_of_several_is_paused_and_ended_by_its_id(centre: ContactCentre) -> None:
    async def change(recording: dict[str, Any], action: str) -> int:
        path = f"/x/recording/{recording['id']}/action"
        return (await centre.server.attempt("POST", path, action=action))[0]

    caller, phone = await talking(centre)
    await centre.server.request("POST", "/call_recording_action", extension="1001", action="start", sides="separate")
    found = await centre.server.request("GET", "/x/recordings", {"state": "recording"})
    says, hears, queue = (next(one for one in found if one["id"].startswith(name)) for name in ("says", "hears", "rec"))
    assert await change(queue, "pause") == 200
    await caller.play_tone(SECRET)
    await phone.wait_tones(SECRET)
    assert [await change(says, action) for action in ("cancel", "stop", "pause")] == [200, 400, 400]
    await asyncio.sleep(1)  # of what he hears
    assert await change(hears, "stop") == 200
    heard = (await stored(centre, "on_demand", 1))["hears"]
    assert heard["id"] == hears["id"]
    assert audio.together((await of_sound(centre, heard, "format=wav"))[-audio.RATE // 2 :, 0], SECRET)
    await caller.play_tone(CALLER)
    await phone.wait_tones(CALLER, absent=(SECRET,))
    await asyncio.sleep(1.5)  # of what Asterisk has still to record
    assert [await change(queue, action) for action in ("resume", "resume")] == [200, 200]
    await asyncio.sleep(1)
    await caller.hang_up()
    by_the_queue = (await stored(centre, "queue", 1))["rec"]
    samples = (await of_sound(centre, by_the_queue, "format=wav"))[:, 0]
    assert all(audio.level(hop, SECRET) < audio.NOT_HEARD for hop in audio.hops(samples, 0.2, 0.1))
    assert await change(queue, "pause") == 400
    await centre.idle()


async def test_what_the_queue_records_is_ended_by_its_id_and_not_begun_again(centre: ContactCentre) -> None:
    """Nor by a server that is killed and takes up the call."""
    caller, phone = await talking(centre)
    server = centre.server
    going_on = await server.until_recording("recording")
    await server.request("POST", f"/x/recording/{going_on['id']}/action", action="stop")
    recording = await server.until_recording("stored")  # while the call goes on
    assert recording["id"] == going_on["id"]
    both_speak(await heard(centre, recording))
    await caller.play_tone(SECRET)
    await phone.wait_tones(SECRET)
    await server.kill()
    await server.start()
    await centre.until_status("1001", "onCall")
    await phone.wait_tones(SECRET)
    assert await server.request("GET", "/x/recordings", {"state": "recording"}) == []
    await caller.hang_up()
    await centre.until_status("1001", "available")
    assert [one["id"] for one in await server.request("GET", "/x/recordings")] == [recording["id"]]
    samples = await heard(centre, recording)
    assert all(audio.level(hop, SECRET) < audio.NOT_HEARD for hop in audio.hops(samples, 0.2, 0.1))
    await centre.idle()


async def test_a_storage_elsewhere_gets_what_was_recorded_while_it_was_away(centre: ContactCentre) -> None:
    server, storage = centre.server, S3Server()
    await server.stop()
    server.environment |= storage.environment
    await server.start()
    caller, _ = await talking(centre)
    await caller.hang_up()
    here = await server.until_recording("stored")
    await server.logged("recording not uploaded yet")
    both_speak(await heard(centre, here))
    await server.kill()
    try:
        await storage.start()
        await server.start()
        await server.logged("recording uploaded")
        there = await server.until_recording("stored")
        assert (there["storage"], there["checksum"]) == ("s3", here["checksum"])
        assert there["path"].startswith("s3://recordings/centre/1/")
        path = f"/x/recording/{there['id']}"
        status, file = await server.download(f"{path}/file")
        assert (status, hashlib.sha256(file).hexdigest()) == (200, here["checksum"])
        assert await server.download(f"{path}/file", Range="bytes=8-11") == (206, b"WAVE")
        assert await server.request("GET", "/call_recordings", {"call": there["call"]}) == [there["path"]]
        assert await server.request("DELETE", path) is None
        assert (await server.download(f"{path}/file"))[0] == 404
    finally:
        await storage.stop()
    async with asyncio.timeout(PATIENCE):
        while Path(here["path"]).exists():
            await asyncio.sleep(0.05)
