"""A large FreePBX: 5,000 queues with 100,000 members, from a real MariaDB into the embedded database.

    python -m bench.freepbx [--queues 5000] [--members 20] [--write]

The command runs as a process of its own, whose time and largest memory are taken; first into an empty database, then
again, when there is nothing to do.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from bench.report import Row, machine, table, write
from tests.harness import freepbx
from tests.harness.mariadb import MariaDB
from tests.unit.freepbx.sample import FreePBX

FIRST_AGENT = 10_000


def made(queues: int, members: int) -> FreePBX:
    """Each agent is in some queues, as in life: a quarter as many agents as there are memberships."""
    found = FreePBX()
    agents = max(members, queues * members // 4)
    for number in range(agents):
        found.extension(str(FIRST_AGENT + number), f"Agent Number {number}")
    for number in range(queues):
        bound = [
            f"Local/{FIRST_AGENT + (number * members // 4 + place) % agents}@from-queue/n,{place % 4}"
            for place in range(members)
        ]
        found.queue(str(100_000 + number), *bound, config={"descr": f"Queue number {number}", "maxwait": "300"})
    return found


async def run(directory: Path, source: Path, astdb: Path) -> tuple[float, float]:
    """The command: seconds, and MB at its largest."""
    environment = {**os.environ, "DATA_DIR": str(directory)}
    environment.pop("DATABASE_URL", None)
    arguments = [sys.executable, "-m", "ari_app"]
    await _process([*arguments, "migrate"], environment)
    begun = time.monotonic()
    memory = await _process([*arguments, "import-freepbx", str(source), "--astdb", str(astdb), "--yes"], environment)
    return time.monotonic() - begun, memory


async def _process(arguments: list[str], environment: dict[str, str]) -> float:
    # wait4 has this child's own figures; RUSAGE_CHILDREN would be the largest of all.
    _, status, usage = await asyncio.to_thread(_wait, arguments, environment)
    if status != 0:
        raise SystemExit(f"{arguments[3:]} failed: {status}")
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def _wait(arguments: list[str], environment: dict[str, str]) -> tuple[int, int, resource.struct_rusage]:
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    return os.wait4(os.posix_spawn(arguments[0], arguments, environment, file_actions=quiet), 0)


async def measure(queues: int, members: int) -> list[Row]:
    """Import twice."""
    with tempfile.TemporaryDirectory(prefix="ari-app-bench-") as name:
        directory = Path(name)
        async with MariaDB() as mariadb:
            large = made(queues, members)
            await freepbx.make_database(mariadb, large.rows)
            astdb = freepbx.write_astdb(directory / "astdb.sqlite3", large.astdb)
            del large
            source = freepbx.freepbx_conf(mariadb, directory / "freepbx.conf")
            first, memory = await run(directory / "data", source, astdb)
            again, memory_again = await run(directory / "data", source, astdb)
    what = f"{queues} queues, {queues * members} members"
    return [
        Row(name=f"import of {what}", unit="s", ours=first, goal=60.0),
        Row(name="largest memory of it", unit="MB", ours=memory, goal=500.0),
        Row(name="again, with nothing to do", unit="s", ours=again, goal=60.0),
        Row(name="largest memory of that", unit="MB", ours=memory_again, goal=500.0),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queues", type=int, default=5000)
    parser.add_argument("--members", type=int, default=20, help="of each queue")
    parser.add_argument("--write", action="store_true", help="keep it in bench/results/freepbx.json")
    arguments = parser.parse_args()
    rows = asyncio.run(measure(arguments.queues, arguments.members))
    print(table(rows))
    if arguments.write:
        print(write("freepbx", machine(), rows))


if __name__ == "__main__":
    main()
