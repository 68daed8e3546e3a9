"""Bad or odd input: a clear error that names the argument, or the right picture."""

from __future__ import annotations

import re
import warnings
from typing import Any

import ipywidgets
import numpy as np
import pytest
import torch
import xarray
from traitlets import TraitError

import heatwidget as hw
from heatwidget import ActivationHeatmap, ConvergenceHeatmap, Heatmap, LiveArray
from heatwidget.frames import CellState
from tests.widgets.helpers import live_widgets, mark, parts, pixels, point, slider
from tests.widgets.recorder import Recorder

KINDS = [Heatmap, ConvergenceHeatmap, ActivationHeatmap]
MARKS = ["auto", "heatmap", "image"]
INF, NAN = np.inf, np.nan


def refuses(kind: type[Exception], message: str) -> Any:
    """Expect an error with exactly this text in it."""
    return pytest.raises(kind, match=re.escape(message))


def states(values: Any, **traits: Any) -> list[list[int]]:
    """States of the cells of an (iteration, item) array, rows down."""
    return Heatmap(values, **traits).frame.states.tolist()


# The array


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0), (3, 0, 4), (3, 4, 0), (0, 3, 4)])
def test_empty_axis(kind: type[Heatmap], shape: tuple[int, ...]) -> None:
    with refuses(ValueError, f"array must not have an empty axis, got shape {shape}"):
        kind(np.zeros(shape))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(), (5,), (0,)])
def test_wrong_number_of_axes(kind: type[Heatmap], shape: tuple[int, ...]) -> None:
    with refuses(ValueError, f"array must have two or more axes, got {len(shape)} (shape {shape})"):
        kind(np.zeros(shape))


@pytest.mark.parametrize(
    "array",
    [
        np.array([[1, None]]),
        np.array([["a", "b"]]),
        np.array([[b"a"]]),
        np.array([[1 + 2j]]),
        np.array([["2020-01-01"]], "datetime64[D]"),
        [["a", 1.0]],
        [[{}]],
    ],
)
def test_values_that_are_no_real_numbers(array: Any) -> None:
    with refuses(TypeError, "array must hold real numbers, got dtype "):
        Heatmap(array)


@pytest.mark.parametrize("array", [None, "text", object(), {"a": 1}])
def test_no_array_at_all(array: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="array must "):
        Heatmap(array)


def test_ragged_lists() -> None:
    with refuses(ValueError, "array must be rectangular"):
        Heatmap([[1.0, 2.0], [3.0]])


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i8", "u8", "f2", ">f4", ">f8", "<f8", ">i2"])
def test_any_type_of_real_numbers_shows_its_values(dtype: str) -> None:
    values = np.array([[0, 1, 1], [1, 0, 1]], dtype)
    widget = Heatmap(values)
    assert widget.frame.values.tolist() == values.astype(float).tolist()
    assert widget.frame.values.dtype == np.float32
    assert not widget.frame.states.any()


@pytest.mark.parametrize("kind", KINDS)
def test_half_and_big_endian_keep_their_digits(kind: type[Heatmap]) -> None:
    values = np.random.default_rng(0).random((4, 6)).astype(">f2")
    frame = kind(values).frame
    wanted = values.astype(np.float32)
    assert (frame.values == (wanted.T if kind is ConvergenceHeatmap else wanted)).all()


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[::2, ::-3],
        lambda a: a.T,
        lambda a: np.asfortranarray(a),
        lambda a: np.broadcast_to(a[:, :1], (12, 8)),
        lambda a: np.lib.stride_tricks.sliding_window_view(a[0], 3),
    ],
)
def test_memory_in_any_order(view: Any) -> None:
    values = view(np.arange(1.0, 97).reshape(12, 8))
    assert (Heatmap(values).frame.values == values).all()
    cube = np.stack([values, values + 1]).swapaxes(0, 1)
    assert (Heatmap(cube, reducer="mean").frame.values == cube.mean(axis=0)).all()


def test_a_list_of_lists_is_an_array() -> None:
    assert Heatmap([[1, 2], [3, 4]]).frame.values.tolist() == [[1, 2], [3, 4]]


