"""Arrays of any axes on the page: a slider for each, and a part of the picture by a box."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.browser.conftest import NotebookPage, OpenNotebook
from tests.browser.pictures import colors_of, handle, picture, press, some_cells, wait_for_colors

SHAPE = (3, 12, 4, 10)
# How the same values of (seed, iteration, layer, token) are held; `folder` and `runs` are there.
KINDS = {
    "memory": "array = runs",
    "live": """
array = hw.LiveArray(dict(zip(dims, runs.shape)), dtype="f8")
array[...] = runs
""",
    "mapped": """
np.save(folder + "/runs.npy", runs)
array = np.load(folder + "/runs.npy", mmap_mode="r")
""",
    "zarr": """
import zarr
array = zarr.create_array(folder + "/runs.zarr", shape=runs.shape, dtype="f8", chunks=(1, 12, 4, 5))
array[...] = runs
""",
    "dask": """
import dask.array
array = dask.array.from_array(runs, chunks=(1, 6, 4, 10))
""",
}
CELL = """
import numpy as np, heatwidget as hw
folder, dims = FOLDER, ("seed", "iteration", "layer", "token")
runs = 10 ** np.random.default_rng(0).uniform(-3, 1, SHAPE)
KIND
w = hw.ConvergenceHeatmap(array, dims=dims)
w
"""
MILLION = [
    """
import numpy as np, heatwidget as hw
values = np.random.default_rng(0).random((16, 1_000_000), np.float32)
w = hw.ConvergenceHeatmap(values, color_scale="linear")
w
"""
]
FIVE_SLIDERS = [
    """
import numpy as np, heatwidget as hw
values = np.random.default_rng(0).random((3, 4, 6, 8, 5, 12))
w = hw.Heatmap(values, dims=("seed", "checkpoint", "head", "iteration", "layer", "token"),
               coords={"checkpoint": [0, 1000, 5000, 143000]})
w
"""
]


def runs() -> np.ndarray:
    """The values of the notebooks."""
    return 10 ** np.random.default_rng(0).uniform(-3, 1, SHAPE)


@pytest.mark.parametrize("kind", KINDS)
def test_four_axes_are_scrubbed_on_each_slider(
    any_page: OpenNotebook, kind: str, tmp_path: Path
) -> None:
    code = CELL.replace("FOLDER", repr(str(tmp_path))).replace("SHAPE", repr(SHAPE))
    host = any_page([code.replace("KIND", KINDS[kind])])
    low, high = runs().min(), runs().max()
    if kind == "live":  # its limits lie on round values
        low, high = host.value("list(w.frame.view.colors.limits)")

    def expect(values: np.ndarray) -> None:
        colors = colors_of(values.mean(axis=(0, 2)).T, low, high, log=True)
        wait_for_colors(host, colors, some_cells(colors.shape[:2]))

    expect(runs())
    press(host, handle(host, "seed", "lower"), "ArrowRight", "ArrowRight")
    expect(runs()[2:])
    press(host, handle(host, "layer", "upper"), "ArrowLeft")
    expect(runs()[2:, :, :3])
    press(host, handle(host, "iteration", "lower"), *["ArrowRight"] * 4)
    expect(runs()[2:, 4:, :3])
    assert host.value("{k: list(v) for k, v in w.ranges.items()}") == {
        "seed": [2, 2],
        "iteration": [4, 11],
        "layer": [0, 2],
        "token": [0, 9],
    }
    host.page.locator(".heatwidget button", has_text="reset").click()
    expect(runs())
    assert host.errors == []


def drag(host: NotebookPage, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag from one place of the picture to another, as fractions across and down."""
    box = picture(host).bounding_box()
    assert box is not None
    places = [
        (box["x"] + across * box["width"], box["y"] + down * box["height"])
        for across, down in (start, end)
    ]
    host.page.mouse.move(*places[0])
    host.page.mouse.down()
    host.page.mouse.move(*places[1], steps=8)
    host.page.mouse.up()


def test_a_million_tokens_narrowed_by_a_box(any_page: OpenNotebook) -> None:
    host = any_page(MILLION)
    sizes = [1_000_000]
    for _ in range(4):
        drag(host, (0.2, 0.4), (0.6, 0.5))
        host.wait_until(lambda: host.value("w.token_range[1] - w.token_range[0] + 1") < sizes[-1])
        sizes.append(host.value("w.token_range[1] - w.token_range[0] + 1"))
    assert sizes[-1] < 200  # a tenth each time
    frame = np.array(host.value("w.frame.values.tolist()"))
    colors = colors_of(frame, *host.value("list(w.frame.view.colors.limits)"), log=False)
    wait_for_colors(host, colors, some_cells(colors.shape[:2]))
    assert host.value(
        "w.frame.values.tolist() == values[:, slice(w.token_range[0],"
        " w.token_range[1] + 1)][slice(w.iteration_range[0],"
        " w.iteration_range[1] + 1)].T.tolist()"
    )
    box = picture(host).bounding_box()
    assert box is not None
    host.page.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    host.wait_until(lambda: host.value("list(w.token_range)") == [0, 999_999])
    assert host.value("list(w.iteration_range)") == [0, 15]
    assert host.errors == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_five_sliders_on_a_narrow_page(voila_page: OpenNotebook, theme: str) -> None:
    """Nothing lies over anything else, and the page does not scroll sideways."""
    host = voila_page(FIVE_SLIDERS, width=700, theme=theme)
    rows = host.page.locator(".heatwidget .widget-slider")
    assert rows.count() == 5
    found = [*rows.all(), *host.page.locator(".heatwidget .widget-dropdown").all()]
    boxes = [box for each in found if (box := each.bounding_box()) is not None]
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            apart_across = a["x"] + a["width"] <= b["x"] + 1 or b["x"] + b["width"] <= a["x"] + 1
            apart_down = a["y"] + a["height"] <= b["y"] + 1 or b["y"] + b["height"] <= a["y"] + 1
            assert apart_across or apart_down, (a, b)
    width = host.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 700
    press(host, handle(host, "checkpoint", "lower"), "ArrowRight", "ArrowRight")
    host.wait_until(lambda: host.value("list(w.ranges['checkpoint'])") == [5000, 143000])
