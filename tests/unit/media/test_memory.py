"""That the allocator keeps what was freed, in a process of its own: it is set for good."""

import subprocess
import sys

import pytest

_FAULTS = """
import resource, sys
import numpy
from ari_app.media import memory
if sys.argv[1] == "keep" and not memory.keep():
    print("not glibc")
    raise SystemExit
def work():
    for _ in range(200):
        numpy.ones(100_000) + 1.0
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_blocks_of_media_are_not_mapped_anew() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FAULTS, "keep"], capture_output=True, text=True, check=True, timeout=60
    )
    if done.stdout.strip() == "not glibc":
        pytest.skip("another C library")
    assert int(done.stdout) < 1000  # of 200 times 390 pages
