"""kill -9, for real: another process writes queue_log, is killed in the middle of it, and the next one goes on; the
file has every row of the table once."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from sqlalchemy import select

from ari_app.clock import SystemClock
from ari_app.store.database import Database
from ari_app.store.queue_log_file import QueueLogFile, line
from ari_app.store.rows import table_of
from ari_app.store.writer import Writer
from models import QueueLogEntry

LOG = table_of(QueueLogEntry)
PROGRAM = """
import asyncio, sys
from pathlib import Path
from ari_app.acd.commands import CallerEntered
from ari_app.clock import SystemClock
from ari_app.store.database import Database
from ari_app.store.queue_log import QueueLog
from ari_app.store.queue_log_file import QueueLogFile
from ari_app.store.writer import Writer

async def main(url, folder):
    database = Database(url)
    await database.start()
    writer = Writer(database, SystemClock(), folder, max_delay=0.002)
    await writer.start()
    log = QueueLog(writer)
    await log.load()
    file = QueueLogFile(writer, SystemClock(), folder / "queue_log", folder / "queue_log.cursor", 1)
    log.on_rows = file.wake
    await file.start()
    n = 0
    while True:
        for _ in range(7):
            n += 1
            log.record(1, CallerEntered(at=1700000000.0 + n, call=f"c{n}", queue="500", position=n, priority=0))
        await writer.committed()
        print(n, flush=True)

asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
"""


async def killed(url: str, folder: Path, lines: int) -> None:
    """Run the program, and kill it after so many lines."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, url, str(folder)),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    for _ in range(lines):
        assert await process.stdout.readline()
    process.kill()
    await process.stdout.read()
    await process.wait()


async def test_every_row_is_in_the_file_once(store_url: str, tmp_path: Path) -> None:
    for life in range(5):
        await killed(store_url, tmp_path, 40 + 3 * life)
        if life == 2:
            (tmp_path / "queue_log").rename(tmp_path / "queue_log.1")
    clock = SystemClock()
    database = Database(store_url)
    await database.start()
    writer = Writer(database, clock, tmp_path)
    await writer.start()
    file = QueueLogFile(writer, clock, tmp_path / "queue_log", tmp_path / "queue_log.cursor", 1)
    await file.start()
    await file.close()
    async with database.transaction(write=False) as connection:
        rows = (await connection.execute(select(LOG).order_by(LOG.c.id))).all()
    await writer.close()
    await database.close()
    assert len(rows) > 5 * 40 * 7
    assert [row.id for row in rows] == list(range(1, len(rows) + 1))
    text = (tmp_path / "queue_log.1").read_text() + (tmp_path / "queue_log").read_text()
    assert text == "".join(map(line, rows))
