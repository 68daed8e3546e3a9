"""The value under the pointer and the legend: right, and never markup from outside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray
from hypothesis import given
from hypothesis import strategies as st
from traitlets import TraitError

from heatwidget import ActivationHeatmap, ConvergenceHeatmap, Heatmap
from heatwidget.frames import CellState
from heatwidget.frames.palette import STATE_COLORS
from heatwidget.scene import cell_at, make_legend, read_cell
from heatwidget.scene.text import label, visible
from heatwidget.widgets.html import legend_html, readout_html
from tests.widgets.helpers import (
    bottom_up,
    frame_of,
    htmls,
    leave,
    point,
    readout,
    send_event,
    text_of,
)
from tests.widgets.recorder import Recorder

NAN, INF = np.nan, np.inf
HOSTILE = {
    "html": "<b onclick=alert(1)>x</b><script>alert(2)</script><img src=x onerror=alert(3)>",
    "closing": "</span></bdi></style><!-- --><?php ?>",
    "entities": "&lt;b&gt; &amp; &#60;i&#62;",
    "quotes": "\"'`\u201c\u201d",
    "attribute": '" onmouseover="alert(1)',
    "emoji": "👨\u200d👩\u200d👧 🇫🇷 1️⃣",
    "right to left": "שלום \u202eabc\u202c مرحبا \u2066x\u2069",
    "long": "<i>" * 3334,
    "control": "a\x00b\x07c\x1b[31md\x7f\x85\u2028\u2029e",
    "newlines": "\n\r\n\t",
    "surrogates": "\ud800x\udfff",
    "formula": "$x^2$ $$y$$ \\(z\\) \\[w\\]",
    "spaces": "  a  ",
    "empty": "",
    "noncharacters": "\ufffe\uffff\ufeff\U0010ffff",
    "zalgo": "a" + "\u0301" * 10_000,
    "underscores": "a_b*c*[d](e)",
}


def plain(html: str) -> str:
    """Text of a readout."""
    return text_of(html)


# Numbers


def test_a_narrow_range_is_told_apart_in_readout_and_legend() -> None:
    values = 1 - 1e-7 * np.arange(1.0, 14)[np.newaxis]
    widget = Heatmap(values, color_range=(1 - 13e-7, 1 - 2e-7))
    point(widget, 0, 0)
    assert plain(readout(widget)).startswith("0.99999988 ·")
    assert "above 0.9999998" in plain(legend_html(make_legend(widget.frame, values.dtype)))


# Tokens from outside


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_token_is_text_in_the_readout_and_beside_its_row(case: str) -> None:
    text = HOSTILE[case]
    widget = ConvergenceHeatmap(np.ones((4, 2)), tokens=[text, "plain"])
    shown = point(widget, 0, 1)
    assert shown == f"1 · iteration 1 · token 0 “{label(text, 1000)}”"
    columns, rows = bottom_up(widget)
    assert rows[0] == "plain"
    assert len(rows[1]) <= 200
    assert visible(text).startswith(rows[1].rstrip("…"))
    assert columns == ["0", "1", "2", "3"]


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_token_is_text_under_its_column(case: str) -> None:
    text = HOSTILE[case]
    widget = ActivationHeatmap(np.ones((4, 2)), prompts=[text, "plain"])
    columns, _ = bottom_up(widget)
    assert visible(text).startswith(columns[0].rstrip("…"))
    assert f"prompt 0 “{label(text, 1000)}”" in point(widget, 0, 0)


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_title_and_quantity_are_text(case: str) -> None:
    text = HOSTILE[case]
    widget = Heatmap(np.ones((2, 2)), title=text, quantity=text)
    widget.title, widget.quantity = "", ""
    widget.title, widget.quantity = text, text
    wanted = text.encode("utf-8", "backslashreplace").decode().replace("\r\n", "\n")
    found = [text_of(html).replace("\r\n", "\n") for html in htmls(widget)]
    assert found.count(wanted) >= 2


@given(text=st.text(), other=st.text())
def test_any_text_is_text(text: str, other: str) -> None:
    source, frame = frame_of(np.ones((2, 2)), {"token": [text, other]})
    html = readout_html(read_cell(source, frame, 0, 0))
    assert "$" not in html.replace("<span>$</span>", "")
    assert plain(html) == f"1 · iteration 0 · token 0 “{label(text, 1000)}”"


@pytest.mark.parametrize("case", HOSTILE)
def test_no_markup_of_ours_starts_a_formula(case: str) -> None:
    widget = Heatmap(np.ones((2, 2)), title=HOSTILE[case], tokens=[HOSTILE[case], "x"])
    point(widget, 0, 0)
    for html in htmls(widget):
        bare = html.replace("<span>$</span>", "").replace("<span>\\</span>", "")
        assert "$" not in bare
        assert "\\" not in bare


# What it says


def test_value_place_and_collapsed_band() -> None:
    values = np.arange(1.0, 121).reshape(8, 5, 3)
    widget = ActivationHeatmap(values, tokens=["a", "b", "c"], layers=range(1, 6))
    assert point(widget, 1, 2) == "111 · layer 2 · iterations 0–7 (last) · token 2 “c”"
    widget.iteration_range = (3, 3)
    assert readout(widget) == "51 · layer 2 · iteration 3 · token 2 “c”"


def test_item_axis_without_texts() -> None:
    widget = ConvergenceHeatmap(np.array([[1.5, -2.5]]), color_scale="linear")
    assert point(widget, 1, 0) == "−2.5 · token 1 · iteration 0"


def test_pooled_cell_says_what_it_covers() -> None:
    values = np.arange(1.0, 65).reshape(8, 8)
    values[0, 1] = NAN
    source, frame = frame_of(values, max_rows=5, max_columns=3)
    text = plain(readout_html(read_cell(source, frame, 1, 1)))
    assert text == "32 (max of 2×4 cells, 21 … 32) · iterations 2–3 · tokens 4–7"
    assert (
        plain(readout_html(read_cell(source, frame, 0, 0))) == "NaN · iterations 0–1 · tokens 0–3"
    )


def test_pooled_tokens_name_the_first_and_the_last() -> None:
    tokens = [f"<{c}>" for c in "abcdefgh"]
    source, frame = frame_of(np.ones((2, 8)), {"token": tokens}, max_columns=5)
    text = plain(readout_html(read_cell(source, frame, 0, 1)))
    assert text.endswith("iteration 0 · tokens 2–3 “<c>” … “<d>”")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (NAN, "NaN"),
        (INF, "inf"),
        (-INF, "−inf"),
        (0, "0"),
        (1.23456789, "1.235"),
        (-1e-20, "−1e−20"),
    ],
)
def test_values_in_words(value: float, text: str) -> None:
    source, frame = frame_of([[value, 1.0]])
    assert plain(readout_html(read_cell(source, frame, 0, 0))).split(" · ")[0] == text


def test_masked_value_is_pending() -> None:
    source, frame = frame_of(np.ma.array([[1.0, 2.0]], mask=[[True, False]]))
    assert plain(readout_html(read_cell(source, frame, 0, 0))).startswith("pending · ")


@given(
    n=st.integers(1, 40),
    fraction=st.floats(-2, 3) | st.just(NAN),
    most=st.integers(2, 50),
    start=st.integers(0, 39),
)
def test_place_under_the_pointer_is_a_cell(n: int, fraction: float, most: int, start: int) -> None:
    window = (min(start, n - 1), n - 1)
    _, frame = frame_of(np.ones((n, 2)), max_rows=most, ranges={"iteration": window})
    row, column = cell_at(frame, fraction, fraction)
    assert 0 <= row < frame.shape[0]
    assert 0 <= column < frame.shape[1]
    if 0 <= fraction < 1:
        edges = frame.row_edges
        index = edges[0] + fraction * (edges[-1] - edges[0])
        assert edges[row] <= index < edges[row + 1]


# When it comes and goes


def test_readout_goes_with_the_pointer(recorder: Recorder) -> None:
    widget = ConvergenceHeatmap(np.arange(1.0, 25).reshape(8, 3))
    assert readout(widget) == ""
    assert point(widget, 2, 7).startswith("24 ")
    leave(widget)
    assert readout(widget) == ""
    recorder.clear()
    send_event(widget, {"event": "mousemove", "domain": {"x": 5, "y": 5}})
    assert readout(widget) == ""
    assert recorder.take() == []


def test_readout_follows_the_picture() -> None:
    widget = ConvergenceHeatmap(np.arange(1.0, 25).reshape(8, 3))
    point(widget, 0, 0)
    widget.iteration_range = (2, 5)
    assert readout(widget) == "7 · token 0 · iteration 2"
    widget.set_array(np.full((4, 2), 9.0), tokens=["x", "y"])
    assert readout(widget) == "9 · iteration 0 · token 0 “x”"


def test_pointer_within_one_cell_sends_nothing_new(recorder: Recorder) -> None:
    widget = ConvergenceHeatmap(np.arange(1.0, 25).reshape(8, 3))
    point(widget, 0, 0)
    recorder.clear()
    point(widget, 0.2, 0.2)
    assert recorder.take() == []


def test_pointer_after_close_is_nothing(recorder: Recorder) -> None:
    widget = ConvergenceHeatmap(np.ones((8, 3)))
    send = widget._point
    widget.close()
    recorder.clear()
    send((0.5, 0.5))
    assert recorder.take() == []


# Legend


def legend(values: Any, **asked: Any) -> str:
    """Legend of an array's frame."""
    source, frame = frame_of(values, **asked)
    return legend_html(make_legend(frame, source.dtype))


