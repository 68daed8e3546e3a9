"""Heatmaps of an array that is being filled."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import pairwise
from threading import Condition, Thread
from time import monotonic
from typing import Any
from weakref import ref

import ipywidgets
import numpy as np
import pytest
from traitlets import TraitError

from heatwidget import ActivationHeatmap, ConvergenceHeatmap, Heatmap, LiveArray
from heatwidget.frames import CellState
from tests.widgets.helpers import (
    bottom_up,
    htmls,
    live_widgets,
    mark,
    parts,
    pixels,
    point,
    readout,
    slider,
    text_of,
)
from tests.widgets.recorder import Recorder

# Long enough for any machine; only a deadlock takes it.
DEADLOCK = 60
TOKENS = ["The", " answer", " is"]


def array(n_iterations: int = 8, **keywords: Any) -> LiveArray:
    """Live array of (iteration, token)."""
    return LiveArray({"iteration": n_iterations, "token": TOKENS}, **keywords)


def row(k: int) -> np.ndarray:
    """What iteration k is filled with."""
    return np.float32([1, 2, 3]) * 0.5**k


def wait_for(widget: Heatmap, holds: Callable[[], bool]) -> None:
    """Wait until a frame has come after which something holds."""
    changed = Condition()

    def notify(_: Any) -> None:
        with changed:
            changed.notify_all()

    widget.observe(notify, "frame")
    with changed:
        assert changed.wait_for(holds, DEADLOCK)
    widget.unobserve(notify, "frame")


def wait_until_drawn(widget: Heatmap) -> None:
    """Wait until some cell has a value."""
    wait_for(widget, lambda: bool((widget.frame.states == CellState.VALUE).any()))


def drawing_threads() -> int:
    """Number of the threads that draw."""
    return sum(thread.name == "heatwidget-draw" for thread in threading.enumerate())


@pytest.fixture(autouse=True)
def no_thread_of_another_test() -> None:
    """Wait for those whose widgets are gone: they end by themselves."""
    gc.collect()
    for thread in threading.enumerate():
        if thread.name == "heatwidget-draw":
            thread.join(DEADLOCK)
    assert drawing_threads() == 0


def frames_sent(recorder: Recorder, widget: Heatmap) -> int:
    """Number of pictures that were sent for a widget."""
    sent = [m for m in recorder.messages if m.model_id == mark(widget).model_id]
    return sum("image" in m.keys for m in sent)


# What is shown


def test_all_is_pending_until_it_is_written() -> None:
    widget = ConvergenceHeatmap(array())
    assert widget.frame.shape == (3, 8)
    assert (widget.frame.states == CellState.PENDING).all()
    assert any("pending" in text_of(html) for html in htmls(widget))
    assert widget.tokens == tuple(TOKENS)


def test_a_write_shows_by_itself() -> None:
    live = array()
    widget = ConvergenceHeatmap(live)
    for k in range(8):
        live[k] = row(k)
    wait_for(widget, lambda: bool(np.array_equal(widget.frame.values, live.to_numpy().T)))
    assert not widget.frame.states_present()
    assert not any("pending" in html for html in htmls(widget))


def test_what_was_written_before_is_there_at_once() -> None:
    live = array()
    for k in range(5):
        live[k] = row(k)
    widget = ConvergenceHeatmap(live)
    assert np.array_equal(widget.frame.values, live.to_numpy().T, equal_nan=True)


def test_written_nan_is_not_pending() -> None:
    live = array()
    widget = ConvergenceHeatmap(live)
    live[0] = np.nan
    widget.flush()
    assert (widget.frame.states[:, 0] == CellState.NAN).all()
    assert (widget.frame.states[:, 1:] == CellState.PENDING).all()


def test_the_last_written_iteration_of_a_cube() -> None:
    """Activations show the last iteration that is there, not one that is pending."""
    live = LiveArray({"iteration": 6, "layer": range(1, 4), "token": TOKENS})
    widget = ActivationHeatmap(live)
    live[0], live[1] = 0.25, 0.75
    widget.flush()
    assert (widget.frame.values == 0.75).all()


def test_flush_shows_all_that_was_written() -> None:
    live = array()
    widget = ConvergenceHeatmap(live, interval=60)
    for k in range(8):
        live[k] = row(k)
        widget.flush()
        assert np.array_equal(widget.frame.values[:, k], row(k))


def test_the_readout_follows() -> None:
    live = array()
    widget = ConvergenceHeatmap(live)
    assert "pending" in point(widget, 0, 2)
    live[2] = 0.125
    widget.flush()
    assert "0.125" in readout(widget)


# What is said of it


def test_labels_given_to_the_widget_go_before_its_own() -> None:
    live = LiveArray({"iteration": 4, "token": 2}, quantity="distance")
    widget = ConvergenceHeatmap(live, tokens=["a", "b"], iterations=[0, 10, 20, 30])
    assert widget.tokens == ("a", "b")
    assert widget.iterations == (0, 10, 20, 30)
    assert widget.quantity == "distance"
    widget.iteration_range = (10, 20)
    live[2] = [3, 4]
    widget.flush()
    assert widget.frame.values[:, 1].tolist() == [3, 4]
    assert "b" in point(widget, 1, 1)


def test_axes_can_be_renamed() -> None:
    widget = ConvergenceHeatmap(
        LiveArray({"iteration": 4, "token": 2}), prompts=["a", "b"], dims=("iteration", "prompt")
    )
    assert widget.dims == ("iteration", "prompt")
    assert widget.prompts == ("a", "b")


@pytest.mark.parametrize(
    ("keywords", "match"),
    [
        ({"tokens": ["a"]}, "tokens must have one text for each of 3, got 1"),
        ({"layers": [1]}, "layers given"),
        ({"iterations": range(9)}, "iterations must have one number for each of 8"),
        ({"iteration_range": (0, 8)}, "iteration_range must lie within iterations 0..7"),
    ],
)
def test_labels_that_do_not_fit(keywords: dict[str, Any], match: str) -> None:
    live = array()
    with pytest.raises((ValueError, TraitError), match=match):
        ConvergenceHeatmap(live, **keywords)
    assert live._watchers == () or not live._alive()


def test_title_and_quantity_of_the_array_unless_the_user_says_it() -> None:
    live = array(quantity="step", attrs={"title": "seed 3"})
    assert ConvergenceHeatmap(live).title == "seed 3"
    assert ConvergenceHeatmap(live, title="mine").title == "mine"
    widget = ConvergenceHeatmap(live)
    widget.set_array(np.ones((4, 3)))
    assert (widget.title, widget.quantity) == ("", "‖x − x*‖")
    widget.title = "mine"
    widget.set_array(live)
    assert (widget.title, widget.quantity) == ("mine", "step")


# What is sent


def test_writes_out_of_sight_send_nothing(recorder: Recorder) -> None:
    live = array()
    live[:] = 1
    widget = ConvergenceHeatmap(live, iteration_range=(2, 4), color_range=(1e-3, 10))
    recorder.clear()
    live[5], live[0] = 2, 3
    widget.flush()
    assert recorder.take() == []


def test_the_same_values_again_send_nothing(recorder: Recorder) -> None:
    live = array()
    live[:] = 1
    widget = ConvergenceHeatmap(live)
    frame = widget.frame
    recorder.clear()
    live[3] = 1
    widget.flush()
    assert recorder.take() == []
    assert widget.frame is frame


def test_a_row_is_one_picture(recorder: Recorder) -> None:
    live = array()
    live[0] = 1, 2, 3
    widget = ConvergenceHeatmap(live, interval=60)
    recorder.clear()
    live[1] = 1, 2, 3
    widget.flush()
    assert recorder.take_updates() == {"Image.value": 1, "Image.image": 1}


def test_only_what_changed_is_read() -> None:
    live = LiveArray({"iteration": 50, "token": 40})
    live[:] = 1
    widget = ConvergenceHeatmap(live)
    source, read = widget._screen.reader.source, []
    original = source.read
    source.read = lambda region: (read.append(region), original(region))[1]
    live[7] = 2
    widget.flush()
    assert [region.bounds for region in read if region.size] == [((7, 8), (0, 40))]


def test_colours_change_in_steps(recorder: Recorder) -> None:
    """However fast values fall; and the limits only widen, so that no colour comes back."""
    for factor, most in ((0.98, 6), (0.8, 7), (0.5, 11), (0.1, 16)):
        live = LiveArray({"iteration": 65, "token": 2}, dtype=float)
        widget = ConvergenceHeatmap(live, interval=60)
        live[0] = 20
        limits = []
        for k in range(65):
            live[k] = 20 * factor**k
            widget.flush()
            limits.append(widget.frame.view.colors.limits)
        assert len(set(limits)) <= most
        assert all(b[0] <= a[0] and a[1] <= b[1] for a, b in pairwise(limits))


def test_no_more_pictures_than_the_interval_allows(recorder: Recorder) -> None:
    live = array(2000)
    widget = ConvergenceHeatmap(live, interval=0.05)
    recorder.clear()
    start = monotonic()
    for k in range(2000):
        live[k] = row(k % 20)
    wait_for(widget, lambda: not widget.frame.states_present())
    assert 1 <= frames_sent(recorder, widget) <= 1 + (monotonic() - start) / 0.05


@pytest.mark.parametrize("interval", [0, -1, 1e9, "fast", None])
def test_interval_must_make_sense(interval: Any) -> None:
    with pytest.raises(TraitError, match="interval"):
        ConvergenceHeatmap(array(), interval=interval)


# Growth


def test_growth_moves_the_end_of_the_slider(recorder: Recorder) -> None:
    """The slider stays the same widget, so that a hand can stay on it."""
    live = array(4)
    widget = ConvergenceHeatmap(live, iterations=[0, 10, 20, 30])
    moved = slider(widget, "iteration")
    for k in range(5):
        live.append(row(k))
    widget.flush()
    assert slider(widget, "iteration") is moved
    assert (moved.max, moved.value) == (70, (0, 70))
    assert widget.iterations == tuple(range(0, 80, 10))
    assert widget.iteration_range == (0, 70)
    assert widget.frame.shape == (3, 8)
    widget.iteration_range = (30, 60)
    assert np.array_equal(widget.frame.values[:, 1], row(4))


def test_an_observer_hears_that_an_open_range_has_grown() -> None:
    live, seen = array(4), []
    widget = ConvergenceHeatmap(live)
    widget.observe(lambda change: seen.append((change["old"], change["new"])), "iteration_range")
    own = ipywidgets.IntRangeSlider(value=(0, 3), max=100)
    ipywidgets.link((widget, "iteration_range"), (own, "value"))
    for k in range(5):
        live.append(row(k))
    widget.flush()
    assert (seen[0][0], seen[-1][1]) == ((0, 3), (0, 7))
    assert own.value == (0, 7)
    for k in range(5, 9):
        live.append(row(k))
    widget.flush()
    assert own.value == widget.iteration_range == (0, 15)


def test_growth_leaves_what_was_asked() -> None:
    live = array(4)
    widget = ConvergenceHeatmap(live, iteration_range=(1, 2))
    for k in range(5):
        live.append(row(k))
    widget.flush()
    assert widget.iteration_range == slider(widget, "iteration").value == (1, 2)
    assert widget.frame.shape == (3, 2)
    assert slider(widget, "iteration").max == 7
    widget.iteration_range = (None, 7)


def test_what_nothing_came_for_is_cut_off(recorder: Recorder) -> None:
    """The picture and its slider, which stays the same widget; not the colours, nor what is asked.

    A range that was asked beyond the end stays asked, and holds again once there is so much.
    """
    live = array(64)
    widget = ConvergenceHeatmap(live)
    asked = ConvergenceHeatmap(live, iteration_range=(3, 40))
    moved = slider(widget, "iteration")
    for k in range(16):
        live.append(row(k))
    widget.flush()
    colors = widget.frame.view.colors
    live.trim()
    widget.flush()
    asked.flush()
    assert widget.frame.shape == (3, 16)
    assert not (widget.frame.states == CellState.PENDING).any()
    assert widget.frame.view.colors == colors
    assert slider(widget, "iteration") is moved
    assert (moved.max, moved.value) == (15, (0, 15))
    assert (widget.iteration_range, widget.iterations) == ((0, 15), tuple(range(16)))
    assert (asked.iteration_range, asked.frame.shape) == ((3, 40), (3, 13))
    assert slider(asked, "iteration").value == (3, 15)
    live.append(row(16))
    asked.flush()
    assert slider(asked, "iteration").value == (3, 31)


def test_growth_from_one_iteration_makes_a_slider() -> None:
    live = array(1)
    widget = ConvergenceHeatmap(live)
    assert not parts(widget, ipywidgets.IntRangeSlider)
    live.append(row(0))
    live.append(row(1))
    widget.flush()
    assert slider(widget, "iteration").max == 1
    assert widget.play is not None


def test_growth_by_itself_on_a_hidden_axis() -> None:
    live = LiveArray({"iteration": 2, "layer": 3, "token": 2})
    widget = ActivationHeatmap(live)
    for k in range(5):
        live.append(np.full((3, 2), k / 10))
    wait_for(widget, lambda: bool((widget.frame.values == np.float32(0.4)).all()))
    widget.flush()
    assert slider(widget, "iteration").max == 7


def test_more_tokens_are_more_rows() -> None:
    live = LiveArray({"iteration": 4, "token": 1})
    widget = ConvergenceHeatmap(live)
    live.enlarge(token=30)
    live[0] = np.arange(1, 31)
    widget.flush()
    assert widget.frame.shape == (30, 4)
    assert widget.frame.values[:, 0].tolist() == list(range(1, 31))
    assert "29" in bottom_up(widget)[1]


def test_play_goes_on_into_what_has_grown() -> None:
    live = array(4)
    widget = ConvergenceHeatmap(live, iteration_range=(2, 3))
    for k in range(8):
        live.append(row(k))
    widget.flush()
    widget.play.set_state({"value": 1})
    assert widget.iteration_range == (3, 4)


def test_an_observer_hears_of_growth() -> None:
    live = array(2)
    widget = ConvergenceHeatmap(live)
    heard: list[int] = []
    widget.observe(lambda change: heard.append(len(change["new"])), "iterations")
    for k in range(5):
        live.append(row(k))
    widget.flush()
    assert heard[-1] == 8


# Other arrays


def test_another_array_in_the_same_place() -> None:
    one, other = array(), array(4)
    widget = ConvergenceHeatmap(one)
    widget.set_array(other)
    assert not one._alive()
    frame = widget.frame
    one[0] = 5
    other[1] = 7
    wait_for(widget, lambda: widget.frame is not frame)
    assert (widget.frame.values[:, 1] == 7).all()
    widget.set_array(np.ones((4, 3)))
    assert not other._alive()


def test_a_plain_array_needs_refresh_and_no_thread() -> None:
    values = np.ones((4, 3), np.float32)
    before = drawing_threads()
    widget = Heatmap(values)
    values[1] = 7
    assert (widget.frame.values == 1).all()
    widget.refresh()
    assert (widget.frame.values[1] == 7).all()
    assert drawing_threads() == before


def test_refresh_forgets_what_was_written_over() -> None:
    live = array()
    live[:] = 1e6
    widget = ConvergenceHeatmap(live)
    live[:] = 1
    widget.refresh()
    assert widget.frame.view.colors.limits[1] < 1e6


# What goes wrong


def status(widget: Heatmap) -> str:
    """Text of the status line."""
    return text_of(widget._screen.view._status.value)


def test_an_error_on_the_drawing_thread_is_shown_until_all_is_well() -> None:
    live = array()
    widget = ConvergenceHeatmap(live)
    reported = threading.Event()

    def fail(change: Any) -> None:
        raise ValueError("<b>no</b>\n")

    widget._screen.view._status.observe(lambda change: reported.set(), "value")
    widget.observe(fail, "frame")
    live[0] = 1
    assert reported.wait(DEADLOCK)
    assert status(widget) == "an observer failed: ValueError: <b>no</b>\n"
    assert isinstance(widget.error, ValueError)
    widget.unobserve(fail, "frame")
    live[1] = 1
    widget.flush()
    assert widget.error is None
    assert status(widget) == ""
    assert np.array_equal(widget.frame.values, live.to_numpy().T, equal_nan=True)


def test_an_error_of_the_source_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    live = array()
    widget = ConvergenceHeatmap(live, interval=60)
    live[0] = 1
    with monkeypatch.context() as patch:
        patch.setattr(widget._screen.reader.source, "value_range", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            widget.flush()
    assert "division by zero" in status(widget)
    widget.flush()
    assert (widget.frame.values[:, 0] == 1).all()
    assert status(widget) == ""


def test_what_keeps_it_from_following_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    live = array()
    widget = ConvergenceHeatmap(live)
    with monkeypatch.context() as patch:
        patch.setattr(Thread, "start", lambda self: (_ for _ in ()).throw(RuntimeError("no more")))
        live[0] = 1
    widget.iteration_range = (0, 3)
    assert status(widget) == "incomplete: RuntimeError: no more"
    assert (widget.frame.values[:, 0] == 1).all()
    live[1] = 1
    widget.flush()
    assert status(widget) == ""
    widget.close()


def test_what_keeps_the_array_from_being_filled_is_shown() -> None:
    """In each heatmap of it, also in one that is made later, until it is taken away."""
    live = array()
    widgets = [ConvergenceHeatmap(live)]
    live.report(ValueError("<2 tokens>"))
    widgets.append(ConvergenceHeatmap(live))
    for widget in widgets:
        widget.flush()
        assert status(widget) == "incomplete: ValueError: <2 tokens>"
        assert str(widget.error) == "<2 tokens>"
    live[0] = 1
    live.report(None)
    for widget in widgets:
        widget.flush()
        assert (status(widget), widget.error) == ("", None)


def test_an_observer_may_write_and_close() -> None:
    live = array()
    widget = ConvergenceHeatmap(live)

    def go_on(change: Any) -> None:
        written = int((~np.isnan(change["new"].values[0])).sum())
        if written < 8:
            live[written] = row(written)
        else:
            widget.close()

    widget.observe(go_on, "frame")
    live[0] = row(0)
    deadline = monotonic() + DEADLOCK
    while widget.comm is not None and monotonic() < deadline:
        threading.Event().wait(0.01)
    assert widget.comm is None
    assert live.n_written == 24


# How long it lives


def test_close_ends_the_thread_and_the_watch() -> None:
    live = array()
    before = drawing_threads()
    widgets = [ConvergenceHeatmap(live) for _ in range(3)]
    live[0] = 1
    assert drawing_threads() == before + 3
    for widget in widgets:
        widget.close()
    assert drawing_threads() == before
    assert not live._alive()
    live[1] = 1
    widgets[0].flush()
    assert drawing_threads() == before


@pytest.mark.parametrize("draws", [False, True], ids=["at rest", "drawing"])
@pytest.mark.parametrize("kind", [Heatmap, ConvergenceHeatmap, ActivationHeatmap])
def test_dropped_without_close_it_is_collected(kind: type[Heatmap], draws: bool) -> None:
    """With all its widgets and its thread; nothing but the user has held it."""
    live = LiveArray({"iteration": 4, "layer": 3, "token": TOKENS})
    before, threads = live_widgets(), drawing_threads()
    widget = kind(live)
    point(widget, 0, 0)
    slider(widget, "iteration").set_state({"value": [1, 2]})
    widget.reset()
    if draws:
        live[0] = 1
        wait_until_drawn(widget)
    gone = ref(widget)
    thread = widget._scheduler._thread
    del widget
    gc.collect()
    if thread is not None:
        thread.join(DEADLOCK)
    assert gone() is None
    assert live_widgets() == before
    assert drawing_threads() == threads
    assert not live._alive()
    live[1] = 1


def test_dropped_after_an_error_it_is_collected() -> None:
    live = array()
    widget = ConvergenceHeatmap(live, interval=60)
    live[0] = 1
    gone = ref(widget)
    wait_for(widget, lambda: (gone().frame.values[:, 0] == 1).all())
    # The drawing thread rests now: it would fail as well, and pytest keep what that logs.
    widget.observe(lambda change: 1 / 0, "frame")
    live[1] = 1
    with pytest.raises(ZeroDivisionError):
        widget.flush()
    del widget
    gc.collect()
    assert gone() is None


def test_dropped_while_others_write() -> None:
    """It goes on whichever thread has it last, perhaps inside a write."""
    live = array(100)
    before = live_widgets()
    ended = threading.Event()

    def write() -> None:
        k = 0
        while not ended.is_set():
            live[k % 100] = row(k % 20)
            k += 1

    writers = [Thread(target=write, daemon=True) for _ in range(3)]
    for writer in writers:
        writer.start()
    for _ in range(20):
        ConvergenceHeatmap(live, interval=0.01).flush()
    ended.set()
    for writer in writers:
        writer.join(DEADLOCK)
    deadline = monotonic() + DEADLOCK
    while drawing_threads() and monotonic() < deadline:
        gc.collect()
    assert drawing_threads() == 0
    assert live_widgets() == before


def test_the_end_of_the_interpreter_waits_for_nobody() -> None:
    """Its threads end wherever they are then."""
    script = """
