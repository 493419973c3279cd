"""Call progress analysis on generated calls, with app_amd on the same calls in the same run.

    make cpa-eval            # the test part, into bench/results/cpa.json
    python -m bench.cpa --part tuning --scale 0.4 --no-baseline

The parts share no voice, no text, no beep, no title of music. Parameters are chosen on the tuning part. The figures
are of synthetic calls: they compare, they do not promise the same in the field.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from ari_app.media.cpa import PROFILES, Parameters
from bench.cpa import baseline
from bench.cpa.calls import Exchange
from bench.cpa.listen import false_tones, findings
from bench.cpa.score import SPOKEN, Figure, Share, Verdict, compare, figures, shares, strata, wilson
from bench.cpa.voices import RECORDED
from bench.report import RESULTS, machine


def told(share: Share) -> str:
    """A line of the table."""
    low, high = wilson(share.hits, share.count)
    goal = "" if share.goal is None else f"{'<=' if share.at_most else '>='} {share.goal:g} "
    mark = {None: "", True: "reached", False: "MISSED"}[share.reached]
    interval = f"[{low:5.1f} {high:5.1f}]  {share.hits}/{share.count:<5}"
    return f"{share.name:<52} {share.percent:6.2f} %  {interval} {goal}{mark}".rstrip()


def told_figure(figure: Figure) -> str:
    goal = "" if figure.goal is None else f"<= {figure.goal:g} "
    mark = {None: "", True: "reached", False: "MISSED"}[figure.reached]
    return f"{figure.name:<52} {figure.value:6.6g} {figure.unit}  {goal}{mark}".rstrip()


def as_json(value: Share | Figure) -> dict[str, Any]:
    if isinstance(value, Figure):
        return {
            "name": value.name,
            "unit": value.unit,
            "value": round(value.value, 2),
            "goal": value.goal,
            "met": value.reached,
        }
    low, high = wilson(value.hits, value.count)
    return {
        "name": value.name, "percent": round(value.percent, 2), "hits": value.hits, "count": value.count,
        "interval95": [round(low, 2), round(high, 2)], "goal": value.goal, "met": value.reached,
    }  # fmt: skip


def false_alarms(part: str) -> list[Figure]:
    """Beeps, digits and faxes that were told of speech and music which have none, an hour."""
    found = []
    titles = slice(0, 2) if part == "tuning" else slice(2, None)
    for sort, goal in (("speech", 0.5), ("music", 2.0)):
        names, hours = false_tones(sort, RECORDED[part], titles)
        others = sum(names.values()) - names.get("BP", 0)
        found.append(Figure(f"false beeps on {hours:.2f} hours of {sort}", "/h", names.get("BP", 0) / hours, goal))
        found.append(Figure(f"other false tones on {sort}", "/h", others / hours))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=["tuning", "test"], default="test")
    parser.add_argument("--seed", type=int, default=6)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the 2,000 calls")
    parser.add_argument("--profile", choices=sorted(PROFILES), default="balanced")
    parser.add_argument("--no-baseline", action="store_true", help="without app_amd: nothing but Python is needed")
    parser.add_argument("--write", action="store_true", help="into bench/results/cpa.json")
    options = parser.parse_args()

    begun = time.monotonic()
    calls = Exchange(options.part, options.seed).calls(options.scale)
    verdicts = [Verdict(call, found) for call, found in findings(calls, Parameters(profile=PROFILES[options.profile]))]
    spoken = [call for call in calls if call.kind in SPOKEN]
    amd = {} if options.no_baseline else asyncio.run(baseline.ask(spoken))
    alarms = false_alarms(options.part)
    rows: dict[str, list[Share] | list[Figure]] = {
        "shares": shares(verdicts),
        "times": figures(verdicts),
        "false alarms": alarms,
        "baseline": [share for name, said in amd.items() for share in compare(name, said, verdicts)],
        "first decisions right, by stratum": strata(verdicts),
    }
    for title, values in rows.items():
        if values:
            print(f"\n{title}")
        for value in values:
            print("  " + (told(value) if isinstance(value, Share) else told_figure(value)))
    seconds = round(time.monotonic() - begun)
    print(
        f"\n{len(calls)} calls of the {options.part} part, seed {options.seed}, profile {options.profile}, {seconds} s"
    )
    if options.write:
        about = {"part": options.part, "seed": options.seed, "profile": options.profile, "calls": len(calls)}
        document = {
            "machine": machine(),
            **about,
            **{title: [as_json(v) for v in values] for title, values in rows.items()},
        }
        path: Path = RESULTS / "cpa.json"
        path.write_text(json.dumps(document, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
