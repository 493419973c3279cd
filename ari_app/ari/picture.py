"""What one Asterisk has told us: its channels, bridges, playbacks and recordings, as of the last event. Pure.

`apply()` takes every event in order. `differences()` takes what Asterisk lists after a reconnect and says, as events,
what must have happened in between (rule 5 of the architecture). Such events have `synthetic` set; what Asterisk did
not tell is not invented: a channel that is gone has cause 0 ("not defined", Q.850 has no such value).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ari_app.ari import events as ev
from ari_app.ari.models import Application, AsteriskInfo, Bridge, Channel, Endpoint, LiveRecording, Playback
from ari_app.ari.protocol import Received

#: Ids of ended things that are remembered, so that a late event does not bring one back to life.
ENDED_KEPT = 4096

GONE_CAUSE = 0
GONE_TEXT = "Gone while disconnected"


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What Asterisk has, asked once after a (re)connect."""

    info: AsteriskInfo
    application: Application
    channels: tuple[Channel, ...]
    bridges: tuple[Bridge, ...]
    #: All there are, when the application is subscribed to any.
    endpoints: tuple[Endpoint, ...] = ()
    #: Asterisk is another one than at the last connection, or was restarted: all that was before is gone.
    restarted: bool = False
    #: Playbacks and recordings that the picture holds and Asterisk does not.
    finished_playbacks: tuple[str, ...] = ()
    finished_recordings: tuple[str, ...] = ()


