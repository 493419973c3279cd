"""What a FakeAsterisk is made of: channels, bridges, playbacks, recordings, applications; and their JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ari_app.ari.fake.behaviours import NORMAL, Behaviour, NeverAnswers
from ari_app.clock import Timer


class Refuse(Exception):
    """A request is answered with an error, as Asterisk would."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message


@dataclass(eq=False)
class Job:
    """Something that runs in a channel's (or a bridge's) one thread: a playback or a recording."""

    begin: Callable[[], None]
    #: `hungup` says whether the channel ended under it.
    end: Callable[[bool], None]
    timer: Timer | None = None


@dataclass(eq=False)
class Jobs:
    """The command queue of a channel or of a bridge's announcer: one at a time, in order (res/stasis/control.c)."""

    waiting: list[Job] = field(default_factory=list)
    #: Synchronous commands that wait until nothing runs.
    idle_waiters: list[Callable[[], None]] = field(default_factory=list)

    def add(self, job: Job) -> None:
        self.waiting.append(job)
        if len(self.waiting) == 1:
            job.begin()

    def finish(self, job: Job, hungup: bool = False) -> None:
        """End a job: the running one, or one that still waits."""
        if job not in self.waiting:
            return
        running = self.waiting[0] is job
        self.waiting.remove(job)
        if job.timer is not None:
            job.timer.cancel()
        job.end(hungup)
        if running and self.waiting and not hungup:
            self.waiting[0].begin()
        self._wake()

    def finish_all(self) -> None:
        """The channel has ended."""
        while self.waiting:
            self.finish(self.waiting[0], hungup=True)
        self._wake()

    def _wake(self) -> None:
        while not self.waiting and self.idle_waiters:
            self.idle_waiters.pop(0)()


@dataclass(eq=False)
class Dialplan:
    context: str = "default"
    exten: str = "s"
    priority: int = 1
    app_name: str = ""
    app_data: str = ""


@dataclass(eq=False)
class FakeChannel:
    """A channel."""

    id: str
    name: str
    creationtime: str
    state: str = "Down"
    caller_name: str = ""
    caller_number: str = ""
    connected_name: str = ""
    connected_number: str = ""
    dialplan: Dialplan = field(default_factory=Dialplan)
    variables: dict[str, str] = field(default_factory=dict)
    #: Variables with report_events: shown in every snapshot.
    reported: set[str] = field(default_factory=set)
    #: The application it is in now.
    app: str | None = None
    #: The application it will enter (created, or originated and not answered yet).
    wanted_app: str | None = None
    wanted_args: tuple[str, ...] = ()
    #: Applications that hear of it beyond its time in Stasis (those that made it).
    subscribers: set[str] = field(default_factory=set)
    bridge: str | None = None
    #: Made by channels.create: may be dialled, once.
    dialable: bool = False
    dialled: bool = False
    dialstring: str = ""
    behaviour: Behaviour = field(default_factory=NeverAnswers)
    timers: list[Timer] = field(default_factory=list)
    jobs: Jobs = field(default_factory=Jobs)
    recording: str | None = None
    spied: str | None = None
    #: The other half of a Local channel.
    other: str | None = None
    cause: int = NORMAL
    ended: bool = False
    #: What the far end was told: digits sent, for tests to look at.
    digits_sent: str = ""
    on_hold: bool = False
    music: str | None = None
    ringing: bool = False
    muted: str | None = None

    @property
    def endpoint(self) -> str:
        """Of PJSIP/1001-0000000a: PJSIP/1001."""
        return self.name.rpartition("-")[0]

    @property
    def technology(self) -> str:
        return self.name.partition("/")[0]

    def json(self) -> dict[str, Any]:
        """The snapshot."""
        snapshot: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "state": self.state,
            "protocol_id": "",
            "caller": {"name": self.caller_name, "number": self.caller_number},
            "connected": {"name": self.connected_name, "number": self.connected_number},
            "accountcode": "",
            "dialplan": vars(self.dialplan).copy(),
            "creationtime": self.creationtime,
            "language": "en",
        }
        if self.reported:
            snapshot["channelvars"] = {name: self.variables.get(name, "") for name in sorted(self.reported)}
        return snapshot


@dataclass(eq=False)
class FakeBridge:
    """A bridge."""

    id: str
    type: str
    name: str
    creationtime: str
    channels: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    jobs: Jobs = field(default_factory=Jobs)
    #: Running recordings: each has a recorder channel of its own, and they end when the last channel leaves.
    recorders: list[Job] = field(default_factory=list)
    #: Applications that hear of it: app -> for which channels, "" for an explicit subscription.
    subscribers: dict[str, set[str]] = field(default_factory=dict)
    music: str | None = None

    def json(self) -> dict[str, Any]:
        """The snapshot."""
        holding = "holding" in self.type
        return {
            "id": self.id,
            "technology": "holding_bridge" if holding else "simple_bridge",
            "bridge_type": "holding" if holding else "mixing",
            "bridge_class": "stasis",
            "creator": "Stasis",
            "name": self.name,
            "channels": list(self.channels),
            "creationtime": self.creationtime,
            "video_mode": "talker",
        }


@dataclass(eq=False)
class FakePlayback:
    """A playback."""

    id: str
    media: list[str]
    target: str
    language: str = "en"
    state: str = "queued"
    index: int = 0
    job: Job | None = None

    def json(self) -> dict[str, Any]:
        """The snapshot."""
        snapshot = {
            "id": self.id,
            "media_uri": self.media[self.index],
            "target_uri": self.target,
            "language": self.language,
            "state": self.state,
        }
        if self.index + 1 < len(self.media):
            snapshot["next_media_uri"] = self.media[self.index + 1]
        return snapshot


@dataclass(eq=False)
class FakeRecording:
    """A live recording."""

    name: str
    format: str
    target: str
    state: str = "queued"
    started: float = 0.0
    duration: int | None = None
    cause: str | None = None
    job: Job | None = None
    cancelled: bool = False

    def json(self) -> dict[str, Any]:
        """The snapshot."""
        snapshot: dict[str, Any] = {
            "name": self.name,
            "format": self.format,
            "target_uri": self.target,
            "state": self.state,
        }
        if self.duration is not None:
            snapshot["duration"] = self.duration
        if self.cause is not None:
            snapshot["cause"] = self.cause
        return snapshot


@dataclass(eq=False)
class FakeApp:
    """A Stasis application."""

    name: str
    #: Sends one event; None while nobody is connected.
    send: Callable[[dict[str, Any]], None] | None = None
    #: Registered by an outbound websocket: events wait while nobody is connected.
    persistent: bool = False
    queue: list[dict[str, Any]] = field(default_factory=list)
    allowed: list[dict[str, Any]] = field(default_factory=list)
    disallowed: list[dict[str, Any]] = field(default_factory=list)
    #: Explicit subscriptions to things that do not exist yet or are of a whole kind.
    sources: set[str] = field(default_factory=set)
    #: Events that nobody was there for.
    missed: int = 0

    @property
    def active(self) -> bool:
        """Whether Stasis() lets channels in."""
        return self.persistent or self.send is not None

    def wants(self, event_type: str) -> bool:
        """The event filter: disallowed goes first."""
        if any(e.get("type") == event_type for e in self.disallowed):
            return False
        return not self.allowed or any(e.get("type") == event_type for e in self.allowed)
