"""/channels of a FakeAsterisk."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ari_app.ari.fake.behaviours import BUSY, NO_ANSWER, NORMAL, REJECTED
from ari_app.ari.fake.media import Media
from ari_app.ari.fake.state import FakeChannel, Refuse
from ari_app.ari.fake.world import World

_REASONS = {
    "normal": NORMAL,
    "busy": BUSY,
    "congestion": 34,
    "no_answer": NO_ANSWER,
    "timeout": 102,
    "rejected": REJECTED,
}
_REASONS |= {"unallocated": 1, "normal_unspecified": 31, "number_incomplete": 28, "codec_mismatch": 127}
_REASONS |= {"interworking": 127, "failure": 38, "answered_elsewhere": 26}

_STATES_412 = ("Down", "Rsrved", "Ringing")


async def until_idle(channel: FakeChannel) -> None:
    """A synchronous command waits behind what plays or records, and its HTTP request with it (res/stasis/control.c)."""
    if channel.jobs.waiting and channel.bridge is None:
        idle = asyncio.Event()
        channel.jobs.idle_waiters.append(idle.set)
        await idle.wait()
    if channel.ended:
        raise Refuse(404, "Channel not found")


def read_variables(given: Any) -> dict[str, tuple[str, bool]]:
    """The `variables` of a body: name -> (value, report_events). Raises Refuse."""
    out: dict[str, tuple[str, bool]] = {}
    for name, value in (given or {}).items():
        if isinstance(value, str):
            out[name] = (value, False)
        elif isinstance(value, Mapping) and isinstance(value.get("value"), str):
            out[name] = (value["value"], bool(value.get("report_events")))
        else:
            problem = "must be a string or an object with 'value' and optional 'report_events'"
            raise Refuse(400, f"Each value in 'variables' {problem}")
    return out


class Channels:
    """Each method is the operation of its name; parameters are named as Asterisk names them."""

    def __init__(self, world: World, media: Media) -> None:
        self.world = world
        self.media = media

    # -- finding

    def _get(self, channel_id: str) -> FakeChannel:
        channel = self.world.channels.get(channel_id)
        if channel is None:
            raise Refuse(404, "Channel not found")
        return channel

    def _in_stasis(self, channel_id: str) -> FakeChannel:
        channel = self._get(channel_id)
        if channel.app is None:
            raise Refuse(409, "Channel not in Stasis application")
        return channel

    def _usable(self, channel_id: str) -> FakeChannel:
        channel = self._in_stasis(channel_id)
        if channel.state in _STATES_412 and channel.wanted_app is not None:
            raise Refuse(412, "Channel in invalid state")
        return channel

    def list(self) -> Any:
        return [c.json() for c in self.world.channels.values()]

    def get(self, channelId: str) -> Any:
        return self._get(channelId).json()

    # -- making

    def _make(self, endpoint: str, channel_id: str | None, other_id: str | None, variables: Any) -> FakeChannel:
        technology, slash, resource = endpoint.partition("/")
        if not slash or not resource:
            raise Refuse(400, "Invalid endpoint specified")
        wanted = read_variables(variables)
        if channel_id in self.world.channels or (other_id and other_id in self.world.channels):
            raise Refuse(409, "Channel with given unique ID already exists")
        behaviour = self.world.behaviour_of(endpoint)
        if behaviour.offline:
            raise Refuse(500, "Allocation failed")
        place = resource.partition("/")[0]
        exten, _, context = place.partition("@")
        suffix = ";1" if technology == "Local" else ""
        channel = self.world.add_channel(
            f"{technology}/{place}-{self.world.serial()}{suffix}", channel_id, context=context or "default", exten=exten
        )
        channel.behaviour, channel.dialstring, channel.other = behaviour, place, other_id
        for name, (value, report) in wanted.items():
            self._set(channel, name, value, report)
        return channel

    def create(
        self,
        endpoint: str,
        app: str | None,
        appArgs: str | None,
        channelId: str | None,
        otherChannelId: str | None,
        originator: str | None,
        formats: str | None,
        variables: Any,
    ) -> Any:
        channel = self._make(endpoint, channelId, otherChannelId, variables)
        channel.dialable = True
        channel.wanted_app = app
        answer = channel.json()
        channel.subscribers.add(app or "")
        self._enter_later(channel, app or "", appArgs)
        return answer

    def _enter_later(self, channel: FakeChannel, app: str, args: str | None) -> None:
        """It enters in a thread of its own: the answer may come first, and a dial that follows at once be refused."""

        def enter() -> None:
            if not channel.ended and not self.world.enter_stasis(channel, app, _args(args)):
                self.world.end_quietly(channel)

        self.world.later(self.world.faults.enter_delay, enter)

    def originate(self, endpoint: str, channelId: str | None, **rest: Any) -> Any:
        app, extension = rest.get("app"), rest.get("extension")
        if not app and not extension:
            raise Refuse(400, "Application or extension must be specified")
        channel = self._make(endpoint, channelId, rest.get("otherChannelId"), rest.get("variables"))
        channel.dialplan.app_name, channel.dialplan.app_data = "AppDial2", "(Outgoing Line)"
        _set_caller(channel, rest.get("callerId"))
        if app:
            channel.wanted_app, channel.wanted_args = app, tuple(_args(rest.get("appArgs")))
            channel.subscribers.add(app)
        answer = channel.json()
        timeout = rest.get("timeout")
        self.world.dial(channel, max(0, 30 if timeout is None else timeout))
        return answer

    def originateWithId(self, **arguments: Any) -> Any:
        return self.originate(**arguments)

    def externalMedia(self, channelId: str | None, app: str, external_host: str | None, **rest: Any) -> Any:
        if rest.get("transport") != "websocket" and ":" not in (external_host or ""):
            raise Refuse(400, "external_host must be <host>:<port> for all transports other than websocket")
        if channelId in self.world.channels:
            raise Refuse(500, "An internal error prevented this request from being handled")
        websocket = rest.get("transport") == "websocket"
        name = f"WebSocket/{external_host}/{self.world.serial()}" if websocket else f"UnicastRTP/{external_host}"
        channel = self.world.add_channel(name, channelId)
        wanted = {"MEDIA_WEBSOCKET_CONNECTION_ID": self.world.new_id(), "MEDIA_WEBSOCKET_OPTIMAL_FRAME_SIZE": "640"}
        if not websocket:
            wanted = {"UNICASTRTP_LOCAL_ADDRESS": "127.0.0.1", "UNICASTRTP_LOCAL_PORT": "10000"}
        for variable, value in wanted.items():
            self._set(channel, variable, value, False)
        for variable, (value, report) in read_variables(rest.get("variables")).items():
            self._set(channel, variable, value, report)
        channel.wanted_app = app
        channel.subscribers.add(app)
        answer = {**channel.json(), "channelvars": wanted}
        if not websocket:  # the other one is up when somebody connects: FakeAsterisk.answer(channel)
            self.world.later(0, lambda: self.world.answered(channel))
        return answer

    def snoopChannel(
        self, channelId: str, spy: str | None, whisper: str | None, app: str, appArgs: str | None, snoopId: str | None
    ) -> Any:
        spied = self._get(channelId)
        for name, direction in (("spy", spy), ("whisper", whisper)):
            if direction not in (None, "none", "both", "in", "out"):
                raise Refuse(400, f"Invalid direction specified for {name}")
        if (spy or "none") == "none" and (whisper or "none") == "none":
            raise Refuse(400, "Direction must be specified for at least spy or whisper")
        if snoopId in self.world.channels:
            raise Refuse(500, "Snoop channel could not be created")
        channel = self.world.add_channel(f"Snoop/{channelId}-{self.world.serial()}", snoopId)
        channel.state = "Up"
        channel.spied = spied.id
        channel.variables |= {"SPY": spy or "none", "WHISPER": whisper or "none"}
        answer = channel.json()
        self._enter_later(channel, app, appArgs)
        return answer

    def snoopChannelWithId(self, **arguments: Any) -> Any:
        return self.snoopChannel(**arguments)

    # -- ending and leaving

    def hangup(self, channelId: str, reason_code: str | None, reason: str | None) -> None:
        channel = self._get(channelId)
        if reason and reason_code:
            raise Refuse(400, "The reason and reason_code can't both be specified")
        if reason and reason not in _REASONS:
            raise Refuse(400, "Invalid reason for hangup reason provided")
        if reason_code and not reason_code.isdigit():
            raise Refuse(400, "Invalid reason for hangup reason code provided")
        cause = int(reason_code) if reason_code else _REASONS.get(reason or "normal", NORMAL)
        self.world.hang_up(channel, cause, soft=True)

    def continueInDialplan(self, channelId: str, **place: Any) -> None:
        channel = self._usable(channelId)
        self.world.leave_stasis(channel)
        channel.dialplan.context = place.get("context") or channel.dialplan.context
        channel.dialplan.exten = place.get("extension") or channel.dialplan.exten
        channel.dialplan.priority = place.get("priority") or channel.dialplan.priority + 1
        self.world.continued.append(channel.id)

    def move(self, channelId: str, app: str, appArgs: str | None) -> None:
        channel = self._in_stasis(channelId)
        target = self.world.apps.get(app)
        if target is None or not target.active:
            failed = {"type": "ApplicationMoveFailed", "channel": channel.json(), "destination": app}
            self.world.emit({**failed, "args": _args(appArgs)}, channel)
            return
        self.world.leave_stasis(channel)
        self.world.enter_stasis(channel, app, _args(appArgs))

    def redirect(self, channelId: str, endpoint: str) -> None:
        channel = self._usable(channelId)
        technology = endpoint.partition("/")[0]
        if technology != channel.technology:
            problem = f"Endpoint technology '{technology}' does not match channel technology '{channel.technology}'"
            raise Refuse(422, problem)

    def transfer_progress(self, channelId: str, states: str) -> None:
        self._in_stasis(channelId)

    # -- commands

    async def answer(self, channelId: str) -> None:
        channel = self._usable(channelId)
        await until_idle(channel)
        self.world.set_state(channel, "Up")
        other = self.world.channels.get(channel.other or "")
        if other is not None:
            self.world.answered(other)

    def ring(self, channelId: str) -> None:
        self._usable(channelId).ringing = True

    def ringStop(self, channelId: str) -> None:
        self._usable(channelId).ringing = False

    def progress(self, channelId: str) -> None:
        self._usable(channelId)

    def sendDTMF(self, channelId: str, dtmf: str | None, **_: Any) -> None:
        channel = self._usable(channelId)
        if not dtmf:
            raise Refuse(400, "DTMF is required")
        channel.digits_sent += dtmf

    def mute(self, channelId: str, direction: str | None) -> None:
        channel = self._usable(channelId)
        if direction not in (None, "both", "in", "out"):
            raise Refuse(400, "Invalid direction specified")
        channel.muted = direction or "both"

    def unmute(self, channelId: str, direction: str | None) -> None:
        self._usable(channelId).muted = None

    def hold(self, channelId: str) -> None:
        self._usable(channelId).on_hold = True

    def unhold(self, channelId: str) -> None:
        self._usable(channelId).on_hold = False

    def startMoh(self, channelId: str, mohClass: str | None) -> None:
        self._usable(channelId).music = mohClass or "default"

    def stopMoh(self, channelId: str) -> None:
        self._usable(channelId).music = None

    def startSilence(self, channelId: str) -> None:
        self._usable(channelId)

    def stopSilence(self, channelId: str) -> None:
        self._usable(channelId)

    def dial(self, channelId: str, caller: str | None, timeout: int | None) -> None:
        channel = self._in_stasis(channelId)
        if not channel.dialable or channel.dialled or channel.state != "Down":
            raise Refuse(409, "Channel is not in the 'Down' state")
        self.world.dial(channel, timeout or 0)

    def rtpstatistics(self, channelId: str) -> Any:
        if self._get(channelId).technology != "PJSIP":
            raise Refuse(403, "Unsupported channel type")
        counts = dict.fromkeys(("txcount", "rxcount", "txploss", "rxploss", "local_ssrc", "remote_ssrc"), 0)
        return {**counts, "txoctetcount": 0, "rxoctetcount": 0, "channel_uniqueid": channelId}

    # -- media

    def play(self, channelId: str, media: list[str], lang: str | None, playbackId: str | None, **_: Any) -> Any:  # type: ignore[valid-type]
        channel = self._usable(channelId)
        answer = self.media.play(channel, media, playbackId, lang)
        return {**answer.json(), "state": "queued"}

    def playWithId(self, **arguments: Any) -> Any:
        return self.play(**arguments)

    def record(self, channelId: str, name: str, format: str, terminateOn: str | None, **rest: Any) -> Any:
        channel = self._in_stasis(channelId)
        if terminateOn not in (None, "none", "any", "*", "#"):
            raise Refuse(400, "terminateOn invalid")
        recording = self.media.record(
            channel,
            name,
            format,
            if_exists=rest.get("ifExists") or "fail",
            max_seconds=rest.get("maxDurationSeconds") or 0,
        )
        return recording.json()

    # -- variables

    def _set(self, channel: FakeChannel, name: str, value: str, report: bool) -> None:
        if name.startswith("CALLERID("):
            _set_caller_id(channel, name[9:-1], value)
            return
        channel.variables[name] = value
        if report:
            channel.reported.add(name)
        event = {"type": "ChannelVarset", "variable": name, "value": value, "channel": channel.json()}
        self.world.emit(event, channel)

    def _read(self, channel: FakeChannel, name: str) -> str:
        functions = {
            "CALLERID(num)": channel.caller_number,
            "CALLERID(name)": channel.caller_name,
            "CHANNEL(state)": channel.state,
            "CHANNEL(name)": channel.name,
        }
        if name in functions:
            return functions[name]
        if name.endswith(")"):
            raise Refuse(500, "Unable to read provided function")
        if name not in channel.variables:
            raise Refuse(404, "Provided variable was not found")
        return channel.variables[name]

    def getChannelVar(self, channelId: str, variable: str) -> Any:
        return {"value": self._read(self._get(channelId), variable)}

    def getChannelVars(self, channelId: str, variables: Any) -> Any:
        channel = self._get(channelId)
        return {"variables": {name: self._read(channel, name) for name in variables}}

    async def setChannelVar(self, channelId: str, variable: str, value: str | None, report_events: bool | None) -> None:
        channel = self._in_stasis(channelId)
        await until_idle(channel)
        self._set(channel, variable, value or "", bool(report_events))

    async def setChannelVars(self, channelId: str, variables: Any) -> None:
        channel = self._in_stasis(channelId)
        wanted = read_variables(variables)
        await until_idle(channel)
        for name, (value, report) in wanted.items():
            self._set(channel, name, value, report)


def _args(text: str | None) -> list[str]:
    return text.split(",") if text else []


def _set_caller(channel: FakeChannel, text: str | None) -> None:
    if text:
        _set_caller_id(channel, "all", text)


def _set_caller_id(channel: FakeChannel, part: str, text: str) -> None:
    if part == "all":
        name, bracket, number = text.partition("<")
        channel.caller_name = name.strip().strip('"') if bracket else ""
        channel.caller_number = number.strip("> ") if bracket else text.strip()
    elif part in ("num", "number"):
        channel.caller_number = text
    elif part == "name":
        channel.caller_name = text
