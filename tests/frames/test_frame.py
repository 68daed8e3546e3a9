"""Rendered frames against the slow, obvious way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatwidget.arrays import LabelledArray, NumpySource, Region, ValueRange, as_labelled
from heatwidget.arrays.extent import scan_values
from heatwidget.frames import (
    REDUCERS,
    CellState,
    Frame,
    View,
    cell_extent,
    color_indices,
    render,
    resolve,
)
from heatwidget.frames.budget import Budget
from heatwidget.frames.cells import box_reader, merged_cells
from heatwidget.frames.palette import N_VALUE_COLORS
from heatwidget.frames.reducers import COMPARISONS

from .oracle import assert_matches, assert_states, expected_frame, expected_place, narrow
from .sources import WatchedSource
from .strategies import pictures

pytestmark = pytest.mark.filterwarnings("error")

DEFAULT_DIMS = {2: ("iteration", "token"), 3: ("iteration", "layer", "token")}


def labelled(values: object, *dims: str) -> LabelledArray:
    return as_labelled(values, default_dims=DEFAULT_DIMS, dims=dims or None)


def make_view(rows: str = "iteration", columns: str = "token", **asked: object) -> View:
    given = {"reducer": "mean", "color_scale": "linear", "max_rows": 50, "max_columns": 50}
    return View(rows=rows, columns=columns, **{**given, **asked})


def draw_frame(array: LabelledArray, view: View) -> Frame:
    numbers = NumpySource(array)
    return render(numbers, resolve(view, numbers.axes, numbers.value_range()))


@given(pictures())
@settings(max_examples=250)
def test_frame_is_the_oracles(picture: tuple[LabelledArray, View]) -> None:
    """Values, edges and states equal those of plain loops, whatever is asked of whatever array."""
    array, view = picture
    expected = expected_frame(array, view)
    made = draw_frame(array, view)
    assert_matches(made, expected)
    assert_states(made, expected.pending)


@given(pictures())
def test_palette_indices_are_the_oracles(picture: tuple[LabelledArray, View]) -> None:
    """A value's colour is where it lies between the limits; all else has its state's."""
    made = draw_frame(*picture)
    indices = color_indices(made.values, made.states, made.view.colors)
    assert indices.dtype == np.uint8
    for cell in np.ndindex(made.shape):
        if made.states[cell] != CellState.VALUE:
            assert indices[cell] == N_VALUE_COLORS + made.states[cell]
            continue
        place = expected_place(made.values[cell], made.view.colors) * N_VALUE_COLORS
        place = min(place, N_VALUE_COLORS - 1)
        assert indices[cell] - 1e-6 <= place < indices[cell] + 1 + 1e-6


@given(pictures(), st.integers(1, 50))
@settings(max_examples=150)
def test_blockwise_is_whole(picture: tuple[LabelledArray, View], block_cells: int) -> None:
    """Reading in small pieces changes nothing, up to the rounding of sums."""
    array, view = picture
    whole = draw_frame(array, view)
    values, pending = np.ma.getdata(array.values), np.ma.getmaskarray(array.values)
    found = scan_values(values, pending, scan_cells=block_cells)
    resolved = resolve(view, array.axes, found)
    pieces = render(NumpySource(array), resolved, budget=Budget(block_cells=block_cells))
    how = {axis.reducer for axis in whole.view.cells.hidden}
    if not {*how, whole.view.cells.pooling} & {"mean", "rms", "std"}:
        np.testing.assert_array_equal(pieces.values, whole.values)
    assert pieces.view == whole.view
    assert_matches(pieces, expected_frame(array, view))
    assert_states(pieces, whole.states == CellState.PENDING)


@given(pictures(), st.integers(1, 300))
def test_no_cell_is_read_in_vain(picture: tuple[LabelledArray, View], block_cells: int) -> None:
    """Each array cell behind the picture is read at most once, and no other."""
    array, view = picture
    watched = WatchedSource(array)
    resolved = resolve(view, watched.axes, watched.value_range())
    render(watched, resolved, budget=Budget(block_cells=block_cells))
    reads, rule = watched.take_reads(), resolved.cells
    inside = tuple(slice(*rule.windows[dim]) for dim in array.dims)
    how = {axis.reducer for axis in rule.hidden}
    # An index that is compared with itself is read for each side.
    assert reads.max() <= 2 ** sum(axis.reducer in COMPARISONS for axis in rule.hidden)
    if not how & {"first", "last", *COMPARISONS}:
        assert reads.max() <= 1
        assert (reads[inside] == 1).all()
    reads[inside] = 0
    assert not reads.any()


@given(pictures(), st.data())
def test_cell_extent(picture: tuple[LabelledArray, View], data: st.DataObject) -> None:
    """A pooled cell's extent is that of the same cell's parts without pooling."""
    array, view = picture
    numbers = NumpySource(array)
    made = draw_frame(array, view)
    row = data.draw(st.integers(0, made.shape[0] - 1))
    column = data.draw(st.integers(0, made.shape[1] - 1))
    low, high = cell_extent(numbers, made, row, column)
    fine = draw_frame(array, View(**{**as_dict(view), "max_rows": 99, "max_columns": 99}))
    r = slice(*(made.row_edges[row : row + 2] - made.row_edges[0]))
    c = slice(*(made.column_edges[column : column + 2] - made.column_edges[0]))
    parts = fine.values[r, c][~np.isnan(fine.values[r, c])]
    if parts.size:
        assert (narrow(low), narrow(high)) == (parts.min(), parts.max())
    else:
        assert np.isnan([low, high]).all()


def as_dict(view: View) -> dict[str, object]:
    return {name: getattr(view, name) for name in View.__dataclass_fields__}


@pytest.mark.parametrize("length", [9, 16, 37])
@pytest.mark.parametrize("reducer", REDUCERS)
def test_panning_keeps_inner_cells(length: int, reducer: str) -> None:
    """Wherever the window lies, a cell that is not cut by it has the same values."""
    rng = np.random.default_rng(7)
    array = labelled(rng.standard_normal((120, 3, 4)))
    seen: dict[tuple[int, int], bytes] = {}
    for start in range(120 - length):
        asked = (start, start + length - 1)
        made = draw_frame(
            array, make_view(ranges={"iteration": asked}, reducer=reducer, max_rows=8)
        )
        assert made.shape[0] <= 8
        for i in range(1, made.shape[0] - 1):
            block = (int(made.row_edges[i]), int(made.row_edges[i + 1]))
            assert seen.setdefault(block, made.values[i].tobytes()) == made.values[i].tobytes()


def test_arrays_are_read_only_and_contiguous() -> None:
    """A frame cannot be changed by who gets it."""
    made = draw_frame(labelled(np.ones((3, 4, 5))), make_view())
    assert made.values.dtype == np.float32
    assert made.values.flags.c_contiguous
    for part in (made.values, made.states):
        with pytest.raises(ValueError, match="read-only"):
            part[0, 0] = 1


def test_users_array_is_never_written() -> None:
    """Masked cells become NaN in the frame, not in the array."""
    values = np.ma.masked_less(np.arange(12, dtype=np.float32).reshape(3, 4), 5)
    before = values.data.copy()
    draw_frame(labelled(values), make_view())
    np.testing.assert_array_equal(values.data, before)


def test_states_present() -> None:
    """The states on screen, without plain values, in the order of `CellState`."""
    values = np.ma.array([[1, np.nan, -np.inf], [np.inf, 0, 2]], mask=[[0, 0, 0], [0, 0, 1]])
    made = draw_frame(labelled(values), make_view(color_scale="log"))
    assert made.states_present() == (
        CellState.PENDING,
        CellState.NAN,
        CellState.POSITIVE_INFINITY,
        CellState.NEGATIVE_INFINITY,
        CellState.NONPOSITIVE,
    )
    assert draw_frame(labelled([[1, 2]]), make_view()).states_present() == ()


def test_fixed_limits_count_as_inside() -> None:
    """A value that equals a limit is not beyond it, in float32 neither."""
    made = draw_frame(labelled([[0.1, 0.2, 0.3, 0.4]]), make_view(color_range=(0.2, 0.3)))
    assert made.states.tolist() == [[CellState.BELOW, 0, 0, CellState.ABOVE]]


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (1, 1, 1), (3, 1, 4)])
def test_single_row_column_and_cell(shape: tuple[int, ...]) -> None:
    """The smallest arrays are pictures too."""
    made = draw_frame(labelled(np.ones(shape)), make_view())
    assert made.shape == (shape[0], shape[-1])
    assert (made.values == 1).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("reducer", ["mean", "max", "min", "rms"])
def test_pooling_shows_what_is_not_a_number(value: float, reducer: str) -> None:
    """A single NaN among a thousand cells is not averaged away."""
    values = np.ones((64, 3, 16))
    values[:, :, 5] = value
    made = draw_frame(labelled(values), make_view(reducer=reducer, max_rows=4, max_columns=4))
    hidden = {("max", -np.inf), ("min", np.inf)}
    expected = CellState.VALUE if (reducer, value) in hidden else None
    states = set(made.states[:, 0].tolist())
    assert states == {CellState.VALUE} if expected == CellState.VALUE else 0 not in states


def test_pooled_mean_counts_cells_not_rows() -> None:
    """Where some cells are pending, the mean is that of all cells that are there."""
    values = np.ma.array([[1.0, 99], [4, 7]], mask=[[0, 1], [0, 0]])
    wide = np.ma.concatenate([values, np.ma.zeros((2, 6))], axis=1)
    tall = np.ma.concatenate([wide, np.ma.zeros((6, 8))], axis=0)
    made = draw_frame(labelled(tall), make_view(pooling="mean", max_rows=5, max_columns=5))
    assert made.values[0, 0] == 4


def test_rms_of_one_cell_has_no_sign() -> None:
    """A bin cut down to one cell is treated as the others, also when it changes alone."""
    watched = WatchedSource(labelled(-np.ones((16, 2))))
    view = make_view(ranges={"iteration": (7, 15)}, pooling="rms", max_rows=5)
    resolved = resolve(view, watched.axes, watched.value_range())
    made = render(watched, resolved)
    assert made.row_edges[:2].tolist() == [7, 8]
    assert (made.values == 1).all()
    region = Region(((7, 8), (0, 1)))
    watched.write(region, np.full((1, 1), -2.0), False)
    again = render(watched, resolved, previous=made, changed=[region])
    assert again.values[:, 0].tolist() == [2, 1, 1, 1, 1][: again.shape[0]]


def test_longer_types_than_double() -> None:
    """Extended precision is shown as double precision; what is finite stays finite."""
    values = np.array([[0, 1], [2, 3]], np.longdouble)
    assert draw_frame(labelled(values), make_view()).values.tolist() == [[0, 1], [2, 3]]
    values[0] = np.finfo("g").max, np.inf
    made = draw_frame(labelled(values), make_view())
    assert made.values.tolist() == [[np.finfo("f4").max, np.inf], [2, 3]]


def test_size_of_the_frame_is_bounded_by_the_picture() -> None:
    """A large array gives no more cells than pixels."""
    values = np.broadcast_to(np.float32(1), (36, 64, 100_000))
    array = labelled(values, "layer", "iteration", "token")
    view = make_view("layer", "token", reducer="last", max_rows=300, max_columns=700)
    made = draw_frame_of_part(array, view)
    assert made.shape == (36, 100_000 // 256 + 1)
    assert made.values.nbytes + made.states.nbytes <= 5 * 300 * 700


def draw_frame_of_part(array: LabelledArray, view: View) -> Frame:
    """Frame without a scan of the whole array."""
    return render(NumpySource(array), resolve(view, array.axes, ValueRange()))


@pytest.mark.parametrize("cells", [1, 4, 1 << 18])
def test_counts_of_pieces(cells: int) -> None:
    """Each bin has its own count, also where pieces are single bins of other sizes."""
    source = NumpySource(labelled(np.ones((5, 7)), "token", "iteration"))
    asked = make_view("token", "iteration", max_rows=2, max_columns=2, pooling="mean")
    rule = resolve(asked, source.axes, ValueRange()).cells
    rows, columns = np.array([0, 4, 5]), np.array([0, 4, 7])
    reader = box_reader(source, rule, Budget(block_cells=cells))
    made = merged_cells(reader, rule, rows, columns, pooled=True)
    assert np.array_equal(np.broadcast_to(made.count, (2, 2)), [[16, 12], [4, 3]])
    assert np.array_equal(made.values, np.ones((2, 2)))
