"""SIPp as callers and as agents' phones, for load: scenarios from sipp/*.xml, and what went over the wire as values.

    async with agents("127.1.2.3", answer_after=[0.2, 0.5], talk=[2.0]):          # static contacts point there
        async with callers(pbx.sip, "500", address=carrier, calls=100, rate=10, patience=[1.0, 30.0]) as run:
            await run.finished(within=60)
    run.successful, run.failed, run.messages()

Messages of one call share `call_id`; `at` is in seconds of the epoch, as SIPp's own log has it (microseconds).
"""

import asyncio
import contextlib
import csv
import re
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from xml.etree import ElementTree

from tests.harness import net
from tests.harness.patience import PATIENCE

SCENARIOS = Path(__file__).parent / "sipp"
#: What "never" is for a phone, in seconds.
FOREVER = 86400.0


class SippError(Exception):
    """SIPp did not start, or ended in a way that is no result; the text has what it printed."""


@dataclass(frozen=True)
class Message:
    """One SIP message as SIPp sent or received it.

    what: the method of a request, or the status of a response as text ("INVITE", "200"); method: of the transaction.
    called: user part of the request's address (of To in a response); caller: user part of From.
    """

    at: float
    sent: bool
    what: str
    method: str
    call_id: str
    caller: str
    called: str


class Sipp:
    """One SIPp process with its files. `async with` runs it; leaving stops it at once, calls in progress included."""

    def __init__(self, scenario: str, address: str, port: int, arguments: Sequence[str]) -> None:
        self.address = address
        self.port = port
        self._scenario = scenario
        self._arguments = arguments
        self._directory = Path(tempfile.mkdtemp(prefix="ari-app-sipp-"))
        self._process: asyncio.subprocess.Process | None = None
        self._messages: list[Message] = []
        self._statistics: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, _: type | None, error: BaseException | None, __: TracebackType | None) -> None:
        await self.stop()

    async def start(self) -> None:
        """Raises SippError when SIPp is not installed or ends at once."""
        program = shutil.which("sipp")
        if program is None:
            raise SippError("sipp is not installed (scripts/test-tools installs Debian's sip-tester)")
        (self._directory / "scenario.xml").write_text(self._scenario)
        fixed = ["-sf", "scenario.xml", "-i", self.address, "-p", str(self.port), "-mi", self.address, "-nostdin"]
        fixed += ["-trace_msg", "-message_file", "messages.log", "-trace_err", "-error_file", "errors.log"]
        fixed += ["-trace_stat", "-stf", "statistics.csv", "-fd", "1", "-timer_resol", "1", "-aa", "-skip_rlimit"]
        # A busy machine makes its watchdog end the run; the bounds are those of the test.
        fixed += ["-watchdog_interval", "0", "-max_recv_loops", "100"]
        with (self._directory / "screen.log").open("wb") as screen:
            self._process = await asyncio.create_subprocess_exec(
                *("setpriv", "--pdeathsig", "KILL"),  # it must not outlive a killed test run
                program,
                *fixed,
                *self._arguments,
                cwd=self._directory,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=screen,
                stderr=asyncio.subprocess.STDOUT,
            )
        await self._listening(self._process)

    def write(self, name: str, text: str) -> None:
        """Puts a file into SIPp's working directory."""
        (self._directory / name).write_text(text)

    async def _listening(self, process: asyncio.subprocess.Process) -> None:
        """Waits until the port is taken or the process has ended, which may be with all calls done."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if process.returncode not in (None, 0, 1):
                raise SippError(f"sipp ended with {process.returncode}:\n{self.printed()}")
            if process.returncode is not None or not net.is_free(self.address, self.port, socket.SOCK_DGRAM):
                return
            await asyncio.sleep(0.01)
        raise SippError(f"sipp does not listen:\n{self.printed()}")

    async def finished(self, within: float) -> int:
        """Waits until all calls are made and over; 0 when all of them went as the scenario says, else 1.

        Raises TimeoutError, or SippError when SIPp itself failed.
        """
        assert self._process is not None, "not started"
        status = await asyncio.wait_for(self._process.wait(), within)
        if status not in (0, 1):
            raise SippError(f"sipp ended with {status}:\n{self.printed()}")
        return status

    async def drain(self, within: float) -> int:
        """Makes no further calls, and waits for those in progress to end."""
        assert self._process is not None, "not started"
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGUSR1)
        return await asyncio.wait_for(self._process.wait(), within)

    async def stop(self) -> None:
        """Ends the process and removes its files; messages and counts stay."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), 20)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        self._messages = self.messages()
        self._statistics = self.statistics()
        shutil.rmtree(self._directory, ignore_errors=True)

    # --- results

    def printed(self) -> str:
        """The end of what SIPp printed, and its errors."""
        texts = []
        for name in ("screen.log", "errors.log"):
            with contextlib.suppress(FileNotFoundError):
                texts.append((self._directory / name).read_text(errors="replace")[-2000:])
        return "\n".join(texts)

    def statistics(self) -> dict[str, str]:
        """SIPp's own counts, a second old while it runs."""
        try:
            with (self._directory / "statistics.csv").open(newline="") as file:
                rows = list(csv.DictReader(file, delimiter=";"))
        except FileNotFoundError:
            return self._statistics
        return rows[-1] if rows else {}

    def _count(self, name: str) -> int:
        return int(self.statistics().get(name, 0))

    @property
    def created(self) -> int:
        return self._count("TotalCallCreated")

    @property
    def successful(self) -> int:
        """Calls that went as the scenario says."""
        return self._count("SuccessfulCall(C)")

    @property
    def failed(self) -> int:
        """Calls with a message that the scenario does not expect, or without one that it does."""
        return self._count("FailedCall(C)")

    def messages(self) -> list[Message]:
        """Everything sent and received so far, in order."""
        try:
            return parse_messages((self._directory / "messages.log").read_text(errors="replace"))
        except FileNotFoundError:
            return self._messages


