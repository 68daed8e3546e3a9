"""Traits of the heatmaps: what can be set, observed, linked, saved and put back."""

from __future__ import annotations

import inspect
import json
from typing import Any

import ipywidgets
import numpy as np
import pytest
import traitlets
import xarray
from traitlets import TraitError

from heatwidget import ActivationHeatmap, ConvergenceHeatmap, Heatmap, LabelledArray, samples
from heatwidget.frames import REDUCERS, Frame, color_schemes
from tests.widgets.helpers import htmls, slider, text_of

ALL = (None, None)


def cube(n_iterations: int = 8, n_layers: int = 5, n_items: int = 3) -> np.ndarray:
    """Values of an (iteration, layer, item) array, all different and positive."""
    shape = (n_iterations, n_layers, n_items)
    return 1 + np.random.default_rng(0).permutation(np.prod(shape)).reshape(shape).astype(float)


def shown(widget: Heatmap) -> np.ndarray:
    """Values on screen."""
    return widget.frame.values


def same(values: Any, wanted: Any) -> bool:
    """Whether values are those wanted, to the precision of a frame."""
    return np.shape(values) == np.shape(wanted) and np.allclose(values, wanted, rtol=1e-6)


# Making one


def test_defaults() -> None:
    widget = Heatmap(cube())
    assert widget.view_state() == {
        "iteration_range": [None, None],
        "layer_band": [None, None],
        "token_range": [None, None],
        "prompt_range": [None, None],
        "ranges": {},
        "reducer": "mean",
        "reducers": {},
        "pooling": None,
        "color_range": [None, None],
        "color_center": None,
        "color_scale": "linear",
        "color_scheme": "viridis",
        "mark": "auto",
    }
    assert (widget.title, widget.quantity, widget.width, widget.height) == ("", "value", 900, None)
    assert (widget.dims, widget.rows, widget.columns) == (
        ("iteration", "layer", "token"),
        "layer",
        "token",
    )
    assert widget.prompts is None
    assert widget.layers == (0, 1, 2, 3, 4)
    assert widget.iterations == tuple(range(8))
    assert same(shown(widget), cube().mean(axis=0))


def test_frame_is_read_only_float32_in_c_order() -> None:
    frame = Heatmap(cube()).frame
    assert isinstance(frame, Frame)
    assert frame.values.dtype == np.float32
    assert frame.values.flags.c_contiguous
    assert not frame.values.flags.writeable
    assert not frame.states.flags.writeable


def test_convergence_of_two_axes() -> None:
    values = cube()[:, 0]
    widget = ConvergenceHeatmap(values, prompts=["a", "b", "c"])
    assert (widget.dims, widget.rows, widget.columns) == (
        ("iteration", "prompt"),
        "prompt",
        "iteration",
    )
    assert widget.color_scale == "log"
    assert widget.prompts == ("a", "b", "c")
    assert widget.tokens is None
    assert same(shown(widget), values.T)


def test_convergence_of_three_axes_takes_the_mean_of_the_layers() -> None:
    widget = ConvergenceHeatmap(cube(), layer_band=(1, 2), iteration_range=(3, None))
    assert same(shown(widget), cube()[3:, 1:3].mean(axis=1).T)
    assert (widget.rows, widget.columns) == ("token", "iteration")


def test_activation_of_two_axes() -> None:
    values = cube()[0] / 200
    widget = ActivationHeatmap(values, tokens=["a", "b", "c"], layers=range(1, 6))
    assert (widget.dims, widget.rows, widget.columns) == (("layer", "token"), "layer", "token")
    assert widget.layers == (1, 2, 3, 4, 5)
    assert widget.iterations is None
    assert same(shown(widget), values)
    assert widget.frame.view.colors.limits == (0.0, 1.0)


def test_activation_of_three_axes_takes_the_last_iteration() -> None:
    widget = ActivationHeatmap(cube(), iteration_range=(0, 4))
    assert same(shown(widget), cube()[4])
    assert widget.reducer == "last"


def test_general_heatmap_with_chosen_rows_and_columns() -> None:
    widget = Heatmap(cube(), rows="token", columns="layer", reducer="max")
    assert same(shown(widget), cube().max(axis=0).T)
    assert same(shown(Heatmap(cube(), rows="token")), cube().mean(axis=0).T)
    assert same(shown(Heatmap(cube(), columns="iteration")), cube().mean(axis=1).T)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
