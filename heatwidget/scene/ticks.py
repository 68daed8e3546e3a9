"""Positions and texts of ticks, for axes and colour bars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from math import ceil, floor, inf, lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Axis
from ..frames import ColorRule
from ..frames.palette import N_VALUE_COLORS
from .labels import Labels
from .text import text_width

# Text columns beside a colour bar.
_BAR_COLUMNS = 6
# float64 spans 632 decimal orders of magnitude, plus its digits.
_EXACT = Context(prec=800, Emin=-9999, Emax=9999)
# Share of a step by which a tick may lie outside the limits, because they are rounded.
_TOLERANCE = Fraction(1, 10**9)
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class Ticks:
    """Positions from 0 to 1, their texts, and a note with a common factor or offset."""

    positions: tuple[float, ...]
    texts: tuple[str, ...]
    note: str = ""


def axis_ticks(labels: Labels, window: tuple[int, int], *, max_: int) -> Ticks:
    """Ticks of an axis, each at the middle of its index.

    Parameters
    ----------
    labels : Labels
        Labels of the axis.
    window : tuple of int
        Half-open window of indices that spans the scale.
    max_ : int
        Maximum number of ticks.
    """
    start, stop = window
    axis = labels.axis
    if axis.labels is None:
        chosen = _round_numbers(axis, start, stop, max_)
        texts = tuple(format_number(axis.label(i)) for i in chosen)
    else:
        chosen = _every(start, stop, max_)
        thinned = len(chosen) < stop - start
        texts = tuple(labels.text(int(i), placed=thinned) for i in chosen)
    places = (chosen + 0.5 - start) / (stop - start)
    return Ticks(tuple(places.tolist()), texts)


def color_ticks(rule: ColorRule, max_: int) -> Ticks:
    """Ticks of a colour bar at round values between its limits.

    If the texts are too wide, the note holds a common power of ten or offset: the value of a
    tick is its text times the power plus the offset.
    """
    low, high = (Decimal(repr(float(limit))) for limit in rule.limits)
    max_ = max(max_, 2)
    with localcontext(_EXACT):
        powers = _powers(low, high, max_) if rule.scale == "log" else []
        if powers:
            values = [Decimal(1).scaleb(exponent) for exponent in powers]
            texts, note = tuple(map(_power, powers)), ""
        else:
            values = _round_values(low, high, max_, rule.scale)
            texts, note = _written(values)
    places = _log_places if rule.scale == "log" else _linear_places
    positions = (min(max(float(place), 0.0), 1.0) for place in places(values, low, high))
    return Ticks(tuple(positions), texts, note)


def format_value(value: float, span: float = inf) -> str:
    """Value with four significant digits, or as many as distinguish the colours of a span.

    At most nine digits, as float32 has.
    """
    for digits in range(4, 10):
        text = f"{value:.{digits}g}"
        if not abs(float(text) - value) > span / N_VALUE_COLORS:
            break
    return format_number(text)


def format_number(number: object) -> str:
    """Number as text with a typographic minus sign."""
    return str(number).replace("-", "−")


def _round_steps() -> Iterator[int]:
    """Yield 1, 2, 5, 10, 20, 50, ... within the range of int64."""
    return (factor * 10**exponent for exponent in range(19) for factor in (1, 2, 5))


def _round_numbers(axis: Axis, start: int, stop: int, max_: int) -> NDArray[np.int64]:
    """Indices of the coordinates that are multiples of the smallest round step that fits.

    The step depends on the length of the window only, so ticks keep their place while the window
    moves.
    """
    shown = axis.coordinates[start:stop]
    if len(shown) > max_ and shown.dtype.kind == "i" and not axis.descends:
        first, span = int(shown[0]), int(shown[-1]) - int(shown[0])
        # Coordinates increase strictly, so this is cheap for an axis of any length.
        all_there = span == len(shown) - 1
        gcd: Any = np.gcd  # its type stubs differ between numpy releases
        spacing = 1 if all_there else int(gcd.reduce(np.diff(shown)))
        for step in _round_steps():
            # Multiples of the step among the coordinates are lcm(step, spacing) apart.
            if 2 <= span // lcm(step, spacing) < max_:
                fits = (
                    np.arange(-first % step, span + 1, step)
                    if all_there
                    else np.flatnonzero(shown % step == 0)
                )
                if len(fits):
                    return fits + start
    return _every(start, stop, max_)


def _every(start: int, stop: int, max_: int) -> NDArray[np.int64]:
    """Multiples of a step, so that ticks keep their place while the window moves."""
    step = next(s for s in _round_steps() if -(-(stop - start) // s) <= max(max_, 1))
    first = -(-start // step) * step
    return np.arange(first, stop, step) if first < stop else np.array([start])


def _powers(low: Decimal, high: Decimal, max_: int) -> list[int]:
    """Exponents of the powers of ten between limits; none if there are fewer than two."""
    first, last = -_floor_log10(1 / Fraction(low)), _floor_log10(Fraction(high))
    if last <= first:
        return []
    step = -(-(last - first + 1) // max_)
    exponents = [e for e in range(first, last + 1) if e % step == 0]
    return exponents if len(exponents) > 1 else [first, last]


def _floor_log10(value: Fraction) -> int:
    """Exponent of the largest power of ten at or below a value, within the tolerance."""
    value *= 1 + _TOLERANCE
    guess = len(str(value.numerator)) - len(str(value.denominator))
    return guess if Fraction(10) ** guess <= value else guess - 1


def _round_values(low: Decimal, high: Decimal, max_: int, scale: str) -> list[Decimal]:
    """Round values between limits: at least two, and about `max_` at most."""
    if scale == "log":
        exponents = range(low.adjusted(), high.adjusted() + 1)
        values = [Decimal(f).scaleb(e) for e in exponents for f in (1, 2, 5)]
        values = [value for value in values if low <= value <= high]
        if 2 <= len(values) <= max_:
            return values
    first, last = Fraction(low), Fraction(high)
    raw = (last - first) / max_
    exponent = _floor_log10(raw)
    steps = [Decimal(f).scaleb(exponent - 1) for f in (2, 5, 10, 20, 25, 50, 100)]
    # Between unlucky limits a step may have only one multiple. Then smaller steps are tried.
    largest = next(k for k, s in enumerate(steps) if Fraction(s) >= raw * (1 - _TOLERANCE))
    for step in steps[largest::-1]:
        unit = Fraction(step)
        factors = range(ceil(first / unit - _TOLERANCE), floor(last / unit + _TOLERANCE) + 1)
        if len(factors) > 1:
            break
    if len(factors) > (max_ + 1 if max_ > 2 else 2):
        factors = range(factors[0], factors[-1] + 1, len(factors) - 1)
    return [factor * step for factor in factors]


def _written(values: Sequence[Decimal]) -> tuple[tuple[str, ...], str]:
    """Texts of values that fit beside a colour bar, and the note on their factor or offset."""
    offset = Decimal(0)
    texts, exponent = _texts(values)
    if max(map(text_width, texts)) > _BAR_COLUMNS:
        # Far from zero: the common leading digits become the offset.
        unit = Decimal(1).scaleb((values[-1] - values[0]).adjusted() + 1)
        offset = min(values, key=abs) // unit * unit
        texts, exponent = _texts([value - offset for value in values])
    parts = [f"×{_power(exponent)}"] if exponent else []
    parts += [f"{'−' if offset < 0 else '+'} {_long(abs(offset))}"] if offset else []
    return texts, " ".join(parts)


def _texts(values: Sequence[Decimal]) -> tuple[tuple[str, ...], int]:
    """Plain decimals, and the exponent of their common power of ten."""
    for exponent in (0, max(map(abs, values)).adjusted()):
        scaled = [value.scaleb(-exponent).normalize() for value in values]
        texts = tuple(format_number(f"{value:f}") for value in scaled)
        if max(map(text_width, texts)) <= _BAR_COLUMNS:
            break
    return texts, exponent


def _long(value: Decimal) -> str:
    """Positive number with all digits."""
    value = value.normalize()
    if -7 <= value.adjusted() <= 11:
        return f"{value:f}"
    exponent = value.adjusted()
    digits = f"{value.scaleb(-exponent):f}"
    power = "10" + str(exponent).translate(_SUPERSCRIPTS)
    return power if digits == "1" else f"{digits}·{power}"


def _linear_places(values: Sequence[Decimal], low: Decimal, high: Decimal) -> list[Fraction]:
    """Positions of values between limits, exact, because float64 may overflow or round."""
    start, span = Fraction(low), Fraction(high) - Fraction(low)
    return [(Fraction(value) - start) / span for value in values]


def _log_places(values: Sequence[Decimal], low: Decimal, high: Decimal) -> list[Fraction]:
    """Positions of values between limits on a log scale."""
    with localcontext(Context(prec=50)):
        span = (high / low).ln()
        return [Fraction((value / low).ln() / span) for value in values]


def _power(exponent: int) -> str:
    plain = {-2: "0.01", -1: "0.1", 0: "1", 1: "10", 2: "100"}
    return plain.get(exponent, "10" + str(exponent).translate(_SUPERSCRIPTS))
