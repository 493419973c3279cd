"""`python -m ari_app demo`: something to look at and to ring, made once."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from ari_app.ari.errors import AriError
from ari_app.ari.http import HttpOptions, HttpPool
from ari_app.ari.operations import Operations
from ari_app.calls.extensions import provision
from ari_app.clock import SystemClock
from ari_app.config import Settings
from ari_app.errors import ConfigError
from ari_app.store import riding
from ari_app.store.accounts import DEFAULT
from ari_app.store.audit import AuditTrail, on_the_command_line
from ari_app.store.bindings import Bindings
from ari_app.store.database import Database
from ari_app.store.keys import Keys
from ari_app.store.pause_codes import PauseCodes
from ari_app.store.queues import Queues
from ari_app.store.users import Users
from ari_app.store.values import QueueData, UserData

QUEUE = "500"
#: extension -> who sits there
SUPERVISOR = ("1000", "Sonia")
AGENTS = (("1001", "Ana"), ("1002", "Ben"), ("1003", "Chaim"))


def _write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read, also while it is written."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


async def load_demo(settings: Settings) -> list[str]:
    """Make the demo's queue, people, key and extensions; nothing a second time.

    Returns what to tell the operator; the key is in it the first time only.

    Raises:
        StoreUnavailable, ConfigError: the database or Asterisk cannot be used.
    """
    database = Database(settings.database())
    await database.start()
    try:
        if await Queues(database, SystemClock()).find(DEFAULT, QUEUE) is not None:
            await _provision_again(settings)
            return [f"demo: queue {QUEUE} is there already; its key was shown when it was made"]
        extensions = {extension: secrets.token_urlsafe(12) for extension, _ in (SUPERVISOR, *AGENTS)}
        await _provision(settings, extensions)
        entry = AuditTrail(database, SystemClock()).change(on_the_command_line(DEFAULT), "demo", "demo")
        with riding.taking_along(entry):
            ids, key = await _fill(database)
    finally:
        await database.close()
    _write_secret(
        settings.data_dir / "demo.json",
        json.dumps({"queue": QUEUE, "extensions": extensions, "agents": ids, "key": key}, indent=2) + "\n",
    )
    return [
        f"demo: queue {QUEUE}, agents {', '.join(name for _, name in AGENTS)}, supervisor {SUPERVISOR[1]}",
        f"API key (shown this once): {key}",
        f"SIP extensions {', '.join(extensions)} and their passwords are in {settings.data_dir / 'demo.json'}",
    ]


async def _provision_again(settings: Settings) -> None:
    """Asterisk may have lost its extensions, or be another one: they get the secrets that the phones know."""
    try:
        kept = json.loads((settings.data_dir / "demo.json").read_text())
    except FileNotFoundError:
        return  # a queue of the same number that is no demo's
    await _provision(settings, kept["extensions"])


async def _provision(settings: Settings, extensions: dict[str, str]) -> None:
    pool = HttpPool(
        HttpOptions(
            base_url=settings.ari_url, user=settings.ari_user, password=settings.ari_password.get_secret_value()
        )
    )
    try:
        names = dict((SUPERVISOR, *AGENTS))
        for extension, secret in extensions.items():
            await provision(Operations(pool), extension, secret, name=names[extension])
    except AriError as error:
        raise ConfigError(f"Asterisk at {settings.ari_url} took no extensions: {error}") from error
    finally:
        await pool.close()


async def _fill(database: Database) -> tuple[dict[str, int], str]:
    clock = SystemClock()
    users, bindings = Users(database, clock), Bindings(database)
    await Queues(database, clock).create(
        DEFAULT,
        QueueData(extension=QUEUE, name="Demo", ring_strategy="leastrecent", agent_retry_time=5, agent_timeout=15),
    )
    for name in ("Lunch", "Training"):
        await PauseCodes(database, clock).create(DEFAULT, name)
    ids = {}
    for number, (extension, name) in enumerate(AGENTS, start=101):
        data = UserData(number=str(number), first_name=name, password=_digits(8))
        ids[extension] = await users.create(DEFAULT, "agent", data)
        await bindings.bind(DEFAULT, QUEUE, ids[extension])
    supervisor = UserData(
        username="supervisor",
        first_name=SUPERVISOR[1],
        email="supervisor@example.org",
        type="full",
        password=secrets.token_urlsafe(12),
    )
    ids[SUPERVISOR[0]] = await users.create(DEFAULT, "supervisor", supervisor)
    _, key = await Keys(database, clock).create(DEFAULT, "demo")
    return ids, key


def _digits(count: int) -> str:
    return "".join(secrets.choice("0123456789") for _ in range(count))
