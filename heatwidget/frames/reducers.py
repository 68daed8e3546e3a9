"""Reducers: many values to one, block by block, so that no full-size copy is made.

Values that are pending are left out; where all are pending, so is the result. NaN and
infinities are values: they go through, because a picture must not hide them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.source import Block
from .merging import merge_bins

# Sums of squares of float32 overflow float32.
_ACCUMULATOR = np.float64
# Values that are added in float32: more would show in the last digits but one.
_FEW = 16
# Array cells of which a copy is made at a time.
_COPIED_CELLS = 1 << 17


def _same(values: NDArray[Any]) -> NDArray[Any]:
    return values


@dataclass(frozen=True, slots=True)
class _Rule:
    """How to merge values: `finish(merge(prepare(v_0), prepare(v_1), ...), count)`."""

    merge: np.ufunc
    neutral: float
    accumulator: type[np.floating[Any]] | None = None
    prepare: Callable[[NDArray[Any]], NDArray[Any]] = _same
    finish: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]] = lambda total, count: total


_RULES = {
    "mean": _Rule(np.add, 0.0, _ACCUMULATOR, finish=lambda total, count: total / count),
    "max": _Rule(np.maximum, -np.inf),
    "min": _Rule(np.minimum, np.inf),
    "rms": _Rule(
        np.add,
        0.0,
        _ACCUMULATOR,
        prepare=lambda values: np.square(values, dtype=_ACCUMULATOR),
        finish=lambda total, count: np.sqrt(total / count),
    ),
}
PICKS = {"first": 1, "last": -1}
# Of two pictures, those of the last and the first index of a range.
COMPARISONS = ("difference", "log-ratio")

REDUCERS = (*_RULES, "std", *PICKS, *COMPARISONS)
POOLINGS = tuple(_RULES)


class Collapse:
    """Reduction of axis 0 of an array that comes block by block.

    Parameters
    ----------
    reducer : str
        One of `REDUCERS`, but for `COMPARISONS`.
    rounded : bool
        Whether the values are rounded means: float32 is then enough to add a few of them.
    """

    __slots__ = ("_count", "_present", "_reducer", "_rounded", "_spread", "_total")

    def __init__(self, reducer: str, *, rounded: bool = False) -> None:
        self._reducer, self._rounded = reducer, rounded and reducer == "mean"
        self._total: NDArray[Any] | None = None
        self._spread: Any = None
        self._count: Any = np.int64(0)
        self._present: Any = np.False_

    def order(self, start: int, stop: int, step: int) -> Iterator[tuple[int, int]]:
        """Yield the windows of axis 0 to feed, each of at most `step` indices, in order.

        First and last read one index at a time, nearest first: one is all they need
        unless something is pending.
        """
        if self._reducer in PICKS:
            yield from ((k, k + 1) for k in range(start, stop)[:: PICKS[self._reducer]])
        else:
            yield from ((k, min(k + step, stop)) for k in range(start, stop, step))

    @property
    def complete(self) -> bool:
        """Whether no further block can change the result."""
        return self._reducer in PICKS and bool(np.all(self._present))

    def add(self, block: Block) -> None:
        """Take in a block, shape (n, ...), with n at least 1; n is 1 for first and last."""
        if self._reducer in PICKS:
            self._add_pick(block)
            return
        if self._reducer == "std":
            for part in _thin(_RULES["rms"], block):
                self._add_spread(part)
            return
        rule = _RULES[self._reducer]
        for part in _thin(rule, block):
            values, weight = _prepare(rule, part)
            everything = np.array([0, len(values)])
            total = _add_some(values) if self._rounded else None
            if total is None:
                total = merge_bins(rule.merge, values, everything, 0, rule.accumulator)[0]
            with np.errstate(all="ignore"):
                self._total = total if self._total is None else rule.merge(self._total, total)
            self._count = self._count + _merge_counts(weight, everything, axis=0)[0]

    def result(self) -> Block:
        """Reduced values, shape (...); at least one block must have come."""
        if self._total is None:
            raise RuntimeError("no block to reduce")
        if self._reducer in PICKS:
            return _as_block(self._total, self._count)
        if self._reducer == "std":
            with np.errstate(all="ignore"):
                return _as_block(np.sqrt(self._spread / self._count), self._count)
        return _finish(_RULES[self._reducer], self._total, self._count)

    def _add_spread(self, block: Block) -> None:
        """Take in a block for the standard deviation: mean, and sum of squares about it.

        Merged as by Chan, Golub and LeVeque (1983): no digits are lost where the mean is large.
        """
        values = block.values.astype(_ACCUMULATOR)
        count: Any = np.int64(len(values))
        if block.pending is not None:
            values[block.pending] = 0
            count = np.count_nonzero(~block.pending, axis=0)
        with np.errstate(all="ignore"):
            mean = values.sum(axis=0) / np.maximum(count, 1)
            values -= mean
            if block.pending is not None:
                values[block.pending] = 0
            spread = np.square(values, out=values).sum(axis=0)
            if self._total is None:
                self._total, self._spread, self._count = mean, spread, count
                return
            both = np.maximum(self._count + count, 1)
            step = np.where(count == 0, 0, mean - self._total)
            self._total = np.where(self._count == 0, mean, self._total + step * (count / both))
            shift = np.where(self._count == 0, 0, np.square(step) * (self._count * count / both))
            self._spread = self._spread + spread + shift
        self._count = self._count + count

    def _add_pick(self, block: Block) -> None:
        count = _counts(block)[0]
        if self._total is None:
            self._total, self._count = block.values[0], count
        else:
            wanted = (self._count == 0) & (count > 0)
            self._total = np.where(wanted, block.values[0], self._total)
            self._count = np.where(wanted, count, self._count)
        self._present = self._count > 0


def pool(
    block: Block, row_edges: NDArray[np.int64], column_edges: NDArray[np.int64], pooling: str
) -> Block:
    """Values of neighbouring cells merged, bin by bin.

    Parameters
    ----------
    block : Block, shape (..., n_rows, n_columns)
    row_edges, column_edges : ndarray of int64, shape (n_bins + 1,)
        Strictly increasing, from 0 to the size of the axis.
    pooling : str
        One of `POOLINGS`.

    Returns
    -------
    Block
        One cell for each pair of bins, with the number of array cells in it. Each array
        cell weighs the same, whatever else of its row or column is pending.
    """
    rule = _RULES[pooling]
    values, count = _prepare(rule, block)
    sides = [(values.ndim - 2, row_edges), (values.ndim - 1, column_edges)]
    # What lies far apart in memory first: that is faster, and leaves less of the rest.
    for axis, edges in sorted(sides, key=lambda side: -abs(values.strides[side[0]])):
        if len(edges) - 1 < values.shape[axis]:
            values = merge_bins(rule.merge, values, edges, axis, rule.accumulator)
            count = _merge_counts(count, edges, axis)
    return _finish(rule, values, count)


def compare(first: Block, last: Block, how: str) -> Block:
    """Cells of the last of two pictures against those of the first.

    Parameters
    ----------
    first, last : Block
        Of the same shape.
    how : {"difference", "log-ratio"}
        ``last - first``, or the decimal logarithm of ``last / first``.

    Returns
    -------
    Block of float64
        Pending where one of the two is.
    """
    a, b = (block.values.astype(_ACCUMULATOR) for block in (first, last))
    with np.errstate(all="ignore"):
        values = b - a if how == "difference" else np.log10(b) - np.log10(a)
    masks = [block.pending for block in (first, last) if block.pending is not None]
    return Block(values, np.logical_or.reduce(masks) if masks else None)


def _add_some(values: Any) -> NDArray[Any] | None:
    """Sum over axis 0, a few at a time in their own type; None where that overflows."""
    with np.errstate(all="ignore"):
        total: NDArray[Any] = values[:_FEW].sum(axis=0).astype(_ACCUMULATOR)
        for k in range(_FEW, len(values), _FEW):
            total += values[k : k + _FEW].sum(axis=0)
    return total if np.isfinite(total).all() else None


def _thin(rule: _Rule, block: Block) -> Iterator[Block]:
    """Yield a block, in parts where a copy of it is made on the way: they stay in the cache."""
    values, pending, count = block
    copied = rule.prepare is not _same or pending is not None or count is not None
    step = max(_COPIED_CELLS // max(values[0].size, 1), 1) if copied else len(values)
    for k in range(0, len(values), step):
        yield Block(
            values[k : k + step],
            None if pending is None else pending[k : k + step],
            count if count is None or len(count) == 1 else count[k : k + step],
        )


def _counts(block: Block) -> NDArray[np.int64]:
    """How many array cells each value stands for; of shape (1, ...) if one each."""
    if block.pending is None and block.count is None:
        return np.ones((1,) * block.values.ndim, np.int64)
    count = np.asarray(1 if block.count is None else block.count, np.int64)
    return count if block.pending is None else np.where(block.pending, 0, count)


def _prepare(rule: _Rule, block: Block) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Values ready to merge, and how many array cells each stands for."""
    count = _counts(block)
    with np.errstate(all="ignore"):
        prepared = rule.prepare(block.values)
        if rule.accumulator and block.count is not None:
            prepared = np.multiply(prepared, count, dtype=rule.accumulator)
    if block.pending is None:
        return prepared, count
    neutral = prepared.dtype.type(_limit(rule, prepared))
    return np.where(block.pending, neutral, prepared), count


