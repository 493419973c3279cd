"""Call progress analysis on generated calls, with app_amd on the same calls in the same run.

    make cpa-eval            # the test part, into bench/results/cpa.json
    python -m bench.cpa --part tuning --lines standard --scale 0.4 --no-baseline
    make cpa-eval ARGS='--corpus DIR'      # sounds of yours, with labels: bench/cpa/corpus.py, docs/cpa.md

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

import numpy as np

from ari_app.media.cpa import Parameters
from ari_app.media.greeting import PROFILES
from bench.cpa import baseline
from bench.cpa.calls import Call, Exchange, silence
from bench.cpa.corpus import NO_CALLS, BadCorpus, calls, labelled, read
from bench.cpa.listen import Alarms, alarms, findings, speech, spoken_before
from bench.cpa.music import pieces
from bench.cpa.score import (
    SPOKEN,
    Figure,
    Share,
    Verdict,
    compare,
    errors,
    figures,
    poisson,
    shares,
    strata,
    wilson,
)
from bench.cpa.voices import CACHE, RATE, RECORDED
from bench.report import RESULTS, machine

#: Standard lines have noise, a codec and loss; hard ones (bench/README.md) are beside them, to the same goals.
LINES = ("standard", "hard")
#: So many of their calls.
HARD_SHARE = 0.4


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
    interval = f"[{figure.interval[0]:.1f} {figure.interval[1]:.1f}] " if figure.interval else ""
    return f"{figure.name:<52} {figure.value:6.6g} {figure.unit}  {interval}{goal}{mark}".rstrip()


def as_json(value: Share | Figure) -> dict[str, Any]:
    if isinstance(value, Figure):
        row: dict[str, Any] = {"name": value.name, "unit": value.unit, "value": round(value.value, 2)}
        if value.interval:
            row["interval95"] = [round(edge, 2) for edge in value.interval]
        return {**row, "goal": value.goal, "met": value.reached}
    low, high = wilson(value.hits, value.count)
    return {
        "name": value.name, "percent": round(value.percent, 2), "hits": value.hits, "count": value.count,
        "interval95": [round(low, 2), round(high, 2)], "goal": value.goal, "met": value.reached,
    }  # fmt: skip


def rates(sort: str, goal: float, heard: Alarms) -> list[Figure]:
    """Beeps, and digits, faxes and other tones, that were told of sound which has none, an hour."""
    if not heard.hours:
        return []
    low, high = poisson(heard.beeps)
    name = f"false beeps on {heard.hours:.2f} hours of {sort}"
    interval = (low / heard.hours, high / heard.hours)
    others = sum(heard.told.values()) - heard.beeps
    return [
        Figure(name, "/h", heard.beeps / heard.hours, goal, interval),
        Figure(f"other false tones on {sort}", "/h", others / heard.hours),
    ]


def false_alarms(sounds: dict[str, Alarms]) -> list[Figure]:
    """Of speech and of music, and of each style of music by itself."""
    found = []
    for sort, goal in (("speech", 0.5), ("music", 2.0)):
        if sort in sounds:
            found += rates(sort, goal, sounds[sort])
    for style, names in sorted(sounds["music"].by_style.items() if "music" in sounds else ()):
        found.append(Figure(f"false beeps: {style}", "/h", names["BP"] / (names["ms"] / 3_600_000)))
    return found


def calls_of(options: argparse.Namespace, lines: str) -> list[Call]:
    """The calls of a part: of hard lines there are fewer."""
    hard = lines == "hard"
    return Exchange(options.part, options.seed, hard=hard).calls(options.scale * (HARD_SHARE if hard else 1))


def sounds_of(options: argparse.Namespace) -> dict[str, Alarms]:
    """What is told of a part's speech and music."""
    sounds = {}
    if not options.no_music:
        opening = spoken_before(options.part, options.seed)
        songs = ((piece.title, piece.style, piece.sound) for piece in pieces(options.part, options.seed, options.scale))
        sounds = {"speech": alarms(speech(RECORDED[options.part])), "music": alarms(songs, opening)}
    return sounds


