"""What a widget leaves behind when it is closed: nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets
import numpy as np
import pytest
from ipywidgets.widgets.widget import _instances
from traitlets import TraitError

from heatwidget import ActivationHeatmap, ConvergenceHeatmap, Heatmap, LiveArray
from tests.widgets.helpers import live_widgets, mark, point, slider
from tests.widgets.recorder import Recorder


def cube() -> np.ndarray:
    """Values of an (iteration, layer, item) array."""
    return np.arange(1.0, 121).reshape(8, 5, 3)


def left_over(before: set[str]) -> list[str]:
    """Classes of the widgets that are live and were not before."""
    return sorted(_instances[i].__class__.__name__ for i in live_widgets() - before)


def touch_nothing(widget: Heatmap) -> None:
    """Leave it as it is."""


def touch_array(widget: Heatmap) -> None:
    """Show other arrays, with fewer and more controls."""
    widget.set_array(cube()[:, 0])
    widget.set_array(cube()[:1, :1, :1])
    widget.set_array(cube(), prompts=["a", "b", "c"])


def touch_marks(widget: Heatmap) -> None:
    """Have every mark made."""
    for kind in ("heatmap", "image", "auto", "heatmap"):
        widget.mark = kind


def touch_all(widget: Heatmap) -> None:
    """Move, point, look, resize."""
    slider(widget, "iteration").set_state({"value": [1, 3]})
    point(widget, 0, 0)
    widget.color_scheme, widget.title, widget.width, widget.height = "magma", "t", 500, 200
    widget.reset()


@pytest.mark.parametrize("touch", [touch_nothing, touch_array, touch_marks, touch_all])
@pytest.mark.parametrize("kind", [Heatmap, ConvergenceHeatmap, ActivationHeatmap])
def test_close_leaves_no_widget(kind: type[Heatmap], touch: Callable[[Heatmap], None]) -> None:
    before = live_widgets()
    widget = kind(cube())
    touch(widget)
    widget.close()
    assert left_over(before) == []


def test_set_array_leaves_no_widget_of_the_old_controls() -> None:
    widget = ConvergenceHeatmap(cube())
    before = len(live_widgets())
    for _ in range(3):
        widget.set_array(cube())
    assert len(live_widgets()) == before


@pytest.mark.parametrize(
    "keywords",
    [
        {"mark": "nope"},
        {"iteration_range": (0, 99)},
        {"color_range": (-1, 1), "color_scale": "log"},
        {"title": 3},
        {"tokens": ["a"]},
        {"unknown": 1},
        {"layout": 5},
    ],
)
def test_error_while_made_leaves_no_widget(keywords: dict[str, Any]) -> None:
    before = live_widgets()
    with pytest.raises((TypeError, ValueError, TraitError)):
        Heatmap(cube(), **keywords)
    assert left_over(before) == []


def test_nothing_is_sent_after_close(recorder: Recorder) -> None:
    widget = ConvergenceHeatmap(cube())
    moved, drawn = slider(widget, "iteration"), mark(widget)
    point(widget, 0, 0)
    widget.close()
    recorder.clear()
    moved.value = (2, 3)
    drawn.visible = False
    widget.refresh()
    widget.reset()
    widget.close()
    assert recorder.take() == []


def test_close_sends_one_close_for_each_widget(recorder: Recorder) -> None:
    widget = ConvergenceHeatmap(cube())
    recorder.clear()
    widget.close()
    closed = [m.model_id for m in recorder.take() if m.kind == "comm_close"]
    assert len(closed) == len(set(closed))
    assert widget.comm is None


def test_closed_widget_keeps_its_last_frame() -> None:
    widget = ConvergenceHeatmap(cube())
    frame = widget.frame
    widget.close()
    assert widget.frame is frame


def test_observer_may_close_the_widget(recorder: Recorder) -> None:
    widget = ConvergenceHeatmap(cube())
    widget.observe(lambda change: widget.close(), "frame")
    widget.iteration_range = (2, 3)
    assert widget.comm is None
    recorder.clear()
    widget.iteration_range = (3, 4)
    assert recorder.take() == []


def test_layout_of_the_user_stays_open() -> None:
    layout = ipywidgets.Layout(border="1px solid red")
    widget = ConvergenceHeatmap(cube(), layout=layout)
    assert widget.layout is layout
    widget.close()
    assert layout.comm is not None


def test_layout_given_as_words_is_closed() -> None:
    widget = ConvergenceHeatmap(cube(), layout={"border": "1px solid red"})
    layout = widget.layout
    assert layout.border_top == "1px solid red"
    widget.close()
    assert layout.comm is None


def test_widget_closed_by_an_observer_of_set_array_leaves_no_controls() -> None:
    before = live_widgets()
    widget = ConvergenceHeatmap(cube())
    widget.observe(lambda change: widget.close(), "iterations")
    widget.set_array(cube()[:4])
    assert not {"IntRangeSlider", "Play", "Button"} & set(left_over(before))


def test_two_widgets_do_not_share_their_ends() -> None:
    one, two = ConvergenceHeatmap(cube()), ConvergenceHeatmap(cube())
    one.close()
    two.iteration_range = (2, 3)
    assert two.frame.shape == (3, 2)
    assert mark(two).comm is not None


def test_what_fails_while_it_closes_leaves_no_thread_and_no_widget(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As when another thread closes one of its parts: ipywidgets looks at a comm twice."""
    live = LiveArray({"iteration": 3, "token": 2})
    widget = Heatmap(live, interval=60)
    live[0] = 1
    thread, model_id = widget._scheduler._thread, widget.model_id
    with monkeypatch.context() as patch:
        patch.setattr(widget._screen, "close", lambda wait: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            widget.close()
    thread.join(10)
    assert not thread.is_alive()
    assert model_id not in _instances
