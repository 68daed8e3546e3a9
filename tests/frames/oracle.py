"""A frame made the slow, obvious way: Python loops over cells, in float64.

It shares nothing with the package but the classes that carry what goes in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from heatwidget.arrays import LabelledArray
from heatwidget.frames import CellState, ColorRule, Frame, View
from tests.arrays.oracle import expected_window

LARGEST = float(np.finfo(np.float32).max)
SMALLEST = float(np.finfo(np.float32).smallest_subnormal)
ROUNDED = ("mean", "rms", "std")
COMPARED = ("difference", "log-ratio")
Window = tuple[int, int]


@dataclass(frozen=True)
class Expected:
    """What a frame must hold; `slack` is how far rounding may take each value."""

    values: np.ndarray
    slack: np.ndarray
    pending: np.ndarray
    row_edges: list[int]
    column_edges: list[int]


def expected_frame(array: LabelledArray, view: View) -> Expected:
    """Frame of a view of an array, cell by cell."""
    windows = {
        a.name: expected_window(a.coordinates.tolist(), view.asked(a.name)) for a in array.axes
    }
    row_size = expected_bin_size(windows[view.rows], view.max_rows)
    column_size = expected_bin_size(windows[view.columns], view.max_columns)
    row_edges = expected_edges(windows[view.rows], row_size)
    column_edges = expected_edges(windows[view.columns], column_size)
    hidden = [d for d in array.dims if d not in (view.rows, view.columns)]
    how = {d: view.reducers.get(d, view.reducer) for d in hidden}
    hidden.sort(key=lambda d: (how[d] in COMPARED) - (how[d] in ("first", "last")))
    pooling = (row_size > 1 or column_size > 1) and expected_pooling(view, [how[d] for d in hidden])
    shape = (len(row_edges) - 1, len(column_edges) - 1)
    values, slack = np.full(shape, np.nan, np.float32), np.zeros(shape)
    pending = np.ones(shape, bool)
    for r, c in np.ndindex(shape):
        box = {view.rows: row_edges[r : r + 2], view.columns: column_edges[c : c + 2]}
        stages = [(d, how[d]) for d in hidden]
        cell, seen = _picture(array, view, box, windows, stages, pooling)
        if cell is not None:
            values[r, c], pending[r, c] = narrow(cell), False
            if {*how.values(), pooling} & set(ROUNDED):
                slack[r, c] = _rounding(seen, cell)
                if "log-ratio" in how.values():
                    # Of a ratio the digits of its two sides count.
                    slack[r, c] += 1e-5 * (1 + abs(cell)) if math.isfinite(cell) else 0
    return Expected(values, slack, pending, row_edges, column_edges)


def expected_pooling(view: View, reducers: Sequence[str]) -> str:
    """Pooling that holds: the one asked, else the last merging reducer's own, else a default."""
    if view.pooling:
        return view.pooling
    merging = [how for how in reducers if how in ("mean", "max", "min", "rms")]
    if merging:
        return merging[-1]
    return "mean" if set(reducers) & set(COMPARED) else "max"


def expected_bin_size(window: Window, n_pixels: int) -> int:
    """Smallest power of two that fits wherever a window of this length lies."""
    length, size = window[1] - window[0], 1
    while any(len(expected_edges((s, s + length), size)) - 1 > n_pixels for s in range(size)):
        size *= 2
    return size


def expected_edges(window: Window, size: int) -> list[int]:
    """Ends of a window and the multiples of the size between them."""
    return [i for i in range(window[0], window[1] + 1) if i in window or i % size == 0]


def narrow(value: Any) -> np.float32:
    """Nearest float32, but a finite value stays finite and no value becomes zero."""
    with np.errstate(all="ignore"):
        nearest = np.asarray(value).astype(np.float32)[()]
    if math.isinf(nearest) and not math.isinf(value):
        return np.float32(math.copysign(LARGEST, value))
    if nearest == 0 and value != 0:
        return np.float32(math.copysign(SMALLEST, value))
    return nearest


def merge(values: Sequence[Any], how: str) -> Any:
    """Many values to one; NaN goes through. None where there is no value."""
    if not values:
        return None
    if how in ("first", "last"):
        return values[0] if how == "first" else values[-1]
    if any(math.isnan(v) for v in values):
        return math.nan
    if how in ("max", "min"):
        return max(values) if how == "max" else min(values)
    numbers = [float(v) for v in values]
    if how == "mean":
        return sum(numbers) / len(numbers)
    if how == "std":
        middle = sum(numbers) / len(numbers)
        return math.sqrt(sum((v - middle) * (v - middle) for v in numbers) / len(numbers))
    return math.sqrt(sum(v * v for v in numbers) / len(numbers))


