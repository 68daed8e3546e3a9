"""Sizes of the figure, its margins and its labels."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heatwidget.arrays import Axis
from heatwidget.arrays.labelled import make_axis
from heatwidget.scene.geometry import Geometry, lay_out
from heatwidget.scene.text import shorten, text_width, visible
from heatwidget.widgets.colorbar import WIDTH

WIDTHS = st.integers(240, 8000)
HEIGHTS = st.none() | st.integers(80, 8000)
CHARACTER = 6.4


@st.composite
def axes(draw: st.DrawFn) -> Axis:
    """Axis with or without labels, some of them long."""
    size = draw(st.integers(1, 700))
    if draw(st.booleans()):
        return make_axis("iteration", size)
    longest = draw(st.integers(0, 120))
    return make_axis("token", size, ["x" * (i % (longest + 1)) for i in range(size)])


@given(rows=axes(), columns=axes(), width=WIDTHS, height=HEIGHTS)
@example(rows=make_axis("layer", 1), columns=make_axis("token", 1), width=240, height=80)
def test_there_is_always_a_picture(
    rows: Axis, columns: Axis, width: int, height: int | None
) -> None:
    found = lay_out(rows, columns, width=width, height=height)
    assert found.picture_width >= 2
    assert found.picture_height >= 2
    assert found.left + found.picture_width + found.right <= found.width
    assert found.width + WIDTH <= width
    assert found.max_row_ticks >= 1
    assert found.max_column_ticks >= 1
    assert height is None or found.height == height


@given(rows=axes(), columns=axes(), width=WIDTHS, height=HEIGHTS)
def test_margins_leave_room_for_a_picture(
    rows: Axis, columns: Axis, width: int, height: int | None
) -> None:
    found = lay_out(rows, columns, width=width, height=height)
    assert found.height - found.top - found.bottom >= 20


@given(rows=axes(), columns=axes(), width=WIDTHS)
def test_height_of_its_own_is_bounded_and_keeps_rows_alike(
    rows: Axis, columns: Axis, width: int
) -> None:
    found = lay_out(rows, columns, width=width, height=None)
    assert 120 <= found.picture_height <= 520
    if rows.size <= 520:
        assert found.picture_height % rows.size == 0


@given(rows=axes(), columns=axes(), width=WIDTHS, height=HEIGHTS)
def test_labels_fit_their_margins(
    rows: Axis, columns: Axis, width: int, height: int | None
) -> None:
    found = lay_out(rows, columns, width=width, height=height)
    assert found.row_columns * CHARACTER <= found.left - 30
    assert found.left <= max(0.3 * width, CHARACTER * 2) + 40
    if found.rotated:
        assert found.column_columns * CHARACTER <= found.bottom - 20
    for axis, columns_of in ((rows, found.row_columns), (columns, found.column_columns)):
        for text in (axis.labels or ())[:50]:
            assert text_width(shorten(visible(text), columns_of)) <= columns_of


@given(rows=axes(), columns=axes(), width=WIDTHS, height=HEIGHTS)
def test_row_labels_do_not_overlap(
    rows: Axis, columns: Axis, width: int, height: int | None
) -> None:
    found = lay_out(rows, columns, width=width, height=height)
    assert found.max_row_ticks == 1 or found.picture_height / found.max_row_ticks >= 11
    each = 11 if found.rotated else found.column_columns * CHARACTER
    assert found.max_column_ticks == 1 or found.picture_width / found.max_column_ticks >= each


def labels_across(n_tokens: int, length: int, width: int, rows: Axis | None = None) -> int:
    """Number of labels under tokens of one length."""
    columns = make_axis("token", n_tokens, ["x" * length] * n_tokens)
    found = lay_out(rows or make_axis("layer", 12), columns, width=width, height=None)
    return min(found.max_column_ticks, n_tokens)


@given(
    rows=axes(),
    n_tokens=st.integers(1, 300),
    lengths=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    widths=st.tuples(WIDTHS, WIDTHS),
)
def test_shorter_texts_or_a_wider_page_never_show_fewer(
    rows: Axis, n_tokens: int, lengths: tuple[int, int], widths: tuple[int, int]
) -> None:
    shorter, longer = sorted(lengths)
    narrow, wide = sorted(widths)
    least = labels_across(n_tokens, longer, narrow, rows)
    assert least <= labels_across(n_tokens, shorter, narrow, rows)
    assert least <= labels_across(n_tokens, longer, wide, rows)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 8, 13, 40])
@pytest.mark.parametrize(("n_tokens", "width"), [(12, 600), (4, 900), (30, 900), (53, 1240)])
def test_every_token_has_a_label_where_upright_ones_fit(
    n_tokens: int, width: int, length: int
) -> None:
    assert labels_across(n_tokens, length, width) == n_tokens


@given(rows=axes(), columns=axes(), width=WIDTHS)
def test_labels_keep_enough_of_their_texts(rows: Axis, columns: Axis, width: int) -> None:
    found = lay_out(rows, columns, width=width, height=None)
    longest = max(map(text_width, map(visible, columns.labels or [""])))
    assert found.column_columns >= min(longest, 12)


@given(rows=axes(), columns=axes(), width=WIDTHS, height=HEIGHTS)
def test_a_narrow_page_has_room_for_the_labels(
    rows: Axis, columns: Axis, width: int, height: int | None
) -> None:
    found = lay_out(rows, columns, width=width, height=height)
    assert found.least_width <= found.width
    least = found.least_width - found.left - found.right
    assert least >= min(160, found.picture_width)
    each = 10 if found.rotated else found.column_columns * CHARACTER
    shown = min(found.max_column_ticks, columns.size)
    assert shown == 1 or least / shown >= each


def test_few_long_labels_lie_level() -> None:
    """Four prompts under a picture of a usual width can be read without a turned head."""
    prompts = ["Solve the following problem: two and two"] * 4
    found = lay_out(make_axis("layer", 35), make_axis("prompt", 4, prompts), width=900, height=None)
    assert not found.rotated
    assert found.column_columns >= 12


def test_only_labels_that_are_too_wide_stand_upright() -> None:
    rows = make_axis("layer", 4)

    def upright(n: int, text: str) -> bool:
        return lay_out(rows, make_axis("token", n, [text] * n), width=900, height=None).rotated

    assert not upright(5, "short")
    assert upright(60, "quite a long token")
    assert not lay_out(rows, make_axis("token", 1000), width=900, height=None).rotated


@pytest.mark.parametrize("n_rows", [1, 2, 35, 119, 120, 520, 521, 1000, 100_000])
def test_figure_never_grows_out_of_the_page(n_rows: int) -> None:
    found = lay_out(make_axis("layer", n_rows), make_axis("token", 5), width=900, height=None)
    assert found.height <= 520 + found.top + found.bottom


def test_sizes_are_those_of_the_whole_array() -> None:
    """Nothing but the axes and the size go in: so scrubbing moves nothing."""
    rows, columns = make_axis("token", 3, ["a", "bb", "ccc"]), make_axis("iteration", 65)
    found = lay_out(rows, columns, width=900, height=None)
    assert isinstance(found, Geometry)
    assert found.row_columns == 3
    assert found == lay_out(rows, columns, width=900, height=None)
