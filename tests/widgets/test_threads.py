"""Callbacks come on any thread: none is lost, none waits for another for ever."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Barrier, Event, Thread
from typing import Any

import numpy as np
import pytest
from traitlets import TraitError

from heatwidget import ConvergenceHeatmap, Heatmap
from tests.widgets.helpers import htmls, pixels, readout, send_event, slider
from tests.widgets.recorder import Recorder

# Long enough for any machine; only a deadlock takes it.
DEADLOCK = 30


def cube() -> np.ndarray:
    """Values of an (iteration, layer, item) array."""
    return np.random.default_rng(0).random((40, 12, 9)) + 0.01


def together(jobs: Sequence[Callable[[], None]]) -> None:
    """Run jobs in threads that start at once; raise the first error."""
    errors: list[BaseException] = []
    barrier = Barrier(len(jobs))

    def run(job: Callable[[], None]) -> None:
        barrier.wait()
        try:
            job()
        except BaseException as error:
            errors.append(error)

    threads = [Thread(target=run, args=(job,), daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLOCK)
    assert not any(thread.is_alive() for thread in threads), "deadlock"
    if errors:
        raise errors[0]


def aside(job: Callable[[], Any]) -> None:
    """Run a job in a thread and wait for it."""
    together([job])


def expect_fresh(widget: Heatmap, values: np.ndarray) -> None:
    """Compare with a new widget of the same state."""
    fresh = type(widget)(values)
    fresh.set_view_state(widget.view_state())
    assert (widget.frame.values == fresh.frame.values).all()
    assert (widget.frame.states == fresh.frame.states).all()
    assert widget.frame.view == fresh.frame.view
    assert (pixels(widget) == pixels(fresh)).all()
    fresh.close()


def setting(widget: Heatmap, name: str, values: Sequence[Any]) -> Callable[[], None]:
    """Job that sets a trait to one value after the other."""

    def run() -> None:
        for value in values:
            setattr(widget, name, value)

    return run


def test_many_threads_on_one_widget_end_with_the_last_state() -> None:
    values = cube()
    widget = ConvergenceHeatmap(values)

    def refresh() -> None:
        for _ in range(30):
            widget.refresh()

    together(
        [
            setting(widget, "iteration_range", [(k, k + 5) for k in range(30)]),
            setting(widget, "iteration_range", [(None, k) for k in range(30)]),
            setting(widget, "layer_band", [(k % 10, 11) for k in range(30)]),
            setting(widget, "color_scheme", ["magma", "viridis", "greys"] * 10),
            setting(widget, "reducer", ["max", "mean", "min"] * 10),
            setting(widget, "title", [str(k) for k in range(30)]),
            refresh,
        ]
    )
    assert widget.layer_band == (9, 11)
    assert widget.color_scheme == "greys"
    expect_fresh(widget, values)
    assert any("<b>29</b>" in html for html in htmls(widget))


def test_slider_stands_at_the_range_after_hand_and_code_have_both_moved_it() -> None:
    widget = ConvergenceHeatmap(cube())
    moved = slider(widget, "iteration")

    def hand() -> None:
        for k in range(30):
            moved.set_state({"value": [k, k + 3]})

    together([hand, setting(widget, "iteration_range", [(k, k + 5) for k in range(30)])])
    assert moved.value == widget.iteration_range
    expect_fresh(widget, cube())


def test_pointer_and_slider_at_once() -> None:
    values = cube()
    widget = ConvergenceHeatmap(values)

    def hover() -> None:
        for k in range(60):
            send_event(widget, {"event": "mouseenter"})
            domain = {"x": 1600 * k, "y": 1600 * k}
            send_event(widget, {"event": "mousemove", "domain": domain})

    together([hover, setting(widget, "iteration_range", [(k, k + 5) for k in range(30)])])
    assert "iteration 3" in readout(widget)
    expect_fresh(widget, values)


def test_array_replaced_while_ranges_move() -> None:
    widget = ConvergenceHeatmap(cube())

    def replace() -> None:
        for k in range(8):
            widget.set_array(cube() + k)

    together([replace, setting(widget, "layer_band", [(k % 10, 11) for k in range(30)])])
    expect_fresh(widget, cube() + 7)


def test_a_hand_amid_another_array(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slider of the old array moves while the controls of the new one are made."""
    widget = ConvergenceHeatmap(cube())
    moved, fit = slider(widget, "iteration"), widget._screen.panel.fit

    def fit_meanwhile(*arguments: Any) -> None:
        hand = Thread(target=lambda: moved.set_state({"value": [20, 35]}), daemon=True)
        hand.start()
        hand.join(0.1)  # it may have to wait for us
        fit(*arguments)

    monkeypatch.setattr(widget._screen.panel, "fit", fit_meanwhile)
    widget.set_array(np.ones((8, 5)), dims=("iteration", "prompt"))
    monkeypatch.undo()
    assert (widget.rows, widget.columns, widget.dims) == (
        "prompt",
        "iteration",
        ("iteration", "prompt"),
    )
    widget.reset()
    assert widget.frame.shape == (5, 8)


