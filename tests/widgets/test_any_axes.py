"""Heatmaps of arrays with any axes: a slider and a reducer for each that is not shown."""

from __future__ import annotations

from typing import Any

import ipywidgets
import numpy as np
import pytest
import xarray
from bqplot.interacts import BrushSelector

from heatwidget import ActivationHeatmap, ConvergenceHeatmap, Heatmap, LiveArray
from heatwidget.widgets.marks import SPAN

from .helpers import htmls, parts, point, send_event, slider, text_of

DIMS = ("seed", "iteration", "layer", "token")


def runs() -> np.ndarray:
    """Values of a (seed, iteration, layer, token) array."""
    return np.random.default_rng(0).random((3, 8, 5, 4)) + 0.1


def heatmap(**keywords: Any) -> Heatmap:
    return ConvergenceHeatmap(runs(), dims=DIMS, **keywords)


def same(widget: Heatmap, wanted: np.ndarray) -> bool:
    return bool(np.allclose(widget.frame.values, wanted, rtol=1e-6))


def choice(widget: Heatmap, axis: str) -> Any:
    """Dropdown with the reducer of an axis."""
    found = parts(widget, ipywidgets.Dropdown)
    return next(each for each in found if each.description == "by" and f"{axis}s" in each.tooltip)


def test_all_that_is_not_shown_is_collapsed() -> None:
    assert same(heatmap(), runs().mean(axis=(0, 2)).T)
    act = ActivationHeatmap(runs(), dims=DIMS)
    assert same(act, runs()[:, -1].mean(axis=0))
    assert act.reducers == {"seed": "mean", "iteration": "last"}


def test_two_names_that_nobody_knows() -> None:
    widget = Heatmap(runs()[0, 0], dims=("head", "neuron"))
    assert (widget.rows, widget.columns, widget.dims) == ("head", "neuron", ("head", "neuron"))
    assert same(widget, runs()[0, 0])
    assert slider(widget, "head")
    assert slider(widget, "neuron")


def test_ranges_are_behind_the_named_ones() -> None:
    widget = heatmap(layer_band=(1, 3))
    assert widget.ranges == {
        "seed": (0, 2),
        "iteration": (0, 7),
        "layer": (1, 3),
        "token": (0, 3),
    }
    heard: list[Any] = []
    widget.observe(heard.append, ["ranges", "iteration_range", "layer_band"])
    widget.ranges = {"seed": (1, 1), "iteration": (2, 5)}
    assert (widget.iteration_range, widget.layer_band) == ((2, 5), (0, 4))
    assert {change["name"] for change in heard} == {"ranges", "iteration_range", "layer_band"}
    assert same(widget, runs()[1, 2:6].mean(axis=1).T)
    widget.token_range = (1, 2)
    assert widget.ranges["token"] == (1, 2)
    assert same(widget, runs()[1, 2:6, :, 1:3].mean(axis=1).T)


def test_both_are_keywords() -> None:
    widget = heatmap(ranges={"seed": (1, 2)}, layer_band=(0, 1), reducers={"seed": "max"})
    assert widget.view_state()["ranges"] == {"seed": [1, 2]}
    assert widget.reducers == {"seed": "max", "layer": "mean"}
    assert same(widget, runs()[1:, :, :2].max(axis=0).mean(axis=1).T)


def test_axes_are_collapsed_in_the_order_of_the_array() -> None:
    widget = heatmap(reducers={"seed": "max", "layer": "mean"})
    assert same(widget, runs().max(axis=0).mean(axis=1).T)


def test_reducer_is_a_name_for_one_of_them() -> None:
    widget = heatmap()
    widget.reducer = "max"
    assert widget.reducers == {"seed": "mean", "layer": "max"}
    widget.reducers = {"layer": "min"}
    assert (widget.reducer, widget.reducers) == ("min", {"seed": "mean", "layer": "min"})
    choice(widget, "seed").value = "std"
    assert widget.reducers == {"seed": "std", "layer": "min"}
    assert same(widget, runs().std(axis=0).min(axis=1).T)


def test_each_slider_moves_its_axis_and_follows() -> None:
    widget = heatmap()
    slider(widget, "seed").value = (2, 2)
    assert widget.ranges["seed"] == (2, 2)
    assert same(widget, runs()[2].mean(axis=1).T)
    widget.ranges = {"layer": (4, 4)}
    assert slider(widget, "seed").value == (0, 2)
    assert slider(widget, "layer").value == (4, 4)
    widget.reset()
    assert slider(widget, "layer").value == (0, 4)