def expected_state(value: np.float32, pending: bool, rule: ColorRule) -> CellState:
    """State of one cell."""
    with np.errstate(over="ignore"):
        low, high = (np.float32(end) for end in rule.limits)
    if pending:
        return CellState.PENDING
    if math.isnan(value):
        return CellState.NAN
    if math.isinf(value):
        return CellState.POSITIVE_INFINITY if value > 0 else CellState.NEGATIVE_INFINITY
    if rule.scale == "log" and value <= 0:
        return CellState.NONPOSITIVE
    if rule.fixed[0] and value < low:
        return CellState.BELOW
    if rule.fixed[1] and value > high:
        return CellState.ABOVE
    return CellState.VALUE


def expected_place(value: float, rule: ColorRule) -> float:
    """Place of a plain value on the colour bar, 0 to 1."""
    value, (low, high) = float(value), rule.limits
    if rule.scale == "log":
        value, low, high = math.log(value), math.log(low), math.log(high)
    return min(max((value - low) / (high - low), 0.0), 1.0)


def assert_matches(frame: Frame, expected: Expected) -> None:
    """A frame's cells and edges are as expected, values up to rounding in float64."""
    assert frame.row_edges.tolist() == expected.row_edges
    assert frame.column_edges.tolist() == expected.column_edges
    assert frame.shape == expected.values.shape
    np.testing.assert_array_equal(frame.states == CellState.PENDING, expected.pending)
    actual, wanted = frame.values.astype(np.float64), expected.values.astype(np.float64)
    with np.errstate(invalid="ignore"):
        near = (actual == wanted) | (np.abs(actual - wanted) <= expected.slack)
    near |= np.isnan(actual) & np.isnan(wanted)
    assert near.all(), f"expected\n{expected.values}\ngot\n{frame.values}"


def assert_states(frame: Frame, pending: np.ndarray) -> None:
    """Each cell's state follows from its value."""
    for cell in np.ndindex(frame.shape):
        state = expected_state(frame.values[cell], bool(pending[cell]), frame.view.colors)
        assert frame.states[cell] == state, (cell, frame.values[cell], frame.view.colors)


def _picture(
    array: LabelledArray,
    view: View,
    box: dict[str, list[int]],
    windows: dict[str, Window],
    stages: list[tuple[str, str]],
    pooling: str | bool,
) -> tuple[Any, list[Any]]:
    """Value of a frame cell, and the array's values behind it."""
    if stages and stages[-1][1] in COMPARED:
        *before, (dim, how) = stages
        start, stop = windows[dim]
        sides = [
            _picture(
                array, view, box, {**windows, dim: (k, k + 1)}, [(dim, "last"), *before], pooling
            )
            for k in (start, stop - 1)
        ]
        (a, seen), (b, others) = sides
        return (None if a is None or b is None else _compared(a, b, how)), seen + others
    seen: list[Any] = []
    piles = []
    for r in range(*box[view.rows]):
        for c in range(*box[view.columns]):
            place = {view.rows: r, view.columns: c}
            piles.append(_cell(array, place, windows, stages, str(pooling), seen))
    if not pooling:
        return (piles[0][0] if piles[0] else None), seen
    return merge([value for pile in piles for value in pile], str(pooling)), seen


def _cell(
    array: LabelledArray,
    place: dict[str, int],
    windows: dict[str, Window],
    stages: list[tuple[str, str]],
    following: str,
    seen: list[Any],
) -> list[Any]:
    """What one array cell of the shown axes gives to the merge that follows.

    All values where that merges alike, else one; none where all is pending.
    """
    if not stages:
        index = tuple(place[dim] for dim in array.dims)
        if np.ma.getmaskarray(array.values)[index]:
            return []
        seen.append(np.ma.getdata(array.values)[index])
        return seen[-1:]
    *before, (dim, how) = stages
    piles = [
        _cell(array, {**place, dim: k}, windows, before, how, seen) for k in range(*windows[dim])
    ]
    piles = [pile for pile in piles if pile]
    if not piles:
        return []
    if how in ("first", "last"):
        return piles[0 if how == "first" else -1]
    values = [value for pile in piles for value in pile]
    if how == following and how in ("mean", "max", "min", "rms"):
        return values
    return [merge(values, how)]


def _compared(a: Any, b: Any, how: str) -> float:
    """One number against another, in float64."""
    with np.errstate(all="ignore"):
        first, last = np.float64(a), np.float64(b)
        return float(last - first if how == "difference" else np.log10(last) - np.log10(first))


def _rounding(values: list[Any], cell: Any) -> float:
    """How far another order of summing may take a value."""
    sizes = [abs(float(v)) for v in values]
    largest = max((s for s in sizes if math.isfinite(s)), default=0.0)
    ulp = abs(float(narrow(cell))) * 2.0**-23 + SMALLEST if math.isfinite(cell) else 0.0
    return 1e-13 * largest + ulp
