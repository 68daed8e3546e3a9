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


@pytest.mark.parametrize("width", [1300, 700])
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
