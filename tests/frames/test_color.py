"""Colour limits, cell states, places on the colour bar, palette indices."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatwidget.arrays import ValueRange
from heatwidget.arrays.extent import scan_values
from heatwidget.frames import (
    COLOR_SCALES,
    CellState,
    ColorRule,
    View,
    color_indices,
    color_positions,
    resolve,
)
from heatwidget.frames.color import cell_states, merged_distance, resolve_limits, usable_end
from heatwidget.frames.palette import N_VALUE_COLORS

from .oracle import expected_state
from .test_frame import draw_frame, labelled, make_view

pytestmark = pytest.mark.filterwarnings("error")

LARGEST = float(np.finfo(np.float32).max)
TINIEST = float(np.finfo(np.float32).smallest_subnormal)
TOP = N_VALUE_COLORS - 1


def limits_of(
    values: object,
    color_range: tuple[float | None, float | None] = (None, None),
    scale: str = "linear",
    *,
    squared: bool = False,
    natural_range: tuple[float, float] | None = None,
) -> tuple[float, float]:
    low, high = (usable_end(end, scale) for end in color_range)
    return resolve_limits(
        (low, high),
        scan_values(np.asarray(values, float)),
        scale=scale,
        squared=squared,
        natural_range=natural_range,
    )


odd = st.sampled_from([0.0, 1.0, -1.0, 1e308, -1e308, 5e-324, -5e-324, LARGEST, -LARGEST, TINIEST])
numbers = st.one_of(odd, st.floats(allow_nan=False, allow_infinity=False))
any_ends = st.one_of(st.none(), odd, st.floats())


@given(
    st.lists(st.one_of(numbers, st.sampled_from([np.nan, np.inf, -np.inf])), max_size=5),
    st.tuples(any_ends, any_ends),
    st.sampled_from(COLOR_SCALES),
    st.booleans(),
    st.sampled_from([None, (0.0, 1.0)]),
)
@settings(max_examples=300)
def test_limits_always_differ(
    values: list[float],
    color_range: tuple[float | None, float | None],
    scale: str,
    squared: bool,
    natural_range: tuple[float, float] | None,
) -> None:
    """Whatever the array and whatever is asked: low < high, finite, positive under log."""
    low, high = limits_of(values, color_range, scale, squared=squared, natural_range=natural_range)
    assert low < high
    assert math.isfinite(low)
    assert math.isfinite(high)
    assert scale == "linear" or low > 0


@given(st.lists(st.floats(-100, 100, width=32), min_size=1), st.sampled_from(COLOR_SCALES))
def test_limits_are_the_arrays(values: list[float], scale: str) -> None:
    """Smallest and largest value; under log the smallest above zero."""
    seen = [v for v in values if scale == "linear" or v > 0]
    if seen and min(seen) < max(seen):
        assert limits_of(values, scale=scale) == (min(seen), max(seen))


@given(
    st.lists(numbers, min_size=1),
    st.floats(-LARGEST, LARGEST),
    st.floats(-LARGEST, LARGEST),
    st.sampled_from(COLOR_SCALES),
)
def test_users_limits_hold(values: list[float], low: float, high: float, scale: str) -> None:
    """Both as asked; one as asked, whatever the array's other end is."""
    low, high = min(low, high), max(low, high)
    if scale == "log":
        low, high = max(abs(low), TINIEST), max(abs(high), TINIEST)
        low, high = min(low, high), max(low, high)
    if low < high:
        assert limits_of(values, (low, high), scale) == (low, high)
        assert limits_of(values, (high, low), scale) == (low, high)
    assert limits_of(values, (low, None), scale)[0] == low
    assert limits_of(values, (None, high), scale)[1] == high


