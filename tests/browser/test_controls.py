"""Sliders, play, reset: hand and code move the same picture, and neither echoes back."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tests.browser.conftest import NotebookPage, OpenNotebook
from tests.browser.pictures import (
    colors_of,
    handle,
    picture,
    press,
    some_cells,
    tick_texts,
    wait_for_colors,
)

CONVERGENCE = [
    """
import numpy as np, heatwidget as hw
values = 10 ** np.random.default_rng(0).uniform(-6, 1, (65, 40))
w = hw.ConvergenceHeatmap(values)
slider = w._screen.panel._controls.sliders["iteration"].control
w
"""
]
LINKED = [
    """
import ipywidgets, numpy as np, heatwidget as hw
values = 10 ** np.random.default_rng(0).uniform(-6, 1, (65, 40))
w = hw.ConvergenceHeatmap(values)
own = ipywidgets.IntRangeSlider(value=(0, 64), max=64, description="own")
links = LINK
ipywidgets.VBox([own, w])
"""
]
CUBE = [
    """
import numpy as np, heatwidget as hw
cube = np.random.default_rng(1).random((16, 35, 17))
w = hw.ActivationHeatmap(cube, layers=range(1, 36))
w
"""
]


TICKS = {"Axis.tick_labels": 1, "Axis.tick_values": 1}


def values() -> np.ndarray:
    """The values of the first notebook, as shown."""
    return (10 ** np.random.default_rng(0).uniform(-6, 1, (65, 40))).T


def cube() -> np.ndarray:
    """The values of the second notebook."""
    return np.random.default_rng(1).random((16, 35, 17))


def test_keyboard_and_mouse_move_the_picture(any_page: OpenNotebook) -> None:
    host = any_page(CONVERGENCE)
    everything = colors_of(values(), values().min(), values().max(), log=True)
    press(host, handle(host, "iteration", "lower"), "ArrowRight", "ArrowRight")
    host.wait_until(lambda: host.value("w.iteration_range") == [2, 64])
    wait_for_colors(host, everything[:, 2:], some_cells((40, 63)))
    track = host.page.locator(".heatwidget .noUi-target")
    box = track.bounding_box()
    assert box is not None
    middle = {"x": box["width"] / 2, "y": box["height"] / 2}
    handle(host, "iteration", "upper").drag_to(track, target_position=middle)
    host.wait_until(lambda: 25 < host.value("w.iteration_range")[1] < 40)
    last = host.value("w.iteration_range")[1]
    wait_for_colors(host, everything[:, 2 : last + 1], some_cells((40, last - 1)))
    assert host.errors == []


def test_setting_the_trait_moves_the_slider_and_the_picture(any_page: OpenNotebook) -> None:
    host = any_page(CONVERGENCE)
    host.run("w.iteration_range = (10, 20)")
    upper = handle(host, "iteration", "upper")
    host.wait_until(lambda: upper.get_attribute("aria-valuetext") == "20")
    everything = colors_of(values(), values().min(), values().max(), log=True)
    wait_for_colors(host, everything[:, 10:21], some_cells((40, 11)))
    host.page.locator(".heatwidget button", has_text="reset").click()
    host.wait_until(lambda: upper.get_attribute("aria-valuetext") == "64")
    wait_for_colors(host, everything, some_cells((40, 65)))


@pytest.mark.parametrize(
    "link",
    [
        'ipywidgets.link((w, "iteration_range"), (own, "value"))',
        'ipywidgets.link((own, "value"), (w, "iteration_range"))',
    ],
)
def test_a_linked_slider_goes_with_the_picture(voila_page: OpenNotebook, link: str) -> None:
    host = voila_page([LINKED[0].replace("LINK", link)])
    everything = colors_of(values(), values().min(), values().max(), log=True)
    own = host.page.locator(".widget-slider", has_text="own").locator(".noUi-handle-lower")
    press(host, own, "ArrowRight", "ArrowRight")
    wait_for_colors(host, everything[:, 2:], some_cells((40, 63)))
    ours = handle(host, "iteration", "lower")
    host.wait_until(lambda: ours.get_attribute("aria-valuetext") == "2")
    press(host, ours, "ArrowRight")
    host.wait_until(lambda: own.get_attribute("aria-valuetext") == "3")
    host.page.locator(".heatwidget button", has_text="reset").click()
    host.wait_until(lambda: own.get_attribute("aria-valuetext") == "0")
    host.wait_until(lambda: ours.get_attribute("aria-valuetext") == "0")
    wait_for_colors(host, everything, some_cells((40, 65)))
    assert host.value("w.error is None")
    assert host.errors == []


def test_a_reset_that_fails_says_so_on_the_page(voila_page: OpenNotebook) -> None:
    host = voila_page(CONVERGENCE)
    host.run("w.observe(lambda change: 1 / 0, 'iteration_range')")
    host.page.locator(".heatwidget").get_by_text("ZeroDivisionError").wait_for(state="hidden")
    press(host, handle(host, "iteration", "lower"), "ArrowRight")
    said = host.page.locator(".heatwidget .heatwidget-error")
    said.wait_for()
    host.run("w.unobserve_all('iteration_range')")
    host.run("w.observe(lambda change: [][0], 'iteration_range')")
    host.page.locator(".heatwidget button", has_text="reset").click()
    host.wait_until(lambda: "IndexError" in said.inner_text())


def test_one_slider_move_is_one_update_of_the_mark(any_page: OpenNotebook) -> None:
    host = any_page(CONVERGENCE)
    start = all_sent(host)
    press(host, handle(host, "iteration", "upper"), "ArrowLeft")
    host.wait_until(lambda: host.value("w.frame.shape") == [40, 64])
    counts = updates(host, start)
    # The new picture, the mark that takes it, and the ticks beside it.
    assert counts == {
        "Image.value": 1,
        "Image.image": 1,
        "Axis.tick_labels": 1,
        "Axis.tick_values": 1,
    }


def test_one_assignment_is_one_update_of_mark_and_slider(any_page: OpenNotebook) -> None:
    host = any_page(CONVERGENCE)
    start = all_sent(host)
    host.run("w.iteration_range = (3, 9)")
    assert updates(host, start) == {
        "Image.value": 1,
        "Image.image": 1,
        **TICKS,
        "IntRangeSlider.value": 1,
    }
    start = all_sent(host)
    host.run("w.iteration_range = (3, 9)")
    assert updates(host, start) == {}


def test_heatmap_mark_is_one_message_a_move(voila_page: OpenNotebook) -> None:
    host = voila_page(CONVERGENCE)
    host.run("w.mark = 'heatmap'")
    start = all_sent(host)
    press(host, handle(host, "iteration", "upper"), "ArrowLeft")
    host.wait_until(lambda: host.value("w.frame.shape") == [40, 64])
    assert updates(host, start) == {
        "HeatMap.color+x": 1,
        "Axis.tick_labels": 1,
        "Axis.tick_values": 1,
    }


def test_ticks_say_what_the_picture_shows(any_page: OpenNotebook) -> None:
    """Right after the start too, when the browser is still busy with the first picture."""
    host = any_page([*CONVERGENCE, "w.iteration_range = (0, 20)"])
    wait_for_ticks(host, range(0, 21, 2))
    host.run("w.iteration_range = (30, 64)")
    wait_for_ticks(host, range(30, 65, 5))
    press(host, handle(host, "iteration", "lower"), *["ArrowRight"] * 10)
    host.wait_until(lambda: host.value("w.iteration_range") == [40, 64])
    wait_for_ticks(host, range(40, 65, 2))
    lines = host.page.locator(".heatwidget .bqplot .axis").locator("path.domain, .tick line")
    strokes = lines.evaluate_all("all => all.map(line => getComputedStyle(line).stroke)")
    assert len(strokes) > 10
    assert len(set(strokes)) == 1


def test_layer_band_and_reducer_change_the_picture(voila_page: OpenNotebook) -> None:
    host = voila_page(CUBE)
    wait_for_colors(host, colors_of(cube()[-1], 0, 1, log=False), some_cells((35, 17)))
    press(host, handle(host, "layer", "lower"), "ArrowRight")
    host.wait_until(lambda: host.value("w.layer_band") == [2, 35])
    wait_for_colors(host, colors_of(cube()[-1, 1:], 0, 1, log=False), some_cells((34, 17)))
    host.page.locator(".heatwidget select").select_option("mean")
    mean = cube()[:, 1:].mean(axis=0)
    wait_for_colors(host, colors_of(mean, 0, 1, log=False), some_cells((34, 17)))
    host.run("w.reducer = 'max'")
    host.wait_until(lambda: host.page.locator(".heatwidget select").input_value() == "max")


def test_play_moves_the_window_on_and_keeps_its_width(voila_page: OpenNotebook) -> None:
    host = voila_page(CUBE)
    host.run("w.iteration_range = (2, 4); w.play.interval = 50")
    play, stop, loop = (host.page.locator(".widget-play button").nth(i) for i in range(3))
    play.click()
    host.wait_until(lambda: host.value("w.iteration_range") == [13, 15])
    host.wait_until(lambda: not host.value("w.play.playing"))
    loop.click()
    play.click()
    host.run("seen = []; w.observe(lambda c: seen.append(c['new']), 'iteration_range')")
    host.wait_until(lambda: host.value("(0, 2) in seen and (9, 11) in seen"))
    assert host.value("all(b - a == 2 for a, b in seen)")
    stop.click()
    host.wait_until(lambda: host.value("w.iteration_range") == [0, 2])
    wait_for_colors(host, colors_of(cube()[2], 0, 1, log=False), some_cells((35, 17)))


@pytest.mark.parametrize("direction", ["conv", "act"])
def test_linked_traits_move_both_pictures(voila_page: OpenNotebook, direction: str) -> None:
    host = voila_page(
        [
            CONVERGENCE[0].replace("w = ", "conv = w = "),
            """