def _merge_counts(
    count: NDArray[np.int64], edges: NDArray[np.int64], axis: int
) -> NDArray[np.int64]:
    """How many array cells went into each bin along `axis`."""
    if count.shape[axis] > 1:
        return merge_bins(np.add, count, edges, axis, None)
    # One count stands for all.
    shape = [1] * count.ndim
    shape[axis] = -1
    sizes: NDArray[np.int64] = np.diff(edges).reshape(shape)
    return count * sizes


def _limit(rule: _Rule, values: NDArray[Any]) -> Any:
    """Value that changes nothing when merged, in the type of the values."""
    if not np.isinf(rule.neutral) or values.dtype.kind == "f":
        return rule.neutral
    if values.dtype.kind == "b":
        return rule.neutral > 0
    limits = np.iinfo(values.dtype)
    return limits.max if rule.neutral > 0 else limits.min


def _finish(rule: _Rule, total: NDArray[Any], count: Any) -> Block:
    with np.errstate(all="ignore"):
        return _as_block(rule.finish(total, count), count)


def _as_block(values: NDArray[Any], count: Any) -> Block:
    pending = np.equal(count, 0)
    if not pending.any():
        return Block(values, None, count)
    return Block(values, np.broadcast_to(pending, values.shape).copy(), count)
