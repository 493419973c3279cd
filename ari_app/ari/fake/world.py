"""The inside of a FakeAsterisk: how channels live, and who is told. No I/O; time is the injected clock's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ari_app.ari.fake.behaviours import BUSY, CAUSE_TEXTS, NO_ANSWER, Behaviour, Offline
from ari_app.ari.fake.faults import Faults, Hold
from ari_app.ari.fake.state import (
    Dialplan,
    FakeApp,
    FakeBridge,
    FakeChannel,
    FakePlayback,
    FakeRecording,
)
from ari_app.ari.protocol import timestamp_of
from ari_app.clock import Clock, Timer

#: What Asterisk puts as cause into the hang-up request of a hang-up over ARI, whatever reason was given.
SOFT_HANGUP = 32


#: events of a channel that go through its endpoint's topic too (main/endpoints.c); those of Stasis do not
_FORWARDED = frozenset(
    ("ChannelCreated", "ChannelStateChange", "ChannelHangupRequest", "ChannelDestroyed", "Dial", "ChannelDtmfReceived")
)


class World:
    """Channels, bridges and the rest, and their events."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.faults = Faults()
        self.asterisk_id = "02:00:00:00:00:01"
        self.startup_time = timestamp_of(clock.now())
        #: What answers when `PJSIP/1001` or `Local/answer@test` is dialled. Anything else is offline.
        self.endpoints: dict[str, Behaviour] = {}
        #: Media that cannot be played.
        self.missing_media: set[str] = set()
        #: Seconds that one media URI plays. Tones play until stopped.
        self.media_seconds = 0.05
        self.channels: dict[str, FakeChannel] = {}
        self.bridges: dict[str, FakeBridge] = {}
        self.playbacks: dict[str, FakePlayback] = {}
        self.recordings: dict[str, FakeRecording] = {}
        #: name -> (format, content)
        self.stored: dict[str, tuple[str, bytes]] = {}
        self.apps: dict[str, FakeApp] = {}
        self.global_variables: dict[str, str] = {}
        self.config: dict[tuple[str, str, str], dict[str, str]] = {}
        self.device_states: dict[str, str] = {}
        #: Every event told to any application, with the application, in order.
        self.told: list[tuple[str, dict[str, Any]]] = []
        #: Channels sent back into the dialplan, in order.
        self.continued: list[str] = []
        self._serial = 0

    # -- small things

    def now(self) -> str:
        """The time as events have it."""
        return timestamp_of(self.clock.now())

    def later(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Do something after a while."""
        return self.clock.call_at(self.clock.now() + seconds, action)

    def new_id(self) -> str:
        """An id as Asterisk makes them."""
        self._serial += 1
        return f"{int(self.clock.now())}.{self._serial}"

    def serial(self) -> str:
        """The end of a channel's name."""
        self._serial += 1
        return f"{self._serial:08x}"

    # -- telling applications

    def app(self, name: str) -> FakeApp:
        """The application, made if it is not there."""
        return self.apps.setdefault(name, FakeApp(name))

    def emit(
        self, event: dict[str, Any], *channels: FakeChannel, bridge: FakeBridge | None = None, apps: Iterable[str] = ()
    ) -> None:
        """Tell the applications that are subscribed to one of the channels, to the bridge, or that are named."""
        names = dict.fromkeys(apps)
        for channel in channels:
            if channel.app:
                names[channel.app] = None
            names |= dict.fromkeys(sorted(channel.subscribers))
            names |= dict.fromkeys(a.name for a in self.apps.values() if "channel:" in a.sources)
        if bridge is not None:
            names |= dict.fromkeys(bridge.subscribers)
            names |= dict.fromkeys(a.name for a in self.apps.values() if "bridge:" in a.sources)
        once_more = list(self._followers(event["type"], channels))
        stamped = {**event, "timestamp": self.now(), "asterisk_id": self.asterisk_id}
        for name in [*names, *once_more]:
            app = self.apps.get(name)
            if app is not None and app.wants(event["type"]):
                self._tell(app, {**stamped, "application": name})

    def _followers(self, event_type: str, channels: Iterable[FakeChannel]) -> Iterable[str]:
        """Applications that are subscribed to a channel's endpoint hear of the channel as well, or once more."""
        for channel in channels if event_type in _FORWARDED else ():
            yield from (a.name for a in self.apps.values() if f"endpoint:{channel.endpoint}" in a.sources)

    def endpoint_json(self, name: str) -> dict[str, Any]:
        """The snapshot of an endpoint such as PJSIP/1001."""
        technology, _, resource = name.partition("/")
        channels = [c.id for c in self.channels.values() if c.endpoint == name]
        state = "offline" if self.endpoints[name].offline else "online"
        return {"technology": technology, "resource": resource, "state": state, "channel_ids": channels}

    def endpoint_changed(self, name: str) -> None:
        """Its state is another one, or it has got or lost a channel."""
        if name in self.endpoints:
            apps = [a.name for a in self.apps.values() if f"endpoint:{name}" in a.sources]
            self.emit({"type": "EndpointStateChange", "endpoint": self.endpoint_json(name)}, apps=apps)

    def _tell(self, app: FakeApp, event: dict[str, Any]) -> None:
        self.told.append((app.name, event))
        for hold in self.faults.holds:
            if hold.matches(event):
                hold.events.append((app.name, event))
                return
        if self.faults.event_delay:
            self.later(self.faults.event_delay, lambda: self._send(app, event))
        else:
            self._send(app, event)

    @staticmethod
    def _send(app: FakeApp, event: dict[str, Any]) -> None:
        if app.send is not None:
            app.send(event)
        elif app.persistent:
            app.queue.append(event)
        else:
            app.missed += 1

    def hold(self, matches: Callable[[dict[str, Any]], bool] | str) -> Hold:
        """Keep events back (a type, or what a function picks) until `release()`; all others go on."""
        test = (lambda event: bool(event["type"] == matches)) if isinstance(matches, str) else matches
        hold = Hold(test)

        def release() -> None:
            self.faults.holds.remove(hold)
            for name, event in hold.events:
                self._send(self.apps[name], event)
            hold.events.clear()

        hold.release = release
        self.faults.holds.append(hold)
        return hold

    # -- channels

    def add_channel(
        self, name: str, channel_id: str | None, *, context: str = "default", exten: str = "s", caller: str = ""
    ) -> FakeChannel:
        """A channel that is Down and nowhere."""
        channel = FakeChannel(channel_id or self.new_id(), name, self.now(), caller_number=caller)
        channel.dialplan = Dialplan(context=context, exten=exten)
        self.channels[channel.id] = channel
        self.endpoint_changed(channel.endpoint)
        return channel

    def behaviour_of(self, endpoint: str) -> Behaviour:
        """What dialling it will do; `/n` and the like after a Local endpoint do not matter."""
        found = self.endpoints.get(endpoint) or self.endpoints.get(
            endpoint.partition("/")[0] + "/" + _resource(endpoint)
        )
        return found or Offline()

    def set_state(self, channel: FakeChannel, state: str) -> None:
        """Down, Ring, Ringing, Up."""
        if channel.state != state and not channel.ended:
            channel.state = state
            self.emit({"type": "ChannelStateChange", "channel": channel.json()}, channel)

    def enter_stasis(self, channel: FakeChannel, app_name: str, args: Iterable[str]) -> bool:
        """Stasis(app,args). False when no such application takes calls (STASISSTATUS=FAILED)."""
        app = self.apps.get(app_name)
        if channel.ended or app is None or not app.active:
            return False
        channel.app = app_name
        channel.dialplan.app_name = "Stasis"
        channel.dialplan.app_data = ",".join([app_name, *args])
        self.emit({"type": "StasisStart", "args": list(args), "channel": channel.json()}, channel)
        return True

    def leave_stasis(self, channel: FakeChannel) -> None:
        """The last event of its time in the application."""
        if channel.app is None:
            return
        self.leave_bridge(channel, unsubscribe=not channel.ended)
        self.emit({"type": "StasisEnd", "channel": channel.json()}, channel)
        channel.app = None
        channel.dialplan.app_name = channel.dialplan.app_data = ""

    def hang_up(self, channel: FakeChannel, cause: int, *, soft: bool = False, tech_cause: int = 0) -> None:
        """End a channel. `soft`: from our side; else the far end did it."""
        if channel.ended:
            return
        request: dict[str, Any] = {"type": "ChannelHangupRequest", "channel": channel.json()}
        request |= {"cause": SOFT_HANGUP, "soft": True} if soft else {"cause": cause}
        if tech_cause:
            request["tech_cause"] = tech_cause
        self.emit(request, channel)
        channel.cause = cause
        channel.ended = True
        for timer in channel.timers:
            timer.cancel()
        channel.jobs.finish_all()
        self.leave_stasis(channel)
        if channel.dialled and not channel.dialable and channel.state != "Up":
            self._dial_event(channel, "BUSY" if cause == BUSY else "NOANSWER", channel.dialstring)
        destroyed = {
            "type": "ChannelDestroyed",
            "channel": channel.json(),
            "cause": cause,
            "cause_txt": CAUSE_TEXTS.get(cause, "Unknown"),
        }
        if tech_cause:
            destroyed["tech_cause"] = tech_cause
        # Only those who made it are still subscribed: a channel that came in has StasisEnd as its last event.
        self.emit(destroyed, channel)
        del self.channels[channel.id]
        self.endpoint_changed(channel.endpoint)
        for spy in [c for c in self.channels.values() if c.spied == channel.id]:
            self.end_quietly(spy)
        other = self.channels.get(channel.other or "")
        if other is not None:
            self.hang_up(other, cause)

    def end_quietly(self, channel: FakeChannel) -> None:
        """A snoop whose channel has ended: StasisEnd and no other word."""
        channel.ended = True
        channel.jobs.finish_all()
        self.leave_stasis(channel)
        self.channels.pop(channel.id, None)

    def dial(self, channel: FakeChannel, timeout: float) -> None:
        """Ring the far end; its behaviour says what follows. `timeout` in seconds, 0: none."""
        channel.dialled = True
        self._dial_event(channel, "", channel.dialstring)
        behaviour = channel.behaviour
        if behaviour.stasis is not None:
            self._other_half(channel, behaviour.stasis)
        if behaviour.ring is not None:
            self._schedule(channel, behaviour.ring, lambda: self.ring(channel))
        if behaviour.answer is not None:
            self._schedule(channel, behaviour.answer, lambda: self.answered(channel))
        if behaviour.fail is not None:
            cause, tech = behaviour.cause, behaviour.tech_cause
            self._schedule(channel, behaviour.fail, lambda: self.hang_up(channel, cause, tech_cause=tech))
        if timeout > 0:
            self._schedule(channel, timeout, lambda: self._dial_timeout(channel))

    def _schedule(self, channel: FakeChannel, seconds: float, action: Callable[[], None]) -> None:
        channel.timers.append(self.later(seconds, action))

    def _other_half(self, channel: FakeChannel, args: tuple[str, ...]) -> None:
        half = self.add_channel(
            channel.name.removesuffix(";1") + ";2",
            channel.other,
            exten=channel.dialplan.exten,
            caller=channel.caller_number,
        )
        channel.other, half.other = half.id, channel.id
        half.state = "Ring"
        half.subscribers |= channel.subscribers
        if not self.enter_stasis(half, channel.wanted_app or channel.app or "", args):
            self.hang_up(half, 0)

    def ring(self, channel: FakeChannel) -> None:
        """The far end rings."""
        if not channel.ended and channel.state == "Down":
            self.set_state(channel, "Ringing")
            self._dial_event(channel, "RINGING")

    def answered(self, channel: FakeChannel) -> None:
        """The far end answers."""
        if channel.ended or channel.state == "Up":
            return
        self.set_state(channel, "Up")
        self._dial_event(channel, "ANSWER")
        if channel.wanted_app and channel.app is None:
            self.enter_stasis(channel, channel.wanted_app, channel.wanted_args)

    def _dial_timeout(self, channel: FakeChannel) -> None:
        if channel.state != "Up":
            self.hang_up(channel, NO_ANSWER, soft=channel.app is not None)

    def _dial_event(self, channel: FakeChannel, status: str, dialstring: str = "") -> None:
        event = {"type": "Dial", "peer": channel.json(), "dialstring": dialstring, "dialstatus": status, "forward": ""}
        self.emit(event, channel)

    # -- bridges

    def enter_bridge(self, channel: FakeChannel, bridge: FakeBridge) -> None:
        """Put it in; out of the one it is in, first."""
        self.leave_bridge(channel)
        bridge.channels.append(channel.id)
        channel.bridge = bridge.id
        if channel.app:
            bridge.subscribers.setdefault(channel.app, set()).add(channel.id)
        event = {"type": "ChannelEnteredBridge", "bridge": bridge.json(), "channel": channel.json()}
        self.emit(event, channel, bridge=bridge)

    def leave_bridge(self, channel: FakeChannel, *, unsubscribe: bool = True) -> None:
        """Take it out. A channel that hangs up in a bridge leaves its application subscribed to the bridge."""
        bridge = self.bridges.get(channel.bridge or "")
        channel.bridge = None
        if bridge is None or channel.id not in bridge.channels:
            return
        bridge.channels.remove(channel.id)
        event = {"type": "ChannelLeftBridge", "bridge": bridge.json(), "channel": channel.json()}
        self.emit(event, channel, bridge=bridge)
        if unsubscribe:
            for app in list(bridge.subscribers):
                bridge.subscribers[app].discard(channel.id)
                if not bridge.subscribers[app]:
                    del bridge.subscribers[app]
        if not bridge.channels:
            self._end_recorders(bridge)  # the real one sometimes still tells the application, sometimes not

    def destroy_bridge(self, bridge: FakeBridge) -> None:
        """Everybody out, then gone. The application is told the rest only if it is still subscribed."""
        for channel_id in list(bridge.channels):
            self.leave_bridge(self.channels[channel_id])
        bridge.jobs.finish_all()
        self.emit({"type": "BridgeDestroyed", "bridge": bridge.json()}, bridge=bridge)
        self.bridges.pop(bridge.id, None)

    @staticmethod
    def _end_recorders(bridge: FakeBridge) -> None:
        for job in list(bridge.recorders):
            if job.timer is not None:
                job.timer.cancel()
            job.end(False)


def _resource(endpoint: str) -> str:
    parts = endpoint.split("/")
    return parts[1] if len(parts) > 1 else ""
