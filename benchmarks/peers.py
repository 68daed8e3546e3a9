"""The same page made with each library: a picture of a cube, and a slider for the layer band.

All get the same array and a picture of about the same size, keep their colour limits, and
take the mean over the band.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets
import numpy as np
from numpy.typing import NDArray

from .cube import BAND

Cube = NDArray[np.float32]

_WIDTH, _HEIGHT = 900, 540


def heatwidget(cube: Cube) -> Any:
    """`heatwidget.Heatmap`, whose own slider is moved."""
    import heatwidget as hw

    dims = ("layer", "token", "iteration")
    return hw.Heatmap(cube, dims=dims, rows="token", columns="iteration", layer_band=BAND)


def floor(cube: Cube) -> Any:
    """No picture: a label that says where the slider is."""
    label = ipywidgets.Label("0")
    label.add_class("floor")

    def show(low: int, high: int) -> None:
        label.value = f"{low} {high}"

    return _with_slider(cube, label, show)


def bqplot(cube: Cube) -> Any:
    """`bqplot.HeatMap`, its colours reassigned."""
    import bqplot

    n_rows, n_columns = cube.shape[1:]
    scales = {
        "x": bqplot.LinearScale(min=-0.5, max=n_columns - 0.5),
        "y": bqplot.LinearScale(min=-0.5, max=n_rows - 0.5),
        "color": bqplot.ColorScale(scheme="viridis", min=0, max=1),
    }
    mark = bqplot.HeatMap(color=_mean(cube, *BAND), scales=scales)
    axes = [
        bqplot.Axis(scale=scales["x"]),
        bqplot.Axis(scale=scales["y"], orientation="vertical"),
        bqplot.ColorAxis(scale=scales["color"], orientation="vertical", side="right"),
    ]
    size = ipywidgets.Layout(width=f"{_WIDTH}px", height=f"{_HEIGHT}px")
    figure = bqplot.Figure(marks=[mark], axes=axes, padding_x=0, padding_y=0, layout=size)

    def show(low: int, high: int) -> None:
        mark.color = _mean(cube, low, high)

    return _with_slider(cube, figure, show)


def plotly(cube: Cube) -> Any:
    """`plotly.graph_objects.FigureWidget` with a `Heatmap`, its z reassigned."""
    from plotly import graph_objects as go

    trace = go.Heatmap(z=_mean(cube, *BAND), zmin=0, zmax=1, colorscale="viridis")
    figure = go.FigureWidget(trace, layout={"width": _WIDTH, "height": _HEIGHT})

    def show(low: int, high: int) -> None:
        figure.data[0].z = _mean(cube, low, high)

    return _with_slider(cube, figure, show)


def ipympl(cube: Cube) -> Any:
    """An `imshow` of matplotlib on an ipympl canvas, drawn again after `set_data`."""
    canvas, image = _imshow(_mean(cube, *BAND))

    def show(low: int, high: int) -> None:
        image.set_data(_mean(cube, low, high))
        canvas.draw_idle()

    return _with_slider(cube, canvas, show)


def plopp(cube: Cube) -> Any:
    """`plopp.slicer` on an ipympl canvas, in its range mode, whose own slider is moved."""
    import matplotlib

    matplotlib.use("module://ipympl.backend_nbagg")
    import plopp
    import scipp

    array = scipp.DataArray(scipp.array(dims=["layer", "token", "iteration"], values=cube))
    figure = plopp.slicer(
        array,
        mode="range",
        operation="mean",
        autoscale=False,
        cmin=0.0,
        cmax=1.0,
        figsize=(_WIDTH / 100, _HEIGHT / 100),
    )
    slider = figure.bottom_bar[0].controls["layer"].slider
    slider.value, slider.description = BAND, "layer"
    return figure


#: Every page by the name of its library; the floor, then ourselves.
PEERS: dict[str, Callable[[Cube], Any]] = {
    "floor": floor,
    "heatwidget": heatwidget,
    "bqplot": bqplot,
    "plotly": plotly,
    "ipympl": ipympl,
    "plopp": plopp,
}

#: Distributions whose versions matter for a page.
NEEDS = {
    "floor": ("ipywidgets",),
    "heatwidget": ("heatwidget", "bqplot", "bqplot-image-gl"),
    "bqplot": ("bqplot",),
    "plotly": ("plotly", "anywidget"),
    "ipympl": ("ipympl", "matplotlib"),
    "plopp": ("plopp", "scipp", "ipympl", "matplotlib"),
}


def _mean(cube: Cube, low: int, high: int) -> Cube:
    return np.asarray(cube[low : high + 1].mean(axis=0))


def _with_slider(cube: Cube, shown: Any, show: Callable[[int, int], None]) -> Any:
    """What is shown above a slider that moves it."""
    slider = ipywidgets.IntRangeSlider(value=BAND, min=0, max=len(cube) - 1, description="layer")
    slider.observe(lambda change: show(*change["new"]), "value")
    return ipywidgets.VBox([shown, slider])


def _imshow(values: Cube) -> tuple[Any, Any]:
    """An ipympl canvas, and the image on it."""
    import matplotlib

    matplotlib.use("module://ipympl.backend_nbagg")
    from matplotlib import pyplot

    with pyplot.ioff():
        figure, axes = pyplot.subplots(figsize=(_WIDTH / 100, _HEIGHT / 100))
    image = axes.imshow(values, aspect="auto", interpolation="nearest", vmin=0, vmax=1)
    figure.colorbar(image)
    return figure.canvas, image