@pytest.mark.parametrize(
    ("values", "scale", "limits"),
    [
        ([np.nan, np.nan], "linear", (0, 1)),
        ([np.nan, np.inf], "log", (0.1, 1)),
        ([], "linear", (0, 1)),
        ([0, 0], "linear", (0, 1)),
        ([0, 0], "log", (0.1, 1)),
        ([-3, -1], "log", (0.1, 1)),
        ([5, 5], "linear", (0, 10)),
        ([-5, -5], "linear", (-10, 0)),
        ([5, 5], "log", (0.5, 50)),
        ([-1, 0, 2], "log", (0.2, 20)),
        ([1, np.inf, np.nan, 3], "linear", (1, 3)),
        ([0, 1e308], "linear", (0, LARGEST)),
        ([1e-300, 1], "log", (TINIEST, 1)),
    ],
)
def test_limits_of_odd_arrays(values: list[float], scale: str, limits: tuple[float, float]) -> None:
    """Nothing to go by, one value only, or beyond what a frame's values can be."""
    assert limits_of(values, scale=scale) == limits


@pytest.mark.parametrize(
    ("color_range", "scale", "limits"),
    [
        ((5, None), "linear", (5, 10)),
        ((2, None), "linear", (2, 4)),
        ((None, 1), "linear", (0, 1)),
        ((None, -4), "linear", (-8, -4)),
        ((None, 0), "linear", (-1, 0)),
        ((5, None), "log", (5, 50)),
        ((None, 0.5), "log", (0.05, 0.5)),
        ((1.5, 1.5), "linear", (0, 3)),
        ((1.5, 1.5), "log", (0.15, 15)),
        ((0, None), "log", (1, 2)),
        ((None, -1), "log", (1, 2)),
    ],
)
def test_ends_asked_beyond_the_data(
    color_range: tuple[float | None, float | None], scale: str, limits: tuple[float, float]
) -> None:
    """The end that was asked stays, the other one makes room."""
    assert limits_of([1, 2], color_range, scale) == pytest.approx(limits)


@pytest.mark.parametrize(
    ("values", "squared", "limits"),
    [
        ([0.2, 0.6], False, (0, 1)),
        ([0, 1], False, (0, 1)),
        ([0.5, 0.5], False, (0, 1)),
        ([0, 0], False, (0, 1)),
        ([-1e-7, 0.9, 1 + 1e-7], False, (0, 1)),
        ([-1e-7, 1e-7], False, (-1e-7, 1e-7)),
        ([1e-4, 2e-3], False, (1e-4, 2e-3)),
        ([0.98, 1], False, (0.98, 1)),
        ([0.2, 1.1], False, (0.2, 1.1)),
        ([-0.2, 0.5], False, (-0.2, 0.5)),
        ([-0.2, 0.5], True, (0, 1)),
        ([np.nan], False, (0, 1)),
    ],
)
def test_natural_range(values: list[float], squared: bool, limits: tuple[float, float]) -> None:
    """Holds where the whole array lies in it and spans a quarter, on a linear scale."""
    assert limits_of(values, squared=squared, natural_range=(0.0, 1.0)) == limits
    assert limits_of([0.2, 0.4], scale="log", natural_range=(0.0, 1.0)) == (0.2, 0.4)


