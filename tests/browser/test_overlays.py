"""Overlays on the page: over the cells that they belong to, under any window and pooling."""

from __future__ import annotations

import numpy as np
import pytest

from tests.browser.conftest import NotebookPage, OpenNotebook

STEPS = [
    """
import numpy as np, heatwidget as hw
from heatwidget import scene
n_iterations, n_prompts = SHAPE
at = np.random.default_rng(1).integers(10, n_iterations - 10, n_prompts)
w = hw.ConvergenceHeatmap(np.ones((n_iterations, n_prompts)), color_scheme="greys")
w._overlays = (scene.steps(at, color="#ff0000"),)
w.refresh()
w
"""
]
ALL_KINDS = [
    """
import numpy as np, heatwidget as hw
from heatwidget import scene
w = hw.ConvergenceHeatmap(np.ones((64, 8)), color_scheme="greys")
w._overlays = (
    scene.Band(40, 50, color="#0000ff", opacity=1),
    scene.Band(6, 7, across=False, color="#ff00ff", opacity=1),
    scene.Points(np.array([5.5]), np.array([0.5]), color="#00ff00", size=100),
    scene.Text(10, 4.5, "settled", color="#ff0000"),
)
w.refresh()
w
"""
]


def plot(host: NotebookPage) -> np.ndarray:
    """Colours of the part of the page in which the cells lie."""
    return host.still_pixels(host.page.locator(".heatwidget .plotarea_background").first)


def red(pixels: np.ndarray) -> np.ndarray:
    """Which pixels are mostly red."""
    r, g, b = np.moveaxis(pixels.astype(int), -1, 0)
    return (r > 150) & (g < 100) & (b < 100)


def places(pixels: np.ndarray, n_rows: int) -> list[float]:
    """Where the line crosses the middle of each row, as a fraction of the width."""
    height, width = pixels.shape[:2]
    middles = ((np.arange(n_rows) + 0.5) / n_rows * height).astype(int)
    return [float((np.flatnonzero(red(pixels)[y]) + 0.5).mean() / width) for y in middles]


@pytest.mark.parametrize("n_iterations", [64, 5000])
def test_steps_follow_the_window(voila_page: OpenNotebook, n_iterations: int) -> None:
    n_prompts = 8
    host = voila_page([STEPS[0].replace("SHAPE", f"({n_iterations}, {n_prompts})")])
    at = np.random.default_rng(1).integers(10, n_iterations - 10, n_prompts)
    for start, stop in [(0, n_iterations), (5, n_iterations - 4), (9, n_iterations - 9)]:
        host.run(f"w.iteration_range = ({start}, {stop - 1})")
        host.wait_until(
            lambda span=(start, stop): host.value("w.frame.view.cells.column_window") == list(span)
        )
        pixels = plot(host)
        width = pixels.shape[1]
        expected = (at - start) / (stop - start)
        assert np.abs(np.array(places(pixels, n_prompts)) - expected).max() * width < 1.5
    assert host.errors == []


def test_all_kinds_lie_over_their_cells(voila_page: OpenNotebook) -> None:
    host = voila_page(ALL_KINDS)
    pixels = plot(host)
    host.screenshot("overlays")
    height, width = pixels.shape[:2]

    def at(column: float, row: float) -> tuple[int, int, int]:
        return tuple(pixels[int(row / 8 * height), int(column / 64 * width)].tolist())

    assert at(45, 2.5) == at(40.3, 0.1) == at(49.7, 5.9) == (0, 0, 255)
    assert at(20, 6.5) == at(0.1, 6.1) == at(63.9, 6.9) == (255, 0, 255)
    assert at(5.5, 0.5) == (0, 255, 0)
    assert (0, 0, 255) not in (at(39.7, 2.5), at(50.3, 2.5))
    beside = pixels[int(4 / 8 * height) : int(5 / 8 * height), int(10 / 64 * width) :]
    found = np.argwhere(red(beside))
    assert len(found) > 10
    # The text begins at its point, and stands on the middle of the row.
    assert found[:, 1].min() < 6
    assert abs(found[:, 0].mean() / len(beside) - 0.5) < 0.2
    host.run("w._overlays = ()\nw.refresh()")
    host.wait_until("() => !document.querySelector('.heatwidget .dot')")
    assert len(np.unique(plot(host).reshape(-1, 3), axis=0)) == 1
    assert host.errors == []
