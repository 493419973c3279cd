"""A MariaDB server for tests, from the machine's own packages: on a socket and a free port, gone with the test.

async with MariaDB() as mariadb:
    await mariadb.sql("CREATE DATABASE asterisk")
    mariadb.socket, mariadb.port
"""

import asyncio
import contextlib
import os
import pwd
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.harness import net


class MariaDBError(Exception):
    """A program of MariaDB failed; the text has what it printed."""


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin")


def unavailable() -> str | None:
    """Why no server can be started here, or None when one can."""
    if not all(_program(name) for name in ("mariadbd", "mariadb-install-db", "mariadb")):
        return "MariaDB is not installed (scripts/test-tools installs Debian's mariadb-server)"
    if os.geteuid() == 0 and _account() is None:
        return "MariaDB should not run as root, and there is no account mysql"
    return None


def _account() -> str | None:
    try:
        return pwd.getpwnam("mysql").pw_name
    except KeyError:
        return None


class MariaDB:
    """One server with its own data directory. root may do everything over the socket, without a password."""

    def __init__(self) -> None:
        self.port = net.free_port()
        self._directory = Path(tempfile.mkdtemp(prefix="ari-app-mariadb-"))
        self.socket = str(self._directory / "socket")
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, _: type | None, error: BaseException | None, __: TracebackType | None) -> None:
        await self.stop()

    async def start(self) -> None:
        """Returns when the server accepts connections. Raises MariaDBError."""
        if os.geteuid() == 0:
            shutil.chown(self._directory, _account())
        data = self._directory / "data"
        await self._run(
            "mariadb-install-db",
            "--no-defaults",
            f"--datadir={data}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        )
        with (self._directory / "log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command(
                    "mariadbd",
                    "--no-defaults",
                    f"--datadir={data}",
                    f"--socket={self.socket}",
                    f"--port={self.port}",
                    "--bind-address=127.0.0.1",
                    f"--pid-file={self._directory / 'pid'}",
                    "--innodb-flush-log-at-trx-commit=0",
                    "--innodb-buffer-pool-size=64M",
                ),
                stdout=log,
                stderr=log,
                cwd=self._directory,
            )
        for _ in range(1200):
            if self._process.returncode is not None:
                break
            with contextlib.suppress(MariaDBError):
                await self.sql("SELECT 1")
                return
            await asyncio.sleep(0.05)
        raise MariaDBError(f"MariaDB does not start:\n{(self._directory / 'log').read_text(errors='replace')}")

    async def sql(self, statements: str | bytes, database: str = "") -> str:
        """Run statements as root; what they printed. Raises MariaDBError."""
        text = statements.encode() if isinstance(statements, str) else statements
        arguments = ["--no-defaults", "--batch", "--skip-column-names", "-u", "root", f"--socket={self.socket}"]
        arguments += ["--default-character-set=utf8mb4", *([database] if database else [])]
        return await self._run("mariadb", *arguments, text=text)

    async def stop(self) -> None:
        """Ends the server and removes its data."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), 20)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _command(self, program: str, *arguments: str) -> list[str]:
        found = _program(program)
        if found is None:
            raise MariaDBError(unavailable())
        # It must not outlive a killed test run.
        ids = ["--pdeathsig", "TERM"]
        if os.geteuid() == 0:
            account = pwd.getpwnam(_account() or "")
            ids += ["--reuid", str(account.pw_uid), "--regid", str(account.pw_gid), "--clear-groups"]
        return ["setpriv", *ids, found, *arguments]

    async def _run(self, program: str, *arguments: str, text: bytes = b"") -> str:
        process = await asyncio.create_subprocess_exec(
            *self._command(program, *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=self._directory,
        )
        output, _ = await process.communicate(text)
        if process.returncode:
            raise MariaDBError(f"{program}: {output.decode(errors='replace')}")
        return output.decode(errors="replace")
