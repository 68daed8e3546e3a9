"""Arrays far larger than the screen open, scrub, and send no more than the picture needs."""

from __future__ import annotations

import numpy as np

from tests.browser.conftest import NotebookPage, OpenNotebook
from tests.browser.pictures import cell_colors, colors_of, handle, picture, press

SQUARE = [
    """
import numpy as np, heatwidget as hw
square = 10 ** np.random.default_rng(0).uniform(-6, 1, (1000, 1000)).astype("float32")
w = hw.ConvergenceHeatmap(square)
w
"""
]
CUBE = [
    """
import numpy as np, heatwidget as hw
# (layer, iteration, token), 0.9 GB: each token has a pace of its own.
pace = np.linspace(0.05, 0.5, 100_000, dtype="float32")
cube = np.empty((36, 64, 100_000), "float32")
for layer in range(36):
    cube[layer] = (layer + 1) * np.exp(-pace * np.arange(64, dtype="float32")[:, None])
w = hw.ConvergenceHeatmap(cube, dims=("layer", "iteration", "token"), layers=range(1, 37))
w
"""
]


def test_a_thousand_by_a_thousand(voila_page: OpenNotebook) -> None:
    host = voila_page(SQUARE)
    check_scrub(host, "iteration")
    host.screenshot("large-square")
    shape = tuple(host.value("w.frame.shape"))
    assert shape[0] <= 520
    assert shape[1] <= 900
    # What is on screen is the frame, and a cell of it the maximum of what it covers.
    square = 10 ** np.random.default_rng(0).uniform(-6, 1, (1000, 1000)).astype("float32")
    edges = host.value("[w.frame.row_edges, w.frame.column_edges]")
    pooled = np.maximum.reduceat(square.T, edges[0][:-1], axis=0)
    pooled = np.maximum.reduceat(pooled[:, : edges[1][-1]], edges[1][:-1], axis=1)
    assert np.array_equal(pooled, np.array(host.value("w.frame.values"), np.float32))
    expected = colors_of(pooled, square.min(), square.max(), log=True)
    # The bins at the end are cut off by the window; look at the ones before.
    cells = np.random.default_rng(1).integers(0, (shape[0], shape[1] - 2), size=(50, 2))
    span = edges[1][-1] / (edges[1][1] - edges[1][0])
    seen = cell_colors(host, (shape[0], span), cells)  # type: ignore[arg-type]
    assert np.array_equal(seen, expected[cells[:, 0], cells[:, 1]])


def test_a_cube_of_two_hundred_million_cells(voila_page: OpenNotebook) -> None:
    host = voila_page(CUBE)
    check_scrub(host, "iteration")
    check_scrub(host, "layer")
    host.screenshot("large-cube")
    values = np.array(host.value("w.frame.values"))
    # Tokens further down settle faster; the frame shows the mean over the layers 1..35.
    assert (np.diff(values[:, -1]) < 0).all()
    assert host.errors == []


def check_scrub(host: NotebookPage, slider: str) -> None:
    """A slider move shows another picture, in no more bytes than it has pixels."""
    before = host.still_pixels(picture(host))
    start = host.mark()
    press(host, handle(host, slider, "upper"), "ArrowLeft")
    host.wait_until(lambda: not np.array_equal(host.pixels(picture(host)), before))
    host.still_pixels(picture(host))
    pictures = [
        m for m in host.messages(start) if m.direction == "received" and m.keys == {"value"}
    ]
    pixels = before.shape[0] * before.shape[1]
    assert pictures
    assert max(m.size for m in pictures) < pixels + 4_000
