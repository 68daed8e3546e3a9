"""Where ticks stand and what they say."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from heatwidget.arrays import Axis
from heatwidget.arrays.labelled import make_axis
from heatwidget.frames import ColorRule
from heatwidget.scene.labels import Labels
from heatwidget.scene.text import shorten, text_width
from heatwidget.scene.ticks import Ticks, axis_ticks, color_ticks, format_value

POSITIVE = st.floats(1e-300, 1e300) | st.sampled_from([1e-300, 1e-45, 1e-3, 0.1, 1.0, 10.0, 1e300])
ANY = POSITIVE | POSITIVE.map(lambda x: -x) | st.just(0.0) | st.integers(-50, 50).map(float)
# Raised digits take less than half of a column each.
SMALL = dict.fromkeys(map(ord, "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


@st.composite
def axes(draw: st.DrawFn) -> Axis:
    """Axis of numbers, evenly spaced or not, or of tokens."""
    size = draw(st.integers(1, 400))
    kind = draw(st.sampled_from(["plain", "even", "uneven", "token"]))
    if kind == "token":
        return make_axis("token", size, [f"t{i} " for i in range(size)])
    if kind == "plain":
        return make_axis("layer", size)
    first, step = draw(st.integers(-1000, 1000)), draw(st.integers(1, 70))
    if kind == "even":
        return make_axis("iteration", size, first + step * np.arange(size))
    steps = np.random.default_rng(draw(st.integers(0, 99))).integers(1, step + 1, size)
    return make_axis("iteration", size, first + np.cumsum(steps))


@st.composite
def windows(draw: st.DrawFn) -> tuple[Axis, tuple[int, int]]:
    """Axis and a window of it."""
    axis = draw(axes())
    start = draw(st.integers(0, axis.size - 1))
    return axis, (start, draw(st.integers(start + 1, axis.size)))


def ticked(axis: Axis, window: tuple[int, int], ticks: Ticks) -> list[int]:
    """Indices at whose middle the ticks stand."""
    length = window[1] - window[0]
    found = []
    for position in ticks.positions:
        place = position * length - 0.5
        assert place == pytest.approx(round(place), abs=1e-9)
        found.append(round(place) + window[0])
    return found


# Ticks of an axis


@given(case=windows(), most=st.integers(1, 60))
def test_ticks_stand_at_whole_numbers_inside_the_picture(
    case: tuple[Axis, tuple[int, int]], most: int
) -> None:
    axis, window = case
    ticks = axis_ticks(Labels(axis, 8), window, max_=most)
    assert 1 <= len(ticks.positions) <= most
    assert all(type(p) is float and 0 <= p <= 1 for p in ticks.positions)
    assert len(set(ticks.positions)) == len(ticks.positions) == len(ticks.texts)
    indices = ticked(axis, window, ticks)
    assert all(window[0] <= i < window[1] for i in indices)
    if axis.labels is None:
        numbers = [str(axis.coordinates[i]).replace("-", "−") for i in indices]
        assert list(ticks.texts) == numbers
    else:
        everyone = len(indices) == window[1] - window[0]
        places = ["" if everyone else f"{i} " for i in indices]
        texts = [
            shorten(f"t{i}␣", 8 - len(place)) for i, place in zip(indices, places, strict=True)
        ]
        assert list(ticks.texts) == [
            place + text for place, text in zip(places, texts, strict=True)
        ]
        assert all(text_width(text) <= 8 for text in ticks.texts)


@given(case=windows(), most=st.integers(1, 60))
def test_all_are_ticked_where_there_is_room(case: tuple[Axis, tuple[int, int]], most: int) -> None:
    axis, window = case
    assume(window[1] - window[0] <= most)
    ticks = axis_ticks(Labels(axis, 8), window, max_=most)
    assert ticked(axis, window, ticks) == list(range(*window))


@given(axis=axes(), length=st.integers(1, 300), most=st.integers(1, 60), moves=st.data())
def test_ticks_stay_in_place_while_the_window_moves(
    axis: Axis, length: int, most: int, moves: st.DataObject
) -> None:
    # Uneven numbers have no step that suits every window of one length.
    assume(axis.labels is not None or len(set(np.diff(axis.coordinates))) <= 1)
    length = min(length, axis.size)
    shown = []
    for _ in range(2):
        start = moves.draw(st.integers(0, axis.size - length))
        window = (start, start + length)
        ticks = axis_ticks(Labels(axis, 8), window, max_=most)
        shown.append((window, set(ticked(axis, window, ticks))))
    (one, here), (two, there) = shown
    both = range(max(one[0], two[0]), min(one[1], two[1]))
    # A window with no multiple of the step in it has one tick, at its start.
    assume(min(len(here), len(there)) > 1)
    assert here & set(both) == there & set(both)


@given(size=st.integers(2, 2000), most=st.integers(2, 60))
def test_numbers_are_round(size: int, most: int) -> None:
    axis = make_axis("iteration", size)
    ticks = axis_ticks(Labels(axis, 8), (0, size), max_=most)
    steps = set(np.diff([int(text) for text in ticks.texts]))
    assert len(steps) <= 1
    assert all(str(step).rstrip("0") in ("1", "2", "5") for step in steps)


def test_equal_tokens_are_kept_apart() -> None:
    ticks = axis_ticks(Labels(make_axis("token", 3, ["is"] * 3), 9), (0, 3), max_=9)
    assert ticks.texts == ("is", "is", "is")
    assert ticks.positions == (1 / 6, 1 / 2, 5 / 6)


def test_numbers_far_from_zero_or_without_a_round_one() -> None:
    far = make_axis("iteration", 3, [2**62, 2**62 + 1, 2**62 + 3])
    for most in (1, 2, 5):
        ticks = axis_ticks(Labels(far, 9), (0, 3), max_=most)
        assert 1 <= len(ticks.texts) <= most
    below = make_axis("layer", 5, [-7, -5, -3, -1, 1])
    assert axis_ticks(Labels(below, 9), (0, 5), max_=9).texts == (
        "−7",
        "−5",
        "−3",
        "−1",
        "1",
    )


# Ticks of a colour bar


def number(text: str) -> Fraction:
    """Exact value of a text: a decimal, or a power of ten, or their product."""
    digits, _, power = text.rpartition("·")
    plain = power.translate(SUPERSCRIPTS)
    if power.startswith("10") and plain != power:
        return Fraction(digits or "1") * Fraction(10) ** int(plain[2:])
    assert "-" not in text
    return Fraction(text.replace("−", "-"))


def noted(note: str) -> tuple[Fraction, Fraction]:
    """Factor and offset that a note tells."""
    words = note.split()
    factor = number(words.pop(0)[1:]) if note.startswith("×") else Fraction(1)
    offset = number(words[1]) * (-1 if words[0] == "−" else 1) if words else Fraction(0)
    return factor, offset


def rule_of(low: float, high: float, scale: Any) -> ColorRule:
    """Colour rule of two limits."""
    return ColorRule((low, high), (False, False), scale)


def check_color_ticks(rule: ColorRule, most: int) -> None:
    """Look that they are whole, different and in order, and that each stands at its value."""
    ticks = color_ticks(rule, most)
    assert 2 <= len(ticks.positions) <= max(most, 2) + 1
    assert list(ticks.positions) == sorted(set(ticks.positions))
    assert all(type(p) is float and 0 <= p <= 1 for p in ticks.positions)
    assert len(set(ticks.texts)) == len(ticks.texts)
    assert all(text_width(text.translate(SMALL)) <= 6 for text in ticks.texts)
    factor, offset = noted(ticks.note)
    values = [number(text) * factor + offset for text in ticks.texts]
    assert values == sorted(set(values))
    low, high = (Fraction(repr(limit)) for limit in rule.limits)
    for value, place in zip(values, ticks.positions, strict=True):
        if rule.scale == "linear":
            assert abs((value - low) / (high - low) - place) < 1e-5
        elif high / low > 1 + Fraction(1, 10**6):
            found = math.log(value / low) if value < 2 * low else log(value) - log(low)
            assert found / (log(high) - log(low)) == pytest.approx(place, abs=2e-5)


def log(value: Fraction) -> float:
    """Logarithm of a value that float64 may not know."""
    return math.log(value.numerator) - math.log(value.denominator)


@given(low=ANY, high=ANY, most=st.integers(-2, 20))
@example(low=0.0, high=5e-324, most=5)
@example(low=-1e300, high=1e300, most=5)
@example(low=-1.7e308, high=1.7e308, most=5)
@example(low=1.0, high=1.0 + 1e-12, most=5)
@example(low=-1e-3, high=5.0, most=5)
def test_linear_ticks_stand_at_their_colours(low: float, high: float, most: int) -> None:
    assume(low < high)
    check_color_ticks(rule_of(low, high, "linear"), most)


@given(low=POSITIVE, high=POSITIVE, most=st.integers(-2, 20))
@example(low=10.0, high=1000.0, most=2)
@example(low=1e-300, high=1e300, most=2)
@example(low=5e-324, high=1.7e308, most=7)
@example(low=0.5, high=0.6, most=5)
@example(low=1e10, high=math.nextafter(1e10, 2e10), most=5)
@example(low=1.0, high=1.0 + 1e-12, most=5)
@example(low=9.0, high=11.0, most=5)
def test_log_ticks_stand_at_their_colours(low: float, high: float, most: int) -> None:
    assume(low < high)
    check_color_ticks(rule_of(low, high, "log"), most)


@given(low=st.floats(-1e6, 1e6), width=st.floats(1e-3, 1e6), most=st.integers(2, 20))
def test_linear_ticks_are_evenly_spaced(low: float, width: float, most: int) -> None:
    ticks = color_ticks(rule_of(low, low + width, "linear"), most)
    assert np.ptp(np.diff(ticks.positions)) <= 2e-5


@pytest.mark.parametrize(
    ("limits", "scale", "texts"),
    [
        ((0, 1), "linear", ("0", "0.2", "0.4", "0.6", "0.8", "1")),
        ((-1, 1), "linear", ("−1", "−0.5", "0", "0.5", "1")),
        ((0, 7), "linear", ("0", "2", "4", "6")),
        ((1e-2, 100), "log", ("0.01", "0.1", "1", "10", "100")),
        ((1e-12, 1), "log", ("10⁻¹²", "10⁻⁹", "10⁻⁶", "10⁻³", "1")),
        ((2, 9), "log", ("2", "5")),
    ],
)
def test_ticks_that_one_would_write(limits: Any, scale: str, texts: tuple[str, ...]) -> None:
    assert color_ticks(rule_of(*limits, scale), 5).texts == texts


@pytest.mark.parametrize(
    ("limits", "note", "texts"),
    [
        ((-2e5, 0), "×10⁵", ("−2", "−1.5", "−1", "−0.5", "0")),
        ((0.9999987, 0.9999999), "×10⁻⁶ + 0.99999", ("8.75", "9", "9.25", "9.5", "9.75")),
        ((1e-8, 1.0000001e-8), "×10⁻¹⁵ + 10⁻⁸", ("0", "0.2", "0.4", "0.6", "0.8", "1")),
        ((0, 3e5), "", ("0", "100000", "200000", "300000")),
        ((-9999.9, -9999.1), "− 9999", ("−0.8", "−0.6", "−0.4", "−0.2")),
        ((0, 5e-324), "×10⁻³²⁴", ("0", "1", "2", "3", "4", "5")),
        ((-1e300, 1e300), "×10³⁰⁰", ("−1", "−0.5", "0", "0.5", "1")),
    ],
)
def test_wide_texts_share_a_power_or_an_offset(limits: Any, note: str, texts: Any) -> None:
    ticks = color_ticks(rule_of(*limits, "linear"), 5)
    assert (ticks.note, ticks.texts) == (note, texts)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-1.5, "−1.5"), (123456.0, "1.235e+05"), (1e-9, "1e−09"), (math.inf, "inf")],
)
def test_values_are_written_in_four_digits(value: float, text: str) -> None:
    assert format_value(value) == text


@pytest.mark.parametrize(
    ("value", "span", "text"),
    [
        (0.9999987, 1.2e-6, "0.9999987"),
        (1000.25, 3.0, "1000.25"),
        (-1000.25, 3000.0, "−1000"),
        (1.0000001e-8, 1e-15, "1.0000001e−08"),
        (float(np.float32(1e30)), 1e-9, "1.00000002e+30"),
        (math.nan, 1e-9, "nan"),
    ],
)
def test_values_of_a_narrow_range_are_told_apart(value: float, span: float, text: str) -> None:
    assert format_value(value, span) == text
