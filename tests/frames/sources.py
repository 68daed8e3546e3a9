"""A source that is written to while it is looked at, and knows what was read of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np

from heatwidget.arrays import Axis, Block, LabelledArray, Region, ValueRange
from heatwidget.arrays.extent import scan_values

T = TypeVar("T")


class WatchedSource:
    """Source over an array that counts how often each cell is read."""

    def __init__(
        self,
        array: LabelledArray,
        *,
        chunks: tuple[int, ...] | None = None,
        in_memory: bool = True,
    ) -> None:
        self.chunks, self.in_memory = chunks, in_memory
        self.axes: tuple[Axis, ...] = array.axes
        self.values = np.ma.getdata(array.values).copy()
        self.pending = np.ma.getmaskarray(array.values).copy()
        self.reads = np.zeros(array.shape, int)
        self._changed: list[Region] = []

    @property
    def dtype(self) -> np.dtype:
        return self.values.dtype

    def write(self, region: Region, values: np.ndarray, pending: bool) -> None:
        """Change a region, and remember that."""
        self.values[region.slices] = values
        self.pending[region.slices] = pending
        self._changed.append(region)

    def read(self, region: Region) -> Block:
        self.reads[region.slices] += 1
        pending = self.pending[region.slices]
        return Block(self.values[region.slices], pending if pending.any() else None)

    def map(
        self, function: Callable[[Region, Block], T], regions: Iterable[Region]
    ) -> Iterator[tuple[Region, T]]:
        return ((region, function(region, self.read(region))) for region in regions)

    def value_range(self) -> ValueRange:
        return scan_values(self.values[~self.pending])

    def take_changed(self) -> tuple[Region, ...]:
        changed, self._changed = tuple(self._changed), []
        return changed

    def take_reads(self) -> np.ndarray:
        """Number of reads of each cell since the last call."""
        reads, self.reads = self.reads, np.zeros_like(self.reads)
        return reads

    def labelled(self) -> LabelledArray:
        """The array as it is now."""
        return LabelledArray(np.ma.array(self.values, mask=self.pending), self.axes)
