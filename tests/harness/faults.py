"""What Asterisk 22.10.1 is known to die of, and whether a test has done it to one."""

import subprocess

from tests.harness import docker

#: how Docker tells SIGSEGV
SEGMENTATION_FAULT = 139
#: Its websocket client may end it, when a connection to us breaks without a close frame: in one of 100 cuts.
BROKEN_WEBSOCKET = "a websocket that it had opened broke (docs/decisions/001)"
#: One REFER in some dozens.
REFER = "a phone sent REFER (docs/decisions/006)"

_risked: set[str] = set()


def forget() -> None:
    """Another test begins."""
    _risked.clear()


def risk(what: str) -> None:
    """A test does what an Asterisk may die of."""
    _risked.add(what)


def killed_an_asterisk() -> str:
    """What was risked, if an Asterisk of this process ended by a segmentation fault since; else nothing."""
    return ", ".join(sorted(_risked)) if _risked and docker.anybody_died_of(SEGMENTATION_FAULT) else ""


def last_words(lines: int = 40) -> str:
    """What the containers of this process are and said last, for a report of what failed."""
    told = []
    for name in docker.own():
        state = _docker("inspect", "-f", "{{.State.Status}}, exit code {{.State.ExitCode}}", name).strip()
        told.append(f"--- {name}: {state}\n{_docker('logs', '--tail', str(lines), name)}")
    return "\n".join(told)


def _docker(*arguments: str) -> str:
    found = subprocess.run(
        ["docker", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        timeout=60,
    )
    return found.stdout
