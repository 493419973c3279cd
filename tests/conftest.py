"""What all tests share: the harness is importable, and a skipped test in CI is a failed one."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}


# The same examples in each run, on a machine of any speed: what fails was made so by the change that is tested, not by
# chance. `--hypothesis-profile=explore` draws others each time, and more: it finds what no run of CI should.
_calm = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("calm", _calm, derandomize=True)
settings.register_profile("explore", _calm, max_examples=1000)
settings.load_profile("calm")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """In CI nothing may be skipped: what is lacking there is an error of the set-up, not a reason to look away."""
    report = yield
    return _strict(report, item.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector):
    """The same for a module that skips all of itself."""
    report = yield
    return _strict(report, collector.nodeid)


def _strict(report, name: str):
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{name}: skipped, and in CI nothing may be: {reason}"
    return report
