"""The outside world: an Asterisk of its own that acts as any number of real SIP phones, and as a carrier.

async with PhoneBox() as world:
    await pbx.provision("1001", "secret", contact=world.contact("1001"))
    agent = world.extension("1001", answers(after=0.2, tone=660))
    caller = await world.call("500", trunk=pbx, tone=440)
    phone = await agent.next_call()
    await phone.wait_tones(440, absent=(660,))
"""

import asyncio
import contextlib
import functools
import hashlib
import itertools
import os
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from tests.harness import audio, net
from tests.harness.ari import Ari, AriError, Event
from tests.harness.asterisk import HTTP_PORT, Asterisk
from tests.harness.docker import ROOT
from tests.harness.ear import Ear, EarServer
from tests.harness.net import SIP_PORT
from tests.harness.patience import PATIENCE
from tests.harness.phone import (
    BUSY,
    DECLINED,
    NO_ANSWER,
    Behaviour,
    Moment,
    Phone,
    answers,
    declines,
    is_busy,
    never_answers,
    when,
)

__all__ = [
    "BUSY",
    "DECLINED",
    "NO_ANSWER",
    "Behaviour",
    "Extension",
    "Moment",
    "Phone",
    "PhoneBox",
    "answers",
    "declines",
    "is_busy",
    "never_answers",
]

APP = "phones"
UNALLOCATED = 1
#: Long enough for every test; a file of it has a whole number of periods.
TONE_SECONDS = 600
TONES = "/etc/asterisk-tones"

PJSIP = """
[trunk]
type = transport
protocol = udp
bind = {trunk}:{port}

; Calls from the system under test come from any loopback address.
[world]
type = endpoint
context = phones
disallow = all
allow = ulaw,alaw,g722
direct_media = no
moh_passthrough = yes
[world]
type = identify
endpoint = world
match = 127.0.0.0/8

[carrier]
type = endpoint
transport = trunk
context = phones
disallow = all
allow = ulaw,alaw
direct_media = no
send_pai = yes
moh_passthrough = yes
"""

EXTENSIONS = """
[phones]
exten => _[0-9A-Za-z+*#]!,1,Stasis(phones,incoming,${{EXTEN}})
exten => h,1,NoOp()

[ear]
exten => _[0-9a-f]!,1,AudioSocket(${{EXTEN}},{ears})
exten => h,1,NoOp()
"""


class Extension:
    """A number at which phones of the box are called. `behaviour` may be changed between calls."""

    def __init__(self, number: str, behaviour: Behaviour) -> None:
        self.number = number
        self.behaviour = behaviour
        self.calls: list[Phone] = []
        self._queue: asyncio.Queue[Phone] = asyncio.Queue()

    def rung(self, phone: Phone) -> None:
        self.calls.append(phone)
        self._queue.put_nowait(phone)

    async def next_call(self, within: float = PATIENCE) -> Phone:
        """The next call that came in and was not yet asked for here. Raises TimeoutError."""
        try:
            return await asyncio.wait_for(self._queue.get(), within)
        except TimeoutError:
            raise TimeoutError(f"{self.number} was not called within {within} s") from None