def of_others(directory: Path) -> tuple[list[Call], dict[str, Alarms]]:
    """The same of a corpus."""
    sounds = labelled(directory)
    heard = {}
    voice = next((read(one) for one in sounds if one.kind == "live"), None)
    opening = None if voice is None else lambda _: np.concatenate([voice[: 3 * RATE], silence(1)])
    for sort in NO_CALLS:
        if those := [one for one in sounds if one.kind == sort]:
            heard[sort] = alarms(((one.path.name, one.stratum, read(one)) for one in those), opening)
    return calls(sounds), heard


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=["tuning", "test"], default="test")
    parser.add_argument("--seed", type=int, default=12, help="the draw (12: that of bench/results)")
    parser.add_argument("--lines", choices=["both", *LINES], default="both", help="these calls alone")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the calls, and of the music")
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="sounds of others with labels, instead of made ones")
    parser.add_argument("--profile", choices=sorted(PROFILES), default="balanced")
    parser.add_argument("--no-baseline", action="store_true", help="without app_amd: nothing but Python is needed")
    parser.add_argument("--no-music", action="store_true", help="without the hours of speech and music")
    parser.add_argument("--errors", action="store_true", help="tell each first decision that is wrong, each false beep")
    parser.add_argument("--write", action="store_true", help="into bench/results/cpa.json; of a corpus, var/cpa/")
    options = parser.parse_args()

    begun = time.monotonic()
    kinds = LINES if options.lines == "both" else (options.lines,)
    try:
        if options.corpus:
            made, sounds = of_others(options.corpus)
            sections = [section("", made, sounds, options)]
        else:
            sections = []
            for lines in kinds:
                sounds = {} if sections else sounds_of(options)
                sections.append(section(lines, calls_of(options, lines), sounds, options))
    except BadCorpus as error:
        print(f"bench.cpa: {error}", file=sys.stderr)
        return 1
    source = {"corpus": options.corpus.name} if options.corpus else {"part": options.part, "seed": options.seed}
    about = {**source, "profile": options.profile}
    print(f"\n{' '.join(f'{k} {v},' for k, v in about.items())} {time.monotonic() - begun:.0f} s")
    if options.write:
        path = CACHE / "corpus.json" if options.corpus else RESULTS / "cpa.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        first, *others = sections
        later = {f"{other['lines']} lines": other for other in others}
        path.write_text(json.dumps({"machine": machine(), **about, **first, **later}, indent=1) + "\n")
    return 0


def section(lines: str, made: list[Call], sounds: dict[str, Alarms], options: argparse.Namespace) -> dict[str, Any]:
    """Analyses calls, and asks app_amd about them; prints what was found and returns it as it is written."""
    verdicts = [Verdict(call, found) for call, found in findings(made, Parameters(profile=PROFILES[options.profile]))]
    spoken = [call for call in made if call.kind in SPOKEN]
    amd = {} if options.no_baseline or not spoken else asyncio.run(baseline.ask(spoken))
    rows: dict[str, list[Share] | list[Figure]] = {
        "shares": [share for share in shares(verdicts) if share.count],
        "times": figures(verdicts),
        "false alarms": false_alarms(sounds),
        "baseline": [share for name, said in amd.items() for share in compare(name, said, verdicts)],
        "first decisions right, by stratum": strata(verdicts),
    }
    print(f"\n{lines} lines: {len(made)} calls" if lines else f"\n{len(made)} calls")
    _print(rows)
    if options.errors:
        print("\nerrors", *errors(verdicts), *(line for heard in sounds.values() for line in heard.where), sep="\n  ")
    tables = {title: [as_json(value) for value in values] for title, values in rows.items()}
    return {**({"lines": lines} if lines else {}), "calls": len(made), **tables}


def _print(rows: dict[str, list[Share] | list[Figure]]) -> None:
    for title, values in rows.items():
        if values:
            print(f"\n{title}")
        for value in values:
            print("  " + (told(value) if isinstance(value, Share) else told_figure(value)))


if __name__ == "__main__":
    sys.exit(main())
