"""Labels, readout and controls on wide and narrow pages: in place, not over each other."""

from __future__ import annotations

from itertools import pairwise

import pytest
from playwright.sync_api import Locator

from tests.browser.conftest import OpenNotebook
from tests.browser.pictures import picture, tick_texts

Box = dict[str, float]

UPRIGHT = [
    """
import numpy as np, heatwidget as hw
tokens = [f"token {k}" for k in range(20)]
w = hw.ActivationHeatmap(np.random.default_rng(0).random((12, 20)), tokens=tokens, width=1200)
w
"""
]
MANY = [
    """
import numpy as np, heatwidget as hw
tokens = [f" word{k}" for k in range(53)]
values = np.random.default_rng(0).random((64, 30, 53))
w = hw.ActivationHeatmap(values, tokens=tokens, layers=range(1, 31), width=1240)
v = hw.ConvergenceHeatmap(values, prompts=["breaking complex problems into steps"] * 53, width=1240)
w
""",
    "v",
]
ALIKE = [
    """
import numpy as np, heatwidget as hw
prompts = [f"Solve the following problem step by step: {k} + {k}" for k in range(6)]
w = hw.ConvergenceHeatmap(np.random.default_rng(0).random((64, 6)), prompts=prompts)
v = hw.ActivationHeatmap(np.random.default_rng(0).random((5, 6)), dims=("layer", "prompt"),
                         prompts=prompts)
w
""",
    "v",
]
LONG = [
    """
import numpy as np, heatwidget as hw
w = hw.ConvergenceHeatmap(np.arange(1.0, 11).reshape(5, 2), tokens=["word " * 500, "short"])
w
"""
]


def boxes(texts: Locator) -> list[Box]:
    """Where texts stand on the page."""
    return texts.evaluate_all("all => all.map(text => text.getBoundingClientRect().toJSON())")


def test_upright_labels_stand_under_their_columns(any_page: OpenNotebook) -> None:
    host = any_page(UPRIGHT)
    host.still_pixels()
    box = picture(host).bounding_box()
    assert box is not None
    labels = boxes(tick_texts(host, "token"))
    assert len(labels) == 20
    for column, label in enumerate(labels):
        middle = box["x"] + (column + 0.5) / 20 * box["width"]
        assert abs((label["left"] + label["right"]) / 2 - middle) < 4
        assert label["top"] >= box["y"] + box["height"]


def test_prompts_that_begin_alike_are_told_apart(voila_page: OpenNotebook) -> None:
    host = voila_page(ALIKE)
    host.still_pixels()
    host.screenshot("alike")
    for nth in (0, 1):
        texts = tick_texts(host, "prompt", nth).all_text_contents()
        assert len(set(texts)) == 6
        assert all(f"{k} + {k}" in text for k, text in enumerate(sorted(texts)))


@pytest.mark.parametrize("width", [1300, 700, 400, 320])
def test_labels_do_not_overlap(voila_page: OpenNotebook, width: int) -> None:
    host = voila_page(MANY, width=width, height=1800)
    host.still_pixels()
    for nth, (columns, rows) in enumerate([("token", "layer"), ("iteration", "prompt")]):
        across = sorted(boxes(tick_texts(host, columns, nth)), key=lambda box: box["left"])
        # A line of text is a little higher than its letters.
        assert all(a["right"] <= b["left"] + 3 for a, b in pairwise(across))
        down = sorted(boxes(tick_texts(host, rows, nth)), key=lambda box: box["top"])
        assert min(len(across), len(down)) > 5
        assert all(a["bottom"] <= b["top"] + 3 for a, b in pairwise(down))
        assert min(box["left"] for box in down) >= 0
        box = picture(host, nth).bounding_box()
        assert box is not None
        assert box["width"] > 0.45 * width


def test_a_narrow_page_shows_the_picture_piece_by_piece(voila_page: OpenNotebook) -> None:
    """The picture keeps a size at which it can be read, and scrolls; the page does not."""
    host = voila_page(MANY, width=400, height=1800)
    host.still_pixels()
    host.screenshot("narrow-400")
    page_width = host.page.evaluate("document.scrollingElement.scrollWidth")
    assert page_width <= 400
    figure = picture(host, 1)
    figure.evaluate("picture => picture.closest('.widget-hbox').scrollLeft = 10_000")
    box = figure.bounding_box()
    assert box is not None
    right = box["x"] + box["width"]
    assert right <= 400
    host.page.mouse.move(right - 2, box["y"] + 3)
    readout = host.page.locator(".heatwidget-readout")
    readout.wait_for()
    assert "iteration 63" in readout.inner_text()


@pytest.mark.parametrize("width", [1300, 700])
def test_long_readout_moves_nothing_and_stays_on_the_page(
    voila_page: OpenNotebook, width: int
) -> None:
    host = voila_page(LONG, width=width)
    slider = host.page.locator(".heatwidget .noUi-target")
    before = slider.bounding_box()
    box = picture(host).bounding_box()
    assert before is not None
    assert box is not None
    host.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 4)
    readout = host.page.locator(".heatwidget-readout")
    readout.wait_for()
    host.screenshot(f"readout-{width}")
    assert "word word" in readout.inner_text()
    shown = readout.bounding_box()
    assert shown is not None
    assert shown["x"] >= 0
    assert shown["x"] + shown["width"] <= width
    assert slider.bounding_box() == before
