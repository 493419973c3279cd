"""What Asterisk 22.10.1 is known to die of, and whether a test has done it to one."""

import json
import time
from dataclasses import dataclass
from datetime import datetime

from tests.harness import docker
from tests.harness.patience import PATIENCE

#: how Docker tells SIGSEGV
SEGMENTATION_FAULT = 139
#: expected failures for a fault in one process of a test run: more of them is no accident
MOST = 2


@dataclass(frozen=True)
class Fault:
    """Something that an Asterisk may die of."""

    what: str
    #: a setting that an Asterisk has which may
    setting: str = ""
    #: seconds in which it does
    within: float = float("inf")


#: Its thread that writes an event goes on with the session that the one that reads has let go already, when a websocket
#: that it has opened breaks without a close frame: in one of 100 cuts while events flow, some milliseconds afterwards.
BROKEN_WEBSOCKET = Fault(
    "a websocket that it had opened broke (docs/decisions/001)", setting="ARI_CONNECT=outbound", within=PATIENCE
)
#: One REFER in some dozens.
REFER = Fault("a phone sent REFER (docs/decisions/006)")

#: when what was done, by time.time()
_risked: list[tuple[float, Fault]] = []
_excused: dict[Fault, int] = {}


def forget() -> None:
    """Another test begins."""
    _risked.clear()


def risk(fault: Fault) -> None:
    """A test does, from now on, what an Asterisk may die of."""
    _risked.append((time.time(), fault))


def killed_an_asterisk() -> Fault | None:
    """What was risked, if an Asterisk of this process that may die of it has ended by a segmentation fault since, in
    time."""
    for container in docker.own() if _risked else ():
        if (fault := _killed(container)) is not None:
            return fault
    return None


def _killed(container: str) -> Fault | None:
    found = docker.printed("inspect", "-f", '{"state":{{json .State}},"settings":{{json .Config.Env}}}', container)
    try:
        told = json.loads(found)
    except ValueError:  # it is gone
        return None
    if told["state"]["Running"] or told["state"]["ExitCode"] != SEGMENTATION_FAULT:
        return None
    died = datetime.fromisoformat(told["state"]["FinishedAt"]).timestamp()
    for since, fault in _risked:
        if since <= died <= since + fault.within and (not fault.setting or fault.setting in told["settings"]):
            return fault
    return None


def excuses(fault: Fault) -> bool:
    """Whether one more test may fail of it."""
    _excused[fault] = _excused.get(fault, 0) + 1
    return _excused[fault] <= MOST


def last_words(lines: int = 40) -> str:
    """What the containers of this process are and said last, for a report of what failed."""
    told = []
    for name in docker.own():
        state = docker.printed("inspect", "-f", "{{.State.Status}}, exit code {{.State.ExitCode}}", name).strip()
        told.append(f"--- {name}: {state}\n{docker.printed('logs', '--tail', str(lines), name)}")
    return "\n".join(told)