@dataclass
class Picture:
    """The state of one Asterisk as its events drew it; only what concerns our application."""

    app: str
    channels: dict[str, Channel] = field(default_factory=dict)
    bridges: dict[str, Bridge] = field(default_factory=dict)
    playbacks: dict[str, Playback] = field(default_factory=dict)
    recordings: dict[str, LiveRecording] = field(default_factory=dict)
    #: `PJSIP/1001` -> an endpoint that the application is subscribed to.
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    #: Channels between StasisStart and StasisEnd.
    in_app: set[str] = field(default_factory=set)
    #: channel -> the bridge it is in.
    bridge_of: dict[str, str] = field(default_factory=dict)
    #: Events about something that had ended already.
    late: int = 0
    #: While a resync reads: ids that events spoke of meanwhile; events are believed before a list.
    touched: set[str] | None = None
    _ended: dict[str, None] = field(default_factory=dict)

    def apply(self, event: Received) -> None:
        """Draw one event in. Those that concern no channel, bridge, playback or recording change nothing."""
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    # -- channels

    def _channel(self, event: Any) -> None:
        """Something about a channel: the newest snapshot of it, if we have it at all."""
        channel = event.channel
        if channel is None:
            return
        channel_id = channel.id
        if channel_id in self.channels:
            self.channels[channel_id] = channel
        elif channel_id in self._ended:
            self.late += 1
        if self.touched is not None:
            self.touched.add(channel_id)

    def _channel_seen(self, event: Any) -> None:
        """An event that also makes a channel known: ChannelCreated may come before we are subscribed."""
        self._see(event.channel)

    def _see(self, channel: Channel) -> bool:
        if self.touched is not None:
            self.touched.add(channel.id)
        if channel.id in self._ended:
            self.late += 1
            return False
        self.channels[channel.id] = channel
        return True

    def _dial(self, event: ev.Dial) -> None:
        if event.peer.id in self.channels or event.peer.id not in self._ended:
            self._see(event.peer)
        if event.caller is not None and event.caller.id in self.channels:
            self.channels[event.caller.id] = event.caller

    def _stasis_start(self, event: ev.StasisStart) -> None:
        if self._see(event.channel):
            self.in_app.add(event.channel.id)

    def _stasis_end(self, event: ev.StasisEnd) -> None:
        # The last event of a channel that the dialplan sent to us; but no end for good: it may come back (move, or
        # continue and Stasis() again). ChannelDestroyed is the end for good; only channels that we made have it.
        self._channel(event)
        self._forget(event.channel.id)

    def _destroyed(self, event: ev.ChannelDestroyed) -> None:
        self._channel(event)
        self._forget(event.channel.id)
        self._end(event.channel.id)

    def _forget(self, channel_id: str) -> None:
        self.channels.pop(channel_id, None)
        self.in_app.discard(channel_id)
        self.bridge_of.pop(channel_id, None)
        self._forget_media(f"channel:{channel_id}")

    def _forget_media(self, target: str) -> None:
        """What still plays or records there ends unheard of: its end comes before, or not at all."""
        for playback_id in [p.id for p in self.playbacks.values() if p.target_uri == target]:
            del self.playbacks[playback_id]
        for name in [r.name for r in self.recordings.values() if r.target_uri == target]:
            del self.recordings[name]

    # -- bridges

    def _bridge(self, event: Any) -> None:
        bridge = event.bridge
        if self.touched is not None:
            self.touched.add(bridge.id)
        if bridge.id in self._ended:
            self.late += 1
        else:
            self.bridges[bridge.id] = bridge

    def _bridge_destroyed(self, event: ev.BridgeDestroyed) -> None:
        bridge_id = event.bridge.id
        if self.touched is not None:
            self.touched.add(bridge_id)
        self._drop_bridge(bridge_id)
        for channel_id in [c for c, b in self.bridge_of.items() if b == bridge_id]:
            del self.bridge_of[channel_id]
        self._end(bridge_id)

    def _drop_bridge(self, bridge_id: str) -> None:
        self.bridges.pop(bridge_id, None)
        self._forget_media(f"bridge:{bridge_id}")

    def _merged(self, event: ev.BridgeMerged) -> None:
        self._bridge(event)
        for channel_id in event.bridge.channels:
            self.bridge_of[channel_id] = event.bridge.id

    def _entered(self, event: ev.ChannelEnteredBridge) -> None:
        self._bridge(event)
        self._channel(event)
        if event.channel is not None:
            self.bridge_of[event.channel.id] = event.bridge.id

    def _left(self, event: ev.ChannelLeftBridge) -> None:
        self._bridge(event)
        self._channel(event)
        if self.bridge_of.get(event.channel.id) == event.bridge.id:
            del self.bridge_of[event.channel.id]
        # Asterisk tells us of a bridge while one of our channels is in it: of its end afterwards we may never hear.
        if self.channels.keys().isdisjoint(event.bridge.channels):
            self._drop_bridge(event.bridge.id)

    # -- playbacks and recordings

    def _playing(self, event: Any) -> None:
        self.note_playback(event.playback)

    def note_playback(self, playback: Playback) -> None:
        """A playback as an event or a REST answer has it; the answer may come after the end."""
        if playback.id not in self._ended and self._heard_of(playback.target_uri):
            self.playbacks[playback.id] = playback

    def _played(self, event: ev.PlaybackFinished) -> None:
        self.playbacks.pop(event.playback.id, None)
        self._end(event.playback.id)

    def _recording(self, event: ev.RecordingStarted) -> None:
        self._ended.pop(f"recording:{event.recording.name}", None)  # a name, unlike an id, may be used again
        self.note_recording(event.recording)

    def note_recording(self, recording: LiveRecording) -> None:
        """A live recording as an event or a REST answer has it; the answer may come after the end."""
        if f"recording:{recording.name}" not in self._ended and self._heard_of(recording.target_uri):
            self.recordings[recording.name] = recording

    def _heard_of(self, target: str) -> bool:
        """Whether events about this `channel:id` or `bridge:id` will reach us."""
        kind, _, name = target.partition(":")
        return name in (self.bridges if kind == "bridge" else self.channels)

    def _recorded(self, event: ev.RecordingFinished | ev.RecordingFailed) -> None:
        self.recordings.pop(event.recording.name, None)
        self._end(f"recording:{event.recording.name}")

    # -- endpoints

    def _endpoint(self, event: ev.EndpointStateChange) -> None:
        name = endpoint_name(event.endpoint)
        self.endpoints[name] = event.endpoint
        if self.touched is not None:
            self.touched.add(f"endpoint:{name}")

    def _end(self, key: str) -> None:
        self._ended[key] = None
        if len(self._ended) > ENDED_KEPT:
            del self._ended[next(iter(self._ended))]

    # -- after a reconnect

    def differences(self, listing: Snapshot, now: str) -> list[ev.Event]:
        """What happened while nobody listened, in an order in which it can have happened. Changes nothing itself.

        `now` is the timestamp of the events. Ids that events touched while the lists were on their way are left out:
        those events are newer, or as new.
        """
        touched = self.touched or set()
        stamp = {"application": self.app, "timestamp": now, "synthetic": True}
        return list(_Differences(self, listing, frozenset(touched), stamp).all())


