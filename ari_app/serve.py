"""Runs the application as a process: its settings are checked, signals end it or make it read again."""

from __future__ import annotations

import asyncio
import gc
import signal

import structlog

from ari_app.app import Application
from ari_app.config import Settings, host_port
from ari_app.errors import ConfigError
from ari_app.media.asr import configured as recognition
from ari_app.media.tts import configured as speech
from ari_app.ops.logging import configure as configure_logging

log = structlog.get_logger(__name__)

#: of the garbage collector: a call makes some thousand objects, few of them in cycles
GC_THRESHOLDS = (20_000, 20, 20)


def _secrets(settings: Settings) -> list[str]:
    one_each = (
        settings.ari_password,
        settings.ari_ws_password,
        settings.hook_secret,
        settings.smtp_password,
        settings.sms_authorization,
    )
    return [
        *(one.get_secret_value() for one in one_each),
        *speech.secrets_of(settings.speech_engines.get_secret_value()),
        *recognition.secrets_of(settings.recognition_engines.get_secret_value()),
    ]


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        ConfigError, StoreUnavailable: it cannot start; one line that says what to set.
    """
    if not settings.ari_password.get_secret_value():
        raise ConfigError("ARI_PASSWORD is not set: the password of ARI_USER in Asterisk's ari.conf")
    if settings.ari_connect == "outbound" and not settings.ari_ws_password.get_secret_value():
        raise ConfigError(
            "ARI_WS_PASSWORD is not set: the password that Asterisk shows us (websocket_client.conf); "
            "or set ARI_CONNECT=inbound"
        )
    if settings.media_listen and not settings.ari_ws_password.get_secret_value():
        raise ConfigError("ARI_WS_PASSWORD is not set: the password that Asterisk shows at MEDIA_LISTEN")
    for variable in ("ari_listen", "http_listen"):
        host_port(getattr(settings, variable), variable.upper())
    configure_logging(
        level=settings.log_level,
        form=settings.log_format,
        secrets=_secrets(settings),
        lasting=True,
    )
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    application = Application(settings)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, application.reload)
    await application.start()
    # What is loaded by now stays: the collector need not look at it again each time, which takes tens of milliseconds.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    log.info("= serving", rest=settings.http_listen, asterisk=settings.ari_url, connect=settings.ari_connect)
    try:
        await over.wait()
        log.info("= stopping")
    finally:
        await application.stop()