import traitlets
act = hw.ActivationHeatmap(np.random.default_rng(1).random((65, 35, 17)))
link = traitlets.link((conv, "iteration_range"), (act, "iteration_range"))
act
""",
        ],
        height=1400,
    )
    nth = ["conv", "act"].index(direction)
    press(host, handle(host, "iteration", "upper", nth), "ArrowLeft", "ArrowLeft")
    host.wait_until(
        lambda: host.value("[conv.iteration_range, act.iteration_range]") == [[0, 62]] * 2
    )
    other = handle(host, "iteration", "upper", 1 - nth)
    host.wait_until(lambda: other.get_attribute("aria-valuetext") == "62")


def test_readout_follows_the_pointer_and_goes_with_it(any_page: OpenNotebook) -> None:
    host = any_page(
        [
            """
import numpy as np, heatwidget as hw
tokens = ["a", "<b>x</b> $y^2$", "c", "c", "\\n"]
w = hw.ConvergenceHeatmap(np.arange(1.0, 326).reshape(65, 5), tokens=tokens)
w
"""
        ]
    )
    box = picture(host).bounding_box()
    assert box is not None
    host.page.mouse.move(box["x"] + box["width"] * 10.5 / 65, box["y"] + box["height"] * 1.5 / 5)
    readout = host.page.locator(".heatwidget-readout")
    readout.wait_for()
    assert readout.inner_text() == "52 · iteration 10 · token 1 “<b>x</b> $y^2$”"
    host.run("w.iteration_range = (0, 0)")
    host.wait_until(lambda: readout.inner_text().startswith("2 ·"))
    host.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] + 200)
    readout.wait_for(state="detached")
    assert host.errors == []


def wait_for_ticks(host: NotebookPage, numbers: range) -> None:
    """Wait until these are the texts under the columns, and stay there."""
    texts = tick_texts(host, "iteration")
    wanted = [str(number) for number in numbers]
    host.wait_until(lambda: texts.all_text_contents() == wanted)
    host.still_pixels()
    assert texts.all_text_contents() == wanted


def all_sent(host: NotebookPage) -> int:
    """Wait until the page has all that the kernel has sent; the number of messages so far."""
    start = host.mark()
    # A comm opened now comes to the page after all that was sent before.
    barrier = host.run("print(__import__('ipywidgets').Layout().model_id)")
    host.wait_until(lambda: any(m.comm_id == barrier for m in host.messages(start)))
    return host.mark()


def updates(host: NotebookPage, start: int) -> Counter[str]:
    """Number of updates that the kernel sent, by the widget's class and the traits in it."""
    all_sent(host)
    names = host.value(
        "{k: type(v).__name__ for k, v in "
        "__import__('ipywidgets.widgets.widget', fromlist=['_instances'])._instances.items()}"
    )
    return Counter(
        f"{names[m.comm_id or '']}.{'+'.join(sorted(m.keys))}"
        for m in host.messages(start)
        if (m.direction, m.method) == ("received", "update")
    )