class PhoneBox:
    """An Asterisk that is driven from the test and plays the part of phones and carriers."""

    def __init__(self, name: str = "world") -> None:
        self.name = name
        self.address = net.free_address(HTTP_PORT)
        #: The address that calls over the trunk come from: TRUNK_MATCH of the system under test.
        self.trunk_address = net.free_address()
        self.ears = EarServer()
        self.extensions: dict[str, Extension] = {}
        self._asterisk: Asterisk | None = None
        self._phones: dict[str, Phone] = {}
        self._starting: dict[str, asyncio.Future[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ids = itertools.count(1)

    async def __aenter__(self) -> "PhoneBox":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        await self.ears.start()
        _tone_directory().mkdir(parents=True, exist_ok=True)
        self._asterisk = Asterisk(
            self.name,
            app=APP,
            address=self.address,
            extra={
                "pjsip.conf": PJSIP.format(trunk=self.trunk_address, port=SIP_PORT),
                "extensions.conf": EXTENSIONS.format(ears=self.ears.address),
            },
            volumes={str(_tone_directory()): TONES},
        )
        try:
            await self._asterisk.start()
            await self.ari.listen(APP, self._on_event)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._asterisk is not None:
            await self._asterisk.stop()
        await self.ears.stop()
        for result in results:
            if isinstance(result, Exception):
                raise result

    @property
    def asterisk(self) -> Asterisk:
        assert self._asterisk is not None, "not started"
        return self._asterisk

    @property
    def ari(self) -> Ari:
        return self.asterisk.ari

    @property
    def phones(self) -> list[Phone]:
        """The phones that are in a call now."""
        return list(self._phones.values())

    def next_id(self) -> str:
        """All as long: Asterisk (22.10.1) refuses a channel's id with which another channel's begins: 409."""
        return f"{self.name}-{next(self._ids):06}"

    # --- numbers that can be called

    def extension(self, number: str, behaviour: Behaviour | None = None) -> Extension:
        """A phone (or an outside number) that can be called. Without a behaviour it answers at once, in silence."""
        extension = Extension(number, behaviour or answers())
        self.extensions[number] = extension
        return extension

    def contact(self, number: str) -> str:
        """Where the phone is reached: the static contact of its extension."""
        return f"sip:{number}@{self.address}:{SIP_PORT}"

    async def line(self, number: str, secret: str) -> None:
        """Gives the phone its account, so that it can place calls (and register) as this extension."""
        await self.ari.configure(
            "auth", f"line-{number}", {"auth_type": "userpass", "username": number, "password": secret}
        )
        fields = {
            "transport": "udp",
            "context": "phones",
            "disallow": "all",
            "allow": "ulaw,alaw",
            "direct_media": "no",
            "moh_passthrough": "yes",
            "outbound_auth": f"line-{number}",
            "from_user": number,
        }
        await self.ari.configure("endpoint", f"line-{number}", fields)

    async def register(self, number: str, pbx: Asterisk, within: float = PATIENCE) -> None:
        """Registers the phone (after `line`) with the PBX, and waits until it is. Raises TimeoutError."""
        fields = {
            "transport": "udp",
            "outbound_auth": f"line-{number}",
            "server_uri": f"sip:{pbx.sip}",
            "client_uri": f"sip:{number}@{pbx.sip}",
            "contact_user": number,
            "retry_interval": "1",
            "max_random_initial_delay": "0",
        }
        await self.ari.configure("registration", f"line-{number}", fields)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while True:
                    shown = await self.asterisk.cli("pjsip show registrations")
                    rows = [row.split() for row in shown.splitlines()]
                    if any(row and row[0].startswith(f"line-{number}/") and "Registered" in row for row in rows):
                        return
                    await asyncio.sleep(0.05)
        raise TimeoutError(f"{number} is not registered within {within} s:\n{shown}")

    # --- calls that phones place

    async def call(
        self,
        number: str,
        pbx: Asterisk,
        *,
        line: str | None = None,
        caller: str = "0301234567",
        name: str = "",
        tone: int | None = None,
        listen: bool = True,
        timeout: int = 120,
    ) -> Phone:
        """Calls a number of the PBX: as the extension `line` (see `line`), or over the trunk as `caller`, with
        that name.

        Returns at once; `phone.answered.wait()` waits. The tone plays, and listening starts, with the answer.
        """
        channel = f"phone-{self.next_id()}"
        phone = Phone(self, channel, number, incoming=False, listen=listen)
        self._phones[channel] = phone
        started = self._expect_start(channel)
        endpoint = f"line-{line}" if line else "carrier"
        variables = {} if line else {"CONNECTEDLINE(num,i)": caller, "CONNECTEDLINE(num-valid,i)": "1"}
        if name:
            variables |= {"CONNECTEDLINE(name,i)": name, "CONNECTEDLINE(name-valid,i)": "1"}
        await self.ari.post(
            "/channels/create",
            endpoint=f"PJSIP/{endpoint}/sip:{number}@{pbx.sip}",
            app=APP,
            appArgs="placed",
            channelId=channel,
            body={"variables": variables},
        )
        await asyncio.wait_for(started, PATIENCE)
        await self.ari.post(f"/channels/{channel}/dial", timeout=timeout)
        self._spawn(self._after_answer(phone, tone))
        return phone

    async def _after_answer(self, phone: Phone, tone: int | None, hang_up_after: float | None = None) -> None:
        await phone.answered.wait(within=3600)
        with contextlib.suppress(AriError):  # it may be over before it can be listened to
            if phone.ear is not None:
                await phone.listen()
            if tone is not None:
                await phone.play_tone(tone)
            if hang_up_after is not None:
                await asyncio.sleep(hang_up_after)
                await phone.hang_up()

    # --- what Asterisk tells

    def _on_event(self, event: Event) -> None:
        channel = event.get("channel") or event.get("peer") or {}
        identity = channel.get("id", "")
        if event["type"] == "StasisStart":
            if started := self._starting.pop(identity, None):
                started.set_result(None)
            if event["args"][:1] == ["incoming"]:
                self._spawn(self._receive(event))
                return
        if phone := self._phones.get(identity):
            phone.on_event(event)

    async def _receive(self, event: Event) -> None:
        """Does what the called extension does."""
        channel, number = event["channel"], event["args"][1]
        extension = self.extensions.get(number)
        behaviour = extension.behaviour if extension else Behaviour(reject=UNALLOCATED)
        phone = Phone(self, channel["id"], number, incoming=True, listen=behaviour.listen)
        phone.caller_number = channel["caller"]["number"]
        phone.caller_name = channel["caller"]["name"]
        phone.started.happened(when(event))
        self._phones[phone.channel] = phone
        if extension:
            extension.rung(phone)
        with contextlib.suppress(AriError):  # the caller may be gone at any moment
            if behaviour.reject is not None:
                await phone.reject(behaviour.reject)
                return
            await phone.ring()
            phone.ringing.happened(when(event))
            if behaviour.answer_after is not None:
                await asyncio.sleep(behaviour.answer_after)
                await phone.answer()
                await self._after_answer(phone, behaviour.tone, behaviour.hang_up_after)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        # A failed one stays, for `stop` to raise.
        if task.cancelled() or task.exception() is None:
            self._tasks.discard(task)

    def forget(self, phone: Phone) -> None:
        self._phones.pop(phone.channel, None)

    # --- audio

    def tone_file(self, hz: int) -> str:
        """Media of a continuous sine. Asterisk's own tone generator silences what the channel hears meanwhile."""
        return _tone_file(hz)

    def sound_file(self, samples: bytes) -> str:
        """Media of these samples: 8 kHz, 16 bits."""
        return _sound_file(samples)

    def wide_tone_file(self, hz: int) -> str:
        """As tone_file, at 16 kHz, a minute: for a phone that speaks G.722."""
        return _file(f"wide-{hz}", lambda: audio.to_pcm(audio.sine(hz / 2, 120)), "sln16")

    async def connect_ear(self, phone: Phone, snoop: str, ear: Ear) -> None:
        """Streams what the phone hears to the ear. A call that is over before that is possible has nothing to hear."""
        try:
            await self._connect_ear(phone.channel, snoop, ear)
        except TimeoutError:
            if not phone.ended:
                raise

    async def _connect_ear(self, channel: str, snoop: str, ear: Ear) -> None:
        started = self._expect_start(snoop)
        await self.ari.post(f"/channels/{channel}/snoop/{snoop}", app=APP, spy="in")
        await asyncio.wait_for(started, PATIENCE)
        await self.ari.post(f"/channels/{snoop}/continue", context="ear", extension=ear.id, priority=1)
        await asyncio.wait_for(ear.opened.wait(), PATIENCE)

    def _expect_start(self, channel: str) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._starting[channel] = future
        return future


def _tone_directory() -> Path:
    """Made once and kept: each file has 10 MB."""
    return ROOT / "var" / "tones"


@functools.cache
def _tone_file(hz: int) -> str:
    return _file(f"{hz}", lambda: audio.to_pcm(audio.sine(hz, TONE_SECONDS)))


def _sound_file(samples: bytes) -> str:
    return _file(f"sound-{hashlib.sha256(samples).hexdigest()[:16]}", lambda: samples)


def _file(name: str, make: Callable[[], bytes], suffix: str = "sln") -> str:
    path = _tone_directory() / f"{name}.{suffix}"
    if not path.exists():
        samples = make()
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(samples)
        os.chmod(file.name, 0o644)  # Asterisk is not root in its container
        os.replace(file.name, path)  # several test runs may make the same one
    return f"sound:{TONES}/{name}"
