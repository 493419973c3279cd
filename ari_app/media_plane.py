"""The media plane in the running server: what carries audio, and the desks that REST asks for its use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from ari_app.acd.centre import Centre
from ari_app.calls.analysis import AnalysisDesk
from ari_app.calls.desk import Tell
from ari_app.calls.hearing import Ears
from ari_app.calls.media import MediaDesk
from ari_app.calls.playback import PlaybackDesk
from ari_app.calls.question import QuestionDesk
from ari_app.calls.recognition import RecognitionDesk
from ari_app.calls.registry import Registry
from ari_app.calls.verbs.external_media import MediaPorts, TransportKind
from ari_app.clock import Clock
from ari_app.config import Settings, host_port, networks
from ari_app.errors import ConfigError
from ari_app.media import memory
from ari_app.media.asr.recognisers import configured_recognisers
from ari_app.media.silero import SileroModel
from ari_app.media.transports.pacing import Ticker
from ari_app.media.workers.pool import MediaPool


class MediaPlane:
    """Attachments, recognitions, questions, analyses and playbacks of all calls, over one set of ports."""

    def __init__(
        self, settings: Settings, clock: Clock, registry: Registry, centre: Centre, told: Sequence[Tell]
    ) -> None:
        """told: of what happens to them."""
        self._settings, self._clock = settings, clock
        recognisers = self._recognisers = configured_recognisers(settings)
        kind = TransportKind(settings.media_transport)
        ports = self._ports = MediaPorts(clock, Ticker(clock), kind, settings.media_host)
        if settings.media_listen:
            ports.websocket_at = host_port(settings.media_listen, "MEDIA_LISTEN")
            ports.websocket_user = settings.ari_ws_user
            ports.websocket_password = settings.ari_ws_password.get_secret_value()
        self._pool: MediaPool | None = None
        # Asterisk connects to MEDIA_LISTEN, which is one address: of this process
        if settings.media_workers and not settings.media_listen:
            self._pool = MediaPool(settings.media_workers, kind, settings.media_host, clock)
        leg = centre.talking_leg
        private = networks(settings.media_private_networks)
        self.attachments = MediaDesk(
            registry,
            ports,
            leg,
            private=private,
            limit=settings.media_attachments,
            plane=self._pool,
            room=centre.conferences.desk.room,
        )
        ears = Ears(ports, recognisers)
        self.recognition = RecognitionDesk(registry, ears, leg, limit=settings.recognitions)
        self.question = QuestionDesk(registry, ears, leg, limit=settings.recognitions)
        self.analysis = AnalysisDesk(registry, ports, leg, limit=settings.analyses)
        self.playback = PlaybackDesk(registry, ports, leg, limit=settings.playbacks)
        for desk in (self.attachments, self.recognition, self.question, self.analysis, self.playback):
            desk.tell = self._tell
        self._told = tuple(told)

    def _tell(self, account: int, name: str, values: dict[str, Any]) -> None:
        for told in self._told:
            told(account, name, values)

    async def start(self, stack: AsyncExitStack) -> None:
        """Listen for audio; what was started is closed by the stack.

        Raises:
            ConfigError: an address is taken, or a model is not there.
        """
        memory.keep()
        stack.push_async_callback(self._recognisers.close)
        try:
            await self._ports.start()
        except OSError as error:
            raise ConfigError(f"cannot listen for audio on MEDIA_LISTEN or MEDIA_HOST: {error}") from None
        stack.push_async_callback(self._ports.close)
        if self._pool is not None:
            stack.push_async_callback(self._pool.close)
        if self._settings.analysis_vad == "silero":
            self.analysis.vad = (await asyncio.to_thread(SileroModel, self._settings.silero_model)).vad

    def gauges(self) -> Mapping[str, Callable[[], int]]:
        """How many of each there are now."""
        return {
            "media_attachments": lambda: len(self.attachments),
            "recognitions": lambda: len(self.recognition),
            "questions": lambda: len(self.question),
            "analyses": lambda: len(self.analysis),
            "playbacks": lambda: len(self.playback),
        }
