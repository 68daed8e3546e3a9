"""Heatmaps of arrays that are being filled: what the page shows before the end."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest
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
from tests.browser.producer import Passes

N, TOKENS = 64, 30
LIMITS = (1e-6, 10.0)

SETUP = f"""
import numpy as np, heatwidget as hw
from tests.browser.producer import Producer
values = 10 ** np.random.default_rng(0).uniform(-5.9, 0.9, ({N}, {TOKENS}))
producer = Producer(values)
live = hw.LiveArray({{"iteration": {N}, "token": {TOKENS}}})
w = hw.ConvergenceHeatmap(live, color_range={LIMITS})
"""


def values() -> NDArray[np.float64]:
    """What the producer writes, shape (iteration, token)."""
    return 10 ** np.random.default_rng(0).uniform(-5.9, 0.9, (N, TOKENS))


def wait_for_iterations(host: NotebookPage, n: int, first: int = 0, nth: int = 0) -> None:
    """Wait until the picture shows `n` iterations, the rest pending, from the first one on."""
    colors = colors_of(values().T, *LIMITS, log=True)
    colors[:, n:] = palette("viridis")[248 + 1]
    # Both sides of the edge, and anywhere.
    columns = [k - first for k in (n - 1, n) if first <= k < N]
    edge = [(row, column) for row in (0, TOKENS - 1) for column in columns]
    cells = np.array([*edge, *some_cells((TOKENS, N - first))])
    wait_for_colors(host, colors[:, first:], cells, nth=nth)


def wait_for_upper(host: NotebookPage, value: int, nth: int = 0) -> None:
    upper = handle(host, "iteration", "upper", nth)
    host.wait_until(lambda: upper.get_attribute("aria-valuetext") == str(value))


@pytest.fixture(params=["lab_page", "old_kernel_page", "one_shell_page", "voila_page"])
def each_page(request: pytest.FixtureRequest) -> OpenNotebook:
    """JupyterLab with ipykernel 7, with ipykernel 6 and without subshells; Voila."""
    opener: OpenNotebook = request.getfixturevalue(request.param)
    return opener


def test_run_is_seen_and_scrubbed_before_its_end(each_page: OpenNotebook) -> None:
    host = each_page([SETUP, "run = hw.run(producer, live)\nrun.progress", "w"])
    with closing(Passes(host)) as passes:
        wait_for_iterations(host, 0)
        passes.let(10)
        wait_for_iterations(host, 10)
        press(host, handle(host, "iteration", "lower"), "ArrowRight", "ArrowRight")
        wait_for_iterations(host, 10, first=2)
        passes.let(20)
        wait_for_iterations(host, 30, first=2)
        host.screenshot(f"live-{host.server.kind}-light")
        assert host.value("[run.done, w.iteration_range, w.frame.shape]") == [
            *(False, [2, N - 1], [TOKENS, N - 2])
        ]
        passes.let(N)
        host.wait_until(lambda: host.value("run.done"))
        wait_for_iterations(host, N, first=2)
    assert host.value("[run.state, live.n_written]") == ["finished", N * TOKENS]
    assert host.errors == []


def test_every_move_counts_while_iterations_come(any_page: OpenNotebook) -> None:
    """Thirty keys and thirty iterations, one after the other; the value under the pointer, too."""
    # So high that the page need not scroll to the slider, away from the pointer.
    host = any_page([SETUP, "run = hw.run(producer, live)", "w"], height=1300)
    with closing(Passes(host)) as passes:
        wait_for_iterations(host, 0)
        box = picture(host).bounding_box() or {}
        host.page.mouse.move(
            box["x"] + box["width"] * 32.5 / N, box["y"] + box["height"] * 15.5 / TOKENS
        )
        readout = host.page.locator(".heatwidget-readout")
        host.wait_until(lambda: "pending" in readout.inner_text())
        assert "iteration 32" in readout.inner_text()
        for _ in range(30):
            passes.let(1)
            press(host, handle(host, "iteration", "lower"), "ArrowRight")
        wait_for_iterations(host, 30, first=30)
        assert host.value("w.iteration_range") == [30, N - 1]
        passes.let(N - 30)
        wait_for_iterations(host, N, first=30)
        # The pointer has stayed, and the window has moved under it.
        host.wait_until(lambda: "iteration 47" in readout.inner_text())
        assert "pending" not in readout.inner_text()
    assert host.errors == []


def test_busy_cell_is_seen_and_scrubbed_before_its_end(lab_page: OpenNotebook) -> None:
    host = lab_page([SETUP, "w"])
    with closing(Passes(host)) as passes:
        # Where the messages of a page go is settled by its first one.
        press(host, handle(host, "iteration", "lower"), "ArrowRight")
        wait_for_iterations(host, 0, first=1)
        cell = host.start("producer(live)")
        passes.let(10)
        wait_for_iterations(host, 10, first=1)
        press(host, handle(host, "iteration", "lower"), "ArrowRight")
        wait_for_iterations(host, 10, first=2)
        passes.let(20)
        wait_for_iterations(host, 30, first=2)
        assert not cell.done()
        passes.let(N)
        cell.result()
        wait_for_iterations(host, N, first=2)
    assert host.errors == []


def test_one_cell_makes_it_and_shows_it_and_computes(lab_page: OpenNotebook) -> None:
    host = lab_page([SETUP])
    with closing(Passes(host)) as passes:
        made = f"hw.ConvergenceHeatmap(live, color_range={LIMITS})"
        host.start_cell(f"display({made})\nproducer(live)\nover = True")
        passes.let(10)
        wait_for_iterations(host, 10)
        press(host, handle(host, "iteration", "lower"), "ArrowRight")
        wait_for_iterations(host, 10, first=1)
        passes.let(N)
        wait_for_iterations(host, N, first=1)
    assert host.value("over")
    assert host.errors == []


@pytest.mark.parametrize("opener", ["one_shell_page", "old_kernel_page"])
def test_busy_cell_without_subshells_is_seen_and_answers_after_it(
    request: pytest.FixtureRequest, opener: str
) -> None:
    host: NotebookPage = request.getfixturevalue(opener)([SETUP, "w"])
    with closing(Passes(host)) as passes:
        press(host, handle(host, "iteration", "lower"), "ArrowRight")
        wait_for_iterations(host, 0, first=1)
        cell = host.start("producer(live)")
        passes.let(10)
        wait_for_iterations(host, 10, first=1)
        press(host, handle(host, "iteration", "lower"), "ArrowRight", "ArrowRight")
        passes.let(20)
        wait_for_iterations(host, 30, first=1)
        assert not cell.done()
        passes.let(N)
        cell.result()
        wait_for_iterations(host, N, first=3)
    assert host.value("w.iteration_range") == [3, N - 1]
    assert host.errors == []


def test_producer_that_raises_leaves_what_it_wrote(lab_page: OpenNotebook) -> None:
    failing = "def failing(live):\n    live[:5] = values[:5]\n    raise OSError('no more')\n"
    host = lab_page([SETUP, f"{failing}run = hw.run(failing, live)\nrun.progress", "w"])
    wait_for_iterations(host, 5)
    text = host.page.locator(".heatwidget-progress")
    host.wait_until(lambda: "OSError: no more" in text.inner_text())
    assert "5 of 64" in text.inner_text()
    # The same array goes on with another run.
    host.run("run = hw.run(producer, live)")
    with closing(Passes(host)) as passes:
        passes.let(20)
        wait_for_iterations(host, 20)
        press(host, handle(host, "iteration", "lower"), "ArrowRight")
        wait_for_iterations(host, 20, first=1)
    assert host.errors == []


def test_cancel_in_the_page_stops_the_run(any_page: OpenNotebook) -> None:
    host = any_page([SETUP, "run = hw.run(producer, live)\nrun.progress", "w"], theme="dark")
    with closing(Passes(host)) as passes:
        passes.let(12)
        wait_for_iterations(host, 12)
        host.screenshot(f"live-{host.server.kind}-dark")
        host.page.get_by_role("button", name="cancel").click()
        host.wait_until(lambda: host.value("run.state") == "cancelling")
        # It ends at its next write.
        passes.let(N)
        host.wait_until(lambda: host.value("run.cancelled"))
    host.page.locator(".heatwidget-progress", has_text="cancelled after 12 of 64").wait_for()
    # The button has lost the focus, and Lab takes it a little later.
    handle(host, "iteration", "lower").click()
    press(host, handle(host, "iteration", "lower"), "ArrowRight")
    wait_for_iterations(host, 12, first=1)
    assert host.errors == []


def test_kernel_restart_under_an_open_page(lab_page: OpenNotebook) -> None:
    host = lab_page([SETUP, "run = hw.run(producer, live)", "w"])
    with closing(Passes(host)) as passes:
        passes.let(20)
        wait_for_iterations(host, 20)
        host.run("live.attrs['before'] = True")
        host.restart()
    assert host.value("live.attrs") == {}
    with closing(Passes(host)) as passes:
        wait_for_iterations(host, 0)
        passes.let(10)
        wait_for_iterations(host, 10)
        press(host, handle(host, "iteration", "lower"), "ArrowRight")
        wait_for_iterations(host, 10, first=1)
    # Of the old picture the page tells the old kernel, in vain, that the pointer has left it.
    assert [error for error in host.errors if "Cannot send" not in error] == []


def test_displayed_twice_and_late_in_one_page(voila_page: OpenNotebook) -> None:
    """After 30 iterations, of which no page knows; both follow from there on."""
    host = voila_page([SETUP, "live[:30] = values[:30]\nw.flush()", "w", "w"], height=1400)
    for nth in range(2):
        wait_for_iterations(host, 30, nth=nth)
    host.run("live[30:40] = values[30:40]")
    for nth in range(2):
        wait_for_iterations(host, 40, nth=nth)
    press(host, handle(host, "iteration", "lower", 1), "ArrowRight")
    for nth in range(2):
        wait_for_iterations(host, 40, first=1, nth=nth)
    assert host.errors == []


def test_displayed_in_two_tabs(lab_page: OpenNotebook) -> None:
    host = lab_page([SETUP, "run = hw.run(producer, live)", "w"])
    with closing(Passes(host)) as passes:
        passes.let(10)
        wait_for_iterations(host, 10)
        tab = host.open_again()
        wait_for_iterations(tab, 10)
        passes.let(10)
        for page in (host, tab):
            _look_at(page, 20, first=0)
        for first, mover in enumerate((tab, host), start=1):
            press(mover, handle(mover, "iteration", "lower"), "ArrowRight")
            for page in (tab, host):
                _look_at(page, 20, first=first)
    assert host.errors == tab.errors == []


def _look_at(tab: NotebookPage, n: int, first: int) -> None:
    # A tab behind another one takes its time.
    tab.page.bring_to_front()
    wait_for_iterations(tab, n, first)


def test_array_that_grows_under_an_open_page(voila_page: OpenNotebook) -> None:
    host = voila_page(
        [SETUP, "live = hw.LiveArray({'iteration': 8, 'token': 30})", "w.set_array(live)\nw"]
    )
    for n, room in ((8, 8), (9, 16), (17, 32)):
        host.run(f"for row in values[live.n_written // 30 : {n}]: live.append(row)")
        wait_for_upper(host, room - 1)
        _wait_for_grown(host, n, room)
    press(host, handle(host, "iteration", "upper"), "ArrowLeft")
    host.wait_until(lambda: host.value("w.iteration_range") == [0, 30])
    # What the user has set stays when there is more.
    host.run("for row in values[17:33]: live.append(row)")
    host.wait_until(lambda: host.value("len(w.iterations)") == 64)
    press(host, handle(host, "iteration", "upper"), "ArrowLeft")
    host.wait_until(lambda: host.value("w.iteration_range") == [0, 29])
    _wait_for_grown(host, 30, 30)
    # What nothing came for is cut off, and nothing comes back from the slider.
    host.run("w.iteration_range = (None, None)")
    wait_for_upper(host, 63)
    host.run("live.trim()")
    wait_for_upper(host, 32)
    _wait_for_grown(host, 33, 33)
    assert host.value("w.iteration_range") == [0, 32]
    assert host.errors == []


def _wait_for_grown(host: NotebookPage, n: int, room: int) -> None:
    colors = colors_of(values().T[:, :room], *LIMITS, log=True)
    colors[:, n:] = palette("viridis")[248 + 1]
    wait_for_colors(host, colors, some_cells((TOKENS, room)))


def test_error_of_a_drawing_is_said_in_the_page(voila_page: OpenNotebook) -> None:
    host = voila_page([SETUP, "live[:3] = values[:3]\nw"])
    wait_for_iterations(host, 3)
    host.run(
        "import heatwidget.widgets.reader as module\n"
        "def broken(*a, **k): raise ValueError('no <b>picture</b>')\n"
        "whole, module.render = module.render, broken\n"
        "live[3] = values[3]"
    )
    status = host.page.locator(".heatwidget-error")
    status.filter(has_text="ValueError: no <b>picture</b>").wait_for()
    # The picture stays, and goes on when the cause is gone.
    wait_for_iterations(host, 3)
    host.run("module.render = whole; live[4:6] = values[4:6]; live[3] = values[3]")
    wait_for_iterations(host, 6)
    host.wait_until(lambda: status.count() == 0)
    assert host.errors == []
