"""How far an array has been filled, and how fast."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from ..arrays import LiveArray


@dataclass(frozen=True, slots=True)
class Pace:
    """What has been reached since some time, counted in iterations.

    Attributes
    ----------
    axis : str
        Name of what is counted: the first axis where there is no iteration.
    n_reached : int
        Iterations that are there, at least in part. What had been written before that time
        counts up to the first iteration written since: 0 as long as none is, also where the
        array was full.
    n : int or None
        All that there is room for; None once room was made since that time, when nobody
        knows the end.
    each : float or None
        Seconds from one iteration to the next; None before the first.
    left : float
        Seconds until all are there, if it goes on like this; 0 where nobody knows the end.
    since : float
        Seconds since the last one was written.
    """

    axis: str
    n_reached: int
    n: int | None
    each: float | None
    left: float
    since: float = 0.0

    @property
    def stalled(self) -> bool:
        """Whether the last one is so long ago that nobody can say what is left."""
        return self.each is not None and self.since > max(10 * self.each, 3)

    def __str__(self) -> str:
        """Return the count in words."""
        if self.n is None:
            return f"{self.n_reached} {self.axis}{'' if self.n_reached == 1 else 's'}"
        return f"{self.n_reached} of {self.n} {self.axis}s"


def measure(live: LiveArray, since: float, now: float, *, room: int) -> Pace:
    """Pace of an array between two times, in seconds of `time.perf_counter`.

    `room` is how many iterations it had room for at the first of them.
    """
    axis = "iteration" if "iteration" in live.dims else live.dims[0]
    written_at: Any = live.written_at
    new = written_at >= since
    times = written_at[new]
    n = room if new.size == room else None
    if not times.size:
        return Pace(axis, 0, n, None, 0.0)
    n_before = np.count_nonzero(written_at[: new.argmax()])
    n_reached = int(n_before) + times.size
    first, last = float(times.min()), float(times.max())
    # From the first iteration on: it often takes longer, as the model warms up.
    each = (last - first) / (times.size - 1) if last > first else (last - since) / times.size
    left = 0.0 if n is None else (n - n_reached) * each - min(now - last, each)
    return Pace(axis, n_reached, n, each, max(left, 0.0), now - last)


def duration(seconds: float) -> str:
    """Time in the unit that suits it, two digits or whole seconds."""
    if seconds < 0.0995:
        return f"{1000 * seconds:.2g} ms"
    if seconds < 9.95:
        return f"{seconds:.2g} s"
    whole = ceil(seconds - 0.5)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