def test_axes_in_any_order(order: tuple[int, ...]) -> None:
    names = ("iteration", "layer", "prompt")
    dims = [names[i] for i in order]
    widget = ConvergenceHeatmap(cube().transpose(order), dims=dims)
    assert widget.dims == tuple(dims)
    assert same(shown(widget), cube().mean(axis=1).T)


def test_data_array_brings_dims_coordinates_and_quantity() -> None:
    array = xarray.DataArray(
        cube(),
        dims=("iteration", "layer", "prompt"),
        coords={"iteration": range(0, 32, 4), "prompt": ["a", "b", "c"]},
        name="norm",
        attrs={"units": "nat"},
    )
    widget = ConvergenceHeatmap(array, iteration_range=(4, 12))
    assert widget.iterations == tuple(range(0, 32, 4))
    assert widget.prompts == ("a", "b", "c")
    assert widget.quantity == "norm [nat]"
    assert same(shown(widget), cube()[1:4].mean(axis=1).T)
    assert ConvergenceHeatmap(array, prompts=["x", "y", "z"]).prompts == ("x", "y", "z")
    assert ConvergenceHeatmap(array, quantity="mine").quantity == "mine"


def test_labelled_array_and_sample() -> None:
    sample = samples.load("residuals-by-prompt")
    assert isinstance(sample, LabelledArray)
    widget = ConvergenceHeatmap(sample)
    assert widget.prompts == sample.coords["prompt"]
    assert same(shown(widget), np.asarray(sample).T)
    assert widget.quantity == (sample.quantity or ConvergenceHeatmap.quantity.default_value)


# Setting


@pytest.mark.parametrize("reducer", REDUCERS)
def test_reducers(reducer: str) -> None:
    widget = ConvergenceHeatmap(cube())
    widget.reducer = reducer
    wanted = {
        "mean": cube().mean(axis=1),
        "max": cube().max(axis=1),
        "min": cube().min(axis=1),
        "rms": np.sqrt((cube() ** 2).mean(axis=1)),
        "std": cube().std(axis=1),
        "difference": cube()[:, -1] - cube()[:, 0],
        "log-ratio": np.log10(cube()[:, -1] / cube()[:, 0]),
        "first": cube()[:, 0],
        "last": cube()[:, -1],
    }[reducer]
    assert same(shown(widget), wanted.T)


@pytest.mark.parametrize(
    "name", ["frame", "coords", "dims", "tokens", "prompts", "layers", "iterations"]
)
def test_what_describes_the_array_cannot_be_set(name: str) -> None:
    widget = Heatmap(cube())
    with pytest.raises(TraitError, match=f'"{name}" trait is read-only'):
        setattr(widget, name, getattr(widget, name))


def test_every_scheme_and_no_other() -> None:
    schemes = {"viridis", "magma", "cividis", "inferno", "plasma", "greys"}
    assert schemes < set(color_schemes())
    widget = Heatmap(cube())
    for scheme in color_schemes():
        widget.color_scheme = scheme


def test_title_and_quantity_are_shown() -> None:
    widget = Heatmap(cube(), title="one", quantity="norm")
    assert {"one", "norm"} <= {text_of(html) for html in htmls(widget)}
    widget.title, widget.quantity = "two", "rms"
    assert {"two", "rms"} <= {text_of(html) for html in htmls(widget)}


def test_size_bounds_the_cells() -> None:
    widget = ConvergenceHeatmap(np.ones((2000, 600)), width=400, height=300)
    assert max(widget.frame.shape) < 400
    widget.width, widget.height = 1500, 800
    assert widget.frame.shape == (600, 1000)


# Colour range and scale check each other


def test_color_range_under_log_must_be_positive() -> None:
    widget = ConvergenceHeatmap(cube())
    message = r"^color_range must be positive under a log color_scale, got \(-1, 3\)"
    with pytest.raises(TraitError, match=message):
        widget.color_range = (-1, 3)
    assert widget.view_state()["color_range"] == [None, None]
    widget.color_scale = "linear"
    widget.color_range = (-1, 3)
    with pytest.raises(TraitError, match=message):
        widget.color_scale = "log"
    assert (widget.color_scale, widget.color_range) == ("linear", (-1, 3))
    assert widget.frame.view.colors.scale == "linear"


@pytest.mark.parametrize("value", [(0, None), (None, 0), (None, -2)])
def test_open_color_range_under_log_must_be_positive_too(value: Any) -> None:
    with pytest.raises(TraitError, match="color_range must be positive"):
        ConvergenceHeatmap(cube(), color_range=value)


