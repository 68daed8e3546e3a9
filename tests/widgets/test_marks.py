"""The two marks, and how much is sent for a picture."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import bqplot
import ipywidgets
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from heatwidget import ActivationHeatmap, ConvergenceHeatmap, Heatmap
from heatwidget.frames import CellState, color_indices, palette
from heatwidget.frames.bins import bin_size
from heatwidget.frames.palette import N_VALUE_COLORS, hex_colors
from heatwidget.scene import Band, Picture, Points, Text, steps
from heatwidget.widgets.marks import SPAN, HeatMapMark, ImageMark, choose_mark
from tests.widgets.helpers import frame_of, live_widgets, mark, parts, pixels, scene_of
from tests.widgets.recorder import Recorder, updates

# One change of the picture: a PNG into the image not shown, which then is shown.
ONE_PICTURE = {"Image.value": 1, "Image.image": 1}


def scales() -> dict[str, bqplot.Scale]:
    """Scales of a figure."""
    return {name: bqplot.LinearScale(min=0, max=SPAN) for name in ("x", "y")}


def picture_of(values: Any, color_scheme: str = "viridis") -> Picture:
    """Picture of an array."""
    return scene_of(*frame_of(values), color_scheme=color_scheme).picture


def wave(n_iterations: int = 65, n_items: int = 40) -> np.ndarray:
    """Residuals of an (iteration, item) array, all different."""
    return 10 ** np.random.default_rng(0).uniform(-6, 1, (n_iterations, n_items))


def picture_updates(recorder: Recorder) -> dict[str, int]:
    """Updates sent, without those of ticks; of these there is at most one an axis and trait."""
    messages = recorder.take()
    ticks = [m for m in messages if m.widget == "Axis"]
    assert len({(m.model_id, m.keys) for m in ticks}) == len(ticks)
    assert {key for m in ticks for key in m.keys} <= {"tick_labels", "tick_values"}
    return dict(updates([m for m in messages if m.widget != "Axis"]))


# The marks alone


def test_image_holds_the_palette_index_of_each_cell() -> None:
    values = np.array([[1.0, np.nan, 3.0], [-np.inf, 2.0, np.inf]])
    _, frame = frame_of(values)
    drawn = ImageMark(scales())
    drawn.show(picture_of(values, "magma"))
    picture = Image.open(io.BytesIO(drawn.mark.image.value))
    indices = color_indices(frame.values, frame.states, frame.view.colors)
    assert picture.mode == "P"
    assert np.asarray(picture).tolist() == indices.tolist()
    assert (np.asarray(picture.convert("RGB")) == palette("magma")[indices]).all()
    assert indices[0, 1] == N_VALUE_COLORS + CellState.NAN


def test_image_takes_turns_with_two_pictures() -> None:
    drawn = ImageMark(scales())
    shown = []
    for value in (2.0, 5.0, 8.0):
        drawn.show(picture_of([[1.0, 9.0, value]]))
        shown.append(drawn.mark.image)
    assert shown[0] is shown[2]
    assert shown[0] is not shown[1]
    assert all(isinstance(image, ipywidgets.Image) for image in shown)


def test_heatmap_takes_palette_indices_from_the_bottom_up() -> None:
    values = np.arange(1.0, 13).reshape(3, 4)
    _, frame = frame_of(values)
    drawn = HeatMapMark(scales())
    drawn.show(picture_of(values, "cividis"))
    indices = color_indices(frame.values, frame.states, frame.view.colors)
    assert drawn.mark.color.tolist() == indices[::-1].tolist()
    assert drawn.mark.color.dtype == np.float32
    assert drawn.mark.scales["color"].colors == hex_colors("cividis")
    assert (drawn.mark.scales["color"].min, drawn.mark.scales["color"].max) == (0, 255)


def test_heatmap_cells_fill_the_scale() -> None:
    values = np.arange(1.0, 13).reshape(3, 4)
    drawn = HeatMapMark(scales())
    drawn.show(picture_of(values))
    for centres, n in ((drawn.mark.x, 4), (drawn.mark.y, 3)):
        wanted = (np.arange(n) + 0.5) / n * SPAN
        assert np.allclose(centres, wanted, rtol=1e-6)
        assert centres[-1] - centres[0] >= wanted[-1] - wanted[0]


@pytest.mark.parametrize(
    ("values", "fits"),
    [
        ([[1, 2], [3, 4]], True),
        ([[1, 2]], False),
        ([[1], [2]], False),
        ([[1]], False),
        ([[1, 2], [3, np.nan]], False),
        ([[1, 2], [3, np.inf]], False),
    ],
)
def test_choice_of_the_mark(values: Any, fits: bool) -> None:
    _, frame = frame_of(values)
    assert choose_mark(frame, "heatmap") == ("heatmap" if fits else "image")
    assert choose_mark(frame, "image") == choose_mark(frame, "auto") == "image"


def test_collapsed_range_of_an_equal_picture_moves_the_slider_alone(recorder: Recorder) -> None:
    widget = ActivationHeatmap(np.random.default_rng(0).random((16, 35, 17)))
    recorder.clear()
    widget.iteration_range = (3, 15)
    # Its last iteration is the same: so is the picture.
    assert updates(recorder.take()) == {"IntRangeSlider.value": 1}


@given(start=st.integers(0, 500), length=st.integers(1, 500), pixels=st.integers(2, 100))
def test_window_fills_the_scale_and_all_bins_have_one_size(
    start: int, length: int, pixels: int
) -> None:
    values = np.ones((1001, 2))
    window = (start, start + length - 1)
    source, frame = frame_of(values, ranges={"iteration": window}, max_rows=pixels)
    top, bottom = scene_of(source, frame).picture.rows
    n_rows, size = frame.shape[0], bin_size(length, pixels)
    assert n_rows <= pixels
    each = (bottom - top) / n_rows
    assert each == pytest.approx(size / length)
    assert -each < top <= 0
    assert 1 <= bottom < 1 + each


def test_two_marks_show_the_same_colors() -> None:
    widget = ConvergenceHeatmap(wave(), mark="heatmap")
    colors = np.array(hex_colors(widget.color_scheme))[mark(widget).color.astype(int)[::-1]]
    widget.mark = "image"
    assert isinstance(mark(widget), bqplot.Image)
    rgb = np.array([[[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in row] for row in colors])
    assert (pixels(widget) == rgb).all()


def test_heatmap_gives_way_to_the_image_and_comes_back() -> None:
    values = wave()
    values[10, 3] = np.nan
    widget = ConvergenceHeatmap(values, mark="heatmap")
    assert isinstance(mark(widget), bqplot.Image)
    widget.iteration_range = (11, 20)
    assert isinstance(mark(widget), bqplot.HeatMap)
    widget.iteration_range = (11, 11)
    assert isinstance(mark(widget), bqplot.Image)
    assert pixels(widget).shape == (40, 1, 3)


# Messages


def test_change_of_a_range_is_one_picture(recorder: Recorder) -> None:
    widget = ConvergenceHeatmap(wave())
    recorder.clear()
    widget.iteration_range = (3, 9)
    assert picture_updates(recorder) == {**ONE_PICTURE, "IntRangeSlider.value": 1}


def test_change_of_a_range_is_one_message_of_the_heatmap_mark(recorder: Recorder) -> None:
    widget = ConvergenceHeatmap(wave(), mark="heatmap")
    recorder.clear()
    widget.iteration_range = (3, 9)
    assert picture_updates(recorder) == {"HeatMap.color+x": 1, "IntRangeSlider.value": 1}
    widget.iteration_range = (4, 10)
    assert picture_updates(recorder) == {"HeatMap.color": 1, "IntRangeSlider.value": 1}


def test_collapsed_range_sends_no_ticks(recorder: Recorder) -> None:
    widget = ActivationHeatmap(np.random.default_rng(0).random((16, 35, 17)))
    recorder.clear()
    widget.iteration_range = (0, 3)
    assert picture_updates(recorder) == {**ONE_PICTURE, "IntRangeSlider.value": 1}
    widget.iteration_range = (1, 4)
    assert updates(recorder.take()) == {**ONE_PICTURE, "IntRangeSlider.value": 1}


def test_new_scheme_is_one_picture_and_one_bar(recorder: Recorder) -> None:
    widget = ConvergenceHeatmap(wave())
    recorder.clear()
    widget.color_scheme = "magma"
    assert updates(recorder.take()) == {"Image.value": 2, "Image.image": 2}


def test_state_is_put_back_with_one_picture(recorder: Recorder) -> None:
    widget = Heatmap(np.random.default_rng(0).random((8, 9, 10)))
    recorder.clear()
    widget.set_view_state({"iteration_range": [1, 2], "layer_band": [3, 4], "reducer": "max"})
    counts = picture_updates(recorder)
    assert counts.pop("IntRangeSlider.value") == 2
    assert sum(n for name, n in counts.items() if name.startswith("Dropdown")) == 1
    assert {k: n for k, n in counts.items() if k.startswith("Image")}["Image.value"] == 1


NOTHING = {
    "same range": ("iteration_range", (2, 5)),
    "same range as a list": ("iteration_range", [2.0, 5.0]),
    "same scheme": ("color_scheme", "viridis"),
    "same scale": ("color_scale", "log"),
    "other mark of the same kind": ("mark", "image"),
    "same title": ("title", ""),
    "same width": ("width", 900),
    "all layers of none": ("layer_band", (None, None)),
}


@pytest.mark.parametrize("case", NOTHING)
def test_same_again_sends_nothing(case: str, recorder: Recorder) -> None:
    widget = ConvergenceHeatmap(wave(), iteration_range=(2, 5))
    recorder.clear()
    setattr(widget, *NOTHING[case])
    assert recorder.take() == []


def test_refresh_of_an_unchanged_array_sends_nothing(recorder: Recorder) -> None:
    values = wave()
    values[5] = np.nan
    widget = ConvergenceHeatmap(values)
    recorder.clear()
    widget.refresh()
    assert recorder.take() == []


def test_open_range_and_the_whole_range_are_one_picture(recorder: Recorder) -> None:
    widget = ConvergenceHeatmap(wave())
    frame = widget.frame
    recorder.clear()
    widget.iteration_range = (0, 64)
    widget.iteration_range = (-0.0, None)
    assert widget.frame is frame
    assert recorder.take() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("reducer", "max"), ("pooling", "min"), ("color_range", (float(wave().min()), None))],
)
def test_change_that_cannot_be_seen_sends_nothing(
    name: str, value: Any, recorder: Recorder
) -> None:
    widget = ConvergenceHeatmap(wave())
    recorder.clear()
    setattr(widget, name, value)
    assert recorder.take() == []


def test_change_in_place_is_one_picture(recorder: Recorder) -> None:
    values = wave()
    widget = ConvergenceHeatmap(values, color_range=(1e-7, 10))
    values[7, 7] *= 2
    recorder.clear()
    widget.refresh()
    assert updates(recorder.take()) == ONE_PICTURE


# Bytes


def cubes() -> dict[str, Callable[[], Heatmap]]:
    """Heatmaps of large arrays."""
    noise = np.random.default_rng(0).random((1000, 1000), np.float32)
    # Every layer and iteration a view of one row: 0.4 MB stand for 900.
    row = np.random.default_rng(0).random(100_000, np.float32)
    cube = np.broadcast_to(row, (36, 64, 100_000))
    dims = ("layer", "iteration", "token")
    return {
        "1000x1000": lambda: ConvergenceHeatmap(noise),
        "36x64x100000 activation": lambda: ActivationHeatmap(cube, dims=dims),
        "36x64x100000 convergence": lambda: ConvergenceHeatmap(cube, dims=dims),
    }


@pytest.mark.parametrize("case", cubes())
def test_bytes_of_a_picture_are_bounded_by_its_pixels(case: str, recorder: Recorder) -> None:
    widget = cubes()[case]()
    top = 0
    for window in ((0, 40), (3, 63), (5, 5), (None, None)):
        recorder.clear()
        widget.iteration_range = window
        top = max(top, sum(m.n_bytes for m in recorder.take()))
        assert widget.frame.shape[0] <= 600
        assert widget.frame.shape[1] <= widget.width
        # A palette, a byte for each cell at most, and what ticks and names take.
        assert len(mark(widget).image.value) <= widget.frame.values.size * 1.01 + 2000
        assert top <= widget.frame.values.size * 1.01 + 20_000 or window == (5, 5)
    assert top <= 600 * widget.width


def test_bytes_do_not_grow_with_the_array() -> None:
    sizes = []
    for n in (1_000, 4_000, 16_000):
        values = np.random.default_rng(0).random((n, 500), np.float32)
        widget = Heatmap(values, height=400, width=600)
        sizes.append(len(mark(widget).image.value))
        widget.close()
    assert max(sizes) <= 400 * 600


def test_heatmap_mark_is_bounded_too(recorder: Recorder) -> None:
    widget = Heatmap(np.random.default_rng(0).random((5000, 3000)), mark="heatmap")
    recorder.clear()
    widget.color_scale = "log"
    sent = recorder.take()
    assert sum(m.n_bytes for m in sent) <= 4 * widget.frame.values.size + 20_000
    assert widget.frame.values.size <= 600 * 900


def test_images_are_the_only_pictures() -> None:
    assert len(parts(ConvergenceHeatmap(wave()), ipywidgets.Image)) == 2


# Overlays


def overlaid() -> tuple[ConvergenceHeatmap, Any]:
    """Heatmap with a line over its cells, and the line's mark."""
    widget = ConvergenceHeatmap(wave())
    widget._overlays = (steps(np.arange(40.0)),)
    widget.refresh()
    [line] = parts(widget, bqplot.Lines)
    return widget, line


