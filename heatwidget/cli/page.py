"""The page of `heatwidget view`, made in its kernel."""

from __future__ import annotations

import html
import json
import os

import ipywidgets

from .. import samples
from ..arrays import LabelledArray, plural
from ..arrays.files import open as open_array
from ..widgets import ActivationHeatmap, ConvergenceHeatmap, Heatmap
from ..widgets.arguments import guess_text
from .view import VARIABLE, choose_widgets, printable

_WIDTH = 1240  # maximum pixels; the pictures shrink with the page
_HEATMAPS = {
    "convergence": ConvergenceHeatmap,
    "activation": ActivationHeatmap,
    "heatmap": Heatmap,
}


def make_page() -> ipywidgets.VBox:
    """Heatmaps of the array named in the environment, by default of a bundled capture."""
    asked = json.loads(os.environ.get(VARIABLE, "{}"))
    path = asked.get("path", str(samples.path("core-activations")))
    try:
        array = open_array(path, name=asked.get("name"), dims=asked.get("dims"))
    except (ImportError, OSError, TypeError, ValueError) as error:
        # The file may have been removed since the server was started.
        return ipywidgets.VBox([_text(f"<p>{_escaped(str(error))}</p>")])
    names = asked.get("widgets") or choose_widgets(array.dims, None)
    # Distances span decades. On a linear scale most would have the same colour.
    look = {"color_scale": "log"} if "‖" in array.quantity else {}
    heatmaps = [_HEATMAPS[name](array, width=_WIDTH, **look) for name in names]
    heading = _heading(path, array, guessed=asked.get("guessed", False))
    return ipywidgets.VBox([heading, *heatmaps])


def _heading(path: str, array: LabelledArray, *, guessed: bool) -> ipywidgets.HTML:
    """Name of the file, its contents, and the assumed axes if it names none."""
    sizes = " × ".join(f"{axis.size} {plural(axis.name)}" for axis in array.axes)
    facts = [array.quantity] * bool(array.quantity) + [sizes, str(array.dtype)]
    name = _escaped(os.path.basename(path))
    note = f"<p>{_escaped(guess_text(array))}</p>" if guessed else ""
    return _text(f"<h1>{name}</h1><p>{_escaped(', '.join(facts))}</p>{note}")


def _text(source: str) -> ipywidgets.HTML:
    return ipywidgets.HTML(source, layout={"max_width": f"{_WIDTH}px", "margin": "0"})


def _escaped(text: str) -> str:
    """Text as HTML, for file names with any characters."""
    return html.escape(printable(text))
