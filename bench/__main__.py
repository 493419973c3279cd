"""All benchmarks, or those named: `python -m bench [queue] [engine] ...`. Each writes bench/results/<name>.json."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
#: name -> module and options. Each runs in a process of its own, so that none warms up or burdens another.
BENCHMARKS = {
    "queue": ["bench.queue_calls"],
    "engine": ["bench.engine", "--write"],
    "store": ["bench.store", "--write"],
    "freepbx": ["bench.freepbx", "--write"],
    "media": ["bench.media", "--write"],
    "measuring": ["bench.measuring", "--write"],
    "events": ["bench.events"],
    "eq": ["bench.eq"],
    "speech": ["bench.speech", "--write"],
    "ari_dispatch": ["bench.ari_dispatch", "--write"],
}


def main() -> int:
    present = [name for name, (module, *_) in BENCHMARKS.items() if (HERE / f"{module.split('.')[1]}.py").exists()]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(present))
    names = parser.parse_args().names or present
    if unknown := [name for name in names if name not in present]:
        parser.error(f"there is no {', '.join(unknown)}; there is {', '.join(present)}")
    failed = []
    for name in names:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", *BENCHMARKS[name]], cwd=HERE.parent, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