def test_masked_cells_are_pending_and_out_of_the_limits() -> None:
    values = np.ma.array([[1.0, 900.0], [3.0, 2.0]], mask=[[0, 1], [0, 0]])
    frame = Heatmap(values).frame
    assert frame.states.tolist() == [[0, CellState.PENDING], [0, 0]]
    assert frame.view.colors.limits == (1.0, 3.0)
    assert np.isnan(frame.values[0, 1])


def test_everything_masked() -> None:
    widget = Heatmap(np.ma.masked_all((2, 3)))
    assert (widget.frame.states == CellState.PENDING).all()
    assert "pending" in point(widget, 0, 0)


# Values


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("asked", MARKS)
def test_all_nan(scale: str, asked: str) -> None:
    widget = Heatmap(np.full((3, 4), NAN), color_scale=scale, mark=asked)
    assert (widget.frame.states == CellState.NAN).all()
    assert len(np.unique(pixels(widget).reshape(-1, 3), axis=0)) == 1
    assert point(widget, 1, 1).startswith("NaN")


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("value", [7.0, -7.0, 1e-40, 1e300])
def test_all_equal_is_a_plain_value_within_the_limits(scale: str, value: float) -> None:
    widget = Heatmap(np.full((3, 4), value), color_scale=scale)
    if scale == "log" and value < 0:
        assert (widget.frame.states == CellState.NONPOSITIVE).all()
        return
    low, high = widget.frame.view.colors.limits
    assert low < high
    assert low <= float(widget.frame.values[0, 0]) <= high
    assert not widget.frame.states.any()


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_two_values_as_close_as_can_be(scale: str) -> None:
    values = np.array([[1e10, np.nextafter(1e10, 2e10)]])
    widget = Heatmap(values, color_scale=scale)
    assert widget.frame.view.colors.limits == tuple(values[0])
    assert not widget.frame.states.any()


def test_all_zero() -> None:
    assert states(np.zeros((1, 2))) == [[CellState.VALUE] * 2]
    assert states(np.zeros((1, 2)), color_scale="log") == [[CellState.NONPOSITIVE] * 2]


def test_negative_under_log_has_a_state_and_a_legend() -> None:
    values = np.array([[-1.0, 0.0, 0.5, 2.0]])
    bad = CellState.NONPOSITIVE
    widget = Heatmap(values, color_scale="log")
    assert widget.frame.states.tolist() == [[bad, bad, 0, 0]]
    assert widget.frame.view.colors.limits == (0.5, 2.0)
    assert any("zero or negative" in html.value for html in html_parts(widget))


def test_infinities_have_states_and_leave_the_limits_alone() -> None:
    values = np.array([[-INF, INF, 1.0, 3.0, NAN]])
    negative, positive = CellState.NEGATIVE_INFINITY, CellState.POSITIVE_INFINITY
    widget = Heatmap(values)
    assert widget.frame.states.tolist() == [[negative, positive, 0, 0, CellState.NAN]]
    assert widget.frame.view.colors.limits == (1.0, 3.0)
    legend = " ".join(html.value for html in html_parts(widget))
    assert all(f"</span> {text}" in legend for text in ("+inf", "−inf", "NaN"))


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("shape", [(1, 7), (7, 1), (1, 1), (1, 1, 1), (3, 1, 1), (1, 4, 5)])
@pytest.mark.parametrize("asked", MARKS)
def test_single_row_column_cell_on_each_mark(
    asked: str, shape: tuple[int, ...], scale: str
) -> None:
    values = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    widget = Heatmap(values, mark=asked, color_scale=scale)
    shown = values.mean(axis=0) if values.ndim == 3 else values
    assert widget.frame.values.tolist() == shown.tolist()
    single = min(widget.frame.shape) == 1
    expected = "HeatMap" if asked == "heatmap" and not single else "Image"
    assert type(mark(widget)).__name__ == expected
    if expected == "Image":
        assert pixels(widget).shape == (*widget.frame.shape, 3)


def test_one_index_has_no_slider() -> None:
    assert sliders(Heatmap(np.ones((1, 1, 3)))) == []
    assert [s.description for s in sliders(Heatmap(np.ones((2, 1, 3))))] == ["iteration"]


# Dims, labels, axes


@pytest.mark.parametrize("repeated", [("layer", "layer")])
def test_dims_that_repeat(repeated: tuple[str, ...]) -> None:
    message = f"dims must not repeat, got {repeated}"
    with refuses(ValueError, message):
        Heatmap(np.ones((2, 3)), dims=repeated)


