"""`python -m ari_app check`: problems of this installation, each with what to do about it."""

from __future__ import annotations

from ari_app.ari.errors import AriError, Unauthorized
from ari_app.ari.http import HttpOptions, HttpPool
from ari_app.ari.operations import Operations
from ari_app.config import Settings
from ari_app.errors import StoreUnavailable
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


async def check(settings: Settings) -> list[str]:
    """One line a problem."""
    return [*await _check_database(settings), *await _check_asterisk(settings)]


async def _check_database(settings: Settings) -> list[str]:
    database = Database(settings.database())
    try:
        await database.start()
        await database.close()
    except StoreUnavailable as error:
        return [f"database: {error}"]
    if not await migrate.is_current(settings.database()):
        return ["database: not up to date; run `python -m ari_app migrate`"]
    return []


async def _check_asterisk(settings: Settings) -> list[str]:
    if not settings.ari_password.get_secret_value():
        return ["asterisk: ARI_PASSWORD is not set"]
    options = HttpOptions(
        base_url=settings.ari_url, user=settings.ari_user, password=settings.ari_password.get_secret_value()
    )
    pool = HttpPool(options)
    ari = Operations(pool)
    try:
        modules = {module.name: module.status for module in await ari.asterisk.listModules()}
        applications = {application.name for application in await ari.applications.list()}
    except Unauthorized:
        return [f"asterisk: {settings.ari_url} does not accept ARI_USER {settings.ari_user} with ARI_PASSWORD"]
    except AriError as error:
        return [f"asterisk: {settings.ari_url} does not answer ({error.detail}); check ARI_URL and http.conf"]
    finally:
        await pool.close()
    problems = [f"asterisk: module {name} is not running" for name in MODULES if modules.get(name) != "Running"]
    if settings.ari_connect == "outbound" and settings.ari_app not in applications:
        problems.append(
            f"asterisk: application {settings.ari_app} is not registered; see asterisk-conf (ari.conf, "
            "websocket_client.conf), or set ARI_CONNECT=inbound"
        )
    return problems
