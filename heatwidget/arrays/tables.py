"""Tables of pandas, which is not imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .names import ITEM_ROLES, role_of


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
    texts = [name if isinstance(name, str) else None for name in names]
    if all(texts) and not any(role_of(name) for name in texts if name):
        return tuple(filter(None, texts))
    # A name that says nothing beside one that does is that of a column of words, say.
    known = [name if name and role_of(name) else None for name in texts]
    roles = {_kind(name) for name in known if name}
    rest = iter([name for name in default if _kind(name) not in roles])
    return tuple(name or next(rest, default[at]) for at, name in enumerate(known))


def _kind(name: str) -> str | None:
    """Role of a name, the same for tokens and prompts."""
    role = role_of(name)
    return "item" if role in ITEM_ROLES else role


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