class _Differences:
    def __init__(self, picture: Picture, listing: Snapshot, touched: frozenset[str], stamp: Mapping[str, Any]) -> None:
        self.picture = picture
        self.stamp = stamp
        self.touched = touched
        self.listing = listing
        self.channels = {c.id: c for c in listing.channels}
        ours = set(listing.application.bridge_ids) | set(picture.bridges)
        subscribed = set(listing.application.channel_ids) | set(picture.channels)
        self.bridges = {b.id: b for b in listing.bridges if b.id in ours or not subscribed.isdisjoint(b.channels)}
        self.subscribed = set(listing.application.channel_ids)
        self.endpoints = {endpoint_name(e): e for e in listing.endpoints}

    def all(self) -> Iterator[ev.Event]:
        for bridge in self.bridges.values():
            if bridge.id not in self.picture.bridges and bridge.id not in self.touched:
                yield ev.BridgeCreated(bridge=bridge, **self.stamp)
        yield from self._finished()
        yield from self._left()
        yield from self._gone()
        yield from self._came()
        yield from self._entered()
        for bridge in list(self.picture.bridges.values()):
            if bridge.id not in self.bridges and bridge.id not in self.touched:
                yield ev.BridgeDestroyed(bridge=_with(bridge, channels=[]), **self.stamp)
        yield from self._endpoints()

    def _endpoints(self) -> Iterator[ev.Event]:
        """Those we are subscribed to, as they are; those that went, as of no known state."""
        followed = self.endpoints.keys() & set(self.listing.application.endpoint_ids)
        for name in sorted(followed):
            if self.picture.endpoints.get(name) != self.endpoints[name] and f"endpoint:{name}" not in self.touched:
                yield ev.EndpointStateChange(endpoint=self.endpoints[name], **self.stamp)
        for name, endpoint in list(self.picture.endpoints.items()):
            if name not in followed and f"endpoint:{name}" not in self.touched:
                yield ev.EndpointStateChange(endpoint=_with(endpoint, state="unknown", channel_ids=[]), **self.stamp)

    def _finished(self) -> Iterator[ev.Event]:
        for playback_id in self.listing.finished_playbacks:
            playback = self.picture.playbacks.get(playback_id)
            if playback is not None:
                yield ev.PlaybackFinished(playback=_with(playback, state="done"), **self.stamp)
        for name in self.listing.finished_recordings:
            recording = self.picture.recordings.get(name)
            if recording is not None:
                yield ev.RecordingFinished(recording=_with(recording, state="done"), **self.stamp)

    def _left(self) -> Iterator[ev.Event]:
        for channel_id, bridge_id in list(self.picture.bridge_of.items()):
            channel = self.channels.get(channel_id) or self.picture.channels.get(channel_id)
            bridge = self.bridges.get(bridge_id) or self.picture.bridges.get(bridge_id)
            known = channel is not None and bridge is not None and not {channel_id, bridge_id} & self.touched
            inside = bridge_id in self.bridges and channel_id in self.bridges[bridge_id].channels
            if known and not inside and channel is not None and bridge is not None:
                rest = [c for c in bridge.channels if c != channel_id]
                yield ev.ChannelLeftBridge(bridge=_with(bridge, channels=rest), channel=channel, **self.stamp)

    def _gone(self) -> Iterator[ev.Event]:
        for channel in list(self.picture.channels.values()):
            if channel.id in self.touched:
                continue
            there = self.channels.get(channel.id)
            if there is None:
                yield ev.ChannelDestroyed(cause=GONE_CAUSE, cause_txt=GONE_TEXT, channel=channel, **self.stamp)
                continue
            if channel.id in self.picture.in_app and self._args(there) is None:
                yield ev.StasisEnd(channel=there, **self.stamp)
            elif there.state != channel.state:
                yield ev.ChannelStateChange(channel=there, **self.stamp)

    def _came(self) -> Iterator[ev.Event]:
        for channel in sorted(self.listing.channels, key=lambda c: c.creationtime):
            if channel.id in self.touched or channel.id in self.picture.in_app:
                continue
            args = self._args(channel)
            if args is not None:
                yield ev.StasisStart(args=args, channel=channel, **self.stamp)
            elif channel.id in self.subscribed and channel.id not in self.picture.channels:
                yield ev.ChannelCreated(channel=channel, **self.stamp)

    def _entered(self) -> Iterator[ev.Event]:
        for bridge in self.bridges.values():
            for channel_id in bridge.channels:
                channel = self.channels.get(channel_id)
                new = self.picture.bridge_of.get(channel_id) != bridge.id
                if new and channel is not None and not {channel_id, bridge.id} & self.touched:
                    yield ev.ChannelEnteredBridge(bridge=bridge, channel=channel, **self.stamp)

    def _args(self, channel: Channel) -> list[str] | None:
        """The arguments with which the channel is in our application; None when it is not in it."""
        return stasis_args(channel, self.picture.app)


