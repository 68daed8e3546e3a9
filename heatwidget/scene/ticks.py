"""Where ticks stand and what they say, for tokens, whole numbers and colour bars."""

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
# Digits from the largest float64 to the smallest are 632 and a few.
_EXACT = Context(prec=800, Emin=-9999, Emax=9999)
# Share of a step by which a tick may lie outside of the limits: they are rounded.
_HAIR = Fraction(1, 10**9)
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class Ticks:
    """Positions from 0 to 1, the text at each, and what was taken out of all texts."""

    positions: tuple[float, ...]
    texts: tuple[str, ...]
    note: str = ""


def axis_ticks(labels: Labels, window: tuple[int, int], *, most: int) -> Ticks:
    """Ticks of an axis: each at the middle of its index.

    Parameters
    ----------
    labels : Labels
        Of the axis.
    window : tuple of int
        Half-open window of indices that fills the scale.
    most : int
        Number of ticks there is room for.
    """
    start, stop = window
    axis = labels.axis
    if axis.labels is None:
        chosen = _round_numbers(axis, start, stop, most)
        texts = tuple(format_number(axis.label(i)) for i in chosen)
    else:
        chosen = _every(start, stop, most)
        thinned = len(chosen) < stop - start
        texts = tuple(labels.text(int(i), placed=thinned) for i in chosen)
    places = (chosen + 0.5 - start) / (stop - start)
    return Ticks(tuple(places.tolist()), texts)


def color_ticks(rule: ColorRule, most: int) -> Ticks:
    """Ticks of a colour bar at round values between its limits.

    A common power of ten or offset, without which the texts were too wide, stands in the
    note: the value of a tick is its text times the power plus the offset.
    """
    low, high = (Decimal(repr(float(limit))) for limit in rule.limits)
    most = max(most, 2)
    with localcontext(_EXACT):
        powers = _powers(low, high, most) if rule.scale == "log" else []
        if powers:
            values = [Decimal(1).scaleb(exponent) for exponent in powers]
            texts, note = tuple(map(_power, powers)), ""
        else:
            values = _round_values(low, high, most, rule.scale)
            texts, note = _written(values)
    places = _log_places if rule.scale == "log" else _linear_places
    positions = (min(max(float(place), 0.0), 1.0) for place in places(values, low, high))
    return Ticks(tuple(positions), texts, note)


def format_value(value: float, span: float = inf) -> str:
    """Value in four significant digits, or as many as tell colours over a span apart.

    No more than float32 has.
    """
    for digits in range(4, 10):
        text = f"{value:.{digits}g}"
        if not abs(float(text) - value) > span / N_VALUE_COLORS:
            break
    return format_number(text)


def format_number(number: object) -> str:
    """Number as text, with a minus sign that is one."""
    return str(number).replace("-", "−")


def _round_steps() -> Iterator[int]:
    """1, 2, 5, 10, 20, 50, ... as far as int64 goes."""
    return (factor * 10**exponent for exponent in range(19) for factor in (1, 2, 5))


def _round_numbers(axis: Axis, start: int, stop: int, most: int) -> NDArray[np.int64]:
    """Indices of the coordinates that are multiples of the smallest round step that fits.

    The step follows from the window's length alone, not from where it lies, so that ticks
    stay in place while the window moves.
    """
    shown = axis.coordinates[start:stop]
    if len(shown) > most and shown.dtype.kind == "i" and not axis.descends:
        first, span = int(shown[0]), int(shown[-1]) - int(shown[0])
        # They increase strictly: so all are there, and an axis of any length is not looked at.
        all_there = span == len(shown) - 1
        gcd: Any = np.gcd  # whose stubs differ from release to release
        spacing = 1 if all_there else int(gcd.reduce(np.diff(shown)))
        for step in _round_steps():
            # Its multiples among the coordinates lie that far apart, if there are any.
            if 2 <= span // lcm(step, spacing) < most:
                fits = (
                    np.arange(-first % step, span + 1, step)
                    if all_there
                    else np.flatnonzero(shown % step == 0)
                )
                if len(fits):
                    return fits + start
    return _every(start, stop, most)


