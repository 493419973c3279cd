"""Playbacks and recordings of a FakeAsterisk: one at a time on a channel or a bridge, in order."""

from __future__ import annotations

from ari_app.ari.fake.state import FakeBridge, FakeChannel, FakePlayback, FakeRecording, Job, Refuse
from ari_app.ari.fake.world import World

SCHEMES = ("sound", "recording", "number", "digits", "characters", "tone")


class Media:
    """Plays and records."""

    def __init__(self, world: World) -> None:
        self.world = world

    # -- playing

    def play(
        self, target: FakeChannel | FakeBridge, media: list[str], playback_id: str | None, language: str | None
    ) -> FakePlayback:
        """Queue a playback."""
        kind = "channel" if isinstance(target, FakeChannel) else "bridge"
        playback = FakePlayback(playback_id or self.world.new_id(), media, f"{kind}:{target.id}", language or "en")
        self.world.playbacks[playback.id] = playback
        job = Job(begin=lambda: self._begin(target, playback), end=lambda hungup: self._end(target, playback, hungup))
        playback.job = job
        target.jobs.add(job)
        return playback

    def _emit(self, target: FakeChannel | FakeBridge, type_: str, playback: FakePlayback) -> None:
        event = {"type": type_, "playback": playback.json()}
        if isinstance(target, FakeChannel):
            self.world.emit(event, target)
        else:
            self.world.emit(event, bridge=target)

    def _begin(self, target: FakeChannel | FakeBridge, playback: FakePlayback) -> None:
        playback.state = "playing"
        self._emit(target, "PlaybackStarted", playback)
        media, job = playback.media[playback.index], playback.job
        assert job is not None
        scheme = media.partition(":")[0]
        if scheme not in SCHEMES:
            target.jobs.waiting.remove(job)  # as the real one: it is never finished, nor is anybody told
            if target.jobs.waiting:
                target.jobs.waiting[0].begin()
        elif media in self.world.missing_media:
            job.timer = self.world.later(0, lambda: self._next(target, playback, failed=True))
        elif scheme != "tone":
            job.timer = self.world.later(self.world.media_seconds, lambda: self._next(target, playback, failed=False))

    def _next(self, target: FakeChannel | FakeBridge, playback: FakePlayback, *, failed: bool) -> None:
        assert playback.job is not None
        if playback.index + 1 < len(playback.media):
            playback.state = "continuing"
            self._emit(target, "PlaybackContinuing", playback)
            playback.index += 1
            self._begin(target, playback)
            return
        playback.state = "failed" if failed else "done"
        target.jobs.finish(playback.job)

    def _end(self, target: FakeChannel | FakeBridge, playback: FakePlayback, hungup: bool) -> None:
        if hungup and playback.state == "playing":
            playback.state = "failed"
        elif playback.state != "failed":
            playback.state = "done"
        self.world.playbacks.pop(playback.id, None)
        self._emit(target, "PlaybackFinished", playback)

    def stop(self, playback: FakePlayback) -> None:
        """Stop it; one that waits its turn will not play."""
        target = self._target(playback.target)
        if target is not None and playback.job is not None:
            target.jobs.finish(playback.job)

    def _target(self, uri: str) -> FakeChannel | FakeBridge | None:
        kind, _, name = uri.partition(":")
        return self.world.channels.get(name) if kind == "channel" else self.world.bridges.get(name)

    # -- recording

    def record(
        self,
        target: FakeChannel | FakeBridge,
        name: str,
        format_: str,
        *,
        if_exists: str = "fail",
        max_seconds: int = 0,
    ) -> FakeRecording:
        """Queue a recording. Raises Refuse."""
        if format_ not in ("wav", "wav16", "gsm", "ulaw", "alaw", "sln", "sln16", "WAV"):
            raise Refuse(422, "specified format is unknown on this system")
        if if_exists not in ("fail", "overwrite", "append"):
            raise Refuse(400, "ifExists invalid")
        if ".." in name.split("/"):
            raise Refuse(500, "Error parsing request")
        if name in self.world.recordings or (name in self.world.stored and if_exists == "fail"):
            raise Refuse(409, f"Recording '{name}' already exists and can not be overwritten")
        kind = "channel" if isinstance(target, FakeChannel) else "bridge"
        recording = FakeRecording(name, format_, f"{kind}:{target.id}")
        if isinstance(target, FakeChannel) and (target.bridge or target.dialled):
            # A dialled channel sits in an internal bridge of Asterisk's, for good (issue 2044): accepted, then failed.
            recording.cause = "Cannot record channel while in bridge"
            self.world.later(0, lambda: self._failed(target, recording))
            return recording
        self.world.recordings[name] = recording
        if isinstance(target, FakeChannel):
            target.recording = name
        job = Job(
            begin=lambda: self._begin_recording(target, recording, max_seconds),
            end=lambda _: self._end_recording(target, recording),
        )
        recording.job = job
        if isinstance(target, FakeChannel):
            target.jobs.add(job)
        else:
            target.recorders.append(job)
            job.begin()
        return recording

    def _emit_recording(self, target: FakeChannel | FakeBridge, type_: str, recording: FakeRecording) -> None:
        event = {"type": type_, "recording": recording.json()}
        if isinstance(target, FakeChannel):
            self.world.emit(event, target)
        else:
            self.world.emit(event, bridge=target)

    def _failed(self, target: FakeChannel | FakeBridge, recording: FakeRecording) -> None:
        recording.state = "failed"
        self._emit_recording(target, "RecordingFailed", recording)

    def _begin_recording(self, target: FakeChannel | FakeBridge, recording: FakeRecording, max_seconds: int) -> None:
        recording.state = "recording"
        recording.started = self.world.clock.now()
        self._emit_recording(target, "RecordingStarted", recording)
        if max_seconds and recording.job is not None:
            recording.job.timer = self.world.later(max_seconds, lambda: self.stop_recording(recording))

    def _end_recording(self, target: FakeChannel | FakeBridge, recording: FakeRecording) -> None:
        recording.state = "done"  # also when it was cancelled
        recording.duration = int(self.world.clock.now() - recording.started) if recording.started else 0
        self.world.recordings.pop(recording.name, None)
        if isinstance(target, FakeChannel):
            target.recording = None
        elif recording.job in target.recorders:
            target.recorders.remove(recording.job)
        if not recording.cancelled:
            self.world.stored[recording.name] = (recording.format, b"RIFF....WAVE")
        self._emit_recording(target, "RecordingFinished", recording)

    def stop_recording(self, recording: FakeRecording, *, cancel: bool = False) -> None:
        """End it and keep it, or throw it away."""
        recording.cancelled = cancel
        target = self._target(recording.target)
        job = recording.job
        if target is None or job is None:
            return
        if isinstance(target, FakeChannel):
            target.jobs.finish(job)
        else:
            if job.timer is not None:
                job.timer.cancel()
            job.end(False)
