"""Recordings on a real Asterisk, fetched over ARI: they hold the tones of those who spoke, and of nobody else."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ari_app.calls import facts
from ari_app.calls.call import Call
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.record import record
from ari_app.calls.verbs.snoop import Snoop
from tests.harness import audio
from tests.harness.phones import PhoneBox
from tests.integration.house import CALLEE, CALLER, House, a_house, talking


@pytest.fixture
async def house(start_asterisk: Any, world: PhoneBox) -> AsyncIterator[House]:
    async with a_house(start_asterisk, world) as made:
        yield made


async def stay(call: Call) -> None:
    await asyncio.Event().wait()


async def heard_in(house: House, name: str) -> audio.Heard:
    """A stored recording, fetched over ARI."""
    with wave.open(io.BytesIO(await house.node.recordings.getStoredFile(name))) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (audio.RATE, 2, 1)
        return audio.Heard(audio.from_pcm(file.readframes(file.getnframes())), 0.0)


async def test_a_bridge_is_recorded_with_all_who_speak_in_it(house: House) -> None:
    talk, caller, _ = await talking(house)
    recording = await record(talk.bridge)
    await asyncio.sleep(2.5)
    finished = await recording.stop()
    assert (finished.recording.duration or 0) >= 1
    heard = await heard_in(house, recording.name)
    assert 1.5 < heard.seconds < 10
    assert heard.last(1.0).tones((CALLER, CALLEE)) == {CALLER, CALLEE}
    await asyncio.gather(caller.wait_tones(CALLEE))  # nobody is disturbed by it
    await caller.hang_up()
    await house.idle()


async def test_a_leg_is_recorded_with_what_it_says(house: House) -> None:
    recordings, spoken = [], asyncio.Event()

    async def plan(call: Call) -> None:
        await answer(call.caller)
        recording = await record(call.caller)
        recordings.append(recording.name)
        await spoken.wait()
        await asyncio.sleep(1.5)
        await recording.stop()

    caller = await house.caller(plan, tone=CALLER)
    await caller.speaking.wait()
    spoken.set()
    await caller.ended.wait()
    heard = await heard_in(house, recordings[0])
    assert heard.last(0.8).tones((CALLER, CALLEE)) == {CALLER}
    await house.idle()


async def test_a_snoop_of_one_who_talks_hears_both_and_disturbs_nobody(house: House) -> None:
    talk, caller, callee = await talking(house)
    since = caller.heard.ended_at
    snoop = Snoop(talk.call.caller, spy="both", whisper="none")
    await snoop.open()
    recording = await record(snoop)
    await asyncio.sleep(1.5)
    await recording.stop()
    await snoop.close()
    heard = await heard_in(house, recording.name)
    assert heard.last(0.8).tones((CALLER, CALLEE)) == {CALLER, CALLEE}
    assert caller.gaps(CALLEE, since) == []
    await callee.hang_up()
    await house.idle()


async def test_a_recording_ends_with_the_one_who_is_recorded(house: House) -> None:
    names = []

    async def plan(call: Call) -> None:
        await answer(call.caller)
        names.append((await record(call.caller)).name)
        await stay(call)

    caller = await house.caller(plan, tone=CALLER)
    await caller.speaking.wait()
    await asyncio.sleep(1.0)
    await caller.hang_up()
    await house.idle()
    heard = await heard_in(house, names[0])
    assert audio.together(heard.samples, CALLER)
    assert len(house.store.of(facts.RecordingEnded)) == 1