def test_state_and_reset_take_all_of_it_back() -> None:
    widget = heatmap(ranges={"seed": (0, 1)})
    state = widget.view_state()
    widget.ranges, widget.reducers = {"layer": (1, 1)}, {"seed": "max"}
    widget.transpose()
    widget.reset()
    assert widget.view_state() == state
    assert (widget.rows, widget.columns) == ("token", "iteration")


@pytest.mark.parametrize("how", ["code", "button", "columns"])
def test_transpose(how: str) -> None:
    widget = heatmap()
    if how == "code":
        widget.transpose()
    elif how == "columns":
        widget.columns = "token"
    else:
        buttons = parts(widget, ipywidgets.Button)
        next(b for b in buttons if b.tooltip == "Swap rows and columns").click()
    assert (widget.rows, widget.columns) == ("iteration", "token")
    assert same(widget, runs().mean(axis=(0, 2)))


def test_another_axis_is_shown() -> None:
    widget = heatmap(reducer="max")
    widget.rows = "seed"
    assert (widget.rows, widget.columns) == ("seed", "iteration")
    assert widget.reducers == {"layer": "max", "token": "mean"}
    assert same(widget, runs().max(axis=2).mean(axis=2))
    assert slider(widget, "token")
    assert ConvergenceHeatmap(runs(), dims=DIMS, rows="seed", columns="layer").rows == "seed"


def test_names_that_people_use_are_understood() -> None:
    widget = ConvergenceHeatmap(runs()[0, :, 0], dims=("step", "position"), tokens=list("abcd"))
    assert (widget.rows, widget.columns) == ("position", "step")
    widget.iteration_range = (2, 4)
    assert widget.ranges["step"] == (2, 4)
    assert widget.tokens == ("a", "b", "c", "d")
    assert "step 3" in point(widget, 0, 1)


def test_the_users_own_numbers_and_texts() -> None:
    coords = {
        "checkpoint": [0, 1000, 143000],
        "layer": ["embed", "0.attn", "0.mlp", "1.attn", "final"],
        "noise": [1.0, 0.5, 0.25, 0.0],
    }
    array = xarray.DataArray(runs()[:, 0], dims=("checkpoint", "layer", "noise"), coords=coords)
    widget = Heatmap(array, rows="layer", columns="noise")
    assert widget.coords == {name: tuple(given) for name, given in coords.items()}
    widget.ranges = {"checkpoint": (1000, 143000), "layer": ("0.attn", "1.attn"), "noise": (0, 0.5)}
    assert widget.ranges == {"checkpoint": (1000, 143000), "layer": (1, 3), "noise": (0.5, 0)}
    assert same(widget, runs()[1:, 0, 1:4, 1:].mean(axis=0))
    found = point(widget, 0, 0)
    for text in ("0.attn", "noise 0.5", "checkpoints 1000–143000"):
        assert text in found
    moved = next(
        s for s in parts(widget, ipywidgets.SelectionRangeSlider) if s.description == "layer"
    )
    assert moved._options_labels[0] == "embed"
    moved.index = (0, 1)
    assert widget.ranges["layer"] == (0, 1)
    with pytest.raises(Exception, match="no layer is called 'middle'"):
        widget.ranges = {"layer": ("middle", "final")}


@pytest.mark.parametrize("how", ["difference", "log-ratio"])
def test_two_indices_are_compared(how: str) -> None:
    widget = heatmap(reducers={"seed": how})
    last, first = runs()[2].mean(axis=1).T, runs()[0].mean(axis=1).T
    assert same(widget, last - first if how == "difference" else np.log10(last / first))
    low, high = widget.frame.view.colors.limits
    assert low == -high
    texts = " ".join(map(text_of, htmls(widget)))
    assert ("difference of ‖x − x*‖" if how == "difference" else "log₁₀ ratio of") in texts
    slider(widget, "seed").value = (1, 2)
    other = runs()[1].mean(axis=1).T
    assert same(widget, last - other if how == "difference" else np.log10(last / other))


