"""What a queue can be set to, on a real Asterisk with real phones."""

import asyncio
import base64
import contextlib
import io
import json
import time
import wave
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.harness import audio, docker
from tests.harness.ari import AriError
from tests.harness.phones import PhoneBox, never_answers
from tests.integration.server import ContactCentre, contact_centre

CALLER, AGENT = 440, 660
#: dBFS; a silent line is below -60
MUSIC = -45
#: of 1: a prompt that went through a telephone line is more than this like itself, and less like any other
ALIKE = 0.7


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    async with contact_centre(tmp_path, start_asterisk, world, LOG_LEVEL="debug") as made:
        yield made


async def test_nobody_enters_an_empty_queue_and_nobody_stays_in_one(centre: ContactCentre) -> None:
    await centre.queue(joinEmpty="no", leaveEmpty="yes")
    await centre.agent("1001", never_answers())
    await centre.act("pause", "1001")
    refused = await centre.world.call("500", centre.pbx)
    await refused.ended.wait()
    assert (refused.cause, bool(refused.answered)) == (34, False)
    await centre.act("resume", "1001")
    waiting = await centre.world.call("500", centre.pbx)
    phone = await centre.phones["1001"].next_call()
    await phone.ringing.wait()
    paused_at = time.time()  # within the 15 s for which the phone would ring
    await centre.act("pause", "1001")
    ended = await waiting.ended.wait()
    assert ended - paused_at < 8
    assert phone.cancelled_at is not None
    await centre.idle()
    outcomes = [row["outcome"] for row in centre.server.rows("SELECT outcome FROM queue_calls ORDER BY joined_at")]
    assert outcomes == ["empty", "leave_empty"]
    # made over the API with nothing said about it, a queue lets everybody in
    await centre.queue("501")
    await centre.world.call("501", centre.pbx)
    await centre.until_waiting(1, "501")


@pytest.mark.parametrize("wanted", [True, False])
async def test_the_phone_is_asked_to_answer_by_itself(centre: ContactCentre, wanted: bool) -> None:
    """As the phone gets it: the headers of the INVITE."""
    await centre.queue(autoAnswerAcd=wanted)
    await centre.agent("1001", never_answers())
    await centre.world.call("500", centre.pbx)
    phone = await centre.phones["1001"].next_call()
    await phone.ringing.wait()
    headers = {}
    for name in ("Call-Info", "Alert-Info"):
        with contextlib.suppress(AriError):
            read = await centre.world.ari.get(
                f"/channels/{phone.channel}/variable", variable=f"PJSIP_HEADER(read,{name})"
            )
            headers[name] = read["value"]
    expected = {
        "Call-Info": "<sip:localhost>;answer-after=0",
        "Alert-Info": "<http://localhost>;info=alert-autoanswer;delay=0",
    }
    assert {name: value for name, value in headers.items() if value} == (expected if wanted else {})


@pytest.mark.parametrize("mode", ["afteranswered", "includeholdtime"])
async def test_a_recording_has_both_sides_and_outlives_a_crash(centre: ContactCentre, mode: str) -> None:
    await centre.queue(recordingFormat="wav", recordingMode=mode)
    await centre.agent("1001", never_answers())
    caller = await centre.world.call("500", centre.pbx, tone=CALLER)
    phone = await centre.phones["1001"].next_call()
    await caller.answered.wait()
    await caller.speaking.wait()
    await asyncio.sleep(1.5)
    await phone.answer()
    await phone.listen()
    await phone.play_tone(AGENT)
    await asyncio.gather(phone.wait_tones(CALLER), caller.wait_tones(AGENT))
    await centre.server.logged("RecordingStarted")
    await centre.server.kill()
    await asyncio.sleep(1)
    await centre.server.start()
    await asyncio.gather(phone.wait_tones(CALLER), caller.wait_tones(AGENT))
    # without an agent's leg in the way of a recording, and without a recording in the way of the call
    await caller.hang_up()
    ended = await caller.ended.wait()
    await centre.idle()
    (row,) = centre.server.rows("SELECT * FROM recordings")
    (call,) = centre.server.rows("SELECT * FROM calls")
    assert (row["call_id"], row["account_id"], row["format"]) == (call["id"], 1, "wav")
    begun = phone.answered.at if mode == "afteranswered" else caller.answered.at
    assert begun is not None
    assert row["started_at"] == pytest.approx(begun, abs=2)
    assert row["ended_at"] == pytest.approx(ended, abs=2)
    assert row["duration"] == pytest.approx(row["ended_at"] - row["started_at"], abs=1.2)
    assert (await centre.server.until_recording("stored"))["id"] == row["name"]
    _, file = await centre.server.download(f"/x/recording/{row['name']}/file")
    heard = recorded(file)
    assert len(heard) / audio.RATE == pytest.approx(ended - begun, abs=2)
    assert audio.together(heard[-2 * audio.RATE :], CALLER, AGENT)
    began = audio.Heard(heard, 0.0).onset(CALLER)
    assert began is not None
    assert began < 2
    if mode == "includeholdtime":  # the music
        first = audio.Heard(heard, 0.0).between(began + 0.2, began + 1.0)
        assert (first.hears(CALLER), first.hears(AGENT)) == (True, False)


