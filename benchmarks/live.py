"""Microseconds that one ``live[k] = row`` costs the producer, by how many heatmaps watch.

Everything is timed in one run, in a real kernel, each kind of write in its turn:

- ``numpy``: a plain assignment to an array;
- ``n watchers``: a write to a `LiveArray` that n heatmaps watch. They are told of each write,
  and none of them draws meanwhile: this is the price of the write itself;
- ``n watchers, drawing``: the same while they draw at their default rate. The producer then
  waits for the interpreter, too, while a thread that draws has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean, median
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

import heatwidget as hw

from .kernel import measure_in_kernel
from .result import Record, Result

#: Microseconds that a write may cost more than plain numpy, at 250 tokens.
TARGET = 10.0

#: Seconds between drawings: for heatmaps that are to draw once and then no more, and the default.
_IDLE, _DRAWING = 60.0, 0.1

QUICK: dict[str, Any] = {"tokens": 5, "writes": 10, "repeats": 3}


@dataclass
class Case:
    """One kind of write, and the microseconds that a write took in each of its turns.

    With more `rounds` a turn lasts long enough for the heatmaps to draw in it.
    """

    name: str
    target: Any
    widgets: list[Any] = field(default_factory=list)
    rounds: int = 1
    turns: list[float] = field(default_factory=list)

    def take_turn(self, rows: NDArray[np.float32]) -> None:
        """Write all rows, as often as there are rounds, and note what one took."""
        target = self.target
        began = perf_counter()
        for _ in range(self.rounds):
            for k, row in enumerate(rows):
                target[k] = row
        self.turns.append((perf_counter() - began) / (self.rounds * len(rows)) * 1e6)
        if self.rounds > 1:
            # What is left to draw must not fall into the turn of others.
            for widget in self.widgets:
                widget.flush()


def run(tokens: int = 250, writes: int = 2000, repeats: int = 50) -> Result:
    """Measure in a kernel of its own; see `measure`."""
    records = measure_in_kernel(
        "benchmarks.live.measure", tokens=tokens, writes=writes, repeats=repeats
    )
    watched = next(record for record in records if record["case"] == "1 watcher")
    added = watched["added"]
    return Result(records, [f"1 watcher adds {added:.1f} µs to a write (at most {TARGET:g})"])


def measure(*, tokens: int, writes: int, repeats: int) -> list[Record]:
    """Microseconds of a write for each kind of it; one record each, numpy first.

    Parameters
    ----------
    tokens : int
        Cells in a row.
    writes : int
        Rows written in one turn.
    repeats : int
        Turns that each kind gets.
    """
    rows = np.random.default_rng(0).uniform(1e-3, 1, (writes, tokens)).astype(np.float32)
    cases = [
        Case("numpy", np.zeros_like(rows)),
        *(_watched(rows.shape, n, _IDLE) for n in (0, 1, 3)),
        *(_watched(rows.shape, n, _DRAWING, rounds=10) for n in (1, 3)),
    ]
    # The first turn pays for the first drawing, and for memory that nobody has touched yet.
    for case in cases * (repeats + 1):
        case.take_turn(rows)
    for case in cases:
        for widget in case.widgets:
            widget.close()
    plain = cases[0].turns[1:]
    return [_summary(case.name, case.turns[1:], plain) for case in cases]


def _watched(shape: tuple[int, ...], n_watchers: int, interval: float, rounds: int = 1) -> Case:
    """Case of a live array with heatmaps over it."""
    live = hw.LiveArray(dict(zip(("iteration", "token"), shape, strict=True)))
    widgets = [hw.ConvergenceHeatmap(live, interval=interval) for _ in range(n_watchers)]
    drawing = ", drawing" if interval == _DRAWING else ""
    return Case(f"{n_watchers} watcher{'s' * (n_watchers != 1)}{drawing}", live, widgets, rounds)


def _summary(name: str, turns: Sequence[float], plain: Sequence[float]) -> Record:
    """Medians over turns, against the turns of plain numpy beside them."""
    pairs = list(zip(turns, plain, strict=True))
    return {
        "case": name,
        "µs": median(turns),
        "mean": fmean(turns),
        "added": median(turn - base for turn, base in pairs),
        "ratio": median(turn / base for turn, base in pairs),
    }
