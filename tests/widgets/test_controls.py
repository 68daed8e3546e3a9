"""Sliders, play, reducer choice and reset: what a hand moves, played by setting their state."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import ipywidgets
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatwidget import ActivationHeatmap, ConvergenceHeatmap, Heatmap
from heatwidget.arrays.labelled import make_axis
from heatwidget.widgets.player import Player
from heatwidget.widgets.sliders import range_slider
from tests.widgets.helpers import htmls, parts, slider, text_of
from tests.widgets.recorder import Recorder, updates

ALL = (None, None)
ONE_PICTURE = {"Image.value": 1, "Image.image": 1}


def cube(n_iterations: int = 8) -> np.ndarray:
    """Values of an (iteration, layer, item) array, all different."""
    return np.arange(1.0, 1 + n_iterations * 15).reshape(n_iterations, 5, 3)


def control(widget: Heatmap, kind: type[Any]) -> Any:
    """Only control of a kind; the choice of an axis to play has no name."""
    found = parts(widget, kind)
    if len(found) > 1:
        found = [part for part in found if part.description]
    return found[0]


def names(widget: Heatmap) -> list[str]:
    """Classes of the controls, in order; the row below them says what is read."""
    return [type(part).__name__ for part in widget.children[-2].children]


# Which controls there are
BUTTONS = ["HBox"]  # transpose, reset


@pytest.mark.parametrize(
    ("kind", "shape", "expected"),
    [
        (ConvergenceHeatmap, (8, 3), ["Play", "IntRangeSlider", *BUTTONS]),
        (ActivationHeatmap, (8, 3), ["IntRangeSlider", *BUTTONS]),
        (ConvergenceHeatmap, (1, 3), BUTTONS),
        (
            ActivationHeatmap,
            (8, 5, 3),
            ["Play", "HBox", "IntRangeSlider", *BUTTONS],
        ),
        (
            ConvergenceHeatmap,
            (8, 5, 3),
            ["Play", "Dropdown", "IntRangeSlider", "HBox", *BUTTONS],
        ),
        (ActivationHeatmap, (1, 5, 3), ["IntRangeSlider", *BUTTONS]),
    ],
)
def test_a_control_appears_only_where_there_is_something_to_move(
    kind: type[Heatmap], shape: tuple[int, ...], expected: list[str]
) -> None:
    assert names(kind(np.ones(shape))) == expected


def test_slider_counts_as_the_axis_does() -> None:
    widget = ActivationHeatmap(
        cube(), iterations=range(0, 32, 4), layers=range(1, 6), layer_band=(2, None)
    )
    iterations, layers = slider(widget, "iteration"), slider(widget, "layer")
    assert (iterations.min, iterations.max, iterations.step) == (0, 28, 4)
    assert (layers.min, layers.max, layers.step) == (1, 5, 1)
    assert (iterations.value, layers.value) == ((0, 28), (2, 5))


def test_step_of_uneven_numbers_reaches_all_of_them() -> None:
    widget = ConvergenceHeatmap(np.ones((4, 2)), iterations=[0, 4, 6, 12])
    assert slider(widget, "iteration").step == 2


# Hand to picture


def test_slider_moved_by_hand_is_one_picture_and_no_echo(recorder: Recorder) -> None:
    widget = ConvergenceHeatmap(cube())
    moved = slider(widget, "iteration")
    recorder.clear()
    moved.set_state({"value": [2, 5]})
    sent = recorder.take()
    assert widget.iteration_range == (2, 5)
    assert widget.frame.shape == (3, 4)
    assert not [m for m in sent if m.model_id == moved.model_id and m.kind == "update"]
    assert updates([m for m in sent if m.widget != "Axis"]) == ONE_PICTURE


def test_slider_moved_to_where_it_is_sends_nothing(recorder: Recorder) -> None:
    widget = ConvergenceHeatmap(cube(), iteration_range=(2, 5))
    recorder.clear()
    slider(widget, "iteration").set_state({"value": [2, 5]})
    assert not updates(recorder.take())


def test_thirty_moves_end_with_the_last(recorder: Recorder) -> None:
    widget = ConvergenceHeatmap(cube(40))
    moved = slider(widget, "iteration")
    recorder.clear()
    for k in range(30):
        moved.set_state({"value": [k, k + 5]})
    counts = updates(recorder.take())
    assert (widget.frame.values == cube(40)[29:35].mean(axis=1).T).all()
    assert (counts["Image.value"], counts["IntRangeSlider.value"]) == (30, 0)


def test_reducer_chosen_by_hand(recorder: Recorder) -> None:
    widget = ConvergenceHeatmap(cube())
    choice = control(widget, ipywidgets.Dropdown)
    recorder.clear()
    choice.set_state({"index": choice.options.index("max")})
    assert widget.reducer == "max"
    assert (widget.frame.values == cube().max(axis=1).T).all()
    assert updates(recorder.take())["Image.value"] == 1


def test_reset_by_hand() -> None:
    widget = ConvergenceHeatmap(cube(), layer_band=(1, 2))
    widget.set_view_state({"layer_band": [3, 3], "reducer": "min", "iteration_range": [1, 1]})
    control(widget, ipywidgets.Button).click()
    assert (widget.layer_band, widget.reducer, widget.iteration_range) == ((1, 2), "mean", (0, 7))
    assert slider(widget, "layer").value == (1, 2)
    assert control(widget, ipywidgets.Dropdown).value == "mean"


def test_a_hand_hears_of_what_failed() -> None:
    """On a page nobody sees what a button or a slider raises."""
    widget = ConvergenceHeatmap(cube(), layer_band=(1, 2))

    def fail(change: object) -> None:
        raise RuntimeError("no")

    widget.observe(fail, "layer_band")
    for move in (
        lambda: slider(widget, "layer").set_state({"value": [3, 4]}),
        lambda: control(widget, ipywidgets.Button).click(),
    ):
        with suppress(RuntimeError):  # ipywidgets itself puts down what a button raises
            move()
        assert isinstance(widget.error, RuntimeError)
        assert "an observer failed: RuntimeError: no" in "".join(map(text_of, htmls(widget)))
    assert widget.layer_band == (1, 2)
    assert widget.frame.shape == (3, 8)


# Code to hand


def test_setting_a_range_moves_its_slider_alone(recorder: Recorder) -> None:
    widget = ConvergenceHeatmap(cube())
    recorder.clear()
    widget.layer_band = (1, 2)
    sent = [m for m in recorder.take() if m.widget in ("IntRangeSlider", "Play", "Dropdown")]
    assert [(m.model_id, m.keys) for m in sent] == [(slider(widget, "layer").model_id, ("value",))]


@pytest.mark.parametrize(
    ("asked", "at"),
    [
        (ALL, (0, 7)),
        ((None, 3), (0, 3)),
        ((3, None), (3, 7)),
        ((2.5, 4.5), (3, 4)),
        ((6, 6), (6, 6)),
    ],
)
def test_slider_stands_where_the_range_is(asked: Any, at: tuple[int, int]) -> None:
    widget = ConvergenceHeatmap(cube(), iteration_range=(1, 2))
    widget.iteration_range = asked
    assert slider(widget, "iteration").value == at
    # What was asked stays as it was written: nothing comes back from the slider.
    assert widget.view_state()["iteration_range"] == list(asked)


def test_setting_the_reducer_moves_the_choice() -> None:
    widget = ConvergenceHeatmap(cube())
    widget.reducer = "rms"
    assert control(widget, ipywidgets.Dropdown).value == "rms"


def test_controls_are_new_after_set_array() -> None:
    widget = ConvergenceHeatmap(cube())
    old = slider(widget, "iteration")
    widget.set_array(cube(4), iterations=range(1, 5))
    new = slider(widget, "iteration")
    assert old.comm is None
    assert new.comm is not None
    new.set_state({"value": [1, 2]})
    assert widget.iteration_range == (1, 2)


class FakeModel:
    """Stands for a heatmap with one trait."""

    def __init__(self, value: Any, tell: Callable[[Any], object]) -> None:
        self.value, self._tell = value, tell

    def _asked(self, name: str, dim: str | None = None) -> Any:
        return self.value

    def _set_from_control(self, name: str, value: Any, dim: str | None = None) -> None:
        self._tell(value)
        self.value = value


@given(
    coordinates=st.sets(st.integers(-50, 50), min_size=2, max_size=12).map(sorted),
    data=st.data(),
)
def test_following_a_range_never_calls_back(coordinates: list[int], data: st.DataObject) -> None:
    calls: list[Any] = []
    ends = st.none() | st.floats(coordinates[0], coordinates[-1])
    asked: Any = ALL
    axis = make_axis("iteration", len(coordinates), coordinates)
    model = FakeModel(asked, calls.append)
    moved = range_slider(axis, model)
    model.value = asked = data.draw(
        st.tuples(ends, ends).filter(lambda a: None in a or a[0] <= a[1])
    )
    moved.follow()
    assert calls == []
    assert axis.window(moved.shown) == axis.window(asked)
    moved.control.close()


# Play


class Playing:
    """A player over iterations 0, 4, 8, ... and the range that it moves."""

    def __init__(self, asked: Any = ALL, size: int = 10) -> None:
        self.axis = make_axis("iteration", size, range(0, 4 * size, 4))
        self.model = FakeModel(asked, lambda value: None)
        slider = range_slider(self.axis, self.model)
        self.player = Player([slider], ("token", "iteration"))
        self._clock = self.player.widget

    @property
    def asked(self) -> Any:
        """The range now."""
        return self.model.value

    def tick(self, by: int = 1) -> Any:
        """Let the browser's clock go on."""
        self._clock.set_state({"value": self._clock.value + by})
        return self.asked

    def start(self) -> Any:
        """Press play."""
        self._clock.set_state({"playing": True})
        return self.asked

    def stop(self) -> Any:
        """Press stop."""
        self._clock.set_state({"playing": False, "value": 0})
        return self.asked


