"""What Asterisk told us, and what must have happened while nobody listened."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.ari import events as ev
from ari_app.ari.models import (
    Application,
    AsteriskInfo,
    Bridge,
    CallerID,
    Channel,
    DialplanCEP,
    LiveRecording,
    Playback,
)
from ari_app.ari.picture import ENDED_KEPT, Picture, Snapshot, stasis_args
from ari_app.ari.protocol import UnknownEvent

APP = "app"
NOW = "2026-11-21T02:00:00.000+0000"
BEFORE = "2026-11-21T01:00:00.000+0000"
STAMP: dict[str, Any] = {"application": APP, "timestamp": BEFORE}


def channel(id_: str, state: str = "Up", data: str | None = "app,in,500", created: str = BEFORE) -> Channel:
    """A channel; `data` is that of its Stasis(), None: it is elsewhere."""
    place = ("Stasis", data) if data is not None else ("Wait", "60")
    dialplan = DialplanCEP(context="c", exten="s", priority=1, app_name=place[0], app_data=place[1])
    nobody = CallerID(name="", number="")
    return Channel(
        id=id_,
        protocol_id="",
        name=f"PJSIP/{id_}",
        state=state,
        caller=nobody,
        connected=nobody,
        accountcode="",
        dialplan=dialplan,
        creationtime=created,
        language="en",
    )


def bridge(id_: str, *channels: str) -> Bridge:
    return Bridge(
        id=id_,
        technology="simple_bridge",
        bridge_type="mixing",
        bridge_class="stasis",
        creator="Stasis",
        name="",
        channels=list(channels),
        creationtime=BEFORE,
    )


def playback(id_: str, target: str, state: str = "playing") -> Playback:
    return Playback(id=id_, media_uri="sound:x", target_uri=target, state=state)


def recording(name: str, target: str, state: str = "recording") -> LiveRecording:
    return LiveRecording(name=name, format="wav", target_uri=target, state=state)


def picture(*events: ev.Event) -> Picture:
    drawn = Picture(APP)
    for event in events:
        drawn.apply(event)
    return drawn


def start(id_: str, *args: str, state: str = "Up") -> ev.StasisStart:
    return ev.StasisStart(args=list(args), channel=channel(id_, state), **STAMP)


def entered(bridge_: Bridge, id_: str) -> ev.ChannelEnteredBridge:
    return ev.ChannelEnteredBridge(bridge=bridge_, channel=channel(id_), **STAMP)


def destroyed(id_: str) -> ev.ChannelDestroyed:
    return ev.ChannelDestroyed(cause=16, cause_txt="", channel=channel(id_), **STAMP)


def listing(channels: Iterable[Channel] = (), bridges: Iterable[Bridge] = (), **options: Any) -> Snapshot:
    """What Asterisk lists; the application is subscribed to every channel of it, unless told otherwise."""
    channels = tuple(channels)
    bridges = tuple(bridges)
    subscribed = options.pop("subscribed", [c.id for c in channels])
    application = Application(
        name=APP,
        channel_ids=subscribed,
        bridge_ids=[b.id for b in bridges],
        endpoint_ids=[],
        device_names=[],
        events_allowed=[],
        events_disallowed=[],
    )
    return Snapshot(info=AsteriskInfo(), application=application, channels=channels, bridges=bridges, **options)


def told(drawn: Picture, snapshot: Snapshot) -> list[Any]:
    """The differences, as (type, id)."""
    out = []
    for event in drawn.differences(snapshot, NOW):
        assert (event.synthetic, event.timestamp, event.application) == (True, NOW, APP)
        about = [getattr(event, name, None) for name in ("channel", "bridge", "playback")]
        ids = [a.id for a in about if a is not None] or [event.recording.name]  # type: ignore[attr-defined]
        out.append((event.type, *ids))
    return out


# -- drawing


def test_a_channel_from_beginning_to_end() -> None:
    drawn = picture(start("a", state="Ring"))
    assert drawn.in_app == {"a"}
    drawn.apply(ev.ChannelStateChange(channel=channel("a", "Up"), **STAMP))
    assert drawn.channels["a"].state == "Up"
    drawn.apply(ev.StasisEnd(channel=channel("a"), **STAMP))
    assert (drawn.channels, drawn.in_app) == ({}, set())
    drawn.apply(destroyed("a"))
    drawn.apply(ev.ChannelHangupRequest(channel=channel("a"), **STAMP))
    assert drawn.channels == {}
    assert drawn.late == 1


def test_a_late_start_does_not_bring_a_channel_back() -> None:
    drawn = picture(destroyed("a"), start("a"))
    assert (drawn.channels, drawn.in_app, drawn.late) == ({}, set(), 1)


def test_a_channel_may_come_back_after_stasis_end() -> None:
    drawn = picture(start("a"), ev.StasisEnd(channel=channel("a"), **STAMP), start("a"))
    assert drawn.in_app == {"a"}


def test_events_of_other_kinds_do_not_make_a_channel_known() -> None:
    drawn = picture(ev.ChannelHangupRequest(channel=channel("a"), **STAMP), entered(bridge("b", "x"), "x"))
    assert drawn.channels == {}


def test_a_dialled_channel_is_known_from_its_dial() -> None:
    drawn = picture(ev.Dial(peer=channel("a", "Down"), dialstatus="", **STAMP))
    assert "a" in drawn.channels
    assert "a" not in drawn.in_app
    drawn.apply(ev.Dial(peer=channel("b"), caller=channel("a", "Up"), dialstatus="", **STAMP))
    assert drawn.channels["a"].state == "Up"
    drawn.apply(destroyed("a"))
    drawn.apply(ev.Dial(peer=channel("a"), dialstatus="ANSWER", **STAMP))
    assert set(drawn.channels) == {"b"}


def test_bridges_are_known_while_one_of_our_channels_is_in_them() -> None:
    drawn = picture(start("a"), entered(bridge("b", "a", "other"), "a"))
    assert drawn.bridge_of == {"a": "b"}
    assert drawn.bridges["b"].channels == ["a", "other"]
    drawn.apply(ev.ChannelLeftBridge(bridge=bridge("b", "other"), channel=channel("a"), **STAMP))
    assert (drawn.bridge_of, drawn.bridges) == ({}, {})


def test_a_destroyed_bridge_has_nobody_in_it() -> None:
    drawn = picture(start("a"), entered(bridge("b", "a"), "a"), ev.BridgeDestroyed(bridge=bridge("b"), **STAMP))
    assert (drawn.bridge_of, drawn.bridges) == ({}, {})
    drawn.apply(ev.BridgeVideoSourceChanged(bridge=bridge("b"), **STAMP))
    assert drawn.bridges == {}
    assert drawn.late == 1


def test_moving_from_bridge_to_bridge() -> None:
    drawn = picture(start("a"), entered(bridge("b", "a"), "a"), entered(bridge("c", "a"), "a"))
    drawn.apply(ev.ChannelLeftBridge(bridge=bridge("b"), channel=channel("a"), **STAMP))  # late: it has moved on
    assert drawn.bridge_of == {"a": "c"}


def test_merged_bridges() -> None:
    drawn = picture(start("a"), entered(bridge("b", "a"), "a"))
    drawn.apply(ev.BridgeMerged(bridge=bridge("c", "a"), bridge_from=bridge("b"), **STAMP))
    assert drawn.bridge_of == {"a": "c"}


def test_playbacks_and_recordings() -> None:
    drawn = picture(
        start("a"),
        ev.PlaybackStarted(playback=playback("p", "channel:a"), **STAMP),
        ev.RecordingStarted(recording=recording("r", "channel:a"), **STAMP),
    )
    assert (set(drawn.playbacks), set(drawn.recordings)) == ({"p"}, {"r"})
    drawn.apply(ev.PlaybackFinished(playback=playback("p", "channel:a", "done"), **STAMP))
    drawn.apply(ev.RecordingFinished(recording=recording("r", "channel:a", "done"), **STAMP))
    drawn.note_playback(playback("p", "channel:a", "queued"))  # the answer comes after the end
    drawn.note_recording(recording("r", "channel:a", "queued"))
    assert (drawn.playbacks, drawn.recordings) == ({}, {})
    drawn.apply(ev.RecordingStarted(recording=recording("r", "channel:a"), **STAMP))  # a name may be used again
    assert set(drawn.recordings) == {"r"}


def test_what_plays_where_nobody_tells_of_it_is_not_kept() -> None:
    drawn = picture(start("a"))
    drawn.note_playback(playback("p", "bridge:b"))  # of an empty bridge we hear nothing
    assert drawn.playbacks == {}
    drawn.note_playback(playback("q", "channel:a"))
    drawn.note_recording(recording("r", "channel:a"))
    drawn.apply(ev.StasisEnd(channel=channel("a"), **STAMP))
    assert (drawn.playbacks, drawn.recordings) == ({}, {})


def test_memory_of_what_has_ended_is_bounded() -> None:
    drawn = picture(*(destroyed(f"c{n}") for n in range(ENDED_KEPT + 10)))
    assert len(drawn._ended) == ENDED_KEPT
    assert f"c{ENDED_KEPT + 9}" in drawn._ended


def test_events_that_concern_nothing() -> None:
    drawn = picture(ev.ApplicationReplaced(**STAMP), ev.ChannelUserevent(eventname="x", userevent={}, **STAMP))
    drawn.apply(UnknownEvent("X", {}, "unknown type"))
    drawn.apply(ev.ChannelVarset(variable="A", value="1", **STAMP))
    assert drawn == Picture(APP)


# -- differences


def test_nothing_happened() -> None:
    drawn = picture(start("a"), entered(bridge("b", "a"), "a"))
    assert told(drawn, listing([channel("a")], [bridge("b", "a")])) == []


def test_a_channel_that_is_gone() -> None:
    drawn = picture(start("a"), entered(bridge("b", "a"), "a"))
    assert told(drawn, listing()) == [
        ("ChannelLeftBridge", "a", "b"),
        ("ChannelDestroyed", "a"),
        ("BridgeDestroyed", "b"),
    ]
    gone = drawn.differences(listing(), NOW)
    assert isinstance(gone[0], ev.ChannelLeftBridge)
    assert isinstance(gone[1], ev.ChannelDestroyed)
    assert isinstance(gone[2], ev.BridgeDestroyed)
    assert (gone[1].cause, gone[1].cause_txt) == (0, "Gone while disconnected")
    assert gone[0].bridge.channels == gone[2].bridge.channels == []


def test_a_channel_that_left_the_application() -> None:
    drawn = picture(start("a"), start("b"))
    there = [channel("a", data=None), channel("b", data="another,x")]
    assert told(drawn, listing(there)) == [("StasisEnd", "a"), ("StasisEnd", "b")]


def test_a_channel_that_was_answered() -> None:
    drawn = picture(start("a", state="Ring"))
    assert told(drawn, listing([channel("a", "Up")])) == [("ChannelStateChange", "a")]


def test_channels_that_came() -> None:
    there = [
        channel("young", created=NOW),
        channel("old", data="app,leg,7"),
        channel("foreign", data="another,x"),
        channel("ringing", "Ringing", data=None),
    ]
    snapshot = listing(there, subscribed=["young", "old", "ringing"])
    events = Picture(APP).differences(snapshot, NOW)
    starts = [(e.channel.id, e.args) for e in events if isinstance(e, ev.StasisStart)]
    assert starts == [("old", ["leg", "7"]), ("young", ["in", "500"])]
    assert [e.channel.id for e in events if isinstance(e, ev.ChannelCreated)] == ["ringing"]
    assert len(events) == 3


def test_a_ringing_channel_of_ours_that_was_answered_into_the_application() -> None:
    drawn = picture(ev.Dial(peer=channel("a", "Down", data=None), dialstatus="", **STAMP))
    assert told(drawn, listing([channel("a", "Up", "app,x")])) == [("ChannelStateChange", "a"), ("StasisStart", "a")]


def test_bridges_that_changed() -> None:
    drawn = picture(start("a"), start("b"), entered(bridge("one", "a"), "a"))
    snapshot = listing([channel("a"), channel("b")], [bridge("one", "b"), bridge("two", "a")])
    assert told(drawn, snapshot) == [
        ("BridgeCreated", "two"),
        ("ChannelLeftBridge", "a", "one"),
        ("ChannelEnteredBridge", "b", "one"),
        ("ChannelEnteredBridge", "a", "two"),
    ]


def test_bridges_of_others_do_not_matter() -> None:
    snapshot = listing([channel("x", data="another")], [bridge("theirs", "x")], subscribed=[])
    snapshot.application.bridge_ids.clear()
    assert told(Picture(APP), snapshot) == []


def test_playbacks_and_recordings_that_ended() -> None:
    drawn = picture(start("a"))
    drawn.note_playback(playback("p", "channel:a"))
    drawn.note_recording(recording("r", "channel:a"))
    snapshot = listing([channel("a")], finished_playbacks=("p", "unheard of"), finished_recordings=("r", "unheard of"))
    assert told(drawn, snapshot) == [("PlaybackFinished", "p"), ("RecordingFinished", "r")]
    assert [e.playback.state for e in drawn.differences(snapshot, NOW) if isinstance(e, ev.PlaybackFinished)] == [
        "done"
    ]


def test_events_are_believed_before_lists() -> None:
    """While the lists were on their way: a new channel, one that ended, one that moved."""
    drawn = picture(start("ended"), start("moved"))
    drawn.touched = set()
    drawn.apply(start("new"))
    drawn.apply(destroyed("ended"))
    drawn.apply(entered(bridge("b", "moved"), "moved"))
    assert told(drawn, listing([channel("ended"), channel("moved")])) == []


@pytest.mark.parametrize(
    ("data", "args"),
    [("app", []), ("app,a,b c", ["a", "b c"]), ("app,", [""]), ("apple,a", None), (None, None)],
)
def test_stasis_args(data: str | None, args: list[str] | None) -> None:
    assert stasis_args(channel("a", data=data), APP) == args


IDS = ["a", "b", "c", "d"]
ROOMS = ["x", "y"]


@st.composite
def worlds(draw: st.DrawFn) -> Snapshot:
    """Channels that exist, in the application or not, each in at most one bridge."""
    there = draw(st.lists(st.sampled_from(IDS), unique=True))
    channels = [
        channel(c, draw(st.sampled_from(["Ring", "Up"])), draw(st.sampled_from(["app,in", "app", "other", None])))
        for c in there
    ]
    rooms = draw(st.lists(st.sampled_from(ROOMS), unique=True))
    members: dict[str, list[str]] = {room: [] for room in rooms}
    for found in channels:
        if rooms and found.dialplan.app_name == "Stasis" and draw(st.booleans()):
            members[draw(st.sampled_from(rooms))].append(found.id)
    subscribed = [c.id for c in channels if stasis_args(c, APP) is not None or draw(st.booleans())]
    return listing(channels, [bridge(room, *inside) for room, inside in members.items()], subscribed=subscribed)


@given(worlds(), worlds())
def test_after_the_differences_the_picture_is_what_asterisk_has(before: Snapshot, after: Snapshot) -> None:
    drawn = Picture(APP)
    for snapshot in (before, after):
        for event in drawn.differences(snapshot, NOW):
            drawn.apply(event)
        ours = {c.id for c in snapshot.channels if stasis_args(c, APP) is not None}
        assert drawn.in_app == ours
        assert ours <= set(drawn.channels) <= {c.id for c in snapshot.channels}
        inside = {c: b.id for b in snapshot.bridges for c in b.channels}
        assert {c: b for c, b in drawn.bridge_of.items() if c in ours} == {c: b for c, b in inside.items() if c in ours}
        for id_ in ours:
            assert drawn.channels[id_].state == next(c.state for c in snapshot.channels if c.id == id_)


@given(worlds())
def test_differences_are_told_once(snapshot: Snapshot) -> None:
    drawn = Picture(APP)
    for event in drawn.differences(snapshot, NOW):
        drawn.apply(event)
    again = [
        e.type for e in drawn.differences(snapshot, NOW) if e.type not in ("BridgeCreated", "ChannelEnteredBridge")
    ]
    assert again == []
