"""`heatwidget view FILE`, as a person sees it."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
from playwright.sync_api import BrowserContext

import heatwidget as hw
from heatwidget.arrays.files import save
from tests.browser.conftest import SCREENSHOTS
from tests.test_cli import Start, end, start  # noqa: F401

SIZES = {"iteration": 33, "layer": range(1, 13), "token": [f"token-{k}" for k in range(40)]}


def test_a_file_is_shown_and_scrubbed(
    browser_context: BrowserContext,
    start: Start,  # noqa: F811
    tmp_path: Path,
) -> None:
    path = tmp_path / "run.zarr"
    cube = hw.LiveArray(SIZES, quantity="‖x − x*‖")
    decay = np.exp(-np.arange(33) / 4)[:, None, None]
    cube[:] = decay * np.random.default_rng(0).random((33, 12, 40))
    save(cube, path)
    command = start("view", str(path), "--no-browser", "--port", "0")
    page = browser_context.new_page()
    page.set_viewport_size({"width": 1300, "height": 1500})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(command.read_address())
    page.get_by_role("heading", name=path.name).wait_for()
    assert page.title() == path.name
    page.wait_for_function("document.querySelectorAll('.heatwidget .bqplot image').length >= 2")
    page.get_by_text("‖x − x*‖, 33 iterations × 12 layers × 40 tokens, float32").wait_for()
    slider = page.locator(".heatwidget").last.locator(".widget-slider", has_text="iteration")
    slider.locator(".noUi-handle-upper").focus()
    page.keyboard.press("ArrowLeft")
    page.locator(".widget-readout", has_text="0 – 31").first.wait_for()
    SCREENSHOTS.mkdir(exist_ok=True)
    for width in (1300, 700):
        page.set_viewport_size({"width": width, "height": 1500})
        page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)
        page.screenshot(path=SCREENSHOTS / f"view-{width}.png", full_page=True)
    assert errors == []
    page.close()
    end(command, signal.SIGINT)
