"""Index windows the obvious way: look at every coordinate."""

from __future__ import annotations

from collections.abc import Sequence


def expected_window(
    coordinates: Sequence[float], asked: tuple[float | None, float | None]
) -> tuple[int, int]:
    """Half-open window of the coordinates inside a range, or of the one nearest to it."""
    if coordinates[0] > coordinates[-1]:
        start, stop = expected_window(coordinates[::-1], asked[::-1])
        return len(coordinates) - stop, len(coordinates) - start
    first, last = coordinates[0], coordinates[-1]
    low = first if asked[0] is None or asked[0] != asked[0] else asked[0]
    high = last if asked[1] is None or asked[1] != asked[1] else asked[1]
    low, high = min(low, high), max(low, high)
    inside = [i for i, c in enumerate(coordinates) if low <= c <= high]
    if inside:
        return inside[0], inside[-1] + 1
    if low > last:
        return len(coordinates) - 1, len(coordinates)
    if high < first:
        return 0, 1
    middle = (low + high) / 2
    nearest = min(range(len(coordinates)), key=lambda i: abs(coordinates[i] - middle))
    return nearest, nearest + 1