@pytest.mark.parametrize("dims", [("layer",), ("iteration", "layer", "token")])
def test_dims_that_do_not_match_the_shape(dims: tuple[str, ...]) -> None:
    message = f"dims must name each axis of shape (2, 3) once, got {len(dims)}: {dims}"
    with refuses(ValueError, message):
        Heatmap(np.ones((2, 3)), dims=dims)


def test_axes_that_the_widget_needs() -> None:
    message = "ActivationHeatmap needs the axis layer for its rows, got dims ('x', 'token')"
    with refuses(ValueError, message):
        ActivationHeatmap(np.ones((2, 3)), dims=("x", "token"))
    with refuses(ValueError, "got dims ('dim_0', 'dim_1')"):
        ActivationHeatmap(xarray.DataArray(np.ones((2, 3))))


@pytest.mark.parametrize("dims", ["token", 5, {"token"}])
def test_dims_of_the_wrong_kind(dims: Any) -> None:
    with refuses(TypeError, "dims must be a sequence of names, got "):
        Heatmap(np.ones((2, 3)), dims=dims)


def test_dims_that_the_widget_cannot_show() -> None:
    message = "ActivationHeatmap needs the axis layer for its rows, got dims "
    with refuses(ValueError, message + "('iteration', 'token')"):
        ActivationHeatmap(np.ones((2, 3)), dims=("iteration", "token"))
    message = "ConvergenceHeatmap needs the axis token or prompt for its rows, got dims "
    with refuses(ValueError, message + "('iteration', 'layer')"):
        ConvergenceHeatmap(np.ones((2, 3)), dims=("iteration", "layer"))


@pytest.mark.parametrize("argument", ["rows", "columns"])
def test_an_axis_that_the_array_lacks(argument: str) -> None:
    message = f"Heatmap needs the axis layer for its {argument}, got dims ('iteration', 'token')"
    with refuses(ValueError, message):
        Heatmap(np.ones((2, 3)), **{argument: "layer"})


def test_rows_and_columns_alike() -> None:
    with refuses(ValueError, "rows and columns must differ, got 'token' for both"):
        Heatmap(np.ones((2, 3)), rows="token", columns="token")


@pytest.mark.parametrize("argument", ["tokens", "prompts"])
@pytest.mark.parametrize("n", [0, 2, 4])
def test_label_counts_that_differ(argument: str, n: int) -> None:
    with refuses(ValueError, f"{argument} must have one text for each of 3, got {n}"):
        Heatmap(np.ones((2, 3)), **{argument: ["x"] * n})


@pytest.mark.parametrize(("argument", "dim"), [("iterations", "iteration"), ("layers", "layer")])
@pytest.mark.parametrize("n", [0, 1, 3])
def test_number_counts_that_differ(argument: str, dim: str, n: int) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{argument} must "):
        Heatmap(np.ones((2, 3)), dims=(dim, "token"), **{argument: range(n)})


def test_tokens_and_prompts_at_once() -> None:
    with refuses(TypeError, "tokens and prompts name the same axis: give one of them"):
        Heatmap(np.ones((2, 3)), tokens="abc", prompts="abc")


@pytest.mark.parametrize("tokens", ["abc", b"abc", 3])
def test_labels_of_the_wrong_kind(tokens: Any) -> None:
    with refuses(TypeError, "tokens must be a sequence of 3 texts, got "):
        Heatmap(np.ones((2, 3)), tokens=tokens)


@pytest.mark.parametrize("layers", [[1, 1], [NAN, 1], [1, INF]])
def test_layers_in_no_order(layers: Any) -> None:
    with refuses(ValueError, "layers must be numbers that strictly increase or decrease, got "):
        Heatmap(np.ones((2, 3)), dims=("layer", "token"), layers=layers)


def test_layers_that_are_no_numbers() -> None:
    with refuses(TypeError, "layers must be numbers or texts, got dtype bool"):
        Heatmap(np.ones((2, 3)), dims=("layer", "token"), layers=[True, False])


@pytest.mark.parametrize("coords", [["a"], "ab", 3])
def test_coords_that_are_no_mapping(coords: Any) -> None:
    with refuses(TypeError, "coords must be a mapping of names of axes to coordinates, got "):
        Heatmap(np.ones((2, 3)), coords=coords)
    with refuses(ValueError, "heads given, but the array's dims are ('iteration', 'token')"):
        Heatmap(np.ones((2, 3)), coords={"head": [1, 2]})


