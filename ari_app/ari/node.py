"""One Asterisk: its REST operations, its event stream, and what it has told us.

    node = Node("pbx", url="http://127.0.0.1:8088/ari", user="u", password="p", app="ari_app")   # we connect
    node = Node(..., source=server.source("pbx", "u2", "p2"))          # Asterisk connects to our OutboundServer
    node.on_event = registry.on_event
    await node.start()
    await node.channels.answer(channelId)

Each frame is decoded, drawn into the picture and handed to `on_event` before the next one is read: synchronously, in
order, in the reader. After each (re)connect follows the resync:

    fence ──> lists ──> fence ──> differences as synthetic events ──> on_resynced(snapshot)

A fence is a user event sent to ourselves: when it comes back, everything Asterisk had queued before it has been
handled. The first one lets an outbound connection deliver what it kept for us; the second one lets the events overtake
the lists, so that something that ended while the lists were on their way is not taken for alive.
"""

from __future__ import annotations

import asyncio
import logging
import random as random_module
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from ari_app.ari import events as ev
from ari_app.ari.connection import Backoff, InboundSource, Source
from ari_app.ari.errors import AriError, Gone
from ari_app.ari.http import HttpOptions, HttpPool
from ari_app.ari.models import LiveRecording, Playback
from ari_app.ari.operations import Operations
from ari_app.ari.picture import Picture, Snapshot
from ari_app.ari.protocol import FrameDecoder, Received, event_time, timestamp_of
from ari_app.ari.subscriptions import Subscriptions
from ari_app.ari.watch import StreamWatch
from ari_app.clock import Clock, SystemClock, pause
from ari_app.ids import IdSource

log = logging.getLogger(__name__)

T = TypeVar("T")

__all__ = ["Node", "Snapshot"]

#: States of a playback or recording that has ended.
_OVER = ("done", "failed", "canceled")

#: Events that the node looks at before it passes them on.
_OURS = (ev.ChannelUserevent, ev.StasisStart, ev.StasisEnd, ev.ApplicationReplaced)


def _ignore(*_: object) -> None:
    pass


class _Pool(HttpPool):
    """Also notes playbacks and recordings: one whose start event was lost must be known to be missed."""

    picture: Picture

    def decode(self, operation: str, data: bytes, type_: type[T]) -> T:
        value = super().decode(operation, data, type_)
        if isinstance(value, Playback):
            self.picture.note_playback(value)
        elif isinstance(value, LiveRecording):
            self.picture.note_recording(value)
        return value


