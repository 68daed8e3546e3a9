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

# Sums of squares of float32 overflow float32.
_ACCUMULATOR = np.float64


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
_PICKS = {"first": 1, "last": -1}

REDUCERS = (*_RULES, *_PICKS)
POOLINGS = tuple(_RULES)


class Collapse:
    """Reduction of axis 0 of an array that comes block by block.

    Parameters
    ----------
    reducer : str
        One of `REDUCERS`.
    """

    __slots__ = ("_count", "_reducer", "_total")

    def __init__(self, reducer: str) -> None:
        self._reducer = reducer
        self._total: NDArray[Any] | None = None
        self._count: NDArray[np.int64] | np.int64 = np.int64(0)

    def order(self, start: int, stop: int, step: int) -> Iterator[tuple[int, int]]:
        """Yield the windows of axis 0 to feed, each of at most `step` indices, in order.

        First and last read one index at a time, nearest first: one is all they need
        unless something is pending.
        """
        if self._reducer in _PICKS:
            yield from ((k, k + 1) for k in range(start, stop)[:: _PICKS[self._reducer]])
        else:
            yield from ((k, min(k + step, stop)) for k in range(start, stop, step))

    @property
    def complete(self) -> bool:
        """Whether no further block can change the result."""
        return self._reducer in _PICKS and bool(np.all(self._count))

    def add(self, block: Block) -> None:
        """Take in a block, shape (n, ...), with n at least 1; n is 1 for first and last."""
        if self._reducer in _PICKS:
            self._add_pick(block)
            return
        rule = _RULES[self._reducer]
        values, count = _prepare(rule, block)
        everything = np.array([0, len(values)])
        total = _merge(rule, values, everything, axis=0)[0]
        with np.errstate(all="ignore"):
            self._total = total if self._total is None else rule.merge(self._total, total)
        self._count = self._count + _merge_counts(count, everything, axis=0)[0]

    def result(self) -> Block:
        """Reduced values, shape (...); at least one block must have come."""
        if self._total is None:
            raise RuntimeError("no block to reduce")
        if self._reducer in _PICKS:
            return _as_block(self._total, self._count)
        return _finish(_RULES[self._reducer], self._total, self._count)

    def _add_pick(self, block: Block) -> None:
        present = np.int64(1) if block.pending is None else (~block.pending[0]).astype(np.int64)
        if self._total is None:
            self._total, self._count = block.values[0], present
        else:
            wanted = (self._count == 0) & (present == 1)
            self._total = np.where(wanted, block.values[0], self._total)
            self._count = self._count | present


def pool(
    block: Block, row_edges: NDArray[np.int64], column_edges: NDArray[np.int64], pooling: str
) -> Block:
    """Values of neighbouring cells merged, bin by bin.

    Parameters
    ----------
    block : Block, shape (n_rows, n_columns)
    row_edges, column_edges : ndarray of int64, shape (n_bins + 1,)
        Strictly increasing, from 0 to the size of the axis.
    pooling : str
        One of `POOLINGS`.

    Returns
    -------
    Block
        One cell for each pair of bins. Each value in it weighs the same, whatever else
        of its row or column is pending.
    """
    rule = _RULES[pooling]
    values, count = _prepare(rule, block)
    for axis, edges in enumerate((row_edges, column_edges)):
        if len(edges) - 1 < values.shape[axis]:
            values = _merge(rule, values, edges, axis)
            count = _merge_counts(count, edges, axis)
    return _finish(rule, values, count)


def _prepare(rule: _Rule, block: Block) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Values ready to merge, and for each whether it counts; of shape (1, ...) if all do."""
    values, pending = block
    with np.errstate(all="ignore"):
        prepared = rule.prepare(values)
    if pending is None:
        return prepared, np.ones((1,) * values.ndim, np.int64)
    neutral = prepared.dtype.type(_limit(rule, prepared))
    return np.where(pending, neutral, prepared), (~pending).astype(np.int64)


def _merge(rule: _Rule, values: NDArray[Any], edges: NDArray[np.int64], axis: int) -> NDArray[Any]:
    """Merged values of each bin along `axis`."""
    with np.errstate(all="ignore"):
        if len(edges) == 2:
            # Several times faster than reduceat, and the usual case: the hidden axis.
            return np.asarray(
                rule.merge.reduce(values, axis=axis, dtype=rule.accumulator, keepdims=True)
            )
        return rule.merge.reduceat(values, edges[:-1], axis=axis, dtype=rule.accumulator)


def _merge_counts(
    count: NDArray[np.int64], edges: NDArray[np.int64], axis: int
) -> NDArray[np.int64]:
    """How many values went into each bin along `axis`."""
    if count.shape[axis] > 1:
        return np.add.reduceat(count, edges[:-1], axis=axis)
    # One count stands for all.
    shape = [1] * count.ndim
    shape[axis] = -1
    return count * np.diff(edges).reshape(shape)


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
    pending = np.broadcast_to(np.equal(count, 0), values.shape)
    return Block(values, pending.copy() if pending.any() else None)
