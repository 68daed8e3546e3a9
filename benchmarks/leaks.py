"""Whether drawing leaves anything behind: memory, widgets, comms and threads of a real kernel.

A heatmap over a `LiveArray` draws thousands of frames, of new iterations and of moved windows
in turn. The slope is a straight line through the memory that the process holds, fitted from
the second quarter on, when caches are full.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import comm
import numpy as np
import psutil
from ipywidgets.widgets.widget import _instances

import heatwidget as hw

from .kernel import measure_in_kernel

COUNTS = ("widgets", "comms", "threads")


def measure(*, frames: int, looks: int) -> dict[str, Any]:
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, and save the numbers if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.leaks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--frames", type=int, default=10_000, help="frames drawn in all")
    parser.add_argument("--looks", type=int, default=40, help="times to look at the memory")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the numbers here")
    asked = vars(parser.parse_args(arguments))
    file = asked.pop("json")
    held = measure_in_kernel("benchmarks.leaks.measure", **asked)
    print(f"{'frame':>8}{'memory, MB':>12}{'blocks':>10}" + "".join(f"{n:>9}" for n in COUNTS))
    for at in range(0, len(held["frame"]), max(len(held["frame"]) // 10, 1)):
        counts = "".join(f"{held[name][at]:>9}" for name in COUNTS)
        memory, blocks = held["memory"][at] / 1e6, held["blocks"][at]
        print(f"{held['frame'][at]:>8}{memory:>12.1f}{blocks:>10}{counts}")
    print(f"slope: {held['slope']:+.1f} bytes a frame, {held['drawn']} frames drawn")
    if file is not None:
        file.write_text(json.dumps({**asked, **held}))


if __name__ == "__main__":
    main()
