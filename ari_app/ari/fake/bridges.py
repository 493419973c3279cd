"""/bridges, /playbacks and /recordings of a FakeAsterisk."""

from __future__ import annotations

from typing import Any

from ari_app.ari.fake.channels import read_variables, until_idle
from ari_app.ari.fake.media import Media
from ari_app.ari.fake.state import FakeBridge, FakePlayback, FakeRecording, Refuse
from ari_app.ari.fake.world import World

_TYPES = {"mixing", "holding", "dtmf_events", "proxy_media", "video_sfu", "video_single", "sdp_label"}


class Bridges:
    """Each method is the operation of its name; parameters are named as Asterisk names them."""

    def __init__(self, world: World, media: Media) -> None:
        self.world = world
        self.media = media

    def _get(self, bridge_id: str) -> FakeBridge:
        bridge = self.world.bridges.get(bridge_id)
        if bridge is None:
            raise Refuse(404, "Bridge not found")
        return bridge

    def list(self) -> Any:
        return [b.json() for b in self.world.bridges.values()]

    def get(self, bridgeId: str) -> Any:
        return self._get(bridgeId).json()

    def create(self, type: str | None, bridgeId: str | None, name: str | None, variables: Any) -> Any:
        if bridgeId in self.world.bridges:
            raise Refuse(409, f"Bridge with id '{bridgeId}' already exists")
        types = (type or "mixing").split(",")
        if not set(types) <= _TYPES:
            raise Refuse(500, f"Unable to create bridge. Possible duplicate bridge id '{bridgeId}'")
        bridge = FakeBridge(bridgeId or self.world.new_id(), ",".join(types), name or "", self.world.now())
        bridge.variables = {n: value for n, (value, _) in read_variables(variables).items()}
        self.world.bridges[bridge.id] = bridge
        self.world.emit({"type": "BridgeCreated", "bridge": bridge.json()}, bridge=bridge)
        return bridge.json()

    def createWithId(self, **arguments: Any) -> Any:
        return self.create(**arguments)

    def destroy(self, bridgeId: str) -> None:
        self.world.destroy_bridge(self._get(bridgeId))

    async def addChannel(self, bridgeId: str, channel: Any, **_: Any) -> None:
        bridge = self._get(bridgeId)
        channels = []
        for channel_id in channel:
            found = self.world.channels.get(channel_id)
            if found is None:
                raise Refuse(400, "Channel not found")
            if found.app is None:
                raise Refuse(422, "Channel not in Stasis application")
            if found.recording is not None:
                raise Refuse(409, f"Channel {channel_id} currently recording")
            channels.append(found)
        for found in channels:
            await until_idle(found)
            if bridge.id in self.world.bridges:
                self.world.enter_bridge(found, bridge)

    async def removeChannel(self, bridgeId: str, channel: Any) -> None:
        bridge = self._get(bridgeId)
        for channel_id in channel:
            if channel_id not in self.world.channels:
                raise Refuse(400, "Channel not found")
        for channel_id in channel:
            found = self.world.channels[channel_id]
            if found.app is None:
                raise Refuse(422, "Channel not in Stasis application")
            if channel_id not in bridge.channels:
                raise Refuse(422, "Channel not in this bridge")
        for channel_id in channel:
            self.world.leave_bridge(self.world.channels[channel_id])

    def startMoh(self, bridgeId: str, mohClass: str | None) -> None:
        self._get(bridgeId).music = mohClass or "default"

    def stopMoh(self, bridgeId: str) -> None:
        bridge = self._get(bridgeId)
        if bridge.music is None:
            raise Refuse(409, "Bridge isn't playing music")
        bridge.music = None

    def play(self, bridgeId: str, media: Any, lang: str | None, playbackId: str | None, **_: Any) -> Any:
        playback = self.media.play(self._get(bridgeId), media, playbackId, lang)
        return {**playback.json(), "state": "queued"}

    def playWithId(self, **arguments: Any) -> Any:
        return self.play(**arguments)

    def record(self, bridgeId: str, name: str, format: str, **rest: Any) -> Any:
        bridge = self._get(bridgeId)
        recording = self.media.record(
            bridge,
            name,
            format,
            if_exists=rest.get("ifExists") or "fail",
            max_seconds=rest.get("maxDurationSeconds") or 0,
        )
        return {**recording.json(), "state": "queued"}

    def setVideoSource(self, bridgeId: str, channelId: str) -> None:
        self._get(bridgeId)

    def clearVideoSource(self, bridgeId: str) -> None:
        self._get(bridgeId)

    def getBridgeVar(self, bridgeId: str, variable: str) -> Any:
        bridge = self._get(bridgeId)
        if variable not in bridge.variables:
            raise Refuse(404, "Provided variable was not found")
        return {"value": bridge.variables[variable]}

    def setBridgeVar(self, bridgeId: str, variable: str, value: str | None, report_events: bool | None) -> None:
        self._get(bridgeId).variables[variable] = value or ""

    def getBridgeVars(self, bridgeId: str, variables: Any) -> Any:
        return {"variables": {name: self.getBridgeVar(bridgeId, name)["value"] for name in variables}}

    def setBridgeVars(self, bridgeId: str, variables: Any) -> None:
        self._get(bridgeId).variables |= {name: value for name, (value, _) in read_variables(variables).items()}


