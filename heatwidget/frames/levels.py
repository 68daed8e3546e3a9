"""Levels of an overview: which there are, and how one is made from another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

from numpy.typing import NDArray

from ..arrays.axis import ITEM_DIMS
from ..arrays.source import Block, Region
from .bins import bin_size
from .level import Bins, Level, divides
from .summary import Layout

# Cells of the array for each cell of the finest level, at least: with one axis that can be
# windowed all levels take an eighth of the array's cells, with two a quarter.
_LEAST_CELLS = 16
_LEAST_CELLS_TWO_WINDOWS = 64
# About as many cells as all levels have at most: 1 GB, however large the array is.
_MOST_CELLS = 1 << 28
# Largest picture of all items, and smallest of all iterations or layers, that is foreseen.
_MOST_PIXELS = 1024
_LEAST_PIXELS = 64


@dataclass(frozen=True, slots=True)
class Side:
    """One visible axis: its size, and the bins that levels have along it.

    Parameters
    ----------
    size : int
    finest : int
        The smallest bin.
    coarsest : int
        The largest bin: a power of two times `finest`.
    windowed : bool
        Whether a picture may show a part of it.
    """

    size: int
    finest: int
    coarsest: int
    windowed: bool

    @property
    def bins(self) -> tuple[int, ...]:
        """Powers of two from the finest to the coarsest."""
        n_bins = (self.coarsest // self.finest).bit_length()
        return tuple(self.finest << i for i in range(n_bins))


def make_side(name: str, size: int, wanted: int) -> Side:
    """Axis as an overview sees it, for pictures with bins of the size wanted, and others.

    No widget shows a part of the tokens or prompts, so that few bins do for them.
    """
    if name in ITEM_DIMS:
        return Side(size, min(wanted, bin_size(size, _MOST_PIXELS)), wanted, windowed=False)
    return Side(size, 1, max(wanted, bin_size(size, _LEAST_PIXELS)), windowed=True)


def root_bins(rows: Side, columns: Side, n_band: int, *, in_memory: bool) -> tuple[Bins, ...]:
    """Bins of the levels that no other is finer than: they are made from the array."""
    two = all(side.windowed and len(side.bins) > 1 for side in (rows, columns))
    least, n_copies = (_LEAST_CELLS_TWO_WINDOWS, 16) if two else (_LEAST_CELLS, 2)
    n_cells = n_band * rows.size * columns.size
    coarsest = (rows.bins[-1], columns.bins[-1])
    if prod(coarsest) < least:
        # The picture is nearly as fine as the array, but to read that each time may be slow.
        has_room = n_cells // _MOST_CELLS <= prod(coarsest)
        return (coarsest,) if has_room and not in_memory else ()
    # Of an array of which they would take too much, what is left is for larger windows.
    least = max(least, min(n_copies * n_cells // _MOST_CELLS, prod(coarsest)))
    fine = [(r, c) for r in _candidates(rows) for c in _candidates(columns) if r * c >= least]
    return tuple(b for b in fine if not any(a != b and divides(a, b) for a in fine))


def _candidates(side: Side) -> tuple[int, ...]:
    """Bins of a level along an axis: where all is shown, of this picture and the largest one."""
    return side.bins if side.windowed else tuple(dict.fromkeys((side.bins[-1], side.bins[0])))


def level_bins(rows: Side, columns: Side, roots: tuple[Bins, ...]) -> tuple[Bins, ...]:
    """Bins of all levels, finer ones first: the roots, and what pictures are made from."""
    derived = {
        (r, c)
        for r in (rows.bins if rows.windowed else rows.bins[-1:])
        for c in (columns.bins if columns.windowed else columns.bins[-1:])
        if any(divides(root, (r, c)) for root in roots)
    }
    return (*roots, *sorted(derived - set(roots), key=lambda b: (b[0] * b[1], b)))


class Levels:
    """All pooled copies of an array.

    Parameters
    ----------
    layout : Layout
    rows, columns : Side
    n_band : int
        Size of the collapsed axis.
    """

    def __init__(self, layout: Layout, rows: Side, columns: Side, n_band: int) -> None:
        self._layout = layout
        self.sizes = (rows.size, columns.size)
        self.by_bins: dict[Bins, Level] = {}
        self._lifts: list[tuple[Level, Level]] = []
        for bins in level_bins(rows, columns, layout.roots):
            level = Level(bins, (n_band, rows.size, columns.size), layout.pooling)
            finer = self.best(*bins)
            if finer is not None:
                self._lifts.append((level, finer))
            self.by_bins[bins] = level

    def merge(self, region: Region, parts: Sequence[Block]) -> None:
        """Take in array cells that have not been taken in yet."""
        for bins, part in zip(self._layout.roots, parts, strict=True):
            level = self.by_bins[bins]
            level.merge(level.box(*self._layout.box(region)), part)

    def lift(self, region: Region) -> None:
        """Bring all levels up to what was merged into a region."""
        for level, finer in self._lifts:
            level.lift(finer, level.box(*self._layout.box(region)))

    def clear(self, region: Region) -> None:
        """Forget the cells of a region; it must be `whole`."""
        for level in self.by_bins.values():
            level.clear(level.box(*self._layout.box(region)))

    @contextmanager
    def rewritten(self, region: Region) -> Iterator[None]:
        """Forget a region that is `whole`, to be merged anew within the context."""
        settled = [level for level in self.by_bins.values() if level.count is None]
        self.clear(region)
        yield
        for level in settled:
            level.settle(level.box(*self._layout.box(region)))

    def whole(self, region: Region) -> Region:
        """Return the smallest box of whole bins, of each root, that holds a region."""
        bounds = list(region.bounds)
        for side, axis in enumerate(self._layout.order[-2:]):
            size = max(bins[side] for bins in self._layout.roots)
            start, stop = bounds[axis]
            bounds[axis] = (start // size * size, -(-stop // size) * size)
        return Region(tuple(bounds))

    def settle(self) -> None:
        """Drop the counts that say nothing, now that all of the array went in."""
        for level in self.by_bins.values():
            level.settle()

    @property
    def description(self) -> list[Bins]:
        """What its parts are."""
        return list(self.by_bins)

    def parts(self) -> dict[str, NDArray[Any]]:
        """Return all that it holds, by name; changes are made to copies from now on."""
        found = {f"{r}x{c} values": level.values for (r, c), level in self.by_bins.items()}
        counts = {f"{r}x{c} count": level.count for (r, c), level in self.by_bins.items()}
        parts = {**found, **{name: count for name, count in counts.items() if count is not None}}
        for part in parts.values():
            part.flags.writeable = False
        return parts

    def restore(self, parts: Mapping[str, NDArray[Any]]) -> None:
        """Take the parts of another one with the same description."""
        for (r, c), level in self.by_bins.items():
            level.restore(parts[f"{r}x{c} values"], parts.get(f"{r}x{c} count"))

    def best(self, row_bin: int, column_bin: int) -> Level | None:
        """Return the coarsest level from which bins can be put together, or None."""
        fine = [b for b in self.by_bins if divides(b, (row_bin, column_bin))]
        return self.by_bins[max(fine, key=lambda b: (b[0] * b[1], b))] if fine else None

    def finest(self, row_bin: int, column_bin: int) -> Bins:
        """Return the smallest bins of a level along rows and columns, beside the other's bin."""
        rows = [r for r, c in self.by_bins if divides((r, c), (row_bin, column_bin))]
        columns = [c for r, c in self.by_bins if divides((r, c), (row_bin, column_bin))]
        return min(rows), min(columns)
