"""Where ticks stand and what they say, for tokens, whole numbers and colour bars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, lcm, log10

import numpy as np
from numpy.typing import NDArray

from ..arrays import Axis
from ..frames import ColorRule, color_positions
from .marks import SPAN
from .text import label

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class Ticks:
    """Positions on a scale of 0..SPAN, and the text at each."""

    positions: tuple[int, ...]
    texts: tuple[str, ...]

    @property
    def labels(self) -> dict[str, str]:
        """Texts by position, as a bqplot axis takes them."""
        return {str(p): text for p, text in zip(self.positions, self.texts, strict=True)}


def axis_ticks(
    axis: Axis, window: tuple[int, int], *, most: int, columns: int, from_end: bool
) -> Ticks:
    """Ticks of an axis: each at the middle of its index.

    Parameters
    ----------
    axis : Axis
    window : tuple of int
        Half-open window of indices that fills the scale.
    most : int
        Number of ticks there is room for.
    columns : int
        Text columns that a label may take.
    from_end : bool
        Whether the scale runs against the indices, as rows do from the top down.
    """
    start, stop = window
    if axis.labels is None:
        chosen = _round_numbers(axis.coordinates, start, stop, most)
        texts = tuple(str(axis.coordinates[i]) for i in chosen)
    else:
        chosen = _every(start, stop, most)
        texts = tuple(_item_text(axis, int(i), columns, len(chosen) < stop - start) for i in chosen)
    places = (chosen + 0.5 - start) / (stop - start)
    places = 1 - places if from_end else places
    return Ticks(tuple(int(p) for p in np.rint(places * SPAN)), texts)


def _item_text(axis: Axis, index: int, columns: int, thinned: bool) -> str:
    """Token beside its cells; with its position, where not every token has a label."""
    place = f"{index} " if thinned else ""
    return place + label(axis.label(index), max(columns - len(place), 1))


def color_ticks(rule: ColorRule, most: int) -> Ticks:
    """Ticks of a colour bar at round values between its limits."""
    values, texts = _color_values(rule, max(most, 2))
    places = color_positions(values, rule)
    if np.isnan(places).any():
        # Limits so close that their logarithms are one number.
        places = np.linspace(0, 1, len(values))
    return Ticks(tuple(int(place) for place in np.rint(places * SPAN)), tuple(texts))


def format_value(value: float) -> str:
    """Value in four significant digits."""
    return f"{value:.4g}".replace("-", "−")


def _round_steps() -> Iterator[int]:
    """1, 2, 5, 10, 20, 50, ... as far as int64 goes."""
    return (factor * 10**exponent for exponent in range(19) for factor in (1, 2, 5))


def _round_numbers(
    coordinates: NDArray[np.int64], start: int, stop: int, most: int
) -> NDArray[np.int64]:
    """Indices of the coordinates that are multiples of the smallest round step that fits.

    The step follows from the window's length alone, not from where it lies, so that ticks
    stay in place while the window moves.
    """
    shown = coordinates[start:stop]
    if len(shown) > most:
        first, span = int(shown[0]), int(shown[-1]) - int(shown[0])
        # They increase strictly: so all are there, and an axis of any length is not looked at.
        all_there = span == len(shown) - 1
        spacing = 1 if all_there else int(np.gcd.reduce(np.diff(shown)))
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


def _color_values(rule: ColorRule, most: int) -> tuple[Sequence[float], Sequence[str]]:
    low, high = rule.limits
    if rule.scale == "linear":
        return _linear_values(low, high, most)
    first, last = ceil(log10(low) - 1e-9), floor(log10(high) + 1e-9)
    if last - first < 1:
        return _narrow_log_values(low, high, most)
    step = -(-(last - first + 1) // most)
    exponents = [e for e in range(first, last + 1) if e % step == 0]
    if len(exponents) < 2:
        exponents = [first, last]
    return [10.0**e for e in exponents], [_power(e) for e in exponents]


def _narrow_log_values(low: float, high: float, most: int) -> tuple[Sequence[float], Sequence[str]]:
    """Ticks of a log scale that spans less than two powers of ten."""
    exponents = range(floor(log10(low)), ceil(log10(high)) + 1)
    values = [f * 10.0**e for e in exponents for f in (1, 2, 5) if low <= f * 10.0**e <= high]
    if 2 <= len(values) <= most:
        return values, [format_value(v) for v in values]
    return _linear_values(low, high, most)


def _linear_values(low: float, high: float, most: int) -> tuple[Sequence[float], Sequence[str]]:
    # Halves, because high - low can overflow.
    raw = (high / 2 - low / 2) / most * 2
    if not 1e-300 < raw < 1e300:
        return [low, high], [format_value(low), format_value(high)]
    magnitude = 10.0 ** floor(log10(raw))
    step = next(f * magnitude for f in (1, 2, 2.5, 5, 10) if f * magnitude >= raw * (1 - 1e-9))
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    values = [k * step for k in range(first, last + 1)]
    texts = [format_value(v) for v in values]
    if len(values) < 2 or len(set(texts)) < len(texts):
        # A narrow range far from zero: four digits do not tell round values apart.
        return [low, high], [f"{low:.9g}", f"{high:.9g}"]
    return values, texts


def _power(exponent: int) -> str:
    plain = {-2: "0.01", -1: "0.1", 0: "1", 1: "10", 2: "100"}
    return plain.get(exponent, "10" + str(exponent).translate(_SUPERSCRIPTS))