# --- scenarios


def contact(extension: str, address: str, port: int = net.SIP_PORT) -> str:
    """Where a phone of `agents` is reached: the static contact of its extension."""
    return f"sip:{extension}@{address}:{port}"


def callers(
    target: str,
    number: str,
    *,
    address: str,
    calls: int,
    rate: float,
    patience: Sequence[float] = (60.0,),
    ring_limit: float = 60.0,
    caller: str = "0309[call_number]",
    account: tuple[str, str] | None = None,
    limit: int = 5000,
) -> Sipp:
    """Callers from `address` (of the trunk, or any with an `account`: extension and secret) to a number at `target`.

    rate: calls a second. patience: seconds after the answer until the caller hangs up, if the other side has not,
    drawn from these for each call. ring_limit: seconds until an unanswered call is cancelled.
    """
    first = _file("invite.xml")
    if account:
        first = _file("invite-auth.xml").replace("@INVITE@", first)
        first = first.replace("@USER@", account[0]).replace("@PASSWORD@", account[1])
    text = _file("caller.xml").replace("@FIRST@", first).replace("@CSEQ@", "2" if account else "1")
    text = text.replace("@PATIENCE@", _wait("BYE", "other-side", _evenly(patience), "bye"))
    text = text.replace("@RING@", _milliseconds(ring_limit)).replace("@NUMBER@", number)
    text = text.replace("@CALLER@", account[0] if account else caller)
    text = text.replace("@BRANCH@", f"-{_steps_between(text, 'INVITE', 'CANCEL')}")
    arguments = [target, "-m", str(calls), "-r", f"{rate:g}", "-l", str(limit)]
    return Sipp(text, address, net.free_port(address, socket.SOCK_DGRAM), arguments)


def agents(
    address: str,
    *,
    port: int = net.SIP_PORT,
    answer_after: Sequence[float] = (0.0,),
    talk: Sequence[float] = (FOREVER,),
    no_answer: float = 0.0,
    busy: float = 0.0,
) -> Sipp:
    """The phones of any number of extensions, whose contacts point to this address and port.

    answer_after, talk: seconds of ringing, and after the answer until the phone hangs up, drawn from these for each
    call. no_answer, busy: shares of calls (0 to 1) that ring until they are cancelled, or are refused with 486.
    """
    rings = [(seconds, (1 - no_answer) / len(answer_after)) for seconds in answer_after] + [(FOREVER, no_answer)]
    text = _file("agent.xml")
    text = text.replace("@REFUSAL@", _draw("refusal", [("refuse", busy), ("alert", 1 - busy)]) + '<label id="alert"/>')
    text = text.replace("@RING@", _wait("CANCEL", "cancelled", rings, "answer"))
    text = text.replace("@TALK@", _wait("BYE", "other-side", _evenly(talk), "bye"))
    return Sipp(text, address, port, [])


def registrations(target: str, secrets: dict[str, str], *, address: str, port: int = net.SIP_PORT) -> Sipp:
    """Registers extensions (with their secrets) at the address and port from which this runs, and ends."""
    rows = ["SEQUENTIAL"]
    rows += [f"{name};[authentication username={name} password={secret}]" for name, secret in secrets.items()]
    run = Sipp(_file("register.xml"), address, port, [target, "-m", str(len(secrets)), "-r", "50", "-inf", "secrets"])
    run.write("secrets", "\n".join(rows) + "\n")
    return run


