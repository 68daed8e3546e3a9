"""A source over a live array, which knows what has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import prod
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from .axis import Axis, lay_over
from .extent import SCAN_CELLS, ValueRange, scan_values, stepped, widen
from .source import Block, Region, map_here

if TYPE_CHECKING:
    from .live import LiveArray

# More runs of changed rows than this are taken as one: each costs the reader a fixed time.
_MOST_RUNS = 64


class LiveSource:
    """Source over a live array, with its own record of what changed; see `LiveArray.watch`.

    The array holds it weakly: it lasts as long as its user holds it. At first everything
    counts as changed. `error` is the last exception that the request has raised, or None.
    """

    chunks = None
    in_memory = True
    map = map_here

    def __init__(
        self,
        live: LiveArray,
        request: Callable[[], None],
        axes: tuple[Axis | None, ...] | None = None,
    ) -> None:
        self._live = live
        self._own = axes
        # The array's axes, and what they are called here; one assignment for all threads.
        self._axes: tuple[Any, tuple[Axis, ...]] = (None, ())
        self._request = request
        self._seen = -1  # the array's version when changes were last taken
        self._extent: ValueRange | None = None
        self.error: Exception | None = None

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Axes in the array's own order; the same until it has grown or has a new label."""
        now = self._live.axes
        if self._own is None:
            return now
        seen, axes = self._axes
        if seen is not now:
            axes = lay_over(self._own, now)
            self._axes = now, axes
        return axes

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self._live.dtype

    def read(self, region: Region) -> Block:
        """Return a copy of a region, with no write half done; pending where it was trimmed."""
        shape = region.shape
        with self._live._lock:
            cells = self._live._cells
            values = _fitted(cells.values[region.slices], shape, np.nan)
            pending = ~_fitted(cells.written[region.slices], shape, False)
        return Block(values, pending if pending.any() else None)

    def value_range(self) -> ValueRange:
        """Return an extent that holds all that `take_changed` has passed, and maybe more.

        Its ends move in steps, see `stepped`. Values written over count until `refresh`.
        """
        if self._extent is None:
            self._look([(0, len(self._live))])
        return stepped(self._extent or ValueRange())

    def take_changed(self) -> tuple[Region, ...]:
        """Return what has changed since the last call, as rows of the first axis."""
        live = self._live
        with live._lock:
            version, dirty = live.version, live._cells.changed > self._seen
            edges = np.flatnonzero(np.diff(dirty, prepend=False, append=False)).tolist()
            others = [(0, size) for size in live.shape[1:]]
        if len(edges) > 2 * _MOST_RUNS:
            edges = [edges[0], edges[-1]]
        runs = list(zip(edges[::2], edges[1::2], strict=True))
        changed = tuple(Region((run, *others)) for run in runs)
        self._look(runs)
        self._seen = version  # last, or an interrupt would lose what has changed
        return changed

    def refresh(self) -> None:
        """Count everything as changed, and forget the extent of what was written over."""
        with self._live._lock:
            self._seen = -1
            self._extent = None

    def take_error(self) -> Exception | None:
        """Return what a request has raised since the last call, or keeps the array from filling."""
        error, self.error = self.error, None
        return error or self._live.error

    def identity(self) -> None:
        """It changes all the time."""

    def close(self) -> None:
        """Request nothing more. Twice does no harm."""
        live = self._live
        with live._lock:
            live._watchers = tuple(ref(other) for other in live._alive() if other is not self)

    def _notify(self) -> None:
        try:
            self._request()
        except Exception as error:
            self.error = error

    def _look(self, runs: Iterable[tuple[int, int]]) -> None:
        """Widen the extent by some rows."""
        found = ValueRange()
        for run in runs:
            for piece in self._pieces(*run):
                found = widen(found, scan_values(piece))
        with self._live._lock:
            self._extent = widen(self._extent or ValueRange(), found)

    def _pieces(self, start: int, stop: int) -> Iterator[NDArray[Any]]:
        """Flat copies of rows, each small enough to hold the lock for a moment only.

        NaN where pending. If the array is resized meanwhile they may be of other rows; but then
        all rows are dirty, and looked at next time.
        """
        live = self._live
        width = prod(live.shape[1:])
        for first in range(start * width, stop * width, SCAN_CELLS):
            with live._lock:
                flat = live._cells.values.reshape(-1)
                piece = flat[first : min(first + SCAN_CELLS, stop * width)].copy()
            yield piece


def _fitted(values: NDArray[Any], shape: tuple[int, ...], fill: Any) -> NDArray[Any]:
    """Copy of a shape, filled where there are no values."""
    if values.shape == shape:
        return np.array(values)
    fitted = np.full(shape, fill, values.dtype)
    fitted[tuple(map(slice, values.shape))] = values
    return fitted