def test_color_range_needs_two_different_ends() -> None:
    with pytest.raises(TraitError, match=r"color_range must have two different ends, got \(2, 2\)"):
        Heatmap(cube(), color_range=(2, 2))


def test_color_traits_set_together_are_checked_together() -> None:
    widget = ConvergenceHeatmap(cube())
    with widget.hold_trait_notifications():
        widget.color_range = (-1, 3)
        widget.color_scale = "linear"
    assert widget.frame.view.colors.limits == (-1, 3)
    widget.set_view_state({"color_scale": "log", "color_range": [1, 3]})
    assert widget.frame.view.colors.scale == "log"
    widget.set_view_state({"color_range": [-1, 3], "color_scale": "linear"})
    assert widget.frame.view.colors.limits == (-1, 3)
    assert ConvergenceHeatmap(cube(), color_range=(-1, 1), color_scale="linear").frame


def test_wrong_pair_within_a_hold_is_taken_back() -> None:
    widget = ConvergenceHeatmap(cube())
    frame = widget.frame
    hold = widget.hold_trait_notifications()
    hold.__enter__()
    widget.color_range = (-1, 3)
    widget.color_scheme = "magma"
    with pytest.raises(TraitError, match="color_range must be positive"):
        hold.__exit__(None, None, None)
    assert widget.view_state()["color_range"] == [None, None]
    assert widget.color_scheme == "viridis"
    assert widget.frame is frame


def test_array_with_a_color_range_beyond_it() -> None:
    widget = Heatmap(cube(), color_range=(None, 5))
    low, high = widget.frame.view.colors.limits
    assert high == 5
    assert low < high


# Observing and linking


def test_observer_sees_the_new_frame() -> None:
    widget, seen = ConvergenceHeatmap(cube()), []
    widget.observe(lambda change: seen.append((change["new"], widget.frame.shape)), "layer_band")
    widget.observe(
        lambda change: seen.append((change["new"], widget.frame.shape)), "iteration_range"
    )
    widget.iteration_range = (2, 5)
    assert seen == [((2, 5), (3, 4))]


def test_frame_is_observed_once_for_each_picture() -> None:
    widget, seen = ConvergenceHeatmap(cube()), []
    widget.observe(lambda change: seen.append(change["new"]), "frame")
    widget.iteration_range = (2, 5)
    widget.iteration_range = (2.0, 5.0)
    widget.set_view_state({"iteration_range": [0, 3], "layer_band": [1, 1], "reducer": "max"})
    assert [frame.shape for frame in seen] == [(3, 4), (3, 4)]
    assert seen[-1] is widget.frame


def test_observer_may_set_what_else_it_likes() -> None:
    widget = ConvergenceHeatmap(cube())
    widget.observe(lambda change: setattr(widget, "layer_band", (1, 1)), "iteration_range")
    widget.iteration_range = (2, 3)
    assert same(shown(widget), cube()[2:4, 1].T)


def test_link_moves_both_ways() -> None:
    one, two = ConvergenceHeatmap(cube()), ActivationHeatmap(cube())
    traitlets.link((one, "iteration_range"), (two, "iteration_range"))
    one.iteration_range = (0, 3)
    assert two.iteration_range == (0, 3)
    assert same(shown(two), cube()[3])
    assert slider(two, "iteration").value == (0, 3)
    slider(two, "iteration").set_state({"value": [1, 6]})
    assert one.iteration_range == (1, 6)
    assert one.frame.shape == (3, 6)
    assert slider(one, "iteration").value == (1, 6)


def test_link_to_a_shorter_array_refuses_what_does_not_fit() -> None:
    one, two = ConvergenceHeatmap(cube()), ConvergenceHeatmap(cube(n_iterations=4))
    traitlets.link((one, "iteration_range"), (two, "iteration_range"))
    with pytest.raises(TraitError, match=r"iteration_range must lie within iterations 0\.\.3"):
        one.iteration_range = (2, 7)
    assert two.iteration_range == (0, 3)


