"""The notebooks of the repository, as a person sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import OpenNotebook
from tests.browser.pictures import handle, picture, press

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.mark.parametrize("name", ["convergence", "activation"])
def test_notebook_runs_and_shows_pictures(lab_page: OpenNotebook, name: str) -> None:
    host = lab_page(NOTEBOOKS / f"{name}.ipynb", height=4200)
    host.page.locator(".heatwidget .bqplot image").first.wait_for()
    host.still_pixels()
    host.screenshot(f"notebook-{name}")
    assert host.page.locator(".heatwidget").count() == 3
    assert host.errors == []


def test_live_notebook_fills_and_is_scrubbed(lab_page: OpenNotebook) -> None:
    """The model runs beside the notebook, in a busy cell, and as it always does."""
    host = lab_page(NOTEBOOKS / "live.ipynb", height=5200)
    press(host, handle(host, "iteration", "lower"), "ArrowRight", "ArrowRight")
    host.wait_until(lambda: host.value("[r.done for r in hw.runs()]") == [])
    host.wait_until(lambda: host.value("watch.iteration_range") == [2, 256])
    host.run("for heatmap in (watch, beside, core): heatmap.flush()")
    assert host.value("[run.state, inside.state]") == ["finished", "finished"]
    assert host.value("[float(w.frame.values.min()) > 0 for w in (watch, core)]") == [True, True]
    assert host.value("[x.n_written for x in (live, busy, cube)]") == [
        *(257 * 74, 256 * 74, 128 * 4 * 74)
    ]
    host.still_pixels()
    host.screenshot("notebook-live")
    assert host.page.locator(".heatwidget").count() == 4
    assert host.errors == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1300, 700])
def test_demo_page_shows_both_heatmaps(voila_page: OpenNotebook, width: int, theme: str) -> None:
    host = voila_page(NOTEBOOKS / "app.ipynb", width=width, height=1500, theme=theme)
    for nth in range(2):
        assert len(set(map(bytes, host.still_pixels(picture(host, nth)).reshape(-1, 3)))) > 20
    host.screenshot(f"demo-{width}-{theme}")
    # Nothing reaches out of the page.
    assert host.page.evaluate("document.documentElement.scrollWidth") <= width
    assert host.errors == []


def test_demo_page_changes_captures_and_scrubs(voila_page: OpenNotebook) -> None:
    host = voila_page(NOTEBOOKS / "app.ipynb", height=1700)
    host.page.get_by_role("button", name="by token").click()
    host.page.get_by_role("button", name="recurrent core").click()
    host.wait_until(lambda: host.page.locator(".heatwidget .widget-play").count() == 2)
    press(host, handle(host, "iteration", "upper"), "ArrowLeft")
    host.page.locator(".widget-readout", has_text="0 – 63").first.wait_for()
    host.still_pixels()
    host.screenshot("demo-other-captures")
    assert host.errors == []
