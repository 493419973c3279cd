"""Voicemail as callers and owners know it: real phones, the sound of messages measured, the light as phones get it."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import audio, smtp
from tests.harness.lamp import Lamp
from tests.harness.patience import PATIENCE
from tests.harness.phones import Phone, PhoneBox
from tests.harness.s3 import S3Server
from tests.integration.server import ContactCentre, contact_centre
from tests.integration.test_queue_call import MUSIC
from tests.integration.waiting import until, until_it_is

SECRET = "Correct horse, 9 batteries"
CALLER, GREETING = 440, 660


@pytest.fixture
async def centre(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> AsyncIterator[ContactCentre]:
    async with contact_centre(tmp_path, start_asterisk, world, LOG_LEVEL="debug", VOICEMAIL_MIN_SECONDS="1") as made:
        yield made


async def extensions(centre: ContactCentre, **voicemail: Any) -> None:
    """1001, whose phone calls, and 1002, who has a mailbox."""
    for number, mailbox in (("1001", None), ("1002", {"password": "4321", **voicemail})):
        data = {"extension": number, "name": f"Phone {number}", "sip": {"secret": SECRET}, "voicemail": mailbox}
        assert await centre.server.request("POST", "/extension", data=data) == number
    await centre.world.line("1001", SECRET)


async def messages(centre: ContactCentre, count: int, within: float = 30) -> list[dict[str, Any]]:
    """Wait until so many are in the mailboxes."""
    async with asyncio.timeout(within):
        while len(found := await centre.server.request("GET", "/x/voicemail")) != count:
            await asyncio.sleep(0.05)
    return list(found)


async def speaking(centre: ContactCentre) -> Phone:
    """1001 has called 1002, left out the greeting, and speaks after the beep."""
    caller = await centre.world.call("1002", centre.pbx, line="1001")
    await caller.answered.wait(30)
    await caller.send_digits("#")
    await centre.server.until_recording("recording")
    await centre.server.logged("RecordingStarted", within=30)  # and the beep is heard
    await caller.play_tone(CALLER)
    return caller


async def tone_in(centre: ContactCentre, message: dict[str, Any]) -> None:
    """The caller's tone is in the message, and it is as long as it says."""
    status, file = await centre.server.download(f"/x/voicemail/{message['id']}/file")
    assert status == 200
    with wave.open(io.BytesIO(file)) as opened:
        samples = audio.from_pcm(opened.readframes(opened.getnframes()))
    assert len(samples) / audio.RATE == pytest.approx(message["duration"], abs=0.01)
    middle = samples[len(samples) // 2 : len(samples) // 2 + audio.RATE // 2]
    assert audio.hears(middle, CALLER)


async def test_a_message_is_left_lights_the_phone_and_is_deleted(centre: ContactCentre) -> None:
    await extensions(centre)
    async with Lamp("1002", SECRET, centre.pbx.sip) as phone:
        caller = await speaking(centre)
        await asyncio.sleep(3)  # of message
        await caller.silence()
        await caller.send_digits("#")
        await centre.server.until_recording("ended")  # and not fetched, for he may want to say it again
        await caller.send_digits("1")
        (message,) = await messages(centre, 1)
        about = [message[name] for name in ("extension", "callerNumber", "callerName", "state", "urgent")]
        assert about == ["1002", "1001", "Phone 1001", "new", False]
        await tone_in(centre, message)
        await phone.shows("1/0")
        await centre.server.request("PUT", f"/x/voicemail/{message['id']}", state="old")
        await phone.shows("0/1")
        await centre.server.request("DELETE", f"/x/voicemail/{message['id']}")
        await phone.shows("0/0")
        await caller.ended.wait(30)
    await centre.idle()


async def test_we_are_killed_while_a_message_is_left_and_the_disk_is_full(centre: ContactCentre) -> None:
    await extensions(centre)
    caller = await speaking(centre)  # nobody is registered as 1002
    await asyncio.sleep(1)
    await centre.server.kill()
    await asyncio.sleep(2)  # of message, with nobody to look after it
    await caller.hang_up()
    centre.server.environment["RECORDINGS_MIN_FREE_MB"] = str(2**40)
    await centre.server.start()
    await centre.server.logged("recording not fetched yet", within=30)  # there is no room
    await messages(centre, 0)
    await centre.server.stop()
    centre.server.environment["RECORDINGS_MIN_FREE_MB"] = "0"
    await centre.server.start()
    (message,) = await messages(centre, 1)
    assert message["duration"] > 2.0  # also what was said without us
    await tone_in(centre, message)
    async with Lamp("1002", SECRET, centre.pbx.sip) as phone:
        await phone.shows("1/0")  # it was set while no phone was there
        await centre.server.request("DELETE", "/extension/1002")
        await messages(centre, 0)
        (recording,) = await centre.server.request("GET", "/x/recordings")
        assert (recording["state"], recording["deletedBy"]) == ("deleted", "no mailbox")


async def test_the_owner_listens_deletes_and_records_a_greeting(centre: ContactCentre) -> None:
    await extensions(centre, options={"envelope": "no"})
    caller = await speaking(centre)
    await asyncio.sleep(3)  # of message
    await caller.hang_up()
    await messages(centre, 1)
    await centre.world.line("1002", SECRET)
    owner = await centre.world.call("*97", centre.pbx, line="1002")
    await owner.answered.wait(30)
    await asyncio.sleep(0.5)
    await owner.send_digits("4321#1")
    await owner.wait_tones(CALLER, within=60)
    await owner.send_digits("7")
    await messages(centre, 0)
    await owner.send_digits("*01")  # no more messages: the menu, options, the greeting
    found = await until(lambda: centre.server.request("GET", "/x/recordings", {"kind": "greeting"}), within=60)
    await owner.play_tone(GREETING)
    await asyncio.sleep(2)  # of greeting
    await owner.silence()
    await owner.send_digits("#")
    await until_it_is(centre.server, f"/x/recording/{found[0]['id']}", state="ended")
    await owner.send_digits("1")
    path = "/x/mailbox/1002/greeting/unavailable"
    await until(lambda: centre.server.download(path), lambda reply: reply[0] == 200)
    await owner.hang_up()
    again = await centre.world.call("1002", centre.pbx, line="1001")
    await again.answered.wait(30)
    await again.wait_tones(GREETING, within=30)
    await again.hang_up()
    await centre.idle()


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # the mail server does not know that STARTTLS is required first
async def test_a_message_is_mailed_and_kept_in_s3(tmp_path: Path, start_asterisk: Any, world: PhoneBox) -> None:
    """A real mail server (STARTTLS, AUTH), and a storage that speaks S3."""
    files = smtp.certificate(tmp_path)
    settings = {"SMTP_USER": smtp.USER, "SMTP_PASSWORD": smtp.PASSWORD, "MAIL_FROM": "pbx@example.org"}
    async with S3Server() as storage:
        with smtp.mail_server(files) as mails:
            settings |= {"SMTP_HOST": mails.host, "SMTP_PORT": str(mails.port), "SSL_CERT_FILE": str(files[0])}
            settings |= {**storage.environment, "VOICEMAIL_MIN_SECONDS": "1"}
            async with contact_centre(tmp_path, start_asterisk, world, LOG_LEVEL="debug", **settings) as centre:
                mailbox = {"emailAddress": "bo@example.org", "options": {"attach": "yes", "envelope": "no"}}
                await extensions(centre, **mailbox)
                async with Lamp("1002", SECRET, centre.pbx.sip) as phone:
                    await phone.shows("0/0")
                    caller = await speaking(centre)
                    await asyncio.sleep(3)  # of message
                    await caller.hang_up()
                    (message,) = await messages(centre, 1)
                    await phone.shows("1/0")
                    await mailed(mails)
                    await until_stored_in_s3(centre, message)
                    await tone_in(centre, message)
                    owner = await listening(centre)
                    await owner.wait_tones(CALLER)
                    await owner.send_digits("*")  # he has heard enough
                    await phone.shows("0/1")
                    await owner.hang_up()
                    await centre.server.request("DELETE", f"/x/voicemail/{message['id']}")
                    await phone.shows("0/0")
                status, _ = await centre.server.download(f"/x/voicemail/{message['id']}/file")
                assert status == 404
                await centre.idle()


async def mailed(mails: smtp.MailServer) -> None:
    """The owner has the mail, with what was said."""
    async with asyncio.timeout(PATIENCE):
        while not mails.mails:
            await asyncio.sleep(0.05)
    (mail,) = mails.mails
    assert mails.recipients == ["bo@example.org"]
    assert "1001" in str(mail["Subject"])
    (sound,) = mail.iter_attachments()
    with wave.open(io.BytesIO(sound.get_content())) as opened:
        samples = audio.from_pcm(opened.readframes(opened.getnframes()))
    middle = samples[len(samples) // 2 : len(samples) // 2 + audio.RATE // 2]
    assert audio.hears(middle, CALLER)


async def until_stored_in_s3(centre: ContactCentre, message: dict[str, Any]) -> None:
    """The file of the message is there, and no longer here."""
    row = await until_it_is(centre.server, f"/x/recording/{message['id']}", storage="s3")
    assert row["path"].startswith("s3://recordings/centre/")
    await until(lambda: list(centre.server.directory.rglob("*.wav")), lambda files: not files)


async def listening(centre: ContactCentre) -> Phone:
    """The owner has asked for his new messages over the phone."""
    await centre.world.line("1002", SECRET)
    owner = await centre.world.call("*97", centre.pbx, line="1002")
    await owner.answered.wait()
    assert owner.ear is not None
    await owner.ear.wait_for(lambda ear: audio.loudness(ear.recent(0.2).samples) > MUSIC)  # he is asked
    await owner.send_digits("4321#1")
    return owner
