"""Whether drawing leaves anything behind: memory, widgets, comms and threads of a real kernel.

A heatmap over a `LiveArray` draws thousands of frames, of new iterations and of moved windows
in turn. The slope is a straight line through the memory that the process holds, fitted from
the second quarter on, when caches are full.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Sequence
from typing import Any

import comm
import numpy as np
import psutil
from ipywidgets.widgets.widget import _instances

import heatwidget as hw

from .kernel import measure_in_kernel
from .result import Record, Result

QUICK: dict[str, Any] = {"frames": 200, "looks": 4}


def run(frames: int = 10_000, looks: int = 40) -> Result:
    """Measure in a kernel of its own; see `measure`. One record for each look, memory in MB."""
    held = measure_in_kernel("benchmarks.leaks.measure", frames=frames, looks=looks)
    drawn, slope = held.pop("drawn"), held.pop("slope")
    held["memory"] = [size / 1e6 for size in held["memory"]]
    records = [dict(zip(held, look, strict=True)) for look in zip(*held.values(), strict=True)]
    return Result(records, [f"{slope:+.1f} bytes a frame, {drawn} frames drawn"])


def measure(*, frames: int, looks: int) -> Record:
    """What the process holds while it draws: a list over looks, for each thing counted.

    Parameters
    ----------
    frames : int
        Frames drawn in all.
    looks : int
        Times to look, spread evenly over them; also once before the first.
    """
    live = hw.LiveArray({"iteration": 65, "token": 250})
    widget = hw.ConvergenceHeatmap(live)
    drawn = 0

    def count(change: Any) -> None:
        nonlocal drawn
        drawn += 1

    widget.observe(count, "frame")
    rows = np.random.default_rng(0).uniform(1e-3, 1, (1000, 250))
    seen = [_look(0)]
    for k in range(frames):
        if k % 2:
            widget.iteration_range = (k // 2 % 32, 40)
        else:
            # Within the window, so that each write is another frame.
            live[33 + k // 2 % 8] = rows[k % len(rows)]
            widget.flush()
        if (k + 1) * looks // frames > len(seen) - 1:
            seen.append(_look(k + 1))
    widget.close()
    held = {key: [look[key] for look in seen] for key in seen[0]}
    return {**held, "drawn": drawn, "slope": _slope(held["frame"], held["memory"])}


def _look(frame: int) -> dict[str, int]:
    """What the process holds: counts, and bytes of memory."""
    gc.collect()
    return {
        "frame": frame,
        "memory": psutil.Process().memory_info().rss,
        "blocks": sys.getallocatedblocks(),
        "widgets": len(_instances),
        "comms": len(comm.get_comm_manager().comms),
        "threads": threading.active_count(),
    }


def _slope(frames: Sequence[int], memory: Sequence[int]) -> float:
    """Bytes for each frame."""
    start = len(frames) // 4
    return float(np.polyfit(frames[start:], memory[start:], 1)[0])