def test_play_moves_the_window_on_and_keeps_its_width() -> None:
    playing = Playing(asked=(4, 12))
    assert playing.start() == (4, 12)
    assert [playing.tick() for _ in range(3)] == [(8, 16), (12, 20), (16, 24)]


def test_play_skips_what_the_browser_merged() -> None:
    assert Playing(asked=(4, 12)).tick(by=3) == (16, 24)


def test_play_stops_at_the_end() -> None:
    playing = Playing(asked=(24, 28))
    playing.start()
    assert playing.tick(by=5) == (32, 36)
    assert playing.player.widget.playing
    assert playing.tick() == (32, 36)
    assert not playing.player.widget.playing


def test_play_begins_anew_from_the_end() -> None:
    assert Playing(asked=(32, 36)).start() == (0, 4)
    assert Playing(asked=(28, 32)).start() == (28, 32)


def test_play_in_a_loop_goes_round() -> None:
    playing = Playing(asked=(28, 32))
    playing.player.widget.set_state({"repeat": True})
    playing.start()
    assert [playing.tick() for _ in range(3)] == [(32, 36), (0, 4), (4, 8)]
    assert playing.player.widget.playing


def test_play_of_the_whole_axis_starts_with_a_narrow_window() -> None:
    playing = Playing()
    assert playing.start() == ALL
    assert [playing.tick() for _ in range(2)] == [(0, 4), (4, 8)]