def test_colours_of_a_difference_stay_while_scrubbing_and_widen_in_steps() -> None:
    values = np.zeros((5, 2, 3))
    values[:, 0, 0] = [0, 0.9, 0.4, 0.1, 7]
    widget = Heatmap(values, dims=("checkpoint", "layer", "token"), reducer="difference")
    limits = []
    for end in (1, 2, 3, 4, 1):
        widget.ranges = {"checkpoint": (0, end)}
        limits.append(widget.frame.view.colors.limits)
    # The first picture was that of all, 7 away.
    assert limits == [(-10, 10)] * 5
    widget.set_array(values[:4], dims=("checkpoint", "layer", "token"))
    widget.ranges = {"checkpoint": (0, 1)}
    assert widget.frame.view.colors.limits == (-1, 1)


def test_a_live_array_of_four_axes() -> None:
    live = LiveArray({"seed": 3, "iteration": 8, "layer": ["embed", "mid"], "token": list("abcd")})
    widget = ConvergenceHeatmap(live)
    live[1] = runs()[1, :, :2]
    widget.flush()
    assert same(widget, runs()[1, :, :2].mean(axis=1).T)
    live[0, 3] = 5
    widget.flush()
    assert widget.frame.values[0, 3] == pytest.approx((runs()[1, 3, :2, 0].mean() + 5) / 2)


def test_play_goes_along_the_axis_that_is_chosen() -> None:
    widget = heatmap()
    chosen = next(d for d in parts(widget, ipywidgets.Dropdown) if not d.description)
    assert chosen.options == ("iteration", "layer", "seed")
    chosen.value = "seed"
    widget.play.set_state({"playing": True})
    widget.play.set_state({"value": 1})
    assert widget.ranges["seed"] == (0, 0)
    widget.play.set_state({"value": 2})
    assert widget.ranges["seed"] == (1, 1)


def drag(widget: Heatmap, rows: tuple[float, float], columns: tuple[float, float]) -> None:
    """Let the page drag a box, given as fractions of the picture from the top left."""
    [brush] = parts(widget, BrushSelector)
    brush.set_state({"brushing": True})
    brush.selected_x = np.array(columns) * SPAN
    brush.selected_y = (1 - np.array(rows)) * SPAN
    brush.set_state({"brushing": False})
    assert brush.selected_x is None


def test_a_box_narrows_what_is_shown_and_a_double_click_goes_back() -> None:
    widget = heatmap(tokens=list("abcd"))
    drag(widget, (0.3, 0.7), (0.26, 0.49))
    assert (widget.token_range, widget.iteration_range) == ((1, 2), (2, 3))
    assert same(widget, runs()[:, 2:4, :, 1:3].mean(axis=(0, 2)).T)
    drag(widget, (0.6, 0.9), (0, 0.4))
    assert (widget.token_range, widget.iteration_range) == ((2, 2), (2, 2))
    send_event(widget, {"event": "dblclick"})
    assert (widget.token_range, widget.iteration_range) == ((0, 3), (0, 7))


def test_a_flat_box_is_one_of_columns_and_a_tiny_one_nothing() -> None:
    widget = heatmap()
    drag(widget, (0.5, 0.505), (0.5, 1))
    assert (widget.token_range, widget.iteration_range) == ((0, 3), (4, 7))
    drag(widget, (0.5, 0.505), (0.5, 0.502))
    assert widget.iteration_range == (4, 7)


def test_axes_without_traits_of_their_own_are_narrowed_too() -> None:
    widget = Heatmap(runs()[:, :, 0], dims=("seed", "head", "neuron"))
    drag(widget, (0.5, 1), (0, 0.4))
    assert widget.ranges == {"seed": (0, 2), "head": (4, 7), "neuron": (0, 1)}
    drag(widget, (0, 0.5), (0.5, 1))
    assert widget.ranges == {"seed": (0, 2), "head": (4, 5), "neuron": (1, 1)}
    widget.ranges = {"head": (4, 7), "neuron": (0, 1)}
    assert same(widget, runs()[:, 4:, 0, :2].mean(axis=0))


def test_tokens_that_come_one_by_one_bring_their_texts() -> None:
    live = LiveArray({"iteration": 8, "token": ["It"]})
    widget = ConvergenceHeatmap(live)
    for text in ("It", " is", " so"):
        live.append(np.arange(1, 9), dim="token", label=text)
    widget.flush()
    assert widget.tokens == ("It", " is", " so", "3")
    assert "␣so" in point(widget, 2, 4)
    live.trim("token")
    widget.flush()
    assert widget.frame.shape == (3, 8)
