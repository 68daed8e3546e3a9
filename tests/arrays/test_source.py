"""Regions, the numpy source, and the extent of all values."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatwidget.arrays import (
    ArraySource,
    LabelledArray,
    LiveArray,
    NumpySource,
    Region,
    ValueRange,
    as_labelled,
)
from heatwidget.arrays.extent import scan_values
from tests.frames.strategies import arrays

pytestmark = pytest.mark.filterwarnings("error")


def numpy_source(values: object) -> NumpySource:
    dims = {2: ("iteration", "token"), 3: ("iteration", "layer", "token")}
    return NumpySource(as_labelled(values, default_dims=dims))


def filled(values: np.ndarray) -> LiveArray:
    live = LiveArray(dict(zip(("iteration", "token"), values.shape, strict=True)))
    live[:] = values
    return live


def expected_range(values: np.ndarray) -> ValueRange:
    """Extent found by looking at each value."""
    numbers = [float(v) for v in np.ma.compressed(values) if np.isfinite(v)]
    if not numbers:
        return ValueRange()
    return ValueRange(
        min(numbers),
        max(numbers),
        min((v for v in numbers if v > 0), default=0.0),
        min((abs(v) for v in numbers if v != 0), default=0.0),
        empty=False,
    )


@given(arrays(), st.integers(1, 60))
def test_value_range_is_the_oracles(array: LabelledArray, scan_cells: int) -> None:
    """Whatever the type, the layout, the mask and the pieces it is scanned in."""
    values, pending = np.ma.getdata(array.values), np.ma.getmaskarray(array.values)
    expected = expected_range(array.values)
    assert scan_values(values, pending, scan_cells=scan_cells) == expected
    if not pending.any():
        assert scan_values(values, scan_cells=scan_cells) == expected
    assert NumpySource(array).value_range() == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[np.nan, np.inf, -np.inf]], ValueRange()),
        ([[0, 0]], ValueRange(0, 0, 0, 0, empty=False)),
        ([[-3.0, -2]], ValueRange(-3, -2, 0, 2, empty=False)),
        ([[1e308, 5e-324, np.nan]], ValueRange(5e-324, 1e308, 5e-324, 5e-324, empty=False)),
        (np.ma.masked_all((2, 2)), ValueRange()),
    ],
)
def test_value_range_of_odd_arrays(values: object, expected: ValueRange) -> None:
    """Nothing finite, nothing positive, nothing at all."""
    assert numpy_source(values).value_range() == expected


@pytest.mark.skipif(np.finfo("g").max == np.finfo("d").max, reason="no longer type than double")
def test_numbers_beyond_double_precision() -> None:
    """They count as the largest double, and infinite ones not at all."""
    values = np.array([[1, np.finfo("g").max, np.inf]], "g")
    largest = np.finfo("d").max
    assert numpy_source(values).value_range() == ValueRange(1, largest, 1, 1, empty=False)


def test_value_range_makes_no_copy() -> None:
    """Temporary memory does not grow with the array, in any layout."""
    values = np.ones((1000, 2000), ">f4")[:, ::-2]
    tracemalloc.start()
    scan_values(values)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_regions() -> None:
    """A region knows its size, none if it is turned round, and indexes an array."""
    region = Region(((1, 3), (0, 4)))
    assert region.size == 8
    assert np.zeros((5, 5))[region.slices].shape == (2, 4)
    assert Region(((3, 1), (0, 4))).size == 0


def test_read_is_a_view() -> None:
    """Nothing is copied, and what is masked is pending."""
    values = np.arange(6.0).reshape(2, 3)
    block = numpy_source(values).read(Region(((0, 2), (1, 3))))
    assert np.shares_memory(block.values, values)
    assert block.pending is None
    masked = np.ma.array(values, mask=values < 2, copy=False)
    block = numpy_source(masked).read(Region(((0, 1), (1, 3))))
    assert block.pending is not None
    assert block.pending.tolist() == [[True, False]]
    assert np.shares_memory(block.values, values)


def test_what_a_source_says_of_itself() -> None:
    """Axes, type and chunks."""
    numbers = numpy_source(np.ones((2, 3), ">f2"))
    assert [axis.name for axis in numbers.axes] == ["iteration", "token"]
    assert numbers.dtype == np.dtype(">f2")
    assert (numbers.chunks, numbers.in_memory) == (None, True)
    assert (numbers.identity(), numbers.take_error()) == (None, None)
    live = LiveArray({"iteration": 2, "token": 3}).watch(lambda: None)
    assert (live.chunks, live.in_memory, live.identity()) == (None, True, None)


@pytest.mark.parametrize("make", [numpy_source, lambda values: filled(values).watch(lambda: None)])
def test_map(make: Callable[[np.ndarray], ArraySource]) -> None:
    """A function of regions and their blocks, in order; regions are taken as they are needed."""
    regions = [Region(((k, k + 1), (0, 3))) for k in range(4)]
    left = iter(regions)
    results = make(np.arange(12.0).reshape(4, 3)).map(lambda r, b: (r, b.values.sum()), left)
    assert next(results) == (regions[0], (regions[0], 3))
    assert next(left) is regions[1]
    assert next(results) == (regions[2], (regions[2], 21))
    results.close()
    assert list(left) == [regions[3]]


def test_refresh() -> None:
    """Writes in place are seen after `refresh`, and told once."""
    values = np.ones((2, 3))
    numbers = numpy_source(values)
    assert numbers.take_changed() == ()
    assert numbers.value_range().high == 1
    values[0, 0] = 7
    assert numbers.value_range().high == 1
    numbers.refresh()
    assert numbers.value_range().high == 7
    assert numbers.take_changed() == (Region(((0, 2), (0, 3))),)
    assert numbers.take_changed() == ()


@pytest.mark.parametrize("first", [False, True])
def test_refresh_sees_the_mask(first: bool) -> None:
    """Also where nothing was masked at first, or all of it."""
    values = np.ma.ones((2, 2))
    if first:
        values[:] = np.ma.masked
    numbers = numpy_source(values)
    values[0, 0] = np.ma.masked if not first else 5.0
    numbers.refresh()
    pending = numbers.read(Region(((0, 2), (0, 2)))).pending
    assert pending is not None
    assert pending.tolist() == [[not first, first], [first, first]]
    assert numbers.value_range().high == (5 if first else 1)