def test_stop_takes_the_window_to_the_start() -> None:
    playing = Playing(asked=(8, 16))
    playing.start()
    playing.tick()
    assert playing.stop() == (0, 8)


def test_stop_leaves_the_whole_axis_alone() -> None:
    playing = Playing(asked=(8, 16))
    playing.start()
    playing.tick()
    playing.model.value = ALL
    assert playing.stop() == ALL


@given(
    size=st.integers(2, 12),
    start=st.integers(0, 11),
    width=st.integers(1, 12),
    ticks=st.lists(st.integers(1, 20), max_size=20),
    repeat=st.booleans(),
)
def test_played_window_stays_inside_with_its_width(
    size: int, start: int, width: int, ticks: list[int], repeat: bool
) -> None:
    width = min(width, size - 1)
    start = min(start, size - width)
    playing = Playing((4 * start, 4 * (start + width - 1)), size)
    playing.player.widget.set_state({"repeat": repeat})
    playing.start()
    for by in ticks:
        first, last = playing.tick(by)
        assert 0 <= first <= last <= 4 * (size - 1)
        assert (last - first) // 4 + 1 == width
    playing.player.widget.close()


def test_tick_of_the_clock_sends_nothing_back_to_it(recorder: Recorder) -> None:
    widget = ActivationHeatmap(cube(), iteration_range=(2, 3))
    clock = control(widget, ipywidgets.Play)
    recorder.clear()
    clock.set_state({"playing": True})
    clock.set_state({"value": 1})
    sent = recorder.take()
    assert widget.iteration_range == (3, 4)
    assert not [m for m in sent if m.model_id == clock.model_id and m.kind == "update"]
    assert updates(sent)["IntRangeSlider.value"] == 1


def test_full_window_narrows_to_one_iteration_where_iterations_are_collapsed() -> None:
    activation, convergence = ActivationHeatmap(cube()), ConvergenceHeatmap(cube())
    for widget in (activation, convergence):
        control(widget, ipywidgets.Play).set_state({"value": 1})
    assert activation.iteration_range == (0, 0)
    assert convergence.iteration_range == (0, 1)


def test_play_button_is_at_hand_where_there_is_one() -> None:
    widget = ActivationHeatmap(cube())
    assert widget.play is control(widget, ipywidgets.Play)
    assert ActivationHeatmap(cube()[0]).play is None
