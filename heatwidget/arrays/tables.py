"""Tables of pandas, which is not imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .axis import DIMS, ITEM_DIMS


@dataclass(frozen=True, slots=True)
class Table:
    """Values of a data frame, with what it says of its axes, as a data array has it.

    Parameters
    ----------
    values : ndarray, shape (index, columns)
        NaN where a value is missing.
    dims : tuple of str
        Names of index and columns.
    coords : mapping of str to list
        Labels of those that are no mere count from 0.
    """

    values: NDArray[Any]
    dims: tuple[str, ...]
    coords: Mapping[str, Any]


def read_table(frame: Any, default_dims: Sequence[str]) -> Table:
    """Read a `pandas.DataFrame`.

    Parameters
    ----------
    frame : pandas.DataFrame
    default_dims : sequence of str
        Names of its axes where the frame names none, or only one of them.

    Raises
    ------
    TypeError
        If a column holds no numbers.
    """
    axes = (frame.index, frame.columns)
    dims = _dims([axis.name for axis in axes], default_dims)
    coords = {
        dim: [_label(label) for label in axis]
        for dim, axis in zip(dims, axes, strict=True)
        if not _counts(axis)
    }
    return Table(_values(frame), dims, coords)


def _dims(names: Sequence[Any], default: Sequence[str]) -> tuple[str, ...]:
    known = [name if name in DIMS else None for name in names]
    free = [name for name in default if name not in known]
    for name in known:
        if name in ITEM_DIMS:
            free = [other for other in free if other not in ITEM_DIMS]
    rest = iter(free)
    return tuple(name or next(rest, default[at]) for at, name in enumerate(known))


def _counts(axis: Any) -> bool:
    """Whether an index is what pandas gives to a frame that has none."""
    return type(axis).__name__ == "RangeIndex" and axis.start == 0 and axis.step == 1


def _label(label: Any) -> Any:
    """A label of several levels as one text."""
    return ", ".join(map(str, label)) if isinstance(label, tuple) else label


def _values(frame: Any) -> NDArray[Any]:
    for name, dtype in zip(frame.columns, frame.dtypes, strict=True):
        if getattr(dtype, "kind", "O") not in "biuf":
            raise TypeError(f"array must hold real numbers, got column {name!r} of dtype {dtype}")
    values: NDArray[Any] = frame.to_numpy()
    if values.dtype.kind in "biuf":
        return values
    return np.asarray(frame.to_numpy(dtype=np.float64, na_value=np.nan))
