"""What the widget tests share: frames of arrays, parts of a widget, the browser's side."""

from __future__ import annotations

import io
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import bqplot
import ipywidgets
import numpy as np
from bqplot_image_gl.interacts import MouseInteraction
from ipywidgets.widgets.widget import _instances
from PIL import Image

from heatwidget import Heatmap
from heatwidget.arrays import NumpySource, as_labelled
from heatwidget.frames import Frame, View, render, resolve
from heatwidget.scene import Look, Scene, compose, make_layout
from heatwidget.widgets.marks import SPAN

DIMS = {2: ("iteration", "token"), 3: ("iteration", "layer", "token")}
OUR_TAGS = {"b", "bdi", "span", "style"}
OUR_ATTRIBUTES = {"class", "style"}


def frame_of(values: Any, coords: Any = None, **asked: Any) -> tuple[NumpySource, Frame]:
    """Source and frame of an array, its last two axes shown."""
    labelled = as_labelled(values, default_dims=DIMS, coords=coords)
    source = NumpySource(labelled)
    settings = {
        "rows": labelled.dims[-2],
        "columns": labelled.dims[-1],
        "reducer": "mean",
        "color_scale": "linear",
        "max_rows": 1000,
        "max_columns": 1000,
    }
    view = resolve(View(**{**settings, **asked}), source.axes, source.value_range())
    return source, render(source, view)


def scene_of(
    source: NumpySource, frame: Frame, *, previous: Scene | None = None, **look: Any
) -> Scene:
    """Scene of a frame."""
    by_name = {axis.name: axis for axis in source.axes}
    cells = frame.view.cells
    layout = make_layout(by_name[cells.rows], by_name[cells.columns], 900, None)
    settings = {"color_scheme": "viridis", "mark": "auto", "title": "", "quantity": "value"}
    return compose(frame, Look(**{**settings, **look}), layout, source.dtype, previous)


def parts(widget: ipywidgets.Widget, kind: type[Any]) -> list[Any]:
    """Widgets of a kind that are shown inside a widget."""
    return [part for part in _walk(widget) if isinstance(part, kind)]


def _walk(widget: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    yield widget
    for name in ("children", "marks", "axes"):
        for part in getattr(widget, name, ()):
            yield from _walk(part)
    for name in ("image", "interaction", "next"):
        part = getattr(widget, name, None)
        if isinstance(part, ipywidgets.Widget):
            yield from _walk(part)


def slider(widget: Heatmap, axis: str) -> Any:
    """Range slider of an axis."""
    found = parts(widget, ipywidgets.IntRangeSlider)
    return next(each for each in found if each.description == axis)


def mark(widget: Heatmap) -> Any:
    """Mark that shows the cells."""
    return parts(widget, bqplot.Figure)[0].marks[0]


def bottom_up(widget: Heatmap) -> tuple[list[str], list[str]]:
    """Tick texts under the columns from the left, and beside the rows from the bottom."""
    axes = parts(widget, bqplot.Figure)[0].axes
    columns, rows = (
        [axis.tick_labels[str(int(place))] for place in sorted(axis.tick_values)] for axis in axes
    )
    return columns, rows


def pixels(widget: Heatmap) -> np.ndarray:
    """Colours of an image mark's picture, shape (n_rows, n_columns, 3)."""
    picture = Image.open(io.BytesIO(mark(widget).image.value))
    return np.asarray(picture.convert("RGB"))


def point(widget: Heatmap, row: float, column: float) -> str:
    """Text of the readout with the pointer in the middle of a frame cell."""
    n_rows, n_columns = widget.frame.shape
    domain = {"x": (column + 0.5) / n_columns * SPAN, "y": (1 - (row + 0.5) / n_rows) * SPAN}
    for event in ("mouseenter", "mousemove"):
        send_event(widget, {"event": event, "domain": domain})
    return readout(widget)


def leave(widget: Heatmap) -> None:
    """Take the pointer away."""
    send_event(widget, {"event": "mouseleave"})


def send_event(widget: Heatmap, content: dict[str, Any]) -> None:
    """Let the page send a pointer event."""
    [mouse] = parts(widget, MouseInteraction)
    mouse._handle_custom_msg(content, [])


def readout(widget: Heatmap) -> str:
    """Text of the readout, or an empty one where there is none."""
    found = [html for html in htmls(widget) if 'class="heatwidget-readout"' in html]
    return text_of(found[0]) if found else ""


def htmls(widget: Heatmap) -> list[str]:
    """HTML that is shown inside a widget."""
    return [part.value for part in parts(widget, ipywidgets.HTML)]


class _OwnMarkup(HTMLParser):
    """Collects text, and refuses tags and attributes that are not our own."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._skipping = False

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        assert tag in OUR_TAGS, tag
        assert {name for name, _ in attrs} <= OUR_ATTRIBUTES, attrs
        self._skipping = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        assert tag in OUR_TAGS, tag
        self._skipping = False

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"comment {data!r}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"declaration {decl!r}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"instruction {data!r}")


def text_of(html: str) -> str:
    """Text that a page shows for HTML in which no markup but our own may be."""
    parser = _OwnMarkup()
    parser.feed(html)
    parser.close()
    return "".join(parser.texts)


def live_widgets() -> set[str]:
    """Ids of all widgets that are not closed."""
    return set(_instances)