def recorded(file: bytes) -> audio.Samples:
    with wave.open(io.BytesIO(file)) as opened:
        assert (opened.getframerate(), opened.getnchannels()) == (audio.RATE, 1)
        return audio.from_pcm(opened.readframes(opened.getnframes()))


async def test_waiting_callers_are_told_where_they_stand(centre: ContactCentre) -> None:
    await centre.queue(announceFrequency=20, announcePosition="yes", announceHoldTime="yes", agentTimeout=60)
    first = await centre.world.call("500", centre.pbx, caller="1")
    assert await playing(centre, 1, "done") == [["sound:queue-youarenext", "sound:queue-thankyou"]]
    # the music has been interrupted, and goes on
    assert first.ear is not None
    assert likeness(first.heard.samples, await prompt(centre, "queue-youarenext")) > ALIKE
    assert likeness(first.heard.samples, await prompt(centre, "queue-thereare")) < ALIKE
    await first.ear.wait_for(lambda ear: audio.loudness(ear.recent(0.2).samples) > MUSIC)
    second = await centre.world.call("500", centre.pbx, caller="2", tone=CALLER)
    assert (await playing(centre, 2, "done"))[1] == [
        "sound:queue-thereare",
        "number:2",
        "sound:queue-callswaiting",
        "sound:queue-thankyou",
    ]
    # the first is told again after 20 s, and goes in the middle of it
    await playing(centre, 3, "playing", within=60)
    await first.hang_up()
    # the second moves up, and is told so; an agent who answers cuts that off
    await playing(centre, 4, "playing", within=60)
    await centre.agent("1001", never_answers())
    phone = await centre.phones["1001"].next_call()
    await phone.answer()
    answered = await phone.answered.wait()
    await phone.listen()
    await phone.play_tone(AGENT)
    heard_at = await second.wait_tones(AGENT)
    assert heard_at > answered
    await phone.wait_tones(CALLER)
    assert (await playing(centre, 4, "done"))[3][0] == "sound:queue-youarenext"
    await second.hang_up()
    await centre.idle()


async def playing(centre: ContactCentre, count: int, state: str, within: float = 60) -> list[list[str]]:
    """What was played, one announcement after the other, once the last of so many is in this state; from Asterisk's
    events."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        told: dict[str, list[str]] = {}
        states: dict[str, str] = {}
        for event in events(centre):
            if event["type"].startswith("Playback"):
                playback = event["playback"]
                states[playback["id"]] = "done" if event["type"] == "PlaybackFinished" else "playing"
                if event["type"] == "PlaybackStarted":
                    told.setdefault(playback["id"], []).append(playback["media_uri"])
        if len(told) >= count and list(states.values())[count - 1] == state:
            return list(told.values())
        await asyncio.sleep(0.05)
    raise TimeoutError(f"not {count} announcements of which the last is {state}: {told} {states}")


def events(centre: ContactCentre) -> Iterator[dict[str, Any]]:
    """What Asterisk told the server."""
    for line in centre.server.log_path.read_text().splitlines():
        with contextlib.suppress(ValueError):
            text = str(json.loads(line).get("event", ""))
            if text.startswith("< {"):
                yield json.loads(text[2:])


async def prompt(centre: ContactCentre, name: str) -> audio.Samples:
    """One of Asterisk's prompts."""
    path = f"/usr/share/asterisk/sounds/en_US_f_Allison/{name}.wav"
    return recorded(base64.b64decode(await docker.docker("exec", centre.pbx.container, "base64", path)))


def likeness(heard: audio.Samples, sound: audio.Samples) -> float:
    """How much of a sound is somewhere in what was heard, 0 to 1: the best correlation of any second of it.

    Any, as a packet that is late breaks one.
    """
    return max(_likeness(heard, part) for part in audio.hops(sound, 1.0, 0.25))


def _likeness(heard: audio.Samples, part: audio.Samples) -> float:
    long = heard.astype(float)
    size = len(long) + len(part)
    products = np.fft.irfft(np.fft.rfft(long, size) * np.conj(np.fft.rfft(part, size)), size)[: len(long) - len(part)]
    power = np.convolve(long**2, np.ones(len(part)), "valid")[: len(products)]
    return float(np.max(products / np.sqrt(power * np.sum(part**2) + 1e-9)))
