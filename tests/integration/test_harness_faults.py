"""A test in which Asterisk itself died of what the test did is an expected failure, any other is none: tests that fail,
run by a pytest of their own, with containers that really died."""

import pytest

from tests.harness import faults
from tests.harness.docker import ROOT

pytest_plugins = "pytester"

HOOKS = "from tests.integration.conftest import pytest_runtest_makereport, pytest_runtest_setup"
FAILING = """
import itertools, os, subprocess

import pytest

from tests.harness import docker, faults

OUTBOUND, INBOUND = "ARI_CONNECT=outbound", "ARI_CONNECT=inbound"
SEGMENTATION_FAULT, END = "print unpack 'p', pack 'J', 8", "exit 1"
serial = itertools.count()


def a_container(setting, does=SEGMENTATION_FAULT):
    name = f"ari-app-test-fault-{os.getpid()}-{next(serial)}"
    label = f"{docker.OWNER_LABEL}={docker.owner()}"
    perl = ["--entrypoint", "perl", docker.asterisk_image(), "-e", "$| = 1; print 'last words'; " + does]
    docker.adopt(name)
    subprocess.run(["docker", "run", "--name", name, "--label", label, "-e", setting, *perl], check=False)


@pytest.fixture(autouse=True)
def containers():
    yield
    for name in docker.own():
        subprocess.run(["docker", "rm", "-f", "-v", name], check=True)
        docker.release(name)


@pytest.mark.refer
def test_died_of_a_refer():
    a_container(INBOUND)
    raise AssertionError


def test_died_without_a_risk():
    a_container(OUTBOUND)
    raise AssertionError


def test_died_before_the_risk():
    a_container(OUTBOUND)
    faults.risk(faults.BROKEN_WEBSOCKET)
    raise AssertionError


def test_died_long_after_the_risk(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(faults.time, "time", lambda now=faults.time.time() - faults.BROKEN_WEBSOCKET.within: now)
        faults.risk(faults.BROKEN_WEBSOCKET)
    a_container(OUTBOUND)
    raise AssertionError


def test_died_although_nothing_of_it_broke():
    faults.risk(faults.BROKEN_WEBSOCKET)
    a_container(INBOUND)
    raise AssertionError


def test_ended_otherwise():
    faults.risk(faults.BROKEN_WEBSOCKET)
    a_container(OUTBOUND, END)
    raise AssertionError


def test_goes_on():
    faults.risk(faults.BROKEN_WEBSOCKET)
    raise AssertionError


def test_died_and_nobody_minds():
    faults.risk(faults.BROKEN_WEBSOCKET)
    a_container(OUTBOUND)


# the last, as they use up what is excused
@pytest.mark.parametrize("time", range(faults.MOST + 1))
def test_died_of_it(time):
    faults.risk(faults.BROKEN_WEBSOCKET)
    a_container(OUTBOUND)
    raise AssertionError
"""


def test_what_is_excused(asterisk_image: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest(HOOKS)
    pytester.makepyfile(FAILING)
    pytester.makeini("[pytest]\nmarkers =\n  refer: of which Asterisk may die\n")
    ran = pytester.runpytest_subprocess("-rfx", "-p", "no:asyncio", timeout=300)
    ran.assert_outcomes(passed=1, xfailed=3, failed=7)
    told = ran.stdout.str()
    excused = [line.partition("::")[2] for line in told.splitlines() if line.startswith("XFAIL")]
    died = "Asterisk itself died: "
    assert excused == [
        f"test_died_of_a_refer - {died}a phone sent REFER (docs/decisions/006)",
        *(
            f"test_died_of_it[{n}] - {died}a websocket that it had opened broke (docs/decisions/001)"
            for n in range(faults.MOST)
        ),
    ]
    # each failure but that without a container says how that one ended, and what it said
    assert told.count("exited, exit code 139\nlast words") == 5
    assert told.count("exited, exit code 1\nlast words") == 1