@pytest.mark.parametrize(
    ("values", "scale", "color_range", "center", "limits"),
    [
        ([-1, 3], "linear", (None, None), 0, (-3, 3)),
        ([1, 3], "linear", (None, None), 0, (-3, 3)),
        ([5, 7], "linear", (None, None), 6.5, (5, 8)),
        ([0, 0], "linear", (None, None), 0, (-1, 1)),
        ([7, 7], "linear", (None, None), 7, (0, 14)),
        ([], "linear", (None, None), 0, (-1, 1)),
        ([-1e308, 1], "linear", (None, None), 0, (-LARGEST, LARGEST)),
        ([-1, 3], "linear", (-2, 9), 0, (-2, 9)),
        ([-1, 3], "linear", (None, 2), 0, (-2, 2)),
        ([-1, 3], "linear", (-5, None), 1, (-5, 7)),
        ([-1, 3], "linear", (2, None), 0, (2, 3)),
        ([0.01, 10], "log", (None, None), 1, (0.01, 100)),
        ([0.01, 10], "log", (None, 1000), 1, (0.001, 1000)),
        ([0.01, 10], "log", (None, None), 0, (0.01, 10)),
        ([1e-300, 10], "log", (None, None), 1, (TINIEST, LARGEST)),
    ],
)
def test_a_centre_lies_in_the_middle(
    values: list[float],
    scale: str,
    color_range: tuple[float | None, float | None],
    center: float,
    limits: tuple[float, float],
) -> None:
    """Unless both ends are asked, or an end on the other side of it; log has none at 0."""
    axes = labelled(np.zeros((2, 2))).axes
    asked = View("iteration", "token", "mean", scale, 9, 9, color_range=color_range)
    found = scan_values(np.asarray(values, float))
    rule = resolve(replace(asked, color_center=center), axes, found).colors
    assert rule.limits == pytest.approx(limits)
    if color_range != (None, None) and abs(color_range[0] or 0) != 2:
        assert rule.fixed == (True, True)  # beyond a mirrored end, too, a cell says so


@given(
    st.tuples(numbers, numbers),
    st.tuples(any_ends, any_ends),
    numbers,
    st.sampled_from(COLOR_SCALES),
)
def test_limits_around_a_centre_always_differ(
    values: tuple[float, float],
    color_range: tuple[float | None, float | None],
    center: float,
    scale: str,
) -> None:
    axes = labelled(np.zeros((2, 2))).axes
    asked = View("iteration", "token", "mean", scale, 9, 9, color_range=color_range)
    found = scan_values(np.array(values))
    low, high = resolve(replace(asked, color_center=center), axes, found).colors.limits
    assert low < high
    assert math.isfinite(low)
    assert math.isfinite(high)
    assert scale == "linear" or low > 0


@pytest.mark.parametrize(
    ("values", "dtype", "distance"),
    [
        ([1 - 6e-8, 1], "f8", 2**-23),
        ([2**53, 2**53 + 60], "i8", 2**30),
        ([0, 1], "f8", 0),
        ([1 - 1e-4, 1], "f8", 0),
        ([1 - 1e-4, 1], "f4", 0),
        ([1 - 6e-8, 1], "f4", 0),
        ([0, 200], "i2", 0),
    ],
)
def test_values_that_float32_merges(values: list[float], dtype: str, distance: float) -> None:
    """Only where the array holds more, and colours would tell them apart."""
    array = np.array(values, dtype)
    rule = ColorRule(limits_of(array), (False, False), "linear")
    assert merged_distance(array.dtype, rule) == distance


def test_huge_values_are_at_the_top() -> None:
    """What is cut to float32 is still the largest, in value and in colour."""
    made = draw_frame(labelled([[0, 1.0, 1e308]]), make_view())
    assert made.values[0, 2] == LARGEST
    assert color_indices(made.values, made.states, made.view.colors).tolist() == [[0, 0, TOP]]


@given(
    st.lists(st.floats(width=32), min_size=1, max_size=30),
    st.tuples(st.floats(-50, 50), st.floats(-50, 50)),
    st.tuples(st.booleans(), st.booleans()),
    st.sampled_from(COLOR_SCALES),
    st.integers(0, 2**32 - 1),
)
def test_states_are_the_oracles(
    numbers: list[float],
    limits: tuple[float, float],
    fixed: tuple[bool, bool],
    scale: str,
    seed: int,
) -> None:
    """Each state by the first of the rules that fits."""
    rule = ColorRule((min(limits), max(limits)), fixed, scale)
    values = np.array(numbers, np.float32)
    pending = np.random.default_rng(seed).random(len(values)) < 0.2
    states = cell_states(values, pending, rule)
    wanted = [expected_state(v, p, rule) for v, p in zip(values, pending, strict=True)]
    assert states.tolist() == wanted
    assert cell_states(values, None, rule)[~pending].tolist() == states[~pending].tolist()