def stasis_args(channel: Channel, app: str) -> list[str] | None:
    """The arguments of the Stasis() that the channel is in, None when it is in none of `app`.

    While a channel is in Stasis, its snapshot has app_name "Stasis" and app_data "app,arg1,arg2".
    """
    if channel.dialplan.app_name != "Stasis":
        return None
    name, *args = channel.dialplan.app_data.split(",")
    return args if name == app else None


def endpoint_name(endpoint: Endpoint) -> str:
    """As in `endpoint:PJSIP/1001`."""
    return f"{endpoint.technology}/{endpoint.resource}"


def _with(struct: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(struct, **changes)


_HANDLERS: dict[type[Any], Callable[[Picture, Any], None]] = {
    ev.ChannelCreated: Picture._channel_seen,
    ev.ChannelStateChange: Picture._channel_seen,
    ev.StasisStart: Picture._stasis_start,
    ev.StasisEnd: Picture._stasis_end,
    ev.ChannelDestroyed: Picture._destroyed,
    ev.Dial: Picture._dial,
    ev.EndpointStateChange: Picture._endpoint,
    ev.BridgeCreated: Picture._bridge,
    ev.BridgeDestroyed: Picture._bridge_destroyed,
    ev.BridgeMerged: Picture._merged,
    ev.BridgeVideoSourceChanged: Picture._bridge,
    ev.ChannelEnteredBridge: Picture._entered,
    ev.ChannelLeftBridge: Picture._left,
    ev.PlaybackStarted: Picture._playing,
    ev.PlaybackContinuing: Picture._playing,
    ev.PlaybackFinished: Picture._played,
    ev.RecordingStarted: Picture._recording,
    ev.RecordingFinished: Picture._recorded,
    ev.RecordingFailed: Picture._recorded,
} | dict.fromkeys(
    (
        ev.ChannelDtmfReceived,
        ev.ChannelDialplan,
        ev.ChannelCallerId,
        ev.ChannelHangupRequest,
        ev.ChannelVarset,
        ev.ChannelHold,
        ev.ChannelUnhold,
        ev.ChannelTalkingStarted,
        ev.ChannelTalkingFinished,
        ev.ChannelToneDetected,
        ev.ChannelConnectedLine,
    ),
    Picture._channel,
)
