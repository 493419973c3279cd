"""Fixtures of the tests against real peers. Without Docker they are skipped, with the reason (in CI they fail)."""

from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.harness import docker, faults
from tests.harness.asterisk import Asterisk
from tests.harness.phones import PhoneBox
from tests.harness.postgres import Postgres
from tests.harness.postgres import unavailable as postgres_unavailable

AsteriskFactory = Callable[..., Awaitable[Asterisk]]

HERE = Path(__file__).parent
#: lines of a log that a report of a failure ends with
LAST_LINES = 60


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder is an integration test."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.integration)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """What the tests before have risked counts no longer."""
    faults.forget()
    if item.get_closest_marker("refer") is not None:
        faults.risk(faults.REFER)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Asterisk 22.10.1 dies now and then of what a test does to it (tests/harness/faults.py). Such a test is then an
    expected failure: if, and only if, an Asterisk of this test ended by a segmentation fault. What fails otherwise is
    told with the last words of all who took part."""
    report = yield
    if report.failed:
        _tell_last_words(item, report)
        fault = faults.killed_an_asterisk() if report.when == "call" else None
        if fault is not None and faults.excuses(fault):
            report.outcome, report.wasxfail = "skipped", f"Asterisk itself died: {fault.what}"
    return report


def _tell_last_words(item: pytest.Item, report: pytest.TestReport) -> None:
    report.sections.append(("last words of the containers", faults.last_words()))
    directory = getattr(item, "funcargs", {}).get("tmp_path")
    for log in sorted(directory.rglob("*.log")) if directory is not None else ():
        with suppress(OSError):  # a process that ends removes its own
            words = log.read_text(errors="replace").splitlines()[-LAST_LINES:]
            report.sections.append((f"last words of {log.name}", "\n".join(words)))


@pytest.fixture(scope="session")
def asterisk_image() -> str:
    """Name of the Asterisk image; builds it when it is missing."""
    reason = docker.unavailable()
    if reason:
        pytest.skip(reason)
    docker.remove_orphans()
    return docker.asterisk_image()


@pytest.fixture
async def start_asterisk(asterisk_image: str) -> AsyncIterator[AsteriskFactory]:
    """Starts Asterisk nodes, which are removed after the test: `pbx = await start_asterisk("pbx", app_uri=...)`."""
    async with AsyncExitStack() as stack:

        async def start(node: str, **options: Any) -> Asterisk:
            return await stack.enter_async_context(Asterisk(node, **options))

        yield start


@pytest.fixture
async def world(asterisk_image: str) -> AsyncIterator[PhoneBox]:
    """The outside world: phones and a carrier."""
    async with PhoneBox() as box:
        yield box


@pytest.fixture
async def postgres() -> AsyncIterator[Postgres]:
    """A PostgreSQL server of its own."""
    if reason := postgres_unavailable():
        pytest.skip(reason)
    async with Postgres() as server:
        yield server
