"""Docker, as far as the harness needs it: run its command, and leave no container behind."""

import asyncio
import atexit
import contextlib
import functools
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OWNER_LABEL = "ari-app.test-owner"

_own_containers: set[str] = set()


class DockerError(Exception):
    """A docker command failed; the text has the command and what it printed."""


async def docker(*arguments: str, within: float = 120) -> str:
    """Standard output of a docker command. Raises DockerError when it fails or takes longer than `within` seconds."""
    process = await asyncio.create_subprocess_exec(
        "docker", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), within)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise DockerError(f"docker {' '.join(arguments)}: no end within {within} s") from None
    if process.returncode:
        raise DockerError(f"docker {' '.join(arguments)}: {errors.decode().strip()}")
    return output.decode()


def unavailable() -> str | None:
    """Why no container can be started here, or None when one can."""
    try:
        result = subprocess.run(["docker", "info"], capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        return "docker is not installed (scripts/docker-up installs it on Debian)"
    except subprocess.TimeoutExpired:
        return "docker info does not answer"
    return None if result.returncode == 0 else "no Docker engine answers (scripts/docker-up starts one)"


@functools.cache
def asterisk_image() -> str:
    """The image of the present asterisk-conf/, built when it is missing; looked for once. Raises DockerError."""
    result = subprocess.run([ROOT / "scripts" / "asterisk-image"], stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode:
        raise DockerError("scripts/asterisk-image failed, see above")
    return result.stdout.strip()


def owner() -> str:
    """This process, told apart from a later one with the same id."""
    return f"{os.getpid()}-{_started(os.getpid())}"


def _started(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except FileNotFoundError:
        return ""


def adopt(container: str) -> None:
    """Has the container removed when this process ends, however the tests end."""
    _own_containers.add(container)


def release(container: str) -> None:
    _own_containers.discard(container)


def own() -> list[str]:
    """The containers of this process that are not removed yet."""
    return sorted(_own_containers)


def printed(*arguments: str, within: float = 60) -> str:
    """What a docker command prints, errors too, for a report of what failed: it fails of nothing itself."""
    try:
        return subprocess.run(
            ["docker", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=within,
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"docker {' '.join(arguments)}: {error}"


@atexit.register
def _remove_own() -> None:
    if _own_containers:
        subprocess.run(["docker", "rm", "-f", "-v", *_own_containers], capture_output=True, check=False)


def remove_orphans() -> None:
    """Removes test containers whose process is gone without a chance to clean up. Never those of a living one."""
    listing = ["docker", "ps", "-a", "--filter", f"label={OWNER_LABEL}"]
    format_ = ["--format", "{{.Names}} {{.Label " + f'"{OWNER_LABEL}"' + "}}"]
    rows = subprocess.run([*listing, *format_], capture_output=True, text=True, check=False).stdout
    for row in rows.splitlines():
        name, _, value = row.partition(" ")
        pid, _, started = value.partition("-")
        with contextlib.suppress(ValueError):
            if _started(int(pid)) != started:
                subprocess.run(["docker", "rm", "-f", "-v", name], capture_output=True, check=False)
