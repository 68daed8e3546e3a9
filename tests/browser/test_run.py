"""A run under its progress widget: the bar moves, the button stops it, the error is read."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import NotebookPage, OpenNotebook

COMPUTE = """
import threading, numpy as np
from heatwidget.arrays import LiveArray
from heatwidget.widgets.run import run

passes, state = threading.Semaphore(0), np.eye(64)

def compute(live):
    # Works as a model does, until the test lets it through.
    for k in range(20):
        while not passes.acquire(timeout=0.001):
            np.tanh(state @ state)
        live[k] = k

def fail(live):
    live[:3] = 1
    model = {"layers": "<b>x</b> $y^2$"}
    raise KeyError(f"no layer {model['layers']} among those of the model, " + "which is wide " * 9)

live = LiveArray({"iteration": 20, "token": 3})
"""
RUN = [COMPUTE, "started = run(compute, live)", "started.progress"]
FAIL = [COMPUTE, "started = run(fail, live)\nstarted.wait()\nstarted.progress"]


def let(host: NotebookPage, iterations: int) -> None:
    """Let the computation write so many more iterations."""
    host.run(f"passes.release({iterations})")


def shown(host: NotebookPage) -> Locator:
    """The progress widget."""
    return host.page.locator(".heatwidget-progress")


def bar(host: NotebookPage) -> Locator:
    """The part of the bar that is filled."""
    return shown(host).locator(".progress-bar")


def filled(host: NotebookPage) -> float:
    """How much of the bar is filled, from 0 to 1."""
    width: float = bar(host).evaluate("e => e.clientWidth / e.parentElement.clientWidth")
    return width


def test_bar_moves_while_it_computes_and_says_how_it_ended(any_page: OpenNotebook) -> None:
    host = any_page(RUN)
    text, button = shown(host).locator("span").first, shown(host).locator("button")
    let(host, 5)
    expect(text).to_have_text(re.compile("^5 of 20 iterations · .* each · .* left$"))
    host.wait_until(lambda: abs(filled(host) - 0.25) < 0.02)
    expect(bar(host)).to_have_class(re.compile("progress-bar-info"))
    expect(button).to_be_enabled()
    let(host, 15)
    expect(text).to_have_text(re.compile("^finished: 20 of 20 iterations · .* each · .* in all$"))
    host.wait_until(lambda: abs(filled(host) - 1) < 0.02)
    expect(bar(host)).to_have_class(re.compile("progress-bar-success"))
    expect(button).to_be_disabled()
    assert host.errors == []


def test_button_stops_it_while_it_computes(any_page: OpenNotebook) -> None:
    host = any_page(RUN)
    text, button = shown(host).locator("span").first, shown(host).locator("button")
    let(host, 5)
    expect(text).to_contain_text("5 of 20")
    assert host.value("started.progress.shown") is True
    button.click()
    expect(text).to_have_text("cancelling at its next write · 5 of 20 iterations")
    let(host, 1)
    expect(text).to_have_text("cancelled after 5 of 20 iterations")
    expect(bar(host)).to_have_class(re.compile("progress-bar-warning"))
    expect(button).to_be_disabled()
    assert host.value("[started.wait(60), started.cancelled, live.n_written]") == [False, True, 15]
    assert host.errors == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_traceback_is_read_on_a_narrow_page(any_page: OpenNotebook, theme: str) -> None:
    host = any_page(FAIL, width=500, theme=theme)
    expect(shown(host).locator("span").first).to_have_text("failed after 3 of 20 iterations")
    expect(bar(host)).to_have_class(re.compile("progress-bar-danger"))
    message, trace = shown(host).locator("b"), shown(host).locator("pre")
    # As it is, neither as markup nor as a formula.
    expect(message).to_contain_text("KeyError: 'no layer <b>x</b> $y^2$ among those")
    expect(trace).to_contain_text("in fail")
    expect(trace).to_contain_text("raise KeyError(f")
    for part in (message, trace):
        # What is wider than the page is wrapped, or scrolls in a box of its own.
        assert part.evaluate("e => e.getBoundingClientRect().right <= window.innerWidth")
        backgrounds, color = part.evaluate(_COLORS)
        assert contrast(seen(backgrounds), color) > 4.5
    assert host.errors == []


# Colour of an element's text, and of the backgrounds that lie behind it, the nearest first.
_COLORS = """e => {
    const numbers = text => text.match(/[0-9.]+/g).map(Number);
    const color = numbers(getComputedStyle(e).color);
    const backgrounds = [];
    for (; e; e = e.parentElement) {
        backgrounds.push(numbers(getComputedStyle(e).backgroundColor));
    }
    return [backgrounds, color];
}"""


def seen(backgrounds: list[list[float]]) -> list[float]:
    """Colour of backgrounds that let each other through, on white."""
    color = [255.0] * 3
    for *layer, alpha in ([*b, 1.0][:4] for b in reversed(backgrounds)):
        color = [alpha * top + (1 - alpha) * below for top, below in zip(layer, color, strict=True)]
    return color


def contrast(first: list[float], second: list[float]) -> float:
    """Contrast of two colours by WCAG 2, from 1 to 21."""
    bright, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(color: list[float]) -> float:
    """Relative luminance by WCAG 2."""
    parts = [c / 255 for c in color[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
