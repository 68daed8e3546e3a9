"""What a benchmark hands over: records to be tabulated, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any

Record = dict[str, Any]


@dataclass(frozen=True)
class Result:
    """Outcome of one benchmark.

    Parameters
    ----------
    records : list of dict
        One for each thing measured, all with the same keys. A list in one, such as all
        times that a median is of, is kept but not tabulated.
    notes : list of str
        What follows from them, a sentence each.
    """

    records: list[Record]
    notes: list[str] = field(default_factory=list)


def spread(times: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile."""
    if len(times) < 2:
        return times[0], times[0], times[0]
    low, _, high = quantiles(times, n=4, method="inclusive")
    return low, median(times), high


def table(records: Iterable[Record]) -> str:
    """Records as text, a line each, under the names of their keys."""
    records = [
        {key: _text(value) for key, value in record.items() if not isinstance(value, list)}
        for record in records
    ]
    if not records:
        return "nothing measured"
    columns = [(key, *(record[key] for record in records)) for key in records[0]]
    widths = [max(map(len, column)) for column in columns]
    lines = zip(*columns, strict=True)
    return "\n".join(_line(line, widths) for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """The first cell on the left of its column, the others on the right."""
    first, *others = zip(cells, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)])


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if not isinstance(value, float):
        return str(value)
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f}" if abs(value) >= 0.01 or not value else f"{value:.1e}"
