"""One picture of all results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .result import Record

_OURS, _FLOOR = "#3b528b", "#b8b8b8"
_OTHERS = ("#e0a030", "#c06c84", "#6c9a8b", "#8c6bb1")
_INK, _GRID = "#333333", "#e6e6e6"


def draw(numbers: dict[str, Any], file: Path) -> None:
    """Draw every benchmark that has run into one PNG.

    Parameters
    ----------
    numbers : dict
        As they are written to JSON.
    file : Path
    """
    parts = {name: part["records"] for name, part in numbers["parts"].items() if part["records"]}
    n_columns = min(max(len(parts), 1), 3)
    n_rows = max(-(-len(parts) // n_columns), 1)
    figure = Figure(figsize=(5.2 * n_columns, 3.9 * n_rows + 0.6), dpi=120, layout="constrained")
    panels = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for panel in panels[len(parts) :]:
        panel.set_axis_off()
    for panel, (name, records) in zip(panels, parts.items(), strict=False):
        _style(panel)
        _PANELS[name](panel, records)
    versions, cpus = numbers["versions"], numbers["machine"]["cpus"]
    ours = versions.get("heatwidget", "")
    title = f"heatwidget {ours}, Python {versions['python']}, {cpus} CPUs, {numbers['date'][:10]}"
    figure.suptitle(title, fontsize=10, color=_INK)
    figure.savefig(file, facecolor="white")


def _style(panel: Axes) -> None:
    panel.set_axisbelow(True)
    panel.grid(axis="y", color=_GRID)
    panel.spines[["top", "right"]].set_visible(False)
    panel.tick_params(labelsize=8, colors=_INK)


def _title(panel: Axes, title: str, unit: str) -> None:
    panel.set_title(title, fontsize=10, color=_INK, loc="left")
    panel.set_ylabel(unit, fontsize=8, color=_INK)


def _bars(panel: Axes, groups: Sequence[str], series: dict[str, list[Record | None]]) -> None:
    """Bars of ``ms`` with their quartiles: a group for each place, a colour for each series."""
    places, width = np.arange(len(groups)), 0.85 / len(series)
    others = iter(_OTHERS)
    for i, (name, records) in enumerate(series.items()):
        color = {"floor": _FLOOR, "heatwidget": _OURS}.get(name) or next(others, _FLOOR)
        at = places + (i - (len(series) - 1) / 2) * width
        for x, record in zip(at, records, strict=True):
            if record is None or record["ms"] is None:
                continue
            low, high = record["ms"] - record["lower"], record["upper"] - record["ms"]
            panel.bar(x, record["ms"], width * 0.92, color=color)
            panel.errorbar(x, record["ms"], [[low], [high]], color=_INK, lw=0.8)
        panel.bar(0, 0, color=color, label=name)
    panel.set_xticks(places, groups)
    panel.set_yscale("log")


def _scrub(panel: Axes, records: Sequence[Record]) -> None:
    by_place = {(_size(r), r["library"]): r for r in records}
    sizes, names = (list(dict.fromkeys(key[i] for key in by_place)) for i in (0, 1))
    _bars(panel, sizes, {n: [by_place.get((size, n)) for size in sizes] for n in names})
    panel.legend(fontsize=7, frameon=False, loc="upper left")
    _title(panel, "slider key press to last paint, by cells", "ms")


def _size(record: Record) -> str:
    return f"{record['tokens']}x{record['iterations']}"


def _frame(panel: Axes, records: Sequence[Record]) -> None:
    places = np.arange(len(records))
    ms, low, high = (np.array([r[key] for r in records]) for key in ("ms", "lower", "upper"))
    panel.errorbar(places, ms, [ms - low, high - ms], color=_OURS, marker="o", ms=4)
    labels = [f"$10^{{{r['cells'][3:]}}}$" for r in records]
    panel.set_xticks(places, labels)
    panel.set_ylim(0, 1.4 * high.max())
    for x, record in zip(places, records, strict=True):
        note = f"{record['bytes'] / 1000:.0f}" if record["bytes"] >= 1000 else "<1"
        panel.annotate(
            note,
            (x, record["upper"]),
            (0, 5),
            textcoords="offset points",
            fontsize=7,
            ha="center",
        )
    _title(panel, "kernel time of a frame, by cells (and kB sent)", "ms")


def _metrics(panel: Axes, records: Sequence[Record]) -> None:
    def of(key: str) -> list[Record | None]:
        return [{"ms": r[key], "lower": r[key], "upper": r[key]} for r in records]

    series: dict[str, list[Record | None]] = {
        "heatwidget": list(records),
        "copy of the bytes": of("copy"),
        "plain expression": of("plain"),
    }
    _bars(panel, [r["dtype"] for r in records], series)
    panel.legend(fontsize=7, frameon=False)
    _title(panel, "residual_norms", "ms")


def _open(panel: Axes, records: Sequence[Record]) -> None:
    places = np.arange(len(records))
    panel.bar(places, [r["first picture"] for r in records], 0.5, color=_OURS)
    for x, record in zip(places, records, strict=True):
        text = f"{record['first picture']:.2f} s\ncomplete after {record['complete']:.1f} s"
        panel.annotate(
            text,
            (x, record["first picture"]),
            (0, 4),
            textcoords="offset points",
            fontsize=7,
            ha="center",
        )
    panel.set_xticks(places, [r["overview"] for r in records])
    panel.set_ylim(0, 1.4 * max(r["first picture"] for r in records))
    _title(panel, f"first picture of {records[0]['GB']:.0f} GB on disk", "s")


def _live(panel: Axes, records: Sequence[Record]) -> None:
    panel.barh([r["case"] for r in records], [r["µs"] for r in records], 0.6, color=_OURS)
    panel.invert_yaxis()
    panel.grid(axis="y", visible=False)
    panel.grid(axis="x", color=_GRID)
    panel.set_xlabel("µs", fontsize=8, color=_INK)
    _title(panel, "one write to a live array", "")


def _leaks(panel: Axes, records: Sequence[Record]) -> None:
    panel.plot([r["frame"] for r in records], [r["memory"] for r in records], color=_OURS)
    panel.set_ylim(0, 1.2 * max(r["memory"] for r in records))
    panel.set_xlabel("frames drawn", fontsize=8, color=_INK)
    _title(panel, "memory of the kernel", "MB")


def _pages(panel: Axes, records: Sequence[Record]) -> None:
    times = records[0]["times"]
    panel.plot(times, range(1, len(times) + 1), color=_OURS, marker="o", ms=3)
    panel.set_ylim(0, 1.2 * len(times))
    panel.set_xlabel("seconds after all were asked for", fontsize=8, color=_INK)
    _title(panel, f"pages of a demo, {records[0]['MB a page']:.0f} MB each", "there")


_PANELS: dict[str, Callable[[Axes, Sequence[Record]], None]] = {
    "scrub": _scrub,
    "frame": _frame,
    "metrics": _metrics,
    "open": _open,
    "live": _live,
    "leaks": _leaks,
    "pages": _pages,
}