def test_what_one_thread_may_not_ask_does_not_reach_another() -> None:
    """Each is told of its own error, and only of its own."""
    widget = ConvergenceHeatmap(cube())

    def right() -> None:
        for k in range(40):
            widget.set_view_state({"iteration_range": [k % 9, 10], "color_range": [0.1, 1 + k]})

    def wrong() -> None:
        for _ in range(40):
            with pytest.raises(TraitError, match="positive under a log"):
                widget.set_view_state({"reducer": "max", "color_range": [-1, 1]})

    together([right, wrong])
    assert widget.reducer == "mean"
    assert widget.color_range == (0.1, 40)
    expect_fresh(widget, cube())


def test_an_interrupt_while_it_waits_leaves_nothing_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock is another's while a group of traits is set, and the user loses patience."""
    widget = ConvergenceHeatmap(cube())
    lock, set_traits = widget._lock, widget._set_traits

    class Interrupted:
        def __enter__(self) -> None:
            monkeypatch.setattr(widget, "_lock", lock)
            raise KeyboardInterrupt

        def __exit__(self, *_: object) -> None:
            raise AssertionError("not reached")

    def set_then_wait(values: Any) -> None:
        set_traits(values)
        monkeypatch.setattr(widget, "_lock", Interrupted())

    monkeypatch.setattr(widget, "_set_traits", set_then_wait)
    with pytest.raises(KeyboardInterrupt):
        widget.reset()
    widget.iteration_range = (0, 3)
    assert widget.frame.shape == (9, 4)


def test_closed_while_ranges_move(recorder: Recorder) -> None:
    widget = ConvergenceHeatmap(cube())
    together(
        [
            setting(widget, "iteration_range", [(k, k + 5) for k in range(30)]),
            setting(widget, "layer_band", [(k % 10, 11) for k in range(30)]),
            widget.close,
        ]
    )
    recorder.clear()
    widget.refresh()
    assert recorder.take() == []


@pytest.mark.parametrize("observed", ["frame", "iteration_range"])
def test_observer_may_wait_for_a_thread_that_draws(observed: str) -> None:
    values = cube()
    widget = ConvergenceHeatmap(values)
    calls: list[Any] = []

    def wait_for_another(change: Any) -> None:
        calls.append(change)
        if len(calls) == 1:
            aside(lambda: setattr(widget, "layer_band", (2, 3)))
            aside(widget.refresh)
            aside(lambda: widget.set_view_state({"color_scheme": "magma"}))

    widget.observe(wait_for_another, observed)
    widget.iteration_range = (2, 9)
    assert calls
    assert widget.layer_band == (2, 3)
    expect_fresh(widget, values)


def test_observer_during_reset_may_wait_for_a_thread_that_draws() -> None:
    values = cube()
    widget = ConvergenceHeatmap(values)
    widget.iteration_range = (2, 9)
    widget.observe(
        lambda change: aside(lambda: setattr(widget, "layer_band", (2, 3))), "iteration_range"
    )
    widget.reset()
    assert widget.layer_band == (2, 3)
    expect_fresh(widget, values)


def test_frame_is_the_latest_when_a_slower_thread_comes_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    widget = ConvergenceHeatmap(cube())
    set_trait = widget.set_trait

    def preempted(name: str, value: Any) -> None:
        # Another thread draws after this one has drawn, and before it says so.
        monkeypatch.setattr(widget, "set_trait", set_trait)
        aside(lambda: setattr(widget, "iteration_range", (0, 9)))
        set_trait(name, value)

    monkeypatch.setattr(widget, "set_trait", preempted)
    widget.iteration_range = (0, 3)
    assert widget.iteration_range == (0, 9)
    assert widget.frame.shape == (9, 10)


def test_frame_stays_a_frame_while_another_thread_replaces_the_array() -> None:
    widget = ConvergenceHeatmap(cube())
    half_way, go_on = Event(), Event()
    replacing = Thread(target=lambda: widget.set_array(cube()[:20]), daemon=True)

    def pause(change: Any) -> None:
        half_way.set()
        go_on.wait(DEADLOCK)

    def replace_meanwhile(change: Any) -> None:
        widget.unobserve(replace_meanwhile, "frame")
        replacing.start()
        half_way.wait(DEADLOCK)

    widget.observe(pause, "iterations")
    widget.observe(replace_meanwhile, "frame")
    widget.iteration_range = (2, 9)
    between = widget.frame
    go_on.set()
    replacing.join(DEADLOCK)
    expect_fresh(widget, cube()[:20])
    assert between is not None


def test_slider_is_not_led_back_by_a_slower_thread() -> None:
    widget = ConvergenceHeatmap(cube())
    moved = slider(widget, "iteration")

    def overtake(change: Any) -> None:
        # Called between the picture and the slider of the first change.
        if change["new"].shape == (9, 4):
            aside(lambda: setattr(widget, "iteration_range", (0, 9)))

    widget.observe(overtake, "frame")
    widget.iteration_range = (0, 3)
    assert widget.iteration_range == (0, 9)
    assert moved.value == (0, 9)
