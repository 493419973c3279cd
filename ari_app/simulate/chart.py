"""The result as a chart, SVG or PNG: scenarios side by side, on the same scales.

matplotlib (PSF-style licence; with what it needs some 80 MB installed) is an optional extra: servers do not draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ari_app.errors import ConfigError
from ari_app.simulate.report import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".svg", ".png")

_ANSWERED, _ABANDONED, _OTHER = "#4c86b8", "#d9704e", "#b9b4ab"
_LEVEL, _OCCUPANCY = "#22252a", "#3c9a6d"
_QUIET = "#6b6f76"
_STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 9.5,
    "axes.edgecolor": _QUIET,
    "axes.labelcolor": "#22252a",
    "xtick.color": _QUIET,
    "ytick.color": _QUIET,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "ari_app",  # the same result is the same file
}


def available(path: Path) -> None:
    """Raises ConfigError where a chart cannot be drawn: asked before a long run, not after it."""
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"--chart {path}: the name must end in {' or '.join(FORMATS)}")
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "--chart needs matplotlib, which is not installed: pip install 'ari-app[simulate]'"
        ) from error


def draw(results: Sequence[Result], level: str, path: Path) -> None:
    """Write it."""
    import matplotlib
    from matplotlib.figure import Figure  # without pyplot: no display, no state
    from matplotlib.ticker import PercentFormatter

    with matplotlib.rc_context(_STYLE):
        columns = len(results)
        figure = Figure(figsize=(max(7.5, 5.6 * columns), 6.0), layout="constrained")
        axes = figure.subplots(2, columns, sharex="col", sharey="row", squeeze=False, height_ratios=[1.15, 1])
        for i, result in enumerate(results):
            _calls(axes[0][i], result)
            _shares(axes[1][i], result, level)
            axes[0][i].set_title(result.name, loc="left", fontweight="bold", fontsize=11, pad=22)
            axes[0][i].text(0, 1.03, _summary(result, level), transform=axes[0][i].transAxes, color=_QUIET)
        interval = results[0].measures.interval // 60
        axes[0][0].set_ylabel(f"calls offered per {interval} min")
        axes[1][0].set_ylabel("share")
        figure.align_ylabels()
        axes[1][0].set_ylim(0, 1.03)
        axes[1][0].yaxis.set_major_formatter(PercentFormatter(1.0))
        for row in axes:
            handles, labels = row[0].get_legend_handles_labels()
            row[-1].legend(
                handles, labels, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, borderaxespad=0.3
            )
        metadata = {"Date": None} if path.suffix.lower() == ".svg" else {}
        try:
            figure.savefig(path, dpi=130, metadata=metadata)
        except OSError as error:
            raise ConfigError(f"--chart {path}: cannot be written: {error.strerror}") from error


def _summary(result: Result, level: str) -> str:
    total = result.total()

    def share(name: str) -> str:
        value = total[name]
        return "-" if value is None else f"{100 * value:.0f} %"

    return (
        f"{total['offered']:.0f} calls a day, {share(f'service_level_{level}')} within {result.thresholds()}, "
        f"{share('abandonment')} abandoned, occupancy {share('occupancy')}"
    )


def _calls(axes: Axes, result: Result) -> None:
    """Bars, whose height is what was offered: all of it is answered, abandoned or went another way."""
    lines = list(result.lines())
    width = result.measures.interval / 3600
    starts = [_hours(time) for time, _ in lines]
    below = [0.0] * len(lines)
    others = [sum(f[n] or 0.0 for n in ("left_otherwise", "still_waiting")) for _, f in lines]
    layers = [
        ("answered", _ANSWERED, [f["answered"] or 0.0 for _, f in lines]),
        ("abandoned", _ABANDONED, [f["abandoned"] or 0.0 for _, f in lines]),
    ]
    if any(others):
        layers.append(("left otherwise", _OTHER, others))
    for label, colour, heights in layers:
        axes.bar(starts, heights, width * 0.88, bottom=below, align="edge", color=colour, label=label)
        below = [a + b for a, b in zip(below, heights, strict=True)]
    axes.grid(axis="y", color="#e6e4df", linewidth=0.8)
    axes.set_axisbelow(True)


def _shares(axes: Axes, result: Result, level: str) -> None:
    """Lines, a point in the middle of each interval; a gap where there is nothing to divide by."""
    half = result.measures.interval / 7200
    lines = list(result.lines())
    middles = [_hours(time) + half for time, _ in lines]
    for name, label, colour, marker in (
        (f"service_level_{level}", f"service level\n({level},\nT = {result.thresholds()})", _LEVEL, "o"),
        ("occupancy", "occupancy", _OCCUPANCY, "s"),
    ):
        values = [float("nan") if (v := f[name]) is None else v for _, f in lines]
        axes.plot(middles, values, color=colour, marker=marker, markersize=3.5, linewidth=1.6, label=label)
    axes.grid(axis="y", color="#e6e4df", linewidth=0.8)
    axes.set_axisbelow(True)
    hours = middles[-1] - middles[0] if middles else 1
    step = next(s for s in (1, 2, 3, 4, 24) if hours / s <= 6)
    first, last = (int(middles[0]), int(middles[-1]) + 1) if middles else (0, 1)
    ticks = [h for h in range(first, last + 1) if h % step == 0]
    axes.set_xticks(ticks, [f"{h:02}:00" for h in ticks])


def _hours(time: str) -> float:
    return int(time[:2]) + int(time[3:]) / 60
