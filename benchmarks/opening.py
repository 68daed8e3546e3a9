"""Seconds from the call to the first picture of a 10 GB memory map, in a real kernel.

The file is sparse but for some rows. ``cold``: nothing about it is known, so that the first
picture is a coarse one; ``kept``: the overview that was kept then is in the cache folder. The
call is ``hw.Heatmap(hw.open(file))``.

- ``first picture``: until a frame is there in which not every cell is pending;
- ``cells shown``: the share of its cells that have a value;
- ``complete``: until nothing is left to read.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, perf_counter, sleep
from typing import Any

import numpy as np

from .frame import wait_until_read
from .kernel import measure_in_kernel
from .result import Record, Result, spread

#: Seconds that the first picture may take.
TARGET = 2.0

QUICK: dict[str, Any] = {"shape": (4, 300, 40), "repeats": 1}

_PATIENCE = 120


def run(shape: tuple[int, int, int] = (36, 65_536, 1_060), repeats: int = 3) -> Result:
    """Measure with and without a kept overview, each time in a kernel of its own.

    Parameters
    ----------
    shape : tuple of int
        Numbers of layers, tokens and iterations of float32.
    repeats : int
        Times that each is opened.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sparse.npy"
        write_sparse(path, shape)
        taken: dict[str, list[Record]] = {"cold": [], "kept": []}
        for turn in range(repeats):
            for opened in taken.values():
                opened.append(
                    measure_in_kernel(
                        "benchmarks.opening.measure",
                        path=str(path),
                        cache=str(Path(folder) / f"cache-{turn}"),
                    )
                )
        size = path.stat().st_size / 1e9
    records = [_summary(case, size, opened) for case, opened in taken.items()]
    return Result(records, _verdicts(records))


def write_sparse(path: Path, shape: tuple[int, int, int]) -> None:
    """Write a .npy file of float32, shape (layer, token, iteration), mostly holes."""
    values = np.lib.format.open_memmap(path, "w+", np.float32, shape)
    rows = range(0, shape[1], max(shape[1] // 16, 1))
    decay = np.exp(-np.linspace(0, 5, shape[2], dtype=np.float32))
    for layer in range(shape[0]):
        values[layer, rows] = (layer + 1) / shape[0] * decay


def measure(*, path: str, cache: str) -> Record:
    """What opening the file takes.

    Parameters
    ----------
    path : str
    cache : str
        Folder in which overviews are kept.
    """
    import heatwidget as hw
    from heatwidget.frames.color import CellState

    os.environ["HEATWIDGET_CACHE"] = cache
    heatmap = hw.Heatmap  # which imports the widget library
    began = perf_counter()
    array = hw.open(path, dims=("layer", "token", "iteration"))
    widget: Any = heatmap(array, rows="token", columns="iteration")
    deadline = monotonic() + _PATIENCE
    while (shown := float((widget.frame.states != CellState.PENDING).mean())) == 0:
        if monotonic() > deadline:
            raise TimeoutError(f"no picture within {_PATIENCE} s")
        sleep(0.002)
    first = perf_counter() - began
    wait_until_read(widget)
    complete = perf_counter() - began
    widget.close()
    return {"first": first, "shown": shown, "complete": complete}


def _summary(case: str, size: float, opened: Sequence[Record]) -> Record:
    times = [one["first"] for one in opened]
    low, seconds, high = spread(times)
    return {
        "overview": case,
        "GB": size,
        "first picture": seconds,
        "lower": low,
        "upper": high,
        "cells shown": spread([one["shown"] for one in opened])[1],
        "complete": spread([one["complete"] for one in opened])[1],
        "times": times,
    }


def _verdicts(records: Sequence[Record]) -> list[str]:
    return [
        f"{record['overview']}: first picture after {record['first picture']:.2f} s "
        f"(at most {TARGET:g})"
        for record in records
    ]