@pytest.mark.parametrize("scale", COLOR_SCALES)
@given(data=st.data())
def test_indices_rise_with_the_values(scale: str, data: st.DataObject) -> None:
    """Monotone, and the limits themselves have the first and last colour."""
    finite = st.floats(
        0 if scale == "log" else -LARGEST, LARGEST, exclude_min=scale == "log", width=32
    )
    low, high = sorted(data.draw(st.lists(finite, min_size=2, max_size=2, unique=True)))
    rule = ColorRule((low, high), (False, False), scale)
    values = np.sort(np.array([*data.draw(st.lists(finite)), low, high], np.float32))
    indices = color_indices(values, np.zeros(values.shape, np.uint8), rule).astype(int)
    assert (np.diff(indices) >= 0).all()
    assert set(indices[values <= np.float32(low)]) == {0}
    assert set(indices[values >= np.float32(high)]) == {TOP}


def test_limits_far_below_the_values() -> None:
    """No warning on the way to the last colour."""
    rule = ColorRule((0.0, 1.1e-308), (False, False), "linear")
    values = np.array([-1, 0, 2], np.float32)
    assert color_indices(values, np.zeros(3, np.uint8), rule).tolist() == [0, 0, TOP]


@pytest.mark.parametrize("scale", COLOR_SCALES)
def test_every_value_color_is_used(scale: str) -> None:
    """Even steps on the scale get even shares of the palette."""
    n = 10 * N_VALUE_COLORS
    steps = np.linspace(0, 1, n, endpoint=False) + 0.5 / n
    values = (10**steps if scale == "log" else 1 + 9 * steps).astype(np.float32)
    rule = ColorRule((1.0, 10.0), (False, False), scale)
    indices = color_indices(values, np.zeros(n, np.uint8), rule)
    assert np.bincount(indices).tolist() == [10] * N_VALUE_COLORS


def test_every_state_has_its_index() -> None:
    """Behind the value colours, in the order of `CellState`."""
    states = np.array(list(CellState), np.uint8)
    values = np.full(states.shape, np.nan, np.float32)
    values[0] = 0.5
    indices = color_indices(values, states, ColorRule((0.0, 1.0), (False, False), "linear"))
    assert indices.dtype == np.uint8
    assert indices.tolist() == [N_VALUE_COLORS // 2, *range(N_VALUE_COLORS + 1, 256)]


@pytest.mark.parametrize("limits", [(-1e308, 1e308), (0.0, 5e-324), (5e-324, 1e-323)])
def test_positions_between_extremes(limits: tuple[float, float]) -> None:
    """No overflow, and no underflow, on the way from limits to places."""
    rule = ColorRule(limits, (False, False), "linear")
    assert color_positions(limits, rule).tolist() == [0, 1]


def test_positions_on_a_log_scale() -> None:
    """Decades are evenly spaced; what has no logarithm has no place."""
    rule = ColorRule((1e-4, 1.0), (False, False), "log")
    places = color_positions([1e-4, 1e-3, 1e-2, 1], rule)
    np.testing.assert_allclose(places, [0, 0.25, 0.5, 1])
    assert color_positions(0, rule) == -np.inf
    assert np.isnan(color_positions(-1, rule))


def test_limits_do_not_follow_the_window() -> None:
    """They come from the whole array, so that scrubbing does not change them."""
    found = ValueRange(-1, 2, 0.5, 0.25, empty=False)
    axes = labelled(np.zeros((5, 6))).axes
    views = [
        View("iteration", "token", "mean", "linear", 9, 9, {"iteration": (k, k)}) for k in range(5)
    ]
    assert {resolve(view, axes, found).colors.limits for view in views} == {(-1, 2)}
