"""What the browser tests know of a heatmap: where its parts are, which colours it must have."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Locator

from heatwidget.frames import palette
from tests.browser.conftest import NotebookPage

N_COLORS = 248


def picture(host: NotebookPage, nth: int = 0) -> Locator:
    """The rectangle of the nth heatmap in which cells are drawn."""
    return host.page.locator(".heatwidget").nth(nth).locator(".plotarea_background").first


def handle(host: NotebookPage, slider: str, end: str, nth: int = 0) -> Locator:
    """A handle of the slider called `iteration` or `layer`: its `lower` or `upper`."""
    row = host.page.locator(".heatwidget").nth(nth).locator(".widget-slider", has_text=slider)
    return row.locator(f".noUi-handle-{end}")


def tick_texts(host: NotebookPage, name: str, nth: int = 0) -> Locator:
    """The tick texts of the axis called `name`; the page keeps axes in any order."""
    figure = host.page.locator(".heatwidget").nth(nth).locator(".bqplot").first
    label = host.page.locator(".axislabel", has_text=re.compile(f"^{name}$"))
    return figure.locator("g.axis", has=label).locator(".tick text")


def press(host: NotebookPage, where: Locator, *keys: str) -> None:
    """Press keys on an element in quick succession."""
    where.focus()
    for key in keys:
        host.page.keyboard.press(key)


def cell_colors(
    host: NotebookPage, shape: tuple[int, int], cells: NDArray[np.int64], nth: int = 0
) -> NDArray[np.uint8]:
    """Colours on screen in the middle of cells, given as (row, column), shape (n, 3)."""
    where = picture(host, nth)
    where.scroll_into_view_if_needed()
    box = where.bounding_box()
    assert box is not None
    pixels = host.pixels()
    y = np.floor(box["y"] + (cells[:, 0] + 0.5) / shape[0] * box["height"]).astype(int)
    x = np.floor(box["x"] + (cells[:, 1] + 0.5) / shape[1] * box["width"]).astype(int)
    return pixels[y, x]


def wait_for_colors(
    host: NotebookPage,
    expected: NDArray[np.uint8],
    cells: NDArray[np.int64],
    *,
    nth: int = 0,
    timeout: float = 20,
) -> None:
    """Wait until cells have the colours of `expected`, shape (rows, columns, 3), exactly."""
    wanted = expected[cells[:, 0], cells[:, 1]]
    seen: NDArray[np.uint8] = np.empty(0, np.uint8)

    def match() -> bool:
        nonlocal seen
        seen = cell_colors(host, expected.shape[:2], cells, nth)  # type: ignore[arg-type]
        return np.array_equal(seen, wanted)

    try:
        host.wait_until(match, timeout=timeout)
    except TimeoutError:
        wrong = np.flatnonzero((seen != wanted).any(axis=1))[:5]
        report = [(cells[i].tolist(), seen[i].tolist(), wanted[i].tolist()) for i in wrong]
        raise AssertionError(
            f"cell, colour on screen, colour of its value: {report}\n{whereabouts(host)}"
        ) from None


# What each heatmap of a kernel has drawn, and whether it is about to draw again.
_WHEREABOUTS = """
def _whereabouts():
    import gc, threading
    import heatwidget
    ours = (heatwidget.Heatmap, heatwidget.LiveArray)
    for one in [one for one in gc.get_objects() if isinstance(one, ours)]:
        if isinstance(one, heatwidget.LiveArray):
            print(one, "version", one.version)
            continue
        print(one, "version seen", getattr(one._screen.reader.source, "_seen", None))
        print(one.frame, "not pending:", int((one.frame.states != 1).sum()))
        print(vars(one._scheduler))
    print([thread.name for thread in threading.enumerate()])
_whereabouts()
"""


def whereabouts(host: NotebookPage) -> str:
    """How far the kernel and the page are, for the report of a test that waited in vain."""
    last = host.messages()[-80:]
    lines = [
        f"{m.time - last[-1].time:8.2f} {m.direction} {m.msg_type} to {m.parent_type} {m.size} "
        f"{m.comm_id} {m.method} {list(m.state)[:3]} {str(m.content)[:150]}"
        for m in last
    ]
    try:
        kernel = host.run(_WHEREABOUTS, timeout=20)
    except Exception as error:
        kernel = f"the kernel does not answer: {error!r}"
    return "\n".join([kernel, f"errors of the page: {host.errors}", *lines])


def colors_of(
    values: NDArray[Any], low: float, high: float, *, log: bool, scheme: str = "viridis"
) -> NDArray[np.uint8]:
    """Palette entry of each value: written out again here, so that it can differ."""
    values = values.astype(np.float32).astype(np.float64)
    if log:
        values, low, high = np.log(values), np.log(low), np.log(high)
    index = np.floor((values - low) / (high - low) * N_COLORS).clip(0, N_COLORS - 1)
    return palette(scheme)[index.astype(int)]


def some_cells(shape: tuple[int, int], n: int = 50, seed: int = 0) -> NDArray[np.int64]:
    """Random cells, shape (n, 2)."""
    return np.random.default_rng(seed).integers(0, shape, size=(n, 2))