@pytest.mark.parametrize("first", ["heatmap", "slider"])
def test_range_linked_with_a_slider(first: str) -> None:
    widget, own = ConvergenceHeatmap(cube()), ipywidgets.IntRangeSlider(value=(0, 7), min=0, max=7)
    ends = [(widget, "iteration_range"), (own, "value")]
    ipywidgets.link(*(ends if first == "heatmap" else ends[::-1]))
    assert widget.iteration_range == own.value == (0, 7)
    own.value = (2, 5)
    assert widget.iteration_range == slider(widget, "iteration").value == (2, 5)
    widget.iteration_range = (3, None)
    assert own.value == (3, 7)
    widget.reset()
    assert own.value == widget.iteration_range == (0, 7)
    widget.set_array(cube(n_iterations=5))
    assert own.value == widget.iteration_range == (0, 4)


def test_colors_linked_with_a_slider() -> None:
    widget, own = ConvergenceHeatmap(cube()), ipywidgets.FloatLogSlider(value=2, min=-3, max=3)
    both = ipywidgets.FloatRangeSlider(value=(0, 1), min=0, max=200)
    ipywidgets.link((widget, "color_range"), (both, "value"))
    assert both.value == widget.color_range == widget.frame.view.colors.limits
    both.value = (2, 20)
    assert widget.frame.view.colors.limits == (2, 20)
    widget.reset()
    assert both.value == widget.color_range == (1, 120)
    own.observe(lambda change: setattr(widget, "color_range", (None, change["new"])), "value")
    own.value = 50
    assert both.value == widget.color_range == widget.frame.view.colors.limits == (1, 50)


def test_ranges_of_two_heatmaps_stay_open_together() -> None:
    one, two = ConvergenceHeatmap(cube()), ConvergenceHeatmap(cube(n_iterations=4))
    traitlets.link((one, "iteration_range"), (two, "iteration_range"))
    assert (one.iteration_range, two.iteration_range) == ((0, 7), (0, 3))
    one.iteration_range = (2, 3)
    assert two.iteration_range == (2, 3)
    two.reset()
    assert (one.iteration_range, two.iteration_range) == ((0, 7), (0, 3))
    assert one.view_state()["iteration_range"] == [None, None]


def test_a_heatmap_takes_the_colors_of_another() -> None:
    one = ConvergenceHeatmap(cube())
    two = ConvergenceHeatmap(3 * cube(), color_range=one.color_range)
    assert two.frame.view.colors.limits == one.frame.view.colors.limits
    assert two.view_state()["color_range"] == [1, 120]


def test_open_ends_within_a_hold() -> None:
    widget, seen = ConvergenceHeatmap(cube()), []
    widget.observe(lambda change: seen.append(change["new"]), "iteration_range")
    with widget.hold_trait_notifications():
        widget.iteration_range = (2, None)
        widget.layer_band = (1, 1)
        assert seen == []
    assert widget.view_state()["iteration_range"] == [2, None]
    assert seen == [(2, 7)]
    assert widget.frame.shape == (3, 6)


def test_a_range_that_reads_as_before_is_not_told() -> None:
    widget, seen = ConvergenceHeatmap(cube()), []
    widget.observe(seen.append, ["iteration_range", "layer_band", "color_range"])
    widget.iteration_range = (0, 7)
    widget.iteration_range = (None, 7)
    assert seen == []


# State


STATE = {
    "iteration_range": [2, 5],
    "layer_band": [None, 2],
    "token_range": [1, 2],
    "prompt_range": [None, None],
    "ranges": {},
    "reducer": "max",
    "reducers": {},
    "pooling": "min",
    "color_range": [0.5, 3],
    "color_center": 2.5,
    "color_scale": "log",
    "color_scheme": "magma",
    "mark": "heatmap",
}


def test_state_goes_through_json_and_back() -> None:
    one, two = Heatmap(cube()), Heatmap(cube())
    one.set_view_state(STATE)
    text = json.dumps(one.view_state())
    assert json.loads(text) == STATE
    two.set_view_state(json.loads(text))
    assert two.view_state() == STATE
    assert (two.frame.values == one.frame.values).all()
    assert two.frame.view == one.frame.view


def test_part_of_a_state_leaves_the_rest() -> None:
    widget = Heatmap(cube(), reducer="min")
    widget.set_view_state({"layer_band": (1, 1)})
    assert widget.view_state() == {**Heatmap(cube(), reducer="min").view_state()} | {
        "layer_band": [1, 1]
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"iteration_range": [0, 99]},
        {"mark": "nope"},
        {"layer_band": [3, 2]},
        {"color_range": [-1, 1]},
        {"color_range": 5},
        {"reducer": []},
    ],
)
def test_wrong_state_changes_nothing(wrong: dict[str, Any]) -> None:
    widget = ConvergenceHeatmap(cube(), layer_band=(1, 3))
    before, frame = widget.view_state(), widget.frame
    seen: list[Any] = []
    widget.observe(seen.append, ["color_scheme", "iteration_range", "frame"])
    for state in ({**STATE, **wrong}, {**wrong, "color_scheme": "magma"}):
        with pytest.raises(TraitError, match=f"^{next(iter(wrong))} must "):
            widget.set_view_state(state)
    assert widget.view_state() == before
    assert widget.frame is frame
    assert seen == []


