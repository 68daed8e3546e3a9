"""Labels of an axis: short, and different where the texts are."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heatwidget.arrays.labelled import make_axis
from heatwidget.scene.labels import Labels
from heatwidget.scene.text import label, text_width

TEXTS = st.lists(
    st.builds(
        lambda start, middle, end: start + middle + end,
        st.sampled_from(["", "Solve the following problem: ", "語" * 20, "\u0301" * 30, "…"]),
        st.text("ab é語\u0301\u200b\n", max_size=12),
        st.sampled_from(["", " step by step", "x" * 200]),
    ),
    min_size=1,
    max_size=40,
)


def labels(texts: list[str], columns: int) -> list[str]:
    """All labels of an axis of tokens."""
    shown = Labels(make_axis("token", len(texts), texts), columns)
    return [shown.text(index) for index in range(len(texts))]


@given(texts=TEXTS, columns=st.integers(5, 40))
@example(texts=["Solve it…", "Solve it, then"], columns=9)
def test_different_texts_have_different_labels(texts: list[str], columns: int) -> None:
    shown = labels(texts, columns)
    of = dict(zip(shown, texts, strict=True))
    assert all(of[one] == text for one, text in zip(shown, texts, strict=True))
    assert all(text_width(one) <= columns for one in shown)


@given(texts=TEXTS, columns=st.integers(5, 40))
def test_only_labels_that_would_read_alike_are_changed(texts: list[str], columns: int) -> None:
    plain = {text: label(text, columns) for text in texts}
    for text, shown in zip(texts, labels(texts, columns), strict=True):
        alike = [one for one, cut in plain.items() if cut == plain[text]]
        if len(alike) == 1:
            assert shown == plain[text]


@pytest.mark.parametrize(
    ("texts", "shown"),
    [
        (
            ["Solve the following: 2+2", "Solve the following: 3+3"],
            ["Solve t…g: 2+2", "Solve t…g: 3+3"],
        ),
        (
            ["Solve the following: add, in short", "Solve the following: sub, in short"],
            ["…add, in short", "…sub, in short"],
        ),
        (
            ["a" * 30 + "x" + "b" * 30, "a" * 30 + "y" + "b" * 30, "a" * 40 + "b" * 30],
            ["…aaaxbbbbbbbb…", "…aaaybbbbbbbb…", "…aaaaaaaaaaaa…"],
        ),
        (
            [f"{'a' * k}{'b' * (60 - k)}" for k in (20, 40, 41)],
            ["0 aaaaaaaaaaa…", "1 aaaaaaaaaaa…", "2 aaaaaaaaaaa…"],
        ),
        (["the cat"] * 3, ["the cat"] * 3),
        (["a word that is long"] * 2, ["a word that i…"] * 2),
        (["a" * 30, "a" * 31], ["…aaa", "…aaaa"]),
    ],
)
def test_how_they_are_told_apart(texts: list[str], shown: list[str]) -> None:
    assert labels(texts, 14) == shown


def test_an_accent_keeps_its_letter_at_the_cut() -> None:
    texts = [f"Solve the following problem: {end}" for end in ("xe\u0301\u0301", "ya\u0301\u0301")]
    assert labels(texts, 4) == ["So…e\u0301\u0301", "So…a\u0301\u0301"]


def test_with_their_position_in_front() -> None:
    texts = ["Solve the following: 2+2", "Solve the following: 3+3"]
    shown = Labels(make_axis("prompt", 2, texts), 14)
    assert shown.text(1, placed=True) == "1 Solve …: 3+3"
