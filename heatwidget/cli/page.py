"""The page that `heatwidget view` serves, made in its kernel."""

from __future__ import annotations

import html
import json
import os

import ipywidgets

from .. import samples
from ..arrays import LabelledArray
from ..arrays.files import open as open_array
from ..widgets import ActivationHeatmap, ConvergenceHeatmap, Heatmap
from .view import VARIABLE, choose_widgets, printable

_WIDTH = 1240  # pixels at most; the pictures shrink with the page
_HEATMAPS = {
    "convergence": ConvergenceHeatmap,
    "activation": ActivationHeatmap,
    "heatmap": Heatmap,
}


def make_page() -> ipywidgets.VBox:
    """Heatmaps of the array that the environment names; without one, of a bundled capture."""
    asked = json.loads(os.environ.get(VARIABLE, "{}"))
    path = asked.get("path", str(samples.path("core-activations")))
    try:
        array = open_array(path, name=asked.get("name"), dims=asked.get("dims"))
    except (ImportError, OSError, TypeError, ValueError) as error:
        # The file may have gone since the server was started.
        return ipywidgets.VBox([_text(f"<p>{_escaped(str(error))}</p>")])
    names = asked.get("widgets") or choose_widgets(array.dims, None)
    # Distances span decades: where most are small, a linear scale would show nothing.
    look = {"color_scale": "log"} if "‖" in array.quantity else {}
    heatmaps = [_HEATMAPS[name](array, width=_WIDTH, **look) for name in names]
    return ipywidgets.VBox([_heading(path, array), *heatmaps])


def _heading(path: str, array: LabelledArray) -> ipywidgets.HTML:
    """Name of the file, and what is in it."""
    sizes = " × ".join(f"{axis.size} {axis.name}s" for axis in array.axes)
    facts = [array.quantity] * bool(array.quantity) + [sizes, str(array.dtype)]
    name = _escaped(os.path.basename(path))
    return _text(f"<h1>{name}</h1><p>{_escaped(', '.join(facts))}</p>")


def _text(source: str) -> ipywidgets.HTML:
    return ipywidgets.HTML(source, layout={"max_width": f"{_WIDTH}px", "margin": "0"})


def _escaped(text: str) -> str:
    """Text as a page shows it, whatever a file name is made of."""
    return html.escape(printable(text))
