"""Problems of this installation, each with what to do about it: `python -m ari_app check`, GET /configuration_check."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit

from ari_app.ari.errors import AriError, Unauthorized
from ari_app.ari.http import HttpOptions, HttpPool
from ari_app.ari.node import Node
from ari_app.ari.operations import Operations
from ari_app.config import Settings
from ari_app.errors import StoreUnavailable
from ari_app.ops.disk import usage
from ari_app.ops.problems import Problem
from ari_app.store import migrate
from ari_app.store.database import Database

#: what calls and queues cannot do without
MODULES = (
    "app_stasis.so",
    "res_ari_bridges.so",
    "res_ari_channels.so",
    "res_ari_endpoints.so",
    "res_ari_events.so",
    "res_ari_playbacks.so",
    "res_ari_recordings.so",
    "res_stasis_playback.so",
    "res_stasis_recording.so",
    "res_stasis_snoop.so",
    "bridge_softmix.so",
    "res_musiconhold.so",
)
#: what callers of queues are told with
SOUNDS = (
    "queue-youarenext",
    "queue-thereare",
    "queue-callswaiting",
    "queue-holdtime",
    "queue-minute",
    "queue-minutes",
    "queue-thankyou",
)
#: per cent of a disk in use that are too much
DISK_FULL = 90.0
#: seconds by which two clocks may differ
CLOCK = 2.0
#: seconds before the end of a certificate at which it is told, and that its server has to show it
EXPIRES_SOON, HANDSHAKE = 14 * 86400.0, 5.0


async def check(settings: Settings) -> list[Problem]:
    """Of an installation, whether it runs or not."""
    return [*await _check_database(settings), *await _reach_asterisk(settings), *await _check_around(settings)]


class Inspector:
    """Of the running server."""

    def __init__(self, settings: Settings, node: Callable[[], Node], endpoint: Callable[[str], str]) -> None:
        """endpoint: of an extension, such as "PJSIP/1001"."""
        self._settings = settings
        self._node = node
        self._endpoint = endpoint

    async def problems(self, extensions: Iterable[str]) -> list[Problem]:
        """extensions: at which agents are signed in."""
        node, found = self._node(), await _check_database(self._settings)
        try:
            found += await _check_asterisk(node, self._settings)
            found += await self._check_phones(node, extensions)
            if abs(ahead := await node.compare_clocks()) > CLOCK:
                message = f"our clock is {ahead:+.1f} s from Asterisk's; set both by NTP"
                found.append(_warning("clock_differs", message))
        except AriError as error:
            found.append(_unreachable(self._settings, error))
        return [*found, *await _check_around(self._settings)]

    async def _check_phones(self, node: Node, extensions: Iterable[str]) -> list[Problem]:
        states = {f"{each.technology}/{each.resource}": each.state for each in await node.endpoints.list()}
        found = []
        for extension in extensions:
            state = states.get(self._endpoint(extension))
            if state is None:
                message = f"an agent is signed in at extension {extension}, which Asterisk does not have"
                found.append(_warning("extension_missing", message))
            elif state == "offline":
                message = f"an agent is signed in at extension {extension}, whose phone is not registered"
                found.append(_warning("extension_unregistered", message))
        return found


def _error(code: str, message: str) -> Problem:
    return Problem(code=code, severity="error", message=message)


def _warning(code: str, message: str) -> Problem:
    return Problem(code=code, severity="warning", message=message)


def _unreachable(settings: Settings, error: AriError) -> Problem:
    if isinstance(error, Unauthorized):
        message = f"asterisk: {settings.ari_url} does not accept ARI_USER {settings.ari_user} with ARI_PASSWORD"
        return _error("asterisk_refuses", message)
    message = f"asterisk: {settings.ari_url} does not answer ({error.detail}); check ARI_URL and http.conf"
    return _error("asterisk_unreachable", message)


async def _check_database(settings: Settings) -> list[Problem]:
    database = Database(settings.database())
    try:
        await database.start()
        await database.close()
        if not await migrate.is_current(settings.database()):
            return [_error("database_outdated", "database: not up to date; run `python -m ari_app migrate`")]
    except StoreUnavailable as error:
        return [_error("database_unavailable", f"database: {error}")]
    return []


async def _reach_asterisk(settings: Settings) -> list[Problem]:
    if not settings.ari_password.get_secret_value():
        return [_error("setting_missing", "asterisk: ARI_PASSWORD is not set")]
    options = HttpOptions(
        base_url=settings.ari_url, user=settings.ari_user, password=settings.ari_password.get_secret_value()
    )
    pool = HttpPool(options)
    try:
        return await _check_asterisk(Operations(pool), settings)
    except AriError as error:
        return [_unreachable(settings, error)]
    finally:
        await pool.close()


async def _check_asterisk(ari: Operations, settings: Settings) -> list[Problem]:
    """Raises AriError."""
    modules = {module.name: module.status for module in await ari.asterisk.listModules()}
    applications = {application.name for application in await ari.applications.list()}
    sounds = {sound.id for sound in await ari.sounds.list()}
    found = [
        _error("asterisk_module_missing", f"asterisk: module {name} is not running")
        for name in MODULES
        if modules.get(name) != "Running"
    ]
    if settings.ari_connect == "outbound" and settings.ari_app not in applications:
        message = (
            f"asterisk: application {settings.ari_app} is not registered; see asterisk-conf (ari.conf, "
            "websocket_client.conf), or set ARI_CONNECT=inbound"
        )
        found.append(_error("application_not_registered", message))
    if missing := [name for name in SOUNDS if name not in sounds]:
        message = f"asterisk: no sound {', '.join(missing)}; without, callers do not hear where they are in a queue"
        found.append(_warning("sound_missing", message))
    return found


async def _check_around(settings: Settings) -> list[Problem]:
    found = []
    recordings = settings.recordings_dir or settings.data_dir / "recordings"
    for name, folder in (("DATA_DIR", settings.data_dir), ("RECORDINGS_DIR", recordings)):
        used = await asyncio.to_thread(_used, folder)
        if used >= DISK_FULL:
            found.append(_warning("disk_full", f"the disk of {name} is {used:.0f} per cent full"))
    return [*found, *await _check_certificate(settings.ari_url)]


def _used(folder: Path) -> float:
    """Per cent; 0 of what is not there yet."""
    try:
        return usage(folder)
    except OSError:
        return 0.0


async def _check_certificate(url: str) -> list[Problem]:
    parts = urlsplit(url)
    if parts.scheme != "https":
        return []
    try:
        async with asyncio.timeout(HANDSHAKE):
            _, writer = await asyncio.open_connection(
                parts.hostname, parts.port or 443, ssl=ssl.create_default_context()
            )
            shown = writer.get_extra_info("peercert") or {}
            writer.close()
    except ssl.SSLCertVerificationError as error:
        return [_error("certificate_invalid", f"the certificate of {url} is not accepted: {error.verify_message}")]
    except (OSError, TimeoutError):
        return []  # that it does not answer is told above
    left = ssl.cert_time_to_seconds(shown["notAfter"]) - time.time() if "notAfter" in shown else float("inf")
    if left < EXPIRES_SOON:
        return [_warning("certificate_expires", f"the certificate of {url} expires in {left / 86400:.0f} days")]
    return []
