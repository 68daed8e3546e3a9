"""The colour on screen of a cell is the palette entry of its value, to the last bit."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from heatwidget.frames import palette
from tests.browser.conftest import NotebookPage, OpenNotebook
from tests.browser.pictures import (
    colors_of,
    handle,
    picture,
    press,
    some_cells,
    wait_for_colors,
)

SHAPES = [(5, 61), (35, 17), (250, 65)]
SCHEMES = ["magma", "cividis", "inferno", "plasma", "greys", "coolwarm"]

CELLS = [
    """
import numpy as np, heatwidget as hw
def array(n_rows, n_columns):
    return 10 ** np.random.default_rng(n_rows).uniform(-6, 1, (n_columns, n_rows))
w = hw.ConvergenceHeatmap(array(5, 61), width=1000)
w
"""
]


def array(n_rows: int, n_columns: int) -> NDArray[np.float64]:
    """The array of the notebook, shape (row, column)."""
    return 10 ** np.random.default_rng(n_rows).uniform(-6, 1, (n_columns, n_rows)).T


def test_fifty_random_cells_on_each_mark_and_scale(any_page: OpenNotebook) -> None:
    host = any_page(CELLS)
    for shape in SHAPES:
        values = array(*shape)
        host.run(f"w.set_array(array{shape})")
        for mark in ("heatmap", "image"):
            for scale in ("linear", "log"):
                host.run(f"w.mark, w.color_scale = {mark!r}, {scale!r}")
                expected = colors_of(values, values.min(), values.max(), log=scale == "log")
                wait_for_colors(host, expected, some_cells(shape))
    assert host.errors == []


def test_thirty_quick_slider_moves_end_on_the_last_position(any_page: OpenNotebook) -> None:
    host = any_page(CELLS)
    for mark, shape, scale in product(("heatmap", "image"), SHAPES[::2], ("linear", "log")):
        values = array(*shape)
        last = shape[1] - 1
        host.run(f"w.set_array(array{shape}); w.reset()")
        host.run(f"w.mark, w.color_scale = {mark!r}, {scale!r}")
        upper = handle(host, "iteration", "upper")
        host.wait_until(lambda: upper.get_attribute("aria-valuetext") == str(last))  # noqa: B023
        press(host, upper, *["ArrowLeft"] * 30)
        host.wait_until(lambda: host.value("w.iteration_range") == [0, last - 30])  # noqa: B023
        colors = colors_of(values, values.min(), values.max(), log=scale == "log")
        shown = colors[:, : last - 29]
        wait_for_colors(host, shown, some_cells(shown.shape[:2]))  # type: ignore[arg-type]
    assert host.errors == []


def test_both_marks_give_the_same_pixels(voila_page: OpenNotebook) -> None:
    """But for the line between two cells, which bqplot.HeatMap blends."""
    host = voila_page(CELLS)
    for shape in SHAPES[:2]:
        host.run(f"w.set_array(array{shape}); w.mark = 'image'")
        by_image = _settled(host, shape)
        host.run("w.mark = 'heatmap'")
        by_heatmap = _settled(host, shape)
        inner = _inner(by_image.shape[:2], shape)
        assert inner.mean() > 0.5
        assert np.array_equal(by_image[inner], by_heatmap[inner])


def test_scheme_and_range_change_at_once(voila_page: OpenNotebook) -> None:
    host = voila_page(CELLS)
    values = array(5, 61)
    host.run("w.color_scale = 'linear'")
    for high, scheme in enumerate(SCHEMES, start=3):
        host.run(f"w.color_scheme = {scheme!r}; w.color_range = (1, {high})")
        expected = colors_of(values, 1, high, log=False, scheme=scheme)
        expected[values < 1] = palette(scheme)[248 + 6]
        expected[values > high] = palette(scheme)[248 + 7]
        wait_for_colors(host, expected, some_cells((5, 61)))
        host.page.locator(".heatwidget", has_text=f"above {high}").wait_for()
        assert "below 1" in host.page.locator(".heatwidget").inner_text()


def test_every_state_has_its_colour_and_a_legend_line(any_page: OpenNotebook) -> None:
    host = any_page(
        [
            """
import numpy as np, heatwidget as hw
values = np.ma.array(10.0 ** np.arange(24).reshape(4, 6), mask=False)
values[0, 1], values[1, 2], values[2, 3] = np.nan, np.inf, -np.inf
values[3, 4], values[3, 5], values[0, 0] = 0, -3, np.ma.masked
w = hw.ConvergenceHeatmap(values.T, mark="heatmap")
w
"""
        ]
    )
    states = {(0, 0): 1, (0, 1): 2, (1, 2): 3, (2, 3): 4, (3, 4): 5, (3, 5): 5}
    expected = np.zeros((4, 6, 3), np.uint8)
    for (row, column), state in states.items():
        expected[row, column] = palette("viridis")[248 + state]
    wait_for_colors(host, expected, np.array(list(states)))
    text = host.page.locator(".heatwidget").inner_text()
    for line in ("pending", "NaN", "+inf", "−inf", "zero or negative"):
        assert line in text
    host.run("w.iteration_range = (1, 1)")
    host.wait_until(lambda: "pending" not in host.page.locator(".heatwidget").inner_text())


def _settled(host: NotebookPage, shape: tuple[int, int]) -> NDArray[np.uint8]:
    values = array(*shape)
    expected = colors_of(values, values.min(), values.max(), log=True)
    wait_for_colors(host, expected, some_cells(shape))
    # The page takes its time to give a figure its new height.
    height = host.value("w._screen.view.scene.layout.geometry.picture_height")
    host.wait_until(lambda: (picture(host).bounding_box() or {}).get("height") == height)
    return host.still_pixels(picture(host))


def _inner(pixels: tuple[int, int], cells: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels that lie more than one pixel inside of a cell."""
    inner = []
    for n_pixels, n_cells in zip(pixels, cells, strict=True):
        place = (np.arange(n_pixels) + 0.5) / n_pixels * n_cells
        distance = np.abs(place - np.rint(place)) * n_pixels / n_cells
        inner.append(distance > 1.5)
    return inner[0][:, np.newaxis] & inner[1]
