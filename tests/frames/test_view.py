"""What was asked, made to fit: `resolve`."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings

from heatwidget.arrays import LabelledArray, NumpySource, ValueRange
from heatwidget.arrays.axis import make_axis
from heatwidget.frames import POOLINGS, REDUCERS, ResolvedView, View, resolve
from heatwidget.frames.reducers import COMPARISONS
from heatwidget.frames.view import HiddenAxis

from .strategies import pictures

AXES = (
    make_axis("layer", 35, range(1, 36)),
    make_axis("iteration", 16, range(0, 64, 4)),
    make_axis("token", 9),
)


def settle(**asked: object) -> ResolvedView:
    given = {"rows": "layer", "columns": "token", "reducer": "mean", "color_scale": "linear"}
    size = {"max_rows": 100, "max_columns": 100}
    view = View(**{**given, **size, **asked})
    return resolve(view, AXES, ValueRange(-1, 2, 0.5, 0.25, empty=False))


@given(pictures())
@settings(max_examples=150)
def test_resolve_is_total(picture: tuple[LabelledArray, View]) -> None:
    """Whatever is asked gives windows of at least one index and limits that differ."""
    array, view = picture
    numbers = NumpySource(array)
    resolved = resolve(view, array.axes, numbers.value_range())
    rule, colors = resolved.cells, resolved.colors
    sizes = {axis.name: axis.size for axis in array.axes}
    assert 0 <= rule.row_window[0] < rule.row_window[1] <= sizes[rule.rows]
    assert 0 <= rule.column_window[0] < rule.column_window[1] <= sizes[rule.columns]
    for axis in rule.hidden:
        assert 0 <= axis.window[0] < axis.window[1] <= sizes[axis.name]
    assert sorted([rule.rows, rule.columns, *(a.name for a in rule.hidden)]) == sorted(array.dims)
    assert rule.pooling in POOLINGS
    low, high = colors.limits
    assert low < high
    assert all(math.isfinite(end) for end in colors.limits)
    assert colors.scale == "linear" or low > 0


@given(pictures())
@settings(max_examples=50)
def test_same_question_same_answer(picture: tuple[LabelledArray, View]) -> None:
    """Equal answers compare equal, which is how a tick knows that nothing is new."""
    array, view = picture
    found = ValueRange(0, 1, 0.5, 0.5, empty=False)
    assert resolve(view, array.axes, found) == resolve(view, array.axes, found)


def test_ranges_are_inclusive_coordinates() -> None:
    """What the user writes stands on the axis; what comes out are indices."""
    rule = settle(ranges={"layer": (21, 27), "iteration": (8, 20)}).cells
    assert rule.row_window == (20, 27)
    assert rule.windows["iteration"] == (2, 6)
    assert rule.column_window == (0, 9)


def test_open_ends() -> None:
    """None is the axis's own end."""
    rule = settle(ranges={"layer": (None, 2), "iteration": (56, None)}).cells
    assert rule.row_window == (0, 2)
    assert rule.windows["iteration"] == (14, 16)


def test_axes_in_any_order() -> None:
    """Rows, columns and the hidden axis go by name."""
    rule = settle(rows="token", columns="iteration", ranges={"iteration": (4, 4)}).cells
    assert rule.column_window == (1, 2)
    assert rule.hidden == (HiddenAxis("layer", (0, 35), "mean"),)


def test_nothing_hidden() -> None:
    """An array of two axes has nothing to collapse."""
    view = View("layer", "token", "mean", "linear", 10, 10)
    rule = resolve(view, (AXES[2], AXES[0]), ValueRange()).cells
    assert (rule.hidden, rule.pooling) == ((), "max")


def test_hidden_axes_are_collapsed_in_turn() -> None:
    """What is picked first, what is compared last, the others in the order of the array."""
    axes = (*AXES, make_axis("seed", 3), make_axis("head", 2), make_axis("run", 4))
    how = {"layer": "difference", "seed": "std", "head": "last", "iteration": "max"}
    view = View("token", "run", "mean", "log", 10, 10, reducers=how)
    rule = resolve(view, axes, ValueRange(), ValueRange(-3, 4, 1, 1, empty=False))
    assert [axis.name for axis in rule.cells.hidden] == ["head", "iteration", "seed", "layer"]
    assert rule.cells.pooling == "max"
    first, last = rule.cells.compared()
    assert first.hidden[0] == HiddenAxis("layer", (0, 1), "last")
    assert last.hidden[0] == HiddenAxis("layer", (34, 35), "last")
    # A difference has no logarithm, and its colours lie about 0.
    assert (rule.colors.scale, rule.colors.limits) == ("linear", (-4, 4))


@pytest.mark.parametrize("reducer", REDUCERS)
def test_pooling_follows_the_reducer(reducer: str) -> None:
    """Where the two commute; else the maximum, which hides no lack of convergence."""
    expected = reducer if reducer in POOLINGS else "max"
    if reducer in COMPARISONS:
        expected = "mean"  # which keeps both signs
    assert settle(reducer=reducer).cells.pooling == expected
    assert settle(reducer=reducer, pooling="min").cells.pooling == "min"


def test_level_of_detail() -> None:
    """Bins as small as the pixels allow, on each axis by itself."""
    rule = settle(max_rows=10, max_columns=9).cells
    assert (rule.row_bin, rule.column_bin) == (4, 1)


@pytest.mark.parametrize(
    ("asked", "limits"),
    [
        ({}, (-1, 2)),
        ({"reducer": "rms"}, (0, 2)),
        ({"reducer": "rms", "color_scale": "log"}, (0.25, 2)),
        ({"color_scale": "log"}, (0.5, 2)),
        ({"pooling": "rms"}, (-1, 2)),
        ({"pooling": "rms", "max_rows": 5}, (0, 2)),
        ({"pooling": "rms", "max_columns": 5}, (0, 2)),
    ],
)
def test_signs_are_lost_in_squares(asked: dict[str, object], limits: tuple[float, float]) -> None:
    """Limits are those of the magnitudes where a square is taken, and only there."""
    assert settle(**asked).colors.limits == limits


@pytest.mark.parametrize(
    ("color_range", "scale", "fixed"),
    [
        ((None, None), "linear", (False, False)),
        ((0, None), "linear", (True, False)),
        ((None, 1), "linear", (False, True)),
        ((0.7, 1), "log", (True, True)),
        ((0, 1), "log", (False, True)),
        ((-1, math.nan), "log", (False, False)),
        ((-math.inf, math.inf), "linear", (False, False)),
    ],
)
def test_limits_count_as_fixed_where_the_users_hold(
    color_range: tuple[float | None, float | None], scale: str, fixed: tuple[bool, bool]
) -> None:
    """An end that the scale cannot have is not the user's: no cell is beyond it."""
    assert settle(color_range=color_range, color_scale=scale).colors.fixed == fixed


def test_every_view_can_be_compared_and_hashed() -> None:
    """Views and what they resolve to are plain values."""
    assert hash(settle()) == hash(settle())
    assert settle() != settle(reducer="max")
    assert isinstance(settle().cells.hidden, tuple)