def test_axes_without_names() -> None:
    with refuses(ValueError, "dims must name the 4 axes of the array, such as head, "):
        Heatmap(np.ones((1, 2, 3, 4)))


def test_labels_of_an_axis_that_is_not_there() -> None:
    message = "layers given, but the array's dims are ('iteration', 'token')"
    with refuses(ValueError, message):
        ConvergenceHeatmap(np.ones((2, 3)), layers=[1, 2])


# Ranges

NOT_A_RANGE = [
    (5, 2),
    (NAN, 3),
    (0, NAN),
    (0, INF),
    (-INF, 3),
    5,
    None,
    "04",
    (1,),
    (1, 2, 3),
    ("0", "3"),
    (True, 3),
    (0, 3j),
    {},
    [[0, 3]],
    (0, 10**400),
]


@pytest.mark.parametrize("value", NOT_A_RANGE)
@pytest.mark.parametrize("name", ["iteration_range", "layer_band", "color_range"])
def test_what_is_no_range(name: str, value: Any) -> None:
    message = f"{name} must be a pair (first, last) of numbers with first <= last"
    widget = Heatmap(np.ones((8, 8, 2)))
    with refuses(TraitError, message):
        setattr(widget, name, value)
    assert widget.view_state()[name] == [None, None]
    with refuses(TraitError, message):
        Heatmap(np.ones((8, 8, 2)), **{name: value})


@pytest.mark.parametrize("value", [(0, 8), (-1, 3), (8, 9), (-5, -1), (None, 8), (-1, None)])
def test_range_outside(value: Any) -> None:
    widget = ConvergenceHeatmap(np.ones((8, 3)), iteration_range=(2, 5))
    with refuses(TraitError, f"iteration_range must lie within iterations 0..7, got {value}"):
        widget.iteration_range = value
    assert widget.iteration_range == (2, 5)
    assert widget.frame.shape == (3, 4)


def test_band_outside() -> None:
    with refuses(TraitError, "layer_band must lie within layers 1..35, got (0, 99)"):
        ActivationHeatmap(np.ones((35, 3)), layers=range(1, 36), layer_band=(0, 99))


def test_range_of_an_axis_that_is_not_there() -> None:
    widget = ConvergenceHeatmap(np.ones((8, 3)))
    message = "layer_band must stay (None, None): the array has no layer axis, got (0, 1)"
    with refuses(TraitError, message):
        widget.layer_band = (0, 1)
    widget.layer_band = (None, None)


@pytest.mark.parametrize(
    ("value", "columns"),
    [
        ((None, None), slice(0, 8)),
        ((None, 3), slice(0, 4)),
        ((3, None), slice(3, 8)),
        ((7, None), slice(7, 8)),
        ((None, 0), slice(0, 1)),
        ([2, 4], slice(2, 5)),
        (np.array([2, 4]), slice(2, 5)),
        ((np.int64(2), np.float32(4)), slice(2, 5)),
        ((1.5, 4.5), slice(2, 5)),
    ],
)
def test_range_open_or_of_other_numbers(value: Any, columns: slice) -> None:
    values = np.arange(1.0, 25).reshape(8, 3)
    widget = ConvergenceHeatmap(values, iteration_range=value)
    assert (widget.frame.values == values.T[:, columns]).all()


def test_range_of_huge_coordinates_is_exact() -> None:
    first = 2**60
    widget = ConvergenceHeatmap(np.ones((4, 2)), iterations=[first + k for k in range(4)])
    widget.iteration_range = (first + 1, first + 2)
    assert widget.iteration_range == (first + 1, first + 2)
    assert widget.frame.shape == (2, 2)
    assert slider(widget, "iteration").value == (first + 1, first + 2)


# Words


@pytest.mark.parametrize(
    ("keyword", "near"),
    [("token", "tokens"), ("iteration_rang", "iteration_range"), ("colour_scale", "color_scale")],
)
def test_unknown_keyword_names_the_nearest(keyword: str, near: str) -> None:
    message = f"ConvergenceHeatmap() got an unknown keyword {keyword!r}; did you mean {near!r}?"
    with refuses(TypeError, message):
        ConvergenceHeatmap(np.ones((2, 3)), **{keyword: 1})


