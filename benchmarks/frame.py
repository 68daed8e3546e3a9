"""Kernel time and bytes of one frame, by the number of cells, in a real kernel.

A scrub moves the upper end of the layer band by one, at 8 to 16 layers of a 36-layer float32
cube, and waits until all is sent. Above 10^8 cells the cube is a memory map of a file. What
is read beside the page has been read before; ``read`` says how long that took in seconds.

- ``ms``: median from setting `layer_band` until it returns, with its quartiles;
- ``bytes``: all that is sent to the page for one frame, ``pixels`` those of the picture.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from math import sqrt
from pathlib import Path
from statistics import median
from time import monotonic, perf_counter, sleep
from typing import Any

import numpy as np

from .cube import BAND, N_LAYERS, open_cube, write_cube
from .kernel import measure_in_kernel
from .result import Record, Result, spread

#: Cells of the cube.
CELLS = tuple(10**n for n in range(3, 10))

#: By how much a frame of 10^9 cells may take longer than one of 10^6.
TARGET = 3.0

QUICK: dict[str, Any] = {"cells": [1000, 10_000], "repeats": 3}

_MAPPED = 10**8
_PATIENCE = 600


def run(cells: Sequence[int] = CELLS, repeats: int = 40) -> Result:
    """Measure frames of each number of cells, each in a kernel of its own.

    Parameters
    ----------
    cells : sequence of int
    repeats : int
        Frames of each.
    """
    records = []
    for n in cells:
        n_iterations = max(round(sqrt(n / N_LAYERS / 4)), 2)
        shape = (max(round(n / N_LAYERS / n_iterations), 2), n_iterations)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "cube"
            write_cube(path, shape)
            seen = measure_in_kernel(
                "benchmarks.frame.measure",
                path=str(path),
                shape=shape,
                mapped=n > _MAPPED,
                repeats=repeats,
            )
        records.append({"cells": f"10^{round(np.log10(n))}", **seen})
    return Result(records, _verdicts(records))


def measure(*, path: str, shape: Sequence[int], mapped: bool, repeats: int) -> Record:
    """What one frame takes; one record.

    Parameters
    ----------
    path : str
        File of the cube.
    shape : sequence of int
        Numbers of tokens and iterations.
    mapped : bool
        Whether it stays a memory map of the file, or passes for an array in memory.
    repeats : int
        Frames drawn.
    """
    import heatwidget as hw

    cube: Any
    if mapped:
        cube = np.memmap(path, np.float32, "r", shape=(N_LAYERS, *shape))
    else:
        cube = open_cube(Path(path), (shape[0], shape[1]))
    dims = ("layer", "token", "iteration")
    shown: dict[str, Any] = {"dims": dims, "rows": "token", "columns": "iteration"}
    began = perf_counter()
    widget: Any = hw.Heatmap(cube, **shown, layer_band=BAND)
    wait_until_read(widget)
    read = perf_counter() - began
    # What was read is still being written for the next time, beside the page. This waits for it.
    widget.close()
    widget = hw.Heatmap(cube, **shown, layer_band=BAND)
    wait_until_read(widget)
    times, sizes = _scrub(widget, repeats + 2)
    low, ms, high = spread(times[2:])
    return {
        "mapped": "yes" if mapped else "no",
        "ms": ms,
        "lower": low,
        "upper": high,
        "bytes": round(median(sizes[2:])),
        "pixels": _pixels(widget, shape),
        "frame cells": widget.frame.values.size,
        "read": read,
        "times": times[2:],
    }


def _scrub(widget: Any, repeats: int) -> tuple[list[float], list[int]]:
    """Milliseconds and bytes of each frame."""
    wire, times, bands = Wire(), [], _bands()
    for _ in range(repeats):
        band = (BAND[0], next(bands))
        wire.sizes.append(0)
        began = perf_counter()
        widget.layer_band = band
        times.append((perf_counter() - began) * 1e3)
    return times, wire.sizes


def _pixels(widget: Any, shape: Sequence[int]) -> int:
    """Pixels of the screen that the cells of a heatmap have at full width."""
    from heatwidget.arrays import Axis
    from heatwidget.scene.geometry import lay_out

    rows, columns = (
        Axis(name, np.arange(n)) for name, n in zip(("token", "iteration"), shape, strict=True)
    )
    geometry = lay_out(rows, columns, width=widget.width, height=widget.height)
    return geometry.picture_width * geometry.picture_height


class Wire:
    """Counts what the kernel sends to its page: bytes of content and buffers, by frame."""

    def __init__(self) -> None:
        from IPython import get_ipython

        self.sizes: list[int] = []
        session = get_ipython().kernel.session
        send = session.send

        def counting(stream: Any, kind: Any, content: Any = None, *args: Any, **more: Any) -> Any:
            if self.sizes and kind == "comm_msg":
                buffers = more.get("buffers") or ()
                size = len(json.dumps(content, default=str)) + sum(len(b) for b in buffers)
                self.sizes[-1] += size
            return send(stream, kind, content, *args, **more)

        session.send = counting


def wait_until_read(widget: Any) -> None:
    """Wait until a heatmap has nothing left to read beside the page.

    Raises
    ------
    TimeoutError
        If that takes more than ten minutes.
    """
    deadline = monotonic() + _PATIENCE
    while widget.reading is not None:
        if monotonic() > deadline:
            raise TimeoutError(f"still reading after {_PATIENCE} s: {widget.reading:.0%}")
        sleep(0.02)
    widget.flush()


def _bands() -> Iterator[int]:
    """Upper ends of the band, one up at a time, and down again."""
    first = BAND[1]
    while True:
        yield from range(first + 1, first + 9)
        yield from range(first + 7, first - 1, -1)


def _verdicts(records: Sequence[Record]) -> list[str]:
    notes = []
    by_cells = {record["cells"]: record for record in records}
    if {"10^6", "10^9"} <= by_cells.keys():
        ratio = by_cells["10^9"]["ms"] / by_cells["10^6"]["ms"]
        notes.append(f"10^9 cells take {ratio:.2f} times as long as 10^6 (at most {TARGET:g})")
    if records:
        most = max(record["bytes"] / record["pixels"] for record in records)
        notes.append(f"at most {most:.2f} bytes for each pixel of the picture (at most 1)")
    return notes
