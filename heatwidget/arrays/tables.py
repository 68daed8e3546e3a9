"""Data frames of pandas and polars; neither library is imported."""

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
    """Values of a data frame with names and coordinates of its axes, like `xarray.DataArray`.

    Parameters
    ----------
    values : ndarray, shape (index, columns)
        NaN at missing values.
    dims : tuple of str
        Names of the index and of the columns.
    coords : mapping of str to list
        Labels of the axes, except for an axis that counts from 0.
    """

    values: NDArray[Any]
    dims: tuple[str, ...]
    coords: Mapping[str, Any]


def is_table(value: Any) -> bool:
    """Whether a value is a data frame."""
    return is_from("pandas", "DataFrame", value) or is_from("polars", "DataFrame", value)


def read_table(frame: Any, default_dims: Sequence[str]) -> Table:
    """Read a data frame.

    Parameters
    ----------
    frame : pandas.DataFrame or polars.DataFrame
        A frame of polars has no index. Its first column is used as one if it is the only column
        of texts.
    default_dims : sequence of str
        Names of the axes that the frame does not name.

    Raises
    ------
    TypeError
        If a column does not hold numbers.
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
    dtypes = dict(zip(frame.columns, frame.dtypes, strict=True))
    texts = [n for n, dtype in dtypes.items() if str(dtype) in ("String", "Categorical", "Enum")]
    index = texts[0] if texts and texts == frame.columns[:1] else None
    values = frame if index is None else frame.drop(index)
    for name in values.columns:
        # A column without any values has the type Null.
        dtype = dtypes[name]
        if not (dtype.is_numeric() or str(dtype) in ("Boolean", "Null")):
            raise TypeError(f"array must hold real numbers, got column {name!r} of dtype {dtype}")
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
    # Beside a known name, an unknown one is not kept: it may be that of a column of words.
    known = [name if name and role_of(name) else None for name in texts]
    roles = {_role(name) for name in known if name}
    rest = iter([name for name in default if _role(name) not in roles])
    return tuple(name or next(rest, default[at]) for at, name in enumerate(known))


def _role(name: str) -> str | None:
    """Role of a name; "item" for tokens and prompts."""
    role = role_of(name)
    return "item" if role in ITEM_ROLES else role


def _counts(axis: Any) -> bool:
    """Whether an index is the default index of pandas."""
    return type(axis).__name__ == "RangeIndex" and axis.start == 0 and axis.step == 1


def _label(label: Any) -> Any:
    """Label; several levels as one text."""
    return ", ".join(map(str, label)) if isinstance(label, tuple) else label


def _values(frame: Any) -> NDArray[Any]:
    for name, dtype in zip(frame.columns, frame.dtypes, strict=True):
        if getattr(dtype, "kind", "O") not in "biuf":
            raise TypeError(f"array must hold real numbers, got column {name!r} of dtype {dtype}")
    values: NDArray[Any] = frame.to_numpy()
    if values.dtype.kind in "biuf":
        return values
    return np.asarray(frame.to_numpy(dtype=np.float64, na_value=np.nan))
