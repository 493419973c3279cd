"""`python -m tests.dialects.eq.fuzz_server`: an EQ API to be asked anything, until standard input ends.

The first line it prints is JSON: the URL of the document and a key. After each request it looks at the database
(half_written.py), and at the end as a whole: no row may be half written. Its exit code is 1 when one is.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import sys
import tempfile
from pathlib import Path

from ari_app.dialects import eq
from ari_app.dialects.eq.paths import DOCUMENT
from ari_app.ops import logging
from tests.dialects.eq.test_fuzz import GOOD
from tests.dialects.eq.world import World, open_world, template_database


async def fill(world: World) -> None:
    """One of each, so that ids and extensions that are guessed are there now and then."""
    await world.done("POST", "/supervisor", json={"data": GOOD["supervisor"]})
    await world.done("POST", "/call_queue", json={"data": GOOD["call_queue"]})
    await world.done("POST", "/agent", json={"data": GOOD["agent"]})
    await world.done("POST", "/pause_code", json={"data": GOOD["pause_code"]})
    await world.done("POST", "/extension", json={"data": GOOD["extension"]})


def broken(path: Path) -> list[str]:
    """Rows that refer to what there is not, or that SQLite cannot read."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        dangling = [str(row) for row in connection.execute("PRAGMA foreign_key_check")]
        state = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        bound = connection.execute(
            "SELECT b.agent_id FROM queue_bindings b LEFT JOIN users u ON u.id = b.agent_id AND u.kind = 'agent'"
            " WHERE u.id IS NULL"
        )
        return [*dangling, *(row for row in state if row != "ok"), *(f"binding of {row[0]}" for row in bound)]


async def main() -> int:
    logging.configure(level="error", form="text", stream=sys.stderr)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = folder / "template"
        template.mkdir()
        world = await open_world(await template_database(template), folder, checked=True)
        await fill(world)
        url = str(world.client.make_url(eq.PREFIX + DOCUMENT))
        sys.stdout.write(json.dumps({"url": url, "key": world.keys["default"]}) + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
        await world.stop()
        await world.database.close()
        assert world.half_written is not None
        found = [*world.half_written.found, *broken(folder / "test.sqlite")]
        sys.stderr.write(f"{world.half_written.requests} requests, {len(found)} of them left something half done\n")
    for line in found:
        sys.stderr.write(f"{line}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
