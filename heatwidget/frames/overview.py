"""Pooled copies of an array, made piece by piece, from which frames are made quickly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from functools import partial
from math import prod
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.extent import ValueRange, widen
from ..arrays.source import ArraySource, Block, Region
from .budget import BUDGET, Budget
from .cells import native
from .copies import Copy
from .level import divides
from .levels import Levels, level_bins, make_side, root_bins
from .pieces import Pieces
from .plan import Plan
from .reducers import PICKS, POOLINGS, Collapse
from .summary import Layout, Summary, summarize
from .tiling import tiling
from .view import CellRule


@dataclass(frozen=True, slots=True)
class Subject:
    """What an overview is of: equal for pictures that the same one helps with.

    Parameters
    ----------
    sizes : tuple of (name, size)
        The axes of the array.
    kind : tuple of str, optional
        Names of rows and columns, and the pooling; None where any picture is as good.
    """

    sizes: tuple[tuple[str, int], ...]
    kind: tuple[str, str, str] | None

    @classmethod
    def of(cls, source: ArraySource, rule: CellRule, budget: Budget = BUDGET) -> Subject:
        """Subject of an overview of a source for a picture, as they are now."""
        sizes = tuple((axis.name, axis.size) for axis in source.axes)
        if not source.in_memory and prod(size for _, size in sizes) <= budget.copy_cells:
            return cls(sizes, None)
        return cls(sizes, (rule.rows, rule.columns, _commuting(rule)))


class Overview:
    """Pooled copies of an array along two visible axes; all others are kept whole.

    A picture that is pooled anyway is made from them, however large the array is. An
    array of no more than `copy_cells` that is not in memory is kept as it is instead.

    All methods may be called from any thread.

    Parameters
    ----------
    source : ArraySource
        What is to be read; it is not held.
    rule : CellRule
        A picture that it is for. It serves others too: see `plan`.
    budget : Budget, optional
    """

    def __init__(self, source: ArraySource, rule: CellRule, budget: Budget = BUDGET) -> None:
        self.budget = budget
        self.subject = Subject.of(source, rule, budget)
        self.dims, self.shape = zip(*self.subject.sizes, strict=True)
        self.shown = (rule.rows, rule.columns)
        self.hidden = tuple(name for name in self.dims if name not in self.shown)
        self.pooling = _commuting(rule)
        order = tuple(self.dims.index(name) for name in (*self.hidden, *self.shown))
        shape = tuple(self.shape[axis] for axis in order)
        rows, columns = (
            make_side(name, size, wanted, budget)
            for name, size, wanted in zip(
                self.shown, shape[-2:], (rule.row_bin, rule.column_bin), strict=True
            )
        )
        is_copy = self.subject.kind is None
        bins = level_bins(rows, columns, prod(shape[:-2]), budget, in_memory=source.in_memory)
        roots = root_bins(bins)
        self.layout = Layout(order, self.pooling, () if is_copy else roots)
        self.store: Copy | Levels = (
            Copy(source.axes, native(np.empty(0, source.dtype)).dtype)
            if is_copy
            else Levels(self.layout, shape, (*roots, *(b for b in bins if b not in roots)))
        )
        self.pieces = Pieces(self.shape, source.chunks, self._piece_bins(), budget)
        # An array that is too small to be pooled needs nothing.
        self.pieces.done[...] = self._is_empty
        self.lock = RLock()
        self._extent = ValueRange()
        self._wanted: Region | None = None
        self._queue: Iterator[tuple[int, ...]] | None = None
        # Pieces that were yielded and not added yet, and those that changed meanwhile.
        self._handed: set[tuple[int, ...]] = set()
        self._stale: set[tuple[int, ...]] = set()
        # Whether a change was cut short: then nobody knows what has gone in.
        self._broken = False

    def plan(self, rule: CellRule) -> Plan:
        """How a picture of an array of this shape is made from it."""
        if isinstance(self.store, Copy):
            return Plan("exact" if rule.windows.keys() == {*self.dims} else "nothing", rule)
        shown = (rule.rows, rule.columns)
        if self._is_empty or shown != self.shown or _commuting(rule) != self.pooling:
            return Plan("nothing", rule)
        nearest = self._nearest(rule)
        if nearest is not rule or not rule.merges <= {self.pooling}:
            return Plan("coarse", nearest)
        return Plan("exact" if self._tells_all(self.store, rule) else "edges", rule)

    @property
    def complete(self) -> bool:
        """Whether all of the array was read."""
        return bool(self.pieces.done.all())

    @property
    def progress(self) -> float:
        """Share of the array's cells that were read, 0 to 1."""
        return self.pieces.progress_within(self._everything)

    @property
    def extent(self) -> ValueRange:
        """Extent of all values that were read, also of those written over since."""
        return self._extent

    def missing(self) -> Iterator[Region]:
        """Yield the pieces to read, coarse to fine, those first that are wanted.

        For one reader at a time: another call begins anew. A piece that changes between
        being yielded and being added comes again, in a later call if this one has ended.
        """
        with self.lock:
            self._handed, self._stale, self._queue = set(), set(), None
            if self._broken:
                self.store.clear(self._everything)
                self._broken = False
        while (piece := self._next()) is not None:
            yield self.pieces.region(piece)

    def want(self, rule: CellRule) -> None:
        """Say what is looked at: its pieces are read first."""
        # Of an axis of which one index is picked, the one that is shown where all is there.
        hidden = (
            replace(axis, window=next(Collapse(axis.reducer).order(*axis.window, 1)))
            if axis.reducer in PICKS
            else axis
            for axis in rule.hidden
        )
        wanted = self._region(replace(rule, hidden=tuple(hidden)))
        with self.lock:
            if wanted != self._wanted:
                self._wanted, self._queue = wanted, None

    def summarize(self) -> Callable[[Region, Block], Summary]:
        """Return what makes the summary of a piece; it can be pickled."""
        return partial(summarize, self.layout)

    def add(self, region: Region, summary: Summary) -> None:
        """Take in the summary of a piece that `missing` gave."""
        with self.lock:
            piece = self.pieces.piece(region)
            self._handed.discard(piece)
            if piece in self._stale:
                self._stale.discard(piece)
                self._queue = None
            elif not (self.pieces.done[piece] or self._broken):
                with self._whole_or_broken():
                    self._take(region, summary)
                    self.store.lift(region)
                self.pieces.done[piece] = True
                if self.complete:
                    self.store.settle()

    def update(self, source: ArraySource, changed: Iterable[Region]) -> None:
        """Take note of what was written: what it touches is read again.

        Where that is most of the array all is forgotten, to be read piece by piece.
        """
        with self.lock, self._whole_or_broken():
            for region in changed:
                if region.size and not self._is_empty:
                    self._update(source, region)

    @property
    def description(self) -> list[Any]:
        """What it is of: equal for two that hold the same of arrays with the same values."""
        return [self.dims, self.shape, astuple(self.layout), self.store.description]

    def parts(self) -> dict[str, NDArray[Any]]:
        """Return all that it holds, by name; not copied, but never written to again."""
        with self.lock:
            return self.store.parts()

    def restore(self, parts: Mapping[str, NDArray[Any]], extent: ValueRange) -> None:
        """Take what `parts` gave of a complete one with the same description."""
        with self.lock:
            self.store.restore(parts)
            self.pieces.done[...] = True
            self._extent, self._queue, self._broken = extent, None, False

    def __repr__(self) -> str:
        """Return what it is of, and how far it is, in one line."""
        sizes = ", ".join(f"{n}: {s}" for n, s in zip(self.dims, self.shape, strict=True))
        return f"<Overview ({sizes}) {self.layout.pooling} {self.progress:.0%}>"

    @property
    def _everything(self) -> Region:
        return Region(tuple((0, size) for size in self.shape))

    @property
    def _is_empty(self) -> bool:
        """Whether it holds nothing, because no bins are large enough."""
        return not self.layout.roots and not isinstance(self.store, Copy)

    def _nearest(self, rule: CellRule) -> CellRule:
        """Rule of the closest picture that the levels can be put together to; maybe itself."""
        bins = (rule.row_bin, rule.column_bin)
        if not any(divides(root, bins) for root in self.layout.roots):
            coarser = ((max(r, bins[0]), max(c, bins[1])) for r, c in self.layout.roots)
            bins = min(coarser, key=prod)
        elif rule.pooling == self.pooling:
            return rule
        return replace(rule, row_bin=bins[0], column_bin=bins[1], pooling=self.pooling)

    def _tells_all(self, levels: Levels, rule: CellRule) -> bool:
        """Whether the levels serve a picture without a look at the array itself."""
        rows, columns = np.array(rule.row_window), np.array(rule.column_window)
        used = [tile.level for row in tiling(levels, rule, rows, columns) for tile in row]
        # Where something is not there, pooled cells may not tell the first and last values.
        picks = self.complete and rule.picks_of_several
        return all(level and not (picks and level.count is not None) for level in used)

    def _piece_bins(self) -> list[int]:
        """Size along each axis at multiples of which cells of a level end."""
        bins = [1] * len(self.shape)
        for side, axis in enumerate(self.layout.order[-2:]):
            bins[axis] = max((root[side] for root in self.layout.roots), default=1)
        return bins

    def _region(self, rule: CellRule) -> Region:
        """Array cells behind a picture."""
        return Region(tuple(rule.windows[name] for name in self.dims))

    def _next(self) -> tuple[int, ...] | None:
        with self.lock:
            if self._broken:
                return None
            if self._queue is None:
                self._queue = iter(self.pieces.todo(self._wanted))
            for piece in self._queue:
                if piece not in self._handed and not self.pieces.done[piece]:
                    self._handed.add(piece)
                    return piece
        return None

    @contextmanager
    def _whole_or_broken(self) -> Iterator[None]:
        """Count nothing as read if a change is cut short, be it by the user's interrupt."""
        try:
            yield
        except BaseException:
            self._broken = True
            self.pieces.done[...] = False
            self._extent, self._queue = ValueRange(), None
            raise

    def _take(self, region: Region, summary: Summary) -> None:
        self.store.merge(region, summary.parts)
        self._extent = widen(self._extent, summary.extent)

    def _update(self, source: ArraySource, region: Region) -> None:
        self._stale.update(p for p in self._handed if self.pieces.meets(p, region))
        if 2 * region.size > prod(self.shape):
            self.store.clear(self._everything)
            self.pieces.done[...] = False
            self._extent, self._queue = ValueRange(), None
            return
        region = self.store.whole(region)
        bounds = zip(region.bounds, self.shape, strict=True)
        region = Region(tuple((start, min(stop, size)) for (start, stop), size in bounds))
        with self.store.rewritten(region):
            for part in self.pieces.done_within(region):
                self._take(part, summarize(self.layout, part, source.read(part)))
            self.store.lift(region)


def _commuting(rule: CellRule) -> str:
    """Pooling that commutes with the reducers, or comes nearest to it.

    Even where the picture is pooled otherwise.
    """
    if not rule.merges:
        return rule.pooling
    only = next(iter(rule.merges)) if len(rule.merges) == 1 else "mean"
    return only if only in POOLINGS else "mean"