def test_unknown_keyword_unlike_any_other() -> None:
    with refuses(TypeError, "Heatmap() got an unknown keyword 'xyzzy'; it takes color_center, "):
        Heatmap(np.ones((2, 3)), xyzzy=1)
    with refuses(TypeError, "set_array() got an unknown keyword 'token'; did you mean 'tokens'?"):
        Heatmap(np.ones((2, 3))).set_array(np.ones((2, 3)), token=["a"])


@pytest.mark.parametrize("value", ["seed", 3, None, ("layer",)])
def test_rows_and_columns_are_axes_of_the_array(value: Any) -> None:
    widget = Heatmap(np.ones((2, 3, 4)))
    for name in ("rows", "columns"):
        with refuses(TraitError, f"{name} must be one of ('iteration', 'layer', 'token'), got "):
            setattr(widget, name, value)
    assert (widget.rows, widget.columns) == ("layer", "token")
    with refuses(ValueError, "rows and columns must differ, got 'token' for both"):
        Heatmap(np.ones((2, 3)), rows="token", columns="token")


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({"layer": (0, 9)}, "layer_band must lie within layers 0..2, got (0, 9)"),
        ({"head": (0, 9)}, "ranges['head'] must lie within heads 0..1, got (0, 9)"),
        ({"head": (1, 0)}, "ranges['head'] must be a pair (first, last) of numbers"),
        ({"head": 3}, "ranges['head'] must be a pair (first, last) of numbers"),
        ({"seed": (0, 1)}, "ranges must be of the axes ('head', 'layer', 'token'), got 'seed'"),
        ([("head", (0, 1))], "ranges must be a mapping of names of axes to pairs (first, last)"),
    ],
)
def test_ranges_that_do_not_fit(ranges: Any, message: str) -> None:
    widget = Heatmap(np.ones((2, 3, 4)), dims=("head", "layer", "token"), layer_band=(1, 1))
    with refuses(TraitError, message):
        widget.ranges = ranges
    assert widget.ranges == {"head": (0, 1), "layer": (1, 1), "token": (0, 3)}


@pytest.mark.parametrize(
    ("reducers", "message"),
    [
        ({"head": "median"}, "reducers['head'] must be one of 'mean', 'max', "),
        ({"seed": "mean"}, "reducers must be of the axes ('head', 'layer', 'token'), got 'seed'"),
        ("mean", "reducers must be a mapping of names of axes to 'mean', 'max', "),
    ],
)
def test_reducers_that_do_not_fit(reducers: Any, message: str) -> None:
    widget = Heatmap(np.ones((2, 3, 4)), dims=("head", "layer", "token"))
    with refuses(TraitError, message):
        widget.reducers = reducers
    assert widget.reducers == {"head": "mean"}


@pytest.mark.parametrize("name", ["color_scheme", "reducer", "pooling", "color_scale", "mark"])
@pytest.mark.parametrize("value", ["nope", 3, [], "", b"mean", "Mean"])
def test_unknown_word(name: str, value: Any) -> None:
    widget = Heatmap(np.ones((2, 3, 4)))
    before = getattr(widget, name)
    with pytest.raises(TraitError, match=rf"^{name} must be one of .*'.*', got ") as error:
        setattr(widget, name, value)
    assert str(error.value).endswith(repr(value))
    assert getattr(widget, name) == before


@pytest.mark.parametrize(
    ("name", "value"),
    [("title", 3), ("quantity", None), ("width", "wide"), ("width", 10), ("height", 1e9)],
)
def test_wrong_look(name: str, value: Any) -> None:
    with pytest.raises(TraitError, match=name):
        Heatmap(np.ones((2, 3)), **{name: value})


# After an error, after close()


def test_an_error_leaves_no_widget_behind() -> None:
    before = live_widgets()
    for keywords in ({"mark": "nope"}, {"tokens": ["a"]}, {"nope": 1}, {"color_range": (1, 1)}):
        with pytest.raises((TypeError, ValueError, TraitError)):
            Heatmap(np.ones((2, 3)), **keywords)
    leaked = live_widgets() - before
    assert not leaked


