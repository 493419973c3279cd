"""The caller's side of a queue call: what he hears while he waits, and how he is joined to an agent."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import structlog

from ari_app.acd.destination import Destination
from ari_app.acd.settings import QueueSettings
from ari_app.ari.errors import AriError
from ari_app.calls.bridge import Bridge
from ari_app.calls.call import Call
from ari_app.calls.leg import Leg, LegGone, LegState
from ari_app.calls.numbers import MINUTE, counted
from ari_app.calls.verbs.answer import answer
from ari_app.calls.verbs.dial import Party
from ari_app.calls.verbs.music import music_start, music_stop
from ari_app.calls.verbs.play import play
from ari_app.calls.verbs.record import About, Recording, RecordingFailed
from ari_app.calls.verbs.ring import ring, ring_stop
from ari_app.calls.verbs.snoop import Snoop
from ari_app.calls.wait import together

log = structlog.get_logger(__name__)


def prompts(position: int | None, minutes: int | None, language: str = "en") -> list[str]:
    """Asterisk's own, in app_queue's order: "you are next", or "there are", 3, "calls waiting"; "the hold time is", 2,
    "minutes"; "thank you". One minute has its gender, where the language has one."""
    said = []
    if position == 1:
        said.append("sound:queue-youarenext")
    elif position is not None:
        said += ["sound:queue-thereare", f"number:{position}", "sound:queue-callswaiting"]
    if minutes is not None:
        unit = "sound:queue-minute" if minutes == 1 else "sound:queue-minutes"
        said += ["sound:queue-holdtime", *counted(minutes, language, MINUTE), unit]
    return [*said, "sound:queue-thankyou"]


class Departure(NamedTuple):
    """How a queue lets a caller go."""

    #: of Reject or Release
    reason: str
    #: where he goes; None: he is hung up on
    to: Destination | None = None


class Conversation:
    """One caller in one queue."""

    def __init__(self, call: Call, queue: str = "") -> None:
        self.call = call
        self.queue = queue
        self.released: asyncio.Future[Departure] = asyncio.get_running_loop().create_future()
        #: the agent he is joined to
        self.agent: Leg | None = None
        #: an agent has answered and is being joined to him
        self.joining: Leg | None = None
        #: he may be hearing music
        self.music = False
        #: he may be hearing a ringing tone
        self.ringing = False
        #: what he hears is changed by one at a time: an agent may go while he is being joined, and music is due again
        self._ear = asyncio.Lock()
        self._waiting: asyncio.Task[None] | None = None
        self._speech: asyncio.Task[None] | None = None
        self._recordings: dict[str, Recording] = {}

    def shown(self, settings: QueueSettings | None) -> Party:
        """What the agent's phone shows: the caller's name behind the queue's prefix, and his number."""
        prefix = settings.cid_name_prefix if settings else ""
        return Party(self.call.caller_number, prefix + (self.call.caller_name or self.call.caller_number))

    def entertain(self, settings: QueueSettings | None) -> None:
        """Answer him and play music, or ringing, until he is joined."""
        self._waiting = self.call.spawn(self._entertain(settings or QueueSettings(extension="")), "wait")

    async def _entertain(self, settings: QueueSettings) -> None:
        async with self._ear:
            if not settings.ringing:
                await answer(self.call.caller)
            await self._pass_time(settings)
        if not settings.ringing:
            self._record_all(settings)

    def announce(self, media: list[str], settings: QueueSettings | None) -> None:
        """Tell him something while he waits; the music stops for it."""
        if not self.joining and (self._speech is None or self._speech.done()):
            speech = self._announce(media, settings or QueueSettings(extension=""))
            self._speech = self.call.spawn(speech, "announce")

    async def _announce(self, media: list[str], settings: QueueSettings) -> None:
        if self._waiting is not None:
            await asyncio.wait([self._waiting])
        async with self._ear:
            await self._say(media)
            await self._pass_time(settings)

    async def say(self, media: list[str]) -> None:
        """Play something to him, in place of what he hears, and wait for its end."""
        async with self._ear:
            await self._say(media)

    async def _say(self, media: list[str]) -> None:
        if self.music:  # a playback behind music would wait for its end (ARI pitfalls, P10)
            await music_stop(self.call.caller)
            self.music = False
        try:
            await play(self.call.caller, media)
        except AriError as error:
            log.warning("= not announced", call=self.call.id, error=str(error))

    def hush(self) -> None:
        """Stop speaking to him."""
        if self._speech is not None:
            self._speech.cancel()

    async def _pass_time(self, settings: QueueSettings) -> None:
        if settings.ringing:
            self.ringing = True
            await ring(self.call.caller)
        else:
            self.music = True
            await music_start(self.call.caller, settings.music_class)

    async def resume_waiting(self, settings: QueueSettings | None) -> None:
        """After a restart: before he was answered there is no music yet, in the middle of an announcement none any
        more."""
        if self.agent is not None or self.joining or settings is None:
            return
        if self.call.caller.state is not LegState.UP:
            await self._entertain(settings)
        elif settings.announces:
            async with self._ear:
                await self._pass_time(settings)

    def release(self, reason: str, to: Destination | None = None) -> None:
        """Let him go."""
        self.hush()
        if not self.released.done():
            self.released.set_result(Departure(reason, to))

    async def part(self) -> None:
        """He goes somewhere else: nothing of this queue is heard or recorded from now on. Raises LegGone."""
        if before := [task for task in (self._waiting, self._speech) if task is not None]:
            await asyncio.wait(before)
        async with self._ear:
            try:
                await self._silence(self.call.caller)
            except AriError as error:
                log.warning("= music not stopped", call=self.call.id, error=str(error))
        for recording in self._recordings.values():
            self.call.spawn(self._stop(recording), "stop recording")

    async def _stop(self, recording: Recording) -> None:
        try:
            await recording.stop()
        except RecordingFailed:
            log.warning("= nothing recorded", call=self.call.id, recording=recording.name)

    async def connect(self, agent: Leg, settings: QueueSettings | None) -> None:
        """Join him with an agent who has answered.

        Raises:
            LegGone, AriError: one of them is gone, or Asterisk refused. They are not joined then.
        """
        caller = self.call.caller
        bridge = Bridge(self.call)
        self.hush()
        if before := [task for task in (self._waiting, self._speech) if task is not None]:
            await asyncio.wait(before)
        async with self._ear:
            try:
                await together(bridge.take(), self._quiet(caller))
                await bridge.add(caller, agent)
                agent.require_alive()  # an end that came meanwhile was told as a failure to join
            except (LegGone, AriError):
                if self.joining is agent:
                    self.joining = None
                await bridge.destroy()
                raise
            self.joined(agent)
        if settings is not None:
            self._record_all(settings)
            await self._record_talk(settings, bridge, agent)

    async def _quiet(self, caller: Leg) -> None:
        await answer(caller)
        await self._silence(caller)

    async def _silence(self, caller: Leg) -> None:
        if self.music:
            await music_stop(caller)
            self.music = False
        if self.ringing and caller.state is LegState.UP:  # else the answer has stopped it
            await ring_stop(caller)
        self.ringing = False

    def joined(self, agent: Leg) -> None:
        """They hear each other."""
        self.agent = agent
        self.joining = None

    def parted(self) -> None:
        """The agent has left the conversation."""
        self.agent = None

    # recording

    def _talk(self, agent: Leg) -> str:
        """The name of the recording of a conversation: the same after a restart."""
        return f"rec-{agent.id}"

    def _whole(self) -> str:
        return f"rec-{self.call.id}-{self.queue}"

    def _about(self, agent: Leg | None = None) -> About:
        if agent is None:
            origin = self.call.origin
            return About(kind="queue", leg=origin.id if origin else None, queue=self.queue)
        return About(kind="queue", leg=agent.id, queue=self.queue, agent=agent.agent)

    def _record_all(self, settings: QueueSettings) -> None:
        """All that the caller hears and says, from now to his end, in one piece: what a snoop hears. (His own channel
        could not be joined to the agent while it is recorded.)"""
        if settings.recording_mode == "includeholdtime" and settings.recording_format:
            name = self._whole()
            if name not in self._recordings:
                recording = self._recordings[name] = Recording(self.call, name, self._about())
                self.call.spawn(self._start_snooping(recording, settings.recording_format), "record")

    async def _start_snooping(self, recording: Recording, format: str) -> None:
        snoop = Snoop(self.call.caller, spy="both", whisper="none")
        await snoop.open()
        await self._start(recording, snoop, format)

    async def _record_talk(self, settings: QueueSettings, bridge: Bridge, agent: Leg) -> None:
        if settings.recording_mode == "afteranswered" and settings.recording_format:
            name = self._talk(agent)
            recording = self._recordings.get(name) or Recording(self.call, name, self._about(agent))
            self._recordings[name] = recording
            await self._start(recording, bridge, settings.recording_format)

    async def _start(self, recording: Recording, target: Bridge | Snoop, format: str) -> None:
        try:
            await recording.start(target, format=format)
        except AriError as error:
            log.warning("= not recorded", call=self.call.id, error=str(error))

    def reattach_recordings(self, settings: QueueSettings | None) -> None:
        """After a restart, before any event arrives: be told of the end of what is being recorded."""
        if settings is None or not settings.recording_format:
            return
        if settings.recording_mode == "includeholdtime":
            name = self._whole()
        elif self.agent is not None:
            name = self._talk(self.agent)
        else:
            return
        self._recordings[name] = Recording(self.call, name, self._about(self.agent))

    async def resume_recording(self, settings: QueueSettings | None) -> None:
        """After a restart: what was to be recorded and is not yet, is."""
        agent = self.agent
        if settings is not None and agent is not None and agent.bridge is not None:
            await self._record_talk(settings, Bridge(self.call, agent.bridge), agent)
