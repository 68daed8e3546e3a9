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
