"""kill -9, for real: another process writes, is killed in the middle of it, and a second one looks."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from ari_app.clock import SystemClock
from ari_app.store.database import Database
from ari_app.store.journal import Journal
from ari_app.store.writer import Writer

PROGRAM = """
import asyncio, sys
from pathlib import Path
from ari_app.acd.events import AgentSignedOut
from ari_app.clock import SystemClock
from ari_app.errors import StoreUnavailable
from ari_app.store.connections import connect
from ari_app.store.database import Database
from ari_app.store.journal import Journal
from ari_app.store.writer import Writer

async def main(url, folder, fail_after):
    database = Database(url)
    await database.start()
    writer = Writer(database, SystemClock(), Path(folder), max_delay=0.002)
    await writer.start()
    journal, n = Journal(writer), 0
    await journal.load()
    while True:
        for _ in range(7):
            n += 1
            journal.event(1, float(n), AgentSignedOut(agent=n))
        if n % 700 == 0:
            journal.snapshot(1, float(n), b"%d" % n)
        if fail_after and n > fail_after:
            break
        await writer.committed()
        print(n, flush=True)
    # From here on the database fails: what is told now is in the spill file only.
    async def refuse(*_):
        raise StoreUnavailable("down")
    writer._connect = writer._connection.write = refuse
    while True:
        await asyncio.sleep(0.005)
        if writer.stats.spilled and writer.stats.spilled == writer.stats.pending and not writer._open:
            print(n, flush=True)
            n += 1
            journal.event(1, float(n), AgentSignedOut(agent=n))

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


async def killed(url: str, folder: Path, fail_after: int, lines: int) -> int:
    """Run the program, kill it after so many lines; the last number it said was safe."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        url,
        str(folder),
        str(fail_after),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    said = [await process.stdout.readline() for _ in range(lines)]
    process.kill()
    said += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    return int([line for line in said if line.endswith(b"\n")][-1])


@pytest.mark.parametrize("fail_after", [0, 200], ids=["writing", "without a database"])
async def test_every_batch_that_was_safe_is_found(store_url: str, tmp_path: Path, fail_after: int) -> None:
    clock = SystemClock()
    for life in range(3):
        safe = await killed(store_url, tmp_path, fail_after, 60 + life)
        assert safe > fail_after
        database = Database(store_url)
        await database.start()
        writer = Writer(database, clock, tmp_path)
        await writer.start()
        assert bool(writer.stats.batches) == bool(fail_after)
        (journal,) = await Journal(writer).load()
        # Every event once and in order, none missing up to the last that was safe.
        first = int(journal.snapshot or b"0")
        found = [event.agent for _, event in journal.events]  # type: ignore[union-attr]
        assert found == list(range(first + 1, first + 1 + len(found)))
        assert [at for at, _ in journal.events] == [float(agent) for agent in found]
        assert first + len(found) >= safe
        assert not list((tmp_path / "spill").iterdir())
        async with database.transaction() as connection:
            assert (await connection.execute(text("SELECT count(*) FROM journal"))).scalar_one() == len(found)
            await connection.execute(text("DELETE FROM journal"))
            await connection.execute(text("DELETE FROM journal_snapshots"))
        await writer.close()
        await database.close()