import heatwidget as hw
live = hw.LiveArray({"iteration": 64, "token": 30})
widgets = [hw.ConvergenceHeatmap(live, interval=0.01) for _ in range(4)]
hw.run(lambda live: [live.__setitem__(k, k) for k in range(64)], live).wait()
"""
    for _ in range(4):
        subprocess.run([sys.executable, "-c", script], check=True, timeout=DEADLOCK)


@pytest.mark.parametrize("how", ["displayed", "in a box"])
def test_what_a_page_shows_lives_until_close(how: str) -> None:
    live = array()
    widget: Any = ConvergenceHeatmap(live)
    gone = ref(widget)
    box = None
    if how == "displayed":
        widget._repr_mimebundle_()
    else:
        box = ipywidgets.VBox([widget])
    del widget
    gc.collect()
    kept = gone()
    assert kept is not None
    live[0] = 1
    kept.flush()
    assert (kept.frame.values[:, 0] == 1).all()
    kept.close()
    del box


def test_an_export_finds_a_widget_that_was_never_shown() -> None:
    widget = ConvergenceHeatmap(array())
    state = ipywidgets.Widget.get_manager_state()["state"]
    assert state[widget.model_id]["state"]["children"]


def test_messages_of_the_page_still_reach_it() -> None:
    widget = ConvergenceHeatmap(array())
    data = {"method": "update", "state": {"box_style": "info"}, "buffer_paths": []}
    widget.comm.handle_msg({"content": {"data": data}, "buffers": []})
    assert widget.box_style == "info"


def test_the_user_may_still_use_a_layout_of_his() -> None:
    layout = ipywidgets.Layout()
    widget = ConvergenceHeatmap(array(), layout=layout)
    assert layout.max_width == "900px"
    del widget
    gc.collect()
    assert layout.comm is not None


# Many threads


def test_eight_threads_and_three_widgets(recorder: Recorder) -> None:
    """100,000 rows: none is lost, and the last picture is the array."""
    live = LiveArray({"iteration": 65, "token": 4})
    widgets = [ConvergenceHeatmap(live, interval=0.1), ConvergenceHeatmap(live, interval=0.2)]
    widgets.append(Heatmap(live, rows="iteration", columns="token", interval=0.1))
    recorder.clear()
    errors: list[BaseException] = []
    start = monotonic()

    def write(which: int) -> None:
        try:
            for k in range(12_500):
                live.append(np.full(4, 1 + which * 12_500 + k, np.float32))
        except BaseException as error:
            errors.append(error)

    writers = [Thread(target=write, args=(which,), daemon=True) for which in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(10 * DEADLOCK)
    assert not any(writer.is_alive() for writer in writers)
    assert errors == []
    for widget in widgets:
        widget.flush()
        assert widget.error is None
        sent = frames_sent(recorder, widget)
        # One more for the flush.
        assert 1 <= sent <= 2 + (monotonic() - start) / widget.interval
        expect_fresh(widget, live)
    written = np.sort(live.to_numpy()[:, 0])[:100_000]
    assert np.array_equal(written, np.arange(1, 100_001, dtype=np.float32))


def expect_fresh(widget: Heatmap, live: LiveArray) -> None:
    """Compare with a widget made now."""
    shown = {} if type(widget) is not Heatmap else {"rows": widget.rows, "columns": widget.columns}
    fresh = type(widget)(live, **shown)
    assert np.array_equal(widget.frame.values, fresh.frame.values, equal_nan=True)
    assert np.array_equal(widget.frame.states, fresh.frame.states)
    assert widget.frame.view == fresh.frame.view
    assert (pixels(widget) == pixels(fresh)).all()


def test_hands_and_writers_at_once() -> None:
    live = array(64)
    widget = ConvergenceHeatmap(live, interval=0.01)
    moved = slider(widget, "iteration")

    def write() -> None:
        for k in range(64):
            live[k] = row(k % 20)

    def hand() -> None:
        for k in range(50):
            moved.set_state({"value": [k, k + 5]})

    def code() -> None:
        for k in range(50):
            widget.color_scheme = ("magma", "viridis")[k % 2]

    jobs = [Thread(target=job, daemon=True) for job in (write, hand, code)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(DEADLOCK)
    assert not any(job.is_alive() for job in jobs)
    widget.flush()
    assert widget.iteration_range == moved.value == (49, 54)
    expected = np.stack([row(k % 20) for k in range(49, 55)], axis=1)
    assert np.array_equal(widget.frame.values, expected)


# Without threads


def test_without_threads_it_draws_inside_the_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "emscripten")
    before = drawing_threads()
    live = array()
    widget = ConvergenceHeatmap(live)
    for k in range(8):
        live[k] = row(k)
    assert np.array_equal(widget.frame.values, live.to_numpy().T)
    assert drawing_threads() == before


def test_a_new_token_is_named_though_the_iterations_are_its_own() -> None:
    live = LiveArray({"iteration": 2, "token": ["a"]})
    live[...] = 1
    widget = ConvergenceHeatmap(live, iterations=[10, 20])
    live.append([1, 2], dim="token", label="new")
    widget.flush()
    rows = {axis.name: axis for axis in widget._screen.axes}
    assert rows["token"].labels == ("a", "new")
    assert rows["iteration"].bounds == (10, 20)
    widget.close()


@pytest.mark.parametrize("keywords", [{}, {"iterations": [10, 20]}])
def test_a_label_that_comes_while_a_widget_is_made(
    monkeypatch: pytest.MonkeyPatch, keywords: dict[str, Any]
) -> None:
    """With room left, so that it takes the place of a number."""
    live = LiveArray({"iteration": 2, "token": ["a"]})
    live[...] = 1
    live.append([1, 2], dim="token")
    live.append([1, 2], dim="token")
    build = ConvergenceHeatmap._build

    def build_late(self: ConvergenceHeatmap) -> None:
        live.append([1, 2], dim="token", label="new")
        build(self)

    monkeypatch.setattr(ConvergenceHeatmap, "_build", build_late)
    widget = ConvergenceHeatmap(live, **keywords)
    assert widget._screen.axes[1].labels == ("a", "1", "2", "new")
    widget.close()
