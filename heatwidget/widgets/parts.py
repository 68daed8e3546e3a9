"""bqplot's classes as we use them."""

from __future__ import annotations

from typing import Any

import bqplot
import ipywidgets


class WholeState(ipywidgets.Widget):  # type: ignore[misc]
    """Widget whose whole state goes into a page that is saved.

    `ipywidgets.embed` leaves out what is a default in Python. In bqplot some defaults are others
    in JavaScript, such as `Image.pixelated`, without which cells are smeared.
    """

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """Return the state, defaults included."""
        state: dict[str, Any] = super().get_state(key)
        return state


class Axis(WholeState, bqplot.Axis):  # type: ignore[misc]
    """Axis of a figure."""


class BrushSelector(WholeState, bqplot.interacts.BrushSelector):  # type: ignore[misc]
    """Box that is dragged over the cells."""


class ColorScale(WholeState, bqplot.ColorScale):  # type: ignore[misc]
    """Colours of a `HeatMap`."""


class Figure(WholeState, bqplot.Figure):  # type: ignore[misc]
    """Figure with marks and axes."""


class HeatMap(WholeState, bqplot.HeatMap):  # type: ignore[misc]
    """Cells that the browser draws."""


class Image(WholeState, bqplot.Image):  # type: ignore[misc]
    """Cells that are a picture already."""


class LinearScale(WholeState, bqplot.LinearScale):  # type: ignore[misc]
    """Scale along which marks and axes lie."""


class Label(WholeState, bqplot.Label):  # type: ignore[misc]
    """Text over the cells."""


class Lines(WholeState, bqplot.Lines):  # type: ignore[misc]
    """Line or band over the cells."""


class Scatter(WholeState, bqplot.Scatter):  # type: ignore[misc]
    """Dots over the cells."""
