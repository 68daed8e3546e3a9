"""A source over an array that is not simply in memory."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .adapters import Adapter, adapt, adapt_any
from .extent import ValueRange, scan_values, widen
from .labelled import LabelledArray
from .origin import origin_of
from .source import Block, Region, T

# Cells that are read together while scanning.
_PIECE_CELLS = 1 << 21


class StoredSource:
    """Source over an array of another library, a file or a cluster.

    Only the region asked is read, each time anew: what has changed where the values are kept
    is seen by the next read, and told by `refresh`. What a read raises is an OSError that
    names the array, with the original as its cause.

    Parameters
    ----------
    array : LabelledArray
        Over anything but a plain numpy array, for which there is `NumpySource`, unless it
        comes from a file that `open` has read.
    """

    def __init__(self, array: LabelledArray) -> None:
        self.axes = array.axes
        self._origin = origin_of(array)
        self._take(array.data)
        self._range: ValueRange | None = None
        self._changed: tuple[Region, ...] = ()

    def read(self, region: Region) -> Block:
        """Return the values of a region; what is masked is pending."""
        with self._naming():
            return _block(self._adapter.read(region))

    def map(
        self, function: Callable[[Region, Block], T], regions: Iterable[Region]
    ) -> Generator[tuple[Region, T], None, None]:
        """Yield ``function(region, block)`` of each region, made where the values are."""
        with self._naming():
            work = self._adapter.map(partial(_on_block, function), regions)
            with closing(work):
                yield from work

    def value_range(self) -> ValueRange:
        """Return the extent of all values, which are all read; kept until `refresh`."""
        if self._range is None:
            found = ValueRange()
            for _, part in self.map(_scan, self._pieces()):
                found = widen(found, part)
            self._range = found
        return self._range

    def refresh(self) -> None:
        """Take note that the array has changed where it is kept; open anew what `open` has read.

        Raises
        ------
        OSError, TypeError, ValueError
            As `Origin.anew` says, or if another file has taken the place of the one that the
            user has opened. Then it is as if nothing was asked.
        """
        if self._origin is None:
            with self._naming():
                self._adapter.check()
        else:
            data, origin = self._origin.anew()
            self._take(data)
            self._origin = origin
        self._range = None
        self._changed = (Region(tuple((0, axis.size) for axis in self.axes)),)

    def take_changed(self) -> tuple[Region, ...]:
        """Return what has changed since the last call, and forget it."""
        changed, self._changed = self._changed, ()
        return changed

    def take_error(self) -> None:
        """Nobody is told of changes, so nothing goes wrong there."""

    def identity(self) -> str | None:
        """Return a text that differs once the values differ, or None where that is not known.

        Of a file it is made of its size, its time of change and a sample of its content.
        """
        return self._adapter.identity()

    def close(self) -> None:
        """Cancel what is under way. Twice does no harm."""
        self._adapter.close()

    def _take(self, data: Any) -> None:
        adapter = adapt_any(data) if self._origin is not None else adapt(data)
        if adapter is None:
            kind = type(data).__name__
            raise TypeError(f"array must be kept elsewhere than in numpy's memory, got {kind}")
        self._adapter: Adapter = adapter
        self.dtype = adapter.dtype
        self.chunks = adapter.chunks
        self.in_memory = adapter.in_memory

    @contextmanager
    def _naming(self) -> Iterator[None]:
        """Name the array in what is raised."""
        try:
            yield
        except MemoryError:
            raise
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            raise OSError(f"cannot read {self._adapter.name}: {text}") from error

    def _pieces(self) -> Iterator[Region]:
        """Yield boxes of whole chunks, or of single cells, which cover the array."""
        shape = [axis.size for axis in self.axes]
        sizes = list(self.chunks or (1,) * len(shape))
        for axis in reversed(range(len(shape))):
            fitting = max(_PIECE_CELLS // prod(sizes), 1)
            sizes[axis] = min(sizes[axis] * fitting, shape[axis])
        steps = (range(0, n, size) for n, size in zip(shape, sizes, strict=True))
        for starts in product(*steps):
            corners = zip(starts, sizes, shape, strict=True)
            yield Region(tuple((start, min(start + size, n)) for start, size, n in corners))


def _block(values: NDArray[Any]) -> Block:
    if not isinstance(values, np.ma.MaskedArray):
        return Block(values, None)
    return Block(values.data, np.ma.getmaskarray(values) if np.ma.is_masked(values) else None)


def _on_block(function: Callable[[Region, Block], T], region: Region, values: NDArray[Any]) -> T:
    return function(region, _block(values))


def _scan(region: Region, block: Block) -> ValueRange:
    return scan_values(block.values, block.pending)
