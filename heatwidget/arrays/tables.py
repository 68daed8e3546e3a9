"""Tables of pandas and polars, which are not imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .adapters import is_from
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


def is_table(value: Any) -> bool:
    """Whether it is a data frame."""
    return is_from("pandas", "DataFrame", value) or is_from("polars", "DataFrame", value)


def read_table(frame: Any, default_dims: Sequence[str]) -> Table:
    """Read a data frame.

    Parameters
    ----------
    frame : pandas.DataFrame or polars.DataFrame
        One of polars has no index; its first column stands for one if it alone holds texts.
    default_dims : sequence of str
        Names of its axes where the frame names none, or only one of them.

    Raises
    ------
    TypeError
        If a column holds no numbers.
    """
    if is_from("polars", "DataFrame", frame):
        return _read_polars(frame, default_dims)
    axes = (frame.index, frame.columns)
    dims = _dims([axis.name for axis in axes], default_dims)
    coords = {
        dim: [_label(label) for label in axis]
        for dim, axis in zip(dims, axes, strict=True)
        if not _counts(axis)
    }
    return Table(_values(frame), dims, coords)


def _read_polars(frame: Any, default_dims: Sequence[str]) -> Table:
    kinds = dict(zip(frame.columns, frame.dtypes, strict=True))
    texts = [name for name, kind in kinds.items() if str(kind) in ("String", "Categorical", "Enum")]
    index = texts[0] if texts and texts == frame.columns[:1] else None
    values = frame if index is None else frame.drop(index)
    for name in values.columns:
        # A column in which nothing is there is of a type of its own.
        if not (kinds[name].is_numeric() or str(kinds[name]) in ("Boolean", "Null")):
            kind = kinds[name]
            raise TypeError(f"array must hold real numbers, got column {name!r} of dtype {kind}")
    dims = _dims([index, None], default_dims)
    coords: dict[str, Any] = {dims[1]: list(values.columns)}
    if index is not None:
        coords[dims[0]] = frame[index].to_list()
    # Null becomes NaN.
    columns = [np.asarray(values[name].cast(float).to_numpy(), float) for name in values.columns]
    shape = (values.height, len(columns))
    return Table(np.stack(columns, axis=1) if columns else np.empty(shape), dims, coords)


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