class Node(Operations):
    """One Asterisk. The operations are its attributes: `node.channels.answer(...)`, `node.bridges.addChannel(...)`."""

    def __init__(
        self,
        name: str,
        *,
        url: str,
        user: str,
        password: str,
        app: str,
        source: Source | None = None,
        unwanted_events: Iterable[str] = (),
        clock: Clock | None = None,
        random: Callable[[], float] = random_module.random,
        backoff: Backoff | None = None,
        fence_timeout: float = 5.0,
        http: HttpOptions | None = None,
    ) -> None:
        """Nothing is connected before start().

        `source` is where the events come from: None = we connect. `unwanted_events` are types that Asterisk need not
        send. `fence_timeout` in seconds: how long a resync waits for queued events. `http` overrides url, user,
        password and sets what else there is to set.
        """
        self.http = _Pool(http or HttpOptions(base_url=url, user=user, password=password))
        super().__init__(self.http)
        self.name = name
        self.app = app
        self.clock = clock or SystemClock()
        #: Channels, bridges, playbacks and recordings as the events drew them.
        self.snapshot = self.http.picture = Picture(app)
        #: The websocket is up.
        self.connected = False
        #: Another connection took our application over (ApplicationReplaced).
        self.replaced = False

        #: Each event, in order, synchronously; also UnknownEvent, also synthetic ones.
        self.on_event: Callable[[Received], object] = _ignore
        #: The websocket is up; events follow.
        self.on_connected: Callable[[], object] = _ignore
        #: The picture agrees with Asterisk again; the differences have been through on_event.
        self.on_resynced: Callable[[Snapshot], object] = _ignore
        #: The websocket is down, and why.
        self.on_disconnected: Callable[[str], object] = _ignore

        #: type -> frames received.
        self.received: Counter[str] = Counter()
        #: type -> synthetic events made by resyncs.
        self.synthetic: Counter[str] = Counter()
        #: Exceptions in on_event; each is logged, none stops the reader.
        self.handler_errors = 0
        #: Beginnings of channels that a resync had found before their event came; not passed on a second time.
        self.duplicates = 0
        self.connections = 0
        self.resyncs = 0
        self.resync_failures = 0

        self._random = random
        self._backoff = backoff or Backoff()
        self._fence_timeout = fence_timeout
        self._closing = False
        self._watch = StreamWatch(name, self.clock, self.asterisk.ping, self.background)
        self._unwanted = tuple(unwanted_events)
        self.subscriptions = Subscriptions(name, app, self.applications)
        self._source = source or InboundSource(
            self._events_url(), self.http.options.authorization, random=random, clock=self.clock, backoff=self._backoff
        )
        self._decoder = FrameDecoder()
        self._decoder.unknowns = self.http.unknowns
        self._ids = IdSource(self.clock)
        self._presumed: set[str] = set()
        self._fences: dict[str, asyncio.Event] = {}
        self._resync_task: asyncio.Task[None] | None = None
        self._resynced = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        #: seconds by which our clock was ahead of Asterisk's when we looked last, more by the milliseconds of an event
        self.clock_ahead = 0.0
        #: which run of which Asterisk this is: its id, and when it was started; None: not known yet
        self.incarnation: tuple[str, str] | None = None

    def _events_url(self) -> str:
        parts = urlsplit(self.http.options.base_url)
        scheme = {"http": "ws", "https": "wss"}[parts.scheme]
        path = parts.path.rstrip("/") + self.events.eventWebsocket(app=self.app, subscribeAll=False)
        return urlunsplit((scheme, parts.netloc, "", "", "")) + path

    # -- life

    async def start(self) -> None:
        """Begin to connect, or to be connected to; returns at once. wait_resynced() waits for the result."""
        self._closing = False
        self._watch.expect()
        self._source.start(self)

    async def close(self) -> None:
        """Disconnect, cancel what runs in the background, close the pool."""
        self._closing = True
        await self._source.close()
        self._watch.came()
        self._stop_resync()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.http.close()

    async def wait_resynced(self) -> None:
        """Wait until connected and in step with Asterisk."""
        await self._resynced.wait()

    def background(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something beside everything else; its failure is logged. close() cancels it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._background_done)
        return task

    def _background_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("= %s: a background task failed", self.name, exc_info=task.exception())

    async def subscribe(self, *sources: str) -> None:
        """Subscribe the application, as `channel:{id}`, `bridge:{id}`, `endpoint:PJSIP/1001`; again after each connect.

        Raises AriError; Unprocessable when a source does not exist. Channels of ours need no subscription.
        """
        await self.subscriptions.add(*sources)

    async def unsubscribe(self, *sources: str) -> None:
        """Take a subscription back. Raises AriError."""
        await self.subscriptions.remove(*sources)

    # -- counters for metrics

    @property
    def unknown_events(self) -> Counter[str]:
        """type -> frames that became UnknownEvent."""
        return self._decoder.unknown_events

    @property
    def unknown_fields(self) -> Counter[str]:
        """`Channel.newfield` -> how often it came, in events and in answers."""
        return self.http.unknowns.counts

    @property
    def late_events(self) -> int:
        """Events about something that had ended already."""
        return self.snapshot.late

    @property
    def missing_since(self) -> float | None:
        """Since when there has been no event stream, by the clock; None while there is one, and before start()."""
        return self._watch.missing_since

    # -- the sink of the connection; all synchronous

    def opened(self) -> None:
        """The websocket is up."""
        self.connected = True
        self.replaced = False
        self._watch.came()
        self.connections += 1
        log.info("= %s: events connected", self.name)
        self._guarded(self.on_connected)
        self._stop_resync()
        self._resync_task = asyncio.get_running_loop().create_task(
            self._resync_until_done(), name=f"resync {self.name}"
        )

    def frame(self, data: bytes | str) -> None:
        """One frame."""
        if not self.subscriptions.repeated(data):
            self._deliver(self._decoder.decode(data))

    def closed(self, reason: str) -> None:
        """The websocket is down."""
        if not self.connected:
            return
        self.connected = False
        self._presumed.clear()
        self._resynced.clear()
        self._stop_resync()
        log.log(logging.INFO if self._closing else logging.WARNING, "= %s: events disconnected: %s", self.name, reason)
        self._guarded(self.on_disconnected, reason)
        if not self._closing:
            self._watch.expect()

    def _deliver(self, event: Received) -> None:
        self.received[event.type] += 1
        try:
            self.snapshot.apply(event)
            if type(event) in _OURS and self._is_ours(event):
                return
            self.on_event(event)
        except Exception:
            self.handler_errors += 1
            log.exception("= %s: handling of %s failed", self.name, event.type)

    def _is_ours(self, event: Received) -> bool:
        """Whether it is for the node alone, and not passed on."""
        if isinstance(event, ev.ChannelUserevent):
            fence = self._fences.get(event.eventname)
            if fence is not None:
                self.clock_ahead = self.clock.now() - event_time(event.timestamp)
                fence.set()
            return fence is not None
        if isinstance(event, ev.StasisEnd):
            self._presumed.discard(event.channel.id)  # it may come back, and that is news then
        elif isinstance(event, ev.StasisStart) and not event.synthetic and event.channel.id in self._presumed:
            # While an outbound connection sends what it has kept, a fence may overtake it: this is the true beginning
            # of a channel that the resync has found already.
            self._presumed.discard(event.channel.id)
            self.duplicates += 1
            return True
        elif isinstance(event, ev.ApplicationReplaced):
            self.replaced = True
            log.warning("= %s: application %s was taken over by another connection", self.name, self.app)
        return False

    def _guarded(self, callback: Callable[..., object], *arguments: object) -> None:
        try:
            callback(*arguments)
        except Exception:
            self.handler_errors += 1
            log.exception("= %s: a callback failed", self.name)

    # -- resync

    def _stop_resync(self) -> None:
        if self._resync_task is not None:
            self._resync_task.cancel()
            self._resync_task = None
        self.snapshot.touched = None

    async def _resync_until_done(self) -> None:
        attempt = 0
        while True:
            try:
                snapshot = await self._read_snapshot()
                break
            except AriError as error:
                log.warning("= %s: resync failed: %s; trying again", self.name, error)
            except Exception:
                log.exception("= %s: resync failed; trying again", self.name)
            self.resync_failures += 1
            await pause(self.clock, self._backoff.delay(attempt, self._random))
            attempt += 1
        # No await from here on: picture and lists must not drift apart again.
        differences = self.snapshot.differences(snapshot, timestamp_of(self.clock.now()))
        self.snapshot.touched = None
        for event in differences:
            self.synthetic[event.type] += 1
            if type(event) is ev.StasisStart:
                self._presumed.add(event.channel.id)
            self._deliver(event)
        self.resyncs += 1
        self._resynced.set()
        log.info("= %s: resynced, %d differences", self.name, len(differences))
        self._guarded(self.on_resynced, snapshot)

    async def _read_snapshot(self) -> Snapshot:
        await self._apply_settings()
        await self._fence()
        self.snapshot.touched = set()
        info, application, channels, bridges, endpoints, (playbacks, recordings) = await asyncio.gather(
            self.asterisk.getInfo(only=["system", "status"]),
            self.applications.get(self.app),
            self.channels.list(),
            self.bridges.list(),
            self.subscriptions.listed(self.endpoints),
            asyncio.gather(
                self._finished(list(self.snapshot.playbacks), self.playbacks.get),
                self._finished(list(self.snapshot.recordings), self.recordings.getLive),
            ),
        )
        await self._fence()
        incarnation = (
            info.system.entity_id if info.system else "",
            info.status.startup_time if info.status else "",
        )
        restarted = self.incarnation is not None and incarnation != self.incarnation
        self.incarnation = incarnation
        return Snapshot(
            info=info,
            application=application,
            channels=tuple(channels),
            bridges=tuple(bridges),
            endpoints=tuple(endpoints),
            restarted=restarted,
            finished_playbacks=tuple(playbacks),
            finished_recordings=tuple(recordings),
        )

    async def _apply_settings(self) -> None:
        """Event filter and subscriptions: Asterisk forgets both with the application's registration."""
        if self._unwanted:
            await self.applications.filter(self.app, filter={"disallowed": [{"type": t} for t in self._unwanted]})
        await self.subscriptions.renew()

    async def compare_clocks(self) -> float:
        """Look how far our clock is ahead of Asterisk's, in seconds. Raises AriError."""
        await self._fence()
        return self.clock_ahead

    async def _fence(self) -> None:
        """Return when everything Asterisk sent before now has been handled, or after `fence_timeout`."""
        name = self._ids.new("fence")
        arrived = self._fences[name] = asyncio.Event()
        limit = self.clock.now() + self._fence_timeout
        timer = self.clock.call_at(limit, arrived.set)
        try:
            await self.events.userEvent(name, application=self.app)
            await arrived.wait()
        finally:
            timer.cancel()
            del self._fences[name]
        if self.clock.now() >= limit:
            log.warning("= %s: no answer on the event stream in %g s", self.name, self._fence_timeout)

    @staticmethod
    async def _finished(
        names: list[str], get: Callable[[str], Coroutine[Any, Any, Playback | LiveRecording]]
    ) -> list[str]:
        """Which of them are over: Asterisk does not have them, or is just about to forget them."""

        async def is_over(name: str) -> bool:
            try:
                return (await get(name)).state in _OVER
            except Gone:
                return True

        flags = await asyncio.gather(*(is_over(name) for name in names))
        return [name for name, over in zip(names, flags, strict=True) if over]
