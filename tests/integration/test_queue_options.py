"""What a queue can be set to, on a real Asterisk with real phones."""

import asyncio
import contextlib
import io
import time
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import audio
from tests.harness.ari import AriError
from tests.harness.phones import PhoneBox, never_answers
from tests.integration.server import ContactCentre, contact_centre

CALLER, AGENT = 440, 660


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
    paused_at = time.time()
    await centre.act("pause", "1001")
    ended = await waiting.ended.wait()
    assert ended - paused_at < 0.5
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
    await asyncio.sleep(2)
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
    assert row["started_at"] == pytest.approx(begun, abs=0.5)
    assert row["ended_at"] == pytest.approx(ended, abs=1)
    assert row["duration"] == pytest.approx(ended - begun, abs=1.2)
    heard = recorded(await centre.pbx.ari.get(f"/recordings/stored/{row['name']}/file"))
    assert len(heard) / audio.RATE == pytest.approx(ended - begun, abs=1)
    last = heard[-int(0.6 * audio.RATE) : -int(0.3 * audio.RATE)]
    assert all(audio.hears(last, tone) for tone in (CALLER, AGENT))
    first = heard[int(0.8 * audio.RATE) : int(1.4 * audio.RATE)]
    assert audio.hears(first, CALLER)
    if mode == "includeholdtime":  # the music
        assert not audio.hears(first, AGENT)


def recorded(file: bytes) -> audio.Samples:
    with wave.open(io.BytesIO(file)) as opened:
        assert (opened.getframerate(), opened.getnchannels()) == (audio.RATE, 1)
        return audio.from_pcm(opened.readframes(opened.getnframes()))
