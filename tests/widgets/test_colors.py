"""Colours as the widget settles them: centre, natural range, quantity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from traitlets import TraitError

from heatwidget import ActivationHeatmap, ConvergenceHeatmap, Heatmap, LiveArray
from tests.widgets.helpers import htmls, text_of

DIFFERENCE = np.array([[-1.0, 3.0, 0.5], [0.0, 2.0, 1.0]])


def limits(widget: Heatmap) -> tuple[float, float]:
    """Values of the first and last colour."""
    assert widget.frame is not None
    return widget.frame.view.colors.limits


def said(widget: Heatmap) -> str:
    """All texts on the page."""
    return " ".join(map(text_of, htmls(widget)))


def test_a_diverging_scheme_is_centred_on_zero() -> None:
    widget = ConvergenceHeatmap(DIFFERENCE, color_scale="linear", color_scheme="coolwarm")
    assert limits(widget) == (-3, 3)
    widget.color_center = 1
    assert limits(widget) == (-1, 3)
    widget.color_center, widget.color_scheme = None, "viridis"
    assert limits(widget) == (-1, 3)
    widget.color_center = 0.0
    assert limits(widget) == (-3, 3)
    widget.color_range = (-1, 2)
    assert limits(widget) == (-1, 2)
    state = widget.view_state()
    assert state["color_center"] == 0
    widget.reset()
    assert (widget.color_center, limits(widget)) == (None, (-3, 3))
    widget.set_view_state(state)
    assert limits(widget) == (-1, 2)


def test_a_centre_under_log_is_positive() -> None:
    widget = ConvergenceHeatmap(np.array([[0.01, 10.0]]), color_scheme="coolwarm")
    assert limits(widget) == (0.01, 10)
    widget.color_center = 1
    assert limits(widget) == pytest.approx((0.01, 100))
    for wrong in (0, -2):
        with pytest.raises(TraitError, match="color_center must be positive under a log"):
            widget.color_center = wrong
    for wrong in (np.nan, np.inf, "a"):
        with pytest.raises(TraitError, match="color_center"):
            widget.color_center = wrong
    with pytest.raises(TraitError, match="color_center must be positive under a log"):
        ConvergenceHeatmap(DIFFERENCE, color_center=-1)
    assert widget.color_center == 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (DIFFERENCE, "value"),
        (abs(DIFFERENCE), "‖x − x*‖"),
        (np.full((2, 3), np.nan), "‖x − x*‖"),
    ],
)
def test_a_norm_is_not_said_of_what_is_none(values: Any, expected: str) -> None:
    widget = ConvergenceHeatmap(values, color_scale="linear")
    assert f" {expected} " in f" {said(widget)} "
    # What the user says holds, whatever the values are.
    widget.quantity = "difference"
    assert "difference" in said(widget)


def test_a_norm_is_not_said_once_a_live_array_is_negative() -> None:
    live = LiveArray({"iteration": 3, "token": 2})
    widget = ConvergenceHeatmap(live, color_scale="linear")
    live[0] = 1
    widget.flush()
    assert "‖x − x*‖" in said(widget)
    live[1] = -1
    widget.flush()
    assert "‖x − x*‖" not in said(widget)
    widget.set_array(np.ones((3, 2)))
    assert "‖x − x*‖" in said(widget)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[1e-4, 2e-3]]), (1e-4, 2e-3)),
        (np.array([[-1e-7, 1e-7]]), (-1e-7, 1e-7)),
        (np.array([[0.1, 0.5]]), (0, 1)),
        (np.array([[0.1, 1.5]]), (0.1, 1.5)),
    ],
)
def test_activations_over_zero_to_one_only_where_they_fill_it(
    values: Any, expected: tuple[float, float]
) -> None:
    assert limits(ActivationHeatmap(values)) == expected