class Playbacks:
    """Each method is the operation of its name."""

    def __init__(self, world: World, media: Media) -> None:
        self.world = world
        self.media = media

    def _get(self, playback_id: str) -> FakePlayback:
        playback = self.world.playbacks.get(playback_id)
        if playback is None:
            raise Refuse(404, "Playback not found")
        return playback

    def get(self, playbackId: str) -> Any:
        return self._get(playbackId).json()

    def stop(self, playbackId: str) -> None:
        self.media.stop(self._get(playbackId))

    def control(self, playbackId: str, operation: str) -> None:
        self._get(playbackId)
        if operation not in ("restart", "pause", "unpause", "reverse", "forward"):
            raise Refuse(400, f"Invalid operation {operation}")


class Recordings:
    """Each method is the operation of its name."""

    def __init__(self, world: World, media: Media) -> None:
        self.world = world
        self.media = media

    def _live(self, name: str) -> FakeRecording:
        recording = self.world.recordings.get(name)
        if recording is None:
            raise Refuse(404, "Recording not found")
        return recording

    def _stored(self, name: str) -> dict[str, str]:
        if name not in self.world.stored:
            raise Refuse(404, "Recording not found")
        return {"name": name, "format": self.world.stored[name][0]}

    def listStored(self) -> Any:
        return [self._stored(name) for name in self.world.stored]

    def getStored(self, recordingName: str) -> Any:
        return self._stored(recordingName)

    def deleteStored(self, recordingName: str) -> None:
        self._stored(recordingName)
        del self.world.stored[recordingName]

    def getStoredFile(self, recordingName: str) -> bytes:
        self._stored(recordingName)
        return self.world.stored[recordingName][1]

    def copyStored(self, recordingName: str, destinationRecordingName: str) -> Any:
        self._stored(recordingName)
        if destinationRecordingName in self.world.stored:
            raise Refuse(409, "A recording with the same name already exists on the system")
        self.world.stored[destinationRecordingName] = self.world.stored[recordingName]
        return self._stored(destinationRecordingName)

    def getLive(self, recordingName: str) -> Any:
        return self._live(recordingName).json()

    def cancel(self, recordingName: str) -> None:
        self.media.stop_recording(self._live(recordingName), cancel=True)

    def stop(self, recordingName: str) -> None:
        self.media.stop_recording(self._live(recordingName))

    def pause(self, recordingName: str) -> None:
        self._live(recordingName).state = "paused"

    def unpause(self, recordingName: str) -> None:
        self._live(recordingName).state = "recording"

    def mute(self, recordingName: str) -> None:
        self._live(recordingName)

    def unmute(self, recordingName: str) -> None:
        self._live(recordingName)