ASSIGNMENTS = {
    "iteration_range": (1, 2),
    "layer_band": (0, 1),
    "reducer": "max",
    "pooling": "min",
    "color_range": (0, 5),
    "color_scale": "log",
    "color_scheme": "magma",
    "mark": "heatmap",
    "title": "late",
    "quantity": "late",
    "width": 300,
    "height": 300,
}


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_assignment_after_close_draws_and_sends_nothing(name: str, recorder: Recorder) -> None:
    widget = Heatmap(np.ones((4, 3, 2)))
    frame = widget.frame
    widget.close()
    recorder.clear()
    setattr(widget, name, ASSIGNMENTS[name])
    assert getattr(widget, name) == ASSIGNMENTS[name]
    assert widget.frame is frame
    assert recorder.take() == []


def test_calls_after_close(recorder: Recorder) -> None:
    widget = Heatmap(np.ones((4, 3, 2)))
    widget.close()
    recorder.clear()
    widget.close()
    widget.refresh()
    widget.reset()
    widget.set_view_state({"color_scheme": "magma"})
    with refuses(RuntimeError, "set_array() on a closed Heatmap"):
        widget.set_array(np.ones((2, 2)))
    assert repr(widget) == "<Heatmap closed>"
    assert recorder.take() == []


def html_parts(widget: Heatmap) -> list[Any]:
    """HTML widgets inside a widget."""
    return parts(widget, ipywidgets.HTML)


def sliders(widget: Heatmap) -> list[Any]:
    """Range sliders inside a widget."""
    return parts(widget, ipywidgets.IntRangeSlider)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("cmap", "color_scheme"),
        ("vmin", "color_range"),
        ("log", 'color_scale="log"'),
        ("labels", "tokens= or prompts="),
        ("iteration_rang", "iteration_range"),
        ("layer_range", "layer_band"),
    ],
)
def test_names_of_other_tools_are_refused_with_ours(name: str, meant: str) -> None:
    """As a keyword, and as an attribute, which would be taken in silence."""
    with pytest.raises(TypeError, match=rf"unknown keyword '{name}'; .*{meant}"):
        Heatmap(np.ones((2, 3)), **{name: 1})
    widget = Heatmap(np.ones((2, 3)))
    if name != "log":  # ipywidgets has one, which takes only a logger
        with pytest.raises(AttributeError, match=rf"has no attribute '{name}'; .*{meant}"):
            setattr(widget, name, 1)
    with pytest.raises(AttributeError, match=r"Heatmap has no attribute 'xyzzy'$"):
        widget.xyzzy = 1


def test_a_class_of_the_users_has_attributes_of_its_own() -> None:
    class Own(Heatmap):
        def __init__(self, array: Any) -> None:
            self.note = "mine"
            super().__init__(array)

    assert Own(np.ones((2, 3))).note == "mine"


def test_three_axes_that_nobody_has_named() -> None:
    said = r"array of shape \(2, 3, 4\) names no axes: read as iteration, layer, token; dims="
    with pytest.warns(UserWarning, match=said) as warned:
        Heatmap(np.ones((2, 3, 4)))
    assert warned[0].filename == __file__
    with pytest.warns(UserWarning, match="If the last axis is d_model, show np.linalg.norm"):
        ActivationHeatmap([torch.ones(5, 576)] * 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dims = ("iteration", "layer", "token")
        widget = Heatmap(np.ones((2, 3, 4)), dims=dims)
        widget.set_array(xarray.DataArray(np.ones((2, 3, 4)), dims=dims))
        Heatmap(np.ones((2, 3, 4)), tokens=list("abcd"))
        Heatmap(LiveArray({"iteration": 2, "layer": 3, "token": 4}))
        Heatmap(np.ones((3, 4)))


def test_what_is_printed_is_one_line() -> None:
    widget = Heatmap(np.ones((2, 3)))
    assert repr(widget.frame) == "<Frame (iteration: 2, token: 3), colours 0 to 2>"
    assert "\n" not in repr(widget)


def test_a_help_text_begins_with_ours() -> None:
    for kind in (ConvergenceHeatmap, ActivationHeatmap):
        assert ">>> " in kind.__doc__
    for module in (hw, hw.metrics, hw.capture, hw.samples):
        public = {name for name in dir(module) if not name.startswith("_")}
        assert public <= {*module.__all__, "open"}