def _file(name: str) -> str:
    return (SCENARIOS / name).read_text()


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))  # nought would be no limit


def _evenly(values: Sequence[float]) -> list[tuple[float, float]]:
    return [(value, 1 / len(values)) for value in values]


def _wait(request: str, came: str, limits: Sequence[tuple[float, float]], over: str) -> str:
    """Waits for a request, as long as one of `limits` (seconds, share of calls), then goes on at label `over`."""
    labels = [f"{request}-{number}" for number in range(len(limits))]
    text = _draw(request, [(label, share) for label, (_, share) in zip(labels, limits, strict=True)])
    for label, (seconds, _) in zip(labels, limits, strict=True):
        text += f'<label id="{label}"/>\n<recv request="{request}" timeout="{_milliseconds(seconds)}"'
        text += f' ontimeout="{over}" next="{came}"></recv>\n'
    return text


def _draw(name: str, choices: Sequence[tuple[str, float]]) -> str:
    """Goes on at one of the labels, each with its share."""
    choices = [(label, share) for label, share in choices if share > 0]
    variable = re.sub("[^a-z]", "", name.lower())
    tests, jumps, sum_ = "", "", 0.0
    for number, (label, share) in enumerate(choices):
        sum_ += share
        last = number == len(choices) - 1
        bound = 2.0 if last else sum_
        tests += f'<test assign_to="{variable}{number}" variable="{variable}" compare="less_than" value="{bound:.6f}"/>'
        jumps += f'<nop test="{variable}{number}" next="{label}"></nop>\n'
    sample = f'<sample assign_to="{variable}" distribution="uniform" min="0" max="1"/>'
    return f"<nop><action>{sample}{tests}</action></nop>\n{jumps}"


def _steps_between(scenario: str, first: str, last: str) -> int:
    """How many steps of a scenario lie between the last request `first` and the request `last`: SIPp's [branch-N]."""
    steps = [step for step in ElementTree.fromstring(scenario) if step.tag != "label"]
    numbers = {(step.text or "").split(maxsplit=1)[0]: n for n, step in enumerate(steps) if (step.text or "").strip()}
    return numbers[last] - numbers[first]


# --- the log

_HEAD = re.compile(r"^-{10,} (\d{4}-\d\d-\d\d[T ][\d:.]+)\n\w+ message (sent|received).*\n\n", re.MULTILINE)
_CALL_ID = re.compile(r"^(?:Call-ID|i): *(\S+)", re.MULTILINE | re.IGNORECASE)
_CSEQ = re.compile(r"^CSeq: *\d+ (\w+)", re.MULTILINE | re.IGNORECASE)
_FROM = re.compile(r"^(?:From|f):[^\n]*?sips?:([^@>;\s]*)@", re.MULTILINE | re.IGNORECASE)
_TO = re.compile(r"^(?:To|t):[^\n]*?sips?:([^@>;\s]*)@", re.MULTILINE | re.IGNORECASE)
_REQUEST = re.compile(r"^(\w+) sips?:(?:([^@>;\s]*)@)?")
_RESPONSE = re.compile(r"^SIP/2.0 (\d{3})")


def parse_messages(log: str) -> list[Message]:
    """The messages of a log of `sipp -trace_msg`; what cannot be read is left out."""
    heads = list(_HEAD.finditer(log))
    ends = [*(head.start() for head in heads[1:]), len(log)][: len(heads)]
    found = (_parse(head, log[head.end() : end]) for head, end in zip(heads, ends, strict=True))
    return [message for message in found if message is not None]


def _parse(head: re.Match[str], text: str) -> Message | None:
    request, response = _REQUEST.match(text), _RESPONSE.match(text)
    call_id, cseq = _CALL_ID.search(text), _CSEQ.search(text)
    if call_id is None or cseq is None or (request is None and response is None):
        return None
    caller, to = _FROM.search(text), _TO.search(text)
    called = (request.group(2) if request else None) or (to.group(1) if to else "")
    return Message(
        at=datetime.fromisoformat(head.group(1)).timestamp(),
        sent=head.group(2) == "sent",
        what=request.group(1) if request else response.group(1) if response else "",
        method=cseq.group(1),
        call_id=call_id.group(1),
        caller=caller.group(1) if caller else "",
        called=called,
    )