def _every(start: int, stop: int, most: int) -> NDArray[np.int64]:
    """Each k-th index, on multiples of k so that they stay in place while the window moves."""
    step = next(s for s in _round_steps() if -(-(stop - start) // s) <= max(most, 1))
    first = -(-start // step) * step
    return np.arange(first, stop, step) if first < stop else np.array([start])


def _powers(low: Decimal, high: Decimal, most: int) -> list[int]:
    """Exponents of the powers of ten between limits; none where there are fewer than two."""
    first, last = -_floor_log10(1 / Fraction(low)), _floor_log10(Fraction(high))
    if last <= first:
        return []
    step = -(-(last - first + 1) // most)
    exponents = [e for e in range(first, last + 1) if e % step == 0]
    return exponents if len(exponents) > 1 else [first, last]


def _floor_log10(value: Fraction) -> int:
    """Exponent of the largest power of ten that is not above a value, but for a hair."""
    value *= 1 + _HAIR
    guess = len(str(value.numerator)) - len(str(value.denominator))
    return guess if Fraction(10) ** guess <= value else guess - 1


def _round_values(low: Decimal, high: Decimal, most: int, scale: str) -> list[Decimal]:
    """At least two round values between limits, and hardly more than `most`."""
    if scale == "log":
        exponents = range(low.adjusted(), high.adjusted() + 1)
        values = [Decimal(f).scaleb(e) for e in exponents for f in (1, 2, 5)]
        values = [value for value in values if low <= value <= high]
        if 2 <= len(values) <= most:
            return values
    first, last = Fraction(low), Fraction(high)
    raw = (last - first) / most
    exponent = _floor_log10(raw)
    steps = [Decimal(f).scaleb(exponent - 1) for f in (2, 5, 10, 20, 25, 50, 100)]
    # Between limits that are badly placed even a step of this kind may have one multiple only.
    largest = next(k for k, s in enumerate(steps) if Fraction(s) >= raw * (1 - _HAIR))
    for step in steps[largest::-1]:
        unit = Fraction(step)
        factors = range(ceil(first / unit - _HAIR), floor(last / unit + _HAIR) + 1)
        if len(factors) > 1:
            break
    if len(factors) > (most + 1 if most > 2 else 2):
        factors = range(factors[0], factors[-1] + 1, len(factors) - 1)
    return [factor * step for factor in factors]


def _written(values: Sequence[Decimal]) -> tuple[tuple[str, ...], str]:
    """Texts of values that fit beside a colour bar, and what was taken out of all of them."""
    offset = Decimal(0)
    texts, exponent = _texts(values)
    if max(map(text_width, texts)) > _BAR_COLUMNS:
        # Far from zero: what their first digits have in common goes.
        unit = Decimal(1).scaleb((values[-1] - values[0]).adjusted() + 1)
        offset = min(values, key=abs) // unit * unit
        texts, exponent = _texts([value - offset for value in values])
    parts = [f"×{_power(exponent)}"] if exponent else []
    parts += [f"{'−' if offset < 0 else '+'} {_long(abs(offset))}"] if offset else []
    return texts, " ".join(parts)


def _texts(values: Sequence[Decimal]) -> tuple[tuple[str, ...], int]:
    """Plain decimals, and the power of ten by which they have to be multiplied."""
    for exponent in (0, max(map(abs, values)).adjusted()):
        scaled = [value.scaleb(-exponent).normalize() for value in values]
        texts = tuple(format_number(f"{value:f}") for value in scaled)
        if max(map(text_width, texts)) <= _BAR_COLUMNS:
            break
    return texts, exponent


def _long(value: Decimal) -> str:
    """All digits of a positive number."""
    value = value.normalize()
    if -7 <= value.adjusted() <= 11:
        return f"{value:f}"
    exponent = value.adjusted()
    digits = f"{value.scaleb(-exponent):f}"
    power = "10" + str(exponent).translate(_SUPERSCRIPTS)
    return power if digits == "1" else f"{digits}·{power}"


def _linear_places(values: Sequence[Decimal], low: Decimal, high: Decimal) -> list[Fraction]:
    """Where values lie between limits, exactly: float64 overflows, or knows no such value."""
    start, span = Fraction(low), Fraction(high) - Fraction(low)
    return [(Fraction(value) - start) / span for value in values]


def _log_places(values: Sequence[Decimal], low: Decimal, high: Decimal) -> list[Fraction]:
    """Where logarithms lie between those of limits."""
    with localcontext(Context(prec=50)):
        span = (high / low).ln()
        return [Fraction((value / low).ln() / span) for value in values]


def _power(exponent: int) -> str:
    plain = {-2: "0.01", -1: "0.1", 0: "1", 1: "10", 2: "100"}
    return plain.get(exponent, "10" + str(exponent).translate(_SUPERSCRIPTS))