def test_no_legend_where_all_is_plain() -> None:
    assert legend([[1, 2]]) == ""


def test_legend_lists_what_is_on_screen_in_its_colour() -> None:
    html = legend([[NAN, INF, -INF, 1.0]])
    assert text_of(html).split() == ["NaN", "+inf", "−inf"]
    for state in (CellState.NAN, CellState.POSITIVE_INFINITY, CellState.NEGATIVE_INFINITY):
        assert f"background:{STATE_COLORS[state]}" in html


def test_legend_of_a_fixed_range() -> None:
    html = legend([[-5.0, 0.5, 99.0]], color_range=(0.25, 1))
    assert text_of(html).strip() == "below 0.25  above 1"


def test_legend_of_log_and_masked() -> None:
    values = np.ma.array([[0.0, -1.0, 2.0, 3.0]], mask=[[0, 0, 0, 1]])
    assert text_of(legend(values, color_scale="log")).strip() == "pending  zero or negative"


def test_legend_says_what_float32_merges() -> None:
    said = "values closer than 1.192e−07 look alike: subtract an offset"
    assert text_of(legend(1 - 1e-9 * np.arange(12).reshape(3, 4))) == said
    assert legend(1 - 1e-4 * np.arange(12).reshape(3, 4)) == ""


def test_legend_goes_with_its_states() -> None:
    values = np.ones((4, 2))
    values[0, 0] = NAN
    widget = ConvergenceHeatmap(values)
    assert "NaN" in " ".join(map(text_of, htmls(widget)))
    widget.iteration_range = (1, 3)
    assert "NaN" not in " ".join(map(text_of, htmls(widget)))


def test_another_array_under_the_pointer_brings_its_title() -> None:
    """The old picture is there while the new array's title is written; it is not read from it."""
    widget = Heatmap(np.ones((4, 3)), dims=("iteration", "token"), rows="token")
    assert point(widget, 1, 1) == "1 · token 1 · iteration 1"
    new = xarray.DataArray(2 * np.ones((2, 2)), dims=("layer", "token"), attrs={"title": "new"})
    widget.set_array(new)
    assert "new" in [text_of(html) for html in htmls(widget)]
    assert readout(widget).startswith("2 · ")


def test_the_cell_under_the_pointer_is_a_trait() -> None:
    widget = ConvergenceHeatmap(
        np.ones((8, 3)), tokens=list("abc"), iterations=range(0, 80, 10), layout={}
    )
    heard: list[Any] = []
    widget.observe(lambda change: heard.append(change["new"]), "hovered")
    point(widget, 2, 3)
    point(widget, 2, 3.1)
    assert heard == [{"token": 2, "iteration": 30}]
    widget.iteration_range = (50, 70)
    assert widget.hovered == {"token": 2, "iteration": 60}
    leave(widget)
    assert widget.hovered is None
    with pytest.raises(TraitError, match="read-only"):
        widget.hovered = {}
