"""Levels of an overview: which there are, and how one is made from another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

from numpy.typing import NDArray

from ..arrays.names import role_of
from ..arrays.source import Block, Region
from .bins import bin_size
from .budget import Budget
from .level import Bins, Level, divides
from .summary import Layout


@dataclass(frozen=True, slots=True)
class Side:
    """One visible axis: its size, and the bins that levels have along it.

    Parameters
    ----------
    size : int
    bins : tuple of int
        Powers of two, from 1 up.
    usual : tuple of int
        Those of them that pictures have most often.
    scrubbed : bool
        Whether pictures have any of them as often.
    """

    size: int
    bins: tuple[int, ...]
    usual: tuple[int, ...]
    scrubbed: bool


def make_side(name: str, size: int, wanted: int, budget: Budget) -> Side:
    """Axis as an overview sees it, for pictures with bins of the size wanted, and others.

    Sliders cut iterations and layers to any window. Other axes are shown whole most often, and
    few bins do for that.
    """
    if role_of(name) in ("iteration", "layer"):
        bins = _powers(max(wanted, bin_size(size, budget.min_pixels)))
        return Side(size, bins, bins, scrubbed=True)
    finest = min(wanted, bin_size(size, budget.max_pixels))
    return Side(size, _powers(wanted), tuple(dict.fromkeys((finest, wanted))), scrubbed=False)


def _powers(coarsest: int) -> tuple[int, ...]:
    """Powers of two from 1 up to one."""
    return tuple(1 << i for i in range(coarsest.bit_length()))


def level_bins(
    rows: Side, columns: Side, n_hidden: int, budget: Budget, *, in_memory: bool
) -> tuple[Bins, ...]:
    """Bins of all levels, finer ones first.

    Parameters
    ----------
    rows, columns : Side
    n_hidden : int
        Number of indices of all other axes together.
    budget : Budget
    in_memory : bool
        Whether the array is: then there may be no levels.
    """
    n_cells = n_hidden * rows.size * columns.size
    coarsest = (rows.bins[-1], columns.bins[-1])
    any_window = all(side.scrubbed and len(side.bins) > 1 for side in (rows, columns))
    least = budget.any_window_bin_cells if any_window else budget.bin_cells
    if prod(coarsest) < least:
        # The picture is nearly as fine as the array, but to read that each time may be slow.
        has_room = n_cells // budget.level_cells <= prod(coarsest)
        return (coarsest,) if has_room and not in_memory else ()
    found = set()
    if not any_window:
        found = _pairs(rows.usual, columns.usual, least, 2 * n_cells // budget.level_cells)
    least, crowded = budget.any_window_bin_cells, 16 * n_cells // budget.level_cells
    found |= _pairs(rows.bins, columns.bins, least, crowded)
    return tuple(sorted(found, key=lambda bins: (prod(bins), bins)))


def _pairs(rows: Sequence[int], columns: Sequence[int], least: int, crowded: int) -> set[Bins]:
    """Bins of at least so many cells; of more, where the levels would take too much."""
    least = max(least, min(crowded, rows[-1] * columns[-1]))
    return {(r, c) for r in rows for c in columns if r * c >= least}


def root_bins(levels: Sequence[Bins]) -> tuple[Bins, ...]:
    """Bins of the levels that no other is finer than: they are made from the array."""
    return tuple(b for b in levels if not any(a != b and divides(a, b) for a in levels))


class Levels:
    """All pooled copies of an array.

    Parameters
    ----------
    layout : Layout
    shape : tuple of int
        Sizes of the axes not shown, of rows and columns.
    bins : sequence of (row_bin, column_bin)
        Of all levels, the roots first.
    """

    def __init__(self, layout: Layout, shape: tuple[int, ...], bins: Sequence[Bins]) -> None:
        self._layout = layout
        self.sizes = shape[-2:]
        self.by_bins: dict[Bins, Level] = {}
        # What `best` has found: every tile of every picture asks.
        self._best: dict[Bins, Level | None] = {}
        self._lifts: list[tuple[Level, Level]] = []
        for size in bins:
            level = Level(size, shape, layout.pooling)
            finer = self._coarsest(size)
            if finer is not None:
                self._lifts.append((level, finer))
            self.by_bins[size] = level

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
        bins = (row_bin, column_bin)
        if bins not in self._best:
            self._best[bins] = self._coarsest(bins)
        return self._best[bins]

    def finest(self, row_bin: int, column_bin: int) -> Bins:
        """Return the smallest bins of a level along rows and columns, beside the other's bin."""
        rows = [r for r, c in self.by_bins if divides((r, c), (row_bin, column_bin))]
        columns = [c for r, c in self.by_bins if divides((r, c), (row_bin, column_bin))]
        return min(rows), min(columns)

    def _coarsest(self, bins: Bins) -> Level | None:
        fine = [b for b in self.by_bins if divides(b, bins)]
        return self.by_bins[max(fine, key=lambda b: (b[0] * b[1], b))] if fine else None
