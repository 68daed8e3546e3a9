"""An array that is not in memory: coarse first, finer as it is read, scrubbed meanwhile."""

from __future__ import annotations

import re

import numpy as np
from playwright.sync_api import expect

from tests.browser.conftest import NotebookPage, OpenNotebook
from tests.browser.pictures import handle, picture, press

# Each block waits until the test lets it through.
LAZY = [
    """
import threading
import dask, dask.array as da, numpy as np, heatwidget as hw
from concurrent.futures import ThreadPoolExecutor

gate = threading.Semaphore(4)

def decay(block_info=None):
    gate.acquire()
    (t0, t1), (i0, i1) = block_info[None]["array-location"]
    pace = np.linspace(0.002, 0.02, 1600)[t0:t1, None] * (1 + np.arange(t0, t1) % 7)[:, None]
    return np.exp(-pace * np.arange(i0, i1))

lazy = da.map_blocks(decay, chunks=((400,) * 4, (300,) * 4), dtype="float64")
dask.config.set(pool=ThreadPoolExecutor(1))
w = hw.ConvergenceHeatmap(lazy, dims=("token", "iteration"), title="lazy")
w
"""
]


def reading(host: NotebookPage) -> str:
    """What the row below the controls says; empty where it is not shown."""
    row = host.page.locator(".heatwidget > .widget-box").last
    return row.inner_text() if row.is_visible() else ""


def test_a_coarse_picture_first(voila_page: OpenNotebook) -> None:
    host = voila_page(LAZY)
    host.wait_until(lambda: "coarse until then" in reading(host))
    host.wait_until(lambda: host.value("int(w.frame.states.max()) == 0"))
    host.screenshot("reading-coarse")
    assert host.value("bool(w.frame.coarse.any())")
    # The slider answers although the array does not.
    before = host.still_pixels(picture(host))
    press(host, handle(host, "iteration", "upper"), *["ArrowLeft"] * 40)
    host.wait_until(lambda: not np.array_equal(host.pixels(picture(host)), before))
    button = host.page.locator(".heatwidget button", has_text="stop")
    button.click()
    expect(host.page.locator(".heatwidget button", has_text="go on")).to_be_visible()
    # The text is a message of its own, after that of the button.
    host.wait_until(lambda: re.search(r"stopped at \d+%: the picture is coarse", reading(host)))
    host.screenshot("reading-stopped")
    host.run("gate.release(1000)")
    host.page.locator(".heatwidget button", has_text="go on").click()
    host.wait_until(lambda: reading(host) == "")
    # The picture is on the page a moment before the trait says so.
    host.wait_until(lambda: host.value("w.frame.coarse is None"))
    assert host.value("w.reading is None and w.error is None")
    host.screenshot("reading-done")
    values = np.array(host.value("w.frame.values"))
    whole = np.exp(
        -(np.linspace(0.002, 0.02, 1600) * (1 + np.arange(1600) % 7))[:, None] * np.arange(1200)
    )
    edges = host.value("[w.frame.row_edges, w.frame.column_edges]")
    pooled = np.maximum.reduceat(whole, edges[0][:-1], axis=0)
    pooled = np.maximum.reduceat(pooled[:, : edges[1][-1]], edges[1][:-1], axis=1)
    np.testing.assert_allclose(values, pooled, rtol=1e-6, atol=1e-38)
    assert host.errors == []
