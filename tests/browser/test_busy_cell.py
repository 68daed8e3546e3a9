"""Controls in JupyterLab answer beside a busy cell, whoever published on them last."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.browser.conftest import OpenNotebook
from tests.browser.pictures import handle, press
from tests.browser.producer import Passes
from tests.browser.test_live import SETUP, N, wait_for_iterations


@pytest.mark.parametrize(
    ("before", "first"),
    [("", 0), ("w.iteration_range = (3, None); ", 3)],
    ids=["never touched", "moved by the cell"],
)
def test_slider_answers_beside_the_cell(lab_page: OpenNotebook, before: str, first: int) -> None:
    """Neither its first touch nor one after the cell has moved it waits for the end."""
    host = lab_page([SETUP, "w"])
    with closing(Passes(host)) as passes:
        cell = host.start(f"{before}producer(live)")
        passes.let(10)
        wait_for_iterations(host, 10, first=first)
        press(host, handle(host, "iteration", "lower"), "ArrowRight")
        wait_for_iterations(host, 10, first=first + 1)
        assert not cell.done()
        passes.let(N)
        cell.result()
    assert host.errors == []


def test_cancel_is_heard_beside_the_cell(lab_page: OpenNotebook) -> None:
    """The button of a run in a thread, pressed for the first time while a cell is busy."""
    busy = "other = Producer(values); twin = hw.LiveArray({'iteration': 64, 'token': 30})"
    host = lab_page([SETUP, busy, "run = hw.run(producer, live)\nrun.progress"])
    with closing(Passes(host)) as run, closing(Passes(host, "other")) as passes:
        cell = host.start("other(twin)")
        host.page.get_by_role("button", name="cancel").click()
        text = host.page.locator(".heatwidget-progress")
        host.wait_until(lambda: "cancelling" in text.inner_text())
        run.let(1)
        host.wait_until(lambda: "cancelled" in text.inner_text())
        assert not cell.done()
        passes.let(N + 1)
        cell.result()
    assert host.errors == []