def test_overlays_lie_over_the_picture_and_move_with_the_window(recorder: Recorder) -> None:
    widget, line = overlaid()
    assert parts(widget, bqplot.Figure)[0].marks == [mark(widget), line]
    assert line.x[:3].tolist() == pytest.approx([0, 0, SPAN / 65])
    assert line.y[:3].tolist() == pytest.approx([SPAN, SPAN * 39 / 40, SPAN * 39 / 40])
    recorder.clear()
    widget.iteration_range = (10, 19)
    assert updates(recorder.take())["Lines.x"] == 1
    assert line.x[-1] == pytest.approx((39 - 10) / 10 * SPAN)


def test_what_moves_no_overlay_sends_none(recorder: Recorder) -> None:
    widget, line = overlaid()
    recorder.clear()
    widget.color_scheme = "magma"
    widget.color_range = (1, 2)
    assert not [key for key in updates(recorder.take()) if key.startswith(("Lines", "Figure"))]
    assert parts(widget, bqplot.Lines) == [line]


def test_an_overlay_that_goes_is_closed() -> None:
    before = live_widgets()
    widget, line = overlaid()
    widget._overlays = (Band(2, 5), Points(np.ones(3), np.ones(3)), Text(1, 1, "a"))
    widget.refresh()
    assert line.comm is None
    kinds = [type(part) for part in parts(widget, bqplot.Figure)[0].marks[1:]]
    assert [kind.__bases__[1] for kind in kinds] == [bqplot.Lines, bqplot.Scatter, bqplot.Label]
    widget.close()
    assert live_widgets() == before


@pytest.mark.parametrize("kind", ["image", "heatmap"])
def test_overlays_stay_when_the_mark_changes(kind: str) -> None:
    widget, line = overlaid()
    widget.mark = kind
    assert parts(widget, bqplot.Figure)[0].marks == [mark(widget), line]