def test_unknown_name_in_a_state_changes_nothing() -> None:
    widget = Heatmap(cube())
    with pytest.raises(ValueError, match=r"^state must hold only .*iteration_range.*, got 'title'"):
        widget.set_view_state({"color_scheme": "magma", "title": "x"})
    assert widget.color_scheme == "viridis"


@pytest.mark.parametrize("state", [None, [], "x", 3])
def test_state_that_is_no_mapping(state: Any) -> None:
    with pytest.raises(TypeError, match=r"^state must be a mapping as from view_state\(\), got "):
        Heatmap(cube()).set_view_state(state)


def test_reset_goes_back_to_what_was_asked_at_first() -> None:
    widget = ConvergenceHeatmap(cube(), iteration_range=(2, 5), color_scheme="magma")
    first, frame = widget.view_state(), widget.frame
    widget.set_view_state(STATE)
    widget.reset()
    assert widget.view_state() == first
    assert (widget.frame.values == frame.values).all()
    assert slider(widget, "iteration").value == (2, 5)


def test_title_set_by_an_observer_during_reset_is_shown() -> None:
    widget = ConvergenceHeatmap(cube())
    widget.observe(lambda change: setattr(widget, "title", str(change["new"])), "iteration_range")
    widget.iteration_range = (2, 3)
    assert "(2, 3)" in [text_of(html) for html in htmls(widget)]
    widget.reset()
    assert "(0, 7)" in [text_of(html) for html in htmls(widget)]


# Another array


def test_set_array_of_another_size_and_other_labels() -> None:
    widget = ConvergenceHeatmap(cube(), tokens=["a", "b", "c"])
    values = cube(4, 2, 6)
    widget.set_array(values, prompts=list("uvwxyz"))
    assert same(shown(widget), values.mean(axis=1).T)
    assert (widget.tokens, widget.prompts) == (None, tuple("uvwxyz"))
    assert (widget.rows, widget.dims[-1]) == ("prompt", "prompt")
    assert slider(widget, "iteration").max == 3
    assert slider(widget, "layer").max == 1


def test_set_array_keeps_what_still_fits_and_opens_what_does_not() -> None:
    widget = ConvergenceHeatmap(cube(), iteration_range=(2, 7), layer_band=(1, 1))
    widget.reducer = "max"
    widget.set_array(cube(5, 3, 2))
    assert (widget.iteration_range, widget.layer_band, widget.reducer) == ((0, 4), (1, 1), "max")
    assert same(shown(widget), cube(5, 3, 2)[:, 1].T)
    assert slider(widget, "layer").value == (1, 1)
    assert slider(widget, "iteration").value == (0, 4)


def test_set_array_without_an_axis_that_had_a_range() -> None:
    widget = ConvergenceHeatmap(cube(), layer_band=(1, 1))
    widget.set_array(cube()[:, 0])
    assert widget.layer_band == ALL
    assert widget.layers is None
    with pytest.raises(StopIteration):
        slider(widget, "layer")
    widget.set_array(cube())
    assert slider(widget, "layer").value == (0, 4)


def test_reset_after_set_array_shows_all_of_the_new_array() -> None:
    widget = ConvergenceHeatmap(cube(), iteration_range=(2, 7), color_scheme="magma")
    widget.set_array(cube(3))
    widget.iteration_range = (1, 1)
    widget.reset()
    assert widget.iteration_range == (0, 2)
    assert widget.color_scheme == "magma"
    assert widget.frame.shape == (3, 3)


def test_wrong_array_changes_nothing() -> None:
    widget = ConvergenceHeatmap(cube(), tokens=["a", "b", "c"])
    frame = widget.frame
    for array, data in [
        (np.ones(3), {}),
        (np.ones((3, 2)), {"tokens": ["a"]}),
        (np.ones((3, 2)), {"dims": ("layer", "token")}),
        ([["x"]], {}),
    ]:
        with pytest.raises((TypeError, ValueError)):
            widget.set_array(array, **data)
    assert widget.frame is frame
    assert widget.tokens == ("a", "b", "c")
    widget.iteration_range = (2, 3)
    assert same(shown(widget), cube()[2:4].mean(axis=1).T)


def test_quantity_follows_the_array_until_the_user_says_it() -> None:
    named = xarray.DataArray(np.ones((3, 2)), dims=("iteration", "token"), name="norm")
    widget = ConvergenceHeatmap(named)
    assert widget.quantity == "norm"
    widget.set_array(np.ones((3, 2)))
    assert widget.quantity == ConvergenceHeatmap.quantity.default_value
    widget.set_array(named.rename("step"))
    assert widget.quantity == "step"
    widget.quantity = "mine"
    widget.set_array(named)
    assert widget.quantity == "mine"


def test_general_heatmap_keeps_its_rows_for_an_array_of_the_same_dims() -> None:
    widget = Heatmap(cube(), rows="token", columns="layer")
    widget.set_array(cube(4))
    assert (widget.rows, widget.columns) == ("token", "layer")


def test_refresh_shows_what_was_changed_in_place() -> None:
    values = cube()[:, 0].copy()
    widget = ConvergenceHeatmap(values)
    values[2, 1] = 5000
    assert widget.frame.values[1, 2] != 5000
    widget.refresh()
    assert widget.frame.values[1, 2] == 5000
    assert widget.frame.view.colors.limits[1] == 5000


def test_repr_says_what_is_shown() -> None:
    widget = ConvergenceHeatmap(cube())
    expected = "(iteration: 8, layer: 5, token: 3) rows=token columns=iteration"
    assert repr(widget) == f"<ConvergenceHeatmap {expected}>"


def test_help_text_names_the_keywords_and_their_defaults() -> None:
    signature = inspect.signature(ConvergenceHeatmap)
    assert signature.parameters["color_scale"].default == "log"
    assert {"rows", "tokens", "coords", "ranges", "layout"} <= set(signature.parameters)
    with pytest.raises(TypeError, match="unknown keyword 'shape'"):
        ConvergenceHeatmap(cube(), shape=3)


def test_play_keeps_its_speed_for_another_array() -> None:
    widget = ConvergenceHeatmap(cube())
    widget.play.interval, widget.play.repeat = 500, True
    play = widget.play
    widget.set_array(cube() + 1)
    assert widget.play is play
    widget.set_array(cube()[:5])
    assert widget.play is play
    widget.set_array(cube()[:5], iterations=range(1, 6))
    assert widget.play is not play
    assert (widget.play.interval, widget.play.repeat) == (500, True)
    widget.set_array(cube()[:1])
    assert (widget.play.interval, widget.play.repeat) == (500, True)  # layers are left
    widget.set_array(cube()[:1, :1])
    assert widget.play is None


def test_user_width_of_the_layout_stays() -> None:
    layout = ipywidgets.Layout(max_width="500px")
    widget = ConvergenceHeatmap(cube(), layout=layout)
    widget.width = 700
    assert layout.max_width == "500px"


def test_array_in_another_order_is_told_so() -> None:
    with pytest.raises(ValueError, match=r"shape \(3, 65\) was read as \('iteration', 'prompt'\)"):
        ConvergenceHeatmap(np.ones((3, 65)), prompts=["a", "b", "c"])


def test_observer_that_raises_leaves_slider_and_picture_together() -> None:
    widget = ConvergenceHeatmap(cube())
    widget.observe(lambda _: 1 / 0, "frame")
    with pytest.raises(ZeroDivisionError):
        widget.iteration_range = (1, 3)
    assert slider(widget, "iteration").value == (1, 3)
    assert widget.frame.shape[1] == 3


def test_observer_that_raises_leaves_another_array_whole() -> None:
    widget = ActivationHeatmap(cube())
    widget.observe(lambda _: 1 / 0, "dims")
    with pytest.raises(ZeroDivisionError):
        widget.set_array(np.ones((5, 3)))
    assert widget.play is None
    assert widget.frame.shape == (5, 3)
    assert (widget.frame.values == 1).all()


def test_rounding_beyond_one_keeps_the_natural_range() -> None:
    widget = ActivationHeatmap(np.array([[0.5, 1.0000001], [0.2, 0.1]]))
    assert widget.frame.view.colors.limits == (0.0, 1.0)
